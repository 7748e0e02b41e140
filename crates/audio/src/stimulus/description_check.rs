//! Which values a description may have.

use std::ops::RangeInclusive;

use crate::stimulus::{Description, DescriptionError, MAXIMUM_SAMPLES, Signal, length};

/// Most tones of a stepped sine, and most bursts, periods and pulses of the other signals.
const MOST_PARTS: u32 = 10_000;
/// Sampling rates, Hz.
const RATES: RangeInclusive<u32> = 4_000..=192_000;
/// Levels, dBov.
const LEVELS: RangeInclusive<f64> = -120.0..=3.0;
/// Seeds: what a TOML integer can say.
const LARGEST_SEED: u64 = i64::MAX as u64;

impl Description {
    /// Whether every value is possible and the signal small enough to be made.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn check(&self) -> Result<(), DescriptionError> {
        let rate = f64::from(self.rate_hz);
        within(
            "rate_hz",
            rate,
            f64::from(*RATES.start())..=f64::from(*RATES.end()),
        )?;
        within("level_dbov", self.level_dbov, LEVELS)?;
        let frequency = |field, hz: f64| within(field, hz, 1.0..=rate / 2.0);
        let time = |field, seconds: f64| within(field, seconds, 0.0..=3600.0);
        let count = |field, parts: u32| within(field, f64::from(parts), 1.0..=f64::from(MOST_PARTS));
        let seed = |seed: u64| within("seed", seed as f64, 0.0..=LARGEST_SEED as f64);
        match &self.signal {
            Signal::Sine(signal) => {
                frequency("hz", signal.hz)?;
                time("seconds", signal.seconds)?;
            }
            Signal::WhiteNoise(signal) | Signal::PinkNoise(signal) | Signal::HothNoise(signal) => {
                time("seconds", signal.seconds)?;
                seed(signal.seed)?;
            }
            Signal::BandNoise(signal) => {
                band(signal.low_hz, signal.high_hz, rate / 2.0)?;
                time("seconds", signal.seconds)?;
                seed(signal.seed)?;
            }
            Signal::CompositeSource(signal) => {
                count("periods", signal.periods)?;
                seed(signal.seed)?;
            }
            Signal::Activation(signal) => {
                count("bursts", signal.bursts)?;
                within("step_db", signal.step_db, 0.0..=20.0)?;
                seed(signal.seed)?;
            }
            Signal::AmFm(signal) => {
                within("highest_hz", signal.highest_hz, 100.0..=100_000.0)?;
                time("seconds", signal.seconds)?;
            }
            Signal::LogSweep(signal) => {
                band(signal.low_hz, signal.high_hz, rate / 2.0)?;
                within("seconds", signal.seconds, 0.001..=3600.0)?;
                time("fade_s", signal.fade_s)?;
                time("silence_s", signal.silence_s)?;
            }
            Signal::SteppedSine(signal) => {
                for hz in &signal.hz {
                    frequency("hz", *hz)?;
                }
                for level in &signal.levels_db {
                    within("levels_db", *level, -120.0..=60.0)?;
                }
                let tones = signal.hz.len().saturating_mul(signal.levels_db.len().max(1));
                within("the number of tones", tones as f64, 1.0..=f64::from(MOST_PARTS))?;
                time("tone_s", signal.tone_s)?;
                time("pause_s", signal.pause_s)?;
            }
            Signal::PulsedNoise(signal) => {
                band(signal.low_hz, signal.high_hz, 0.45 * rate)?;
                count("pulses", signal.pulses)?;
                time("pulse_s", signal.pulse_s)?;
                time("pause_s", signal.pause_s)?;
                seed(signal.seed)?;
            }
            Signal::MaximumLength(signal) => {
                within("order", f64::from(signal.order), 2.0..=20.0)?;
                count("periods", signal.periods)?;
            }
            Signal::SpeechLike(signal) => {
                time("seconds", signal.seconds)?;
                seed(signal.seed)?;
            }
            Signal::Counter(signal) => time("seconds", signal.seconds)?,
            Signal::Dtmf(signal) => {
                if !signal.are_digits() {
                    return Err(DescriptionError::Digits(signal.digits.clone()));
                }
                within(
                    "the number of digits",
                    signal.digits.len() as f64,
                    1.0..=f64::from(MOST_PARTS),
                )?;
                time("tone_s", signal.tone_s)?;
                time("pause_s", signal.pause_s)?;
                within("twist_db", signal.twist_db, -30.0..=30.0)?;
            }
        }
        let samples = self.seconds() * rate;
        if samples > MAXIMUM_SAMPLES as f64 || length(self.seconds(), self.rate_hz) > MAXIMUM_SAMPLES {
            return Err(DescriptionError::TooManySamples {
                samples: samples as u64,
            });
        }
        Ok(())
    }
}

fn within(field: &'static str, value: f64, range: RangeInclusive<f64>) -> Result<(), DescriptionError> {
    if range.contains(&value) {
        return Ok(());
    }
    let wanted = format!("a value from {} to {} is needed", range.start(), range.end());
    Err(DescriptionError::Range { field, value, wanted })
}

fn band(low: f64, high: f64, highest: f64) -> Result<(), DescriptionError> {
    within("low_hz", low, 1.0..=highest)?;
    within("high_hz", high, low..=highest)?;
    if high > low || high < highest {
        return Ok(());
    }
    within("low_hz", low, 1.0..=high / 2.0)
}
