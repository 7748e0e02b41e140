//! Alignment by envelopes.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Finds the lag between two signals; keeps its transforms, as the patches of a recording are of one length.
#[derive(Default)]
pub(super) struct LagFinder {
    planner: Option<RealFftPlanner<f32>>,
}

impl LagFinder {
    /// By how many samples `degraded` has to be delayed to fit `reference`: negative when it comes late. 0 when the best lag
    /// is more than half of the reference.
    pub(super) fn lag(&mut self, reference: &[f64], degraded: &[f64]) -> i64 {
        let longest = reference.len().max(degraded.len());
        if longest == 0 {
            return 0;
        }
        let length = fast_length(2 * longest - 1);
        let planner = self.planner.get_or_insert_with(RealFftPlanner::new);
        let forward: Arc<dyn RealToComplex<f32>> = planner.plan_fft_forward(length);
        let backward: Arc<dyn ComplexToReal<f32>> = planner.plan_fft_inverse(length);
        let transform = |signal: &[f64]| {
            let mut padded = vec![0.0f32; length];
            for (out, value) in padded.iter_mut().zip(envelope(signal)) {
                *out = value as f32;
            }
            let mut spectrum = forward.make_output_vec();
            // lengths are those of the plan
            forward.process(&mut padded, &mut spectrum).map(|()| spectrum)
        };
        let (Ok(mut product), Ok(other)) = (transform(reference), transform(degraded)) else {
            return 0;
        };
        for (one, other) in product.iter_mut().zip(&other) {
            *one *= other.conj();
        }
        // rounding leaves imaginary parts where a real signal has none
        if let Some(first) = product.first_mut() {
            first.im = 0.0;
        }
        if length.is_multiple_of(2)
            && let Some(last) = product.last_mut()
        {
            last.im = 0.0;
        }
        let mut correlation = vec![0.0f32; length];
        if backward.process(&mut product, &mut correlation).is_err() {
            return 0;
        }
        let furthest = longest as i64 - 1;
        let mut best = (0i64, f32::MIN);
        for lag in -furthest..=furthest {
            let value = correlation[lag.rem_euclid(length as i64) as usize];
            if value > best.1 {
                best = (lag, value);
            }
        }
        if best.0.unsigned_abs() as f64 > reference.len() as f64 / 2.0 {
            return 0;
        }
        best.0
    }
}

/// The upper envelope as the published implementation has it: there the Hilbert transform gives its real part only, so
/// that what remains is twice the rectified signal, less what it has at half the sampling rate.
fn envelope(signal: &[f64]) -> impl Iterator<Item = f64> + '_ {
    let mean = signal.iter().sum::<f64>() / signal.len().max(1) as f64;
    let padded = signal.len().next_power_of_two().max(32);
    let alternating: f64 = signal
        .iter()
        .enumerate()
        .map(|(n, x)| if n % 2 == 0 { x - mean } else { mean - x })
        .sum();
    let share = if padded == signal.len() { 1.0 } else { 2.0 };
    let alternating = share * alternating / padded as f64;
    signal.iter().enumerate().map(move |(n, x)| {
        let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
        (2.0 * (x - mean) - sign * alternating).abs() + mean
    })
}

/// The smallest length of small factors that is not below `least`.
fn fast_length(least: usize) -> usize {
    let mut best = least.next_power_of_two();
    for odd in [3, 5, 9, 15] {
        let mut length = odd;
        while length < least {
            length *= 2;
        }
        best = best.min(length);
    }
    best
}

/// `degraded` moved by a lag: silence before it, or its beginning cut off.
pub(super) fn moved(degraded: &[f64], lag: i64) -> Vec<f64> {
    let by = lag.unsigned_abs() as usize;
    if lag < 0 {
        return degraded.get(by..).unwrap_or_default().to_vec();
    }
    let mut out = vec![0.0; by];
    out.extend_from_slice(degraded);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize, seed: u32) -> Vec<f64> {
        let mut state = seed;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state) / f64::from(u32::MAX) - 0.5
            })
            .collect()
    }

    #[test]
    fn a_delay_is_found_with_its_sign() {
        let reference = noise(3000, 1);
        for lag in [0i64, 1, 700, -40, -900] {
            // moving the other way makes the delay
            let degraded = moved(&reference, -lag);
            assert_eq!(LagFinder::default().lag(&reference, &degraded), lag);
        }
        assert_eq!(LagFinder::default().lag(&reference, &moved(&reference, 1600)), 0);
        assert_eq!(LagFinder::default().lag(&[], &[]), 0);
    }

    #[test]
    fn lengths_for_the_transform_are_just_long_enough() {
        for (least, length) in [(1, 1), (17, 18), (33, 36), (2560, 2560), (4097, 4608)] {
            assert_eq!(fast_length(least), length);
        }
    }
}
