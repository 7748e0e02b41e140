//! One RTP session of a peer: paced sending, receiving, RTCP, and what is done to packets on the way.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_net::{Clock, MediaSession, Reception};
use voxproof_record::{PacketDirection, TimelineEvent};
use voxproof_rtp::dtmf::EventPlan;
use voxproof_rtp::impairment::ImpairmentSpec;
use voxproof_rtp::rtcp::{self, ExtendedReports, SessionConfig, ntp_from_unix};
use voxproof_rtp::{Packet, Packetizer, is_rtcp};
use voxproof_sip::sdp::{Description, SessionOffer};
use voxproof_srtp::{DatagramKind, classify};

use super::agreement::Agreement;
use super::connectivity::{Connectivity, IceLines};
use super::impaired::Way;
use super::security::{Port, Security};
use super::sequence::Sequence;
use super::speech::{Signal, Speech};
use crate::offer::OfferSpec;
use crate::tap::Tap;

/// The grid: packet times are multiples of it.
const GRID: Duration = Duration::from_millis(10);
/// The grid while a network delays packets or a handshake goes on.
const FINE_GRID: Duration = Duration::from_millis(1);
/// Packet time of a peer that was not asked for another.
const PTIME: u32 = 20;
/// Packets an echo holds at most.
const ECHO: usize = 64;

/// An event that is being sent.
struct Event {
    starts: Duration,
    plan: EventPlan,
    next: usize,
    timestamp: Option<u32>,
}

pub(super) struct Session {
    clock: Clock,
    tap: Tap,
    actor: String,
    pub(super) seed: u64,
    /// Counts the keys that were made, so that each is another.
    pub(super) generation: u64,
    pub(super) local: Option<SocketAddr>,
    pub(super) local_rtcp: Option<SocketAddr>,
    agreement: Option<Agreement>,
    ended: bool,
    pub(super) security: Security,
    ice: Option<Connectivity>,
    speech: Speech,
    ptime: u32,
    next_media: Option<Duration>,
    packetizer: Packetizer,
    fresh: bool,
    events: VecDeque<Event>,
    echo: Option<VecDeque<Vec<u8>>>,
    to_device: Way,
    from_device: Way,
    pub(super) sequence: Sequence,
    raw: Vec<Vec<u8>>,
    reports: Option<rtcp::Session>,
    notes: Vec<(Duration, TimelineEvent)>,
}

impl Session {
    pub(super) fn new(clock: Clock, tap: Tap, actor: &str, seed: u64) -> Self {
        Self {
            clock,
            tap,
            actor: actor.to_owned(),
            seed,
            generation: 1,
            local: None,
            local_rtcp: None,
            agreement: None,
            ended: false,
            security: Security::None,
            ice: None,
            speech: Speech::new(),
            ptime: PTIME,
            next_media: None,
            // random starts (RFC 3550 5.1), from the case's seed
            packetizer: Packetizer::new(0, (seed >> 32) as u32, (seed >> 16) as u16, seed as u32),
            fresh: true,
            events: VecDeque::new(),
            echo: None,
            to_device: Way::default(),
            from_device: Way::default(),
            sequence: Sequence::default(),
            raw: vec![],
            reports: None,
            notes: vec![],
        }
    }

    pub(super) fn negotiate(&mut self, local: &SessionOffer, remote: &Description, agreement: Agreement) {
        let now = self.clock.now();
        self.security.agree(remote);
        if let Some(ice) = &mut self.ice {
            ice.agree(now, remote);
        }
        if let Some((payload_type, codec)) = agreement.codec {
            self.packetizer.payload_type = payload_type;
            self.speech.use_codec(codec);
        }
        self.ptime = agreement.ptime.or(local.ptime).unwrap_or(PTIME).clamp(10, 200) / 10 * 10;
        let mut config = SessionConfig::new(
            self.packetizer.ssrc,
            format!("{}@voxproof", self.actor),
            ntp_from_unix(self.clock.unix_epoch()),
            self.seed,
        );
        config.clock_rate = self.speech.codec().rtp_clock_rate();
        config.telephone_event_pts = local
            .telephone_events()
            .map(|(payload_type, _)| payload_type)
            .collect();
        if agreement.reports {
            config.extended_reports = ExtendedReports {
                voip_metrics: true,
                statistics_summary: true,
                receiver_reference_time: true,
                delay_since_last: true,
            };
        }
        if self.reports.is_none() {
            self.reports = Some(rtcp::Session::new(config, now));
        }
        self.agreement = Some(agreement);
    }

