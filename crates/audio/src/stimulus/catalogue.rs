//! Signals with names.

use crate::stimulus::{
    ActivationSequence, AmFm, BandNoise, CompositeSource, Counter, Description, Digits, Direction, LogSweep,
    MaximumLength, Noise, PulsedNoise, Shaping, Signal, SpeechLike, SteppedSine, Tone, Variant,
};

const NAMES: [&str; 20] = [
    "sine-1020",
    "white-noise",
    "pink-noise",
    "hoth-noise",
    "band-noise",
    "css",
    "css-speech",
    "css-double-talk",
    "activation",
    "am-fm-send",
    "am-fm-receive",
    "log-sweep",
    "stepped-sine",
    "sdr-frequencies",
    "sdr-levels",
    "pulsed-noise",
    "mls",
    "speech-like",
    "counter",
    "dtmf",
];

/// Names that [`named`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// The signal of a name at a rate in Hz, with the parameters it usually has; `None` for another name. Its fields may be
/// changed; at a rate that is too low for it [`Description::check`] says so.
///
/// `sdr-frequencies` and `sdr-levels` are the tones of TS 26.131 table 15: -10 dB and so on are relative to the level.
#[must_use]
pub fn named(name: &str, rate_hz: u32) -> Option<Description> {
    let half = f64::from(rate_hz) / 2.0;
    let noise = Noise {
        seconds: 10.0,
        seed: 1,
    };
    let css = CompositeSource {
        variant: Variant::SingleTalk,
        periods: 20,
        shaping: Shaping::Flat,
        seed: 501,
    };
    let am_fm = |direction| AmFm {
        direction,
        highest_hz: (0.9 * half).min(7200.0),
        seconds: 10.0,
    };
    let tones = |hz: &[f64], levels_db: &[f64]| SteppedSine {
        hz: hz.to_vec(),
        levels_db: levels_db.to_vec(),
        tone_s: 1.0,
        pause_s: 0.25,
    };
    let (level_dbov, signal) = match name {
        "sine-1020" => (
            -22.15,
            Signal::Sine(Tone {
                hz: 1020.0,
                seconds: 5.0,
            }),
        ),
        "white-noise" => (-26.0, Signal::WhiteNoise(noise)),
        "pink-noise" => (-26.0, Signal::PinkNoise(noise)),
        "hoth-noise" => (-26.0, Signal::HothNoise(noise)),
        "band-noise" => (
            -26.0,
            Signal::BandNoise(BandNoise {
                low_hz: 300.0,
                high_hz: half.min(3400.0),
                seconds: 10.0,
                seed: 1,
            }),
        ),
        "css" => (-22.15, Signal::CompositeSource(css)),
        "css-speech" => (
            -22.15,
            Signal::CompositeSource(CompositeSource {
                shaping: Shaping::Speech,
                ..css
            }),
        ),
        "css-double-talk" => (
            -22.15,
            Signal::CompositeSource(CompositeSource {
                variant: Variant::DoubleTalk,
                ..css
            }),
        ),
        "activation" => (
            -16.0,
            Signal::Activation(ActivationSequence {
                bursts: 40,
                step_db: 1.0,
                seed: 501,
            }),
        ),
        "am-fm-send" => (-22.15, Signal::AmFm(am_fm(Direction::Send))),
        "am-fm-receive" => (-22.15, Signal::AmFm(am_fm(Direction::Receive))),
        "log-sweep" => (
            -16.0,
            Signal::LogSweep(LogSweep {
                low_hz: 50.0,
                high_hz: (0.95 * half).min(20_000.0),
                seconds: 5.0,
                fade_s: 0.01,
                silence_s: 1.0,
            }),
        ),
        "stepped-sine" => {
            let third_octaves: Vec<f64> = (20..=43)
                .map(|band| 10f64.powf(f64::from(band) / 10.0))
                .filter(|hz| *hz < 0.9 * half)
                .collect();
            (-22.15, Signal::SteppedSine(tones(&third_octaves, &[])))
        }
        "sdr-frequencies" => (
            -22.15,
            Signal::SteppedSine(tones(&[315.0, 408.0, 510.0, 816.0, 1020.0], &[])),
        ),
        "sdr-levels" => (
            -22.15,
            Signal::SteppedSine(tones(&[1020.0], &[9.7, 4.7, 0.0, -5.3, -10.3, -15.3])),
        ),
        "pulsed-noise" => (
            -22.15,
            Signal::PulsedNoise(PulsedNoise {
                low_hz: 250.0,
                high_hz: if half > 6000.0 { 5000.0 } else { 2500.0 },
                pulse_s: 0.5,
                pause_s: 0.25,
                pulses: 2,
                seed: 1,
            }),
        ),
        "mls" => (
            -22.15,
            Signal::MaximumLength(MaximumLength {
                order: 16,
                periods: 2,
            }),
        ),
        "speech-like" => (
            -26.0,
            Signal::SpeechLike(SpeechLike {
                seconds: 10.0,
                seed: 1,
            }),
        ),
        "counter" => (
            -20.0,
            Signal::Counter(Counter {
                start: 0,
                seconds: 60.0,
            }),
        ),
        "dtmf" => (
            -17.15,
            Signal::Dtmf(Digits {
                digits: "1234567890*#ABCD".to_owned(),
                tone_s: 0.1,
                pause_s: 0.1,
                twist_db: 2.0,
            }),
        ),
        _ => return None,
    };
    Some(Description {
        rate_hz,
        level_dbov,
        signal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;

    #[test]
    fn every_name_makes_a_signal() {
        for name in names() {
            let rate = 8000;
            {
                let description = named(name, rate).expect("a name of the list");
                let samples = description
                    .samples()
                    .unwrap_or_else(|error| panic!("{name} at {rate}: {error}"));
                let seconds = samples.len() as f64 / f64::from(rate);
                assert!(
                    (seconds - description.seconds()).abs() < 0.02,
                    "{name}: {seconds} s"
                );
                let level = rms_dbov(&samples).0;
                assert!(level.is_finite() && level < 0.0, "{name}: {level}");
            }
        }
        assert_eq!(named("nothing", 8000), None);
    }
}
