//! Does comfort noise match the background it stands for?

use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::octave::{Band, Fraction};
use crate::spectrum::power_spectrum;
use crate::unit::Db;
use crate::weighting::Weighting;

/// Difference in one band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandDifference {
    /// The third-octave band.
    pub band: Band,
    /// Comfort noise minus background.
    pub difference: Db,
}

/// Comfort noise against background noise.
#[derive(Debug, Clone, PartialEq)]
pub struct ComfortNoiseMatch {
    /// A-weighted level of the comfort noise minus that of the background.
    pub level: Measurement<Db>,
    /// Third-octave bands from 200 Hz up in which either has a level.
    pub bands: Vec<BandDifference>,
    /// The band that differs most from the rest: largest magnitude of the difference.
    pub worst: BandDifference,
}

/// Compares a recording of comfort noise with one of the background noise it replaces, both at the same point and gain.
///
/// # Errors
/// Either is empty or silent, or the rate is too low for a band.
pub fn comfort_noise_match(
    background: &[f32],
    comfort: &[f32],
    rate: u32,
) -> Result<ComfortNoiseMatch, Unmeasurable> {
    let (background, comfort) = (power_spectrum(background, rate)?, power_spectrum(comfort, rate)?);
    let level = |difference: f64| -> Measured<Db> { Measurement::single(Db(difference)) };
    let a = |spectrum: &crate::spectrum::PowerSpectrum| spectrum.weighted(Weighting::A).level.0;
    let (was, is) = (a(&background), a(&comfort));
    if !was.is_finite() || !is.is_finite() {
        return Err(Unmeasurable::Silent);
    }
    let high = f64::from(rate) / 2.0;
    let bands: Vec<BandDifference> = background
        .octave_levels(Fraction::Third, 200.0, high)
        .into_iter()
        .zip(comfort.octave_levels(Fraction::Third, 200.0, high))
        .map(|(was, is)| BandDifference {
            band: was.band,
            difference: Db(is.level.0 - was.level.0),
        })
        .filter(|band| !band.difference.0.is_nan())
        .collect();
    let worst = bands
        .iter()
        .copied()
        .max_by(|a, b| a.difference.0.abs().total_cmp(&b.difference.0.abs()));
    Ok(ComfortNoiseMatch {
        level: level(is - was)?,
        worst: worst.ok_or(Unmeasurable::RateTooLow {
            rate,
            needed_hz: 225.0,
        })?,
        bands,
    })
}

/// By how many dB either way a band at a frequency in Hz may differ, according to a secondary transcription of ITU-T
/// P.1110; for information, not for verdicts. `None` where it says nothing.
#[must_use]
pub fn informative_band_limit(hz: f64) -> Option<Db> {
    match hz {
        200.0..800.0 => Some(Db(12.0)),
        800.0..2000.0 => Some(Db(10.0)),
        2000.0..=14_000.0 => Some(Db(6.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn a_louder_noise_of_the_same_kind_differs_by_its_gain_everywhere() {
        for rate in [8000, 16_000, 48_000] {
            let background = white_noise(DbOv(-60.0), 6.0, rate, 1);
            let comfort = white_noise(DbOv(-57.0), 6.0, rate, 2);
            let found = comfort_noise_match(&background, &comfort, rate).expect("noise");
            assert!((found.level.value.0 - 3.0).abs() < 0.2, "{}", found.level);
            assert!(
                found
                    .bands
                    .iter()
                    .all(|band| (band.difference.0 - 3.0).abs() < 1.5),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_tone_in_the_comfort_noise_is_the_worst_band() {
        let background = white_noise(DbOv(-60.0), 4.0, 8000, 3);
        let tone = sine(1000.0, DbOv(-55.0), 4.0, 8000);
        let comfort: Vec<f32> = background.iter().zip(&tone).map(|(a, b)| a + b).collect();
        let found = comfort_noise_match(&background, &comfort, 8000).expect("noise");
        assert_eq!(found.worst.band.nominal_hz, 1000.0);
        assert!(found.worst.difference.0 > informative_band_limit(1000.0).expect("a limit").0);
    }

    #[test]
    fn silence_has_no_match() {
        let noise = white_noise(DbOv(-60.0), 1.0, 8000, 4);
        assert_eq!(
            comfort_noise_match(&noise, &[0.0; 8000], 8000),
            Err(Unmeasurable::Silent)
        );
        assert!(comfort_noise_match(&[], &noise, 8000).is_err());
        assert!(comfort_noise_match(&noise, &noise, 100).is_err());
        assert_eq!(informative_band_limit(100.0), None);
    }
}
