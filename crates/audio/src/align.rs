//! A recording laid against its reference block by block, so that a delay that changes on the way is followed.

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
/// After this many active blocks in a row without a match the search is widened once.
const LOST_AFTER: usize = 3;
/// Reach of the widened search, in s.
const WIDE_SEARCH_S: f64 = 2.0;
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
/// Each active block is searched within `search_ms` around the lag of the last block that matched, the first one around
/// `coarse`; three active blocks without a match widen the search to 2 s once. Blocks without speech take over the lag.
/// A rest of the reference shorter than a block is left out. Nothing that makes sense gives no blocks: no samples, a
/// rate of zero, blocks of less than 8 samples.
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
    let radius = (search_ms.clamp(0.0, LONGEST_SEARCH_MS) / 1000.0 * rate_hz).round() as usize;
    let mut centre = coarse_lag;
    // the lag of the last match, to hold on to
    let mut matched: Option<f64> = None;
    let mut lost = 0;
    let mut widen_at = LOST_AFTER;
    let mut blocks: Vec<Block> = Vec::new();
    for (index, samples) in reference.chunks_exact(length).enumerate() {
        let start = index * length;
        let power = samples.iter().map(|&sample| clean(sample).powi(2)).sum::<f64>() / length as f64;
        let active = threshold.is_some_and(|threshold| power >= threshold);
        if !active {
            blocks.push(block(start, length, false, aligner.at(start, length, centre)));
            continue;
        }
        let found = aligner.best(start, length, centre.round() as i64, radius, matched);
        blocks.push(block(start, length, true, found));
        if found.correlation >= INTACT {
            centre = found.lag;
            matched = Some(found.lag);
            (lost, widen_at) = (0, LOST_AFTER);
            continue;
        }
        lost += 1;
        if lost < widen_at {
            continue;
        }
        // The next attempt only after twice as many: unrelated signals must not cost a wide search every time.
        widen_at *= 2;
        let from = blocks
            .iter()
            .rev()
            .filter(|block| block.active)
            .nth(LOST_AFTER - 1);
        let Some(from) = from.map(|block| block.reference_start) else {
            continue;
        };
        let wide = (WIDE_SEARCH_S * rate_hz) as usize;
        let again = aligner.best(
            from,
            start + length - from,
            centre.round() as i64,
            wide.max(radius),
            None,
        );
        if again.correlation < INTACT {
            continue;
        }
        centre = again.lag;
        matched = Some(again.lag);
        (lost, widen_at) = (0, LOST_AFTER);
        for block in blocks
            .iter_mut()
            .rev()
            .take_while(|block| block.reference_start >= from)
        {
            if block.active {
                let found = aligner.best(
                    block.reference_start,
                    length,
                    centre.round() as i64,
                    radius,
                    matched,
                );
                *block = self::block(block.reference_start, length, true, found);
            }
        }
    }
    blocks
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
