//! Descriptions with another duration or seed.

use crate::stimulus::{Description, Signal};

impl Description {
    /// The same signal with another duration in s; one made of periods or bursts gets as many whole ones as reach over it.
    /// `None` for signals whose parts set their duration: stepped sine, pulsed noise, digits.
    #[must_use]
    pub fn with_seconds(mut self, seconds: f64) -> Option<Self> {
        let rate = f64::from(self.rate_hz.max(1));
        // the conversion saturates and takes NaN to zero, which the check refuses
        let parts = |each_s: f64| (seconds / each_s).ceil() as u32;
        match &mut self.signal {
            Signal::Sine(signal) => signal.seconds = seconds,
            Signal::WhiteNoise(signal) | Signal::PinkNoise(signal) | Signal::HothNoise(signal) => {
                signal.seconds = seconds;
            }
            Signal::BandNoise(signal) => signal.seconds = seconds,
            Signal::CompositeSource(signal) => signal.periods = parts(signal.period_s()),
            Signal::Activation(signal) => signal.bursts = parts(signal.period_s()),
            Signal::AmFm(signal) => signal.seconds = seconds,
            Signal::LogSweep(signal) => signal.seconds = seconds - signal.silence_s,
            Signal::MaximumLength(signal) => signal.periods = parts(signal.period() as f64 / rate),
            Signal::SpeechLike(signal) => signal.seconds = seconds,
            Signal::Counter(signal) => signal.seconds = seconds,
            Signal::SteppedSine(_) | Signal::PulsedNoise(_) | Signal::Dtmf(_) => return None,
        }
        Some(self)
    }

    /// The same signal with another seed; `None` for one that has none.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Option<Self> {
        let slot = match &mut self.signal {
            Signal::WhiteNoise(signal) | Signal::PinkNoise(signal) | Signal::HothNoise(signal) => {
                &mut signal.seed
            }
            Signal::BandNoise(signal) => &mut signal.seed,
            Signal::CompositeSource(signal) => &mut signal.seed,
            Signal::Activation(signal) => &mut signal.seed,
            Signal::PulsedNoise(signal) => &mut signal.seed,
            Signal::SpeechLike(signal) => &mut signal.seed,
            Signal::Sine(_)
            | Signal::AmFm(_)
            | Signal::LogSweep(_)
            | Signal::SteppedSine(_)
            | Signal::MaximumLength(_)
            | Signal::Counter(_)
            | Signal::Dtmf(_) => return None,
        };
        *slot = seed;
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use crate::stimulus::{named, names};

    #[test]
    fn durations_and_seeds_are_changed_where_they_can() {
        let (mut longer, mut seeded) = (0, 0);
        for name in names() {
            let description = named(name, 16000).expect("a name of the list");
            if let Some(changed) = description.clone().with_seconds(7.0) {
                assert!(
                    (6.99..12.0).contains(&changed.seconds()),
                    "{name}: {} s",
                    changed.seconds()
                );
                assert_eq!(changed.check(), Ok(()), "{name}");
                longer += 1;
            }
            if let Some(changed) = description.clone().with_seed(77) {
                assert_ne!(changed, description, "{name}");
                seeded += 1;
            }
            if let Some(changed) = description.with_seconds(f64::NAN) {
                assert!(changed.check().is_err(), "{name}");
            }
        }
        assert_eq!((longer, seeded), (15, 10));
    }
}
