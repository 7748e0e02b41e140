//! Digits as samples.

use std::f64::consts::TAU;
use std::time::Duration;

use super::{FULL_SCALE_DBM0, HIGH_GROUP, LOW_GROUP, keys};

/// Longest tone or pause; a mistyped duration cannot exhaust memory.
const LONGEST: Duration = Duration::from_secs(60);

/// How digits are keyed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToneSpec {
    /// Length of each tone.
    pub duration: Duration,
    /// Pause after each tone.
    pub pause: Duration,
    /// Level of the low frequency in dBm0.
    pub low_dbm0: f64,
    /// Level of the high frequency over that of the low one in dB.
    pub twist_db: f64,
    /// Deviation of both frequencies, as a share.
    pub detuning: f64,
}

impl Default for ToneSpec {
    /// 100 ms on and off, -8 dBm0 and -6 dBm0: within ETSI ES 201 235-2, whose senders raise the high group by 1 to 4 dB.
    fn default() -> Self {
        Self {
            duration: Duration::from_millis(100),
            pause: Duration::from_millis(100),
            low_dbm0: -8.0,
            twist_db: 2.0,
            detuning: 0.0,
        }
    }
}

/// Samples of the digits, each followed by the pause; characters that are no digits are a pause of their own. Tones
/// beyond full scale are clipped.
#[must_use]
pub fn generate(digits: &str, spec: &ToneSpec, sample_rate: u32) -> Vec<i16> {
    let rate = f64::from(sample_rate);
    let samples = |duration: Duration| (duration.min(LONGEST).as_secs_f64() * rate).round() as usize;
    let amplitude = |dbm0: f64| 32_768.0 * 10f64.powf((dbm0 - FULL_SCALE_DBM0) / 20.0);
    let (low, high) = (amplitude(spec.low_dbm0), amplitude(spec.low_dbm0 + spec.twist_db));
    let mut signal = Vec::new();
    for digit in digits.chars() {
        if let Some((row, column)) = keys(digit) {
            let low_angle = TAU * LOW_GROUP[row] * (1.0 + spec.detuning) / rate;
            let high_angle = TAU * HIGH_GROUP[column] * (1.0 + spec.detuning) / rate;
            signal.extend((0..samples(spec.duration)).map(|n| {
                let n = n as f64;
                (low * (low_angle * n).sin() + high * (high_angle * n).sin()).round() as i16
            }));
        }
        signal.resize(signal.len() + samples(spec.pause), 0);
    }
    signal
}
