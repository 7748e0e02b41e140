//! The cross-correlation behind every delay: band-limited, its spectrum flattened by a power of its magnitude.

use std::f64::consts::TAU;

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;

const LOWEST_HZ: f64 = 150.0;
const HIGHEST_HZ: f64 = 3600.0;
/// Share of the magnitude that is divided out; 1 would be PHAT.
const FLATTENING: f64 = 0.7;
/// A mean square below this is silence: -120 dBov.
const SILENCE: f64 = 1e-12;
/// Steps of Newton's method; it doubles the digits each time and starts within a hundredth of a sample.
const STEPS: usize = 6;

/// A flattened cross-correlation with the spectrum it came from.
pub(crate) struct Flattened {
    /// The value for lag k at index k, for negative k counted from the end.
    correlation: Vec<f64>,
    /// The bins of the band, the first of which has the number `first`.
    bins: Vec<Complex<f64>>,
    first: usize,
}

impl Flattened {
    /// Of two signals at `rate`; `size` is the least length of the transform: the sum of both lengths keeps all lags
    /// apart. `None` when a signal is empty or silent or nothing of it is in the band.
    pub(crate) fn new(
        reference: &[f64],
        degraded: &[f64],
        rate: u32,
        size: usize,
        planner: &mut RealFftPlanner<f64>,
    ) -> Option<Self> {
        let energy =
            |samples: &[f64]| samples.iter().map(|x| x * x).sum::<f64>() / samples.len().max(1) as f64;
        if rate == 0 || energy(reference) < SILENCE || energy(degraded) < SILENCE {
            return None;
        }
        let length = fast_length(size.max(reference.len()).max(degraded.len()).max(2));
        let forward = planner.plan_fft_forward(length);
        let inverse = planner.plan_fft_inverse(length);
        let spectrum = |samples: &[f64]| {
            let mut padded = vec![0.0; length];
            padded[..samples.len()].copy_from_slice(samples);
            let mut bins = forward.make_output_vec();
            forward.process(&mut padded, &mut bins).ok()?;
            Some(bins)
        };
        let (reference, mut bins) = (spectrum(reference)?, spectrum(degraded)?);
        let bin_hz = f64::from(rate) / length as f64;
        let highest = HIGHEST_HZ.min(0.45 * f64::from(rate));
        let first = (LOWEST_HZ / bin_hz).ceil() as usize;
        // one behind the last; the bin of half the rate is never in the band
        let end = ((highest / bin_hz).floor() as usize + 1).min(bins.len());
        let mut band: Vec<Complex<f64>> = bins
            .get(first..end)?
            .iter()
            .zip(reference.get(first..end)?)
            .map(|(degraded, reference)| degraded * reference.conj())
            .collect();
        let strongest = band.iter().map(|bin| bin.norm_sqr()).fold(0.0, f64::max);
        if strongest == 0.0 {
            return None;
        }
        for bin in &mut band {
            let power = bin.norm_sqr();
            // bins without signal would be raised to noise
            *bin = if power > strongest * 1e-24 {
                *bin * power.powf(-FLATTENING / 2.0)
            } else {
                Complex::default()
            };
        }
        bins.fill(Complex::default());
        bins[first..end].copy_from_slice(&band);
        let mut correlation = inverse.make_output_vec();
        inverse.process(&mut bins, &mut correlation).ok()?;
        Some(Self {
            correlation,
            bins: band,
            first,
        })
    }

    /// The value at a whole lag; lags a length of the transform apart are the same.
    pub(crate) fn at(&self, lag: i64) -> f64 {
        let length = i64::try_from(self.correlation.len()).unwrap_or(i64::MAX);
        usize::try_from(lag.rem_euclid(length)).map_or(0.0, |index| self.correlation[index])
    }

    /// All values, as stored.
    pub(crate) fn values(&self) -> &[f64] {
        &self.correlation
    }

    /// The extremum next to a lag, between the samples: the correlation is band-limited, so its spectrum gives its value
    /// and its derivatives at any lag.
    pub(crate) fn refined(&self, lag: f64) -> f64 {
        let sign = self.derivatives(lag).0.signum();
        let mut refined = lag;
        for _ in 0..STEPS {
            let (_, slope, curvature) = self.derivatives(refined);
            let step = slope / curvature;
            refined -= step;
            let converging = sign * curvature < 0.0 && (refined - lag).abs() <= 1.0;
            if !converging {
                return lag;
            }
            if step.abs() < 1e-7 {
                break;
            }
        }
        refined
    }

    /// Value and first two derivatives at a fractional lag.
    fn derivatives(&self, lag: f64) -> (f64, f64, f64) {
        let step = TAU / self.correlation.len() as f64;
        let turn = Complex::from_polar(1.0, step * lag);
        let mut phase = Complex::from_polar(1.0, step * self.first as f64 * lag);
        let (mut value, mut slope, mut curvature) = (0.0, 0.0, 0.0);
        for (number, bin) in self.bins.iter().enumerate() {
            let omega = step * (self.first + number) as f64;
            let turned = bin * phase;
            value += turned.re;
            slope -= omega * turned.im;
            curvature -= omega * omega * turned.re;
            phase *= turn;
        }
        (value, slope, curvature)
    }
}

/// The least length of at least `size` that a fast transform is fast for: a power of two, or 3 or 9 times one.
pub(crate) fn fast_length(size: usize) -> usize {
    let times = |factor: usize| factor * size.div_ceil(factor).next_power_of_two().max(2);
    times(1).min(times(3)).min(times(9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_even_fast_and_long_enough() {
        for size in 1..3000 {
            let length = fast_length(size);
            assert!(length >= size && length.is_multiple_of(2), "{size}: {length}");
            assert!(length <= (size * 3 / 2).max(8), "{size}: {length}");
            let mut rest = length;
            for factor in [2, 3] {
                while rest.is_multiple_of(factor) {
                    rest /= factor;
                }
            }
            assert_eq!(rest, 1, "{size}: {length}");
        }
    }
}
