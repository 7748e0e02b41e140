//! Measurements: quantities taken on a stream and held against limits.

use std::collections::BTreeMap;
use std::time::Duration;

use voxproof_audio::comparison::{self, SpeechComparison};
use voxproof_audio::level::Plane;
use voxproof_audio::p56;
use voxproof_audio::resample::resample_i16;
use voxproof_codec::Codec;
use voxproof_record::{BoundResult, MeasurementResult, TimelineEvent};
use voxproof_rtp::playout::Decoded;
use voxproof_spec::{Case, Limit, LimitSource, Located, Measure, Quantity, StreamRef, Tier, Verdict};

use crate::facts::round;
use crate::streams::Stream;
use crate::view::View;

/// A recording of the device may begin this long before or after the signal.
const RECORDING_SEARCH_S: std::ops::Range<f64> = -2.0..12.0;

/// Longest loop through a device that is looked for.
const LOOP_SEARCH_S: std::ops::Range<f64> = 0.0..2.0;

/// Share of the speech that has to be recognised before its delay means anything.
const RECOGNISED: f64 = 0.5;

struct Value {
    value: Option<f64>,
    n: u64,
    note: String,
}

impl Value {
    fn some(value: f64, n: usize, note: impl Into<String>) -> Self {
        Self {
            value: Some(round(value)),
            n: n as u64,
            note: note.into(),
        }
    }
    fn none(note: impl Into<String>) -> Self {
        Self {
            value: None,
            n: 0,
            note: note.into(),
        }
    }
}

pub(crate) fn measure_all(
    view: &View<'_>,
    case: &Case,
    limits: &BTreeMap<String, Limit>,
    target: Tier,
) -> Vec<MeasurementResult> {
    // several quantities come from one comparison of the same interval
    let mut comparisons: Comparisons = vec![];
    case.measure
        .iter()
        .map(|measure: &Located<Measure>| {
            let value = take(view, measure, &mut comparisons);
            held_against(measure, value, limits.get(&**measure.limit), target)
        })
        .collect()
}

/// Why a measurement did not pass a tier.
pub(crate) fn reason(result: &MeasurementResult, bound: Option<&BoundResult>) -> String {
    let limits = bound.map_or_else(String::new, |bound| match (bound.lower, bound.upper) {
        (Some(lower), Some(upper)) => format!("{lower} to {upper} {}", result.unit),
        (Some(lower), None) => format!("at least {lower} {}", result.unit),
        (None, Some(upper)) => format!("at most {upper} {}", result.unit),
        (None, None) => String::new(),
    });
    let value = result
        .value
        .map_or_else(|| result.note.clone(), |value| format!("{value} {}", result.unit));
    format!(
        "{} of {}: expected {limits}; measured {value}",
        result.quantity, result.stream
    )
}

fn held_against(measure: &Measure, value: Value, limit: Option<&Limit>, target: Tier) -> MeasurementResult {
    let mut bounds = Vec::new();
    let tier_of = |tier: Tier| limit.and_then(|limit| limit.tier.iter().find(|one| one.tier == tier));
    // what is asked of the minimum tier is asked of the stringent one as well
    let asked = [
        (Tier::WorksWith, tier_of(Tier::WorksWith)),
        (
            Tier::Certified,
            tier_of(Tier::Certified).or_else(|| tier_of(Tier::WorksWith)),
        ),
        (Tier::Informative, tier_of(Tier::Informative)),
    ];
    for (tier, limits) in asked {
        let Some(limits) = limits else { continue };
        let margin = value.value.map(|value| {
            let below = limits.lower.map_or(f64::INFINITY, |lower| value - lower);
            let above = limits.upper.map_or(f64::INFINITY, |upper| upper - value);
            round(below.min(above))
        });
        let decides = tier != Tier::Informative && limit.is_some_and(|limit| limit.source.decides());
        let verdict = match margin {
            _ if !decides => Verdict::None,
            Some(margin) if margin >= 0.0 => Verdict::Pass,
            Some(_) => Verdict::Fail,
            None => Verdict::Inconc,
        };
        bounds.push(BoundResult {
            tier,
            lower: limits.lower,
            upper: limits.upper,
            margin,
            verdict,
        });
    }
    MeasurementResult {
        quantity: measure.quantity.name().to_owned(),
        stream: measure.stream.to_string(),
        value: value.value,
        unit: measure.quantity.unit().to_owned(),
        note: value.note,
        n: value.n,
        uncertainty: None,
        limit: measure.limit.to_string(),
        clause: limit.map(|limit| limit.clause.clone()).unwrap_or_default(),
        source: limit.map_or(LimitSource::Unverified, |limit| limit.source),
        verdict: bounds
            .iter()
            .find(|bound| bound.tier == target)
            .map_or(Verdict::None, |bound| bound.verdict),
        bounds,
    }
}

