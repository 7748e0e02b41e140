//! Did this speech come through intact?
//!
//! The question of a call test, answered block by block: a jitter buffer that inserts or drops some milliseconds moves
//! the rest of the recording, and a single correlation over everything would call that a failure. Here the blocks
//! before and after match at their own delays, and the step between them is reported as a slip.

use std::ops::Range;

use crate::align::{Block, INTACT, activity_threshold};
use crate::aligner::Aligner;
use crate::alignment::Alignment;
use crate::delay::{Delay, Located, cross_correlation, normalised};
use crate::delay_steps::{segments, steps};
use crate::sample::{centred, clean};
use crate::statistics::median;

/// Smallest change of delay that is a slip, in s; less is clock drift or interpolation.
const SLIP_S: f64 = 0.0005;
/// Length of the frames in which missing sound is looked for, in s: half of a usual packet, so that a lost packet always
/// covers one.
const FRAME_S: f64 = 0.01;
/// A frame is missing when it is this far below what the reference and the gain of the path promise, in dB ...
const MISSING_DB: f64 = 25.0;
/// ... or below this mean square: -75 dBov.
const MISSING_POWER: f64 = 3.2e-8;
/// Value of the medians that have no block to be taken from, in dB.
const NOTHING_DB: f64 = -100.0;

/// A change of the delay within the recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slip {
    /// Where in the reference the new delay holds for the first time, in s. To the sample where the recording shows it;
    /// a step in a pause is put at its start.
    pub at_s: f64,
    /// Delay before, in samples.
    pub from_samples: f64,
    /// Delay after, in samples.
    pub to_samples: f64,
}

/// What became of the speech of a reference in a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechComparison {
    /// Delay of the recording as a whole. For [`compare_looped`]: when the loop starts for the first time.
    pub delay: Delay,
    /// Blocks of 100 ms in which the reference speaks.
    pub active_blocks: usize,
    /// Of these, blocks that are found in the recording with a correlation of at least 0.9.
    pub intact_blocks: usize,
    /// `intact_blocks / active_blocks`, 0 when there are none.
    pub intact_fraction: f64,
    /// Median correlation of the active blocks.
    pub median_correlation: f64,
    /// Median of the signal to noise and distortion ratio of the active blocks that are not missing, in dB; -100 when
    /// there is none.
    pub median_snr_db: f64,
    /// Median gain of the intact blocks, in dB; -100 when there is none.
    pub median_gain_db: f64,
    /// Changes of the delay by 0.5 ms or more that last for at least two blocks.
    pub slips: Vec<Slip>,
    /// Active blocks in which the recording is silent for at least 10 ms while the reference speaks. A block can be
    /// intact and yet miss a frame.
    pub missing_blocks: usize,
    /// Time in which the recording is silent while the reference speaks, in s, in steps of 10 ms.
    pub missing_seconds: f64,
    /// The recording has the opposite polarity.
    pub inverted: bool,
}

/// Compares a recording with its reference; the delay is looked for within `search` (in s, may be negative).
///
/// `None` when the reference has no measurable speech. A recording without any sound is a result: nothing intact,
/// everything missing.
#[must_use]
pub fn compare(
    reference: &[f32],
    degraded: &[f32],
    rate: u32,
    search: Range<f64>,
) -> Option<SpeechComparison> {
    let alignment = Alignment::new(reference, degraded, rate, search).ok()?;
    Some(SpeechComparison::of(&alignment))
}

/// Compares a recording of a device that plays `reference` in an endless loop, begun at an unknown point.
///
/// Silence before the device starts is not held against it. `delay.seconds` is when the loop starts for the first time
/// in the recording, and the times of the slips are times in the recording. `None` when the reference has no measurable
/// speech.
#[must_use]
pub fn compare_looped(reference: &[f32], degraded: &[f32], rate: u32) -> Option<SpeechComparison> {
    let threshold = activity_threshold(reference, rate)?;
    let rate_hz = f64::from(rate);
    let frame = ((FRAME_S * rate_hz) as usize).max(1);
    let audible = |frame: &[f32]| {
        frame.iter().map(|&x| clean(x).powi(2)).sum::<f64>() >= MISSING_POWER * frame.len() as f64
    };
    let quiet = |samples: &[f32]| {
        samples
            .chunks(frame)
            .position(audible)
            .map_or(0, |frames| frames * frame)
    };
    let lead = quiet(degraded);
    let degraded = degraded.get(lead..).unwrap_or_default();
    let (recording, period) = (centred(degraded), reference.len());
    let flattened = cross_correlation(&centred(reference), &recording, rate);
    // Lags a period apart are the same point of the loop.
    let phase = flattened.and_then(|flattened| {
        let correlation = flattened.values();
        let length = correlation.len();
        let mut folded = vec![0.0; period];
        for (index, value) in correlation.iter().enumerate() {
            // the upper part holds the negative lags
            let lag = if index < degraded.len() {
                index as i64
            } else {
                index as i64 - length as i64
            };
            if lag > -(period as i64) {
                folded[lag.rem_euclid(period as i64) as usize] += value;
            }
        }
        (0..period).max_by(|&a, &b| f64::abs(folded[a]).total_cmp(&f64::abs(folded[b])))
    });
    let phase = phase.unwrap_or(0);
    let unrolled: Vec<f32> = reference
        .iter()
        .copied()
        .cycle()
        .skip(period - phase)
        .take(degraded.len())
        .collect();
    let centred_reference = centred(&unrolled);
    let correlation = normalised(&centred_reference, &recording, 0);
    // The loop may begin with silence of its own, which was taken for silence of the device.
    let begun = period - phase <= quiet(reference) + frame && lead + phase >= period;
    let first = if begun {
        lead + phase - period
    } else {
        lead + phase
    };
    let delay = Delay {
        seconds: first as f64 / rate_hz,
        confidence: correlation.abs(),
    };
    let aligner = Aligner::new(centred_reference, recording);
    let located = Located {
        lag: 0.0,
        correlation,
    };
    let alignment = Alignment::laid(aligner, &unrolled, rate, threshold, Some(located));
    let mut comparison = SpeechComparison {
        delay,
        ..SpeechComparison::of(&alignment)
    };
    for slip in &mut comparison.slips {
        slip.at_s += lead as f64 / rate_hz;
    }
    Some(comparison)
}

