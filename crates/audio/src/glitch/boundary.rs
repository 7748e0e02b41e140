//! Where one run ends and the next begins.

use super::runs::Run;

/// Cost of a sample that belongs to neither run: three standard deviations of the noise.
const NEITHER: f64 = 9.0;
/// No sample costs more: a click must not hide a boundary.
const DEAREST: f64 = 50.0;
/// How far beyond the certain samples a run may reach at the ends of a recording: more than it takes to notice.
const FURTHEST: usize = 256;
/// Least standard deviation of the noise: half a step of 16 bits, and a thousandth of the signal.
const LEAST_NOISE: f64 = 1.0 / 65_536.0;
const LEAST_RELATIVE: f64 = 1e-3;

/// Variance of the noise of a run, never zero.
pub(super) fn variance(run: &Run) -> f64 {
    run.noise
        .max(LEAST_NOISE.powi(2))
        .max((LEAST_RELATIVE * run.gain).powi(2))
}

/// End of the earlier run and start of the later one, in samples of the recording; what lies between belongs to
/// neither.
pub(super) fn boundary(samples: &[f64], before: &Run, after: &Run) -> (usize, usize) {
    let (first, last) = (before.sure.end, after.sure.start.max(before.sure.end));
    let range = samples.get(first..last).unwrap_or_default();
    let forward = costs_forward(range, before);
    let backward = costs_backward(range, after, last);
    // Least sum of forward costs up to t1, NEITHER from there to t2, backward costs from t2 on.
    let mut of_before = 0.0;
    let (mut cheapest, mut cheapest_at) = (0.0, 0);
    let mut of_after: f64 = backward.iter().sum();
    let mut best = (of_after, 0, 0);
    for index in 0..range.len() {
        of_before += forward[index] - NEITHER;
        of_after -= backward[index];
        if of_before < cheapest {
            (cheapest, cheapest_at) = (of_before, index + 1);
        }
        let place = index + 1;
        let total = cheapest + NEITHER * place as f64 + of_after;
        if total < best.0 - 1e-9 {
            best = (total, cheapest_at, place);
        }
    }
    (first + best.1, first + best.2)
}

/// First sample that already follows the first run.
pub(super) fn beginning(samples: &[f64], run: &Run) -> usize {
    let from = run.sure.start.saturating_sub(FURTHEST);
    let costs = costs_backward(&samples[from..run.sure.start], run, run.sure.start);
    run.sure.start - worth(costs.iter().rev())
}

/// One behind the last sample that still follows the last run.
pub(super) fn end(samples: &[f64], run: &Run) -> usize {
    let to = (run.sure.end + FURTHEST).min(samples.len());
    run.sure.end + worth(costs_forward(&samples[run.sure.end..to], run).iter())
}

/// How many samples to take over so that they cost least, against what foreign samples cost.
fn worth<'a>(costs: impl Iterator<Item = &'a f64>) -> usize {
    let (mut sum, mut least, mut count) = (0.0, 0.0, 0);
    for (index, cost) in costs.enumerate() {
        sum += cost - NEITHER;
        if sum < least {
            (least, count) = (sum, index + 1);
        }
    }
    count
}

fn costs_forward(samples: &[f64], run: &Run) -> Vec<f64> {
    let variance = variance(run);
    let mut place = run.cursor;
    for _ in run.sure.clone() {
        place.advance();
    }
    let costs = samples.iter().map(|sample| {
        let rest = run.rest(*sample, place);
        place.advance();
        (rest * rest / variance).min(DEAREST)
    });
    costs.collect()
}

/// Costs of the samples before `end` on the line of a run that begins at or before it.
fn costs_backward(samples: &[f64], run: &Run, end: usize) -> Vec<f64> {
    let variance = variance(run);
    let mut place = run.cursor;
    for _ in run.sure.start..end {
        place.advance();
    }
    let mut costs: Vec<f64> = samples
        .iter()
        .rev()
        .map(|sample| {
            place.retreat();
            let rest = run.rest(*sample, place);
            (rest * rest / variance).min(DEAREST)
        })
        .collect();
    costs.reverse();
    costs
}
