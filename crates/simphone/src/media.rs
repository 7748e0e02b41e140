//! The phone's end of a call's media: microphone, loudspeaker and RTP.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use voxproof_net::{MediaSession, Reception};
use voxproof_rtp::rtcp::{Session as RtcpSession, SessionConfig};
use voxproof_rtp::statistics::{RunningStatistics, RunningSummary};
use voxproof_rtp::{Packet, Packetizer, is_rtcp};
use voxproof_sip::IdSource;
use voxproof_srtp::{Fault as SrtpFault, MasterKey, Policy, Protector, Unprotector};

use crate::coders::Coders;
use crate::playout::{Playout, SAMPLE_RATE};
use crate::tones::{Tone, ToneSender, without_end};
use crate::{AudioCodec, Fault};

pub(crate) const JITTER_BUFFER: Duration = Duration::from_millis(40);
/// Half an hour: a forgotten call must not fill the memory.
const LONGEST_RECORDING: usize = SAMPLE_RATE as usize * 1800;

/// The port's ticks for a packet duration: 20 ms where that divides it, else 10 ms.
pub(crate) const fn grid_ms(ptime: u32) -> u32 {
    if ptime.is_multiple_of(20) && ptime > 0 {
        20
    } else {
        10
    }
}

/// The keys of protected media (RFC 3711).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SrtpPlan {
    pub(crate) send: MasterKey,
    pub(crate) receive: Vec<MasterKey>,
    pub(crate) policy: Policy,
}

/// What a session negotiation led to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MediaPlan {
    /// Where to send; `None` when the peer wants nothing.
    pub(crate) destination: Option<SocketAddr>,
    /// Whether what arrives is played.
    pub(crate) receives: bool,
    /// Codec and payload type to send with.
    pub(crate) codec: (u8, AudioCodec),
    /// Payload type of telephone-event in the peer's description.
    pub(crate) telephone_event: Option<u8>,
    /// Payload types to decode.
    pub(crate) decoded: Vec<(u8, AudioCodec)>,
    /// Packet duration to send with, in milliseconds.
    pub(crate) ptime: u32,
    pub(crate) srtp: Option<SrtpPlan>,
    /// Where RTCP goes when it has a port of its own.
    pub(crate) rtcp: Option<SocketAddr>,
    pub(crate) rtcp_mux: bool,
}

/// What a call's media have to know from the start.
#[derive(Debug, Clone)]
pub(crate) struct MediaSettings {
    pub(crate) faults: BTreeSet<Fault>,
    pub(crate) seed: u64,
    pub(crate) speech: Arc<[i16]>,
    pub(crate) loopback: bool,
    pub(crate) ptime: u32,
    /// The canonical name of the phone's reports (RFC 7022), `None` without RTCP.
    pub(crate) cname: Option<String>,
    /// NTP time of the lab's time zero.
    pub(crate) ntp_epoch: u64,
}

/// The media of one call.
pub(crate) struct CallMedia {
    faults: BTreeSet<Fault>,
    ids: IdSource,
    speech: Arc<[i16]>,
    position: usize,
    loopback: bool,
    playing: bool,
    talking: bool,
    plan: Option<MediaPlan>,
    grid: u32,
    /// What the microphone has heard since the last packet.
    pending: Vec<i16>,
    coders: Coders,
    packetizer: Packetizer,
    /// The next packet is the first after silence (RFC 3551 4.1: marker bit).
    talkspurt: bool,
    packets_of_source: u32,
    tones: ToneSender,
    playout: Playout,
    received: u64,
    recording: Vec<i16>,
    protector: Option<Protector>,
    unprotector: Option<Unprotector>,
    statistics: Option<RunningStatistics>,
    cname: Option<String>,
    ntp_epoch: u64,
    rtcp: Option<RtcpSession>,
    reports: u32,
    /// The goodbye of a call that is over, until it is sent.
    farewell: Option<Vec<u8>>,
}

