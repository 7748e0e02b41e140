//! What the lab does with requests of the device.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_record::TimelineEvent;
use voxproof_sip::{Builder, Dialog, Message, TransactionId, default_reason};

use crate::CallError;
use crate::media::PeerMedia;
use crate::offer::OfferSpec;
use crate::peer::{Call, CallState, Repeat2xx};
use crate::registrar::response;
use crate::station::{Seen, Station};

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const METHODS: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE, INFO";

impl Station {
    pub(crate) fn on_request(
        &mut self,
        id: TransactionId,
        message: Message,
        source: SocketAddr,
        packet: u32,
    ) {
        let now = self.now();
        let method = message.method().unwrap_or_default().to_owned();
        let in_dialog = message.to().is_some_and(|to| to.tag().is_some());
        if method == "REGISTER" {
            let registration = self.registrar.register(now, &message, source, &mut self.ids);
            if let Some(verified) = registration.verified {
                self.credentials.push((packet, verified));
            }
            self.transactions.respond(now, id, registration.response);
        } else if method == "CANCEL" {
            self.on_cancel(id, &message);
        } else if in_dialog {
            self.on_dialog_request(id, &message, source);
        } else {
            match method.as_str() {
                "INVITE" => self.on_invite(id, message, source, packet),
                "OPTIONS" => {
                    let bytes = response(&message, 200, &mut self.ids)
                        .header("Allow", METHODS)
                        .header("Accept", "application/sdp")
                        .build();
                    self.transactions.respond(now, id, bytes);
                }
                // no voice mail, no presence: the event package is not offered (RFC 6665 4.2.1.1)
                "SUBSCRIBE" | "PUBLISH" => self.refuse(id, &message, 489),
                "BYE" | "NOTIFY" | "INFO" | "UPDATE" | "PRACK" => self.refuse(id, &message, 481),
                _ => self.refuse(id, &message, 405),
            }
        }
    }

    fn refuse(&mut self, id: TransactionId, message: &Message, status: u16) {
        let mut builder = response(message, status, &mut self.ids);
        if status == 405 {
            builder = builder.header("Allow", METHODS);
        }
        let now = self.now();
        self.transactions.respond(now, id, builder.build());
    }

    fn on_cancel(&mut self, id: TransactionId, message: &Message) {
        let now = self.now();
        let target = self.transactions.cancelled_by(message);
        let Some(call) = self
            .calls
            .iter_mut()
            .rev()
            .find(|call| call.state == CallState::Offered && Some(call.invite_transaction) == target)
        else {
            // CANCEL that matches nothing (RFC 3261 9.2)
            self.refuse(id, message, 481);
            return;
        };
        call.state = CallState::Ended;
        let (invite, invite_id, tag) = (
            call.invite.clone(),
            call.invite_transaction,
            call.local_tag.clone(),
        );
        let ok = Builder::response_to(message, 200, "OK").to_tag(&tag).build();
        self.transactions.respond(now, id, ok);
        let terminated = Builder::response_to(&invite, 487, default_reason(487))
            .to_tag(&tag)
            .build();
        self.transactions.respond(now, invite_id, terminated);
    }

    fn on_invite(&mut self, id: TransactionId, message: Message, source: SocketAddr, packet: u32) {
        let now = self.now();
        let user = message
            .request_uri()
            .and_then(|uri| uri.split_once(':'))
            .map(|(_, rest)| rest.split(['@', ';']).next().unwrap_or_default().to_owned())
            .unwrap_or_default();
        let actor = user.trim_end_matches("-contact").to_owned();
        if !["peer_a", "peer_b", "peer_c"].contains(&actor.as_str()) {
            self.refuse(id, &message, 404);
            return;
        }
        self.transactions
            .respond(now, id, Builder::response_to(&message, 100, "Trying").build());
        let call_id = message.call_id().unwrap_or_default().to_owned();
        self.note(TimelineEvent::Call {
            actor: actor.clone(),
            call_id: call_id.clone(),
        });
        let session_id = 1_000_000 + self.calls.len() as u64;
        self.calls.push(Call {
            actor,
            state: CallState::Offered,
            call_id,
            dialog: None,
            invite: message,
            invite_transaction: id,
            local_tag: self.ids.tag(),
            spec: OfferSpec::default(),
            session_id,
            session_version: 1,
            local: None,
            media: None,
            former_media: vec![],
            withhold_ack: false,
            ack: None,
            unacknowledged: None,
            repeat: None,
            acknowledged: None,
            invite_packet: packet,
            destination: source,
        });
    }

