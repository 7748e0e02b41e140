//! Signals written down as text.

use serde::{Deserialize, Serialize};

use crate::level::DbOv;
use crate::stimulus::{
    ActivationSequence, AmFm, CompositeSource, Counter, Digits, LogSweep, MaximumLength, PulsedNoise,
    SteppedSine, basic, noise, speech_like,
};

/// Most samples a description may make: 23 minutes at 48 kHz.
pub const MAXIMUM_SAMPLES: usize = 1 << 26;
/// Longest text that is read, bytes.
const LONGEST_TEXT: usize = 1 << 16;

/// A signal with its rate and level: all that is needed to make its samples again.
///
/// As text it is TOML:
///
/// ```toml
/// rate_hz = 48000
/// level_dbov = -26.0
///
/// [signal]
/// kind = "log-sweep"
/// low_hz = 50.0
/// high_hz = 20000.0
/// seconds = 5.0
/// fade_s = 0.01
/// silence_s = 1.0
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Sampling rate, Hz; 4000 to 192000.
    pub rate_hz: u32,
    /// Level, dBov; -120 to 3. What it is the level of is said with each signal.
    pub level_dbov: f64,
    /// The signal.
    pub signal: Signal,
}

/// A signal and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Signal {
    /// A sine; the level is its rms level.
    Sine(Tone),
    /// White noise of uniform distribution; the level is its expected rms level.
    WhiteNoise(Noise),
    /// Pink noise; the level is its rms level.
    PinkNoise(Noise),
    /// Hoth noise; the level is its rms level.
    HothNoise(Noise),
    /// Noise of flat density between two frequencies; the level is its rms level.
    BandNoise(BandNoise),
    /// Composite source signal; the level is that without pauses.
    CompositeSource(CompositeSource),
    /// Bursts of rising level; the level is that of the last.
    Activation(ActivationSequence),
    /// Modulated tones of one direction; the level is the rms level.
    AmFm(AmFm),
    /// Logarithmic sweep; the level is that of its sine.
    LogSweep(LogSweep),
    /// Tones one after the other; the level is that of a tone of 0 dB.
    SteppedSine(SteppedSine),
    /// Pulses of third-octave noise; the level is that of a pulse.
    PulsedNoise(PulsedNoise),
    /// Maximum-length sequence; the level is its rms level.
    MaximumLength(MaximumLength),
    /// A signal like speech; the level is the active speech level.
    SpeechLike(SpeechLike),
    /// A stretch of the counter signal; the level is its rms level.
    Counter(Counter),
    /// DTMF digits; the level is that of the low tone.
    Dtmf(Digits),
}

/// Parameters of [`Signal::Sine`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tone {
    /// Frequency, Hz.
    pub hz: f64,
    /// Duration, s.
    pub seconds: f64,
}

/// Parameters of white, pink and Hoth noise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Duration, s.
    pub seconds: f64,
    /// Seed.
    pub seed: u64,
}

/// Parameters of [`Signal::BandNoise`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandNoise {
    /// Lower edge, Hz.
    pub low_hz: f64,
    /// Upper edge, Hz.
    pub high_hz: f64,
    /// Duration, s.
    pub seconds: f64,
    /// Seed.
    pub seed: u64,
}

/// Parameters of [`Signal::SpeechLike`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechLike {
    /// Duration, s.
    pub seconds: f64,
    /// Seed: different seeds are different utterances.
    pub seed: u64,
}

/// Why a description describes no signal.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DescriptionError {
    /// The text is too long to be one.
    #[error("{bytes} bytes are too many for a description of a signal")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not TOML, or not these keys and values.
    #[error("{0}")]
    Syntax(String),
    /// A value outside its range.
    #[error("{field} is {value}: {wanted}")]
    Range {
        /// Name of the key.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What would be right.
        wanted: String,
    },
    /// Characters that are no DTMF digits.
    #[error("{0:?} are no DTMF digits: 0 to 9, *, # and A to D are")]
    Digits(String),
    /// More samples than are made.
    #[error("the signal would have {samples} samples; {MAXIMUM_SAMPLES} are the most")]
    TooManySamples {
        /// How many.
        samples: u64,
    },
}

impl Description {
    /// Reads a description; what it returns is possible and small enough to be made.
    ///
    /// # Errors
    /// A text that is not one, values out of range, too many samples.
    pub fn from_toml(text: &str) -> Result<Self, DescriptionError> {
        if text.len() > LONGEST_TEXT {
            return Err(DescriptionError::TooLong { bytes: text.len() });
        }
        let description: Self = toml::from_str(text)
            .map_err(|error| DescriptionError::Syntax(error.to_string().trim_end().to_owned()))?;
        description.check()?;
        Ok(description)
    }

    /// The text of the description.
    ///
    /// # Errors
    /// Values out of range.
    pub fn to_toml(&self) -> Result<String, DescriptionError> {
        self.check()?;
        toml::to_string(self).map_err(|error| DescriptionError::Syntax(error.to_string()))
    }

