//! The fuzz step: mutated messages and packets, and a look after each batch whether the device still answers.
//!
//! Whether a device answers is asked with OPTIONS (RFC 3261 11). When it does not, the device is started again, the
//! batch is shortened to the one message that silences it, and that message to the changes that matter.

mod packet;

use std::collections::HashMap;
use std::time::Duration;

use voxproof_call::{CallError, InviteOptions, RawMessage, RequestOptions, Station};
use voxproof_device::DeviceHealth;
use voxproof_record::{StepOutcome, TimelineEvent};
use voxproof_sip::fuzzing::{self, FuzzCase};
use voxproof_spec::{DeviceAction, FuzzStep, FuzzTarget, NoParameters};

use crate::drive::Drive;
use packet::PacketCase;

/// Between two messages: a device that is busy with one shall not lose the next.
const PACE: Duration = Duration::from_millis(20);
/// How long a device has to answer the OPTIONS of a look when the step says nothing.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a device has to be reachable again after a start.
const START: Duration = Duration::from_secs(30);
/// How long a device has to answer the call that carries the packets.
const ANSWER: Duration = Duration::from_secs(8);
/// Attempts at making a finding smaller: each of them may cost a start of the device.
const TRIALS: u32 = 40;
/// Most messages between two looks.
const LARGEST_BATCH: usize = 100;
/// The name that the lab's own questions carry.
const LAB: &str = "server";

/// One mutated message or packet.
#[derive(Debug, Clone)]
enum Shot {
    Message { case: FuzzCase, id: String },
    Packet(PacketCase),
}

impl Shot {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Message { case, .. } => case.bytes(),
            Self::Packet(case) => case.bytes(),
        }
    }

    /// The bytes for one more attempt: with another branch, tag and Call-ID of the same length, because a device
    /// absorbs what it takes for a retransmission (RFC 3261 17.2.3).
    fn renewed(&self, bytes: &[u8], trial: u32) -> Vec<u8> {
        match self {
            Self::Message { id, .. } => {
                let fresh = format!("{}{trial:04x}", id.get(..id.len() - 4).unwrap_or_default());
                replaced(bytes, id.as_bytes(), fresh.as_bytes())
            }
            Self::Packet(_) => bytes.to_vec(),
        }
    }

    fn minimised(&self, does: impl FnMut(&[u8]) -> bool) -> Self {
        match self {
            Self::Message { case, id } => Self::Message {
                case: fuzzing::minimise(case, does),
                id: id.clone(),
            },
            Self::Packet(case) => Self::Packet(case.minimised(does)),
        }
    }

    fn describe(&self) -> String {
        let changes: Vec<String> = match self {
            Self::Message { case, .. } => case.descriptions(),
            Self::Packet(case) => case.changes.iter().map(ToString::to_string).collect(),
        };
        if changes.is_empty() {
            "nothing changed".to_owned()
        } else {
            changes.join("; ")
        }
    }
}

/// The same bytes with every `find` replaced by `with`, which is as long.
fn replaced(bytes: &[u8], find: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(place) = out.get_mut(at..at + find.len()) {
        if place == find && find.len() == with.len() {
            place.copy_from_slice(with);
        }
        at += 1;
    }
    out
}

/// Branch, tag and Call-ID of a message: as long for every iteration, so that the mutations hit the same places.
fn identifier(seed: u64, iteration: u32) -> String {
    format!("fz{:08x}{iteration:08x}0000", seed as u32)
}

