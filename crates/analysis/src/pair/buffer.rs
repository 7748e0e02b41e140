//! A jitter buffer at work: delay and quality sentence by sentence.

use voxproof_audio::delay_track::{DelayTrack, Settings, follow};
use voxproof_audio::jitter_buffer;
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::quality::{MosLqo, loss, visqol};
use voxproof_audio::unit::{Count, Seconds, Unit};

use super::{Pair, PairOptions, resampled};
use crate::quantity::*;
use crate::{Curve, Group, PairRecord, Quantity, QuantityResult};

/// How far apart the two may be, s.
const SEARCH_S: f64 = 10.0;
/// What is scored around two sentences, s: the models need a beginning and an end.
const MARGIN_S: f64 = 0.2;
/// What a recording has more than the stretch of the reference, s: the buffer may grow within it.
const GROWTH_S: f64 = 0.3;
/// Width of the bins of the loss of quality, MOS.
const BIN_MOS: f64 = 0.1;
const TIME: &str = "time in the reference, s";

pub(super) fn measure(pair: &Pair<'_>, options: &PairOptions, record: &mut PairRecord) {
    if !options.selection.has(Group::JitterBuffer) {
        return;
    }
    let settings = Settings {
        search: -SEARCH_S..SEARCH_S,
        ..Settings::default()
    };
    let track = follow(&pair.reference, &pair.degraded, pair.rate, &settings);
    delays(&track, record);
    let scores = track.and_then(|track| scores(&pair.reference, &pair.degraded, pair.rate, &track));
    let undisturbed = options.undisturbed.as_ref().map(|recording| {
        let recording = resampled(recording, pair.rate)?;
        let track = follow(&pair.reference, &recording, pair.rate, &settings)?;
        self::scores(&pair.reference, &recording, pair.rate, &track)
    });
    qualities(&scores, undisturbed, record);
}

/// What the reports of TS 26.132 say of the delay.
fn delays(track: &Result<DelayTrack, Unmeasurable>, record: &mut PairRecord) {
    let report = track
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|track| jitter_buffer::report(track, &jitter_buffer::Settings::default()));
    let count = track
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|track| Measurement::single(Count(track.sentences.len() as f64)));
    record.results.push(QuantityResult::of(&SENTENCES, &count));
    fn from<U: Unit>(
        quantity: &Quantity,
        report: &Result<jitter_buffer::Report, Unmeasurable>,
        value: impl Fn(&jitter_buffer::Report) -> U,
    ) -> QuantityResult {
        let measured = report.as_ref().map_err(Clone::clone);
        QuantityResult::of(
            quantity,
            &measured.and_then(|report| Measurement::single(value(report))),
        )
    }
    record.results.extend([
        from(&LOST_SENTENCES, &report, |report| {
            Count(report.lost_sentences as f64)
        }),
        from(&DELAY_FIRST, &report, |report| report.first),
        from(&DELAY_LAST, &report, |report| report.last),
        from(&DELAY_LEAST, &report, |report| report.least),
        from(&DELAY_GREATEST, &report, |report| report.greatest),
        from(&STEPS_UP, &report, |report| report.steps_up),
        from(&SETTLED, &report, |report| Seconds(report.settled_at.0)),
    ]);
    let Ok(report) = report else {
        return;
    };
    let bins = report.histogram.iter().map(|bin| (bin.from_ms, bin.count as f64));
    record.curves.push(Curve::new(
        "delay_histogram",
        "delay, ms, from",
        "sentences",
        bins,
    ));
    if let Ok(track) = track {
        let sentences = track.sentences.iter().filter_map(|sentence| {
            let middle = (sentence.interval_s.start + sentence.interval_s.end) / 2.0;
            Some((middle, sentence.delay.as_ref().ok()?.value.0))
        });
        record
            .curves
            .push(Curve::new("delay_of_sentences", TIME, "delay, ms", sentences));
    }
}

/// ViSQOL of each two successive sentences: the middle of the stretch in s, and the score.
fn scores(
    reference: &[f32],
    recording: &[f32],
    rate: u32,
    track: &DelayTrack,
) -> Result<Vec<(f64, f64)>, Unmeasurable> {
    let rate_hz = f64::from(rate);
    let at = |seconds: f64| (seconds.max(0.0) * rate_hz).round() as usize;
    let found: Vec<_> = track
        .sentences
        .chunks(2)
        .filter_map(|sentences| {
            let (first, last) = (sentences.first()?, sentences.last()?);
            let delay = sentences.iter().find_map(|sentence| sentence.delay.as_ref().ok());
            let (start, end) = (first.interval_s.start - MARGIN_S, last.interval_s.end + MARGIN_S);
            let sent = reference.get(at(start)..at(end).min(reference.len()))?;
            // a pair of which nothing was found is scored against what is there at the usual delay
            let usual = track.delay.as_ref().ok().map_or(0.0, |delay| delay.value.0);
            let delay = delay.map_or(usual, |delay| delay.value.0) / 1e3;
            let last = at(end + delay + GROWTH_S).min(recording.len());
            let got = recording.get(at(start + delay).min(last)..last)?;
            let score = visqol::speech(sent, got, rate).map_or(1.0, |score| score.mos.0);
            Some(((start + end) / 2.0, score))
        })
        .collect();
    if found.is_empty() {
        return Err(Unmeasurable::NoSuchPart("sentence"));
    }
    Ok(found)
}

type Scores = Result<Vec<(f64, f64)>, Unmeasurable>;

fn qualities(scores: &Scores, undisturbed: Option<Scores>, record: &mut PairRecord) {
    let mos = scores.as_ref().map_err(Clone::clone).and_then(|scores| {
        let each: Vec<MosLqo> = scores.iter().map(|(_, score)| MosLqo(*score)).collect();
        Measurement::of(&each)
    });
    record.results.push(QuantityResult::of(&SENTENCE_MOS, &mos));
    if let Ok(scores) = scores {
        let points = scores.iter().copied();
        record.curves.push(Curve::new(
            "quality_of_sentences",
            TIME,
            "MOS-LQO (ViSQOL)",
            points,
        ));
    }
    let quantities = [&LOSS_LEAST, &LOSS_MEDIAN, &LOSS_LARGEST];
    let Some(undisturbed) = undisturbed else {
        let because = "the recording of an undisturbed call was not given (--undisturbed)";
        let none = quantities.map(|quantity| QuantityResult::because(quantity, "table-missing", because));
        record.results.extend(none);
        return;
    };
    let report = scores.clone().and_then(|scores| {
        let of = |scores: &[(f64, f64)]| scores.iter().map(|(_, score)| *score).collect::<Vec<_>>();
        loss::quality_loss(&of(&undisturbed?), &of(&scores), BIN_MOS)
    });
    let of = |value: fn(&loss::QualityLoss) -> f64| -> Measured<MosLqo> {
        let report = report.as_ref().map_err(Clone::clone);
        report.and_then(|report| Measurement::single(MosLqo(value(report))))
    };
    record.results.extend([
        QuantityResult::of(&LOSS_LEAST, &of(|report| report.least)),
        QuantityResult::of(&LOSS_MEDIAN, &of(|report| report.median)),
        QuantityResult::of(&LOSS_LARGEST, &of(|report| report.largest)),
    ]);
    if let Ok(report) = &report {
        let bins = report.histogram.iter().map(|bin| (bin.from, bin.count as f64));
        record.curves.push(Curve::new(
            "quality_loss_histogram",
            "loss of MOS-LQO, from",
            "pairs of sentences",
            bins,
        ));
    }
}
