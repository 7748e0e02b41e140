//! What a speech path does to speech: figures of a [`Pair`].

use voxproof_audio::concealment::excess;
use voxproof_audio::delay_track::{DelayTrack, Sentence, Settings};
use voxproof_audio::glitch::speech::{self, Event, Kind};
use voxproof_audio::jitter_buffer;
use voxproof_audio::level::{DbOv, FLOOR_DBOV, rms};
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::noise::{VadTiming, passed, pause_noise, spurts, vad_timing};
use voxproof_audio::p56::speech_level;
use voxproof_audio::quality::visqol::{self, Visqol};
use voxproof_audio::resample::resample;
use voxproof_audio::weighting::Weighting;
use voxproof_spec::Quantity;

use crate::measures::Value;
use crate::pair::{Pair, RECORDING_SEARCH_S};

/// ViSQOL's mode for speech looks at nothing beyond half of this rate, Hz.
const QUALITY_RATE: u32 = 16_000;

/// Speech further below its active level than this is a pause: the margin of ITU-T P.56, in dB.
const SPEECH_MARGIN_DB: f64 = 15.9;

/// What is quieter than this in a pause was not transmitted, in dBov.
const TRANSMITTED_DBOV: f64 = -80.0;

/// A quantity of a pair.
pub(crate) fn take(quantity: Quantity, pair: &Pair) -> Value {
    match quantity {
        Quantity::SpeechIntact | Quantity::SpeechSnr | Quantity::DelaySlips | Quantity::SpeechGain => {
            from_comparison(quantity, pair)
        }
        Quantity::MosLqo => mos_lqo(pair),
        Quantity::PauseNoise => noise(pair),
        Quantity::SpeechGlitches => glitches(pair),
        Quantity::FrontEndClipping => front_end_clipping(pair),
        Quantity::PeakExcess => peak_excess(pair),
        Quantity::DelayGrowth => delay_growth(pair),
        _ => Value::none("not a quantity of a speech path"),
    }
}

fn from_comparison(quantity: Quantity, pair: &Pair) -> Value {
    let result = &pair.comparison;
    let blocks = result.active_blocks;
    if blocks == 0 {
        return Value::none("there is no speech in the signal");
    }
    match quantity {
        Quantity::SpeechIntact => Value::some(
            result.intact_fraction * 100.0,
            blocks,
            format!(
                "{} of {blocks} blocks of speech intact, {} missing, median correlation {:.3}, gain {:.1} dB",
                result.intact_blocks, result.missing_blocks, result.median_correlation, result.median_gain_db
            ),
        ),
        Quantity::SpeechSnr => Value::some(result.median_snr_db, blocks, "median of the aligned blocks"),
        Quantity::SpeechGain if result.intact_blocks == 0 => {
            Value::none("no block of the speech is intact, so that there is none to take the gain of")
        }
        Quantity::SpeechGain => Value::some(
            result.median_gain_db,
            result.intact_blocks,
            "median of the blocks that are intact, full scale to full scale",
        ),
        _ => {
            let at: Vec<String> = result
                .slips
                .iter()
                .map(|slip| {
                    format!(
                        "{:+.0} samples at {:.2} s",
                        slip.to_samples - slip.from_samples,
                        slip.at_s
                    )
                })
                .collect();
            Value::some(result.slips.len() as f64, blocks, at.join(", "))
        }
    }
}

/// Samples at the rate that ViSQOL wants; below it they stay.
fn for_quality(samples: &[f32], rate: u32) -> Result<(Vec<f32>, u32), Unmeasurable> {
    if rate <= QUALITY_RATE {
        return Ok((samples.to_vec(), rate));
    }
    let linear: Vec<f64> = samples.iter().map(|sample| f64::from(*sample)).collect();
    let lower = resample(&linear, rate, QUALITY_RATE).map_err(|_| Unmeasurable::RateTooLow {
        rate,
        needed_hz: f64::from(QUALITY_RATE),
    })?;
    Ok((
        lower.into_iter().map(|sample| sample as f32).collect(),
        QUALITY_RATE,
    ))
}

fn visqol(pair: &Pair) -> Result<Visqol, Unmeasurable> {
    let (reference, recording) = pair.aligned();
    let (reference, rate) = for_quality(&reference, pair.rate)?;
    let (recording, _) = for_quality(&recording, pair.rate)?;
    visqol::speech(&reference, &recording, rate)
}

