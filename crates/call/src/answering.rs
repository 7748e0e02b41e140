//! Responses of the lab's peers to calls of the device.

use std::collections::BTreeMap;

use voxproof_sip::mutate::Mutation;
use voxproof_sip::{Builder, Dialog, Message, default_reason};

use crate::CallError;
use crate::authentication::{ChallengeOptions, Guard, Verified};
use crate::incoming::{METHODS, with_session_timer};
use crate::offer::OfferSpec;
use crate::peer::{Call, CallState};
use crate::repeat::Repeated;
use crate::station::{Seen, Station};

/// A response to the INVITE that waits.
#[derive(Debug, Clone, Default)]
pub struct RespondOptions {
    /// The status.
    pub status: u16,
    /// Another reason phrase than the usual one.
    pub reason: Option<String>,
    /// The branch of a forking proxy that answers.
    pub branch: Option<String>,
    /// Repeated until its PRACK comes.
    pub reliable: bool,
    /// With a session description.
    pub session: Option<OfferSpec>,
    /// Header fields to add.
    pub headers: BTreeMap<String, String>,
    /// What proxies recorded on the way.
    pub record_route: Vec<String>,
    /// Changes before it is sent.
    pub mutate: Vec<Mutation>,
}

impl Station {
    fn offered(&self, actor: &str, branch: Option<&str>) -> Option<usize> {
        self.calls.iter().rposition(|call| {
            call.actor == actor && call.state == CallState::Offered && call.branch.as_deref() == branch
        })
    }

    /// The call that a response belongs to; a new branch is made from the INVITE of the others.
    fn answering(&mut self, actor: &str, branch: Option<&str>) -> Result<usize, CallError> {
        let none = || CallError::no(actor, "incoming call");
        if let Some(position) = self.offered(actor, branch) {
            return Ok(position);
        }
        let branch = branch.ok_or_else(none)?;
        let (invite, transaction, hop, packet) = self
            .calls
            .iter()
            .rev()
            .find(|call| call.actor == actor && call.invite_packet != 0)
            .map(|call| {
                (
                    call.invite.clone(),
                    call.invite_transaction,
                    call.destination,
                    call.invite_packet,
                )
            })
            .ok_or_else(none)?;
        let session_id = self.next_session();
        let mut call = Call::new(actor, CallState::Offered, invite, transaction, hop, session_id);
        call.local_tag = self.ids.tag();
        call.invite_packet = packet;
        call.branch = Some(branch.to_owned());
        self.calls.push(call);
        Ok(self.calls.len() - 1)
    }

    /// The INVITE of the device that waits for an answer of this actor.
    pub fn incoming_invite(&self, actor: &str) -> Option<&Seen> {
        let call = self
            .calls
            .iter()
            .rev()
            .find(|call| call.actor == actor && call.state == CallState::Offered)?;
        self.seen(call.invite_packet)
    }

    /// Whether the actor's incoming call was cancelled by the device.
    pub fn is_cancelled(&self, actor: &str) -> bool {
        self.calls
            .iter()
            .rev()
            .find(|call| call.actor == actor)
            .is_some_and(|call| call.state == CallState::Ended && call.invite_packet != 0)
    }

    /// Sends 180.
    pub fn ring(&mut self, actor: &str) -> Result<u32, CallError> {
        let ringing = RespondOptions {
            status: 180,
            ..RespondOptions::default()
        };
        self.respond(actor, ringing)
    }

    /// Answers 200 with a session description; returns its packet number.
    pub fn answer(&mut self, actor: &str, spec: OfferSpec) -> Result<u32, CallError> {
        let answer = RespondOptions {
            status: 200,
            session: Some(spec),
            ..RespondOptions::default()
        };
        self.respond(actor, answer)
    }

    /// Answers with a failure status.
    pub fn reject(&mut self, actor: &str, status: u16) -> Result<u32, CallError> {
        let rejection = RespondOptions {
            status,
            ..RespondOptions::default()
        };
        self.respond(actor, rejection)
    }

