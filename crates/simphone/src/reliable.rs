//! Reliable provisional responses (RFC 3262), sent for received calls and acknowledged for placed ones.

use std::time::Duration;

use voxproof_sip::sdp::{Description, Direction};
use voxproof_sip::{Builder, Message, PrackMatch, ReliableProvisionals, TransactionId, default_reason};

use crate::Fault;
use crate::call::{CallKey, Stage};
use crate::incoming::answer_of;
use crate::media::lock;
use crate::phone::{Phone, Purpose, USER_AGENT};

impl Phone {
    /// Says that a received call rings: reliably where the caller requires it, or can do it and we want it.
    pub(crate) fn ring(&mut self, now: Duration, key: CallKey) {
        if self.has(Fault::No180) {
            return;
        }
        let Some(received) = self.call(key).and_then(|call| call.received.as_ref()) else {
            return;
        };
        let (id, invite, tag) = (
            received.transaction,
            received.invite.clone(),
            received.local_tag.clone(),
        );
        let reliable = match ReliableProvisionals::wanted(&invite) {
            Some(true) => !self.has(Fault::ReliableRequiredIgnored),
            Some(false) => self.config.reliable_provisionals == crate::ReliableProvisionals::WhenSupported,
            None => false,
        };
        let (contact, abilities) = (self.contact_header(), self.abilities());
        if !reliable {
            self.respond_tagged(now, id, &invite, 180, &tag, |builder| {
                abilities.allow(builder.header("Contact", contact))
            });
            return;
        }
        let mut response = abilities.allow(
            Builder::response_to(&invite, 180, default_reason(180))
                .to_tag(&tag)
                .header("User-Agent", USER_AGENT)
                .header("Contact", contact),
        );
        // RFC 3261 13.2.1: without an offer in the INVITE the first reliable response has to make one
        if invite.body().is_empty() {
            let Ok(open) = self.open_media() else {
                return self.refuse(now, key, 500);
            };
            let mut session = self.new_session(&open);
            response = response.body("application/sdp", session.offer(Direction::SendRecv, false));
            if let Some(call) = self.call_mut(key) {
                call.session = Some(session);
                call.media = Some(open);
            }
        }
        let first = u32::try_from(self.ids.next_u64() % 0x7fff_0000).unwrap_or(1);
        let cseq = invite.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let mut provisionals = ReliableProvisionals::new(cseq, first, self.timers);
        // the first response of a new machine is never refused
        let _ = provisionals.send(now, response);
        while let Some(bytes) = provisionals.poll_transmit() {
            self.transactions.respond(now, id, bytes);
        }
        if let Some(received) = self.call_mut(key).and_then(|call| call.received.as_mut()) {
            received.reliable = Some(provisionals);
        }
    }

    /// Repeats an unacknowledged response, and gives up the call when its PRACK never comes (RFC 3262 3).
    pub(crate) fn reliable_due(&mut self, now: Duration, key: CallKey) {
        let once = self.has(Fault::ReliableNotRetransmitted);
        let Some(call) = self.calls.iter_mut().find(|call| call.key == key) else {
            return;
        };
        let Some(received) = call.received.as_mut().filter(|_| call.stage == Stage::Ringing) else {
            return;
        };
        let Some(reliable) = received.reliable.as_mut() else {
            return;
        };
        let given_up = reliable.handle_timeout(now).is_some();
        while let Some(bytes) = reliable.poll_transmit() {
            if !once {
                self.transactions.respond(now, received.transaction, bytes);
            }
        }
        if given_up {
            self.refuse(now, key, 504);
        }
    }

    /// PRACK (RFC 3262 3).
    pub(crate) fn on_prack(&mut self, now: Duration, key: CallKey, id: TransactionId, prack: &Message) {
        let lenient = self.has(Fault::PrackUnmatched200);
        let matched = self
            .call_mut(key)
            .and_then(|call| call.received.as_mut())
            .and_then(|received| received.reliable.as_mut())
            .map_or(PrackMatch::Unmatched, |reliable| reliable.prack(prack));
        match matched {
            PrackMatch::Malformed => return self.respond(now, id, prack, 400, |builder| builder),
            PrackMatch::Unmatched if !lenient => {
                return self.respond(now, id, prack, 481, |builder| builder);
            }
            PrackMatch::Unmatched | PrackMatch::Acknowledged(_) => {}
        }
        let Some(call) = self.call_mut(key) else { return };
        let mut unagreed = false;
        let mut answer = None;
        match (&mut call.session, answer_of(prack)) {
            (Some(session), Some(description)) if session.awaits_answer() => {
                unagreed = session.accept(&description).is_err();
            }
            // RFC 3262 5: the offer in the response wants its answer here
            (Some(session), None) => unagreed = session.awaits_answer(),
            (Some(session), Some(offer)) => answer = session.answer(&offer, false).ok(),
            (None, _) => {}
        }
        self.respond(now, id, prack, 200, |builder| match answer {
            Some(answer) => builder.body("application/sdp", answer),
            None => builder,
        });
        if unagreed {
            return self.refuse(now, key, 488);
        }
        let answers = self
            .call(key)
            .and_then(|call| call.received.as_ref())
            .is_some_and(|received| received.answer_wanted);
        if answers {
            self.answer_call(now, key);
        }
    }

    /// Acknowledges a reliable provisional response of one branch of a placed call; with the answer to its offer when
    /// the INVITE had none (RFC 3262 4, 5).
    pub(crate) fn send_prack(
        &mut self,
        now: Duration,
        key: CallKey,
        index: usize,
        rack: &voxproof_sip::headers::RAck,
        offer: Option<&Description>,
    ) {
        if self.has(Fault::PrackMissing) {
            return;
        }
        let mut rack = rack.clone();
        if self.has(Fault::PrackWrongRack) {
            rack.rseq = rack.rseq.wrapping_add(1);
        }
        let Some(call) = self.calls.iter_mut().find(|call| call.key == key) else {
            return;
        };
        let answer = match (&mut call.session, offer) {
            (Some(session), Some(offer)) => session.answer(offer, false).ok(),
            _ => None,
        };
        let Some(early) = call
            .placed
            .as_mut()
            .and_then(|placed| placed.early.get_mut(index))
        else {
            return;
        };
        early.answered = early.answered || answer.is_some();
        let mut builder = early
            .dialog
            .request("PRACK", &mut self.ids)
            .header("RAck", rack.to_string())
            .header("User-Agent", USER_AGENT);
        if let Some(answer) = answer {
            builder = builder.body("application/sdp", answer);
            call.apply_session();
        }
        let next_hop = call
            .placed
            .as_ref()
            .and_then(|placed| placed.early.get(index))
            .map(|early| early.dialog.next_hop())
            .unwrap_or_default();
        let destination = self.resolve(&next_hop);
        self.request(now, builder.build(), destination, Purpose::Prack(key), Vec::new());
    }

    /// The media of a call whose early session may go on as it is.
    pub(crate) fn keep_early_media(&self, key: CallKey) -> bool {
        let loopback = self.loopback;
        let Some(call) = self.call(key) else { return false };
        match (&call.session, &call.media) {
            (Some(_), Some(open)) => {
                lock(&open.media).set_loopback(loopback);
                true
            }
            _ => false,
        }
    }
}