fn mos_lqo(pair: &Pair) -> Value {
    match visqol(pair) {
        Ok(found) => {
            let matched = found
                .patches
                .iter()
                .filter(|patch| patch.degraded_s.is_some())
                .count();
            Value::some(
                found.mos.0,
                found.patches.len(),
                format!(
                    "ViSQOL v3.3, speech mode, exponential map, {}; similarity {:.3}, {matched} of {} patches found",
                    if pair.wideband {
                        "wideband codec"
                    } else {
                        "narrowband codec"
                    },
                    found.similarity,
                    found.patches.len()
                ),
            )
        }
        Err(reason) => Value::none(reason.to_string()),
    }
}

fn noise(pair: &Pair) -> Value {
    let (reference, recording) = pair.aligned();
    match pause_noise(&recording, &reference, pair.rate, Weighting::Psophometric) {
        Ok(found) => {
            // a level of minus infinity is no number that a record can hold
            let level = DbOv(found.level.level.0.max(f64::from(FLOOR_DBOV)));
            Value::some(
                level.to_dbm0(pair.plane).value,
                (found.seconds * f64::from(pair.rate)) as usize,
                format!(
                    "psophometric, {:.2} s of pauses; {:.1} dBov{}",
                    found.seconds,
                    level.0,
                    if level.0 > found.level.level.0 {
                        " or less"
                    } else {
                        ""
                    }
                ),
            )
        }
        Err(reason) => Value::none(reason.to_string()),
    }
}

/// Muted and repeated stretches.
fn glitches(pair: &Pair) -> Value {
    let (reference, recording) = pair.aligned();
    let Some(level) = speech_level(&reference, pair.rate) else {
        return Value::none("there is no speech in the signal");
    };
    // what was hardly to be heard may be lost in the steps of a faint path: that is no mute
    let spoken = DbOv(level.active.0 - SPEECH_MARGIN_DB).to_rms();
    let counts = |event: &Event| {
        let stretch = reference.get(event.at..event.at.saturating_add(event.samples));
        event.kind != Kind::Muted || rms(stretch.unwrap_or_default()) >= spoken
    };
    let events: Vec<Event> = match speech::detect(&recording, pair.rate, &speech::Settings::default()) {
        Ok(events) => events.into_iter().filter(counts).collect(),
        Err(reason) => return Value::none(reason.to_string()),
    };
    let per_ms = f64::from(pair.rate.max(1)) / 1e3;
    let places: Vec<String> = events
        .iter()
        .take(8)
        .map(|event| {
            let kind = match event.kind {
                Kind::Muted => "muted",
                Kind::Repeated => "repeated",
            };
            format!(
                "{:.0} ms {kind} at {:.2} s",
                event.samples as f64 / per_ms,
                event.at as f64 / per_ms / 1e3
            )
        })
        .collect();
    let note = match places.as_slice() {
        [] => format!("none in {:.1} s", recording.len() as f64 / per_ms / 1e3),
        places => places.join(", "),
    };
    Value::some(events.len() as f64, recording.len(), note)
}

fn timing(pair: &Pair) -> Result<VadTiming, Unmeasurable> {
    let (reference, recording) = pair.aligned();
    let through = passed(
        &reference,
        &recording,
        pair.rate,
        pair.comparison.median_gain_db,
        TRANSMITTED_DBOV,
    );
    vad_timing(
        &spurts(&reference, pair.rate),
        &through,
        reference.len(),
        pair.rate,
    )
}

fn front_end_clipping(pair: &Pair) -> Value {
    if pair.comparison.intact_blocks == 0 {
        return Value::none("no block of the speech is intact");
    }
    match timing(pair) {
        Ok(timing) => {
            let cut: Vec<f64> = timing.front_end_clipping.iter().map(|cut| cut.0).collect();
            let each: Vec<String> = cut.iter().map(|cut| format!("{cut:.0}")).collect();
            Value::some(
                cut.iter().copied().fold(0.0, f64::max),
                cut.len(),
                format!("the longest; stretch by stretch {} ms", each.join(", ")),
            )
        }
        Err(reason) => Value::none(reason.to_string()),
    }
}

fn peak_excess(pair: &Pair) -> Value {
    if pair.comparison.intact_blocks == 0 {
        return Value::none("no block of the speech is intact");
    }
    let (reference, recording) = pair.aligned();
    match excess(&reference, &recording, pair.rate, pair.comparison.median_gain_db) {
        Ok(found) => Value::some(
            found.value.0,
            recording.len(),
            "loudest 10 ms against those of what was sent",
        ),
        Err(reason) => Value::none(reason.to_string()),
    }
}

