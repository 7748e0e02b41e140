//! The cross-correlation behind every delay: band-limited, its spectrum flattened by a power of its magnitude.

use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;

const LOWEST_HZ: f64 = 150.0;
const HIGHEST_HZ: f64 = 3600.0;
/// Share of the magnitude that is divided out; 1 would be PHAT.
const FLATTENING: f64 = 0.7;
/// A mean square below this is silence: -120 dBov.
const SILENCE: f64 = 1e-12;
/// Steps of Newton's method; it doubles the digits each time and starts within a hundredth of a sample.
const STEPS: usize = 6;
/// Transforms of long recordings are this many times as long as the range of lags: two thirds of each are of use, and
/// the memory does not grow with the recording.
const TRANSFORM_OF_LAGS: usize = 3;
/// Shortest transform of a piece, in samples: the spectrum must be resolved for its flattening to mean something.
const SHORTEST_TRANSFORM: usize = 1 << 16;

/// A flattened cross-correlation with the spectrum it came from.
pub(crate) struct Flattened {
    /// The value for lag `origin + k` at index k, for lags before the origin counted from the end.
    correlation: Vec<f64>,
    origin: i64,
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
        if rate == 0 || is_silent(reference) || is_silent(degraded) {
            return None;
        }
        let length = fast_length(size.max(reference.len()).max(degraded.len()).max(2));
        let mut transform = Transform::new(length, rate, planner);
        let reference = transform.band(reference, 0, length)?;
        let mut cross = transform.band(degraded, 0, length)?;
        for (bin, reference) in cross.iter_mut().zip(&reference) {
            *bin *= reference.conj();
        }
        transform.flattened(cross, 0, planner)
    }

    /// As [`Self::new`] for the lags from `low` to `high` alone, which a long recording is taken in pieces for. The values
    /// at other lags mean nothing.
    pub(crate) fn within(
        reference: &[f64],
        degraded: &[f64],
        rate: u32,
        (low, high): (i64, i64),
        planner: &mut RealFftPlanner<f64>,
    ) -> Option<Self> {
        let whole = reference.len() + degraded.len();
        let lags = usize::try_from(high.checked_sub(low)?).ok()?.checked_add(3)?;
        let wanted = lags.saturating_mul(TRANSFORM_OF_LAGS).max(SHORTEST_TRANSFORM);
        let length = fast_length(wanted.min(whole.max(2)));
        if length >= fast_length(whole.max(2)) {
            return Self::new(reference, degraded, rate, whole, planner);
        }
        if rate == 0 || is_silent(reference) || is_silent(degraded) {
            return None;
        }
        // one lag more on either side, so that a peak at the end of the range has neighbours
        let origin = low - 1;
        let mut transform = Transform::new(length, rate, planner);
        let piece = length - lags;
        let mut sum: Option<Vec<Complex<f64>>> = None;
        for (number, part) in reference.chunks(piece).enumerate() {
            let of_reference = transform.band(part, 0, length)?;
            // the recording from the earliest lag on, so that no lag of the range wraps
            let start = i64::try_from(number * piece).ok()? + origin;
            let mut cross = transform.band(degraded, start, length)?;
            for (bin, reference) in cross.iter_mut().zip(&of_reference) {
                *bin *= reference.conj();
            }
            match &mut sum {
                None => sum = Some(cross),
                Some(sum) => sum.iter_mut().zip(&cross).for_each(|(sum, bin)| *sum += bin),
            }
        }
        transform.flattened(sum?, origin, planner)
    }

    /// The value at a whole lag; lags a length of the transform apart are the same.
    pub(crate) fn at(&self, lag: i64) -> f64 {
        let length = i64::try_from(self.correlation.len()).unwrap_or(i64::MAX);
        usize::try_from((lag - self.origin).rem_euclid(length)).map_or(0.0, |index| self.correlation[index])
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
        let lag = lag - self.origin as f64;
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

fn is_silent(samples: &[f64]) -> bool {
    samples.iter().map(|x| x * x).sum::<f64>() / (samples.len().max(1) as f64) < SILENCE
}

/// A transform of one length with its memory, of which only the band is kept.
struct Transform {
    forward: Arc<dyn RealToComplex<f64>>,
    samples: Vec<f64>,
    bins: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    band: Range<usize>,
}

impl Transform {
    fn new(length: usize, rate: u32, planner: &mut RealFftPlanner<f64>) -> Self {
        let forward = planner.plan_fft_forward(length);
        let bins = forward.make_output_vec();
        let bin_hz = f64::from(rate) / length as f64;
        let highest = HIGHEST_HZ.min(0.45 * f64::from(rate));
        let first = (LOWEST_HZ / bin_hz).ceil() as usize;
        // one behind the last; the bin of half the rate is never in the band
        let end = ((highest / bin_hz).floor() as usize + 1).min(bins.len());
        Self {
            samples: vec![0.0; length],
            scratch: forward.make_scratch_vec(),
            forward,
            bins,
            band: first..end,
        }
    }

    /// The band of `length` samples from `start` on; what lies outside is zero. `None` when there is no band.
    fn band(&mut self, samples: &[f64], start: i64, length: usize) -> Option<Vec<Complex<f64>>> {
        let zeros = usize::try_from(start.saturating_neg()).unwrap_or(0).min(length);
        let from = usize::try_from(start).unwrap_or(0).min(samples.len());
        let count = (samples.len() - from).min(length - zeros);
        self.samples.fill(0.0);
        self.samples
            .get_mut(zeros..zeros + count)?
            .copy_from_slice(&samples[from..from + count]);
        self.forward
            .process_with_scratch(&mut self.samples, &mut self.bins, &mut self.scratch)
            .ok()?;
        Some(self.bins.get(self.band.clone())?.to_vec())
    }

    /// Flattens a cross spectrum and takes it back to lags.
    fn flattened(
        mut self,
        mut cross: Vec<Complex<f64>>,
        origin: i64,
        planner: &mut RealFftPlanner<f64>,
    ) -> Option<Flattened> {
        let strongest = cross.iter().map(Complex::norm_sqr).fold(0.0, f64::max);
        if strongest == 0.0 {
            return None;
        }
        for bin in &mut cross {
            let power = bin.norm_sqr();
            // bins without signal would be raised to noise
            *bin = if power > strongest * 1e-24 {
                *bin * power.powf(-FLATTENING / 2.0)
            } else {
                Complex::default()
            };
        }
        self.bins.fill(Complex::default());
        self.bins.get_mut(self.band.clone())?.copy_from_slice(&cross);
        drop(self.scratch);
        planner
            .plan_fft_inverse(self.samples.len())
            .process(&mut self.bins, &mut self.samples)
            .ok()?;
        Some(Flattened {
            correlation: self.samples,
            origin,
            bins: cross,
            first: self.band.start,
        })
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
    use crate::sample::centred;
    use crate::stimulus::speech_like;

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

    #[test]
    fn in_pieces_the_peak_is_where_it_is_in_the_whole() {
        let speech = centred(&speech_like(20.0, 8000, 4));
        for (delay, low, high) in [
            (1234_i64, -2000, 4000),
            (-777, -4000, 100),
            (0, -300, 300),
            (50, 50, 60),
        ] {
            let recording: Vec<f64> = (0..speech.len() as i64 + 500)
                .map(|n| {
                    usize::try_from(n - delay)
                        .ok()
                        .and_then(|n| speech.get(n))
                        .copied()
                        .unwrap_or(0.0)
                })
                .collect();
            let mut planner = RealFftPlanner::new();
            let pieces =
                Flattened::within(&speech, &recording, 8000, (low, high), &mut planner).expect("speech");
            let whole = Flattened::new(
                &speech,
                &recording,
                8000,
                speech.len() + recording.len(),
                &mut planner,
            );
            let whole = whole.expect("speech");
            assert!(pieces.values().len() < whole.values().len() / 2);
            let best = |found: &Flattened| (low..=high).max_by(|&a, &b| found.at(a).total_cmp(&found.at(b)));
            assert_eq!((best(&pieces), best(&whole)), (Some(delay), Some(delay)));
            assert!((pieces.refined(delay as f64) - delay as f64).abs() < 0.02);
        }
    }

    #[test]
    fn ranges_that_make_no_sense_have_no_correlation() {
        let speech = centred(&speech_like(2.0, 8000, 4));
        let within =
            |low, high| Flattened::within(&speech, &speech, 8000, (low, high), &mut RealFftPlanner::new());
        assert!(within(5, -5).is_none() && within(i64::MIN, i64::MAX).is_none());
        assert!(Flattened::within(&[], &[], 8000, (0, 1), &mut RealFftPlanner::new()).is_none());
    }
}