    pub(super) fn connect(&mut self, spec: &OfferSpec, offering: bool) -> IceLines {
        let Some((mode, rtp)) = spec.ice.zip(self.local) else {
            self.ice = None;
            return IceLines::default();
        };
        if self.ice.as_ref().is_none_or(|ice| ice.mode() != mode) {
            let rtcp = self.local_rtcp.filter(|_| !spec.rtcp_mux);
            self.ice = Some(Connectivity::new(mode, offering, rtp, rtcp, self.seed));
        }
        self.ice.as_ref().map(Connectivity::lines).unwrap_or_default()
    }

    pub(super) fn is_sending(&self) -> bool {
        !self.ended
            && self
                .agreement
                .as_ref()
                .is_some_and(|agreement| agreement.sending && agreement.remote.is_some())
    }

    /// The call is over: nothing is sent any more but the RTCP BYE.
    pub(super) fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        let now = self.clock.now();
        self.take_truth(now);
    }

    fn take_truth(&mut self, now: Duration) {
        for (way, to_device) in [(&mut self.to_device, true), (&mut self.from_device, false)] {
            if let Some(note) = way.take_note(&self.actor, to_device) {
                self.notes.push((now, note));
            }
        }
    }

    pub(super) const fn sample_rate(&self) -> u32 {
        self.speech.codec().sample_rate()
    }

    pub(super) fn play(&mut self, signal: &Signal, length: Duration) -> (u32, u64, u32) {
        let samples = self.speech.play(signal, length);
        (self.packetizer.timestamp, samples, self.sample_rate())
    }

    /// Clock rate in Hz of the telephone-events that were agreed on.
    pub(super) fn event_clock(&self) -> Option<u32> {
        let (_, clock) = self.agreement.as_ref()?.telephone_event?;
        Some(clock)
    }

    pub(super) fn send_events(&mut self, plans: Vec<(Duration, EventPlan)>) -> bool {
        let agreed = self
            .agreement
            .as_ref()
            .is_some_and(|agreement| agreement.telephone_event.is_some());
        if agreed {
            let now = self.clock.now();
            self.events.extend(plans.into_iter().map(|(after, plan)| Event {
                starts: now + after,
                plan,
                next: 0,
                timestamp: None,
            }));
        }
        agreed
    }

    pub(super) fn echo(&mut self, on: bool) {
        self.echo = on.then(VecDeque::new);
    }

    pub(super) fn impair(&mut self, to_device: bool, spec: Option<(ImpairmentSpec, u64)>) {
        let now = self.clock.now();
        self.take_truth(now);
        if to_device {
            self.to_device.set(spec);
        } else {
            self.from_device.set(spec);
        }
    }

    pub(super) fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.raw.push(bytes);
    }

    pub(super) fn take_notes(&mut self) -> Vec<(Duration, TimelineEvent)> {
        let now = self.clock.now();
        self.take_truth(now);
        if let Some(local) = self.local {
            let keys = self.security.take_notes(&self.actor, local, self.local_rtcp);
            let pairs = self
                .ice
                .as_mut()
                .map(|ice| ice.take_notes(local))
                .unwrap_or_default();
            self.notes
                .extend(keys.into_iter().chain(pairs).map(|note| (now, note)));
        }
        std::mem::take(&mut self.notes)
    }

    /// The packet of this point of the grid, if one is due.
    fn packet(&mut self, now: Duration) -> Option<Vec<u8>> {
        let ptime = Duration::from_millis(u64::from(self.ptime));
        let step = self.speech.codec().timestamp_step(ptime);
        if let Some(bytes) = self.event_packet(now) {
            self.packetizer.advance(step);
            return Some(bytes);
        }
        let payload = match &mut self.echo {
            Some(heard) => heard.pop_front(),
            None => self.speech.payload(ptime),
        };
        let Some(payload) = payload else {
            self.packetizer.advance(step);
            return None;
        };
        // the marker bit begins a talk spurt (RFC 3551 4.1)
        let marker = std::mem::take(&mut self.fresh);
        Some(self.packetizer.next(&payload, step, marker))
    }

    /// A packet of the event that is due (RFC 4733 2.5.1): it takes the place of speech.
    fn event_packet(&mut self, now: Duration) -> Option<Vec<u8>> {
        let (payload_type, _) = self.agreement.as_ref()?.telephone_event?;
        let event = self.events.front_mut().filter(|event| event.starts <= now)?;
        let start = *event.timestamp.get_or_insert(self.packetizer.timestamp);
        let Some(planned) = event.plan.get(event.next).copied() else {
            self.events.pop_front();
            return None;
        };
        event.next += 1;
        Some(self.packetizer.packet_at(
            payload_type,
            &planned.payload,
            start.wrapping_add(planned.timestamp_offset),
            planned.marker,
        ))
    }

    fn is_fine(&self) -> bool {
        self.to_device.is_impaired()
            || self.from_device.is_impaired()
            || (!self.security.ready() && self.agreement.is_some())
    }

    /// A plain RTP packet of the device, after whatever its network did to it.
    fn heard(&mut self, now: Duration, bytes: &[u8], dscp: Option<u8>) {
        let Ok(packet) = Packet::parse(bytes) else { return };
        if let Some(reports) = &mut self.reports {
            reports.received(now, &packet, dscp);
        }
        let codec = self
            .agreement
            .as_ref()
            .and_then(|agreement| agreement.codec.map(|(payload_type, _)| payload_type));
        if let Some(heard) = &mut self.echo
            && Some(packet.payload_type) == codec
            && heard.len() < ECHO
        {
            heard.push_back(packet.payload.to_vec());
        }
    }

    fn remote(&self) -> Option<SocketAddr> {
        let agreed = self.agreement.as_ref()?.remote?;
        // a selected pair takes the place of the default (RFC 8445 12.1.1)
        Some(
            self.ice
                .as_ref()
                .and_then(|ice| ice.selected(1))
                .unwrap_or(agreed),
        )
    }
}

