//! Checks on RTCP (RFC 3550 6, RFC 3611).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use voxproof_rtp::rtcp::{self, Profile, Report, ReportBlock, ntp_middle, xr};
use voxproof_spec::{RtcpCheck, StreamRef};

use crate::checks::{Answer, absent, evaluate, marks, missing_mark};
use crate::facts::{self, round};
use crate::media_checks::{during, stream_of};
use crate::streams::{Stream, StreamProtection};
use crate::view::{MediaPacket, View};

type Interval = Option<(Duration, Duration)>;

/// The interval between reports that RFC 3550 6.2 recommends for sessions of little bandwidth, ms.
const MINIMUM_INTERVAL_MS: f64 = 5000.0;
/// Octets of the IPv4 and UDP headers, which count in the bandwidth of a session (RFC 3550 6.2).
const LOWER_LAYERS: usize = 28;

/// The RTCP packets that the sender of a stream sent in an interval.
pub(crate) fn control<'v>(
    view: &'v View<'_>,
    stream: &StreamRef,
    interval: Interval,
) -> Vec<&'v MediaPacket<'v>> {
    let ports: BTreeSet<SocketAddr> = view
        .media
        .iter()
        .filter(|span| span.actor == stream.peer)
        .map(|span| span.local)
        .collect();
    view.media_packets
        .iter()
        .filter(|packet| packet.from_device == stream.from_device && packet.is_control())
        .filter(|packet| ports.contains(&packet.rtp_port()))
        .filter(|packet| interval.is_none_or(|(from, to)| packet.at >= from && packet.at < to))
        .collect()
}

fn opposite(stream: &StreamRef) -> StreamRef {
    StreamRef {
        peer: stream.peer.clone(),
        from_device: !stream.from_device,
    }
}

fn blocks(report: &Report) -> &[ReportBlock] {
    match report {
        Report::SenderReport { blocks, .. } | Report::ReceiverReport { blocks, .. } => blocks,
        _ => &[],
    }
}

/// Losses of a stream that its receiver reported last.
pub(crate) fn reported_lost(view: &View<'_>, stream: &StreamRef) -> Option<i64> {
    control(view, &opposite(stream), None)
        .iter()
        .rev()
        .filter(|packet| packet.protection.is_taken())
        .find_map(|packet| {
            let reports = rtcp::parse(&packet.bytes).ok()?;
            let last = reports.iter().flat_map(blocks).next_back()?;
            Some(i64::from(last.cumulative_lost))
        })
}

/// When our sender reports went out, by what a report block quotes of them.
fn sent_reports(view: &View<'_>, stream: &StreamRef) -> Vec<(Duration, u32)> {
    control(view, &opposite(stream), None)
        .iter()
        .filter_map(|packet| {
            let reports = rtcp::parse(&packet.bytes).ok()?;
            reports.iter().find_map(|report| match report {
                Report::SenderReport { ntp, .. } => Some((packet.at, ntp_middle(*ntp))),
                _ => None,
            })
        })
        .collect()
}

/// What a stream takes of the network, kbit/s; none when it has fewer than two packets.
fn bandwidth(stream: &Stream<'_>) -> Option<f64> {
    let ((first, _), (last, _)) = stream.packets.first().zip(stream.packets.last())?;
    let milliseconds = last.saturating_sub(*first).as_secs_f64() * 1e3;
    let octets: usize = stream.packets[1..]
        .iter()
        .map(|(_, bytes)| bytes.len() + LOWER_LAYERS)
        .sum();
    (milliseconds > 0.0).then(|| octets as f64 * 8.0 / milliseconds)
}

/// The shortest interval that a phone may draw in a session of both streams, ms: the reduced minimum of 360 s divided
/// by the bandwidth in kbit/s (RFC 3550 6.2), at its lower end and with the compensation of reconsideration (6.3.1).
/// Both sides may speak at once, and in pauses the bandwidth is still that of the session: twice the wider stream.
fn least_interval_ms(one: &Stream<'_>, other: &Stream<'_>) -> f64 {
    let session = 2.0 * bandwidth(one).unwrap_or(0.0).max(bandwidth(other).unwrap_or(0.0));
    let reduced = MINIMUM_INTERVAL_MS.min(360e3 / session);
    reduced * 0.5 / (std::f64::consts::E - 1.5)
}

