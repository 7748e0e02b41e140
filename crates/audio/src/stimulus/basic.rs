//! Tones, silence and white noise.

use crate::level::DbOv;
use crate::stimulus::length;
use crate::stimulus::random::Random;

const LOW_GROUP_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_GROUP_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYPAD: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// A sine of rms level `dbov`; above -3.01 dBov it exceeds full scale. It starts at phase zero.
#[must_use]
pub fn sine(hz: f64, dbov: DbOv, seconds: f64, rate: u32) -> Vec<f32> {
    let amplitude = dbov.to_rms() * std::f64::consts::SQRT_2;
    let step = std::f64::consts::TAU * hz / f64::from(rate.max(1));
    (0..length(seconds, rate))
        .map(|n| (amplitude * (step * n as f64).sin()) as f32)
        .collect()
}

/// The tone pair of a DTMF digit (ITU-T Q.23), each tone with its own rms level; `None` when the character is no digit.
#[must_use]
pub fn dtmf(digit: char, low: DbOv, high: DbOv, seconds: f64, rate: u32) -> Option<Vec<f32>> {
    let digit = digit.to_ascii_uppercase();
    let (row, column) = KEYPAD.iter().enumerate().find_map(|(row, keys)| {
        keys.iter()
            .position(|key| *key == digit)
            .map(|column| (row, column))
    })?;
    let low = sine(LOW_GROUP_HZ[row], low, seconds, rate);
    let high = sine(HIGH_GROUP_HZ[column], high, seconds, rate);
    Some(low.iter().zip(&high).map(|(low, high)| low + high).collect())
}

/// Digital silence.
#[must_use]
pub fn silence(seconds: f64, rate: u32) -> Vec<f32> {
    vec![0.0; length(seconds, rate)]
}

/// White noise of uniform distribution with rms level `dbov`.
#[must_use]
pub fn white_noise(dbov: DbOv, seconds: f64, rate: u32, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let amplitude = dbov.to_rms() * 3f64.sqrt();
    (0..length(seconds, rate))
        .map(|_| (amplitude * random.signed()) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;

    #[test]
    fn levels_and_lengths_are_as_asked() {
        let samples = sine(1000.0, DbOv(-20.0), 0.5, 16000);
        assert_eq!(samples.len(), 8000);
        assert!((rms_dbov(&samples).0 + 20.0).abs() < 1e-4);
        let noise = white_noise(DbOv(-30.0), 4.0, 8000, 1);
        assert!((rms_dbov(&noise).0 + 30.0).abs() < 0.1);
        assert_eq!(silence(0.02, 8000), vec![0.0; 160]);
        assert!(sine(1000.0, DbOv(-20.0), f64::NAN, 8000).is_empty());
        assert!(silence(-1.0, 8000).is_empty());
    }

    #[test]
    fn a_digit_is_two_tones() {
        let samples = dtmf('d', DbOv(-15.0), DbOv(-15.0), 0.1, 8000).expect("a digit");
        assert!((rms_dbov(&samples).0 + 11.99).abs() < 0.1);
        assert_eq!(dtmf('x', DbOv(-15.0), DbOv(-15.0), 0.1, 8000), None);
    }
}
