//! Stretches of a recording that follow the counter signal without a break.

use std::ops::Range;

use crate::counter_signal::{Cursor, DEGREE, Positions};

/// Signs that must fulfil the recurrence in a row before a position is believed: by chance once in 10^14 samples.
const CHECKS: usize = 48;
/// Signs needed to find a position: a state and its checks.
pub(super) const NEEDED: usize = DEGREE + CHECKS;
/// Of this many samples ...
const WINDOW: u32 = 16;
/// ... so many are wrong where the recording does not follow any more.
const WRONG: u32 = 5;
/// Samples before that point that may be wrong already.
const UNSURE: usize = 64;
/// Signs before the place where a position is read that may fit by chance: 40 once in 10^12.
const CHANCE: usize = 40;
/// A sample smaller than this share of what it should be has no sign.
const ERASED: f64 = 0.25;
/// Most samples that the gain of a run is taken from.
const LONGEST_FIT: usize = 1 << 16;
/// Share of a new sample in the running gain: half a thousand samples.
const GAIN_RATE: f64 = 1.0 / 512.0;

/// The recording from a start on follows the signal from a place on.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// Samples of the recording that certainly follow.
    pub(super) sure: Range<usize>,
    /// Place of the first of them.
    pub(super) cursor: Cursor,
    /// Gain, negative for inverted polarity, relative to the signal at peak 1.
    pub(super) gain: f64,
    /// What is added to every sample.
    pub(super) offset: f64,
    /// Mean square of what is left over.
    pub(super) noise: f64,
}

impl Run {
    /// What is left of a sample that stands at a place.
    pub(super) fn rest(&self, sample: f64, place: Cursor) -> f64 {
        sample - self.offset - self.gain * place.value()
    }
}

/// The parts of a search over one recording.
pub(super) struct Search<'a> {
    /// The recording without its mean.
    pub(super) samples: &'a [f64],
    positions: Positions,
}

impl<'a> Search<'a> {
    pub(super) fn new(samples: &'a [f64]) -> Self {
        Self {
            samples,
            positions: Positions::new(),
        }
    }

    /// All runs in order.
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut from = 0;
        while let Some((start, cursor, inverted)) = self.acquire(from) {
            let run = self.follow(start, cursor, inverted);
            from = run.sure.end;
            runs.push(run);
        }
        runs
    }

    fn sign(&self, index: usize) -> u32 {
        u32::from(self.samples[index] > 0.0)
    }

    /// The next place that the signs tell, from a sample on: first sample, place, polarity.
    fn acquire(&self, from: usize) -> Option<(usize, Cursor, bool)> {
        let mut kept = 0;
        let mut last = 2;
        for index in from + DEGREE..self.samples.len() {
            let check = self.sign(index) ^ self.sign(index - 28) ^ self.sign(index - DEGREE);
            kept = if check == last { kept + 1 } else { 1 };
            last = check;
            if kept < CHECKS {
                continue;
            }
            // with all signs turned the sum of three is turned too
            let inverted = check == 1;
            let start = index + 1 - NEEDED;
            let state = (0..DEGREE).fold(0, |state, bit| {
                state | ((self.sign(start + bit) ^ u32::from(inverted)) << bit)
            });
            if let Some(cursor) = self.positions.find(state) {
                return Some((start, cursor, inverted));
            }
        }
        None
    }

    /// Follows the signal until the recording does not.
    fn follow(&self, start: usize, cursor: Cursor, inverted: bool) -> Run {
        let mut place = cursor;
        let sign = if inverted { -1.0 } else { 1.0 };
        let (mut wrong, mut products, mut squares) = (0_u32, 0.0, 0.0);
        let mut end = start;
        for (index, &sample) in self.samples.iter().enumerate().skip(start) {
            let value = sign * place.value();
            let gain: f64 = if squares > 0.0 { products / squares } else { 0.0 };
            let right = sample * value > ERASED * gain * value * value;
            wrong = (wrong << 1) | u32::from(!right);
            if right {
                products += GAIN_RATE * (sample * value - products);
                squares += GAIN_RATE * (value * value - squares);
            }
            let recent = wrong & ((1 << WINDOW) - 1);
            if recent.count_ones() >= WRONG {
                break;
            }
            place.advance();
            end = index + 1;
        }
        // a run of the least length keeps half of it
        let first = start + CHANCE;
        let last = end
            .saturating_sub(UNSURE)
            .max(start + NEEDED)
            .min(self.samples.len());
        let mut place = cursor;
        for _ in start..first {
            place.advance();
        }
        let (gain, offset, noise) = self.fit(first..last, place);
        Run {
            sure: first..last,
            cursor: place,
            gain,
            offset,
            noise,
        }
    }

    /// Gain and offset of a stretch and the mean square of what is left over, its worst samples left out.
    fn fit(&self, range: Range<usize>, cursor: Cursor) -> (f64, f64, f64) {
        let samples = &self.samples[range];
        let samples = samples.get(..LONGEST_FIT).unwrap_or(samples);
        let mut place = cursor;
        let values: Vec<f64> = samples
            .iter()
            .map(|_| {
                let value = place.value();
                place.advance();
                value
            })
            .collect();
        let count = samples.len().max(1) as f64;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
        let (of_samples, of_values) = (mean(samples), mean(&values));
        let (mut products, mut squares) = (0.0, 0.0);
        for (sample, value) in samples.iter().zip(&values) {
            products += (sample - of_samples) * (value - of_values);
            squares += (value - of_values).powi(2);
        }
        let gain = products / squares.max(f64::MIN_POSITIVE);
        let offset = of_samples - gain * of_values;
        let mut rest: Vec<f64> = samples
            .iter()
            .zip(&values)
            .map(|(sample, value)| (sample - offset - gain * value).powi(2))
            .collect();
        // one in a hundred may be a click
        rest.sort_by(f64::total_cmp);
        rest.truncate(rest.len() - rest.len() / 100);
        (gain, offset, rest.iter().sum::<f64>() / rest.len().max(1) as f64)
    }
}
