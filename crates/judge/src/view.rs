//! The evidence of a case, indexed for questions.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_record::{Carrier, CaseEvidence, PacketDirection, Phase, StepOutcome, TimelineEvent};
use voxproof_rtp::is_rtcp;
use voxproof_sip::Message;
use voxproof_spec::Case;

use crate::messages::{self, SipRecord, lab_end};
use crate::moments::Moment;
use crate::security::{Keyring, Protection};
use crate::streams::MediaSpan;

/// One datagram of a media port, decrypted where keys are known.
pub(crate) struct MediaPacket<'a> {
    /// Packet number in the capture, from 1.
    pub(crate) packet: u32,
    pub(crate) at: Duration,
    pub(crate) from_device: bool,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) dscp: Option<u8>,
    /// It came to, or went out from, the port above the RTP port.
    pub(crate) control_port: bool,
    pub(crate) protection: Protection,
    /// As the application sees it.
    pub(crate) bytes: Cow<'a, [u8]>,
}

impl MediaPacket<'_> {
    /// The lab's end.
    pub(crate) fn lab_end(&self) -> SocketAddr {
        if self.from_device {
            self.destination
        } else {
            self.source
        }
    }

    /// The lab's RTP port that it belongs to.
    pub(crate) fn rtp_port(&self) -> SocketAddr {
        let end = self.lab_end();
        let below = u16::from(self.control_port);
        SocketAddr::new(end.ip(), end.port().wrapping_sub(below))
    }

    /// RTCP, by its port or by its packet type on a shared port (RFC 5761 4).
    pub(crate) fn is_control(&self) -> bool {
        (self.control_port || is_rtcp(&self.bytes)) && !is_other(&self.bytes)
    }

    /// Meant as RTP.
    pub(crate) fn is_media(&self) -> bool {
        !self.control_port && !is_rtcp(&self.bytes) && !is_other(&self.bytes)
    }
}

/// Neither RTP nor RTCP: STUN and DTLS share the ports legally and are told apart by their first octet (RFC 7983 7); an empty
/// datagram or CRLFs keep a NAT binding alive (RFC 6263 4.1). Anything else counts as media, and as malformed if it is none.
fn is_other(payload: &[u8]) -> bool {
    match payload.first() {
        None | Some(0..=3 | 20..=63) => true,
        Some(b'\r' | b'\n') => payload.iter().all(|byte| matches!(byte, b'\r' | b'\n')),
        Some(_) => false,
    }
}

/// A step as it was driven.
pub(crate) struct DrivenStep {
    pub(crate) phase: Phase,
    pub(crate) index: u32,
    pub(crate) started: Duration,
    pub(crate) outcome: Option<StepOutcome>,
}

/// Evidence, indexed.
pub(crate) struct View<'a> {
    pub(crate) case: &'a Case,
    pub(crate) evidence: &'a CaseEvidence,
    pub(crate) messages: Vec<SipRecord>,
    /// Messages by which the lab told the device what to do: they are shown and not judged.
    pub(crate) control: Vec<SipRecord>,
    pub(crate) marks: BTreeMap<String, Moment>,
    pub(crate) media: Vec<MediaSpan>,
    /// Datagrams of the media ports.
    pub(crate) media_packets: Vec<MediaPacket<'a>>,
    /// Recorded keys that could not be read.
    pub(crate) unreadable_keys: Vec<String>,
    pub(crate) steps: Vec<DrivenStep>,
    /// Call-ID to actor.
    pub(crate) calls: BTreeMap<String, String>,
    /// Whether credentials of a packet verified.
    pub(crate) credentials: BTreeMap<u32, bool>,
}