#[derive(Default)]
struct Figures {
    packets: u64,
    sender_reports: u32,
    receiver_reports: u32,
    sdes: u32,
    byes: u32,
    feedback: u32,
    cnames: BTreeSet<String>,
    ssrcs: BTreeSet<u32>,
    xr_blocks: BTreeSet<u8>,
    round_trip_ms: f64,
    fraction_lost: f64,
    cumulative_lost: i64,
    jitter: u32,
    sent_packets: i64,
    sent_octets: i64,
    same_port: bool,
    source_port: u16,
    malformed: u32,
    findings: Vec<String>,
    xr_loss_rate: f64,
    xr_r_factor: i64,
    xr_mos_lq: f64,
    protection: StreamProtection,
    /// Times of the reports, but for those with a BYE, which may come at any time (RFC 3550 6.3.7).
    times: Vec<Duration>,
}

impl Figures {
    fn new() -> Self {
        Self {
            round_trip_ms: -1.0,
            cumulative_lost: -1,
            sent_packets: -1,
            sent_octets: -1,
            xr_loss_rate: -1.0,
            xr_r_factor: -1,
            xr_mos_lq: -1.0,
            ..Self::default()
        }
    }

    fn add(&mut self, packet: &MediaPacket<'_>, sent: &[(Duration, u32)]) {
        self.packets += 1;
        self.protection.add(packet.protection);
        self.same_port |= !packet.control_port;
        self.source_port = packet.source.port();
        if !packet.protection.is_taken() {
            return;
        }
        for finding in rtcp::inspect(&packet.bytes, Profile::Compound) {
            let text = finding.violation.to_string();
            if !self.findings.contains(&text) && self.findings.len() < 50 {
                self.findings.push(text);
            }
        }
        let Ok(reports) = rtcp::parse(&packet.bytes) else {
            self.malformed += 1;
            return;
        };
        let mut bye = false;
        for report in &reports {
            match report {
                Report::SenderReport {
                    ssrc,
                    packets,
                    octets,
                    ..
                } => {
                    self.sender_reports += 1;
                    self.ssrcs.insert(*ssrc);
                    self.sent_packets = i64::from(*packets);
                    self.sent_octets = i64::from(*octets);
                }
                Report::ReceiverReport { ssrc, .. } => {
                    self.receiver_reports += 1;
                    self.ssrcs.insert(*ssrc);
                }
                Report::Sdes { cname, .. } => {
                    self.sdes += 1;
                    self.cnames.extend(cname.clone());
                }
                Report::Bye { .. } => {
                    self.byes += 1;
                    bye = true;
                }
                Report::Feedback { .. } => self.feedback += 1,
                Report::ExtendedReport { blocks, .. } => blocks.iter().for_each(|block| self.extended(block)),
                Report::Malformed { .. } => self.malformed += 1,
                _ => {}
            }
            for block in blocks(report) {
                self.block(block, packet.at, sent);
            }
        }
        if !bye {
            self.times.push(packet.at);
        }
    }

    fn block(&mut self, block: &ReportBlock, at: Duration, sent: &[(Duration, u32)]) {
        self.fraction_lost = self.fraction_lost.max(f64::from(block.fraction_lost) / 256.0);
        self.cumulative_lost = i64::from(block.cumulative_lost);
        self.jitter = self.jitter.max(block.jitter);
        // RFC 3550 6.4.1: arrival less LSR less DLSR, with our own clock for the first two
        let report = sent
            .iter()
            .rev()
            .find(|(when, middle)| *middle == block.last_sender_report && *when <= at);
        if let Some((when, _)) = report.filter(|_| block.last_sender_report != 0) {
            let held = f64::from(block.delay_since_last_sender_report) / 65536.0;
            let trip = (at.saturating_sub(*when).as_secs_f64() - held) * 1e3;
            self.round_trip_ms = self.round_trip_ms.max(trip.max(0.0));
        }
    }

