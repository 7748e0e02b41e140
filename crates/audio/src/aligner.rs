//! Where a stretch of the reference is found in the recording: the working part of [`crate::align`].

use std::f64::consts::PI;

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;

use crate::statistics::vertex;

/// Half the length of the interpolation filter, in samples.
const HALF_TAPS: i64 = 32;
/// Correlation from which a fractional lag is worth looking for; below it the stretch is damaged anyway.
const REFINE_FROM: f64 = 0.5;
/// A lag that was good before is kept unless another is better by more than this: on a vowel all lags a pitch period
/// apart are nearly equal.
const KEEP_WITHIN: f64 = 0.01;
/// A window of the recording quieter than this mean square is silence: -96 dBov.
const SILENCE: f64 = 2.5e-10;

/// How well a stretch of the reference matches the recording at a lag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Match {
    /// Position in the recording minus position in the reference, in samples.
    pub(crate) lag: f64,
    /// Normalised correlation, -1..=1.
    pub(crate) correlation: f64,
    /// Gain that makes the reference most like the recording, linear.
    pub(crate) gain: f64,
    /// Energy of the recording after that reference is taken away, relative to the reference's part.
    pub(crate) residual: f64,
}

/// Both signals, centred, with what repeated searches need.
pub(crate) struct Aligner {
    reference: Vec<f64>,
    degraded: Vec<f64>,
    /// Sum and energy of the recording up to each sample.
    sums: Vec<(f64, f64)>,
    planner: RealFftPlanner<f64>,
}

impl Aligner {
    pub(crate) fn new(reference: Vec<f64>, degraded: Vec<f64>) -> Self {
        let mut sums = Vec::with_capacity(degraded.len() + 1);
        let (mut sum, mut energy) = (0.0, 0.0);
        sums.push((sum, energy));
        sums.extend(degraded.iter().map(|sample| {
            sum += sample;
            energy += sample * sample;
            (sum, energy)
        }));
        let planner = RealFftPlanner::new();
        Self {
            reference,
            degraded,
            sums,
            planner,
        }
    }

    pub(crate) fn reference(&self, start: usize, length: usize) -> &[f64] {
        self.reference
            .get(start..start.saturating_add(length))
            .unwrap_or_default()
    }

    /// Variance of the recording from `start` on; what lies outside the recording is zero.
    pub(crate) fn degraded_power(&self, start: i64, length: usize) -> f64 {
        let last = self.degraded.len();
        let bound = |position: i64| usize::try_from(position.max(0)).unwrap_or(last).min(last);
        let end = start.saturating_add(i64::try_from(length).unwrap_or(i64::MAX));
        let (before, after) = (self.sums[bound(start)], self.sums[bound(end)]);
        let count = length.max(1) as f64;
        ((after.1 - before.1) / count - ((after.0 - before.0) / count).powi(2)).max(0.0)
    }

    /// The recording from `start` on; what lies outside the recording is zero.
    fn degraded_window(&self, start: i64, length: usize) -> Vec<f64> {
        let mut window = vec![0.0; length];
        let offset = usize::try_from(-start).unwrap_or(0).min(length);
        let from = usize::try_from(start).unwrap_or(0).min(self.degraded.len());
        for (to, sample) in window[offset..].iter_mut().zip(&self.degraded[from..]) {
            *to = *sample;
        }
        window
    }

    /// The recording from a fractional position on, by a windowed sinc of 64 taps.
    pub(crate) fn degraded_at(&self, start: f64, length: usize) -> Vec<f64> {
        if (start - start.round()).abs() < 1e-9 {
            return self.degraded_window(start.round() as i64, length);
        }
        let fraction = start - start.floor();
        let whole = start.floor() as i64;
        let taps = 2 * HALF_TAPS as usize;
        let around = self.degraded_window(whole - HALF_TAPS + 1, length + taps);
        let mut window = vec![0.0; length];
        for tap in 0..taps {
            let distance = fraction - (tap as f64 - (HALF_TAPS - 1) as f64);
            let shape = 0.5 + 0.5 * (PI * distance / HALF_TAPS as f64).cos();
            let weight = (PI * distance).sin() / (PI * distance) * shape;
            for (sum, sample) in window.iter_mut().zip(&around[tap..]) {
                *sum += weight * sample;
            }
        }
        window
    }

