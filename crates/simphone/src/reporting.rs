//! The phone's RTCP in one call (RFC 3550 6), with extended reports where the other side asks for them (RFC 3611).

use std::collections::BTreeSet;
use std::time::Duration;

use voxproof_rtp::Packet;
use voxproof_rtp::quality::Equipment;
use voxproof_rtp::rtcp::xr::{Block, ExtendedReportAttribute};
use voxproof_rtp::rtcp::{ExtendedReports, Report, Session, SessionConfig, build, parse};

use crate::media::{JITTER_BUFFER, MediaPlan};
use crate::{AudioCodec, Fault};

/// The reports we would like to get, as the value of `a=rtcp-xr` (RFC 3611 5.1).
pub(crate) const WANTED_REPORTS: &str = "rcvr-rtt=all voip-metrics stat-summary=loss,dup,jitt";

/// Reports, and what the other side says about our stream.
#[derive(Debug)]
pub(crate) struct Reporting {
    faults: BTreeSet<Fault>,
    /// The canonical name (RFC 7022), `None` without RTCP.
    cname: Option<String>,
    /// NTP time of the lab's time zero.
    ntp_epoch: u64,
    session: Option<Session>,
    reports: u32,
    /// A sequence number without gaps, for the fault that hides losses.
    counted: u16,
    /// The goodbye of a call that is over, until it is sent.
    farewell: Option<Vec<u8>>,
    /// With the fault, the last report and when it goes out once more.
    again: Option<(Duration, Vec<u8>)>,
}

impl Reporting {
    pub(crate) fn new(faults: &BTreeSet<Fault>, cname: Option<String>, ntp_epoch: u64) -> Self {
        Self {
            faults: faults.clone(),
            cname,
            ntp_epoch,
            session: None,
            reports: 0,
            counted: 0,
            farewell: None,
            again: None,
        }
    }

    /// Begins to report (RFC 3550 6.3.2), when it has not.
    pub(crate) fn join(&mut self, now: Duration, ssrc: u32, plan: &MediaPlan, seed: u64) {
        let Some(cname) = self.cname.as_ref().filter(|_| self.session.is_none()) else {
            return;
        };
        if self.has(Fault::RtcpNone) {
            return;
        }
        let codec = plan.codec.1;
        let mut config = SessionConfig::new(ssrc, cname.clone(), self.ntp_epoch, seed);
        config.clock_rate = codec.clock_rate();
        config.telephone_event_pts = plan
            .telephone_event
            .iter()
            .map(|(payload_type, _)| *payload_type)
            .collect();
        config.jitter_buffer = JITTER_BUFFER;
        config.equipment = matches!(codec, AudioCodec::Pcmu | AudioCodec::Pcma).then_some(Equipment::G711);
        if !self.has(Fault::XrMissing) {
            config.extended_reports = plan.extended_reports;
        }
        self.session = Some(Session::new(config, now));
    }

    pub(crate) const fn has_joined(&self) -> bool {
        self.session.is_some()
    }

    /// The call is over. Whether there is a goodbye to send.
    pub(crate) fn close(&mut self, now: Duration) -> bool {
        let session = self.session.take();
        if let Some(mut session) = session.filter(|_| !self.has(Fault::RtcpNoBye)) {
            self.farewell = session.goodbye(now, None);
        }
        self.farewell.is_some()
    }

    /// A packet of ours has gone out.
    pub(crate) fn sent(&mut self, now: Duration, packet: &[u8], payload: usize) {
        if let (Some(session), Ok(packet)) = (&mut self.session, Packet::parse(packet)) {
            session.sent(now, packet.timestamp, payload);
        }
    }

    pub(crate) fn received(&mut self, at: Duration, packet: &Packet<'_>, dscp: Option<u8>) {
        let mut counted = *packet;
        if self.has(Fault::RtcpLossHidden) {
            counted.sequence = self.counted;
            self.counted = self.counted.wrapping_add(1);
        }
        if let Some(session) = &mut self.session {
            session.received(at, &counted, dscp);
        }
    }

    pub(crate) fn received_report(&mut self, at: Duration, bytes: &[u8]) {
        if let Some(session) = &mut self.session {
            session.received_rtcp(at, bytes);
        }
    }

    /// The report or goodbye that is due.
    pub(crate) fn due(&mut self, now: Duration) -> Option<Vec<u8>> {
        let bytes = match self.farewell.take() {
            Some(bytes) => bytes,
            None => self.report(now)?,
        };
        let bytes = self.renamed(bytes);
        Some(if self.has(Fault::XrLossUnreported) {
            without_loss(&bytes).unwrap_or(bytes)
        } else {
            bytes
        })
    }

    fn report(&mut self, now: Duration) -> Option<Vec<u8>> {
        let session = self.session.as_mut()?;
        if let Some((_, bytes)) = self.again.take_if(|(at, _)| *at <= now) {
            return Some(bytes);
        }
        if session.poll_timeout().is_none_or(|at| at > now) {
            return None;
        }
        let bytes = session.poll_transmit(now)?;
        if self.has(Fault::RtcpTooOften) {
            self.again = Some((now + Duration::from_millis(200), bytes.clone()));
        }
        Some(bytes)
    }

    /// With the fault, another canonical name in each report.
    fn renamed(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        self.reports = self.reports.wrapping_add(1);
        if self.has(Fault::RtcpCnameChanges)
            && let Some(cname) = &self.cname
            && let Some(at) = bytes
                .windows(cname.len())
                .position(|window| window == cname.as_bytes())
            && let Some(first) = bytes.get_mut(at)
        {
            *first = b'a' + (self.reports % 26) as u8;
        }
        bytes
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

/// What the value of the other side's `a=rtcp-xr` makes us send.
pub(crate) fn asked_for(value: Option<&str>) -> ExtendedReports {
    let Some(Ok(asked)) = value.map(str::parse::<ExtendedReportAttribute>) else {
        return ExtendedReports::default();
    };
    let round_trip = asked.receiver_round_trip.is_some();
    ExtendedReports {
        voip_metrics: asked.voip_metrics,
        statistics_summary: asked.statistics_summary.is_some(),
        receiver_reference_time: round_trip,
        delay_since_last: round_trip,
    }
}

/// The same reports, in whose VoIP metrics nothing was lost.
fn without_loss(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reports = parse(bytes).ok()?;
    for report in &mut reports {
        let Report::ExtendedReport { blocks, .. } = report else {
            continue;
        };
        for block in blocks {
            if let Block::VoipMetrics(metrics) = block {
                metrics.loss_rate = 0;
            }
        }
    }
    build(&reports).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_sent_and_nothing_else() {
        let all = asked_for(Some(WANTED_REPORTS));
        assert!(all.voip_metrics && all.statistics_summary && all.delay_since_last);
        let metrics = asked_for(Some("voip-metrics"));
        assert!(metrics.voip_metrics && !metrics.statistics_summary && !metrics.receiver_reference_time);
        for nothing in [None, Some(""), Some("rcvr-rtt=never")] {
            assert_eq!(asked_for(nothing), ExtendedReports::default());
        }
    }
}