fn delay_growth(pair: &Pair) -> Value {
    let Some(alignment) = &pair.alignment else {
        return Value::none("the delay of speech that is repeated without an end is not known");
    };
    let settings = Settings {
        search: RECORDING_SEARCH_S,
        ..Settings::default()
    };
    let track = match DelayTrack::of(alignment, &settings) {
        Ok(track) => track,
        Err(reason) => return Value::none(reason.to_string()),
    };
    let found = |place: Option<&Sentence>| place.is_some_and(|sentence| sentence.delay.is_ok());
    for (which, sentence) in [
        ("first", track.sentences.first()),
        ("last", track.sentences.last()),
    ] {
        if !found(sentence) {
            return Value::none(format!(
                "the {which} of {} sentences is not found in the recording; {:.0} % of the speech is",
                track.sentences.len(),
                100.0 * track.matched
            ));
        }
    }
    if track.sentences.len() < 2 {
        return Value::none("there is one sentence only");
    }
    match jitter_buffer::report(&track, &jitter_buffer::Settings::default()) {
        Ok(report) => Value::some(
            report.last.0 - report.first.0,
            track.sentences.len(),
            format!(
                "{} sentences, {} steps of the delay, up to {:+.1} ms against the first sentence; settled {:.1} s after the first packet",
                track.sentences.len(),
                report.steps.0,
                report.greatest.0 - report.first.0,
                report.settled_at.0
            ),
        ),
        Err(reason) => Value::none(reason.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use voxproof_audio::stimulus::{silence, speech_like};

    use super::*;

    const RATE: u32 = 8000;

    /// Two sentences with a second of silence behind each.
    fn sentences() -> Vec<f32> {
        let pause = silence(1.0, RATE);
        [
            speech_like(1.5, RATE, 21),
            pause.clone(),
            speech_like(1.5, RATE, 22),
            pause,
        ]
        .concat()
    }

    fn figure(quantity: Quantity, recording: Vec<f32>) -> f64 {
        let pair = Pair::played(sentences(), recording, RATE);
        take(quantity, &pair).number().expect("a figure")
    }

    fn scaled(samples: &[f32], gain: f32) -> Vec<f32> {
        samples.iter().map(|sample| sample * gain).collect()
    }

    #[test]
    fn a_path_that_changes_nothing_but_the_level() {
        let recording = || scaled(&sentences(), 0.1);
        assert!((figure(Quantity::SpeechGain, recording()) + 20.0).abs() < 0.01);
        assert!(figure(Quantity::MosLqo, recording()) > 4.9);
        assert!(figure(Quantity::PauseNoise, recording()) < -90.0);
        assert!(figure(Quantity::PeakExcess, recording()).abs() < 0.1);
        for quantity in [
            Quantity::SpeechGlitches,
            Quantity::FrontEndClipping,
            Quantity::DelayGrowth,
        ] {
            assert!(figure(quantity, recording()).abs() < 0.01, "{quantity:?}");
        }
    }

    #[test]
    fn each_damage_shows_in_its_figure() {
        let speech = sentences();
        // the beginning of the second sentence
        let mut cut = speech.clone();
        cut[20_000..21_600].fill(0.0);
        let clipped = figure(Quantity::FrontEndClipping, cut);
        assert!((150.0..260.0).contains(&clipped), "{clipped}");

        let mut noisy = speech.clone();
        for (at, sample) in noisy.iter_mut().enumerate() {
            *sample += if at % 8 < 4 { 0.01 } else { -0.01 };
        }
        let noise = figure(Quantity::PauseNoise, noisy);
        // a square wave of 1 kHz at -40 dBov: +6.18 dB to dBm0, +1 dB of weight
        assert!((noise + 33.2).abs() < 1.0, "{noise}");

        let later = [&speech[..16_000], &silence(0.12, RATE), &speech[16_000..]].concat();
        let growth = figure(Quantity::DelayGrowth, later);
        assert!((growth - 120.0).abs() < 1.0, "{growth}");

        let rough: Vec<f32> = speech.iter().map(|x| x.clamp(-0.01, 0.01)).collect();
        assert!(figure(Quantity::MosLqo, rough) < 4.5);
    }

    #[test]
    fn nothing_heard_has_no_figure() {
        let pair = Pair::played(sentences(), vec![0.0; 40_000], RATE);
        for quantity in [
            Quantity::SpeechGain,
            Quantity::MosLqo,
            Quantity::FrontEndClipping,
            Quantity::PeakExcess,
            Quantity::DelayGrowth,
            Quantity::SpeechGlitches,
        ] {
            assert_eq!(take(quantity, &pair).number(), None, "{quantity:?}");
        }
    }
}