    /// The match at a given lag.
    pub(crate) fn at(&self, start: usize, length: usize, lag: f64) -> Match {
        let reference = self.reference(start, length);
        compare(
            reference,
            &self.degraded_at(start as f64 + lag, reference.len()),
            lag,
        )
    }

    /// The best match within `radius` samples around `centre`; `keep` is a lag to prefer when it is nearly as good.
    pub(crate) fn best(
        &mut self,
        start: usize,
        length: usize,
        centre: i64,
        radius: usize,
        keep: Option<f64>,
    ) -> Match {
        let from = centre - i64::try_from(radius).unwrap_or(0);
        let correlations = self.correlations(start, length, from, 2 * radius + 1);
        let strongest = (0..correlations.len()).max_by(|&a, &b| correlations[a].total_cmp(&correlations[b]));
        let Some(strongest) = strongest.filter(|&index| correlations[index] > 0.0) else {
            return Match {
                lag: centre as f64,
                correlation: 0.0,
                gain: 0.0,
                residual: f64::INFINITY,
            };
        };
        let found = self.refined(start, length, from, &correlations, strongest);
        let kept = keep
            .and_then(|lag| usize::try_from(lag.round() as i64 - from).ok())
            .and_then(|kept| {
                let near = kept.saturating_sub(1)..(kept + 2).min(correlations.len());
                near.max_by(|&a, &b| correlations[a].total_cmp(&correlations[b]))
            });
        match kept {
            // between two samples the whole lags can be far worse than the lag itself
            Some(kept) if kept != strongest && correlations[kept] >= REFINE_FROM => {
                let kept = self.refined(start, length, from, &correlations, kept);
                if kept.correlation >= found.correlation - KEEP_WITHIN {
                    kept
                } else {
                    found
                }
            }
            _ => found,
        }
    }

    /// The match at one of the whole lags of a search, or between it and its neighbours.
    fn refined(&self, start: usize, length: usize, from: i64, correlations: &[f64], index: usize) -> Match {
        let lag = from + i64::try_from(index).unwrap_or(0);
        let whole = self.at(start, length, lag as f64);
        if whole.correlation < REFINE_FROM {
            return whole;
        }
        let beside = |index: Option<usize>| index.and_then(|index| correlations.get(index)).copied();
        let offset = match (beside(index.checked_sub(1)), beside(index.checked_add(1))) {
            (Some(before), Some(after)) => vertex(before, correlations[index], after),
            _ => 0.0,
        };
        self.refine(start, length, whole, offset)
    }

    /// Looks for a fractional lag around a whole one, starting at `offset` from it.
    fn refine(&self, start: usize, length: usize, whole: Match, offset: f64) -> Match {
        let mut best = whole;
        let mut centre = whole.lag + offset;
        for step in [0.15, 0.03] {
            let tried = [-step, 0.0, step].map(|shift| self.at(start, length, centre + shift));
            let [before, middle, after] = tried.map(|tried| tried.correlation);
            centre += 2.0 * step * vertex(before, middle, after);
            for tried in tried {
                if tried.correlation > best.correlation {
                    best = tried;
                }
            }
        }
        let last = self.at(start, length, centre);
        if last.correlation > best.correlation {
            last
        } else {
            best
        }
    }

    /// Normalised correlation of a stretch of the reference with the recording at `count` lags from `from` on.
    fn correlations(&mut self, start: usize, length: usize, from: i64, count: usize) -> Vec<f64> {
        // without its mean, so that an offset of the recording drops out of the products
        let mut block = without_mean(self.reference(start, length));
        let length = block.len();
        let energy: f64 = block.iter().map(|x| x * x).sum();
        if energy == 0.0 {
            return vec![0.0; count];
        }
        // long enough that the wanted lags do not wrap
        let size = (length + count).next_power_of_two();
        block.resize(size, 0.0);
        let first = start as i64 + from;
        let mut segment = self.degraded_window(first, length + count - 1);
        segment.resize(size, 0.0);
        let forward = self.planner.plan_fft_forward(size);
        let inverse = self.planner.plan_fft_inverse(size);
        let mut of_block = forward.make_output_vec();
        let mut of_segment = forward.make_output_vec();
        let mut products = inverse.make_output_vec();
        let done = forward.process(&mut block, &mut of_block).is_ok()
            && forward.process(&mut segment, &mut of_segment).is_ok();
        for (bin, block) in of_segment.iter_mut().zip(&of_block) {
            *bin *= block.conj();
        }
        // the ends of a real spectrum are real; rounding must not make the inverse refuse it
        for end in [0, of_segment.len() - 1] {
            of_segment[end] = Complex::new(of_segment[end].re, 0.0);
        }
        if !done || inverse.process(&mut of_segment, &mut products).is_err() {
            return vec![0.0; count];
        }
        (0..count)
            .map(|index| {
                let power = self.degraded_power(first + index as i64, length);
                if power < SILENCE {
                    return 0.0;
                }
                products[index] / size as f64 / (energy * power * length as f64).sqrt()
            })
            .collect()
    }