    fn on_dialog_request(&mut self, id: TransactionId, message: &Message, source: SocketAddr) {
        let now = self.now();
        let position = self
            .calls
            .iter()
            .rposition(|call| call.dialog.as_ref().is_some_and(|dialog| dialog.matches(message)));
        let Some(position) = position else {
            self.refuse(id, message, 481);
            return;
        };
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        if call.state == CallState::Ended && message.method() != Some("NOTIFY") {
            self.refuse(id, message, 481);
            return;
        }
        if call
            .dialog
            .as_mut()
            .is_some_and(|dialog| dialog.accept(message).is_err())
        {
            // lower CSeq (RFC 3261 12.2.2)
            self.refuse(id, message, 500);
            return;
        }
        match message.method().unwrap_or_default() {
            "BYE" => {
                call.state = CallState::Ended;
                call.repeat = None;
                if let Some(media) = &call.media {
                    media.stop_sending();
                }
                self.transactions
                    .respond(now, id, Builder::response_to(message, 200, "OK").build());
            }
            "INVITE" | "UPDATE" => self.on_reinvite(position, id, message),
            "REFER" => self.on_refer(position, id, message, source),
            "OPTIONS" => {
                let bytes = Builder::response_to(message, 200, "OK")
                    .header("Allow", METHODS)
                    .header("Accept", "application/sdp")
                    .build();
                self.transactions.respond(now, id, bytes);
            }
            "NOTIFY" | "INFO" | "MESSAGE" | "PRACK" => {
                self.transactions
                    .respond(now, id, Builder::response_to(message, 200, "OK").build());
            }
            _ => self.refuse(id, message, 405),
        }
    }

    /// The device changes the session: answered at once with what the offer allows (RFC 3264 8).
    fn on_reinvite(&mut self, position: usize, id: TransactionId, message: &Message) {
        let now = self.now();
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        let (Some(rtp), Some(dialog)) = (call.media.as_ref().map(PeerMedia::local), call.dialog.as_ref())
        else {
            return;
        };
        let contact = dialog.local_contact.clone();
        call.session_version += 1;
        let able = call.spec.audio(rtp, call.session_id, call.session_version);
        let mut builder = Builder::response_to(message, 200, "OK")
            .header("Contact", contact)
            .header("Allow", METHODS);
        match message.sdp() {
            Some(Ok(offer)) => match call.answer_offer(&offer, &able) {
                Some(bytes) => builder = builder.body("application/sdp", bytes),
                None => {
                    self.refuse(id, message, 488);
                    return;
                }
            },
            Some(Err(_)) => {
                self.refuse(id, message, 400);
                return;
            }
            None if message.method() == Some("INVITE") => {
                builder = builder.body("application/sdp", able.to_bytes());
                call.local = Some(able);
            }
            None => {}
        }
        let bytes = builder.build();
        if message.method() == Some("INVITE") {
            let cseq = message.cseq().map_or(0, |cseq| cseq.number);
            call.repeat = Some(repeat(now, id, bytes.clone(), cseq));
        }
        self.transactions.respond(now, id, bytes);
        self.note_media(position);
    }

    /// The device transfers: accepted, and reported as done (RFC 3515 2.4.4).
    fn on_refer(&mut self, position: usize, id: TransactionId, message: &Message, source: SocketAddr) {
        let now = self.now();
        let contact = self
            .calls
            .get(position)
            .and_then(|call| call.dialog.as_ref())
            .map(|dialog| dialog.local_contact.clone());
        let accepted = Builder::response_to(message, 202, "Accepted")
            .header("Contact", contact.unwrap_or_default())
            .build();
        self.transactions.respond(now, id, accepted);
        for (body, state) in [
            ("SIP/2.0 100 Trying\r\n", "active;expires=60"),
            ("SIP/2.0 200 OK\r\n", "terminated;reason=noresource"),
        ] {
            let Some(dialog) = self.calls.get_mut(position).and_then(|call| call.dialog.as_mut()) else {
                return;
            };
            let notify = dialog
                .request("NOTIFY", &mut self.ids)
                .header("Event", "refer")
                .header("Subscription-State", state)
                .body("message/sipfrag;version=2.0", body)
                .build();
            self.transactions.request(now, notify, source);
        }
    }

