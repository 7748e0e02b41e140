//! Received calls: ringing, answer, CANCEL and the 200 that waits for its ACK.

use std::time::Duration;

use voxproof_sip::sdp::Description;
use voxproof_sip::{Dialog, Message, TransactionId};

use crate::Fault;
use crate::call::{CallKey, Received, Stage, Unacknowledged};
use crate::handle::PhoneError;
use crate::media::lock;
use crate::phone::Phone;
use crate::requests::takes_descriptions;
use crate::session::Session;

/// How long the phone rings when nobody answers and the INVITE does not say.
const RINGING_PATIENCE: Duration = Duration::from_secs(180);

impl Phone {
    /// An INVITE outside any dialog (13.3.1).
    pub(crate) fn on_invite(&mut self, now: Duration, id: TransactionId, invite: &Message) {
        if self.is_merged(invite) && !self.has(Fault::MergedAccepted) {
            return self.respond(now, id, invite, 482, |builder| builder);
        }
        if self.is_stopping() {
            return self.respond(now, id, invite, 480, |builder| builder);
        }
        let replaced = match self.call_replaced_by(invite) {
            Ok(replaced) => replaced,
            Err(status) => return self.respond(now, id, invite, status, |builder| builder),
        };
        if replaced.is_none()
            && self.has(Fault::SecondCallEndsFirst)
            && let Ok(first) = self.established()
        {
            self.send_bye(now, first);
        }
        if replaced.is_none() && self.current().is_some() {
            return self.respond(now, id, invite, 486, |builder| builder);
        }
        if !takes_descriptions(invite) && !self.has(Fault::AcceptIgnored) {
            return self.respond(now, id, invite, 406, |builder| builder);
        }
        if !takes_body(invite) {
            return self.respond(now, id, invite, 415, with_accept);
        }
        let offer = match invite.sdp() {
            Some(Err(_)) => return self.respond(now, id, invite, 400, |builder| builder),
            Some(Ok(offer)) => Some(offer),
            None => None,
        };
        let acceptable = match &offer {
            Some(offer) => Session::acceptable(&self.capabilities(), offer),
            None => !self.has(Fault::RejectsDelayedOffer),
        };
        if !acceptable {
            // 13.3.1.3, with the warning of 20.43 that says why
            let warning = format!("305 {} \"no audio codec in common\"", self.contact);
            return self.respond(now, id, invite, 488, |builder| builder.header("Warning", warning));
        }
        if let Err(minimum) = self.session_terms(invite) {
            return self.refuse_interval(now, id, invite, minimum);
        }
        let tag = self.ids.tag();
        let contact = self.contact_header();
        let Some(mut dialog) = Dialog::from_uas(invite, &tag, &contact, &self.contact.to_string()) else {
            return self.respond(now, id, invite, 400, |builder| builder);
        };
        self.misread_routes(&mut dialog.route_set);
        let mut call = self.new_call(Stage::Ringing);
        let patience = invite
            .expires()
            .map(|seconds| Duration::from_secs(u64::from(seconds)));
        call.dialog = Some(dialog);
        call.peer_updates = invite.has_token("allow", "UPDATE");
        call.received = Some(Received {
            transaction: id,
            invite: invite.clone(),
            local_tag: tag.clone(),
            answer_at: self.auto_answer().map(|after| now + after),
            reliable: None,
            answer_wanted: false,
            rings_until: now + patience.unwrap_or(RINGING_PATIENCE).min(RINGING_PATIENCE),
        });
        let key = call.key;
        self.calls.push(call);
        if let Some(replaced) = replaced {
            // RFC 3891 3: it takes the place of a call, so it does not ring
            self.answer_call(now, key);
            return self.end_replaced(now, replaced);
        }
        if self.config.answers_on_request && wants_answer(invite) && !self.has(Fault::AnswerModeIgnored) {
            return self.answer_call(now, key);
        }
        self.ring(now, key);
    }

    pub(crate) fn user_answers(&mut self, now: Duration) -> Result<(), PhoneError> {
        let key = self.ringing()?;
        self.answer_call(now, key);
        Ok(())
    }

    pub(crate) fn user_rejects(&mut self, now: Duration) -> Result<(), PhoneError> {
        let key = self.ringing()?;
        let status = if self.has(Fault::RejectWith500) { 500 } else { 486 };
        self.refuse(now, key, status);
        Ok(())
    }

    /// Ends a ringing call with a failure.
    pub(crate) fn refuse(&mut self, now: Duration, key: CallKey, status: u16) {
        if let Some(received) = self.call(key).and_then(|call| call.received.as_ref()) {
            let (id, invite, tag) = (
                received.transaction,
                received.invite.clone(),
                received.local_tag.clone(),
            );
            self.respond_tagged(now, id, &invite, status, &tag, |builder| builder);
        }
        self.finish_call(key);
    }

