//! The lag of every block of speech, found for all blocks together.
//!
//! A single block in noise, or a vowel whose periods all look alike, cannot be placed by itself. So places are proposed
//! by longer stretches, every block is scored at each of them, and the sequence of lags with the best sum is taken
//! (Viterbi's algorithm), in which a change of lag must earn its price.

use std::ops::Range;

use crate::aligner::Aligner;

/// Length of the stretches that propose lags, in s: long enough to be placed in noise as loud as the speech.
const STRETCH_S: f64 = 0.6;
/// Reach around the last lag that held, in s.
const NEAR_S: f64 = 0.3;
/// Reach when nothing near holds, in s.
const FAR_S: f64 = 2.0;
/// Correlation of a stretch from which its lag holds; a stretch cut by a slip still has about 0.7, other speech 0.3.
const HOLDS: f64 = 0.5;
/// Peaks a stretch may propose, and how far they are apart, in s.
const PEAKS: usize = 6;
const PEAKS_APART_S: f64 = 0.0005;
/// Proposals closer than this are one, in s; a clock that drifts walks through neighbouring ones.
const SAME_S: f64 = 0.000_25;
/// Lags this close are a walk, not a step, in s.
const WALK_S: f64 = 0.0006;
/// Stretches before and after that propose lags too.
const NEIGHBOURS: usize = 2;
/// Most lags that a block is tried at.
const MOST_LAGS: usize = 12;
/// Proposals with less than this share of the weight of the strongest are dropped.
const LEAST_SHARE: f64 = 0.03;
/// Weight of the lag that held last, when nothing is proposed.
const FAINT: f64 = 1e-3;
/// What a step and a walk cost, in units of log likelihood.
const STEP_COST: f64 = 20.0;
const WALK_COST: f64 = 0.5;
/// Independent observations in a second of speech: twice a bandwidth of 1 kHz.
const OBSERVATIONS_PER_S: f64 = 2000.0;
/// No block counts for more than one with 30 dB of signal to noise.
const LARGEST_SQUARE: f64 = 0.999;

/// Lag of every active block of `length` samples, in samples, `None` for the others. `coarse` is where the recording
/// is believed to lie as a whole, `reach` how far around at least to look, both in samples.
pub(crate) fn follow(
    aligner: &mut Aligner,
    active: &[bool],
    length: usize,
    rate: u32,
    coarse: f64,
    reach: usize,
) -> Vec<Option<f64>> {
    let stretches = proposals(aligner, active, length, rate, coarse.round() as i64, reach);
    let radius = radius(rate);
    let mut blocks = Vec::new();
    let mut options: Vec<Vec<f64>> = Vec::new();
    let mut scores: Vec<Vec<f64>> = Vec::new();
    for (number, stretch) in stretches.iter().enumerate() {
        let around = number.saturating_sub(NEIGHBOURS)..(number + NEIGHBOURS + 1).min(stretches.len());
        let found = stretches[around]
            .iter()
            .flat_map(|stretch| stretch.found.iter().copied());
        let lags = merged(found.collect(), SAME_S * f64::from(rate));
        for index in stretch.blocks.clone().filter(|&index| active[index]) {
            // what has no alternative needs no score
            let of_block = if lags.len() == 1 {
                vec![0.0]
            } else {
                let score = |lag: &f64| score(aligner, index * length, length, rate, *lag, radius);
                lags.iter().map(score).collect()
            };
            blocks.push(index);
            options.push(lags.clone());
            scores.push(of_block);
        }
    }
    let mut found = vec![None; active.len()];
    for (index, lag) in blocks.into_iter().zip(cheapest(&options, &scores, rate)) {
        found[index] = Some(lag);
    }
    found
}

/// Stretches that are asked for the polarity.
const ASKED: usize = 12;

