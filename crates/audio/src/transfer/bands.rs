//! Responses from levels in bands: for speech, composite source signals and noise.

use std::ops::RangeInclusive;

use crate::measurement::Unmeasurable;
use crate::transfer::Response;
use crate::transfer::welch::{band_power, power_spectrum};
use crate::unit::Db;

/// Bands further below the strongest one of the reference than this have no response, dB: what comes back there is not
/// the reference's.
const DYNAMIC_DB: f64 = 80.0;

/// Width of the bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bands {
    /// Third octaves around the preferred numbers R 10: 10^(k/10) Hz.
    ThirdOctave,
    /// Twelfth octaves around the preferred numbers R 40: 10^(k/40) Hz (as in TS 26.132).
    TwelfthOctave,
}

impl Bands {
    /// Bands of a decade.
    fn per_decade(self) -> f64 {
        match self {
            Self::ThirdOctave => 10.0,
            Self::TwelfthOctave => 40.0,
        }
    }

    /// Exact centres between two frequencies, Hz; a nominal frequency (315 Hz) means its exact one (316.2 Hz).
    #[must_use]
    pub fn centres(self, range: RangeInclusive<f64>) -> Vec<f64> {
        let index = |hz: f64| (self.per_decade() * hz.clamp(1.0, 1e6).log10()).round() as i32;
        if !(range.start().is_finite() && range.end() >= range.start()) {
            return Vec::new();
        }
        (index(*range.start())..=index(*range.end()))
            .map(|band| 10f64.powf(f64::from(band) / self.per_decade()))
            .collect()
    }

    /// Lower and upper edge of the band around a centre, Hz.
    #[must_use]
    pub fn edges(self, centre_hz: f64) -> (f64, f64) {
        let half = 10f64.powf(0.5 / self.per_decade());
        (centre_hz / half, centre_hz * half)
    }
}

/// Levels of a signal in bands, dBov, for the bands that lie below half the rate: (exact centre in Hz, level).
///
/// # Errors
/// Nothing to measure.
pub fn band_levels(
    samples: &[f32],
    rate: u32,
    bands: Bands,
    range: RangeInclusive<f64>,
) -> Result<Vec<(f64, f64)>, Unmeasurable> {
    let (power, step) = power_spectrum(samples, rate)?;
    Ok(bands
        .centres(range)
        .into_iter()
        .filter(|centre| bands.edges(*centre).1 <= f64::from(rate) / 2.0)
        .map(|centre| {
            let (low, high) = bands.edges(centre);
            (centre, 10.0 * band_power(&power, step, low, high).log10())
        })
        .collect())
}

/// The response between two recordings as the difference of their levels in bands (TS 26.132 clause 7.3: levels over the
/// whole signal, so a delay between the two does not matter).
///
/// Bands of which the reference has nothing are left out.
///
/// # Errors
/// Nothing to measure, silent signals.
pub fn level_difference(
    reference: &[f32],
    measured: &[f32],
    rate: u32,
    bands: Bands,
    range: RangeInclusive<f64>,
) -> Result<Response, Unmeasurable> {
    level_difference_within(reference, measured, rate, bands, range, Db(DYNAMIC_DB))
}

/// [`level_difference`] of the bands alone in which the reference is less than `dynamic` below its strongest band: a weak
/// return is told from noise only where something was played.
///
/// # Errors
/// Nothing to measure, silent signals.
pub fn level_difference_within(
    reference: &[f32],
    measured: &[f32],
    rate: u32,
    bands: Bands,
    range: RangeInclusive<f64>,
    dynamic: Db,
) -> Result<Response, Unmeasurable> {
    let reference_levels = band_levels(reference, rate, bands, range.clone())?;
    let measured_levels = band_levels(measured, rate, bands, range)?;
    // levels are those of the mean power: recordings of different lengths hold the same signal
    let lengths_db = 10.0 * (measured.len() as f64 / reference.len() as f64).log10();
    let strongest = reference_levels
        .iter()
        .map(|band| band.1)
        .fold(f64::NEG_INFINITY, f64::max);
    if strongest == f64::NEG_INFINITY {
        return Err(Unmeasurable::Silent);
    }
    let response = Response::new(
        reference_levels
            .iter()
            .zip(&measured_levels)
            .filter(|(reference, _)| reference.1 > strongest - dynamic.0)
            .map(|(reference, measured)| (reference.0, measured.1 - reference.1 + lengths_db)),
    );
    if response.points().is_empty() {
        return Err(Unmeasurable::Silent);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::{pink_noise, speech_like};

    #[test]
    fn centres_are_the_preferred_numbers() {
        let third = Bands::ThirdOctave.centres(100.0..=8000.0);
        assert_eq!(third.len(), 20);
        assert!((third[5] - 316.23).abs() < 0.01);
        assert_eq!(Bands::TwelfthOctave.centres(100.0..=1000.0).len(), 41);
        assert!(Bands::ThirdOctave.centres(f64::NAN..=8000.0).is_empty());
        assert!(Bands::ThirdOctave.centres(800.0..=80.0).is_empty());
        let (low, high) = Bands::ThirdOctave.edges(1000.0);
        assert!((low - 891.25).abs() < 0.01 && (high - 1122.02).abs() < 0.01);
    }

    #[test]
    fn pink_noise_is_flat_in_bands() {
        let samples = pink_noise(DbOv(-20.0), 20.0, 16000, 1);
        let levels = band_levels(&samples, 16000, Bands::ThirdOctave, 200.0..=8000.0).expect("samples");
        // the band at 8 kHz reaches beyond half the rate
        assert_eq!(levels.len(), 16);
        for (hz, level) in &levels {
            assert!((level - levels[8].1).abs() < 1.0, "{hz}: {level}");
        }
    }

    #[test]
    fn gain_and_delay_of_speech() {
        let speech = speech_like(4.0, 16000, 3);
        let mut later: Vec<f32> = vec![0.0; 1234];
        later.extend(speech.iter().map(|x| x * 0.5));
        for bands in [Bands::ThirdOctave, Bands::TwelfthOctave] {
            let response = level_difference(&speech, &later, 16000, bands, 100.0..=7000.0).expect("speech");
            for (hz, gain) in response.points() {
                assert!((gain + 6.0206).abs() < 0.1, "{hz}: {gain}");
            }
        }
        assert_eq!(
            level_difference(&[0.0; 100], &speech, 16000, Bands::ThirdOctave, 100.0..=7000.0),
            Err(Unmeasurable::Silent)
        );
    }
}
