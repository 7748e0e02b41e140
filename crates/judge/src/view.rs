//! The evidence of a case, indexed for questions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_record::{CaseEvidence, PacketDirection, Phase, StepOutcome, TimelineEvent};
use voxproof_sip::Message;
use voxproof_spec::Case;

use crate::moments::Moment;
use crate::streams::MediaSpan;

/// One SIP message of the capture.
pub(crate) struct SipRecord {
    /// Packet number in the capture, from 1.
    pub(crate) packet: u32,
    pub(crate) at: Duration,
    pub(crate) from_device: bool,
    pub(crate) message: Message,
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
    pub(crate) marks: BTreeMap<String, Moment>,
    pub(crate) media: Vec<MediaSpan>,
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
            marks: BTreeMap::new(),
            media: vec![],
            steps: vec![],
            calls: BTreeMap::new(),
            credentials: BTreeMap::new(),
        };
        let mut server: Option<SocketAddr> = None;
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
                TimelineEvent::Media {
                    actor,
                    local,
                    codecs,
                    telephone_event,
                    ..
                } => view.media.push(MediaSpan {
                    actor: actor.clone(),
                    local: *local,
                    from: at,
                    codecs: codecs.clone(),
                    telephone_event: *telephone_event,
                }),
                _ => {}
            }
        }
        for (index, packet) in evidence.packets.iter().enumerate() {
            let from_device = packet.direction == PacketDirection::Inbound;
            let lab_end = if from_device {
                packet.destination
            } else {
                packet.source
            };
            let keep_alive = packet
                .payload
                .iter()
                .all(|byte| matches!(byte, b'\r' | b'\n' | 0));
            if Some(lab_end) == server && !keep_alive {
                view.messages.push(SipRecord {
                    packet: index as u32 + 1,
                    at: packet.at,
                    from_device,
                    message: Message::parse(&packet.payload),
                });
            }
        }
        view
    }

    /// The marked message.
    pub(crate) fn marked(&self, mark: &str) -> Option<&SipRecord> {
        let packet = self.marks.get(mark)?.packet?;
        self.messages.iter().find(|record| record.packet == packet)
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