impl fmt::Debug for CallMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallMedia")
            .field("playing", &self.playing)
            .field("talking", &self.talking)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl CallMedia {
    pub(crate) fn new(settings: MediaSettings) -> Self {
        let mut ids = IdSource::new(settings.seed);
        let random = ids.next_u64();
        let faults = settings.faults;
        let delay = if faults.contains(&Fault::ExtraDelay200Ms) {
            JITTER_BUFFER + Duration::from_millis(200)
        } else {
            JITTER_BUFFER
        };
        let sequence = if faults.contains(&Fault::SrtpRocStuck) {
            // the roll-over is then a matter of seconds
            65_400
        } else {
            (random >> 32) as u16
        };
        // RFC 3550 5.1: source, sequence number and timestamp start at random
        let packetizer = Packetizer::new(0, random as u32, sequence, ids.next_u64() as u32);
        Self {
            coders: Coders::new(&faults),
            faults,
            ids,
            speech: settings.speech,
            position: 0,
            loopback: settings.loopback,
            playing: false,
            talking: false,
            plan: None,
            grid: grid_ms(settings.ptime),
            pending: Vec::new(),
            packetizer,
            talkspurt: true,
            packets_of_source: 0,
            tones: ToneSender::default(),
            playout: Playout::new(delay),
            received: 0,
            recording: Vec::new(),
            protector: None,
            unprotector: None,
            statistics: None,
            cname: settings.cname,
            ntp_epoch: settings.ntp_epoch,
            rtcp: None,
            reports: 0,
            farewell: None,
        }
    }

    /// Follows a new negotiation.
    pub(crate) fn apply(&mut self, plan: MediaPlan) {
        let old = self.plan.as_ref().and_then(|plan| plan.srtp.clone());
        if plan.srtp != old {
            let keys = plan.srtp.clone();
            self.protector = keys
                .as_ref()
                .and_then(|keys| Protector::with_policy(keys.send.clone(), keys.policy.clone()).ok());
            self.unprotector = keys.and_then(|keys| Unprotector::with_policy(keys.receive, keys.policy).ok());
        }
        let events: Vec<u8> = plan.telephone_event.into_iter().collect();
        let clock_rate = plan.codec.1.clock_rate();
        self.statistics
            .get_or_insert_with(|| RunningStatistics::new(clock_rate, &events, Some(JITTER_BUFFER)));
        self.coders.choose(plan.codec.1);
        self.plan = Some(plan);
    }

    /// Early media: the loudspeaker is on, the microphone not yet.
    pub(crate) fn listen(&mut self) {
        self.playing = true;
    }

    /// The call is answered: both ways are open.
    pub(crate) fn open(&mut self) {
        self.playing = true;
        self.talking = true;
    }

    /// The call is over: nothing is sent or played any more but the goodbye; the recording stays. Whether there is one.
    pub(crate) fn close(&mut self, now: Duration) -> bool {
        if let Some(rtcp) = self
            .rtcp
            .as_mut()
            .filter(|_| !self.faults.contains(&Fault::RtcpNoBye))
        {
            self.farewell = rtcp.goodbye(now, None);
        }
        self.rtcp = None;
        self.playing = false;
        self.talking = false;
        self.tones.clear();
        self.farewell.is_some()
    }

    /// What has been received so far.
    pub(crate) fn summary(&self) -> Option<(RunningSummary, AudioCodec)> {
        Some((self.statistics.as_ref()?.summary(), self.plan.as_ref()?.codec.1))
    }

    pub(crate) const fn ssrc(&self) -> u32 {
        self.packetizer.ssrc
    }

    pub(crate) fn set_loopback(&mut self, on: bool) {
        self.loopback = on;
    }

    /// The payload type for telephone-events and whether the stream is being sent at all.
    pub(crate) fn telephone_event(&self) -> Option<u8> {
        self.plan.as_ref().and_then(|plan| plan.telephone_event)
    }

    pub(crate) fn is_sending(&self) -> bool {
        self.talking && self.plan.as_ref().is_some_and(|plan| plan.destination.is_some())
    }

    pub(crate) fn press(&mut self, events: &[u8]) {
        let times = if self.has(Fault::DtmfDuplicatedDigit) {
            2
        } else {
            1
        };
        self.tones
            .press(events.iter().flat_map(|event| std::iter::repeat_n(*event, times)));
    }

    pub(crate) fn recording(&self) -> Vec<i16> {
        self.recording.clone()
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn microphone(&mut self, count: usize) -> Vec<i16> {
        let mut frame = Vec::with_capacity(count);
        for _ in 0..count {
            frame.push(self.speech.get(self.position).copied().unwrap_or(0));
            self.position = if self.position + 1 < self.speech.len() {
                self.position + 1
            } else {
                0
            };
        }
        frame
    }

    fn loudspeaker(&mut self, deadline: Duration, count: usize) -> Vec<i16> {
        let mut frame = self.playout.play(deadline, count);
        let on = self.plan.as_ref().is_some_and(|plan| plan.receives) && !self.has(Fault::ReceiveSilent);
        if !on {
            frame.fill(0);
        }
        let room = LONGEST_RECORDING.saturating_sub(self.recording.len());
        self.recording.extend(frame.iter().take(room));
        frame
    }

    /// One packet of speech or of a tone, of `ptime` milliseconds.
    fn transmit(
        &mut self,
        spoken: &[i16],
        plan: &MediaPlan,
        ptime: u32,
        now: Duration,
        out: &mut Vec<(SocketAddr, Vec<u8>)>,
    ) {
        let right = plan.codec.1.clock_rate() / 1000 * ptime;
        let step = if self.has(Fault::TimestampStepWrong)
            || (plan.codec.1 == AudioCodec::G722 && self.has(Fault::G722Clock16000))
        {
            2 * right
        } else {
            right
        };
        let Some(destination) = plan.destination else {
            // the timestamp is that of the sampling instant: it goes on while nothing is sent (RFC 3550 5.1)
            self.packetizer.advance(step);
            self.talkspurt = true;
            return;
        };
        self.packets_of_source += 1;
        let tone = match plan.telephone_event {
            Some(_) => self.tones.tick(self.packetizer.timestamp, ptime),
            None => Tone::Speech,
        };
        match tone {
            Tone::Speech => {
                // not within a telephone-event: that would be a fault of the keys as well
                if self.has(Fault::SsrcChanges) && self.packets_of_source > 1000 / ptime {
                    self.packetizer.ssrc = self.ids.next_u64() as u32;
                    self.packets_of_source = 1;
                }
                self.packetizer.payload_type = if self.has(Fault::WrongPayloadType) {
                    99
                } else {
                    plan.codec.0
                };
                let payload = self.coders.encode(&self.levelled(spoken));
                let marker = std::mem::take(&mut self.talkspurt);
                let bytes = self.packetizer.next(&payload, step, marker);
                self.send_rtp(destination, &bytes, payload.len(), now, out);
            }
            Tone::Packets(packets) => {
                let payload_type = match plan.telephone_event {
                    Some(payload_type) if !self.has(Fault::DtmfFixedPayloadType) => payload_type,
                    _ => 101,
                };
                for packet in packets {
                    let payload = if self.has(Fault::DtmfNoEndPackets) {
                        without_end(packet.payload)
                    } else {
                        packet.payload
                    };
                    let bytes =
                        self.packetizer
                            .packet_at(payload_type, &payload, packet.timestamp, packet.marker);
                    self.send_rtp(destination, &bytes, payload.len(), now, out);
                }
                self.packetizer.advance(step);
            }
        }
    }

    fn send_rtp(
        &mut self,
        destination: SocketAddr,
        bytes: &[u8],
        payload: usize,
        now: Duration,
        out: &mut Vec<(SocketAddr, Vec<u8>)>,
    ) {
        if let (Some(rtcp), Ok(packet)) = (&mut self.rtcp, Packet::parse(bytes)) {
            rtcp.sent(now, packet.timestamp, payload);
        }
        let protected = match &mut self.protector {
            None => Some(bytes.to_vec()),
            Some(protector) => {
                let fault = [
                    (Fault::SrtpBadTag, SrtpFault::FlipTag),
                    (Fault::SrtpRocStuck, SrtpFault::RollOverCounter(0)),
                    (Fault::SrtpSendsPlain, SrtpFault::Plain),
                ]
                .into_iter()
                .find(|(own, _)| self.faults.contains(own));
                match fault {
                    Some((_, fault)) => protector.protect_rtp_with(bytes, &fault).ok(),
                    None => protector.protect_rtp(bytes).ok(),
                }
            }
        };
        out.extend(protected.map(|bytes| (destination, bytes)));
    }

    /// The report or goodbye that is due, protected, with its destination; `mux` asks for those on the RTP port.
    fn due_rtcp(&mut self, now: Duration, mux: bool) -> Option<(SocketAddr, Vec<u8>)> {
        let plan = self.plan.as_ref()?;
        if plan.rtcp_mux != mux {
            return None;
        }
        let destination = if mux && !self.has(Fault::RtcpMuxIgnored) {
            plan.destination
        } else {
            plan.rtcp
        }?;
        let bytes = match self.farewell.take() {
            Some(bytes) => bytes,
            None => {
                let rtcp = self.rtcp.as_mut()?;
                if rtcp.poll_timeout().is_none_or(|at| at > now) {
                    return None;
                }
                rtcp.poll_transmit(now)?
            }
        };
        let bytes = self.renamed(bytes);
        let bytes = match &mut self.protector {
            None => bytes,
            Some(protector) => protector.protect_rtcp(&bytes).ok()?,
        };
        Some((destination, bytes))
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

    fn take_rtcp(&mut self, reception: &Reception<'_>) {
        let plain = match &mut self.unprotector {
            None => Some(reception.bytes.to_vec()),
            Some(unprotector) => unprotector.unprotect_rtcp(reception.bytes).ok(),
        };
        if let (Some(rtcp), Some(plain)) = (&mut self.rtcp, plain) {
            rtcp.received_rtcp(reception.at, &plain);
        }
    }

    /// Begins to report (RFC 3550 6.3.2).
    fn join(&mut self, now: Duration) {
        let (Some(cname), Some(plan)) = (&self.cname, &self.plan) else {
            return;
        };
        let mut config = SessionConfig::new(
            self.packetizer.ssrc,
            cname.clone(),
            self.ntp_epoch,
            self.ids.next_u64(),
        );
        config.clock_rate = plan.codec.1.clock_rate();
        config.telephone_event_pts = plan.telephone_event.into_iter().collect();
        config.jitter_buffer = JITTER_BUFFER;
        self.rtcp = Some(RtcpSession::new(config, now));
    }

    fn levelled(&self, spoken: &[i16]) -> Vec<i16> {
        let divisor = if self.has(Fault::LevelMinus20Db) { 10 } else { 1 };
        spoken.iter().map(|sample| sample / divisor).collect()
    }
}

impl MediaSession for CallMedia {
    fn interval(&self) -> Duration {
        Duration::from_millis(u64::from(self.grid))
    }

    fn tick(&mut self, deadline: Duration, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if !self.playing {
            out.extend(self.due_rtcp(now, true));
            return;
        }
        let count = (SAMPLE_RATE / 1000 * self.grid) as usize;
        // by the deadline, not by the late thread's clock: the phone adds no jitter of its own
        let heard = self.loudspeaker(deadline, count);
        out.extend(self.due_rtcp(now, true));
        if !self.talking || self.has(Fault::NoAudio) {
            return;
        }
        let said = self.microphone(count);
        self.pending.extend(if self.loopback { heard } else { said });
        let Some(plan) = self.plan.clone() else {
            self.pending.clear();
            return;
        };
        let samples = (SAMPLE_RATE / 1000 * plan.ptime) as usize;
        if samples == 0 || self.pending.len() < samples {
            return;
        }
        let spoken: Vec<i16> = self.pending.drain(..samples).collect();
        self.transmit(&spoken, &plan, plan.ptime, deadline, out);
    }

    fn sent(&mut self, _deadline: Duration, _at: Duration, _to: SocketAddr, _bytes: &[u8]) {}

    fn received(&mut self, at: Duration, source: SocketAddr, bytes: &[u8]) {
        self.reception(Reception {
            at,
            source,
            bytes,
            dscp: None,
        });
    }

    fn reception(&mut self, reception: Reception<'_>) {
        if !self.playing {
            return;
        }
        if is_rtcp(reception.bytes) {
            return self.take_rtcp(&reception);
        }
        let plain = match &mut self.unprotector {
            None => Some(reception.bytes.to_vec()),
            // what cannot be authenticated is dropped (RFC 3711 3.3)
            Some(unprotector) => unprotector.unprotect_rtp(reception.bytes).ok(),
        };
        let Some(plain) = plain else { return };
        let Ok(packet) = Packet::parse(&plain) else { return };
        if let Some(rtcp) = &mut self.rtcp {
            rtcp.received(reception.at, &packet, reception.dscp);
        }
        if let Some(statistics) = &mut self.statistics {
            statistics.observe(reception.at, &packet, reception.dscp);
        }
        let decoded = self
            .plan
            .as_ref()
            .map(|plan| plan.decoded.as_slice())
            .unwrap_or_default();
        let Some((_, codec)) = decoded
            .iter()
            .find(|(payload_type, _)| *payload_type == packet.payload_type)
            .copied()
        else {
            return;
        };
        self.received += 1;
        if self.faults.contains(&Fault::ReceiveDropsEveryThirdPacket) && self.received.is_multiple_of(3) {
            return;
        }
        let (timestamp, samples) = self.coders.decode(codec, packet.timestamp, packet.payload);
        self.playout.insert(reception.at, packet.ssrc, timestamp, samples);
    }

    fn tick_rtcp(&mut self, _deadline: Duration, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if self.playing && self.rtcp.is_none() && !self.has(Fault::RtcpNone) {
            self.join(now);
        }
        out.extend(self.due_rtcp(now, false));
    }

    fn received_rtcp(&mut self, reception: Reception<'_>) {
        self.take_rtcp(&reception);
    }
}

/// A tick that panicked leaves at worst a wrong sample behind.
pub(crate) fn lock(media: &Mutex<CallMedia>) -> MutexGuard<'_, CallMedia> {
    media.lock().unwrap_or_else(PoisonError::into_inner)
}
