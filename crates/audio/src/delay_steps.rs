//! Where the delay of a recording changes, found from its blocks and then placed to the sample.

use crate::align::{Block, INTACT};
use crate::aligner::Aligner;
use crate::drift::{Line, fit};
use crate::statistics::median;

/// Correlation from which the lag of a block is believed: speech with noise 5 dB above it.
pub(crate) const MATCHED: f64 = 0.5;
/// Blocks at the end of a segment whose median lag is its lag there.
const END: usize = 3;
/// A pause longer than this may hide a step from drift, in s.
const LONG_PAUSE_S: f64 = 0.5;

/// Successive blocks that lie on one delay, drift aside.
pub(crate) struct Segments {
    /// Of every segment, the places of its believed blocks in the list.
    pub(crate) blocks: Vec<Vec<usize>>,
    /// Common drift of the segments; `None` when there are too few blocks.
    pub(crate) drift: Option<Line>,
}

/// A change of the delay, placed to the sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// Lag before and after, in samples.
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// First sample of the reference that is lost, or before which something is inserted.
    pub(crate) reference: usize,
    /// First sample of the recording that does not follow the lag before.
    pub(crate) recording: i64,
    /// Width of the range in which the place explains the recording as well, in samples: in a pause, the pause.
    pub(crate) ambiguity: usize,
}

/// Sorts active blocks into segments: between two of them the lag changes by `smallest_s` or more for at least two
/// blocks.
pub(crate) fn segments(blocks: &[Block], rate: u32, smallest_s: f64) -> Segments {
    let believed: Vec<usize> = (0..blocks.len())
        .filter(|&index| blocks[index].correlation >= MATCHED)
        .collect();
    // Within speech drift is far below a step. Over a pause it need not be, so pauses are left out first.
    let pieces = split(blocks, &believed, rate, smallest_s, 0.0, LONG_PAUSE_S);
    let slope = drift(blocks, &pieces).map_or(0.0, |line| line.slope);
    let blocks_of = split(blocks, &believed, rate, smallest_s, slope, f64::INFINITY);
    let drift = drift(blocks, &blocks_of);
    Segments {
        blocks: blocks_of,
        drift,
    }
}

/// Runs of believed blocks whose lags follow a drift of `slope`; `longest_pause_s` ends a run too.
fn split(
    blocks: &[Block],
    believed: &[usize],
    rate: u32,
    smallest_s: f64,
    slope: f64,
    longest_pause_s: f64,
) -> Vec<Vec<usize>> {
    let smallest = smallest_s * f64::from(rate);
    let pause = longest_pause_s * f64::from(rate);
    let follows = |before: usize, after: usize| {
        let (before, after) = (&blocks[before], &blocks[after]);
        let distance = after.reference_start as f64 - before.reference_start as f64;
        (after.lag - before.lag - slope * distance).abs() < smallest
            && distance - before.length as f64 <= pause
    };
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for &index in believed {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|&last| follows(last, index)) => run.push(index),
            _ => runs.push(vec![index]),
        }
    }
    // a block that stands alone with its lag is a chance match
    runs.retain(|run| run.len() > 1);
    let mut joined: Vec<Vec<usize>> = Vec::new();
    for run in runs {
        let last = joined.last().and_then(|run| run.last()).copied();
        match (last, run.first()) {
            (Some(last), Some(&first)) if follows(last, first) => {
                if let Some(before) = joined.last_mut() {
                    before.extend(run);
                }
            }
            _ => joined.push(run),
        }
    }
    joined
}

fn drift(blocks: &[Block], segments: &[Vec<usize>]) -> Option<Line> {
    let groups = segments.iter().map(|segment| {
        let points = segment.iter().map(|&index| {
            let block = &blocks[index];
            let middle = block.reference_start as f64 + block.length as f64 / 2.0;
            let square = block.correlation.powi(2).min(0.999);
            // the variance of a delay found by correlation goes with the residual over the signal
            (middle, block.lag, square / (1.0 - square))
        });
        points.collect()
    });
    fit(&groups.collect::<Vec<_>>())
}

/// The steps between successive segments of `blocks`.
pub(crate) fn steps(aligner: &Aligner, blocks: &[Block], segments: &Segments) -> Vec<Step> {
    let pairs = segments.blocks.windows(2);
    let placed = pairs.filter_map(|pair| match pair {
        [before, after] => {
            let ends = (before.last()?, after.first()?);
            // lags at the end of one segment and the start of the other, carried on by the drift to the middle between
            let slope = segments.drift.map_or(0.0, |line| line.slope);
            let middle = |block: &Block| block.reference_start as f64 + block.length as f64 / 2.0;
            let between = (middle(&blocks[*ends.0]) + middle(&blocks[*ends.1])) / 2.0;
            let there = |block: &Block| block.lag + slope * (between - middle(block));
            let from = end_lag(blocks, before.iter().rev(), there)?;
            let to = end_lag(blocks, after.iter(), there)?;
            // The blocks beside the step may be cut by it: one more on either side certainly is not.
            let earlier = before.iter().rev().nth(1).unwrap_or(ends.0);
            let later = after.get(1).unwrap_or(ends.1);
            let range = (
                blocks[*earlier].reference_start,
                blocks[*later].reference_start + blocks[*later].length,
            );
            let gain = median([earlier, later].map(|&index| blocks[index].gain_db).to_vec())?;
            Some(place(aligner, range, from, to, 10f64.powf(gain / 20.0)))
        }
        _ => None,
    });
    placed.collect()
}