    /// What is due in a ringing call: the automatic answer, or the end of patience.
    pub(crate) fn received_call_due(&mut self, now: Duration, key: CallKey) {
        let Some(call) = self.call(key).filter(|call| call.stage == Stage::Ringing) else {
            return;
        };
        let Some(received) = &call.received else { return };
        if received.answer_at.is_some_and(|at| at <= now) {
            self.answer_call(now, key);
        } else if received.rings_until <= now {
            // 13.3.1: an INVITE whose Expires has passed is 487; an unanswered call is 480
            let expired = received.invite.expires().is_some();
            self.refuse(now, key, if expired { 487 } else { 480 });
        }
    }

    /// CANCEL (9.2).
    pub(crate) fn on_cancel(&mut self, now: Duration, id: TransactionId, cancel: &Message) {
        let Some(cancelled) = self.transactions.cancelled_by(cancel) else {
            return self.respond(now, id, cancel, 481, |builder| builder);
        };
        let ringing = self.calls.iter().find_map(|call| {
            let received = call
                .received
                .as_ref()
                .filter(|received| received.transaction == cancelled)?;
            (call.stage == Stage::Ringing).then(|| (call.key, received.local_tag.clone()))
        });
        let Some((key, tag)) = ringing else {
            // its INVITE has a final response: the CANCEL comes too late and changes nothing
            return self.respond(now, id, cancel, 200, |builder| builder);
        };
        let status = if self.has(Fault::CancelAnswered481) {
            481
        } else {
            200
        };
        self.respond_tagged(now, id, cancel, status, &tag, |builder| builder);
        if self.has(Fault::No487OnCancel) {
            self.finish_call(key);
        } else {
            self.refuse(now, key, 487);
        }
    }

    /// Repeats a 200 whose ACK is missing, and ends the call when it never comes (13.3.1.4).
    pub(crate) fn acknowledgement_due(&mut self, now: Duration, key: CallKey) {
        let (longest, ignores_silence) = (self.timers.t2, self.has(Fault::NoByeWithoutAck));
        let Some(call) = self.calls.iter_mut().find(|call| call.key == key) else {
            return;
        };
        let Some(ok) = &mut call.unacknowledged else {
            return;
        };
        if ok.gives_up_at <= now {
            let acknowledged = ok.acknowledged;
            call.unacknowledged = None;
            if !acknowledged && !ignores_silence {
                self.send_bye(now, key);
            }
            return;
        }
        if ok.repeat_at.is_some_and(|at| at <= now) {
            ok.interval = (ok.interval * 2).min(longest);
            ok.repeat_at = Some(now + ok.interval);
            self.transactions.respond(now, ok.transaction, ok.bytes.clone());
        }
    }

    /// An ACK to a 2xx of ours.
    pub(crate) fn on_ack(&mut self, now: Duration, ack: &Message) {
        let (ignores, first_pause) = (self.has(Fault::AckIgnored), self.timers.t1);
        let impatient = self.has(Fault::LateAckEndsCall);
        let number = ack.cseq().map(|cseq| cseq.number);
        let Some(call) = self.calls.iter_mut().find(|call| {
            call.dialog.as_ref().is_some_and(|dialog| dialog.matches(ack))
                && call
                    .unacknowledged
                    .as_ref()
                    .is_some_and(|ok| Some(ok.cseq) == number && !ok.acknowledged)
        }) else {
            return;
        };
        let key = call.key;
        let hang_up = call
            .unacknowledged
            .as_ref()
            .is_some_and(|ok| ok.hang_up || (impatient && ok.interval > first_pause));
        match &mut call.unacknowledged {
            Some(ok) if ignores => ok.acknowledged = true,
            unacknowledged => *unacknowledged = None,
        }
        let agreed = match &mut call.session {
            Some(session) if session.awaits_answer() => {
                answer_of(ack).is_some_and(|answer| session.accept(&answer).is_ok())
            }
            _ => true,
        };
        if hang_up || !agreed {
            self.send_bye(now, key);
        } else {
            call.apply_session();
        }
    }

