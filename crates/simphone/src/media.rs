//! The phone's end of a call's media: microphone, loudspeaker and RTP.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use voxproof_net::{MediaSession, Reception};
use voxproof_rtp::rtcp::ExtendedReports;
use voxproof_rtp::statistics::{RunningStatistics, RunningSummary};
use voxproof_rtp::{Packet, Packetizer};
use voxproof_sip::IdSource;
use voxproof_srtp::{DatagramKind, classify};

use crate::coders::Coders;
use crate::handset::Handset;
use crate::hearing::Hearing;
use crate::pause::{Frame, Pauses};
use crate::playout::{Playout, SAMPLE_RATE};
use crate::reporting::Reporting;
use crate::shield::{Keying, Shield};
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

/// What a session negotiation led to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MediaPlan {
    /// Where to send; `None` when the peer wants nothing.
    pub(crate) destination: Option<SocketAddr>,
    /// Where the peer is, whatever it wants.
    pub(crate) peer: Option<SocketAddr>,
    /// Whether what arrives is played.
    pub(crate) receives: bool,
    /// Codec and payload type to send with.
    pub(crate) codec: (u8, AudioCodec),
    /// Payload type and clock of telephone-event in the peer's description.
    pub(crate) telephone_event: Option<(u8, u32)>,
    /// Payload types to decode.
    pub(crate) decoded: Vec<(u8, AudioCodec)>,
    /// Packet duration to send with, in milliseconds.
    pub(crate) ptime: u32,
    pub(crate) keying: Keying,
    /// Where RTCP goes when it has a port of its own.
    pub(crate) rtcp: Option<SocketAddr>,
    pub(crate) rtcp_mux: bool,
    /// Extended reports that the peer asks for.
    pub(crate) extended_reports: ExtendedReports,
    /// Payload type of comfort noise; `None` sends silence as it is.
    pub(crate) comfort_noise: Option<u8>,
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
    /// The sequence number to start with; a random one when there is none.
    pub(crate) first_sequence: Option<u16>,
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
    /// Milliseconds from the last tick to the one that comes.
    grid: u32,
    /// The same from that one on.
    next_grid: u32,
    /// What the microphone has heard since the last packet.
    pending: Vec<i16>,
    coders: Coders,
    packetizer: Packetizer,
    /// The next packet is the first after silence (RFC 3551 4.1: marker bit).
    talkspurt: bool,
    packets_of_source: u32,
    tones: ToneSender,
    pauses: Pauses,
    playout: Playout,
    hearing: Hearing,
    handset: Handset,
    /// Nothing is played before the call is answered.
    deaf: bool,
    received: u64,
    /// The first source that was heard.
    source: Option<u32>,
    recording: Vec<i16>,
    shield: Shield,
    statistics: Option<RunningStatistics>,
    reporting: Reporting,
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
        // with the fault the roll-over shall be a matter of seconds
        let early_roll_over = faults.contains(&Fault::SrtpRocStuck).then_some(65_400);
        let sequence = settings
            .first_sequence
            .or(early_roll_over)
            .unwrap_or((random >> 32) as u16);
        // RFC 3550 5.1: source, sequence number and timestamp start at random
        let packetizer = Packetizer::new(0, random as u32, sequence, ids.next_u64() as u32);
        let hearing = Hearing::new(&faults);
        let handset = Handset::new(&faults);
        let playout = Playout::new(delay);
        let playout = if faults.contains(&Fault::JitterBufferNeverShrinks) {
            playout.that_never_shrinks()
        } else {
            playout
        };
        Self {
            coders: Coders::new(&faults),
            shield: Shield::new(&faults),
            reporting: Reporting::new(&faults, settings.cname, settings.ntp_epoch),
            faults,
            ids,
            speech: settings.speech,
            position: 0,
            loopback: settings.loopback,
            playing: false,
            talking: false,
            plan: None,
            grid: grid_ms(settings.ptime),
            next_grid: grid_ms(settings.ptime),
            pending: Vec::new(),
            packetizer,
            talkspurt: true,
            packets_of_source: 0,
            tones: ToneSender::default(),
            pauses: Pauses::default(),
            playout,
            hearing,
            handset,
            deaf: false,
            received: 0,
            source: None,
            recording: Vec::new(),
            statistics: None,
        }
    }

    /// Follows a new negotiation.
    pub(crate) fn apply(&mut self, plan: MediaPlan) {
        self.shield.apply(&plan.keying);
        let events: Vec<u8> = plan
            .telephone_event
            .iter()
            .map(|(payload_type, _)| *payload_type)
            .collect();
        let clock_rate = plan.codec.1.clock_rate();
        self.statistics
            .get_or_insert_with(|| RunningStatistics::new(clock_rate, &events, Some(JITTER_BUFFER)));
        self.coders.choose(plan.codec.1);
        self.next_grid = grid_ms(plan.ptime);
        self.plan = Some(plan);
    }

    /// Early media: the loudspeaker is on, the microphone not yet.
    pub(crate) fn listen(&mut self) {
        let unheard = self.has(Fault::EarlyMediaSilent) || self.has(Fault::EarlyMediaBeforeRingingUnheard);
        self.deaf = unheard && !self.talking;
        self.playing = true;
    }

    /// A 180 came without a description: with faults, a ringing tone takes the place of what the network plays until the
    /// call is answered, or what it plays is heard only now.
    pub(crate) fn ringing(&mut self) {
        if self.has(Fault::RingingStopsEarlyMedia) {
            self.deaf = !self.talking;
        } else if self.has(Fault::EarlyMediaBeforeRingingUnheard) {
            self.deaf = false;
        }
    }

    /// The call is answered: both ways are open.
    pub(crate) fn open(&mut self) {
        self.deaf = false;
        self.playing = true;
        self.talking = true;
    }

    /// The call is over: nothing is sent or played any more but the goodbye; the recording stays. Whether there is one.
    pub(crate) fn close(&mut self, now: Duration) -> bool {
        let says_goodbye = self.reporting.close(now);
        self.playing = false;
        self.talking = false;
        self.tones.clear();
        says_goodbye
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
        let (payload_type, _) = self.plan.as_ref()?.telephone_event?;
        Some(payload_type)
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
        let from = self.position;
        for _ in 0..count {
            frame.push(self.speech.get(self.position).copied().unwrap_or(0));
            self.position = if self.position + 1 < self.speech.len() {
                self.position + 1
            } else {
                0
            };
        }
        self.handset.hear(&mut frame, from);
        frame
    }

    fn loudspeaker(&mut self, deadline: Duration, count: usize) -> Vec<i16> {
        let mut frame = self.playout.play(deadline, count);
        let on = self.plan.as_ref().is_some_and(|plan| plan.receives)
            && !self.deaf
            && !self.has(Fault::ReceiveSilent);
        self.handset.play(&mut frame);
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
            Some((_, clock)) => {
                let clock = if self.has(Fault::DtmfClock8000) {
                    SAMPLE_RATE
                } else {
                    clock
                };
                self.tones.tick(self.packetizer.timestamp, ptime, clock)
            }
            None => Tone::Speech,
        };
        match tone {
            Tone::Speech => self.speak(spoken, plan, step, destination, (ptime, now), out),
            Tone::Packets(packets) => {
                let payload_type = match plan.telephone_event {
                    Some((payload_type, _)) if !self.has(Fault::DtmfFixedPayloadType) => payload_type,
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

    /// One packet of speech, or what stands for the silence in it.
    fn speak(
        &mut self,
        spoken: &[i16],
        plan: &MediaPlan,
        step: u32,
        destination: SocketAddr,
        (ptime, now): (u32, Duration),
        out: &mut Vec<(SocketAddr, Vec<u8>)>,
    ) {
        // not within a telephone-event: that would be a fault of the keys as well
        if self.has(Fault::SsrcChanges) && self.packets_of_source > 1000 / ptime {
            self.packetizer.ssrc = self.ids.next_u64() as u32;
            self.packets_of_source = 1;
        }
        let spoken = self.levelled(spoken);
        if let Some(payload_type) = plan.comfort_noise {
            let frame = self.pauses.next(&spoken, ptime);
            if frame != Frame::Speech {
                if let Frame::Noise(payload) = frame
                    && !self.has(Fault::ComfortNoiseMissing)
                {
                    let timestamp = self.packetizer.timestamp;
                    let bytes = self
                        .packetizer
                        .packet_at(payload_type, &payload, timestamp, false);
                    self.send_rtp(destination, &bytes, payload.len(), now, out);
                }
                self.packetizer.advance(step);
                self.talkspurt = true;
                return;
            }
        }
        self.packetizer.payload_type = if self.has(Fault::WrongPayloadType) {
            99
        } else if self.has(Fault::StaticPayloadType) {
            plan.codec.1.payload_type()
        } else {
            plan.codec.0
        };
        let payload = self.coders.encode(&spoken);
        let marker = std::mem::take(&mut self.talkspurt);
        let bytes = self.packetizer.next(&payload, step, marker);
        self.send_rtp(destination, &bytes, payload.len(), now, out);
    }

    fn send_rtp(
        &mut self,
        destination: SocketAddr,
        bytes: &[u8],
        payload: usize,
        now: Duration,
        out: &mut Vec<(SocketAddr, Vec<u8>)>,
    ) {
        self.reporting.sent(now, bytes, payload);
        let protected = self.shield.protect_rtp(bytes);
        out.extend(protected.map(|bytes| (destination, bytes)));
    }

    /// The datagrams of a handshake that are due.
    fn shake_hands(&mut self, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if let Some(peer) = self.plan.as_ref().and_then(|plan| plan.peer) {
            out.extend(self.shield.poll(now).into_iter().map(|bytes| (peer, bytes)));
        }
    }

    /// The report or goodbye that is due, protected, with its destination; `mux` asks for those on the RTP port.
    fn due_rtcp(&mut self, now: Duration, mux: bool) -> Option<(SocketAddr, Vec<u8>)> {
        let plan = self.plan.as_ref()?;
        if plan.rtcp_mux != mux || !(mux || self.shield.covers_second_port()) {
            return None;
        }
        let destination = if mux && !self.has(Fault::RtcpMuxIgnored) {
            plan.destination
        } else {
            plan.rtcp
        }?;
        let bytes = self.reporting.due(now)?;
        Some((destination, self.shield.protect_rtcp(bytes)?))
    }

    fn take_rtcp(&mut self, reception: &Reception<'_>) {
        if let Some(plain) = self.shield.unprotect_rtcp(reception.bytes) {
            self.reporting.received_report(reception.at, &plain);
        }
    }

    fn levelled(&self, spoken: &[i16]) -> Vec<i16> {
        let divisor = if self.has(Fault::LevelMinus20Db) { 10 } else { 1 };
        spoken.iter().map(|sample| sample / divisor).collect()
    }
}

impl MediaSession for CallMedia {
    fn interval(&self) -> Duration {
        let nominal = Duration::from_millis(u64::from(self.grid));
        if self.has(Fault::ClockFast200Ppm) {
            // a packet of as many samples takes less time
            nominal - nominal / 5000
        } else {
            nominal
        }
    }

    fn tick(&mut self, deadline: Duration, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        self.grid = self.next_grid;
        self.shake_hands(now, out);
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
        let kind = classify(reception.bytes);
        if kind == DatagramKind::Dtls {
            return self.shield.handshake(reception.at, reception.bytes);
        }
        if !self.playing {
            return;
        }
        if kind == DatagramKind::Rtcp {
            return self.take_rtcp(&reception);
        }
        let Some(plain) = self.shield.unprotect_rtp(reception.bytes) else {
            return;
        };
        let Ok(packet) = Packet::parse(&plain) else { return };
        let known = *self.source.get_or_insert(packet.ssrc);
        if known != packet.ssrc && self.has(Fault::NewSourceUnplayed) {
            return;
        }
        self.reporting.received(reception.at, &packet, reception.dscp);
        if let Some(statistics) = &mut self.statistics {
            statistics.observe(reception.at, &packet, reception.dscp);
        }
        let missing = self
            .hearing
            .missing_before(reception.at, packet.ssrc, packet.sequence);
        if self.telephone_event() == Some(packet.payload_type) {
            self.hearing.key();
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
        let (timestamp, mut samples) = self.coders.decode(codec, packet.timestamp, packet.payload);
        if let Some(filled) = self.hearing.in_place_of(missing, samples.len()) {
            let before = timestamp.wrapping_sub(filled.len() as u32);
            self.playout.insert(reception.at, packet.ssrc, before, filled);
        }
        if self.hearing.loses(reception.at, timestamp, &mut samples) {
            return;
        }
        self.playout.insert(reception.at, packet.ssrc, timestamp, samples);
    }

    fn tick_rtcp(&mut self, _deadline: Duration, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if self.playing
            && !self.reporting.has_joined()
            && let Some(plan) = &self.plan
        {
            self.reporting
                .join(now, self.packetizer.ssrc, plan, self.ids.next_u64());
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
