//! Messages, streams and events as values that expressions read.
//!
//! The shapes are those of `voxproof_spec::Environment`; a test holds the two against each other.

use std::time::Duration;

use serde_json::{Map, Value, json};
use voxproof_rtp::dtmf::ReceivedEvent;
use voxproof_rtp::inband::Digit;
use voxproof_rtp::statistics::StreamStatistics;
use voxproof_sip::sdp::{Description, Media};
use voxproof_sip::{Credentials, Finding, Message};

use crate::messages::SipRecord;
use crate::streams::StreamProtection;
use crate::view::View;

pub(crate) fn message(view: &View<'_>, record: &SipRecord) -> Value {
    let message = &record.message;
    let cseq = message.cseq();
    let contacts = message.contacts();
    let credentials = message
        .header("authorization")
        .or_else(|| message.header("proxy-authorization"))
        .and_then(|value| Credentials::parse(value).ok());
    json!({
        "request": message.is_request(),
        "method": message.method().unwrap_or_default(),
        "status": message.status().unwrap_or(0),
        "reason": message.reason().unwrap_or_default(),
        "uri": message.request_uri().unwrap_or_default(),
        "cseq": {
            "number": cseq.as_ref().map_or(-1, |cseq| i64::from(cseq.number)),
            "method": cseq.map(|cseq| cseq.method).unwrap_or_default(),
        },
        "call_id": message.call_id().unwrap_or_default(),
        "from_tag": message.from().and_then(|from| from.tag().map(str::to_owned)).unwrap_or_default(),
        "to_tag": message.to().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default(),
        "branch": message.top_via().and_then(|via| via.branch().map(str::to_owned)).unwrap_or_default(),
        "contact": contacts.first().map(|contact| contact.uri.to_string()).unwrap_or_default(),
        "contacts": contacts.len(),
        "content_type": message.content_type().unwrap_or_default(),
        "expires": message.expires().map_or(-1, i64::from),
        "contact_expires": contacts.first()
            .and_then(|contact| contact.params.value("expires").and_then(|text| text.parse::<i64>().ok()))
            .unwrap_or(-1),
        "body": String::from_utf8_lossy(message.body()),
        "header": headers(message, true),
        "headers": headers(message, false),
        "allow": message.header_values("allow"),
        "findings": message.findings().iter().map(finding_code).collect::<Vec<_>>(),
        "transport": record.carrier.as_str().to_ascii_uppercase(),
        "retransmission": record.copies_before,
        "at_ms": round((record.at.as_secs_f64() - view.begin().as_secs_f64()) * 1e3),
        "credentials": {
            "present": credentials.is_some(),
            "valid": view.credentials.get(&record.packet).copied().unwrap_or(false),
            "nonce": credentials.as_ref().map(|c| c.nonce.clone()).unwrap_or_default(),
            "username": credentials.as_ref().map(|c| c.username.clone()).unwrap_or_default(),
            "nc": credentials.as_ref().and_then(|c| c.nc).map_or(-1, i64::from),
        },
        "sdp": sdp(message.sdp().and_then(Result::ok).as_ref()),
    })
}

fn finding_code(finding: &Finding) -> &'static str {
    finding.code
}

/// Header values by lower-case name; `-` may be written as `_` in an expression.
fn headers(message: &Message, first_only: bool) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for line in message.header_lines() {
        for name in [line.name.clone(), line.name.replace('-', "_")] {
            if first_only {
                map.entry(name)
                    .or_insert_with(|| Value::String(line.value.clone()));
            } else if let Value::Array(list) = map.entry(name.clone()).or_insert_with(|| json!([])) {
                // a name without a dash is visited twice
                if !(name == line.name
                    && !name.contains('-')
                    && list.last().is_some_and(|last| *last == line.value.as_str()))
                {
                    list.push(Value::String(line.value.clone()));
                }
            }
        }
    }
    Value::Object(map)
}