    /// Sends a response; returns its packet number.
    pub fn respond(&mut self, actor: &str, options: RespondOptions) -> Result<u32, CallError> {
        let position = self.answering(actor, options.branch.as_deref())?;
        let now = self.now();
        let described = match &options.session {
            Some(spec) => self.describe(position, actor, spec)?,
            None => None,
        };
        let status = options.status;
        let named = match &options.branch {
            Some(branch) => format!("{actor}-{branch}"),
            None => actor.to_owned(),
        };
        let hop = self.calls.get(position).map(|call| call.destination);
        let contact = hop
            .map(|hop| format!("<{}>", self.contact_of(&named, hop)))
            .unwrap_or_default();
        let via = hop.map(|hop| self.wire.local(hop.transport).to_string());
        let first_rseq = 1 + (self.seed() % 100_000) as u32;
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "incoming call"));
        };
        let reason = options
            .reason
            .as_deref()
            .unwrap_or_else(|| default_reason(status));
        let mut builder = Builder::response_to(&call.invite, status, reason);
        if status > 100 {
            builder = builder.to_tag(&call.local_tag);
        }
        for route in &options.record_route {
            builder = builder.header("Record-Route", route);
        }
        if (101..300).contains(&status) {
            builder = builder.header("Contact", &contact);
        }
        if (200..300).contains(&status) {
            builder = builder.header("Allow", METHODS).header("Supported", "timer");
            builder = with_session_timer(builder, &call.invite);
        }
        if options.reliable {
            call.rseq = if call.rseq == 0 { first_rseq } else { call.rseq + 1 };
            builder = builder
                .header("Require", "100rel")
                .header("RSeq", call.rseq.to_string());
        }
        for (name, value) in &options.headers {
            builder = builder.set(name, value);
        }
        if let Some(description) = described {
            builder = builder.body("application/sdp", description);
        }
        if (101..300).contains(&status) && call.dialog.is_none() {
            call.dialog = Dialog::from_uas(&call.invite, &call.local_tag, &contact, &via.unwrap_or_default());
        }
        let bytes = builder.build();
        let cseq = call.invite.cseq().map_or(0, |cseq| cseq.number);
        let id = call.invite_transaction;
        let bytes = self.mutated(bytes, &options.mutate)?;
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "incoming call"));
        };
        match status {
            ..200 if options.reliable => {
                call.pracked = None;
                call.repeat = Some(Repeated::new(now, id, bytes.clone(), cseq, Some(call.rseq)));
            }
            ..200 => {}
            200..300 => {
                call.state = CallState::Established;
                call.repeat = Some(Repeated::new(now, id, bytes.clone(), cseq, None));
            }
            _ => {
                call.state = CallState::Ended;
                call.repeat = None;
                if let Some(media) = &call.media {
                    media.stop_sending();
                }
            }
        }
        self.transactions.respond(now, id, bytes);
        let packet = self.flush();
        if options.session.is_some() {
            self.note_media(position);
        }
        Ok(packet)
    }

    /// The session description of a response: the answer to the device's offer, or an offer where it made none. The
    /// same again in a later response to the same INVITE (RFC 3261 13.2.1).
    fn describe(
        &mut self,
        position: usize,
        actor: &str,
        spec: &OfferSpec,
    ) -> Result<Option<Vec<u8>>, CallError> {
        if let Some(described) = self.calls.get(position).and_then(|call| call.described.clone()) {
            return Ok(Some(described));
        }
        let media = self.open_media(actor)?;
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "incoming call"));
        };
        call.spec = spec.clone();
        call.media = Some(media);
        let described = match call.invite.sdp() {
            Some(Ok(offer)) => match call.answer_offer(&offer) {
                Some(bytes) => bytes,
                None => {
                    self.reject(actor, 488)?;
                    return Err(CallError::no(actor, "codec in common with the device's offer"));
                }
            },
            Some(Err(_)) => {
                self.reject(actor, 400)?;
                return Err(CallError::no(
                    actor,
                    "readable session description in the device's INVITE",
                ));
            }
            None => {
                let able = call.able(true);
                let bytes = able.as_ref().map(|able| able.to_bytes()).unwrap_or_default();
                call.local = able;
                bytes
            }
        };
        call.described = Some(described.clone());
        Ok(Some(described))
    }

    /// Asks for credentials: answers the waiting INVITE 401 or 407. The next INVITE of the device is held against
    /// what was asked.
    pub fn challenge(&mut self, actor: &str, options: &ChallengeOptions) -> Result<u32, CallError> {
        let position = self
            .offered(actor, None)
            .ok_or_else(|| CallError::no(actor, "incoming call"))?;
        let now = self.now();
        let own = vec![self.config.realm.clone()];
        let realms = if options.realms.is_empty() {
            &own
        } else {
            &options.realms
        };
        let mut guards = vec![];
        let (status, field) = if options.callee {
            (401, "WWW-Authenticate")
        } else {
            (407, "Proxy-Authenticate")
        };
        let mut lines = vec![];
        for realm in realms {
            let mut guard = Guard::new(realm, &self.config.username, &self.config.password)
                .offering(&options.algorithms, Some(&options.qop));
            lines.extend(guard.challenges(now, false, &mut self.ids));
            guards.push(guard);
        }
        self.guards = guards;
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "incoming call"));
        };
        call.state = CallState::Ended;
        let mut builder =
            Builder::response_to(&call.invite, status, default_reason(status)).to_tag(&call.local_tag);
        for line in lines {
            builder = builder.header(field, line);
        }
        let id = call.invite_transaction;
        self.transactions.respond(now, id, builder.build());
        Ok(self.flush())
    }

    /// Holds an INVITE against the challenge before it.
    pub(crate) fn check_credentials(&mut self, message: &Message, packet: u32) {
        if self.guards.is_empty() {
            return;
        }
        let now = self.now();
        let verified: Vec<Verified> = self
            .guards
            .iter_mut()
            .map(|guard| guard.check(now, message))
            .collect();
        if verified.iter().any(|one| *one != Verified::Absent) {
            let right = verified.iter().all(|one| *one == Verified::Right);
            self.credentials.push((packet, right));
        }
    }

    /// Packet number of the device's ACK to the actor's final response.
    pub fn acknowledged(&self, actor: &str, branch: Option<&str>) -> Option<u32> {
        self.calls
            .iter()
            .rev()
            .find(|call| call.actor == actor && call.branch.as_deref() == branch)?
            .acknowledged
    }

    /// Packet number of the device's PRACK to the actor's last reliable response.
    pub fn pracked(&self, actor: &str, branch: Option<&str>) -> Option<u32> {
        self.calls
            .iter()
            .rev()
            .find(|call| call.actor == actor && call.branch.as_deref() == branch)?
            .pracked
    }
}