impl MediaSession for Session {
    fn interval(&self) -> Duration {
        if self.is_fine() { FINE_GRID } else { GRID }
    }

    fn tick(&mut self, deadline: Duration, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        let local = self.local;
        if let Some(ice) = &mut self.ice {
            out.extend(ice.poll(now, local));
        }
        let Some(remote) = self.remote() else {
            self.raw.clear();
            return;
        };
        out.extend(self.raw.drain(..).map(|bytes| (remote, bytes)));
        out.extend(
            self.security
                .poll(now, Port::Rtp)
                .into_iter()
                .map(|bytes| (remote, bytes)),
        );
        let due = *self.next_media.get_or_insert(deadline);
        if deadline >= due {
            let ptime = Duration::from_millis(u64::from(self.ptime));
            self.next_media = Some(due + ptime);
            if self.is_sending() && self.security.ready() {
                let timestamp = self.packetizer.timestamp;
                if let Some(packet) = self.packet(now) {
                    if let Some(reports) = &mut self.reports {
                        reports.sent(now, timestamp, packet.len().saturating_sub(12));
                    }
                    if let Some(bytes) = self
                        .security
                        .protect(packet, false, Port::Rtp)
                        .and_then(|bytes| self.to_device.push(now, bytes))
                    {
                        out.push((remote, bytes));
                    }
                }
            } else {
                // the time line goes on, so that a resumed stream does not claim that no time has passed
                self.packetizer.advance(self.speech.codec().timestamp_step(ptime));
                self.fresh = true;
            }
        }
        out.extend(self.to_device.poll(now).into_iter().map(|bytes| (remote, bytes)));
        for bytes in self.from_device.poll(now) {
            self.heard(now, &bytes, None);
        }
        if self.is_muxed() {
            self.report(now, out);
        }
    }

    fn sent(&mut self, _deadline: Duration, at: Duration, to: SocketAddr, bytes: &[u8]) {
        if let Some(local) = self.local {
            self.tap
                .datagram(at, PacketDirection::Outbound, local, to, None, bytes);
        }
    }