type Comparisons = Vec<((String, Option<String>), Result<SpeechComparison, String>)>;

fn take(view: &View<'_>, measure: &Measure, comparisons: &mut Comparisons) -> Value {
    let stream: StreamRef = match measure.stream.parse() {
        Ok(stream) => stream,
        Err(problem) => return Value::none(problem),
    };
    let moment = match &measure.during {
        Some(mark) => match view.marks.get(&***mark) {
            Some(moment) => Some(*moment),
            None => return Value::none(format!("the case did not get as far as `{}`", **mark)),
        },
        None => None,
    };
    let interval = moment.map(|moment| (moment.start, moment.end));
    match measure.quantity {
        Quantity::PacketLoss | Quantity::Jitter | Quantity::PacketInterval => {
            let packets = view.stream(&stream, interval);
            if packets.packets.is_empty() {
                return Value::none("no RTP packet");
            }
            let figures = packets.statistics(packets.clock_rate());
            let n = packets.packets.len();
            match measure.quantity {
                Quantity::PacketLoss => {
                    let share = 100.0 * figures.lost as f64 / figures.expected.max(1) as f64;
                    Value::some(
                        share,
                        n,
                        format!("{} of {} packets", figures.lost, figures.expected),
                    )
                }
                Quantity::Jitter => Value::some(
                    figures.max_jitter_ms,
                    n,
                    "largest value of the RFC 3550 estimator",
                ),
                _ => Value::some(figures.mean_interval_ms, n, "mean distance of packets"),
            }
        }
        Quantity::MediaStartDelay | Quantity::MediaStopDelay => {
            let Some(moment) = moment else {
                return Value::none("`during` has to name the moment to count from");
            };
            let times: Vec<Duration> = view
                .stream(&stream, None)
                .packets
                .iter()
                .map(|(at, _)| *at)
                .collect();
            if measure.quantity == Quantity::MediaStartDelay {
                // packets of an earlier part of the call have nothing to do with this moment
                match times
                    .iter()
                    .find(|at| **at + Duration::from_millis(200) >= moment.start)
                {
                    Some(first) => Value::some(
                        ms(first.saturating_sub(moment.start)),
                        1,
                        "first packet after the moment",
                    ),
                    None => Value::none("no RTP packet came"),
                }
            } else {
                let last = times.iter().rev().find(|at| **at >= moment.start);
                Value::some(
                    last.map_or(0.0, |last| ms(last.saturating_sub(moment.start))),
                    1,
                    "last packet after the moment",
                )
            }
        }
        Quantity::ActiveSpeechLevel => speech_level(view, &stream, interval),
        Quantity::RoundTripDelay => round_trip(view, &stream, interval),
        Quantity::SpeechIntact | Quantity::SpeechSnr | Quantity::DelaySlips => {
            let key = (
                measure.stream.to_string(),
                measure.during.as_ref().map(|mark| mark.to_string()),
            );
            let at = comparisons
                .iter()
                .position(|(known, _)| *known == key)
                .unwrap_or_else(|| {
                    comparisons.push((key, compare(view, &stream, interval)));
                    comparisons.len() - 1
                });
            match comparisons.get(at).map(|(_, result)| result) {
                Some(Ok(result)) => from_comparison(measure.quantity, result),
                Some(Err(problem)) => Value::none(problem.clone()),
                None => Value::none("not compared"),
            }
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn to_f32(samples: &[i16]) -> Vec<f32> {
    samples
        .iter()
        .map(|sample| f32::from(*sample) / 32768.0)
        .collect()
}

/// A signal at the rate of the stream that it is held against.
fn at_rate(wav: &voxproof_record::Wav, rate: u32) -> Result<Vec<f32>, String> {
    if wav.sample_rate == rate {
        return Ok(wav.to_f32());
    }
    let samples = resample_i16(&wav.samples, wav.sample_rate, rate).map_err(|error| error.to_string())?;
    Ok(to_f32(&samples))
}

fn sound(packets: &Stream<'_>) -> Result<Decoded, String> {
    if packets.packets.is_empty() {
        return Err("no RTP packet".to_owned());
    }
    let decoded = packets.decode();
    if decoded.samples.is_empty() {
        return Err(format!(
            "{} packets, none of a negotiated payload type",
            packets.packets.len()
        ));
    }
    Ok(decoded)
}

fn speech_level(view: &View<'_>, stream: &StreamRef, interval: Option<(Duration, Duration)>) -> Value {
    let packets = view.stream(stream, interval);
    let decoded = match sound(&packets) {
        Ok(decoded) => decoded,
        Err(problem) => return Value::none(problem),
    };
    // linear and Opus samples have no plane of their own: they are taken as decoded A-law (ITU-T G.100.1)
    let plane = match packets.codec().map(|codec| codec.codec()) {
        Some(Codec::G722) => Plane::G722,
        Some(Codec::Pcmu) | None => Plane::MuLaw,
        Some(_) => Plane::ALaw,
    };
    match p56::speech_level(&to_f32(&decoded.samples), decoded.sample_rate) {
        Some(level) => Value::some(
            level.active.to_dbm0(plane).value,
            decoded.samples.len(),
            format!(
                "P.56 method B; {:.2} dBov, activity {:.0} %",
                level.active.0,
                level.activity * 100.0
            ),
        ),
        None => Value::none("there is no speech in the signal"),
    }
}

/// The signal an actor played last before `until`, repeated as it was sent.
fn played<'a>(view: &'a View<'_>, actor: &str, until: Duration) -> Option<&'a voxproof_record::Wav> {
    let id = view
        .evidence
        .timeline
        .entries
        .iter()
        .rev()
        .find_map(|entry| match &entry.event {
            TimelineEvent::Signal(signal)
                if signal.actor == actor && Duration::from_nanos(entry.at) <= until =>
            {
                Some(signal.signal.clone())
            }
            _ => None,
        })?;
    view.evidence.signals.get(&id)
}

fn loopback_on(view: &View<'_>) -> bool {
    view.evidence.timeline.entries.iter().any(|entry| {
        matches!(&entry.event, TimelineEvent::DeviceAction { action, done: true, .. } if action.starts_with("loopback on"))
    })
}

fn compare(
    view: &View<'_>,
    stream: &StreamRef,
    interval: Option<(Duration, Duration)>,
) -> Result<SpeechComparison, String> {
    let until = interval.map_or(Duration::MAX, |(_, to)| to);
    let unlike = || "the speech cannot be found in the signal".to_owned();
    if stream.from_device {
        let decoded = sound(&view.stream(stream, interval))?;
        let degraded = to_f32(&decoded.samples);
        if loopback_on(view) {
            let reference = played(view, &stream.peer, until).ok_or("no signal was played")?;
            let reference = at_rate(reference, decoded.sample_rate)?;
            return comparison::compare(&reference, &degraded, decoded.sample_rate, LOOP_SEARCH_S)
                .ok_or_else(unlike);
        }
        let reference = view
            .evidence
            .recordings
            .get("device-speech.wav")
            .ok_or("what the device's microphone hears is not known")?;
        let reference = at_rate(reference, decoded.sample_rate)?;
        comparison::compare_looped(&reference, &degraded, decoded.sample_rate).ok_or_else(unlike)
    } else {
        let recording = view
            .evidence
            .recordings
            .get("device-recording.wav")
            .ok_or("the device gives no recording of its receiver")?;
        // what was sent in the interval, as it was on the wire
        let sent = sound(&view.stream(stream, interval))?;
        let recording = at_rate(recording, sent.sample_rate)?;
        comparison::compare(
            &to_f32(&sent.samples),
            &recording,
            sent.sample_rate,
            RECORDING_SEARCH_S,
        )
        .ok_or_else(unlike)
    }
}

fn from_comparison(quantity: Quantity, result: &SpeechComparison) -> Value {
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

/// A stream on the lab's clock: its samples and the time of the first one, by the packet that was least delayed.
fn on_the_clock(
    view: &View<'_>,
    stream: &StreamRef,
    interval: Option<(Duration, Duration)>,
) -> Result<(Decoded, f64), String> {
    let decoded = sound(&view.stream(stream, interval))?;
    let rate = f64::from(decoded.sample_rate);
    let start = decoded
        .arrivals
        .iter()
        .map(|(at, position)| at.as_secs_f64() - *position as f64 / rate)
        .fold(f64::INFINITY, f64::min);
    Ok((decoded, start))
}

fn round_trip(view: &View<'_>, stream: &StreamRef, interval: Option<(Duration, Duration)>) -> Value {
    if !loopback_on(view) {
        return Value::none("the device does not send back what it hears");
    }
    let there = StreamRef {
        peer: stream.peer.clone(),
        from_device: false,
    };
    let (sent, sent_start) = match on_the_clock(view, &there, interval) {
        Ok(found) => found,
        Err(problem) => return Value::none(format!("sent stream: {problem}")),
    };
    let back = StreamRef {
        peer: stream.peer.clone(),
        from_device: true,
    };
    let (heard, heard_start) = match on_the_clock(view, &back, interval) {
        Ok(found) => found,
        Err(problem) => return Value::none(problem),
    };
    let shift = heard_start - sent_start;
    let search = LOOP_SEARCH_S.start - shift..LOOP_SEARCH_S.end - shift;
    let rate = heard.sample_rate;
    let sent = voxproof_record::Wav {
        sample_rate: sent.sample_rate,
        samples: sent.samples,
    };
    let sent = match at_rate(&sent, rate) {
        Ok(sent) => sent,
        Err(problem) => return Value::none(problem),
    };
    let Some(found) = comparison::compare(&sent, &to_f32(&heard.samples), rate, search) else {
        return Value::none("what was sent holds no speech");
    };
    if found.intact_fraction < RECOGNISED {
        return Value::none(format!(
            "what comes back is not what was sent ({:.0} % of the speech is recognised)",
            found.intact_fraction * 100.0
        ));
    }
    // a buffer that adapts changes the delay within the call: the longest that lasted is what the user hears
    let rate = f64::from(rate);
    let lags: Vec<f64> = std::iter::once(found.delay.seconds)
        .chain(
            found
                .slips
                .iter()
                .flat_map(|slip| [slip.from_samples / rate, slip.to_samples / rate]),
        )
        .map(|lag| (lag + shift) * 1e3)
        .collect();
    let shortest = lags.iter().copied().fold(f64::INFINITY, f64::min);
    let longest = lags.iter().copied().fold(0.0, f64::max);
    let note = if found.slips.is_empty() {
        format!(
            "the same all the time, {:.0} % of the speech recognised",
            found.intact_fraction * 100.0
        )
    } else {
        format!(
            "the longest; it changed {} times, from {shortest:.1} ms on",
            found.slips.len()
        )
    };
    Value::some(longest, found.intact_blocks, note)
}
