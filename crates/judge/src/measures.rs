//! Measurements: quantities taken on a stream and held against limits.

use std::collections::BTreeMap;
use std::time::Duration;

use voxproof_audio::comparison;
use voxproof_audio::p56;
use voxproof_record::{BoundResult, MeasurementResult};
use voxproof_rtp::playout::Decoded;
use voxproof_spec::{Case, Limit, LimitSource, Located, Measure, Quantity, StreamRef, Tier, Verdict};

use crate::facts::round;
use crate::pair::{LOOP_SEARCH_S, Pair, at_rate, loopback_on, plane, sound, to_f32};
use crate::speech_path;
use crate::view::View;

/// Share of the speech that has to be recognised before its delay means anything.
const RECOGNISED: f64 = 0.5;

/// A figure, or why there is none.
pub(crate) struct Value {
    value: Option<f64>,
    n: u64,
    note: String,
    uncertainty: Option<f64>,
}

impl Value {
    pub(crate) fn some(value: f64, n: usize, note: impl Into<String>) -> Self {
        Self {
            value: Some(round(value)),
            n: n as u64,
            note: note.into(),
            uncertainty: None,
        }
    }
    pub(crate) fn none(note: impl Into<String>) -> Self {
        Self {
            value: None,
            n: 0,
            note: note.into(),
            uncertainty: None,
        }
    }
}

#[cfg(test)]
impl Value {
    pub(crate) fn number(&self) -> Option<f64> {
        self.value
    }
}

pub(crate) fn measure_all(
    view: &View<'_>,
    case: &Case,
    limits: &BTreeMap<String, Limit>,
    target: Tier,
) -> Vec<MeasurementResult> {
    // several quantities come from one comparison of the same interval
    let mut pairs: Pairs = vec![];
    case.measure
        .iter()
        .map(|measure: &Located<Measure>| {
            let value = take(view, measure, &mut pairs);
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
        uncertainty: value.uncertainty,
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

type Pairs = Vec<((String, Option<String>), Result<Pair, String>)>;

fn take(view: &View<'_>, measure: &Measure, pairs: &mut Pairs) -> Value {
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
        Quantity::ClockSkew => clock_skew(view, &stream, interval),
        Quantity::SpeechIntact
        | Quantity::SpeechSnr
        | Quantity::DelaySlips
        | Quantity::SpeechGain
        | Quantity::MosLqo
        | Quantity::PauseNoise
        | Quantity::SpeechGlitches
        | Quantity::FrontEndClipping
        | Quantity::PeakExcess
        | Quantity::DelayGrowth => {
            let key = (
                measure.stream.to_string(),
                measure.during.as_ref().map(|mark| mark.to_string()),
            );
            let at = pairs
                .iter()
                .position(|(known, _)| *known == key)
                .unwrap_or_else(|| {
                    pairs.push((key, Pair::of(view, &stream, interval)));
                    pairs.len() - 1
                });
            match pairs.get(at).map(|(_, result)| result) {
                Some(Ok(pair)) => speech_path::take(measure.quantity, pair),
                Some(Err(problem)) => Value::none(problem.clone()),
                None => Value::none("not compared"),
            }
        }
    }
}

/// Shortest stretch from which the drift of a clock is told, in s: over it a millisecond of jitter is 100 ppm.
const SHORTEST_DRIFT_S: f64 = 10.0;

fn clock_skew(view: &View<'_>, stream: &StreamRef, interval: Option<(Duration, Duration)>) -> Value {
    let packets = view.stream(stream, interval);
    if packets.packets.is_empty() {
        return Value::none("no RTP packet");
    }
    let figures = packets.statistics(packets.clock_rate());
    let span = figures
        .first
        .zip(figures.last)
        .map_or(0.0, |(first, last)| last.saturating_sub(first).as_secs_f64());
    if span < SHORTEST_DRIFT_S {
        return Value::none(format!(
            "{span:.1} s of packets; a drift is told from {SHORTEST_DRIFT_S} s on"
        ));
    }
    let Some(ppm) = figures.clock_skew_ppm else {
        return Value::none("the numbers or timestamps start over too often");
    };
    // the estimate leans on the packets that were delayed least: what is left of their jitter tilts it
    let uncertainty = round(figures.jitter_ms * 1e-3 / span * 1e6);
    Value {
        uncertainty: Some(uncertainty),
        ..Value::some(
            ppm,
            packets.packets.len(),
            format!(
                "over {span:.1} s, by the packets that were delayed least; \u{b1}{uncertainty} ppm by their jitter"
            ),
        )
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn speech_level(view: &View<'_>, stream: &StreamRef, interval: Option<(Duration, Duration)>) -> Value {
    let packets = view.stream(stream, interval);
    let decoded = match sound(&packets) {
        Ok(decoded) => decoded,
        Err(problem) => return Value::none(problem),
    };
    let plane = plane(&packets);
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
