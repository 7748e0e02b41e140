//! `analyze`: a recording against its reference.

mod likeness;
mod load;
mod page;
mod quality;
mod response;
mod suspicion;

use std::borrow::Cow;

use voxproof_audio::mask::Mask;
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::resample::resample;

pub use load::Loaded;
pub use page::{DrawnPair, analyze_page};

use crate::format::{Note, NoteKind};
use crate::{Group, PairRecord, QUANTITIES, Quantity, QuantityResult, Selection};

/// Longest recording that is compared, s: correlation needs several times the recording in memory.
const LONGEST_S: f64 = 3600.0;

/// What to find out about a pair.
#[derive(Debug, Clone)]
pub struct PairOptions {
    /// Groups of quantities.
    pub selection: Selection,
    /// What to hold the frequency response against.
    pub mask: Option<Mask>,
}

/// Two recordings at one rate.
pub(crate) struct Pair<'a> {
    pub(crate) rate: u32,
    pub(crate) reference: Cow<'a, [f32]>,
    pub(crate) degraded: Cow<'a, [f32]>,
}

/// Compares a recording with its reference, both of one channel.
///
/// Recordings of different rates are compared at the lower one. Whatever cannot be measured says why.
#[must_use]
pub fn analyze(reference: &Loaded, degraded: &Loaded, options: &PairOptions) -> PairRecord {
    compare(reference, degraded, options).0
}

pub(crate) fn compare<'a>(
    reference: &'a Loaded,
    degraded: &'a Loaded,
    options: &PairOptions,
) -> (PairRecord, Option<Pair<'a>>) {
    let mut record = PairRecord {
        reference: reference.name.clone(),
        degraded: degraded.name.clone(),
        reference_format: Some(reference.format.clone()),
        degraded_format: Some(degraded.format.clone()),
        rate_hz: None,
        problem: None,
        notes: Vec::new(),
        results: Vec::new(),
        curves: Vec::new(),
    };
    for (which, loaded) in [("reference", reference), ("recording", degraded)] {
        let notes = loaded.notes.iter();
        record
            .notes
            .extend(notes.map(|note| Note::new(note.kind, format!("{which}: {}", note.text))));
    }
    let obstacle = obstacle("reference", reference).or_else(|| obstacle("recording", degraded));
    let pair = match obstacle {
        Some(obstacle) => Err(obstacle),
        None => at_one_rate(reference, degraded, &mut record.notes),
    };
    match pair {
        Err((code, because)) => {
            record.results = wanted(&options.selection)
                .map(|quantity| QuantityResult::because(quantity, code, because.clone()))
                .collect();
            (record, None)
        }
        Ok(pair) => {
            record.rate_hz = Some(pair.rate);
            let related = likeness::measure(&pair, reference, degraded, &options.selection, &mut record);
            response::measure(&pair, related.clone(), options, &mut record);
            quality::measure(&pair, related, options, &mut record);
            (record, Some(pair))
        }
    }
}

fn wanted(selection: &Selection) -> impl Iterator<Item = &'static Quantity> {
    QUANTITIES
        .iter()
        .copied()
        .filter(|quantity| Group::OF_PAIR.contains(&quantity.group) && selection.has(quantity.group))
}

/// Why nothing can be measured with a recording.
fn obstacle(which: &str, loaded: &Loaded) -> Option<(&'static str, String)> {
    let seconds = loaded.seconds();
    let reason = if loaded.samples.is_empty() {
        Unmeasurable::NothingToMeasure
    } else if loaded.non_finite > 0 {
        Unmeasurable::NotFinite {
            count: loaded.non_finite,
        }
    } else if loaded.samples.iter().all(|sample| *sample == 0.0) {
        Unmeasurable::Silent
    } else if loaded.samples.iter().any(|sample| sample.abs() >= 1.0e4) {
        return Some((
            "out-of-scale",
            format!("samples of the {which} go 80 dB and more beyond full scale: they were not scaled to 1"),
        ));
    } else if seconds > LONGEST_S {
        return Some((
            "too-long",
            format!("the {which} has {seconds:.0} s and at most {LONGEST_S:.0} s are compared"),
        ));
    } else {
        return None;
    };
    Some((reason.code(), format!("of the {which}: {reason}")))
}

/// Both at the lower of the two rates.
fn at_one_rate<'a>(
    reference: &'a Loaded,
    degraded: &'a Loaded,
    notes: &mut Vec<Note>,
) -> Result<Pair<'a>, (&'static str, String)> {
    let (r, d) = (reference.format.sample_rate_hz, degraded.format.sample_rate_hz);
    let rate = r.min(d);
    if r != d {
        notes.push(Note::new(
            NoteKind::Converted,
            format!("the reference has {r} Hz and the recording {d} Hz: both are compared at {rate} Hz"),
        ));
    }
    let convert = |loaded: &'a Loaded| {
        let from = loaded.format.sample_rate_hz;
        if from == rate {
            return Ok(Cow::Borrowed(loaded.samples.as_slice()));
        }
        let wide: Vec<f64> = loaded.samples.iter().map(|sample| f64::from(*sample)).collect();
        let converted = resample(&wide, from, rate).map_err(|error| ("mismatch", error.to_string()))?;
        Ok(Cow::Owned(
            converted.into_iter().map(|sample| sample as f32).collect(),
        ))
    };
    Ok(Pair {
        rate,
        reference: convert(reference)?,
        degraded: convert(degraded)?,
    })
}