/// The message that is mutated, with the placeholders of [`Station::fill`].
fn template(target: FuzzTarget, id: &str, server: std::net::SocketAddr) -> Vec<u8> {
    let (method, fields, body) = match target {
        FuzzTarget::Options => (
            "OPTIONS",
            "Accept: application/sdp, text/plain;q=0.5\r\n",
            String::new(),
        ),
        FuzzTarget::Invite | FuzzTarget::Rtp => {
            let family = if server.is_ipv4() { "IP4" } else { "IP6" };
            let ip = server.ip();
            (
                "INVITE",
                "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nContent-Type: application/sdp\r\n",
                format!(
                    "v=0\r\no=fuzz 3724394400 3724394400 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
                     m=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
                     a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
                ),
            )
        }
    };
    format!(
        "{method} {{device}} SIP/2.0\r\nVia: SIP/2.0/{{transport}} {{server}};branch=z9hG4bK{id};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"Fuzz\" <sip:fuzz@{{server}}>;tag={id}\r\nTo: <{{device}}>\r\n\
         Call-ID: {id}@{{server}}\r\nCSeq: 1 {method}\r\nContact: <sip:fuzz@{{server}}>\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK\r\nSupported: timer, replaces, 100rel\r\n\
         Subject: a call\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What is tried out while a finding is made smaller.
struct Hunt {
    trials: u32,
    /// The last attempt silenced the device: it is started again before the next.
    silent: bool,
}

impl Drive<'_> {
    pub(crate) async fn fuzz(&mut self, step: &FuzzStep) -> Result<StepOutcome, CallError> {
        if step.target == FuzzTarget::Rtp && !self.station.is_established(&step.from) {
            return Ok(StepOutcome::Precondition {
                reason: format!("{} has no call to send packets in", *step.from),
            });
        }
        let began = self.station.now();
        let within = step.within.map_or(PATIENCE, |span| span.0);
        let size = (step.batch as usize).clamp(1, LARGEST_BATCH);
        let mut batch: Vec<Shot> = vec![];
        for iteration in 0..step.count {
            let shot = self.shot(step, iteration).await?;
            self.shoot(step, shot.bytes()).await?;
            batch.push(shot);
            let sent = iteration + 1;
            if batch.len() < size && sent < step.count {
                continue;
            }
            if self.answers(within).await? {
                self.note_look(step, sent, true, None);
                batch.clear();
                // a device may end a call in which it hears nonsense
                if step.target == FuzzTarget::Rtp
                    && sent < step.count
                    && !self.station.is_established(&step.from)
                    && !self.call_again(step).await?
                {
                    return Ok(not_seen(
                        format!("a 2xx to an INVITE after {sent} mutated packets"),
                        ANSWER,
                    ));
                }
                continue;
            }
            if let DeviceHealth::Gone { status, own_fault } =
                self.station.pump_while(self.device.health()).await
            {
                self.station.note(TimelineEvent::DeviceGone { status, own_fault });
            }
            let found = self.hunt(step, within, &batch).await?;
            let reproducer = found.as_ref().map(|shot| hexadecimal(&shot.bytes()));
            self.note_look(step, sent, false, reproducer);
            let now = self.station.now();
            self.mark_interval(step.mark.as_ref(), began, now);
            let cause = found.map_or_else(
                || "no single message of the last batch does it again".to_owned(),
                |shot| format!("one of them is enough: {}", shot.describe()),
            );
            let awaited = format!(
                "an answer to OPTIONS after {sent} mutated messages of seed {} ({cause})",
                step.seed
            );
            return Ok(not_seen(awaited, within));
        }
        let now = self.station.now();
        self.mark_interval(step.mark.as_ref(), began, now);
        Ok(StepOutcome::Done)
    }

    fn note_look(&mut self, step: &FuzzStep, sent: u32, alive: bool, reproducer: Option<String>) {
        self.station.note(TimelineEvent::Fuzzed {
            seed: step.seed,
            sent,
            alive,
            reproducer,
        });
    }

    async fn shot(&mut self, step: &FuzzStep, iteration: u32) -> Result<Shot, CallError> {
        if step.target == FuzzTarget::Rtp {
            return Ok(Shot::Packet(PacketCase::new(step.seed, iteration)));
        }
        let id = identifier(step.seed, iteration);
        let text = template(step.target, &id, self.station.server());
        let message = self.station.fill(&text, is_stranger(step)).await?;
        let case = fuzzing::case(step.seed, u64::from(iteration), &message);
        Ok(Shot::Message { case, id })
    }

    async fn shoot(&mut self, step: &FuzzStep, bytes: Vec<u8>) -> Result<(), CallError> {
        if step.target == FuzzTarget::Rtp {
            self.station.send_rtp_raw(&step.from, bytes)?;
        } else {
            let raw = RawMessage {
                bytes,
                stranger: is_stranger(step),
                ..RawMessage::default()
            };
            self.station.send_raw(raw).await?;
        }
        let until = self.station.now() + PACE;
        self.station.pump(until, |_| false).await;
        Ok(())
    }

    /// Whether the device answers OPTIONS, in whatever way.
    async fn answers(&mut self, within: Duration) -> Result<bool, CallError> {
        let question = RequestOptions {
            method: "OPTIONS".to_owned(),
            ..RequestOptions::default()
        };
        let sent = self.station.request(LAB, question)?;
        let until = self.station.now() + within;
        Ok(self
            .station
            .pump(until, |station| station.answer_to(sent).is_some())
            .await)
    }

    /// A call for the packets of the actor.
    async fn call_again(&mut self, step: &FuzzStep) -> Result<bool, CallError> {
        self.station.invite(&step.from, InviteOptions::default())?;
        let until = self.station.now() + ANSWER;
        let actor: &str = &step.from;
        Ok(self
            .station
            .pump(until, |station: &Station| station.is_established(actor))
            .await)
    }

    /// Starts the device again; false when it does not come back.
    async fn revive(&mut self, step: &FuzzStep) -> Result<bool, CallError> {
        let restart = DeviceAction::Restart(NoParameters::default());
        if self.device_action(&restart).await != StepOutcome::Done {
            return Ok(false);
        }
        let until = self.station.now() + START;
        loop {
            // one that registers is known by its binding, another one by its address
            match self.answers(Duration::from_secs(2)).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(CallError::DeviceUnknown) => {
                    let soon = self.station.now() + Duration::from_secs(1);
                    self.station
                        .pump(soon, |station| station.binding().is_some())
                        .await;
                }
                Err(error) => return Err(error),
            }
            if self.station.now() >= until {
                return Ok(false);
            }
        }
        if step.target == FuzzTarget::Rtp {
            return self.call_again(step).await;
        }
        Ok(true)
    }

    /// Whether these messages silence the device; nothing when that cannot be tried any more.
    async fn trial(
        &mut self,
        step: &FuzzStep,
        within: Duration,
        hunt: &mut Hunt,
        messages: &[Vec<u8>],
    ) -> Result<Option<bool>, CallError> {
        if hunt.trials == 0 || (hunt.silent && !self.revive(step).await?) {
            return Ok(None);
        }
        hunt.trials -= 1;
        for bytes in messages {
            self.shoot(step, bytes.clone()).await?;
        }
        hunt.silent = !self.answers(within).await?;
        Ok(Some(hunt.silent))
    }

    /// The shortest message found that silences the device; it is running again afterwards, if it can be started.
    async fn hunt(
        &mut self,
        step: &FuzzStep,
        within: Duration,
        batch: &[Shot],
    ) -> Result<Option<Shot>, CallError> {
        let mut hunt = Hunt {
            trials: TRIALS,
            silent: true,
        };
        let found = self.narrow(step, within, batch, &mut hunt).await?;
        if hunt.silent {
            self.revive(step).await?;
        }
        Ok(found)
    }

    async fn narrow(
        &mut self,
        step: &FuzzStep,
        within: Duration,
        batch: &[Shot],
        hunt: &mut Hunt,
    ) -> Result<Option<Shot>, CallError> {
        // the whole batch once more on a fresh device, then ever shorter beginnings of it
        let (mut survived, mut fatal) = (0, batch.len());
        let mut length = batch.len();
        loop {
            let round = hunt.trials;
            let messages: Vec<Vec<u8>> = batch
                .iter()
                .take(length)
                .map(|shot| shot.renewed(&shot.bytes(), round))
                .collect();
            match self.trial(step, within, hunt, &messages).await? {
                Some(true) => fatal = length,
                Some(false) if length == batch.len() => return Ok(None),
                Some(false) => survived = length,
                None => return Ok(None),
            }
            if fatal - survived <= 1 {
                break;
            }
            length = survived + (fatal - survived) / 2;
        }
        let Some(culprit) = fatal.checked_sub(1).and_then(|last| batch.get(last)) else {
            return Ok(None);
        };
        // one attempt at a time is made on the device; until it is made an attempt counts as harmless
        let mut known: HashMap<Vec<u8>, bool> = HashMap::new();
        let mut open = Some(culprit.bytes());
        let mut small = None;
        while let Some(bytes) = open.take() {
            let renewed = culprit.renewed(&bytes, hunt.trials);
            let Some(dies) = self.trial(step, within, hunt, &[renewed]).await? else {
                break;
            };
            known.insert(bytes, dies);
            if known.get(&culprit.bytes()) != Some(&true) {
                // it takes more than this message
                return Ok(None);
            }
            small = Some(culprit.minimised(|bytes| {
                known.get(bytes).copied().unwrap_or_else(|| {
                    open.get_or_insert_with(|| bytes.to_vec());
                    false
                })
            }));
        }
        Ok(small)
    }
}