fn sdp(description: Option<&Description>) -> Value {
    let audio = description.and_then(Description::audio);
    json!({
        "present": description.is_some(),
        "media_count": description.map_or(0, |d| d.media.len()),
        "address": description.zip(audio).and_then(|(d, audio)| d.address_of(audio)).unwrap_or_default(),
        "origin": {
            "session_id": description.map(|d| d.origin.session_id.clone()).unwrap_or_default(),
            "version": description.map_or(-1, |d| i64::try_from(d.origin.session_version).unwrap_or(i64::MAX)),
            "username": description.map(|d| d.origin.username.clone()).unwrap_or_default(),
        },
        "audio": {
            "present": audio.is_some(),
            "port": audio.map_or(-1, |a| i64::from(a.port)),
            "protocol": audio.map(|a| a.protocol.clone()).unwrap_or_default(),
            "direction": audio.map(|a| a.direction.as_str().to_owned()).unwrap_or_default(),
            "codecs": audio.map(codecs).unwrap_or_default(),
            "payload_types": audio.map(payload_types).unwrap_or_default(),
            "telephone_event": audio.and_then(Media::telephone_event).map_or(-1, i64::from),
            "ptime": audio.and_then(|a| a.ptime).map_or(-1, i64::from),
            "maxptime": audio.and_then(|a| a.maxptime).map_or(-1, i64::from),
            "crypto": audio.map(Media::crypto).unwrap_or_default(),
            "rtcp_mux": audio.is_some_and(Media::rtcp_mux),
            "rtcp_port": audio.and_then(Media::rtcp).map_or(-1, |rtcp| i64::from(rtcp.port)),
            "fingerprint": of_either_level(description, audio, "fingerprint"),
            "setup": of_either_level(description, audio, "setup"),
            "candidates": audio.map_or(0, |a| a.candidates().len()),
            "ice_ufrag": of_either_level(description, audio, "ice-ufrag"),
            "attributes": audio.map(|a| attributes(&a.attributes)).unwrap_or_default(),
        },
        "media": description.map(|d| d.media.iter().map(section).collect::<Vec<_>>()).unwrap_or_default(),
    })
}

/// An attribute of the section, else of the session (RFC 8866 6).
fn of_either_level(description: Option<&Description>, media: Option<&Media>, name: &str) -> String {
    description
        .zip(media)
        .and_then(|(description, media)| description.value_for(media, name))
        .unwrap_or_default()
        .to_owned()
}

fn attributes(list: &[(String, Option<String>)]) -> Vec<String> {
    list.iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{name}:{value}"),
            None => name.clone(),
        })
        .collect()
}

fn section(media: &Media) -> Value {
    json!({
        "kind": media.kind,
        "port": media.port,
        "protocol": media.protocol,
        "direction": media.direction.as_str(),
    })
}

fn payload_types(media: &Media) -> Vec<i64> {
    media
        .formats
        .iter()
        .filter_map(|format| format.parse().ok())
        .collect()
}

/// Audio codecs as `PCMU/8000`, telephone-event left out, in order of preference.
fn codecs(media: &Media) -> Vec<String> {
    media
        .formats
        .iter()
        .filter_map(|format| format.parse().ok())
        .filter_map(|payload_type: u8| {
            media.codec(payload_type).map_or_else(
                || Some(format!("{payload_type}")),
                |map| {
                    let name = map.encoding.to_ascii_uppercase();
                    (name != "TELEPHONE-EVENT").then(|| format!("{name}/{}", map.clock_rate))
                },
            )
        })
        .collect()
}

/// Ports of a stream, for checks on where the device sends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StreamPorts {
    pub(crate) source: u16,
    pub(crate) destination: u16,
    pub(crate) lab: u16,
}

/// What is not known: no bound on a clock is that wide.
const SKEW_UNKNOWN: f64 = 1e6;

/// What a stream is, beside its figures.
pub(crate) struct StreamFacts<'a> {
    pub(crate) telephone_events: &'a [u8],
    pub(crate) ports: StreamPorts,
    pub(crate) protection: StreamProtection,
    /// The codec that most of its packets claim.
    pub(crate) codec: String,
    /// Its RTP clock, Hz.
    pub(crate) clock_rate: u32,
    /// Payload types in the order they were used, each change told.
    pub(crate) payload_type_sequence: Vec<u8>,
}