    fn extended(&mut self, block: &xr::Block) {
        self.xr_blocks.insert(match block {
            xr::Block::LossRunLengths(_) => xr::LOSS_RUN_LENGTHS,
            xr::Block::DuplicateRunLengths(_) => xr::DUPLICATE_RUN_LENGTHS,
            xr::Block::ReceiptTimes { .. } => xr::RECEIPT_TIMES,
            xr::Block::ReceiverReferenceTime { .. } => xr::RECEIVER_REFERENCE_TIME,
            xr::Block::DelaySinceLast(_) => xr::DELAY_SINCE_LAST,
            xr::Block::StatisticsSummary(_) => xr::STATISTICS_SUMMARY,
            xr::Block::VoipMetrics(metrics) => {
                self.xr_loss_rate = f64::from(metrics.loss_rate) / 256.0;
                self.xr_r_factor = metrics.r_factor.map_or(-1, i64::from);
                self.xr_mos_lq = metrics.mos_lq.map_or(-1.0, |score| f64::from(score) / 10.0);
                xr::VOIP_METRICS
            }
            _ => return,
        });
    }

    fn fact(&self, first_media: Option<Duration>, clock_rate: u32, least_interval_ms: f64) -> Value {
        let gaps: Vec<f64> = self
            .times
            .windows(2)
            .filter_map(|pair| Some(pair.get(1)?.saturating_sub(*pair.first()?).as_secs_f64() * 1e3))
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let first_after = first_media
            .zip(self.times.first())
            .map_or(-1.0, |(media, report)| {
                (report.as_secs_f64() - media.as_secs_f64()) * 1e3
            });
        json!({
            "packets": self.packets,
            "sender_reports": self.sender_reports,
            "receiver_reports": self.receiver_reports,
            "sdes": self.sdes,
            "byes": self.byes,
            "feedback": self.feedback,
            "cnames": self.cnames,
            "ssrcs": self.ssrcs.len(),
            "xr_blocks": self.xr_blocks,
            "mean_interval_ms": if gaps.is_empty() { -1.0 } else { round(mean) },
            "min_interval_ms": round(gaps.iter().copied().reduce(f64::min).unwrap_or(-1.0)),
            "least_interval_ms": round(least_interval_ms),
            "first_after_ms": round(first_after),
            "round_trip_ms": round(self.round_trip_ms),
            "fraction_lost_max": round(self.fraction_lost),
            "cumulative_lost": self.cumulative_lost,
            "jitter_ms_max": round(f64::from(self.jitter) * 1e3 / f64::from(clock_rate.max(1))),
            "sent_packets": self.sent_packets,
            "sent_octets": self.sent_octets,
            "same_port": self.same_port,
            "source_port": self.source_port,
            "malformed": self.malformed,
            "findings": self.findings,
            "xr_loss_rate": round(self.xr_loss_rate),
            "xr_r_factor": self.xr_r_factor,
            "xr_mos_lq": round(self.xr_mos_lq),
            "secured": self.protection.opened > 0 && self.protection.clear + self.protection.refused() == 0,
            "clear_packets": self.protection.clear,
            "authentication_failures": self.protection.not_authentic + self.protection.unknown_key,
            "replays": self.protection.replayed,
        })
    }
}

pub(crate) fn check(view: &View<'_>, check: &RtcpCheck) -> Answer {
    let mut expected = format!("RTCP of {}: {}", *check.stream, *check.expect);
    let stream = match stream_of(&check.stream) {
        Ok(stream) => stream,
        Err(answer) => return answer,
    };
    let interval = match during(view, check.during.as_ref(), &mut expected) {
        Ok(interval) => interval,
        Err(answer) => return answer,
    };
    if let Some(mark) = missing_mark(view, &check.expect) {
        return absent(view, &mark, expected);
    }
    let packets = control(view, &stream, interval);
    let sent = sent_reports(view, &stream);
    let mut figures = Figures::new();
    for packet in &packets {
        figures.add(packet, &sent);
    }
    let sending = view.stream(&stream, interval);
    let heard = view.stream(&opposite(&stream), interval);
    let first_media = sending
        .packets
        .first()
        .map(|(at, _)| *at)
        .or_else(|| interval.map(|(from, _)| from));
    // the jitter is that of what its receiver hears, on that clock
    let fact = figures.fact(
        first_media,
        heard.clock_rate(),
        least_interval_ms(&sending, &heard),
    );
    let (verdict, paths, error) = evaluate(&check.expect, &[("rtcp", &fact), ("marks", &marks(view))]);
    let actual = error.unwrap_or_else(|| facts::actual(&paths, "rtcp", &fact));
    let numbers = packets.iter().map(|packet| packet.packet).take(20).collect();
    Answer::new(verdict, expected, actual, numbers)
}
