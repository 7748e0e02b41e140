//! Where in a signal two of the frequencies stand out.

use std::f64::consts::TAU;
use std::ops::Range;

use super::{HIGH_GROUP, LOW_GROUP};

/// Length of the window in s: a frequency 3.5 % off still has most of its power in it.
const WINDOW_S: f64 = 0.016;
/// Distance of windows in s.
const STEP_S: f64 = 0.0025;
/// Share of the power of a window that the two frequencies have at least.
const SHARE: f64 = 0.4;
/// The weaker of the two is at most this far below the stronger one, in power: 20 dB.
const LARGEST_TWIST: f64 = 100.0;
/// Mean square of the quietest tone: -60 dBov.
const QUIETEST: f64 = 1e-6;
/// Windows without the digit that do not end it: an interruption of 10 ms.
const MISSES: usize = 4;

/// A stretch in which a digit seems to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) row: usize,
    pub(super) column: usize,
    /// From the middle of its first window to the middle of its last.
    pub(super) range: Range<usize>,
}

/// All stretches of at least two windows, in order.
pub(super) fn candidates(samples: &[f64], rate: f64) -> Vec<Candidate> {
    let length = (WINDOW_S * rate).round() as usize;
    let step = ((STEP_S * rate).round() as usize).max(1);
    let window: Vec<f64> = (0..length)
        .map(|n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / length as f64).cos())
        .collect();
    let mut found: Vec<Candidate> = Vec::new();
    let mut open: Option<(Candidate, usize)> = None;
    for start in (0..(samples.len() + 1).saturating_sub(length)).step_by(step) {
        let middle = start + length / 2;
        let digit = digit(&samples[start..start + length], &window, rate);
        open = match (open, digit) {
            (Some((mut candidate, _)), Some((row, column)))
                if (candidate.row, candidate.column) == (row, column) =>
            {
                candidate.range.end = middle;
                Some((candidate, 0))
            }
            (Some((candidate, misses)), None) if misses < MISSES => Some((candidate, misses + 1)),
            (open, digit) => {
                found.extend(open.map(|(candidate, _)| candidate));
                digit.map(|(row, column)| {
                    let range = middle..middle;
                    (Candidate { row, column, range }, 0)
                })
            }
        };
    }
    found.extend(open.map(|(candidate, _)| candidate));
    found.retain(|candidate| !candidate.range.is_empty());
    found
}

/// Row and column of the frequencies that dominate a window.
fn digit(samples: &[f64], window: &[f64], rate: f64) -> Option<(usize, usize)> {
    let total: f64 = samples.iter().zip(window).map(|(x, w)| x * x * w).sum();
    let total = total / window.iter().sum::<f64>();
    if total < QUIETEST {
        return None;
    }
    let strongest = |group: [f64; 4]| {
        let powers = group.map(|hz| power(samples, window, hz, rate));
        (0..4)
            .map(|index| (index, powers[index]))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (row, low) = strongest(LOW_GROUP)?;
    let (column, high) = strongest(HIGH_GROUP)?;
    let apart = low.max(high) <= LARGEST_TWIST * low.min(high);
    (apart && low + high >= SHARE * total).then_some((row, column))
}

/// Mean square of the tone of a frequency under a window (Goertzel's algorithm).
fn power(samples: &[f64], window: &[f64], hz: f64, rate: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / rate).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for (sample, weight) in samples.iter().zip(window) {
        let next = sample * weight + coefficient * last - before;
        before = last;
        last = next;
    }
    let square = last * last + before * before - coefficient * last * before;
    2.0 * square.max(0.0) / window.iter().sum::<f64>().powi(2)
}