    /// Correlation of a stretch within which the lag changes from `before` to `after`, at the best place of change.
    pub(crate) fn stitched(&self, start: usize, length: usize, before: f64, after: f64) -> f64 {
        let reference = self.reference(start, length);
        let length = reference.len();
        let before = self.degraded_at(start as f64 + before, length);
        let after = self.degraded_at(start as f64 + after, length);
        let energy: f64 = reference.iter().map(|x| x * x).sum();
        // everything at the later lag, then sample by sample moved to the earlier one
        let mut product: f64 = reference.iter().zip(&after).map(|(r, d)| r * d).sum();
        let mut power: f64 = after.iter().map(|d| d * d).sum();
        let mut best = 0.0_f64;
        for ((r, before), after) in reference.iter().zip(&before).zip(&after) {
            let scale = (energy * power).sqrt();
            if scale > 0.0 {
                best = best.max(product / scale);
            }
            product += r * (before - after);
            power = (power + before * before - after * after).max(0.0);
        }
        best.min(1.0)
    }
}

fn without_mean(samples: &[f64]) -> Vec<f64> {
    let mean = samples.iter().sum::<f64>() / samples.len().max(1) as f64;
    samples.iter().map(|sample| sample - mean).collect()
}

fn compare(reference: &[f64], degraded: &[f64], lag: f64) -> Match {
    let (reference, degraded) = (without_mean(reference), without_mean(degraded));
    let (mut product, mut of_reference, mut of_degraded) = (0.0, 0.0, 0.0);
    for (r, d) in reference.iter().zip(&degraded) {
        product += r * d;
        of_reference += r * r;
        of_degraded += d * d;
    }
    if of_reference == 0.0 || of_degraded < SILENCE * reference.len() as f64 {
        return Match {
            lag,
            correlation: 0.0,
            gain: 0.0,
            residual: f64::INFINITY,
        };
    }
    let gain = product / of_reference;
    // summed as a difference of samples: the difference of the sums would lose all digits of a clean signal
    let rest: f64 = reference
        .iter()
        .zip(&degraded)
        .map(|(r, d)| (d - gain * r).powi(2))
        .sum();
    Match {
        lag,
        correlation: (product / (of_reference * of_degraded).sqrt()).clamp(-1.0, 1.0),
        gain,
        residual: rest / (gain * gain * of_reference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::centred;
    use crate::stimulus::speech_like;

    #[test]
    fn a_fractional_shift_is_found_and_undone() {
        let speech = centred(&speech_like(2.0, 8000, 11));
        let shifter = Aligner::new(Vec::new(), speech.clone());
        for shift in [0.0, 0.25, 0.5, 0.77] {
            // the recording is the reference `shift` later
            let recording = shifter.degraded_at(-shift, speech.len());
            let mut aligner = Aligner::new(speech.clone(), recording);
            let found = aligner.best(2000, 4000, 3, 200, None);
            assert!((found.lag - shift).abs() < 0.02, "{shift}: {found:?}");
            assert!(found.residual < 1e-3, "{shift}: {found:?}");
        }
    }

    #[test]
    fn windows_outside_the_recording_are_zero() {
        let aligner = Aligner::new(vec![1.0; 4], vec![1.0; 4]);
        assert_eq!(aligner.degraded_window(-2, 4), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(aligner.degraded_window(3, 3), [1.0, 0.0, 0.0]);
        assert_eq!(aligner.degraded_window(-9, 2), [0.0, 0.0]);
        assert_eq!(aligner.degraded_window(9, 2), [0.0, 0.0]);
        assert_eq!(aligner.degraded_power(2, 4), 0.25);
        assert_eq!(aligner.degraded_power(-9, 4), 0.0);
    }
}