impl<'a> View<'a> {
    pub(crate) fn new(case: &'a Case, evidence: &'a CaseEvidence) -> Self {
        let mut view = Self {
            case,
            evidence,
            messages: vec![],
            control: vec![],
            marks: BTreeMap::new(),
            media: vec![],
            media_packets: vec![],
            unreadable_keys: vec![],
            steps: vec![],
            calls: BTreeMap::new(),
            credentials: BTreeMap::new(),
        };
        let mut server: Option<SocketAddr> = None;
        let mut control: BTreeSet<&str> = BTreeSet::new();
        for entry in &evidence.timeline.entries {
            let at = Duration::from_nanos(entry.at);
            match &entry.event {
                TimelineEvent::Device {
                    server: address,
                    credentials,
                    ..
                } => {
                    server = Some(*address);
                    view.credentials.extend(credentials.iter().copied());
                }
                TimelineEvent::StepStarted { phase, index, .. } => {
                    view.steps.push(DrivenStep {
                        phase: *phase,
                        index: *index,
                        started: at,
                        outcome: None,
                    });
                }
                TimelineEvent::StepEnded {
                    phase,
                    index,
                    outcome,
                } => {
                    let step = view
                        .steps
                        .iter_mut()
                        .rev()
                        .find(|step| step.phase == *phase && step.index == *index);
                    if let Some(step) = step {
                        step.outcome = Some(outcome.clone());
                    }
                }
                TimelineEvent::Mark { name, end, packet } => {
                    let end = end.map_or(at, Duration::from_nanos);
                    view.marks.insert(
                        name.clone(),
                        Moment {
                            start: at,
                            end,
                            packet: *packet,
                        },
                    );
                }
                TimelineEvent::Call { actor, call_id } => {
                    view.calls.insert(call_id.clone(), actor.clone());
                }
                TimelineEvent::Control { call_id, .. } => {
                    control.insert(call_id);
                }
                TimelineEvent::Media {
                    actor,
                    local,
                    codecs,
                    telephone_events,
                    ..
                } => view.media.push(MediaSpan {
                    actor: actor.clone(),
                    local: *local,
                    from: at,
                    codecs: codecs.clone(),
                    telephone_events: telephone_events.clone(),
                }),
                _ => {}
            }
        }
        let is_control = |record: &SipRecord| {
            let call_id = record.message.call_id();
            call_id.is_some_and(|call_id| control.contains(call_id))
        };
        let ports: BTreeSet<SocketAddr> = view.media.iter().map(|span| span.local).collect();
        let above: BTreeSet<SocketAddr> = ports
            .iter()
            .map(|port| SocketAddr::new(port.ip(), port.port().wrapping_add(1)))
            .collect();
        let media: BTreeSet<SocketAddr> = ports.union(&above).copied().collect();
        let messages = messages::messages(&evidence.packets, &evidence.timeline, server, &media);
        (view.control, view.messages) = messages.into_iter().partition(is_control);
        let mut keys = Keyring::new(&evidence.timeline);
        for (index, packet) in evidence.packets.iter().enumerate() {
            let lab = lab_end(packet);
            if packet.carrier != Carrier::Udp || !media.contains(&lab) || Some(lab) == server {
                continue;
            }
            let from_device = packet.direction == PacketDirection::Inbound;
            let control_port = !ports.contains(&lab);
            let below = u16::from(control_port);
            let rtp_port = SocketAddr::new(lab.ip(), lab.port().wrapping_sub(below));
            let (protection, bytes) = if is_other(&packet.payload) {
                (Protection::None, Cow::Borrowed(packet.payload.as_slice()))
            } else {
                let rtcp = control_port || is_rtcp(&packet.payload);
                // keys of a handshake hold for the port of the handshake, others for both (RFC 5764 4.1)
                let keyed = if keys.has(lab) { lab } else { rtp_port };
                keys.open(keyed, from_device, packet.at, &packet.payload, rtcp)
            };
            view.media_packets.push(MediaPacket {
                packet: index as u32 + 1,
                at: packet.at,
                from_device,
                source: packet.source,
                destination: packet.destination,
                dscp: packet.dscp,
                control_port,
                protection,
                bytes,
            });
        }
        view.unreadable_keys = keys.unreadable;
        view
    }

    /// The marked message.
    pub(crate) fn marked(&self, mark: &str) -> Option<&SipRecord> {
        let packet = self.marks.get(mark)?.packet?;
        self.messages.iter().find(|record| record.packet == packet)
    }

    /// Every SIP message, in the order of the capture, and whether it is one of control.
    pub(crate) fn all_messages(&self) -> Vec<(&SipRecord, bool)> {
        let judged = self.messages.iter().map(|record| (record, false));
        let control = self.control.iter().map(|record| (record, true));
        let mut all: Vec<(&SipRecord, bool)> = judged.chain(control).collect();
        all.sort_by_key(|(record, _)| record.packet);
        all
    }

    /// Whether the step that sets a mark was carried out, so that a missing mark means that nothing came.
    pub(crate) fn mark_was_due(&self, mark: &str) -> bool {
        let phases = [
            (Phase::Setup, &self.case.setup),
            (Phase::Step, &self.case.step),
            (Phase::Teardown, &self.case.teardown),
        ];
        let carried_out = |phase: Phase, index: usize| {
            self.steps.iter().any(|driven| {
                driven.phase == phase
                    && driven.index == index as u32
                    && matches!(
                        driven.outcome,
                        Some(StepOutcome::Done | StepOutcome::NotSeen { .. })
                    )
            })
        };
        phases.iter().any(|(phase, steps)| {
            steps.iter().enumerate().any(|(index, step)| {
                step.marks().iter().any(|name| name.as_str() == mark) && carried_out(*phase, index)
            })
        })
    }

    /// The set-up did not come to its end: what the checks ask about was never brought about.
    pub(crate) fn set_up_failed(&self) -> bool {
        let set_up = self.steps.iter().filter(|step| step.phase == Phase::Setup);
        set_up.clone().any(|step| step.outcome != Some(StepOutcome::Done))
            || set_up.count() < self.case.setup.len()
    }

    /// Time zero of the case: its first step.
    pub(crate) fn begin(&self) -> Duration {
        self.steps.first().map_or(Duration::ZERO, |step| step.started)
    }

    /// The actor of a message.
    pub(crate) fn actor_of(&self, message: &Message) -> String {
        message
            .call_id()
            .and_then(|id| self.calls.get(id))
            .cloned()
            .unwrap_or_else(|| {
                if message.cseq_method() == Some("REGISTER") {
                    "registrar".to_owned()
                } else {
                    "server".to_owned()
                }
            })
    }
}
