//! Complex responses from the cross spectrum (H1), and what two channels have in common.

use std::ops::RangeInclusive;

use realfft::num_complex::Complex;

use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::transfer::welch::{band_power, power_spectrum, spectra, weights};
use crate::transfer::{Bands, Response};
use crate::unit::{Db, Degrees};

/// A response with phase and coherence.
#[derive(Debug, Clone, PartialEq)]
pub struct ComplexResponse {
    /// The bands that have power in the reference.
    pub bands: Vec<ComplexBand>,
}

/// Response in one band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComplexBand {
    /// Exact centre, Hz.
    pub hz: f64,
    /// Gain, dB.
    pub gain_db: f64,
    /// Phase of the measured signal relative to the reference, degrees, -180 to 180.
    pub phase_degrees: f64,
    /// Share of the measured power that comes from the reference linearly, 0 to 1.
    pub coherence: f64,
}

impl ComplexResponse {
    /// The gain alone.
    #[must_use]
    pub fn response(&self) -> Response {
        Response::new(self.bands.iter().map(|band| (band.hz, band.gain_db)))
    }
}

/// The response by H1, cross spectrum over power spectrum of the reference (J. S. Bendat and A. G. Piersol, "Random
/// Data"): noise in the measured signal does not bias it. The recordings must be aligned to within a few milliseconds:
/// a delay turns the phase within a band and lowers gain and coherence.
///
/// # Errors
/// Nothing to measure, a silent reference.
pub fn h1(
    reference: &[f32],
    measured: &[f32],
    rate: u32,
    bands: Bands,
    range: RangeInclusive<f64>,
) -> Result<ComplexResponse, Unmeasurable> {
    let spectra = spectra(reference, measured, rate)?;
    let total: f64 = spectra.input.iter().sum();
    let found: Vec<ComplexBand> = bands
        .centres(range)
        .into_iter()
        .filter(|centre| bands.edges(*centre).1 <= f64::from(rate) / 2.0)
        .filter_map(|hz| {
            let (low, high) = bands.edges(hz);
            let input = band_power(&spectra.input, spectra.step, low, high);
            let output = band_power(&spectra.output, spectra.step, low, high);
            let cross: Complex<f64> = weights(spectra.cross.len(), spectra.step, low, high)
                .map(|(line, weight)| spectra.cross[line] * weight)
                .sum();
            // 100 dB below everything is arithmetic, not signal
            (input > 1e-10 * total).then(|| ComplexBand {
                hz,
                gain_db: 20.0 * (cross.norm() / input).log10(),
                phase_degrees: cross.arg().to_degrees(),
                coherence: if output > 0.0 {
                    (cross.norm_sqr() / (input * output)).min(1.0)
                } else {
                    0.0
                },
            })
        })
        .collect();
    if found.is_empty() {
        return Err(Unmeasurable::Silent);
    }
    Ok(ComplexResponse { bands: found })
}

/// How well two channels that got the same signal match: the largest differences of gain and phase of any band.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMatch {
    /// Largest magnitude of the difference of gain, dB.
    pub gain: Measurement<Db>,
    /// Where, Hz.
    pub gain_hz: f64,
    /// Largest magnitude of the difference of phase, degrees.
    pub phase: Measurement<Degrees>,
    /// Where, Hz.
    pub phase_hz: f64,
}

/// Compares two channels in third-octave bands.
///
/// # Errors
/// Nothing to measure, a silent channel.
pub fn channel_match(
    first: &[f32],
    second: &[f32],
    rate: u32,
    range: RangeInclusive<f64>,
) -> Result<ChannelMatch, Unmeasurable> {
    let response = h1(first, second, rate, Bands::ThirdOctave, range)?;
    let worst = |value: fn(&ComplexBand) -> f64| {
        response
            .bands
            .iter()
            .map(|band| (value(band).abs(), band.hz))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .ok_or(Unmeasurable::NothingToMeasure)
    };
    let (gain, gain_hz) = worst(|band| band.gain_db)?;
    let (phase, phase_hz) = worst(|band| band.phase_degrees)?;
    if !gain.is_finite() {
        return Err(Unmeasurable::Silent);
    }
    Ok(ChannelMatch {
        gain: Measurement::single(Db(gain))?,
        gain_hz,
        phase: Measurement::single(Degrees(phase))?,
        phase_hz,
    })
}

/// Level of the other channel relative to the driven one within a band of frequencies, dB; minus infinity when the other
/// is silent there.
///
/// # Errors
/// Nothing to measure, a silent driven channel.
pub fn crosstalk(driven: &[f32], other: &[f32], rate: u32, range: RangeInclusive<f64>) -> Measured<Db> {
    let level = |samples: &[f32]| -> Result<f64, Unmeasurable> {
        let (power, step) = power_spectrum(samples, rate)?;
        Ok(band_power(&power, step, *range.start(), *range.end()))
    };
    let driven = level(driven)?;
    if driven <= 0.0 {
        return Err(Unmeasurable::Silent);
    }
    Measurement::single(Db(10.0 * (level(other)? / driven).log10()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::white_noise;

    #[test]
    fn a_delay_of_one_sample_is_a_known_phase() {
        let noise = white_noise(DbOv(-20.0), 4.0, 48000, 1);
        let late: Vec<f32> = std::iter::once(0.0)
            .chain(noise.iter().map(|x| 0.5 * x))
            .collect();
        let response = h1(&noise, &late, 48000, Bands::ThirdOctave, 200.0..=8000.0).expect("noise");
        for band in &response.bands {
            let expected = -360.0 * band.hz / 48000.0;
            assert!((band.gain_db + 6.02).abs() < 0.05, "{band:?}");
            assert!(
                (band.phase_degrees - expected).abs() < 1.0,
                "{band:?} for {expected}"
            );
            assert!(band.coherence > 0.95, "{band:?}");
        }
    }

    #[test]
    fn added_noise_lowers_coherence_and_not_gain() {
        let noise = white_noise(DbOv(-20.0), 20.0, 16000, 1);
        let other = white_noise(DbOv(-20.0), 20.0, 16000, 2);
        let sum: Vec<f32> = noise.iter().zip(&other).map(|(a, b)| a + b).collect();
        let response = h1(&noise, &sum, 16000, Bands::ThirdOctave, 500.0..=6300.0).expect("noise");
        for band in &response.bands {
            assert!(band.gain_db.abs() < 0.6, "{band:?}");
            assert!((band.coherence - 0.5).abs() < 0.1, "{band:?}");
        }
    }

    #[test]
    fn channels_and_crosstalk() {
        let left = white_noise(DbOv(-20.0), 2.0, 48000, 1);
        let right: Vec<f32> = left.iter().map(|x| x * 1.122_018_5).collect();
        let same = channel_match(&left, &right, 48000, 100.0..=10_000.0).expect("noise");
        assert!(
            (same.gain.value.0 - 1.0).abs() < 0.001 && same.phase.value.0 < 0.01,
            "{same:?}"
        );
        let quiet: Vec<f32> = left.iter().map(|x| x * 0.01).collect();
        let leak = crosstalk(&left, &quiet, 48000, 50.0..=10_000.0).expect("noise");
        assert!((leak.value.0 + 40.0).abs() < 0.01, "{leak:?}");
        assert_eq!(
            crosstalk(&[0.0; 10], &quiet, 48000, 50.0..=10_000.0),
            Err(Unmeasurable::Silent)
        );
        assert_eq!(
            channel_match(&left, &[0.0; 9000], 48000, 100.0..=10_000.0),
            Err(Unmeasurable::Silent)
        );
    }
}