impl SpeechComparison {
    /// What two recordings laid against each other have in common.
    #[must_use]
    pub fn of(alignment: &Alignment) -> Self {
        let (aligner, rate, threshold) = (&alignment.aligner, alignment.rate, alignment.threshold);
        let mut blocks = alignment.blocks().to_vec();
        let slips = slips(aligner, &blocks, rate);
        let gains = blocks
            .iter()
            .filter(|block| block.correlation >= INTACT)
            .map(|block| block.gain_db);
        let gain_db = median(gains.collect());
        let missing: Vec<usize> = (0..blocks.len())
            .map(|index| missing_frames(aligner, &blocks, index, rate, threshold, gain_db.unwrap_or(0.0)))
            .collect();
        stitch(aligner, &mut blocks, rate);

        let intact_blocks = blocks.iter().filter(|block| block.correlation >= INTACT).count();
        let heard = blocks.iter().zip(&missing).filter(|(_, missing)| **missing == 0);
        Self {
            delay: alignment.delay(),
            active_blocks: blocks.len(),
            intact_blocks,
            intact_fraction: intact_blocks as f64 / blocks.len().max(1) as f64,
            median_correlation: median(blocks.iter().map(|block| block.correlation).collect()).unwrap_or(0.0),
            median_snr_db: median(heard.map(|(block, _)| block.snr_db).collect()).unwrap_or(NOTHING_DB),
            median_gain_db: gain_db.unwrap_or(NOTHING_DB),
            slips,
            missing_blocks: missing.iter().filter(|frames| **frames > 0).count(),
            missing_seconds: missing.iter().sum::<usize>() as f64 * FRAME_S,
            inverted: alignment.is_inverted(),
        }
    }
}

/// Steps of the lag that last.
fn slips(aligner: &Aligner, blocks: &[Block], rate: u32) -> Vec<Slip> {
    let steps = steps(aligner, blocks, &segments(blocks, rate, SLIP_S));
    let slips = steps.into_iter().map(|step| {
        let lost = (step.from - step.to).max(0.0);
        Slip {
            at_s: (step.reference as f64 + lost) / f64::from(rate),
            from_samples: step.from,
            to_samples: step.to,
        }
    });
    slips.collect()
}

/// A block in which the lag changes matches at neither lag as a whole, but in two parts.
fn stitch(aligner: &Aligner, blocks: &mut [Block], rate: u32) {
    let smallest = SLIP_S * f64::from(rate);
    let intact: Vec<bool> = blocks.iter().map(|block| block.correlation >= INTACT).collect();
    for index in 1..blocks.len().saturating_sub(1) {
        if intact[index] || !intact[index - 1] || !intact[index + 1] {
            continue;
        }
        let (before, after) = (blocks[index - 1].lag, blocks[index + 1].lag);
        if (before - after).abs() >= smallest {
            let block = &mut blocks[index];
            let stitched = aligner.stitched(block.reference_start, block.length, before, after);
            block.correlation = block.correlation.max(stitched);
        }
    }
}

/// Frames of a block in which the reference speaks and the recording is silent, at whichever delay around the block
/// explains more of it.
fn missing_frames(
    aligner: &Aligner,
    blocks: &[Block],
    index: usize,
    rate: u32,
    threshold: f64,
    gain_db: f64,
) -> usize {
    let block = &blocks[index];
    let frame = ((FRAME_S * f64::from(rate)) as usize).max(1);
    let intact = |block: &&Block| block.correlation >= INTACT;
    let before = blocks[..index].iter().rfind(intact).map(|block| block.lag);
    let after = blocks[index..].iter().find(intact).map(|block| block.lag);
    let lags = match (before, after) {
        // the lag of an intact block is its own
        (_, Some(_)) if block.correlation >= INTACT => [block.lag; 2],
        (Some(before), Some(after)) => [before, after],
        (Some(lag), None) | (None, Some(lag)) => [lag; 2],
        (None, None) => [block.lag; 2],
    };
    let promised_to_missing = 10f64.powf((gain_db - MISSING_DB) / 10.0);
    (0..block.length / frame)
        .filter(|number| {
            let start = block.reference_start + number * frame;
            let samples = aligner.reference(start, frame);
            let power = samples.iter().map(|x| x * x).sum::<f64>() / frame as f64;
            let limit = (power * promised_to_missing).max(MISSING_POWER);
            power >= threshold
                && lags
                    .iter()
                    .all(|lag| aligner.degraded_power(start as i64 + lag.round() as i64, frame) < limit)
        })
        .count()
}
