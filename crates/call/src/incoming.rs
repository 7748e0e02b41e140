//! What the lab does with requests of the device.

use voxproof_record::TimelineEvent;
use voxproof_sip::{Builder, Hop, Message, TransactionId, default_reason};

use crate::peer::{Call, CallState};
use crate::registrar::response;
use crate::repeat::Repeated;
use crate::station::Station;

pub(crate) const METHODS: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE, INFO, PRACK, MESSAGE, SUBSCRIBE, PUBLISH";

impl Station {
    pub(crate) fn on_request(&mut self, id: TransactionId, message: Message, source: Hop, packet: u32) {
        let now = self.now();
        if self.on_control_request(id, &message) || self.scripted(id, &message) {
            return;
        }
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
        } else if method == "SUBSCRIBE" {
            if !self.on_subscribe(id, &message, source) {
                self.refuse_package(id, &message);
            }
        } else if in_dialog {
            self.on_dialog_request(id, &message, source, packet);
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
                "MESSAGE" => {
                    let bytes = response(&message, 200, &mut self.ids).build();
                    self.transactions.respond(now, id, bytes);
                }
                // the collector of RFC 6035 reports takes them, with an entity tag as RFC 3903 6 asks
                "PUBLISH" => {
                    let tag = self.ids.token(8);
                    let bytes = response(&message, 200, &mut self.ids)
                        .header("SIP-ETag", tag)
                        .header("Expires", message.expires().unwrap_or(3600).to_string())
                        .build();
                    self.transactions.respond(now, id, bytes);
                }
                "BYE" | "NOTIFY" | "INFO" | "UPDATE" | "PRACK" => self.refuse(id, &message, 481),
                _ => self.refuse(id, &message, 405),
            }
        }
    }

    pub(crate) fn refuse(&mut self, id: TransactionId, message: &Message, status: u16) {
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
        let mut cancelled = None;
        // with a forking proxy in between, every branch is cancelled
        for call in self
            .calls
            .iter_mut()
            .filter(|call| call.state == CallState::Offered && Some(call.invite_transaction) == target)
        {
            call.state = CallState::Ended;
            call.repeat = None;
            if let Some(media) = &call.media {
                media.stop_sending();
            }
            cancelled.get_or_insert_with(|| {
                (
                    call.invite.clone(),
                    call.invite_transaction,
                    call.local_tag.clone(),
                )
            });
        }
        let Some((invite, invite_id, tag)) = cancelled else {
            // CANCEL that matches nothing (RFC 3261 9.2)
            self.refuse(id, message, 481);
            return;
        };
        let ok = Builder::response_to(message, 200, "OK").to_tag(&tag).build();
        self.transactions.respond(now, id, ok);
        let terminated = Builder::response_to(&invite, 487, default_reason(487))
            .to_tag(&tag)
            .build();
        self.transactions.respond(now, invite_id, terminated);
    }

    fn on_invite(&mut self, id: TransactionId, message: Message, source: Hop, packet: u32) {
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
        let session_id = self.next_session();
        let mut call = Call::new(&actor, CallState::Offered, message, id, source, session_id);
        call.local_tag = self.ids.tag();
        call.invite_packet = packet;
        self.check_credentials(&call.invite, packet);
        self.note_call(&call);
        self.calls.push(call);
    }

    pub(crate) fn note_call(&mut self, call: &Call) {
        let event = TimelineEvent::Call {
            actor: call.actor.clone(),
            call_id: call.call_id.clone(),
        };
        self.note(event);
    }

    /// Session identifiers that differ in a case.
    pub(crate) fn next_session(&self) -> u64 {
        1_000_000 + self.calls.len() as u64
    }

    fn on_dialog_request(&mut self, id: TransactionId, message: &Message, source: Hop, packet: u32) {
        let now = self.now();
        let position = self.calls.iter().rposition(|call| {
            call.dialog
                .iter()
                .chain(&call.early)
                .any(|dialog| dialog.matches(message))
        });
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
        let dialog = match &mut call.dialog {
            Some(dialog) => Some(dialog),
            None => call.early.iter_mut().find(|dialog| dialog.matches(message)),
        };
        if dialog.is_some_and(|dialog| dialog.accept(message).is_err()) {
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
            "INVITE" | "UPDATE" => self.on_change(position, id, message),
            "PRACK" => self.on_prack(position, id, message, packet),
            "REFER" => self.on_refer(position, id, message, source),
            "OPTIONS" => {
                let bytes = Builder::response_to(message, 200, "OK")
                    .header("Allow", METHODS)
                    .header("Accept", "application/sdp")
                    .build();
                self.transactions.respond(now, id, bytes);
            }
            "NOTIFY" | "INFO" | "MESSAGE" => {
                self.transactions
                    .respond(now, id, Builder::response_to(message, 200, "OK").build());
            }
            _ => self.refuse(id, message, 405),
        }
    }

    /// The device changes the session or only refreshes it: answered at once with what the offer allows (RFC 3264 8).
    fn on_change(&mut self, position: usize, id: TransactionId, message: &Message) {
        let now = self.now();
        if message.method() == Some("INVITE") && self.change_pending(position) {
            // both ends at once (RFC 3261 14.2)
            self.refuse(id, message, 491);
            return;
        }
        if (message.is_sdp() || message.method() == Some("INVITE"))
            && let Some(call) = self.calls.get_mut(position)
        {
            call.session_version += 1;
        }
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        let contact = call.dialog.as_ref().or_else(|| call.early.last());
        let contact = contact
            .map(|dialog| dialog.local_contact.clone())
            .unwrap_or_default();
        let mut builder = Builder::response_to(message, 200, "OK")
            .header("Contact", contact)
            .header("Allow", METHODS);
        builder = with_session_timer(builder, message);
        match message.sdp() {
            Some(Ok(offer)) => match call.answer_offer(&offer) {
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
                let able = call.able(false);
                if let Some(able) = &able {
                    builder = builder.body("application/sdp", able.to_bytes());
                }
                call.local = able;
            }
            None => {}
        }
        let bytes = builder.build();
        if message.method() == Some("INVITE") {
            let cseq = message.cseq().map_or(0, |cseq| cseq.number);
            call.repeat = Some(Repeated::new(now, id, bytes.clone(), cseq, None));
        }
        self.transactions.respond(now, id, bytes);
        self.note_media(position);
    }

    /// The device confirms a reliable provisional response (RFC 3262 3).
    fn on_prack(&mut self, position: usize, id: TransactionId, message: &Message, packet: u32) {
        let now = self.now();
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        if !call
            .repeat
            .as_ref()
            .is_some_and(|repeat| repeat.confirmed_by(message))
        {
            self.refuse(id, message, 481);
            return;
        }
        call.repeat = None;
        call.pracked = Some(packet);
        let mut builder = Builder::response_to(message, 200, "OK");
        if let Some(Ok(description)) = message.sdp() {
            if call.invite.is_sdp() {
                // a second offer (RFC 3262 5)
                if let Some(bytes) = call.answer_offer(&description) {
                    builder = builder.body("application/sdp", bytes);
                }
            } else {
                call.agree(&description);
            }
        }
        self.transactions.respond(now, id, builder.build());
    }

    /// The device transfers: accepted, and reported as done (RFC 3515 2.4.4).
    fn on_refer(&mut self, position: usize, id: TransactionId, message: &Message, source: Hop) {
        let now = self.now();
        let contact = self
            .calls
            .get(position)
            .and_then(|call| call.dialog.as_ref())
            .map(|dialog| dialog.local_contact.clone());
        // without a subscription when the device asks for none (RFC 4488 4)
        let silent = message
            .header("refer-sub")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        let mut builder =
            Builder::response_to(message, 202, "Accepted").header("Contact", contact.unwrap_or_default());
        if silent {
            builder = builder.header("Refer-Sub", "false");
        }
        self.transactions.respond(now, id, builder.build());
        if silent {
            return;
        }
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
        let to_tag = message.to().and_then(|to| to.tag().map(str::to_owned));
        let of_call = |call: &Call| {
            id.is_some_and(|id| id == call.invite_transaction)
                || message.call_id() == Some(call.call_id.as_str())
        };
        let of_dialog = |call: &Call| {
            call.dialog
                .as_ref()
                .is_some_and(|dialog| Some(&dialog.local_tag) == to_tag.as_ref())
        };
        let position = self
            .calls
            .iter()
            .rposition(|call| of_call(call) && of_dialog(call))
            .or_else(|| self.calls.iter().rposition(of_call));
        let Some(call) = position.and_then(|position| self.calls.get_mut(position)) else {
            return;
        };
        call.acknowledged.get_or_insert(packet);
        if call
            .repeat
            .as_ref()
            .is_some_and(|repeat| repeat.rseq.is_none() && repeat.cseq == number)
        {
            call.repeat = None;
        }
        // the answer to an offer in our 2xx comes in the ACK (RFC 3261 13.2.2.4)
        if let Some(Ok(answer)) = message.sdp() {
            call.agree(&answer);
        }
    }

    /// Repeats the responses that were not confirmed yet.
    pub(crate) fn repeat_answers(&mut self, now: std::time::Duration) {
        let mut due = vec![];
        for call in &mut self.calls {
            let Some(repeat) = &mut call.repeat else { continue };
            if repeat.is_over(now) {
                call.repeat = None;
            } else if repeat.take_due(now) {
                due.push((repeat.transaction, repeat.bytes.clone()));
            }
        }
        for (id, bytes) in due {
            self.transactions.respond(now, id, bytes);
        }
    }
}

/// Accepts the session timer that the device asks for, with the device as refresher unless it wants otherwise
/// (RFC 4028 9).
pub(crate) fn with_session_timer(builder: Builder, request: &Message) -> Builder {
    let Some(wanted) = request.header("session-expires") else {
        return builder;
    };
    let refresher = if wanted.contains("refresher=uas") {
        "uas"
    } else {
        "uac"
    };
    let seconds = wanted.split(';').next().unwrap_or_default().trim();
    builder
        .header("Session-Expires", format!("{seconds};refresher={refresher}"))
        .header("Require", "timer")
}