fn is_stranger(step: &FuzzStep) -> bool {
    step.from.as_str() == "stranger"
}

fn not_seen(awaited: String, within: Duration) -> StepOutcome {
    StepOutcome::NotSeen {
        awaited,
        within_ms: within.as_millis() as u64,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_has_its_own_identifiers_of_the_same_length() {
        let id = identifier(7, 3);
        let case = fuzzing::case(
            7,
            3,
            &template(FuzzTarget::Invite, &id, "127.0.0.1:5060".parse().unwrap()),
        );
        let shot = Shot::Message {
            case: case.with_steps(vec![]),
            id: id.clone(),
        };
        let bytes = shot.bytes();
        let again = shot.renewed(&bytes, 40);
        assert_eq!(bytes.len(), again.len());
        let fresh = format!("{}0028", &id[..id.len() - 4]);
        let text = String::from_utf8(again).unwrap();
        assert!(!text.contains(&id));
        assert_eq!(text.matches(&fresh).count(), 3);
    }

    #[test]
    fn the_templates_are_well_formed() {
        for target in [FuzzTarget::Invite, FuzzTarget::Options] {
            for server in ["127.0.0.1:5060", "[2001:db8::1]:5060"] {
                let text = template(target, &identifier(1, 0), server.parse().unwrap());
                let text = String::from_utf8(text).unwrap();
                let text = text
                    .replace("{device}", "sip:dut@192.0.2.7:5060")
                    .replace("{server}", server)
                    .replace("{transport}", "UDP");
                let message = voxproof_sip::Message::parse(text.as_bytes());
                assert!(message.validate().is_empty(), "{:?}", message.validate());
                if target == FuzzTarget::Invite {
                    assert!(message.sdp().is_some_and(|sdp| sdp.is_ok()));
                }
            }
        }
    }
}