    pub(crate) fn on_ack(&mut self, message: &Message, id: Option<TransactionId>, packet: u32) {
        let number = message.cseq().map_or(0, |cseq| cseq.number);
        let call = self.calls.iter_mut().rev().find(|call| {
            id.is_some_and(|id| id == call.invite_transaction)
                || message.call_id() == Some(call.call_id.as_str())
        });
        let Some(call) = call else { return };
        call.acknowledged.get_or_insert(packet);
        if call.repeat.as_ref().is_some_and(|repeat| repeat.cseq == number) {
            call.repeat = None;
        }
        // the answer to an offer in our 2xx comes in the ACK (RFC 3261 13.2.2.4)
        if let Some(Ok(answer)) = message.sdp() {
            call.agree(&answer);
        }
    }

    /// Repeats 2xx answers that were not acknowledged yet.
    pub(crate) fn repeat_answers(&mut self, now: Duration) {
        let mut due = vec![];
        for call in &mut self.calls {
            let Some(repeat) = &mut call.repeat else { continue };
            if now >= repeat.until {
                call.repeat = None;
            } else if now >= repeat.next {
                repeat.interval = (repeat.interval * 2).min(T2);
                repeat.next = now + repeat.interval;
                due.push((repeat.transaction, repeat.bytes.clone()));
            }
        }
        for (id, bytes) in due {
            self.transactions.respond(now, id, bytes);
        }
    }

    fn offered(&self, actor: &str) -> Result<usize, CallError> {
        self.calls
            .iter()
            .rposition(|call| call.actor == actor && call.state == CallState::Offered)
            .ok_or_else(|| CallError::no(actor, "incoming call"))
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
        let position = self.offered(actor)?;
        let contact = self.contact_of(actor);
        let Some(call) = self.calls.get(position) else {
            return Err(CallError::no(actor, "incoming call"));
        };
        let bytes = Builder::response_to(&call.invite, 180, "Ringing")
            .to_tag(&call.local_tag)
            .header("Contact", format!("<{contact}>"))
            .build();
        let (id, now) = (call.invite_transaction, self.now());
        self.transactions.respond(now, id, bytes);
        Ok(self.flush())
    }

    /// Answers 200 with a session description; returns its packet number.
    pub fn answer(&mut self, actor: &str, spec: OfferSpec) -> Result<u32, CallError> {
        let position = self.offered(actor)?;
        let media = self.open_media()?;
        let contact = format!("<{}>", self.contact_of(actor));
        let via = self.config.server.to_string();
        let now = self.now();
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "incoming call"));
        };
        let able = spec.audio(media.local(), call.session_id, call.session_version);
        let mut builder = Builder::response_to(&call.invite, 200, "OK")
            .to_tag(&call.local_tag)
            .header("Contact", &contact)
            .header("Allow", METHODS)
            .header("Supported", "timer");
        call.spec = spec;
        call.media = Some(media);
        match call.invite.sdp() {
            Some(Ok(offer)) => match call.answer_offer(&offer, &able) {
                Some(bytes) => builder = builder.body("application/sdp", bytes),
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
                builder = builder.body("application/sdp", able.to_bytes());
                call.local = Some(able);
            }
        }
        call.dialog = Dialog::from_uas(&call.invite, &call.local_tag, &contact, &via);
        call.state = CallState::Established;
        let bytes = builder.build();
        let cseq = call.invite.cseq().map_or(0, |cseq| cseq.number);
        let id = call.invite_transaction;
        call.repeat = Some(repeat(now, id, bytes.clone(), cseq));
        self.transactions.respond(now, id, bytes);
        let packet = self.flush();
        self.note_media(position);
        Ok(packet)
    }

    /// Answers with a failure status.
    pub fn reject(&mut self, actor: &str, status: u16) -> Result<u32, CallError> {
        let position = self.offered(actor)?;
        let now = self.now();
        let Some(call) = self.calls.get_mut(position) else {
            return Err(CallError::no(actor, "incoming call"));
        };
        call.state = CallState::Ended;
        let bytes = Builder::response_to(&call.invite, status, default_reason(status))
            .to_tag(&call.local_tag)
            .build();
        let id = call.invite_transaction;
        self.transactions.respond(now, id, bytes);
        Ok(self.flush())
    }

    /// Packet number of the device's ACK to the actor's final response.
    pub fn acknowledged(&self, actor: &str) -> Option<u32> {
        self.calls
            .iter()
            .rev()
            .find(|call| call.actor == actor)?
            .acknowledged
    }
}

fn repeat(now: Duration, transaction: TransactionId, bytes: Vec<u8>, cseq: u32) -> Repeat2xx {
    Repeat2xx {
        transaction,
        bytes,
        cseq,
        next: now + T1,
        interval: T1,
        until: now + T1 * 64,
    }
}
