//! Sample rate conversion.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Smallest chunk of the transform: with it and one sub-chunk the pass band is flat to 0.46 of the lower rate.
const CHUNK: u32 = 8192;

/// Why samples cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("samples at {from} Hz cannot be converted to {to} Hz: {reason}")]
pub struct ResampleError {
    /// Rate of the samples, Hz.
    pub from: u32,
    /// Rate wanted, Hz.
    pub to: u32,
    /// Why.
    pub reason: String,
}

/// Mono samples at another rate, both in Hz, aligned with the originals: sample `n` of the result is at the time
/// `n / to`. What is above half the lower rate is gone.
///
/// # Errors
/// Rates of zero or far apart.
pub fn resample(samples: &[f64], from: u32, to: u32) -> Result<Vec<f64>, ResampleError> {
    if from == to || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let failed = |reason: String| ResampleError { from, to, reason };
    if from == 0 || to == 0 {
        return Err(failed("a rate of zero".to_owned()));
    }
    let mut resampler = Fft::<f64>::new_custom(
        from as usize,
        to as usize,
        chunk(from, to),
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .map_err(|error| failed(error.to_string()))?;
    let input =
        InterleavedSlice::new(samples, 1, samples.len()).map_err(|error| failed(error.to_string()))?;
    let output = resampler
        .process_all(&input, samples.len(), None)
        .map_err(|error| failed(error.to_string()))?;
    Ok(output.take_data())
}

/// A chunk that is a whole and even number of samples at both rates: the delay of the filter is half of it, and only a
/// whole number of samples can be taken out again.
fn chunk(from: u32, to: u32) -> usize {
    let divisor = (1..=from.min(to))
        .rev()
        .find(|d| from.is_multiple_of(*d) && to.is_multiple_of(*d));
    let unit = from / divisor.unwrap_or(1);
    (unit * CHUNK.div_ceil(unit).next_multiple_of(2)) as usize
}

/// As [`resample`], for 16-bit samples, rounded and limited.
///
/// # Errors
/// As [`resample`].
pub fn resample_i16(samples: &[i16], from: u32, to: u32) -> Result<Vec<i16>, ResampleError> {
    let linear: Vec<f64> = samples.iter().map(|sample| f64::from(*sample)).collect();
    Ok(resample(&linear, from, to)?
        .into_iter()
        .map(|sample| sample.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tone(frequency: f64, rate: u32, seconds: f64) -> Vec<f64> {
        (0..(seconds * f64::from(rate)) as usize)
            .map(|n| (TAU * frequency * n as f64 / f64::from(rate)).sin())
            .collect()
    }

    /// RMS of the difference in the middle, where neither end matters.
    fn difference(left: &[f64], right: &[f64]) -> f64 {
        let range = left.len() / 4..left.len() * 3 / 4;
        let sum: f64 = range.clone().map(|n| (left[n] - right[n]).powi(2)).sum();
        (sum / range.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_stays_itself_and_in_place() {
        for (from, to, frequency) in [
            (8000, 16_000, 3600.0),
            (16_000, 8000, 3600.0),
            (8000, 48_000, 1000.0),
            (48_000, 16_000, 7200.0),
        ] {
            let converted = resample(&tone(frequency, from, 4.0), from, to).unwrap();
            let wanted = tone(frequency, to, 4.0);
            assert!(converted.len().abs_diff(wanted.len()) <= 1, "{from} to {to}");
            // 0.01 dB at 0.45 of the lower rate
            assert!(difference(&converted, &wanted) < 1e-3, "{from} to {to}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let converted = resample(&tone(5000.0, 16_000, 4.0), 16_000, 8000).unwrap();
        assert!(difference(&converted, &vec![0.0; converted.len()]) < 1e-4);
    }

    #[test]
    fn impossible_rates_are_an_error() {
        assert!(resample(&[1.0], 0, 8000).is_err());
        assert_eq!(resample(&[], 8000, 16_000), Ok(vec![]));
    }
}
