//! The measurements of one channel, fed block by block.

use voxproof_audio::bit_depth::BitDepth;
use voxproof_audio::level::{DbOv, Plane};
use voxproof_audio::level_meter::{LevelFigures, LevelMeter};
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::signal_meter::{SignalFigures, SignalMeter, SignalOptions};
use voxproof_audio::unit::Percent;

use crate::measure::MeasureOptions;
use crate::pause::PauseMeter;
use crate::picture::{Drawing, Picture};
use crate::plane::{on_plane, weighted_on_plane};
use crate::quantity::*;
use crate::tone::ToneMeter;
use crate::whole::Whole;
use crate::{ChannelRecord, Group, QuantityResult, Selection, Subject, spectral};

/// Magnitude at which the meters stop taking samples at their value.
const BEYOND_SCALE: f64 = 1.0e4;

/// One pass over the samples, as little as is needed for what is wanted.
enum Meter {
    /// Levels alone; they also tell whether the samples can be believed, so they are always measured.
    Levels(Box<LevelMeter>),
    /// Everything that is not of one group alone.
    Signal(Box<SignalMeter>),
}

/// Everything that is measured of a channel.
pub(crate) struct Channel {
    number: u16,
    selection: Selection,
    meter: Meter,
    pauses: Option<PauseMeter>,
    tone: Option<ToneMeter>,
    whole: Option<Whole>,
    plane: Option<Plane>,
    drawing: Option<Drawing>,
}

impl Channel {
    /// `plane` is that of the file's codec, if it has one; `draw` is the number of frames if the channel is to be drawn.
    pub(crate) fn new(
        number: u16,
        rate: u32,
        options: &MeasureOptions,
        plane: Option<Plane>,
        draw: Option<u64>,
    ) -> Self {
        let selection = &options.selection;
        let signal = [
            Group::Speech,
            Group::Weighted,
            Group::Loudness,
            Group::Spectrum,
            Group::Noise,
        ];
        Self {
            number,
            selection: selection.clone(),
            meter: if selection.has_any(&signal) {
                let signal = SignalOptions {
                    band: None,
                    spectrum: selection.has(Group::Spectrum),
                };
                Meter::Signal(Box::new(SignalMeter::new(rate, signal)))
            } else {
                Meter::Levels(Box::new(LevelMeter::new(rate)))
            },
            pauses: selection.has(Group::Noise).then(|| PauseMeter::new(rate)),
            tone: selection
                .has(Group::Tone)
                .then(|| ToneMeter::new(rate, plane, options.weighting.clone())),
            whole: selection.has_any(&Whole::GROUPS).then(|| Whole::new(rate)),
            plane,
            drawing: draw.map(|frames| Drawing::new(rate, frames)),
        }
    }

    pub(crate) fn push(&mut self, samples: &[f32]) {
        match &mut self.meter {
            Meter::Levels(meter) => meter.push(samples),
            Meter::Signal(meter) => meter.push(samples),
        }
        if let Some(pauses) = &mut self.pauses {
            pauses.push(samples);
        }
        if let Some(tone) = &mut self.tone {
            tone.push(samples);
        }
        if let Some(whole) = &mut self.whole {
            whole.push(samples);
        }
        if let Some(drawing) = &mut self.drawing {
            drawing.push(samples);
        }
    }

    pub(crate) fn finish(self) -> (ChannelRecord, Option<Picture>) {
        let (levels, signal) = match &self.meter {
            Meter::Levels(meter) => (meter.finish(), None),
            Meter::Signal(meter) => match meter.finish() {
                Ok(figures) => (Ok(figures.levels), Some(figures)),
                Err(reason) => (Err(reason), None),
            },
        };
        let mut record = ChannelRecord {
            channel: self.number,
            results: Vec::new(),
            curves: Vec::new(),
            events: Vec::new(),
        };
        match believable(levels) {
            // a figure over samples that are none would be a wrong figure
            Err((code, because)) => {
                let wanted = QUANTITIES.iter().filter(|quantity| {
                    Subject::File.groups().any(|group| group == quantity.group)
                        && self.selection.has(quantity.group)
                        && (self.plane.is_some() || !quantity.is_on_plane())
                });
                record.results = wanted
                    .map(|quantity| QuantityResult::because(quantity, code, because.clone()))
                    .collect();
            }
            Ok(levels) => {
                if self.selection.has(Group::Levels) {
                    record.results.extend(level_results(&levels, self.plane));
                }
                if let Some(signal) = signal {
                    record
                        .results
                        .extend(signal_results(&self.selection, &signal, self.pauses, self.plane));
                    record
                        .curves
                        .extend(signal.spectrum.as_ref().map(spectral::curve));
                }
                record
                    .results
                    .extend(self.tone.iter().flat_map(ToneMeter::finish));
                if let Some(whole) = &self.whole {
                    whole.finish(&self.selection, self.plane, &mut record);
                }
            }
        }
        (record, self.drawing.map(Drawing::finish))
    }
}