/// Lag at the end of a segment: of its intact blocks there, if it has any.
fn end_lag<'a>(
    blocks: &[Block],
    indices: impl Iterator<Item = &'a usize> + Clone,
    lag: impl Fn(&Block) -> f64,
) -> Option<f64> {
    let lags = |least: f64| {
        let good = indices
            .clone()
            .map(|&index| &blocks[index])
            .take(2 * END)
            .filter(|block| block.correlation >= least);
        median(good.take(END).map(&lag).collect())
    };
    lags(INTACT).or_else(|| lags(MATCHED))
}

/// Places a step between two samples of the reference: where the recording is explained best by the one lag before and
/// the other one after.
///
/// When samples are lost, every sample of the recording belongs to one of the lags; when samples are inserted, every
/// sample of the reference does. So the sum of squares is made over the one or the other.
fn place(aligner: &Aligner, range: (usize, usize), from: f64, to: f64, gain: f64) -> Step {
    let (first, end) = (range.0 as f64, range.1 as f64);
    let (mut before, mut after) = if to < from {
        // over the recording, from a whole sample on
        let start = (first + from).round();
        let length = (end + to - start).max(0.0) as usize;
        let recording = aligner.degraded_window(start as i64, length);
        let rest = |reference: Vec<f64>| differences(&recording, &reference, gain);
        (
            rest(aligner.reference_at(start - from, length)),
            rest(aligner.reference_at(start - to, length)),
        )
    } else {
        let length = range.1.saturating_sub(range.0);
        let reference = aligner.reference(range.0, length);
        let rest = |recording: Vec<f64>| differences(&recording, reference, gain);
        (
            rest(aligner.degraded_at(first + from, length)),
            rest(aligner.degraded_at(first + to, length)),
        )
    };
    // Both signals were centred as wholes, which leaves an offset between them: what is certain on either side tells it.
    let sure = before.len() / 4;
    let certain = before.iter().take(sure).chain(after.iter().rev().take(sure));
    let offset = certain.sum::<f64>() / (2 * sure).max(1) as f64;
    for rest in before.iter_mut().chain(&mut after) {
        *rest = (*rest - offset).powi(2);
    }
    let (place, ambiguity) = change(&before, &after);
    let (reference, recording) = if to < from {
        let start = (first + from).round() as i64;
        let recording = start + place as i64;
        ((recording as f64 - from).round().max(0.0) as usize, recording)
    } else {
        let reference = range.0 + place;
        (reference, (reference as f64 + from).round() as i64)
    };
    Step {
        from,
        to,
        reference,
        recording,
        ambiguity,
    }
}

fn differences(recording: &[f64], reference: &[f64], gain: f64) -> Vec<f64> {
    let pairs = recording.iter().zip(reference);
    pairs.map(|(d, r)| d - gain * r).collect()
}

/// The place at which to go from one cost to the other, and the width of the range of places that are as good.
fn change(before: &[f64], after: &[f64]) -> (usize, usize) {
    let count = before.len().min(after.len());
    let mut sum: f64 = after.iter().sum();
    let mut sums = Vec::with_capacity(count + 1);
    sums.push(sum);
    for (before, after) in before.iter().zip(after) {
        sum += before - after;
        sums.push(sum);
    }
    let least = sums.iter().copied().fold(f64::INFINITY, f64::min);
    let place = sums.iter().position(|sum| *sum <= least).unwrap_or(0);
    // Samples on the wrong side add the energy E of what they are wrong by, give or take twice the root of E times the
    // variance of the noise: up to 16 times that variance E may be hidden, at two standard deviations.
    let as_good = least + 16.0 * least.max(0.0) / count.max(1) as f64 + 1e-12;
    let good = |sum: &f64| *sum <= as_good;
    let first = sums.iter().position(good).unwrap_or(place);
    let last = sums.iter().rposition(good).unwrap_or(place);
    (place, last - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_change_and_its_ambiguity() {
        let before = [0.0, 0.0, 0.0, 0.0, 9.0, 9.0];
        let after = [9.0, 9.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(change(&before, &after), (2, 2));
        assert_eq!(change(&[0.0; 3], &[1.0; 3]), (3, 0));
        assert_eq!(change(&[], &[]), (0, 0));
    }
}
