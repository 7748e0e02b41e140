//! Coloured noise.

use crate::level::DbOv;
use crate::noise::hoth_density;
use crate::stimulus::length;
use crate::stimulus::synthesis::{noise_of_density, scaled};

/// Lowest frequency of pink noise, Hz: below, its power would grow without hearing it.
const PINK_FROM_HZ: f64 = 10.0;
/// Ends of the table of Hoth noise, Hz.
const FIRST_HOTH_HZ: f64 = 100.0;
const LAST_HOTH_HZ: f64 = 8000.0;
/// Half of a third octave, as a factor.
const HALF_THIRD_OCTAVE: f64 = 1.122_018_454_301_963_4;

/// Gaussian noise of equal power in every octave, from 10 Hz up, with rms level `dbov`. It repeats after 2^22 samples.
#[must_use]
pub fn pink_noise(dbov: DbOv, seconds: f64, rate: u32, seed: u64) -> Vec<f32> {
    let density = |hz: f64| (hz >= PINK_FROM_HZ).then(|| -10.0 * hz.log10());
    scaled(
        &noise_of_density(length(seconds, rate), rate, seed, density),
        dbov,
    )
}

/// Gaussian noise of flat density from `low_hz` to `high_hz` and nothing outside, with rms level `dbov`. It repeats
/// after 2^22 samples.
#[must_use]
pub fn band_noise(low_hz: f64, high_hz: f64, dbov: DbOv, seconds: f64, rate: u32, seed: u64) -> Vec<f32> {
    let density = |hz: f64| (low_hz..=high_hz).contains(&hz).then_some(0.0);
    scaled(
        &noise_of_density(length(seconds, rate), rate, seed, density),
        dbov,
    )
}

/// Hoth noise ([`hoth_density`], room noise for telephony) with rms level `dbov`, in the third-octave bands of 100 Hz to
/// 8 kHz or half the rate. It repeats after 2^22 samples.
#[must_use]
pub fn hoth_noise(dbov: DbOv, seconds: f64, rate: u32, seed: u64) -> Vec<f32> {
    let density = |hz: f64| {
        // the end bands reach half a band beyond their centres
        let within = (FIRST_HOTH_HZ / HALF_THIRD_OCTAVE..=LAST_HOTH_HZ * HALF_THIRD_OCTAVE).contains(&hz);
        within
            .then(|| hoth_density(hz.clamp(FIRST_HOTH_HZ, LAST_HOTH_HZ)))
            .flatten()
    };
    scaled(
        &noise_of_density(length(seconds, rate), rate, seed, density),
        dbov,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;
    use crate::noise::HOTH;
    use crate::stimulus::synthesis::rms;
    use realfft::RealFftPlanner;

    /// Power between two frequencies, dB.
    fn power_db(samples: &[f32], rate: u32, low: f64, high: f64) -> f64 {
        let forward = RealFftPlanner::new().plan_fft_forward(samples.len());
        let mut input: Vec<f64> = samples.iter().map(|&x| f64::from(x)).collect();
        let mut lines = forward.make_output_vec();
        forward
            .process(&mut input, &mut lines)
            .expect("sizes of the plan");
        let step = f64::from(rate) / samples.len() as f64;
        let power: f64 = (0..)
            .zip(&lines)
            .filter(|(line, _)| (low..high).contains(&(f64::from(*line) * step)))
            .map(|(_, value)| value.norm_sqr())
            .sum();
        10.0 * power.log10()
    }

    #[test]
    fn pink_noise_has_equal_octaves() {
        let samples = pink_noise(DbOv(-20.0), 262_144.0 / 16000.0, 16000, 1);
        assert!((rms_dbov(&samples).0 + 20.0).abs() < 1e-3);
        let octaves: Vec<f64> = (0..5)
            .map(|k| power_db(&samples, 16000, 125.0 * 2f64.powi(k), 250.0 * 2f64.powi(k)))
            .collect();
        for octave in &octaves {
            assert!((octave - octaves[0]).abs() < 0.6, "{octaves:?}");
        }
        assert_ne!(samples, pink_noise(DbOv(-20.0), 262_144.0 / 16000.0, 16000, 2));
        assert_eq!(samples, pink_noise(DbOv(-20.0), 262_144.0 / 16000.0, 16000, 1));
    }

    #[test]
    fn hoth_noise_has_its_bands() {
        let samples = hoth_noise(DbOv(-30.0), 524_288.0 / 32000.0, 32000, 5);
        let band = |hz: f64| power_db(&samples, 32000, hz / HALF_THIRD_OCTAVE, hz * HALF_THIRD_OCTAVE);
        let reference = band(1000.0);
        for (hz, density) in HOTH {
            let expected = density - 16.2 + 10.0 * (hz / 1000.0).log10();
            let measured = band(hz) - reference;
            assert!(
                (measured - expected).abs() < 1.0,
                "{hz} Hz: {measured} for {expected}"
            );
        }
    }

    #[test]
    fn band_noise_stays_in_its_band() {
        // a whole period, so that the lines of the test are those of the noise
        let samples = band_noise(900.0, 1100.0, DbOv(-26.0), 32768.0 / 16000.0, 16000, 9);
        let inside = power_db(&samples, 16000, 895.0, 1105.0);
        let outside = power_db(&samples, 16000, 1.0, 890.0).max(power_db(&samples, 16000, 1110.0, 8000.0));
        assert!(inside - outside > 100.0, "{inside} {outside}");
    }

    #[test]
    fn odd_arguments_give_silence() {
        for samples in [
            band_noise(f64::NAN, 100.0, DbOv(-20.0), 0.1, 8000, 1),
            band_noise(5000.0, 9000.0, DbOv(-20.0), 0.1, 8000, 1),
            hoth_noise(DbOv(f64::NAN), 0.1, 8000, 1),
        ] {
            assert!(samples.iter().all(|x| *x == 0.0));
        }
        assert!(pink_noise(DbOv(-20.0), -1.0, 8000, 1).is_empty());
        assert!(rms(&[]) == 0.0);
    }
}
