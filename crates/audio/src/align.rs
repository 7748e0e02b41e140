//! A recording laid against its reference block by block, so that a delay that changes on the way is followed.

use crate::align_path::{follow, is_inverted, radius};
use crate::aligner::{Aligner, Match};
use crate::delay::Delay;
use crate::p56::speech_level;
use crate::sample::{centred, clean};

/// Correlation from which a block counts as the same speech: noise and distortion more than 6 dB below it.
pub(crate) const INTACT: f64 = 0.9;
/// A block is active when it is at most this far below the active speech level of the reference, in dB.
const ACTIVE_RANGE_DB: f64 = 20.0;
/// Quietest active block, in dBov.
const QUIETEST_ACTIVE_DBOV: f64 = -70.0;
/// Limits of [`Block::snr_db`] and [`Block::gain_db`].
const LARGEST_DB: f64 = 100.0;
/// Length of the blocks that are looked at for the polarity, in s.
const POLARITY_BLOCK_S: f64 = 0.1;
/// Longest local search, in ms.
const LONGEST_SEARCH_MS: f64 = 5000.0;

/// One block of the reference and where it was found in the recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// First sample of the block in the reference.
    pub reference_start: usize,
    /// Samples in the block.
    pub length: usize,
    /// The reference has speech here; the values of other blocks say little.
    pub active: bool,
    /// Position in the recording minus position in the reference, in samples.
    pub lag: f64,
    /// Normalised correlation at this lag, -1..=1.
    pub correlation: f64,
    /// Level of the reference's part of the block over everything else in it, after the best gain, in dB, -100..=100.
    pub snr_db: f64,
    /// Gain from the reference to the recording, in dB, -100..=100.
    pub gain_db: f64,
}

/// Lays `degraded` against `reference` in blocks of `block_ms`.
///
/// The lags of all active blocks are found together, within 2 s (or `search_ms`, if that is more) around `coarse`: the
/// path of lags that explains the recording best, in which a change must pay. So a jump, a drift, a gap or noise as loud
/// as the speech do not lead astray. A block that the path does not explain to a correlation of 0.9 is looked for within
/// `search_ms` of its place. Blocks without speech take over the lag. A rest of the reference shorter than a block is
/// left out. Nothing that makes sense gives no blocks: no samples, a rate of zero, blocks of less than 8 samples.
#[must_use]
pub fn blocks(
    reference: &[f32],
    degraded: &[f32],
    rate: u32,
    coarse: &Delay,
    block_ms: f64,
    search_ms: f64,
) -> Vec<Block> {
    let threshold = activity_threshold(reference, rate);
    let mut aligner = Aligner::new(centred(reference), centred(degraded));
    let coarse_lag = coarse.seconds * f64::from(rate);
    track(
        &mut aligner,
        reference,
        rate,
        coarse_lag,
        block_ms,
        search_ms,
        threshold,
    )
}

/// Mean square from which a stretch of the reference is active speech; `None` when there is none at all.
pub(crate) fn activity_threshold(reference: &[f32], rate: u32) -> Option<f64> {
    let level = speech_level(reference, rate)?.active.0;
    let dbov = (level - ACTIVE_RANGE_DB).max(QUIETEST_ACTIVE_DBOV);
    Some(10f64.powf(dbov / 10.0))
}

/// Which blocks of `length` samples are active.
fn activity(reference: &[f32], length: usize, threshold: Option<f64>) -> Vec<bool> {
    let active = |samples: &[f32]| {
        let power = samples.iter().map(|&sample| clean(sample).powi(2)).sum::<f64>() / length as f64;
        threshold.is_some_and(|threshold| power >= threshold)
    };
    reference.chunks_exact(length).map(active).collect()
}

/// Whether the recording has the opposite polarity; if so it is turned.
pub(crate) fn straighten(
    aligner: &mut Aligner,
    reference: &[f32],
    rate: u32,
    coarse_lag: f64,
    threshold: f64,
) -> bool {
    let length = (POLARITY_BLOCK_S * f64::from(rate)) as usize;
    let active = activity(reference, length.max(1), Some(threshold));
    let inverted = is_inverted(aligner, &active, length.max(1), rate, coarse_lag);
    if inverted {
        aligner.invert();
    }
    inverted
}

/// [`blocks`] on prepared signals.
pub(crate) fn track(
    aligner: &mut Aligner,
    reference: &[f32],
    rate: u32,
    coarse_lag: f64,
    block_ms: f64,
    search_ms: f64,
    threshold: Option<f64>,
) -> Vec<Block> {
    let rate_hz = f64::from(rate);
    let length = (block_ms / 1000.0 * rate_hz).round() as usize;
    // a lag beyond 2^53 samples would not be exact and is no lag of a recording
    if length < 8 || !coarse_lag.is_finite() || coarse_lag.abs() > 1e12 {
        return Vec::new();
    }
    let search = (search_ms.clamp(0.0, LONGEST_SEARCH_MS) / 1000.0 * rate_hz).round() as usize;
    let active = activity(reference, length, threshold);
    let path = follow(aligner, &active, length, rate, coarse_lag, search);
    let mut last = path.iter().flatten().copied().next().unwrap_or(coarse_lag);
    let place = |(index, lag): (usize, &Option<f64>)| {
        let start = index * length;
        let Some(lag) = *lag else {
            return block(start, length, false, aligner.at(start, length, last));
        };
        let mut found = aligner.settle(start, length, lag, radius(rate));
        if found.correlation < INTACT {
            let wider = aligner.best(start, length, lag.round() as i64, search, Some(found.lag));
            if wider.correlation >= INTACT {
                found = wider;
            }
        }
        last = found.lag;
        block(start, length, true, found)
    };
    path.iter().enumerate().map(place).collect()
}

fn block(reference_start: usize, length: usize, active: bool, found: Match) -> Block {
    let decibels = |ratio: f64| {
        if ratio.is_nan() {
            -LARGEST_DB
        } else {
            (10.0 * ratio.log10()).clamp(-LARGEST_DB, LARGEST_DB)
        }
    };
    Block {
        reference_start,
        length,
        active,
        lag: found.lag,
        correlation: found.correlation,
        snr_db: decibels(1.0 / found.residual),
        gain_db: decibels(found.gain * found.gain),
    }
}
