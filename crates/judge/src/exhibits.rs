//! Pictures of the evidence for the report: the ladder and the levels.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use voxproof_audio::{level, waveform};
use voxproof_record::{Carrier, CaseEvidence, Exhibits, LadderRow, LevelPlot, TimelineEvent, Wav};
use voxproof_spec::{StreamRef, parse_case};

use crate::JudgeError;
use crate::facts::round;
use crate::messages::SipRecord;
use crate::rtcp;
use crate::view::View;

/// Columns of a plot.
const COLUMNS: usize = 600;
/// Longest message text shown in full.
const LONGEST_DETAIL: usize = 6000;

pub(crate) fn exhibits(view: &View<'_>) -> Exhibits {
    Exhibits {
        ladder: ladder(view),
        levels: levels(view),
    }
}

fn since(view: &View<'_>, at: Duration) -> f64 {
    round(at.as_secs_f64() * 1e3 - view.begin().as_secs_f64() * 1e3)
}

fn ladder(view: &View<'_>) -> Vec<LadderRow> {
    let mut rows: Vec<(Duration, LadderRow)> = Vec::new();
    for (record, control) in view.all_messages() {
        let mark = view
            .marks
            .iter()
            .find(|(_, moment)| moment.packet == Some(record.packet))
            .map(|(name, _)| name.clone());
        let mut detail: String = String::from_utf8_lossy(record.message.bytes()).into_owned();
        if detail.len() > LONGEST_DETAIL {
            detail = detail.chars().take(LONGEST_DETAIL).collect::<String>() + "\n[cut]";
        }
        rows.push((
            record.at,
            LadderRow {
                packet: Some(record.packet),
                at_ms: since(view, record.at),
                from_device: record.from_device,
                actor: view.actor_of(&record.message),
                label: if control {
                    format!("control: {}", label(record))
                } else {
                    label(record)
                },
                kind: "sip".to_owned(),
                detail,
                mark,
                retransmission: record.copies_before > 0,
                intercepted: intercepted(view, record.packet),
            },
        ));
    }
    for entry in &view.evidence.timeline.entries {
        let at = Duration::from_nanos(entry.at);
        let (kind, actor, label) = match &entry.event {
            TimelineEvent::DeviceAction {
                action, done, driver, ..
            } => {
                let by = driver.as_ref().map(|driver| format!(", by {driver}"));
                let done = if *done { "" } else { " (not done)" };
                let label = format!("device: {action}{}{done}", by.unwrap_or_default());
                ("action", "device".to_owned(), label)
            }
            TimelineEvent::Signal(signal) => (
                "rtp",
                signal.actor.clone(),
                format!("{} plays {}", signal.actor, signal.signal),
            ),
            TimelineEvent::DeviceGone { status, .. } => {
                ("action", "device".to_owned(), format!("device ended: {status}"))
            }
            TimelineEvent::Prompt { question, answer } => {
                ("action", "operator".to_owned(), format!("{question} — {answer}"))
            }
            TimelineEvent::Connection {
                transport,
                state,
                detail,
                ..
            } => (
                "connection",
                "server".to_owned(),
                if detail.is_empty() {
                    format!("{transport} {state}")
                } else {
                    format!("{transport} {state}: {detail}")
                },
            ),
            TimelineEvent::Impaired {
                actor,
                to_device,
                specification,
                truth,
            } => (
                "rtp",
                actor.clone(),
                format!(
                    "what {} impaired ({} decisions): {specification}",
                    if *to_device {
                        "the device hears"
                    } else {
                        "the device says"
                    },
                    truth.len()
                ),
            ),
            TimelineEvent::Fuzzed {
                seed, sent, alive, ..
            } => (
                "action",
                "device".to_owned(),
                format!(
                    "fuzz {seed}: {sent} messages, the device {}",
                    if *alive { "answers" } else { "does not answer" }
                ),
            ),
            // never sent, or never taken as received: it has no packet of its own
            TimelineEvent::Intercepted {
                message,
                to_device,
                packet: None,
                action,
            } => {
                rows.push((
                    at,
                    LadderRow {
                        packet: None,
                        at_ms: since(view, at),
                        from_device: !to_device,
                        actor: "server".to_owned(),
                        label: message.clone(),
                        kind: "sip".to_owned(),
                        detail: String::new(),
                        mark: None,
                        retransmission: false,
                        intercepted: Some(action.clone()),
                    },
                ));
                continue;
            }
            _ => continue,
        };
        rows.push((
            at,
            LadderRow {
                packet: None,
                at_ms: since(view, at),
                from_device: false,
                actor,
                label,
                kind: kind.to_owned(),
                detail: String::new(),
                mark: None,
                retransmission: false,
                intercepted: None,
            },
        ));
    }
    for actor in actors(view) {
        for from_device in [true, false] {
            let stream = StreamRef {
                peer: actor.clone(),
                from_device,
            };
            let packets = view.stream(&stream, None);
            // a stretch of packets without a pause of half a second is one row
            let mut start = 0;
            for index in 1..=packets.packets.len() {
                let pause = packets.packets.get(index).is_none_or(|(at, _)| {
                    at.saturating_sub(packets.packets[index - 1].0) > Duration::from_millis(500)
                });
                if pause && index > start {
                    let (first, last) = (packets.packets[start].0, packets.packets[index - 1].0);
                    rows.push((
                        first,
                        LadderRow {
                            packet: packets.numbers.get(start).copied(),
                            at_ms: since(view, first),
                            from_device,
                            actor: actor.clone(),
                            label: format!(
                                "RTP, {} packets in {:.2} s",
                                index - start,
                                (last - first).as_secs_f64()
                            ),
                            kind: "rtp".to_owned(),
                            detail: String::new(),
                            mark: None,
                            retransmission: false,
                            intercepted: None,
                        },
                    ));
                    start = index;
                }
            }
            rows.extend(control_row(view, &stream));
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// A message in one line, with its transport where that is not UDP.
fn label(record: &SipRecord) -> String {
    let summary = record.message.summary();
    match record.carrier {
        Carrier::Udp => summary,
        stream => format!("{summary} [{}]", stream.as_str().to_ascii_uppercase()),
    }
}

fn intercepted(view: &View<'_>, packet: u32) -> Option<String> {
    view.evidence
        .timeline
        .entries
        .iter()
        .find_map(|entry| match &entry.event {
            TimelineEvent::Intercepted {
                packet: Some(number),
                action,
                ..
            } if *number == packet => Some(action.clone()),
            _ => None,
        })
}

/// All RTCP of one direction as one row.
fn control_row(view: &View<'_>, stream: &StreamRef) -> Option<(Duration, LadderRow)> {
    let packets = rtcp::control(view, stream, None);
    let (first, last) = (packets.first()?, packets.last()?);
    Some((
        first.at,
        LadderRow {
            packet: Some(first.packet),
            at_ms: since(view, first.at),
            from_device: stream.from_device,
            actor: stream.peer.clone(),
            label: format!(
                "RTCP, {} packets in {:.2} s",
                packets.len(),
                last.at.saturating_sub(first.at).as_secs_f64()
            ),
            kind: "rtcp".to_owned(),
            detail: String::new(),
            mark: None,
            retransmission: false,
            intercepted: None,
        },
    ))
}

fn actors(view: &View<'_>) -> BTreeSet<String> {
    view.media.iter().map(|span| span.actor.clone()).collect()
}

fn levels(view: &View<'_>) -> Vec<LevelPlot> {
    let mut plots = Vec::new();
    for actor in actors(view) {
        for from_device in [true, false] {
            let stream = StreamRef {
                peer: actor.clone(),
                from_device,
            };
            let decoded = view.stream(&stream, None).decode();
            let name = if from_device {
                format!("received-{actor}.wav")
            } else {
                format!("sent-{actor}.wav")
            };
            let start = (decoded.first_arrival.as_secs_f64() - view.begin().as_secs_f64()).max(0.0);
            plots.extend(plot(
                &stream.to_string(),
                &decoded.samples,
                decoded.sample_rate,
                start,
                &name,
            ));
        }
    }
    for (name, wav) in &view.evidence.recordings {
        if name == "device-recording.wav" {
            plots.extend(plot(
                "recording of the device's receiver",
                &wav.samples,
                wav.sample_rate,
                0.0,
                name,
            ));
        }
    }
    plots
}

fn plot(stream: &str, samples: &[i16], rate: u32, start: f64, wav: &str) -> Option<LevelPlot> {
    if samples.is_empty() || rate == 0 {
        return None;
    }
    let sound: Vec<f32> = samples
        .iter()
        .map(|sample| f32::from(*sample) / 32768.0)
        .collect();
    let duration = samples.len() as f64 / f64::from(rate);
    let thousandth = |value: f32| (value * 1000.0).round() / 1000.0;
    Some(LevelPlot {
        stream: stream.to_owned(),
        start_s: round(start),
        duration_s: round(duration),
        envelope: waveform::envelope(&sound, COLUMNS.min(samples.len()))
            .into_iter()
            .map(|(low, high)| (thousandth(low), thousandth(high)))
            .collect(),
        level_dbov: level::level_curve(&sound, rate, (duration * 1e3 / 200.0).max(20.0))
            .into_iter()
            .map(|value| (value * 10.0).round() / 10.0)
            .collect(),
        wav: Some(wav.to_owned()),
    })
}

/// The sound of every stream of a case, both ways, for people to listen to: name and samples. Derived from the capture.
pub fn tracks(evidence: &CaseEvidence) -> Result<Vec<(String, Wav)>, JudgeError> {
    let case = parse_case(Path::new("case.toml"), &evidence.case_source)?;
    let view = View::new(&case, evidence);
    let mut tracks = Vec::new();
    for actor in actors(&view) {
        for (from_device, way) in [(true, "received"), (false, "sent")] {
            let decoded = view
                .stream(
                    &StreamRef {
                        peer: actor.clone(),
                        from_device,
                    },
                    None,
                )
                .decode();
            if !decoded.samples.is_empty() {
                let wav = Wav {
                    sample_rate: decoded.sample_rate,
                    samples: decoded.samples,
                };
                tracks.push((format!("{way}-{actor}.wav"), wav));
            }
        }
    }
    Ok(tracks)
}

/// Every SIP message of a case as text, with time, direction and packet number.
pub fn sip_log(evidence: &CaseEvidence) -> Result<String, JudgeError> {
    let case = parse_case(Path::new("case.toml"), &evidence.case_source)?;
    let view = View::new(&case, evidence);
    let mut log = String::new();
    for (record, control) in view.all_messages() {
        let way = if record.from_device {
            "device -> lab"
        } else {
            "lab -> device"
        };
        let at = since(&view, record.at) / 1e3;
        log += &format!(
            "--- packet {} at {at:.3} s, {way}, {}, {}{}\n",
            record.packet,
            record.carrier.as_str().to_ascii_uppercase(),
            view.actor_of(&record.message),
            if control { ", control" } else { "" }
        );
        log += &String::from_utf8_lossy(record.message.bytes());
        log += "\n";
    }
    Ok(log)
}