/// The levels, or why no figure of a channel can be believed.
fn believable(levels: Result<LevelFigures, Unmeasurable>) -> Result<LevelFigures, (&'static str, String)> {
    let told = |reason: Unmeasurable| (reason.code(), reason.to_string());
    let levels = levels.map_err(told)?;
    if levels.non_finite > 0 {
        return Err(told(Unmeasurable::NotFinite {
            count: levels.non_finite,
        }));
    }
    if levels.maximum >= BEYOND_SCALE || levels.minimum <= -BEYOND_SCALE {
        return Err((
            "out-of-scale",
            "samples go 80 dB and more beyond full scale: floating-point samples that were not scaled to 1"
                .to_owned(),
        ));
    }
    Ok(levels)
}

fn level_results(levels: &LevelFigures, plane: Option<Plane>) -> Vec<QuantityResult> {
    let short = || Unmeasurable::TooShort {
        needed_s: 0.05,
        got_s: levels.seconds,
    };
    let windowed = |level: Option<DbOv>| level.ok_or_else(short).and_then(Measurement::single);
    let rms = Measurement::single(levels.rms);
    let mut results = vec![QuantityResult::of(&RMS_LEVEL, &rms)];
    results.extend(on_plane(&RMS_DBM0, &rms, plane));
    results.extend([
        QuantityResult::of(&PEAK_LEVEL, &Measurement::single(levels.peak)),
        if levels.peak.0 == f64::NEG_INFINITY {
            QuantityResult::none(&CREST_FACTOR, &Unmeasurable::Silent)
        } else {
            QuantityResult::of(&CREST_FACTOR, &Measurement::single(levels.crest))
        },
        QuantityResult::of(&RMS_PEAK, &windowed(levels.rms_peak)),
        QuantityResult::of(&RMS_TROUGH, &windowed(levels.rms_trough)),
        QuantityResult::single(&DC_OFFSET, levels.dc),
        QuantityResult::single(&MINIMUM, levels.minimum),
        QuantityResult::single(&MAXIMUM, levels.maximum),
        QuantityResult::of(&FLAT_FACTOR, &Measurement::single(levels.flat_factor)),
        QuantityResult::single(&PEAK_COUNT, levels.peak_count as f64),
        QuantityResult::single(&CLIPPED_RUNS, levels.clipping.runs as f64),
        match levels.bit_depth {
            BitDepth::Fixed { bits } => QuantityResult::single(&BITS_USED, f64::from(bits)),
            BitDepth::Silent => QuantityResult::none(&BITS_USED, &Unmeasurable::Silent),
            BitDepth::Finer => QuantityResult::because(
                &BITS_USED,
                "finer",
                "the samples are finer than those of any fixed word length",
            ),
        },
    ]);
    results
}

fn signal_results(
    selection: &Selection,
    signal: &SignalFigures,
    pauses: Option<PauseMeter>,
    plane: Option<Plane>,
) -> Vec<QuantityResult> {
    let speech = |value: fn(&voxproof_audio::p56::SpeechLevel) -> Measured<Percent>| {
        signal.speech.as_ref().map_err(Clone::clone).and_then(value)
    };
    let active: Result<DbOv, Unmeasurable> = signal
        .speech
        .as_ref()
        .map(|speech| speech.active)
        .map_err(Clone::clone);
    let mut results = Vec::new();
    if selection.has(Group::Speech) {
        let level = active.clone().and_then(Measurement::single);
        results.push(QuantityResult::of(&ACTIVE_SPEECH_LEVEL, &level));
        results.extend(on_plane(&ACTIVE_SPEECH_DBM0, &level, plane));
        results.push(QuantityResult::of(
            &SPEECH_ACTIVITY,
            &speech(|speech| Measurement::single(Percent(speech.activity * 100.0))),
        ));
    }
    if selection.has(Group::Weighted) {
        results.push(QuantityResult::single(&A_LEVEL, signal.a.level.0));
        results.extend(weighted_on_plane(&A_DBM0, signal.a, plane));
        results.push(QuantityResult::single(&C_LEVEL, signal.c.level.0));
        results.push(QuantityResult::single(
            &PSOPHOMETRIC_LEVEL,
            signal.psophometric.level.0,
        ));
        results.extend(weighted_on_plane(&PSOPHOMETRIC_DBM0, signal.psophometric, plane));
    }
    if selection.has(Group::Loudness) {
        let loudness = signal.loudness.as_ref().map_err(Clone::clone);
        let integrated = loudness
            .clone()
            .and_then(|all| Ok(all.integrated?))
            .and_then(Measurement::single);
        let range = loudness
            .and_then(|all| Ok(all.range?))
            .and_then(Measurement::single);
        results.push(QuantityResult::of(&LOUDNESS, &integrated));
        results.push(QuantityResult::of(&LOUDNESS_RANGE, &range));
        results.push(QuantityResult::of(
            &TRUE_PEAK,
            &Measurement::single(signal.true_peak),
        ));
    }
    if let Some(spectrum) = &signal.spectrum {
        results.extend(spectral::results(spectrum));
    }
    if let Some(pauses) = pauses {
        let (noise, ratio) = pauses.finish(&active);
        results.push(match &noise {
            Ok(noise) if noise.value == DbOv::SILENCE => {
                QuantityResult::because(&NOISE_LEVEL, "silent", "the pauses are digital silence")
            }
            noise => QuantityResult::of(&NOISE_LEVEL, noise),
        });
        results.extend(on_plane(&NOISE_DBM0, &noise, plane));
        results.push(QuantityResult::of(&SPEECH_TO_NOISE, &ratio));
    }
    results
}
