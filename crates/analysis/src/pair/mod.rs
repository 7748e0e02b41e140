//! `analyze`: a recording against its reference.

mod buffer;
mod distortion;
mod echo;
mod likeness;
mod load;
mod model;
mod noise_reduction;
mod page;
#[cfg(feature = "pesq")]
mod pesq;
mod quality;
mod rating;
mod response;
mod suspicion;

use std::borrow::Cow;

use voxproof_audio::calibration::Calibration;
use voxproof_audio::correction::Correction;
use voxproof_audio::curve::Curve;
use voxproof_audio::level::Plane;
use voxproof_audio::loudness_rating::WeightTable;
use voxproof_audio::mask::Mask;
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::quality::external;
use voxproof_audio::resample::{ResampleError, resample};
use voxproof_audio::stimulus::{Description, named};

pub use load::Loaded;
pub use page::{DrawnPair, analyze_page};
pub use rating::Rating;

use crate::format::{Note, NoteKind};
use crate::glitches::glitches;
use crate::{Group, PairRecord, QUANTITIES, Quantity, QuantityResult, Selection, Subject};

/// Longest recording that is compared, s: correlation needs several times the recording in memory.
const LONGEST_S: f64 = 3600.0;

/// What a reference is.
#[derive(Debug, Clone, PartialEq)]
pub enum Stimulus {
    /// A named signal with its usual parameters at the rate of the reference.
    Named(String),
    /// A described one.
    Described(Box<Description>),
}

impl Stimulus {
    fn at_rate(&self, rate: u32) -> Option<Description> {
        match self {
            Self::Named(name) => named(name, rate),
            Self::Described(description) => Some((**description).clone()),
        }
    }
}

/// What to find out about a pair, and what the lab knows of it.
#[derive(Debug, Clone, Default)]
pub struct PairOptions {
    /// Groups of quantities.
    pub selection: Selection,
    /// What to hold the frequency response against.
    pub mask: Option<Mask>,
    /// The codec whose zero level point digital levels refer to.
    pub plane: Option<Plane>,
    /// What the reference is, for distortion of anything but a tone.
    pub stimulus: Option<Stimulus>,
    /// How distortion is weighted, dB over frequency: ITU-T G.223, from a file that the lab owns.
    pub weighting: Option<Curve>,
    /// Which loudness rating.
    pub rating: Option<Rating>,
    /// Calibrations of the channels `reference` and `recording`.
    pub calibrations: Vec<Calibration>,
    /// Weights of the loudness rating; P.79 table 1 without.
    pub weights: Option<WeightTable>,
    /// What is added to the response of a loudness rating: drum to ear reference point, a diffuse field.
    pub correction: Option<Correction>,
    /// The same reference over an undisturbed call, for the loss of quality.
    pub undisturbed: Option<Loaded>,
    /// The clean speech, for what a noise reduction did.
    pub clean: Option<Loaded>,
    /// Models outside this program.
    pub models: Vec<external::Description>,
}

impl PairOptions {
    /// Nothing but groups.
    #[must_use]
    pub fn of(selection: Selection) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }

    /// Whether something is wanted that holds only if the two belong together.
    fn needs_relation(&self) -> bool {
        let groups = [
            Group::Time,
            Group::Integrity,
            Group::Level,
            Group::Response,
            Group::Quality,
            Group::Pesq,
        ];
        self.selection.has_any(&groups) || !self.models.is_empty()
    }
}

/// A further recording at the rate of the pair.
fn resampled(recording: &Loaded, rate: u32) -> Result<Vec<f32>, Unmeasurable> {
    let samples = at_rate(recording, rate).map_err(|error| Unmeasurable::Mismatch(error.to_string()))?;
    Ok(samples.into_owned())
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
        events: Vec::new(),
        models: Vec::new(),
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
            record.results = wanted(options)
                .map(|quantity| QuantityResult::because(quantity, code, because.clone()))
                .collect();
            record.models = model::none(options, code, &because);
            (record, None)
        }
        Ok(pair) => {
            record.rate_hz = Some(pair.rate);
            let related = if options.needs_relation() {
                likeness::measure(&pair, reference, degraded, &options.selection, &mut record)
            } else {
                Ok(())
            };
            response::measure(&pair, related.clone(), options, &mut record);
            quality::measure(&pair, related.clone(), options, &mut record);
            #[cfg(feature = "pesq")]
            pesq::measure(&pair, &related, options, &mut record);
            buffer::measure(&pair, options, &mut record);
            echo::measure(&pair, options, &mut record);
            noise_reduction::measure(&pair, options, &mut record);
            let stimulus = options.stimulus.as_ref();
            let stimulus = stimulus.and_then(|one| one.at_rate(reference.format.sample_rate_hz));
            distortion::measure(&pair, stimulus.as_ref(), options, &mut record);
            rating::measure(&pair, options, &mut record);
            if options.selection.has(Group::Glitches) {
                let (results, events) = glitches(&pair.degraded, pair.rate);
                record.results.extend(results);
                record.events.extend(events);
            }
            model::measure(&pair, &related, options, &mut record);
            (record, Some(pair))
        }
    }
}

fn wanted(options: &PairOptions) -> impl Iterator<Item = &'static Quantity> {
    QUANTITIES.iter().copied().filter(|quantity| {
        Subject::Pair.groups().any(|group| group == quantity.group)
            && options.selection.has(quantity.group)
            && (options.plane.is_some() || !quantity.is_on_plane())
    })
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
    let convert = |loaded: &'a Loaded| at_rate(loaded, rate).map_err(|error| ("mismatch", error.to_string()));
    Ok(Pair {
        rate,
        reference: convert(reference)?,
        degraded: convert(degraded)?,
    })
}

/// The samples at a rate.
pub(crate) fn at_rate(loaded: &Loaded, rate: u32) -> Result<Cow<'_, [f32]>, ResampleError> {
    let from = loaded.format.sample_rate_hz;
    if from == rate {
        return Ok(Cow::Borrowed(loaded.samples.as_slice()));
    }
    let wide: Vec<f64> = loaded.samples.iter().map(|sample| f64::from(*sample)).collect();
    let converted = resample(&wide, from, rate)?;
    Ok(Cow::Owned(
        converted.into_iter().map(|sample| sample as f32).collect(),
    ))
}