    /// Duration, s.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let parts = |count: u32, each: f64| f64::from(count) * each;
        match &self.signal {
            Signal::Sine(signal) => signal.seconds,
            Signal::WhiteNoise(signal) | Signal::PinkNoise(signal) | Signal::HothNoise(signal) => {
                signal.seconds
            }
            Signal::BandNoise(signal) => signal.seconds,
            Signal::CompositeSource(signal) => parts(signal.periods, signal.period_s()),
            Signal::Activation(signal) => parts(signal.bursts, signal.period_s()),
            Signal::AmFm(signal) => signal.seconds,
            Signal::LogSweep(signal) => signal.seconds + signal.silence_s,
            Signal::SteppedSine(signal) => {
                (signal.hz.len() * signal.levels_db.len().max(1)) as f64 * (signal.tone_s + signal.pause_s)
            }
            Signal::PulsedNoise(signal) => parts(
                signal.pulses,
                signal.centres().len() as f64 * (signal.pulse_s + signal.pause_s),
            ),
            Signal::MaximumLength(signal) => parts(
                signal.periods,
                signal.period() as f64 / f64::from(self.rate_hz.max(1)),
            ),
            Signal::SpeechLike(signal) => signal.seconds,
            Signal::Counter(signal) => signal.seconds,
            Signal::Dtmf(signal) => signal.digits.chars().count() as f64 * (signal.tone_s + signal.pause_s),
        }
    }

    /// The samples, full scale 1.0; a level above that of full scale is not limited here.
    ///
    /// # Errors
    /// Values out of range, too many samples.
    pub fn samples(&self) -> Result<Vec<f32>, DescriptionError> {
        self.check()?;
        let (level, rate) = (DbOv(self.level_dbov), self.rate_hz);
        Ok(match &self.signal {
            Signal::Sine(signal) => basic::sine(signal.hz, level, signal.seconds, rate),
            Signal::WhiteNoise(signal) => basic::white_noise(level, signal.seconds, rate, signal.seed),
            Signal::PinkNoise(signal) => noise::pink_noise(level, signal.seconds, rate, signal.seed),
            Signal::HothNoise(signal) => noise::hoth_noise(level, signal.seconds, rate, signal.seed),
            Signal::BandNoise(signal) => noise::band_noise(
                signal.low_hz,
                signal.high_hz,
                level,
                signal.seconds,
                rate,
                signal.seed,
            ),
            Signal::CompositeSource(signal) => signal.samples(level, rate),
            Signal::Activation(signal) => signal.samples(level, rate),
            Signal::AmFm(signal) => signal.samples(level, rate),
            Signal::LogSweep(signal) => signal.samples(level, rate),
            Signal::SteppedSine(signal) => signal.samples(level, rate),
            Signal::PulsedNoise(signal) => signal.samples(level, rate),
            Signal::MaximumLength(signal) => signal.samples(level),
            Signal::SpeechLike(signal) => {
                let mut samples = speech_like::speech_like(signal.seconds, rate, signal.seed);
                speech_like::level_to(&mut samples, rate, level);
                samples
            }
            Signal::Counter(signal) => signal.samples(level, rate),
            Signal::Dtmf(signal) => signal.samples(level, rate),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::{named, names};
    use proptest::prelude::*;

    #[test]
    fn every_named_signal_survives_its_text() {
        for name in names() {
            let description = named(name, 16000).expect("a name of the list");
            let text = description.to_toml().expect("possible");
            assert_eq!(Description::from_toml(&text), Ok(description), "{name}\n{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let sine = "rate_hz = 8000\nlevel_dbov = -20\n[signal]\nkind = \"sine\"\nhz = 5000\nseconds = 1\n";
        let error = Description::from_toml(sine).expect_err("above half the rate");
        assert_eq!(error.to_string(), "hz is 5000: a value from 1 to 4000 is needed");
        let unknown = sine.replace("seconds", "secnds");
        assert!(matches!(
            Description::from_toml(&unknown),
            Err(DescriptionError::Syntax(_))
        ));
        let long = sine
            .replace("5000", "500")
            .replace("seconds = 1", "seconds = 3600")
            .replace("8000", "192000");
        assert!(matches!(
            Description::from_toml(&long),
            Err(DescriptionError::TooManySamples { .. })
        ));
        assert!(matches!(
            Description::from_toml(&" ".repeat(100_000)),
            Err(DescriptionError::TooLong { bytes: 100_000 })
        ));
        let nan = sine.replace("-20", "nan");
        assert!(matches!(
            Description::from_toml(&nan),
            Err(DescriptionError::Range {
                field: "level_dbov",
                ..
            })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), name in 0usize..30, cut in 0usize..300) {
            let _ = Description::from_toml(&text);
            let names: Vec<&str> = names().collect();
            let whole = named(names[name % names.len()], 8000).and_then(|d| d.to_toml().ok()).unwrap_or_default();
            let broken: String = whole.chars().take(cut).chain(text.chars()).collect();
            if let Ok(description) = Description::from_toml(&broken) {
                prop_assert!(description.seconds() * f64::from(description.rate_hz) <= MAXIMUM_SAMPLES as f64);
            }
        }
    }
}