    /// Sends a 200 to INVITE with a description and keeps it for repetition.
    pub(crate) fn accept_invite(
        &mut self,
        now: Duration,
        key: CallKey,
        id: TransactionId,
        invite: &Message,
        description: Option<Vec<u8>>,
    ) {
        let contact = self.contact_header();
        let tag = self
            .call(key)
            .and_then(|call| call.dialog.as_ref())
            .map(|dialog| dialog.local_tag.clone());
        let abilities = self.abilities();
        // an interval that is too short was refused before
        let terms = self.session_terms(invite).unwrap_or_default();
        let bytes = self.respond_tagged(now, id, invite, 200, &tag.unwrap_or_default(), |builder| {
            let builder = terms.write(abilities.write(builder.header("Contact", contact)));
            match description {
                Some(description) => builder.body("application/sdp", description),
                None => builder,
            }
        });
        self.start_timer_of_uas(now, key, &terms);
        let interval = self.timers.t1;
        let repeats = !self.has(Fault::OkNotRetransmitted);
        let gives_up_at = now + self.timers.t1 * 64;
        if let Some(call) = self.call_mut(key) {
            call.unacknowledged = Some(Unacknowledged {
                transaction: id,
                cseq: invite.cseq().map(|cseq| cseq.number).unwrap_or_default(),
                bytes,
                repeat_at: repeats.then_some(now + interval),
                interval,
                gives_up_at,
                acknowledged: false,
                hang_up: false,
            });
        }
    }

    pub(crate) fn answer_call(&mut self, now: Duration, key: CallKey) {
        let Some(received) = self.call_mut(key).and_then(|call| call.received.as_mut()) else {
            return;
        };
        let (id, invite) = (received.transaction, received.invite.clone());
        received.answer_at = None;
        let offers = invite.body().is_empty();
        if let Some(reliable) = &mut received.reliable {
            if offers && reliable.unacknowledged().next().is_some() {
                // RFC 3262 3: the offer we sent has to be acknowledged before the 2xx
                received.answer_wanted = true;
                return;
            }
            reliable.finish();
        }
        if self.keep_early_media(key) {
            self.accept_invite(now, key, id, &invite, None);
            return self.go_live(now, key);
        }
        let Ok(open) = self.open_media() else {
            return self.refuse(now, key, 500);
        };
        let mut session = self.new_session(&open);
        let description = match answer_of(&invite) {
            Some(offer) => match session.answer(&offer, false) {
                Ok(description) => description,
                Err(_) => {
                    self.close_media(open);
                    return self.refuse(now, key, 488);
                }
            },
            // 13.2.1: the offer is then ours, in the 200, and its answer in the ACK
            None => session.offer(voxproof_sip::sdp::Direction::SendRecv, false),
        };
        lock(&open.media).set_loopback(self.loopback);
        if let Some(call) = self.call_mut(key) {
            call.session = Some(session);
            call.media = Some(open);
        }
        self.accept_invite(now, key, id, &invite, Some(description));
        self.go_live(now, key);
    }

    /// What faults make of the recorded routes of a received call.
    fn misread_routes(&self, routes: &mut Vec<String>) {
        if self.has(Fault::RouteSetIgnored) {
            routes.retain(|route| !route.contains(";lr"));
        }
        if self.has(Fault::RouteSetReversed) {
            routes.reverse();
        }
        if self.has(Fault::StrictRouteAsLoose) {
            for route in routes.iter_mut().filter(|route| !route.contains(";lr")) {
                *route = route.replace('>', ";lr>");
            }
        }
    }

    fn ringing(&self) -> Result<CallKey, PhoneError> {
        let ringing = self.calls.iter().find(|call| call.stage == Stage::Ringing);
        ringing.map(|call| call.key).ok_or(PhoneError::NotRinging)
    }

    /// Whether this is a request we work on already, come by another way (8.2.2.2).
    fn is_merged(&self, invite: &Message) -> bool {
        let same = |other: &Message| {
            other.call_id() == invite.call_id()
                && other.cseq() == invite.cseq()
                && other.from().and_then(|from| from.tag().map(str::to_owned))
                    == invite.from().and_then(|from| from.tag().map(str::to_owned))
        };
        self.calls
            .iter()
            .filter_map(|call| call.received.as_ref())
            .any(|received| same(&received.invite))
    }
}

/// Whether a call asks to be answered without its user: by RFC 5373, or as phones have it.
fn wants_answer(invite: &Message) -> bool {
    let says = |name: &str, wanted: &str| {
        invite
            .header(name)
            .is_some_and(|value| value.to_ascii_lowercase().contains(wanted))
    };
    says("answer-mode", "auto")
        || says("call-info", "answer-after=0")
        || says("alert-info", "info=alert-autoanswer")
}

/// The description in a message, when there is one that can be read.
pub(crate) fn answer_of(message: &Message) -> Option<Description> {
    message.sdp().and_then(Result::ok)
}

/// 8.2.3: the phone reads unencoded session descriptions and nothing else.
pub(crate) fn takes_body(request: &Message) -> bool {
    let plain = request
        .header("content-encoding")
        .is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
    plain && (request.body().is_empty() || request.is_sdp())
}

pub(crate) fn with_accept(builder: voxproof_sip::Builder) -> voxproof_sip::Builder {
    builder
        .header("Accept", "application/sdp")
        .header("Accept-Encoding", "identity")
}
