//! Time, integrity and level of a pair: what laying one against the other gives.

use voxproof_audio::align::Block;
use voxproof_audio::alignment::Alignment;
use voxproof_audio::comparison::SpeechComparison;
use voxproof_audio::delay_track::{DelayTrack, Settings};
use voxproof_audio::glitch::speech::{self, Event, Kind};
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::p56::speech_level;
use voxproof_audio::unit::{Count, Db, Milliseconds, Percent, Ratio, Seconds};

use super::{Loaded, Pair, suspicion};
use crate::quantity::*;
use crate::{Curve, Group, PairRecord, QuantityResult, Selection};

/// How far apart the two may be, s.
const SEARCH_S: f64 = 10.0;
/// Correlation from which a block is found again.
const INTACT: f64 = 0.9;
/// Correlation from which a block's delay is believed.
const BELIEVED: f64 = 0.5;
/// Limits of a block's ratio in the segmental SNR, dB.
const SEGMENT_DB: (f64, f64) = (-10.0, 35.0);
/// What the alignment found.
struct Aligned {
    track: DelayTrack,
    comparison: SpeechComparison,
    /// Active blocks.
    blocks: Vec<Block>,
}

/// Adds what was asked for; whether the two belong together, or why they cannot be laid against each other.
pub(super) fn measure(
    pair: &Pair<'_>,
    reference: &Loaded,
    degraded: &Loaded,
    selection: &Selection,
    record: &mut PairRecord,
) -> Result<(), Unmeasurable> {
    let aligned = align(pair);
    record.notes.extend(suspicion::notes(
        pair,
        reference,
        degraded,
        aligned
            .as_ref()
            .ok()
            .map(|aligned| aligned.comparison.delay.seconds),
    ));
    let mut results = Vec::new();
    if selection.has(Group::Time) {
        results.extend(time(&aligned));
    }
    if selection.has(Group::Integrity) {
        results.extend(integrity(pair, reference, degraded, &aligned));
    }
    if selection.has(Group::Level) {
        results.extend(level(pair, &aligned));
    }
    record.results.extend(results);
    if let Ok(aligned) = &aligned {
        record.curves.extend(curves(pair, aligned));
    }
    aligned.map(|_| ())
}

fn align(pair: &Pair<'_>) -> Result<Aligned, Unmeasurable> {
    let alignment = Alignment::new(&pair.reference, &pair.degraded, pair.rate, -SEARCH_S..SEARCH_S)?;
    Ok(Aligned {
        track: DelayTrack::of(&alignment, &Settings::default())?,
        comparison: SpeechComparison::of(&alignment),
        blocks: alignment.blocks().to_vec(),
    })
}

impl Aligned {
    fn intact(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.correlation >= INTACT)
    }
}

/// A result that the alignment has or prevents.
fn from<U: voxproof_audio::unit::Unit>(
    quantity: &Quantity,
    aligned: &Result<Aligned, Unmeasurable>,
    value: impl FnOnce(&Aligned) -> Measured<U>,
) -> QuantityResult {
    QuantityResult::of(quantity, &aligned.as_ref().map_err(Clone::clone).and_then(value))
}

fn time(aligned: &Result<Aligned, Unmeasurable>) -> Vec<QuantityResult> {
    vec![
        from(&DELAY, aligned, |found| found.track.delay.clone()),
        from(&DELAY_CONFIDENCE, aligned, |found| {
            Measurement::single(Ratio(found.comparison.delay.confidence))
        }),
        from(&DELAY_STEPS, aligned, |found| {
            Measurement::single(Count(found.track.jumps.len() as f64))
        }),
        from(&DELAY_SPREAD, aligned, |found| delay_spread(&found.track)),
        from(&CLOCK_DRIFT, aligned, |found| found.track.drift.clone()),
    ]
}

