//! The phone's end of a call's media: microphone, loudspeaker and RTP.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use voxproof_net::MediaSession;
use voxproof_rtp::g711::{self, Law};
use voxproof_rtp::{Packet, Packetizer, is_rtcp};
use voxproof_sip::IdSource;

use crate::playout::{Playout, SAMPLE_RATE};
use crate::tones::{Tone, ToneSender, without_end};
use crate::{AudioCodec, Fault};

const PTIME_MS: u32 = 20;
const FRAME: usize = (SAMPLE_RATE / 1000 * PTIME_MS) as usize;
const JITTER_BUFFER: Duration = Duration::from_millis(40);
/// Half an hour: a forgotten call must not fill the memory.
const LONGEST_RECORDING: usize = SAMPLE_RATE as usize * 1800;

/// What a session negotiation led to.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// The media of one call.
#[derive(Debug)]
pub(crate) struct CallMedia {
    faults: BTreeSet<Fault>,
    ids: IdSource,
    speech: Arc<[i16]>,
    position: usize,
    loopback: bool,
    playing: bool,
    talking: bool,
    plan: Option<MediaPlan>,
    packetizer: Packetizer,
    /// The next packet is the first after silence (RFC 3551 4.1: marker bit).
    talkspurt: bool,
    packets_of_source: u32,
    tones: ToneSender,
    playout: Playout,
    received: u64,
    recording: Vec<i16>,
}

impl CallMedia {
    pub(crate) fn new(faults: BTreeSet<Fault>, seed: u64, speech: Arc<[i16]>, loopback: bool) -> Self {
        let mut ids = IdSource::new(seed);
        let random = ids.next_u64();
        let delay = if faults.contains(&Fault::ExtraDelay200Ms) {
            JITTER_BUFFER + Duration::from_millis(200)
        } else {
            JITTER_BUFFER
        };
        // RFC 3550 5.1: source, sequence number and timestamp start at random
        let packetizer = Packetizer::new(0, random as u32, (random >> 32) as u16, ids.next_u64() as u32);
        Self {
            faults,
            ids,
            speech,
            position: 0,
            loopback,
            playing: false,
            talking: false,
            plan: None,
            packetizer,
            talkspurt: true,
            packets_of_source: 0,
            tones: ToneSender::default(),
            playout: Playout::new(delay),
            received: 0,
            recording: Vec::new(),
        }
    }

    /// Follows a new negotiation.
    pub(crate) fn apply(&mut self, plan: MediaPlan) {
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

    /// The call is over: nothing is sent or played any more; the recording stays.
    pub(crate) fn close(&mut self) {
        self.playing = false;
        self.talking = false;
        self.tones.clear();
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

    fn microphone(&mut self) -> Vec<i16> {
        let mut frame = Vec::with_capacity(FRAME);
        for _ in 0..FRAME {
            frame.push(self.speech.get(self.position).copied().unwrap_or(0));
            self.position = if self.position + 1 < self.speech.len() {
                self.position + 1
            } else {
                0
            };
        }
        frame
    }

    fn loudspeaker(&mut self, deadline: Duration) -> Vec<i16> {
        let mut frame = self.playout.play(deadline, FRAME);
        let on = self.plan.as_ref().is_some_and(|plan| plan.receives) && !self.has(Fault::ReceiveSilent);
        if !on {
            frame.fill(0);
        }
        let room = LONGEST_RECORDING.saturating_sub(self.recording.len());
        self.recording.extend(frame.iter().take(room));
        frame
    }

    fn transmit(&mut self, spoken: &[i16], out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        let step = if self.has(Fault::TimestampStepWrong) {
            2 * FRAME as u32
        } else {
            FRAME as u32
        };
        let Some((plan, destination)) = self
            .plan
            .clone()
            .and_then(|plan| Some((plan.destination?, plan)).map(|(d, p)| (p, d)))
        else {
            // the timestamp is that of the sampling instant: it goes on while nothing is sent (RFC 3550 5.1)
            self.packetizer.advance(step);
            self.talkspurt = true;
            return;
        };
        self.packets_of_source += 1;
        let tone = match plan.telephone_event {
            Some(_) => self.tones.tick(self.packetizer.timestamp, PTIME_MS),
            None => Tone::Speech,
        };
        match tone {
            Tone::Speech => {
                // not within a telephone-event: that would be a fault of the keys as well
                if self.has(Fault::SsrcChanges) && self.packets_of_source > 1000 / PTIME_MS {
                    self.packetizer.ssrc = self.ids.next_u64() as u32;
                    self.packets_of_source = 1;
                }
                self.packetizer.payload_type = if self.has(Fault::WrongPayloadType) {
                    99
                } else {
                    plan.codec.0
                };
                let payload = g711::encode(self.law(plan.codec.1), &self.levelled(spoken));
                let marker = std::mem::take(&mut self.talkspurt);
                out.push((destination, self.packetizer.next(&payload, step, marker)));
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
                    out.push((destination, bytes));
                }
                self.packetizer.advance(step);
            }
        }
    }

    fn law(&self, codec: AudioCodec) -> Law {
        let law = codec.law();
        match law {
            Law::A if self.has(Fault::WrongLaw) || self.has(Fault::PcmaEncodedAsPcmu) => Law::Mu,
            Law::Mu if self.has(Fault::WrongLaw) => Law::A,
            law => law,
        }
    }

    fn levelled(&self, spoken: &[i16]) -> Vec<i16> {
        let divisor = if self.has(Fault::LevelMinus20Db) { 10 } else { 1 };
        spoken.iter().map(|sample| sample / divisor).collect()
    }
}

impl MediaSession for CallMedia {
    fn interval(&self) -> Duration {
        Duration::from_millis(u64::from(PTIME_MS))
    }

    fn tick(&mut self, deadline: Duration, _now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if !self.playing {
            return;
        }
        // by the deadline, not by the late thread's clock: the phone adds no jitter of its own
        let heard = self.loudspeaker(deadline);
        if !self.talking || self.has(Fault::NoAudio) {
            return;
        }
        let said = self.microphone();
        let spoken = if self.loopback { heard } else { said };
        self.transmit(&spoken, out);
    }

    fn sent(&mut self, _deadline: Duration, _at: Duration, _to: SocketAddr, _bytes: &[u8]) {}

    fn received(&mut self, at: Duration, _source: SocketAddr, bytes: &[u8]) {
        // RTCP on this port (RFC 5761) tells the user nothing
        if !self.playing || is_rtcp(bytes) {
            return;
        }
        let Ok(packet) = Packet::parse(bytes) else { return };
        let decoded = self
            .plan
            .as_ref()
            .map(|plan| plan.decoded.as_slice())
            .unwrap_or_default();
        let Some((_, codec)) = decoded
            .iter()
            .find(|(payload_type, _)| *payload_type == packet.payload_type)
        else {
            return;
        };
        self.received += 1;
        if self.faults.contains(&Fault::ReceiveDropsEveryThirdPacket) && self.received.is_multiple_of(3) {
            return;
        }
        let samples = g711::decode(codec.law(), packet.payload);
        self.playout.insert(at, packet.ssrc, packet.timestamp, samples);
    }
}

/// A tick that panicked leaves at worst a wrong sample behind.
pub(crate) fn lock(media: &Mutex<CallMedia>) -> MutexGuard<'_, CallMedia> {
    media.lock().unwrap_or_else(PoisonError::into_inner)
}