/// Whether the recording has the opposite polarity, by the majority of a few stretches: over the whole of a recording
/// with a drift or a slip even the sign of the correlation means nothing.
pub(crate) fn is_inverted(
    aligner: &mut Aligner,
    active: &[bool],
    length: usize,
    rate: u32,
    coarse: f64,
) -> bool {
    let blocks = ((STRETCH_S * f64::from(rate) / length as f64).round() as usize).max(1);
    let reach = (NEAR_S * f64::from(rate)) as usize;
    let speaking: Vec<(usize, usize)> = active
        .chunks(blocks)
        .enumerate()
        .filter(|(_, stretch)| stretch.iter().any(|active| *active))
        .map(|(number, stretch)| (number * blocks * length, stretch.len() * length))
        .collect();
    let step = speaking.len().div_ceil(ASKED).max(1);
    let votes = speaking.into_iter().step_by(step).map(|stretch| {
        let correlation = aligner.signed_peak(stretch, rate, coarse.round() as i64, reach);
        correlation * correlation.abs()
    });
    votes.sum::<f64>() < 0.0
}

/// How far from a proposed lag a block may lie, in samples.
pub(crate) fn radius(rate: u32) -> usize {
    (f64::from(rate) * SAME_S * 1.2).ceil().max(2.0) as usize
}

/// A stretch of the reference and where it may lie.
struct Stretch {
    /// Its blocks, active or not.
    blocks: Range<usize>,
    /// Lags in samples with the correlation of the stretch there.
    found: Vec<(i64, f64)>,
}

/// The stretches with active blocks and the lags at which they are found.
fn proposals(
    aligner: &mut Aligner,
    active: &[bool],
    length: usize,
    rate: u32,
    coarse: i64,
    reach: usize,
) -> Vec<Stretch> {
    let rate_hz = f64::from(rate);
    let blocks = ((STRETCH_S * rate_hz / length as f64).round() as usize).max(1);
    let near = ((NEAR_S * rate_hz) as usize).max(reach);
    let far = ((FAR_S * rate_hz) as usize).max(reach);
    let apart = (PEAKS_APART_S * rate_hz).ceil() as usize;
    let mut centre = coarse;
    let mut lost = 0_u32;
    let mut stretches = Vec::new();
    for (number, stretch) in active.chunks(blocks).enumerate() {
        let (Some(first), Some(last)) = (
            stretch.iter().position(|active| *active),
            stretch.iter().rposition(|active| *active),
        ) else {
            continue;
        };
        let start = (number * blocks + first) * length;
        let samples = (last + 1 - first) * length;
        let mut found = vec![(centre, FAINT)];
        let mut weighed = |aligner: &mut Aligner, centre: i64, reach: usize| -> (i64, f64) {
            let peaks = aligner.peaks((start, samples), rate, centre, reach, (PEAKS, apart));
            let weighed = peaks.into_iter().map(|lag| {
                let correlations = aligner.near(start, samples, lag, 1);
                (lag, correlations.into_iter().fold(0.0, f64::max))
            });
            let weighed: Vec<(i64, f64)> = weighed.collect();
            found.extend(&weighed);
            let strongest = weighed.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
            strongest.unwrap_or((centre, 0.0))
        };
        let mut best = weighed(aligner, centre, near);
        if best.1 < HOLDS {
            lost += 1;
            // Signals that have nothing to do with each other must not cost a wide search every time.
            if lost.is_power_of_two() || lost.is_multiple_of(8) {
                let wide = weighed(aligner, coarse, far);
                best = if wide.1 > best.1 { wide } else { best };
            }
        }
        if best.1 >= HOLDS {
            centre = best.0;
            lost = 0;
        }
        let from = number * blocks;
        stretches.push(Stretch {
            blocks: from..from + stretch.len(),
            found,
        });
    }
    stretches
}