pub(crate) fn stream(statistics: &StreamStatistics, about: &StreamFacts<'_>) -> Value {
    let StreamFacts {
        telephone_events,
        ports,
        protection,
        ..
    } = about;
    let duration = statistics
        .first
        .zip(statistics.last)
        .map_or(0.0, |(first, last)| {
            (last.saturating_sub(first)).as_secs_f64() * 1e3
        });
    let audio: Vec<u8> = statistics
        .payload_types
        .iter()
        .copied()
        .filter(|one| !telephone_events.contains(one))
        .collect();
    json!({
        "packets": statistics.packets + protection.refused(),
        "payload_types": statistics.payload_types,
        "audio_payload_types": audio,
        "ssrcs": statistics.ssrcs.len(),
        "lost": statistics.lost,
        "duplicates": statistics.duplicates,
        "reordered": statistics.reordered,
        "sequence_jumps": statistics.sequence_jumps,
        "timestamp_step": statistics.timestamp_step.map_or(-1, i64::from),
        "timestamp_violations": statistics.timestamp_violations,
        "malformed": statistics.malformed,
        "jitter_ms": round(statistics.jitter_ms),
        "mean_interval_ms": round(statistics.mean_interval_ms),
        "max_gap_ms": round(statistics.max_gap_ms),
        "duration_ms": round(duration),
        "source_port": ports.source,
        "destination_port": ports.destination,
        "lab_port": ports.lab,
        "codec": about.codec,
        "clock_rate": about.clock_rate,
        "payload_type_sequence": about.payload_type_sequence,
        "ssrc_changes": statistics.source_changes.len(),
        "comfort_noise": statistics.comfort_noise,
        "interval_sd_ms": round(statistics.intervals.deviation_ms),
        "interval_p99_ms": round(statistics.intervals.histogram.percentile_ms(99.0)),
        "clock_skew_ppm": round(statistics.clock_skew_ppm.unwrap_or(SKEW_UNKNOWN)),
        "burst_density": round(statistics.burst_gap.burst_density()),
        "gap_density": round(statistics.burst_gap.gap_density()),
        "longest_loss": statistics.loss_runs.longest,
        "dscp": statistics.dscp.keys().collect::<Vec<_>>(),
        "secured": protection.opened > 0 && protection.clear + protection.refused() == 0,
        "clear_packets": protection.clear,
        "authentication_failures": protection.not_authentic,
        "replays": protection.replayed,
        "unknown_keys": protection.unknown_key,
    })
}

pub(crate) fn tone(digit: &Digit, offset: Duration) -> Value {
    json!({
        "digit": digit.digit.to_string(),
        "at_ms": round((digit.at + offset).as_secs_f64() * 1e3),
        "duration_ms": round(digit.duration.as_secs_f64() * 1e3),
        "low_dbm0": round(digit.low_dbm0),
        "high_dbm0": round(digit.high_dbm0),
        "twist_db": round(digit.twist_db),
        "low_hz": round(digit.low_hz),
        "high_hz": round(digit.high_hz),
    })
}

pub(crate) fn event(event: &ReceivedEvent) -> Value {
    json!({
        "digit": event.digit.to_string(),
        "packets": event.packets,
        "end_packets": event.end_packets,
        "duration_ms": round(event.duration_ms),
        "marker_on_first": event.marker_on_first,
        "constant_timestamp": event.constant_timestamp,
        "durations_monotonic": event.durations_monotonic,
        "payload_type": event.payload_type,
        "volume": event.volume,
        "segments": event.segments,
        "longest_update_ms": round(event.longest_update_interval.as_secs_f64() * 1e3),
        "pause_before_ms": round(event.pause_before_ms.unwrap_or(-1.0)),
        "complete": event.complete,
        "findings": event.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Three decimals: figures are compared between a live and a later judgement as text.
pub(crate) fn round(value: f64) -> f64 {
    if value.is_finite() {
        // not minus zero, which would be printed as such
        (value * 1000.0).round() / 1000.0 + 0.0
    } else {
        0.0
    }
}

/// The values behind the paths of an expression, for the report's "actual" column.
pub(crate) fn actual(paths: &[String], root: &str, value: &Value) -> String {
    let shown: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            let rest = path.strip_prefix(root)?.strip_prefix('.')?;
            let mut found = value;
            for part in rest.split('.') {
                match found.get(part) {
                    Some(next) => found = next,
                    None => return Some(format!("{rest} is absent")),
                }
            }
            Some(match found {
                Value::String(text) => format!("{rest} = \"{}\"", shorten(text)),
                Value::Object(_) => return None,
                other => format!("{rest} = {}", shorten(&other.to_string())),
            })
        })
        .collect();
    if shown.is_empty() {
        "the condition does not hold".to_owned()
    } else {
        shown.join(", ")
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() > 160 {
        text.chars().take(160).collect::<String>() + "…"
    } else {
        text.to_owned()
    }
}