    fn received(&mut self, at: Duration, source: SocketAddr, bytes: &[u8]) {
        self.reception(Reception {
            at,
            source,
            bytes,
            dscp: None,
        });
    }

    fn reception(&mut self, reception: Reception<'_>) {
        let Some(local) = self.local else { return };
        let Reception {
            at,
            source,
            bytes,
            dscp,
        } = reception;
        self.tap
            .datagram(at, PacketDirection::Inbound, source, local, dscp, bytes);
        match classify(bytes) {
            DatagramKind::Dtls => self.security.handshake(at, bytes, Port::Rtp),
            DatagramKind::Stun => {
                if let Some(ice) = &mut self.ice {
                    ice.receive(at, local, source, bytes);
                }
            }
            DatagramKind::Rtp | DatagramKind::Rtcp if is_rtcp(bytes) => {
                self.reported(at, bytes, Port::Rtp);
            }
            DatagramKind::Rtp | DatagramKind::Rtcp => {
                self.sequence.heard(bytes);
                if let Some(plain) = self.security.unprotect(bytes, false, Port::Rtp)
                    && let Some(plain) = self.from_device.push(at, plain)
                {
                    self.heard(at, &plain, dscp);
                }
            }
            _ => {}
        }
    }

    fn tick_rtcp(&mut self, _deadline: Duration, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if let Some(ice) = &mut self.ice {
            out.extend(ice.poll_rtcp());
        }
        if self.agreement.as_ref().is_some_and(|agreement| !agreement.mux) {
            if let Some(remote) = self.remote_rtcp() {
                let handshake = self.security.poll(now, Port::Rtcp);
                out.extend(handshake.into_iter().map(|bytes| (remote, bytes)));
            }
            self.report(now, out);
        }
    }

    fn sent_rtcp(&mut self, _deadline: Duration, at: Duration, to: SocketAddr, bytes: &[u8]) {
        if let Some(local) = self.local_rtcp {
            self.tap
                .datagram(at, PacketDirection::Outbound, local, to, None, bytes);
        }
    }

    fn received_rtcp(&mut self, reception: Reception<'_>) {
        let Some(local) = self.local_rtcp else { return };
        self.tap.datagram(
            reception.at,
            PacketDirection::Inbound,
            reception.source,
            local,
            reception.dscp,
            reception.bytes,
        );
        let (at, bytes) = (reception.at, reception.bytes);
        match (classify(bytes), &mut self.ice) {
            (DatagramKind::Stun, Some(ice)) => ice.receive(at, local, reception.source, bytes),
            (DatagramKind::Dtls, _) => self.security.handshake(at, bytes, Port::Rtcp),
            _ => self.reported(at, bytes, Port::Rtcp),
        }
    }
}

impl Session {
    fn reported(&mut self, at: Duration, bytes: &[u8], port: Port) {
        if let Some(plain) = self.security.unprotect(bytes, true, port)
            && let Some(reports) = &mut self.reports
        {
            // what the device reports is judged from the capture
            reports.received_rtcp(at, &plain);
        }
    }

    fn is_muxed(&self) -> bool {
        self.agreement.as_ref().is_some_and(|agreement| agreement.mux)
    }

    /// Where RTCP goes.
    fn remote_rtcp(&self) -> Option<SocketAddr> {
        let component = if self.is_muxed() { 1 } else { 2 };
        let selected = self.ice.as_ref().and_then(|ice| ice.selected(component));
        selected.or_else(|| self.agreement.as_ref()?.remote_rtcp)
    }

    /// RTCP that is due.
    fn report(&mut self, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        let port = if self.is_muxed() { Port::Rtp } else { Port::Rtcp };
        let (Some(remote), Some(reports)) = (self.remote_rtcp(), &mut self.reports) else {
            return;
        };
        let compound = if self.ended {
            let goodbye = reports.goodbye(now, None);
            self.reports = None;
            goodbye
        } else if reports.poll_timeout().is_some_and(|at| at <= now) {
            reports.poll_transmit(now)
        } else {
            None
        };
        if let Some(bytes) = compound.and_then(|bytes| self.security.protect(bytes, true, port)) {
            out.push((remote, bytes));
        }
    }
}
