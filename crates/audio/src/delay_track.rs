//! Delay against time: how the delay of a call develops, where it jumps and how fast it drifts.

use std::ops::Range;

use crate::align::Block;
use crate::alignment::Alignment;
use crate::delay_steps::{MATCHED, segments, steps};
use crate::drift::Line;
use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::unit::{Milliseconds, PartsPerMillion};

/// Share of the speech that must be found, or the recording is one of something else.
const LEAST_MATCHED: f64 = 0.1;

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the delay as a whole may lie, in s; may be negative. Jumps may lead up to 2 s out of it.
    pub search: Range<f64>,
    /// Smallest change of the delay that is a jump, in s; less is drift.
    pub smallest_jump_s: f64,
    /// Pause from which on a new sentence begins, in s.
    pub sentence_pause_s: f64,
}

impl Default for Settings {
    /// -1 s to 5 s, jumps of 0.5 ms and more, sentences 0.3 s apart.
    fn default() -> Self {
        Self {
            search: -1.0..5.0,
            smallest_jump_s: 0.0005,
            sentence_pause_s: 0.3,
        }
    }
}

/// Delay of a block of 100 ms in which the reference speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Middle of the block in the reference, in s.
    pub at_s: f64,
    /// The delay there, in ms.
    pub delay_ms: f64,
    /// Normalised correlation of the block at this delay, -1..=1; from 0.5 on the delay is believed.
    pub correlation: f64,
}

/// Delay of a sentence: of a stretch of speech between two pauses.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// Start and end in the reference, in s, to 100 ms.
    pub interval_s: Range<f64>,
    /// Mean over its blocks; the spread is that of the blocks.
    pub delay: Measured<Milliseconds>,
}

/// A change of the delay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jump {
    /// Sample of the reference: the first one that is lost, or the one before which something is inserted.
    pub reference_sample: usize,
    /// Sample of the recording from which on the delay before does not hold any more.
    pub recording_sample: i64,
    /// Delay before, in ms.
    pub from_ms: f64,
    /// Delay after, in ms.
    pub to_ms: f64,
    /// Samples inserted; negative for samples lost.
    pub samples: f64,
    /// Places around this one that explain the recording as well: a jump in a pause may lie anywhere in it.
    pub ambiguity_samples: usize,
}

/// How the delay of a recording develops.
#[derive(Debug, Clone, PartialEq)]
pub struct DelayTrack {
    /// Mean over the sentences with their spread.
    pub delay: Measured<Milliseconds>,
    /// Delay against time: the blocks in which the reference speaks.
    pub points: Vec<Point>,
    /// Delay of every sentence.
    pub sentences: Vec<Sentence>,
    /// Jumps that last for at least two blocks.
    pub jumps: Vec<Jump>,
    /// Slope of the delay between the jumps. Positive when the delay grows; see [`crate::drift`].
    pub drift: Measured<PartsPerMillion>,
    /// Share of the blocks whose delay is believed, 0..=1.
    pub matched: f64,
    /// The recording has the opposite polarity.
    pub inverted: bool,
}

/// Follows the delay of `degraded` against `reference`.
///
/// # Errors
/// [`Unmeasurable::NoSuchPart`] when the reference has no speech, [`Unmeasurable::Silent`] when nothing of the recording
/// lies in the search range, [`Unmeasurable::NotAligned`] when hardly any of it matches.
pub fn follow(
    reference: &[f32],
    degraded: &[f32],
    rate: u32,
    settings: &Settings,
) -> Result<DelayTrack, Unmeasurable> {
    let alignment = Alignment::new(reference, degraded, rate, settings.search.clone())?;
    DelayTrack::of(&alignment, settings)
}

impl DelayTrack {
    /// The delay between two recordings laid against each other; the search range of the settings was that of the
    /// alignment.
    ///
    /// # Errors
    /// [`Unmeasurable::Silent`] and [`Unmeasurable::NotAligned`] as [`follow`].
    pub fn of(alignment: &Alignment, settings: &Settings) -> Result<Self, Unmeasurable> {
        let located = alignment.located.ok_or(Unmeasurable::Silent)?;
        let (aligner, blocks, rate) = (&alignment.aligner, alignment.blocks(), alignment.rate);
        let believed = blocks.iter().filter(|block| block.correlation >= MATCHED).count();
        let matched = believed as f64 / blocks.len().max(1) as f64;
        if matched < LEAST_MATCHED {
            return Err(Unmeasurable::NotAligned {
                correlation: located.correlation.abs(),
            });
        }
        let smallest_jump_s = settings.smallest_jump_s.max(0.0);
        let segments = segments(blocks, rate, smallest_jump_s);
        let rate_hz = f64::from(rate);
        let to_ms = |samples: f64| samples / rate_hz * 1e3;
        let jumps = steps(aligner, blocks, &segments)
            .into_iter()
            .map(|step| Jump {
                reference_sample: step.reference,
                recording_sample: step.recording,
                from_ms: to_ms(step.from),
                to_ms: to_ms(step.to),
                samples: step.to - step.from,
                ambiguity_samples: step.ambiguity,
            })
            .collect();
        let points = blocks.iter().map(|block| Point {
            at_s: (block.reference_start as f64 + block.length as f64 / 2.0) / rate_hz,
            delay_ms: to_ms(block.lag),
            correlation: block.correlation,
        });
        let sentences = sentences(blocks, rate, settings.sentence_pause_s);
        let delays: Vec<Milliseconds> = sentences
            .iter()
            .filter_map(|sentence| Some(sentence.delay.as_ref().ok()?.value))
            .collect();
        Ok(Self {
            delay: Measurement::of(&delays),
            points: points.collect(),
            sentences,
            jumps,
            drift: Line::result(segments.drift),
            matched,
            inverted: alignment.is_inverted(),
        })
    }
}

fn sentences(blocks: &[Block], rate: u32, pause_s: f64) -> Vec<Sentence> {
    let rate_hz = f64::from(rate);
    let together = |before: &Block, after: &Block| {
        let pause = after.reference_start - (before.reference_start + before.length);
        (pause as f64) < pause_s * rate_hz
    };
    let of_blocks = |blocks: &[Block]| {
        let (first, last) = (blocks.first()?, blocks.last()?);
        let believed: Vec<Milliseconds> = blocks
            .iter()
            .filter(|block| block.correlation >= MATCHED)
            .map(|block| Milliseconds(block.lag / rate_hz * 1e3))
            .collect();
        let best = blocks
            .iter()
            .map(|block| block.correlation)
            .fold(f64::NEG_INFINITY, f64::max);
        let delay = Measurement::of(&believed).map_err(|_| Unmeasurable::NotAligned { correlation: best });
        let end = (last.reference_start + last.length) as f64;
        Some(Sentence {
            interval_s: first.reference_start as f64 / rate_hz..end / rate_hz,
            delay,
        })
    };
    blocks.chunk_by(together).filter_map(of_blocks).collect()
}
