//! Where a stretch of the reference is found in the recording: the working part of [`crate::align`].

use std::f64::consts::PI;

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;

use crate::delay_spectrum::{Flattened, fast_length};
use crate::statistics::vertex;

/// Half the length of the interpolation filter, in samples.
const HALF_TAPS: i64 = 32;
/// Half the length of the filter that interpolates a correlation, in lags.
const HALF_PEAK: usize = 16;
/// Correlation from which a fractional lag is worth looking for; below it the stretch is damaged anyway.
const REFINE_FROM: f64 = 0.2;
/// A lag that was good before is kept unless another is better by more than this: on a vowel all lags a pitch period
/// apart are nearly equal.
const KEEP_WITHIN: f64 = 0.01;
/// A peak of the flattened correlation below this share of the strongest is not worth a look.
const SIDE_PEAK: f64 = 0.15;
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

    /// Turns the polarity of the recording.
    pub(crate) fn invert(&mut self) {
        for sample in &mut self.degraded {
            *sample = -*sample;
        }
        for (sum, _) in &mut self.sums {
            *sum = -*sum;
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
    pub(crate) fn degraded_window(&self, start: i64, length: usize) -> Vec<f64> {
        window(&self.degraded, start, length)
    }

    /// The recording from a fractional position on, interpolated.
    pub(crate) fn degraded_at(&self, start: f64, length: usize) -> Vec<f64> {
        window_at(&self.degraded, start, length)
    }

    /// The reference from a fractional position on, interpolated.
    pub(crate) fn reference_at(&self, start: f64, length: usize) -> Vec<f64> {
        window_at(&self.reference, start, length)
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
        let offset = peak_offset(correlations, index);
        if offset.abs() < 1e-6 {
            return whole;
        }
        let between = self.at(start, length, lag as f64 + offset);
        if between.correlation > whole.correlation {
            between
        } else {
            whole
        }
    }

    /// The best match within `radius` samples around a lag that is nearly right.
    pub(crate) fn settle(&self, start: usize, length: usize, lag: f64, radius: usize) -> Match {
        let centre = lag.round() as i64;
        let reach = radius + HALF_PEAK;
        let correlations = self.near(start, length, centre, reach);
        let inner = HALF_PEAK..(HALF_PEAK + 2 * radius + 1).min(correlations.len());
        let strongest = inner.max_by(|&a, &b| correlations[a].total_cmp(&correlations[b]));
        match strongest.filter(|&index| correlations[index] > 0.0) {
            Some(index) => {
                let from = centre - i64::try_from(reach).unwrap_or(0);
                self.refined(start, length, from, &correlations, index)
            }
            None => self.at(start, length, lag),
        }
    }

    /// Normalised correlations at the whole lags from `centre - radius` to `centre + radius`, summed directly: cheaper
    /// than a transform for few lags.
    pub(crate) fn near(&self, start: usize, length: usize, centre: i64, radius: usize) -> Vec<f64> {
        let block = without_mean(self.reference(start, length));
        let length = block.len();
        let energy = dot(&block, &block);
        let first = start as i64 + centre - i64::try_from(radius).unwrap_or(0);
        let segment = self.degraded_window(first, length + 2 * radius);
        (0..2 * radius + 1)
            .map(|index| {
                let power = self.degraded_power(first + index as i64, length);
                if power < SILENCE || energy == 0.0 {
                    return 0.0;
                }
                dot(&block, &segment[index..]) / (energy * power * length as f64).sqrt()
            })
            .collect()
    }

    /// Highest normalised correlation within `radius` samples around a lag, between the samples too.
    pub(crate) fn height(&self, start: usize, length: usize, lag: f64, radius: usize) -> f64 {
        const HALF: usize = 8;
        let correlations = self.near(start, length, lag.round() as i64, radius + HALF);
        let inner = HALF..HALF + 2 * radius + 1;
        let strongest = inner.max_by(|&a, &b| correlations[a].total_cmp(&correlations[b]));
        strongest.map_or(0.0, |index| {
            let between = interpolated(&correlations, index, HALF, peak_offset(&correlations, index));
            between.max(correlations[index]).min(1.0)
        })
    }

    /// Normalised correlation, with its sign, at the lag within `reach` of `centre` where the flattened one of a stretch
    /// is largest in magnitude.
    pub(crate) fn signed_peak(
        &mut self,
        (start, length): (usize, usize),
        rate: u32,
        centre: i64,
        reach: usize,
    ) -> f64 {
        let (first, values) = self.flattened(start, length, rate, centre, reach);
        let best = (0..values.len()).max_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()));
        let Some(best) = best else {
            return 0.0;
        };
        let near = self.near(start, length, first + best as i64, 1);
        let strongest = near.into_iter().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        strongest.unwrap_or(0.0)
    }

    /// Flattened correlation of a stretch at the lags within `reach` of `centre`, with the first of them.
    fn flattened(
        &mut self,
        start: usize,
        length: usize,
        rate: u32,
        centre: i64,
        reach: usize,
    ) -> (i64, Vec<f64>) {
        let first = centre - i64::try_from(reach).unwrap_or(0);
        let reference = self.reference(start, length).to_vec();
        let degraded = self.degraded_window(start as i64 + first, reference.len() + 2 * reach);
        let size = degraded.len();
        let flattened = Flattened::new(&reference, &degraded, rate, size, &mut self.planner);
        let mut values = flattened.map_or_else(Vec::new, |flattened| flattened.values().to_vec());
        values.truncate(2 * reach + 1);
        (first, values)
    }

    /// Lags at which the flattened correlation of a stretch of the reference peaks, within `reach` of `centre`, the
    /// strongest first, at most `count` and `apart` samples away from each other.
    pub(crate) fn peaks(
        &mut self,
        (start, length): (usize, usize),
        rate: u32,
        centre: i64,
        reach: usize,
        (count, apart): (usize, usize),
    ) -> Vec<i64> {
        let (first, mut values) = self.flattened(start, length, rate, centre, reach);
        let mut peaks = Vec::new();
        let mut strongest = 0.0;
        while peaks.len() < count {
            let best = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
            let Some(best) = best.filter(|&best| values[best] > SIDE_PEAK * strongest) else {
                break;
            };
            if peaks.is_empty() {
                strongest = values[best];
            }
            peaks.push(first + best as i64);
            let end = (best + apart + 1).min(values.len());
            values[best.saturating_sub(apart)..end].fill(0.0);
        }
        peaks
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
        let size = fast_length(length + count);
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

/// Samples from `start` on; what lies outside is zero.
fn window(samples: &[f64], start: i64, length: usize) -> Vec<f64> {
    let mut window = vec![0.0; length];
    let offset = usize::try_from(start.saturating_neg()).unwrap_or(0).min(length);
    let from = usize::try_from(start).unwrap_or(0).min(samples.len());
    for (to, sample) in window[offset..].iter_mut().zip(&samples[from..]) {
        *to = *sample;
    }
    window
}

/// Samples from a fractional position on, by a windowed sinc of 64 taps; what lies outside is zero.
pub(crate) fn window_at(samples: &[f64], start: f64, length: usize) -> Vec<f64> {
    if (start - start.round()).abs() < 1e-9 {
        return window(samples, start.round() as i64, length);
    }
    let fraction = start - start.floor();
    let whole = start.floor() as i64;
    let taps = 2 * HALF_TAPS as usize;
    let around = window(samples, whole - HALF_TAPS + 1, length + taps);
    let mut window = vec![0.0; length];
    for tap in 0..taps {
        let distance = fraction - (tap as f64 - (HALF_TAPS - 1) as f64);
        let weight = windowed_sinc(distance, HALF_TAPS as f64);
        for (sum, sample) in window.iter_mut().zip(&around[tap..]) {
            *sum += weight * sample;
        }
    }
    window
}

/// The interpolation filter at a distance from its middle, under a raised cosine that ends at `half`.
fn windowed_sinc(distance: f64, half: f64) -> f64 {
    if distance.abs() < 1e-12 {
        return 1.0;
    }
    let shape = 0.5 + 0.5 * (PI * (distance / half).clamp(-1.0, 1.0)).cos();
    (PI * distance).sin() / (PI * distance) * shape
}

/// Where a sequence of correlations has its maximum next to its largest value, in -1..=1 lags from that. Between the
/// lags the sequence is interpolated as the band-limited function that it is.
fn peak_offset(correlations: &[f64], index: usize) -> f64 {
    let beside = |index: Option<usize>| index.and_then(|index| correlations.get(index)).copied();
    let (Some(before), Some(after)) = (beside(index.checked_sub(1)), beside(index.checked_add(1))) else {
        return 0.0;
    };
    let start = vertex(before, correlations[index], after);
    let half = HALF_PEAK.min(index).min(correlations.len() - 1 - index);
    if half < 4 {
        return start;
    }
    let at = |offset: f64| interpolated(correlations, index, half, offset);
    let mut offset = start;
    // Newton's method on differences
    for step in [0.1, 0.05, 0.02] {
        let [before, middle, after] = [offset - step, offset, offset + step].map(at);
        let curvature = before - 2.0 * middle + after;
        if curvature < 0.0 {
            offset += step * (0.5 * (before - after) / curvature).clamp(-5.0, 5.0);
        }
    }
    offset.clamp(-1.0, 1.0)
}

/// A sequence at a fractional place next to an index, from `half` values on either side.
fn interpolated(values: &[f64], index: usize, half: usize, offset: f64) -> f64 {
    let around = &values[index - half..=index + half];
    let weighed = around.iter().zip(-(half as i64)..).map(|(value, lag)| {
        let weight = windowed_sinc(offset - lag as f64, half as f64 + 1.0);
        value * weight
    });
    weighed.sum()
}

/// Sum of products over the shorter of the two.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let length = left.len().min(right.len());
    let (left, right) = (left[..length].chunks_exact(8), right[..length].chunks_exact(8));
    let rest: f64 = left
        .remainder()
        .iter()
        .zip(right.remainder())
        .map(|(l, r)| l * r)
        .sum();
    for (left, right) in left.zip(right) {
        for ((lane, l), r) in lanes.iter_mut().zip(left).zip(right) {
            *lane += l * r;
        }
    }
    lanes.iter().sum::<f64>() + rest
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