/// Proposals that are one, and of these the [`MOST_LAGS`] with the most weight.
fn merged(mut found: Vec<(i64, f64)>, same: f64) -> Vec<f64> {
    found.sort_by_key(|(lag, _)| *lag);
    // first lag, sum of the weights, weighted sum of the lags
    let mut groups: Vec<(i64, f64, f64)> = Vec::new();
    for (lag, correlation) in found {
        let weight = correlation * correlation;
        match groups.last_mut() {
            Some(group) if (lag - group.0) as f64 <= same => {
                group.1 += weight;
                group.2 += weight * lag as f64;
            }
            _ => groups.push((lag, weight, weight * lag as f64)),
        }
    }
    groups.sort_by(|a, b| b.1.total_cmp(&a.1));
    let least = groups.first().map_or(0.0, |group| LEAST_SHARE * group.1);
    groups.retain(|group| group.1 > least);
    groups.truncate(MOST_LAGS);
    let mut lags: Vec<f64> = groups.into_iter().map(|(_, weight, sum)| sum / weight).collect();
    lags.sort_by(f64::total_cmp);
    lags
}

/// Log likelihood of a block at a lag: of a residual that is Gaussian and as large as the correlation says.
fn score(aligner: &Aligner, start: usize, length: usize, rate: u32, lag: f64, radius: usize) -> f64 {
    let best = aligner.height(start, length, lag, radius);
    let observations = (length as f64 / f64::from(rate) * OBSERVATIONS_PER_S).min(length as f64);
    -0.5 * observations * (1.0 - (best * best).min(LARGEST_SQUARE)).ln()
}

/// The sequence of lags with the largest sum of scores less the price of its changes; `options` and `scores` are those
/// of every block.
fn cheapest(options: &[Vec<f64>], scores: &[Vec<f64>], rate: u32) -> Vec<f64> {
    let walk = WALK_S * f64::from(rate);
    let cost = |from: f64, to: f64| match (from - to).abs() {
        0.0 => 0.0,
        change if change <= walk => WALK_COST,
        _ => STEP_COST,
    };
    // of every block: the option of the block before from which each of its options is reached
    let mut origins: Vec<Vec<usize>> = Vec::with_capacity(scores.len());
    let mut before: (&[f64], Vec<f64>) = (&[], Vec::new());
    for (lags, of_block) in options.iter().zip(scores) {
        let (mut sums, mut origin) = (Vec::with_capacity(lags.len()), Vec::with_capacity(lags.len()));
        for (to, score) in lags.iter().zip(of_block) {
            let reached = before
                .0
                .iter()
                .zip(&before.1)
                .map(|(from, sum)| sum - cost(*from, *to));
            let best = reached.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
            let (from, sum) = best.unwrap_or((0, 0.0));
            sums.push(sum + score);
            origin.push(from);
        }
        origins.push(origin);
        before = (lags, sums);
    }
    let sums = before.1;
    let last = (0..sums.len()).max_by(|&a, &b| sums[a].total_cmp(&sums[b]));
    let mut state = last.unwrap_or(0);
    let mut path: Vec<f64> = Vec::with_capacity(scores.len());
    for (lags, origin) in options.iter().zip(&origins).rev() {
        path.push(lags[state]);
        state = origin[state];
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_that_are_one_are_merged_and_the_weak_ones_dropped() {
        let found = vec![(100, 0.9), (101, 0.9), (300, 0.5), (102, 0.9), (500, 0.0)];
        assert_eq!(merged(found, 4.0), [101.0, 300.0]);
        let many: Vec<(i64, f64)> = (0..100).map(|n| (n * 50, 0.1 + n as f64 / 1000.0)).collect();
        let lags = merged(many, 4.0);
        assert_eq!((lags.len(), lags[0]), (MOST_LAGS, 88.0 * 50.0));
    }

    #[test]
    fn one_block_that_fits_elsewhere_is_no_step_and_three_are() {
        let options = vec![vec![0.0, 100.0]; 10];
        let scores = |elsewhere: std::ops::Range<usize>| -> Vec<Vec<f64>> {
            (0..10)
                .map(|n| {
                    if elsewhere.contains(&n) {
                        vec![5.0, 20.0]
                    } else {
                        vec![20.0, 5.0]
                    }
                })
                .collect()
        };
        assert_eq!(cheapest(&options, &scores(4..5), 8000), [0.0; 10]);
        let path = cheapest(&options, &scores(4..7), 8000);
        assert_eq!(path[3..8], [0.0, 100.0, 100.0, 100.0, 0.0]);
    }
}