/// Largest less least delay of the sentences and around the jumps: single blocks may be chance matches.
fn delay_spread(track: &DelayTrack) -> Measured<Milliseconds> {
    let sentences = track
        .sentences
        .iter()
        .filter_map(|sentence| sentence.delay.as_ref().ok());
    let delays: Vec<f64> = sentences
        .map(|delay| delay.value.0)
        .chain(track.jumps.iter().flat_map(|jump| [jump.from_ms, jump.to_ms]))
        .collect();
    if delays.is_empty() {
        return Err(Unmeasurable::NoSuchPart("sentence that is found again"));
    }
    let (least, most) = delays
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), delay| {
            (least.min(*delay), most.max(*delay))
        });
    Measurement::single(Milliseconds(most - least))
}

fn integrity(
    pair: &Pair<'_>,
    reference: &Loaded,
    degraded: &Loaded,
    aligned: &Result<Aligned, Unmeasurable>,
) -> Vec<QuantityResult> {
    let glitches = speech::detect(&pair.degraded, pair.rate, &speech::Settings::default());
    let count = |kind: Kind| -> Measured<Count> {
        let events = glitches.as_ref().map_err(Clone::clone)?;
        let of_kind = |event: &&Event| event.kind == kind;
        Measurement::single(Count(events.iter().filter(of_kind).count() as f64))
    };
    vec![
        from(&INTACT_SHARE, aligned, |found| {
            Measurement::single(Percent(found.comparison.intact_fraction * 100.0))
        }),
        from(&MISSING_TIME, aligned, |found| {
            Measurement::single(Seconds(found.comparison.missing_seconds))
        }),
        QuantityResult::of(&MUTED_PLACES, &count(Kind::Muted)),
        QuantityResult::of(&REPEATED_FRAMES, &count(Kind::Repeated)),
        from(&INVERTED, aligned, |found| {
            Measurement::single(Count(f64::from(u8::from(found.track.inverted))))
        }),
        QuantityResult::of(
            &LENGTH_DIFFERENCE,
            &Measurement::single(Seconds(degraded.seconds() - reference.seconds())),
        ),
    ]
}

fn level(pair: &Pair<'_>, aligned: &Result<Aligned, Unmeasurable>) -> Vec<QuantityResult> {
    let no_block = || Unmeasurable::NoSuchPart("block that is found again");
    let speech =
        |samples: &[f32], which| speech_level(samples, pair.rate).ok_or(Unmeasurable::NoSuchPart(which));
    let difference = speech(&pair.reference, "speech in the reference").and_then(|reference| {
        let degraded = speech(&pair.degraded, "speech in the recording")?;
        Measurement::single(Db(degraded.active.0 - reference.active.0))
    });
    vec![
        from(&GAIN, aligned, |found| {
            if found.intact().next().is_none() {
                return Err(no_block());
            }
            Measurement::single(Db(found.comparison.median_gain_db))
        }),
        QuantityResult::of(&SPEECH_LEVEL_DIFFERENCE, &difference),
        from(&SNR, aligned, |found| {
            Measurement::single(Db(found.comparison.median_snr_db))
        }),
        from(&SEGMENTAL_SNR, aligned, |found| {
            let ratios: Vec<Db> = found
                .blocks
                .iter()
                .map(|block| Db(block.snr_db.clamp(SEGMENT_DB.0, SEGMENT_DB.1)))
                .collect();
            Measurement::of(&ratios)
        }),
    ]
}

fn curves(pair: &Pair<'_>, found: &Aligned) -> Vec<Curve> {
    let at =
        |block: &Block| (block.reference_start as f64 + block.length as f64 / 2.0) / f64::from(pair.rate);
    const TIME: &str = "time in the reference, s";
    let believed = found
        .track
        .points
        .iter()
        .filter(|point| point.correlation >= BELIEVED);
    vec![
        Curve::new(
            "delay_against_time",
            TIME,
            "delay, ms",
            believed.map(|point| (point.at_s, point.delay_ms)),
        ),
        Curve::new(
            "correlation_against_time",
            TIME,
            "correlation",
            found.blocks.iter().map(|block| (at(block), block.correlation)),
        ),
        Curve::new(
            "snr_against_time",
            TIME,
            "SNR, dB",
            found.blocks.iter().map(|block| (at(block), block.snr_db)),
        ),
    ]
}
