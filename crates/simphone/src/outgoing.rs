//! Placed calls.

use std::time::Duration;

use voxproof_sip::sdp::Direction;
use voxproof_sip::{Builder, Dialog, Message, RackTracker, ReliableResponse, TransactionId, Uri, cancel_for};

use crate::Fault;
use crate::call::{Acknowledgement, CallKey, Early, Placed, Stage};
use crate::handle::{DialOptions, PhoneError};
use crate::incoming::answer_of;
use crate::phone::{Phone, Purpose, USER_AGENT};

/// So many branches of one call are kept apart; a proxy that forks further is not followed.
const MOST_BRANCHES: usize = 16;

/// So many ended branches are remembered, in case their 2xx comes again.
const MOST_ENDED: usize = 32;

impl Phone {
    pub(crate) fn dial(&mut self, now: Duration, text: &str, options: DialOptions) -> Result<(), PhoneError> {
        if self.is_stopping() {
            return Err(PhoneError::Stopped);
        }
        let mut active = self.calls.iter().filter(|call| call.is_active());
        let free = if options.consultation {
            active.all(|call| call.stage == Stage::Established && call.held)
        } else {
            active.next().is_none()
        };
        if !free {
            return Err(PhoneError::Busy);
        }
        let target = self.target(text)?;
        self.place_call(now, &target, options, None)?;
        Ok(())
    }

    /// The URI of what the user typed: an address, or a number at the phone's own server.
    pub(crate) fn target(&self, text: &str) -> Result<Uri, PhoneError> {
        let invalid = || PhoneError::InvalidUri(text.to_owned());
        let text = text.trim().trim_start_matches('<').trim_end_matches('>');
        if let Ok(uri) = Uri::parse(text)
            && (uri.is_sip() || uri.scheme == "tel")
        {
            return Ok(uri);
        }
        let number = !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+*#-._".contains(c));
        if !number {
            return Err(invalid());
        }
        // `#` may not stand unescaped in a user part (RFC 3261 25.1)
        let user = text.replace('#', "%23");
        Uri::parse(&format!("sip:{user}@{}", self.config.server)).map_err(|_| invalid())
    }

    /// Sends an INVITE by the registrar's routes, else through the outbound proxy.
    pub(crate) fn place_call(
        &mut self,
        now: Duration,
        target: &Uri,
        options: DialOptions,
        referred_by: Option<CallKey>,
    ) -> Result<CallKey, PhoneError> {
        let media = self.open_media()?;
        let mut session = self.new_session(&media);
        let mut call = self.new_call(Stage::Dialing);
        let uri = target.to_request_uri();
        let (routes, destination) = self.way_out();
        let mut builder = Builder::request("INVITE", &uri).header("Via", self.via());
        for route in &routes {
            builder = builder.header("Route", route);
        }
        builder = builder
            .header("Max-Forwards", "70")
            .header(
                "From",
                format!("<{}>;tag={}", self.address_of_record(), self.ids.tag()),
            )
            .header("To", format!("<{uri}>"))
            .header("Call-ID", self.ids.call_id(&self.contact.ip().to_string()))
            .header("CSeq", "1 INVITE")
            .header("Contact", self.contact_header());
        builder = self.abilities().write(builder).header("User-Agent", USER_AGENT);
        builder = self.asked_interval(builder);
        for (name, value) in &options.headers {
            builder = builder.header(name, value);
        }
        let bytes = if options.delayed_offer {
            builder.build()
        } else {
            builder
                .body("application/sdp", session.offer(Direction::SendRecv, false))
                .build()
        };
        let key = call.key;
        let (bytes, destination) = self.fitting(bytes, destination);
        let request = Message::parse(&bytes);
        let transaction = self.request(now, bytes, destination, Purpose::Invite(key), Vec::new());
        call.session = Some(session);
        call.media = Some(media);
        call.placed = Some(Placed {
            transaction,
            request,
            target: uri.clone(),
            destination,
            delayed_offer: options.delayed_offer,
            early: Vec::new(),
            alternatives: Vec::new(),
            tried: vec![uri],
            provisional: false,
            referred_by,
            gives_up_at: None,
        });
        self.calls.push(call);
        Ok(key)
    }

    pub(crate) fn on_invite_response(
        &mut self,
        now: Duration,
        key: CallKey,
        id: TransactionId,
        response: &Message,
    ) {
        let status = response.status().unwrap_or_default();
        let stage = self.call(key).map(|call| call.stage);
        match (stage, status) {
            (Some(Stage::Dialing | Stage::Cancelling), 0..200) => self.on_provisional(now, key, response),
            (_, 0..200) => {}
            (Some(Stage::Dialing), 200..300) => self.on_answered(now, key, response),
            (Some(Stage::Established), 200..300) if self.acknowledge_again(key, response) => {}
            (_, 200..300) if self.acknowledge_ended_again(response) => {}
            // an answer nobody waits for any more, or of a second branch (13.2.2.4): take it and hang up at once
            (_, 200..300) => {
                let cancelled = stage == Some(Stage::Cancelling);
                if cancelled || !self.has(Fault::SecondOkUnacked) {
                    let lasting = if cancelled {
                        Fault::CancelRaceNoBye
                    } else {
                        Fault::SecondOkKept
                    };
                    let ends = !self.has(lasting);
                    self.acknowledge_and_end(now, id, response, ends);
                }
                if cancelled {
                    self.finish_call(key);
                }
            }
            (Some(Stage::Dialing), 401 | 407) if self.retry_invite(now, key, id, response) => {}
            (Some(Stage::Dialing), 422) if self.retry_interval(now, key, response) => {}
            (Some(Stage::Dialing), 300..400) if self.redirect(now, key, response) => {}
            // 16.7: a 6xx speaks for everybody, other failures only for one address of a redirection
            (Some(Stage::Dialing), 400..600) if self.try_alternative(now, key) => {}
            _ => {
                let reason = response.reason().unwrap_or_default().to_owned();
                self.on_call_failed(now, key, status, &reason);
            }
        }
    }

    /// The call came to nothing.
    pub(crate) fn on_call_failed(&mut self, now: Duration, key: CallKey, status: u16, reason: &str) {
        let Some(call) = self.call(key) else { return };
        if !matches!(call.stage, Stage::Dialing | Stage::Cancelling) {
            return;
        }
        let referrer = call.placed.as_ref().and_then(|placed| placed.referred_by);
        self.finish_call(key);
        if let Some(referrer) = referrer {
            self.report_referral(now, referrer, status, reason);
        }
    }

    /// Gives up a call that has no final response (9.1).
    pub(crate) fn cancel(&mut self, now: Duration, key: CallKey) {
        let hasty = self.has(Fault::CancelBeforeProvisional);
        let Some(call) = self.call_mut(key) else { return };
        call.stage = Stage::Cancelling;
        // before a provisional response the CANCEL might overtake its INVITE: it waits
        if hasty || call.placed.as_ref().is_some_and(|placed| placed.provisional) {
            self.send_cancel(now, key);
        }
    }

    /// A cancelled INVITE without a final response is given up after 64*T1 (9.1).
    pub(crate) fn placed_call_due(&mut self, now: Duration, key: CallKey) {
        let placed = self.call(key).and_then(|call| call.placed.as_ref());
        if placed
            .and_then(|placed| placed.gives_up_at)
            .is_some_and(|at| at <= now)
        {
            self.on_call_failed(now, key, 408, "Request Timeout");
        }
    }

    /// Sends the ACK to a 2xx, a request of its own (13.2.2.4), and returns it for repetition.
    pub(crate) fn acknowledge(
        &mut self,
        dialog: &Dialog,
        invite: &Message,
        dialled: Option<&str>,
        answer: Option<Vec<u8>>,
    ) -> Acknowledgement {
        let cseq = invite.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let mut builder = dialog.ack(cseq, &mut self.ids).header("User-Agent", USER_AGENT);
        // 22.1: the same credentials as in the INVITE
        for (name, long) in [
            ("Authorization", "authorization"),
            ("Proxy-Authorization", "proxy-authorization"),
        ] {
            for value in invite.headers(long) {
                builder = builder.header(name, value);
            }
        }
        if let Some(answer) = answer {
            builder = builder.body("application/sdp", answer);
        }
        let mut bytes = builder.build();
        if let (Some(uri), Some(end)) = (dialled, bytes.iter().position(|byte| *byte == b'\r')) {
            bytes.splice(..end, format!("ACK {uri} SIP/2.0").into_bytes());
        }
        let destination = self.resolve(&dialog.next_hop());
        let (bytes, destination) = self.fitting(bytes, destination);
        self.transactions.send(bytes.clone(), destination);
        Acknowledgement {
            cseq,
            remote_tag: dialog.remote_tag.clone(),
            bytes,
            destination,
        }
    }

    /// Sends the ACK again for a retransmission of the 2xx it was for. Whether it was one.
    pub(crate) fn acknowledge_again(&mut self, key: CallKey, response: &Message) -> bool {
        let number = response.cseq().map(|cseq| cseq.number);
        let tag = response
            .to()
            .and_then(|to| to.tag().map(str::to_owned))
            .unwrap_or_default();
        let again = self.call(key).and_then(|call| call.acknowledgement.as_ref());
        let Some(again) = again.filter(|ack| Some(ack.cseq) == number && ack.remote_tag == tag) else {
            return false;
        };
        let (bytes, destination) = (again.bytes.clone(), again.destination);
        if !self.has(Fault::AckNotRepeated) {
            self.transactions.send(bytes, destination);
        }
        true
    }

    fn on_provisional(&mut self, now: Duration, key: CallKey, response: &Message) {
        let Some(call) = self.call_mut(key) else { return };
        let first = match &mut call.placed {
            Some(placed) => !std::mem::replace(&mut placed.provisional, true),
            None => false,
        };
        if call.stage == Stage::Cancelling {
            if first {
                self.send_cancel(now, key);
            }
            return;
        }
        let tag = response.to().and_then(|to| to.tag().map(str::to_owned));
        let (Some(tag), 101..) = (tag, response.status().unwrap_or_default()) else {
            return;
        };
        let Some(placed) = &mut call.placed else { return };
        if response.status() == Some(199) {
            // RFC 6228: that branch has failed, the others go on
            return placed.early.retain(|early| early.dialog.remote_tag != tag);
        }
        let known = placed
            .early
            .iter()
            .position(|early| early.dialog.remote_tag == tag);
        let index = match (known, Dialog::from_uac(&placed.request, response)) {
            (Some(index), _) => index,
            (None, Some(dialog)) if placed.early.len() < MOST_BRANCHES => {
                placed.early.push(Early {
                    dialog,
                    description: None,
                    rack: RackTracker::new(),
                    answered: false,
                });
                placed.early.len() - 1
            }
            _ => return,
        };
        let delayed = placed.delayed_offer;
        let Some(early) = placed.early.get_mut(index) else {
            return;
        };
        match early.rack.response(response) {
            ReliableResponse::Unreliable => {}
            ReliableResponse::Acknowledge(rack) => {
                let offer = answer_of(response).filter(|_| delayed);
                self.send_prack(now, key, index, &rack, offer.as_ref());
            }
            // a repetition, or one whose predecessor is still to come (RFC 3262 4)
            _ => return,
        }
        let Some(description) = answer_of(response).filter(|_| !delayed) else {
            if response.status() == Some(180)
                && let Some(open) = self.call(key).and_then(|call| call.media.as_ref())
            {
                crate::media::lock(&open.media).ringing();
            }
            return;
        };
        let Some(call) = self.call_mut(key) else { return };
        if let Some(early) = call
            .placed
            .as_mut()
            .and_then(|placed| placed.early.get_mut(index))
        {
            early.description = Some(description.clone());
        }
        if let Some(session) = &mut call.session
            && session.accept(&description).is_ok()
        {
            call.apply_session();
            self.listen(key);
        }
    }

    fn on_answered(&mut self, now: Duration, key: CallKey, response: &Message) {
        let to_dialled = self.has(Fault::AckToRequestUri);
        let (confuses, in_order) = (
            self.has(Fault::ForkedAckToFirstBranch),
            self.has(Fault::RouteSetNotReversed),
        );
        let Some(call) = self.call_mut(key) else { return };
        let Some(placed) = &mut call.placed else { return };
        let (invite, target, referrer) = (placed.request.clone(), placed.target.clone(), placed.referred_by);
        let Some(mut dialog) = Dialog::from_uac(&invite, response) else {
            return;
        };
        if confuses && let [first, _, ..] = placed.early.as_slice() {
            dialog.remote_tag.clone_from(&first.dialog.remote_tag);
        }
        if in_order {
            dialog.route_set.reverse();
        }
        let early = placed
            .early
            .drain(..)
            .find(|early| early.dialog.remote_tag == dialog.remote_tag);
        let mut description = answer_of(response);
        let mut answered = false;
        if let Some(early) = early {
            answered = early.answered;
            // 13.2.2.4: the route set is the 2xx's, the numbers go on from the early dialog
            dialog.local_cseq = dialog.local_cseq.max(early.dialog.local_cseq);
            dialog.remote_cseq = early.dialog.remote_cseq;
            // an early answer of the same branch counts when the 2xx has none
            description = description.or(early.description);
        }
        let offered_to_us = placed.delayed_offer;
        let (agreed, answer) = match (&mut call.session, description) {
            // the offer of the early dialog was answered by PRACK
            (Some(_), None) if answered => (true, None),
            (Some(session), Some(offer)) if offered_to_us => {
                let answer = session.answer(&offer, false).ok();
                (answer.is_some(), answer)
            }
            (Some(session), Some(answer)) => (session.accept(&answer).is_ok(), None),
            _ => (false, None),
        };
        let acknowledgement =
            self.acknowledge(&dialog, &invite, to_dialled.then_some(target.as_str()), answer);
        let loopback = self.loopback;
        let Some(call) = self.call_mut(key) else { return };
        call.dialog = Some(dialog);
        call.acknowledgement = Some(acknowledgement);
        call.peer_updates = call.peer_updates || response.has_token("allow", "UPDATE");
        if let Some(open) = &call.media {
            crate::media::lock(&open.media).set_loopback(loopback);
        }
        if agreed {
            self.start_timer_of_uac(now, key, response);
            self.go_live(now, key);
        } else {
            self.send_bye(now, key);
        }
        if let Some(referrer) = referrer {
            self.report_referral(now, referrer, 200, "OK");
        }
    }

    /// Sends the ACK again for a retransmission of a 2xx whose call was ended at once. Whether it was one.
    fn acknowledge_ended_again(&mut self, response: &Message) -> bool {
        let (call_id, number) = (response.call_id(), response.cseq().map(|cseq| cseq.number));
        let tag = response.to().and_then(|to| to.tag().map(str::to_owned));
        let known = self.ended_forks.iter().find(|(id, ack)| {
            Some(id.as_str()) == call_id && Some(ack.cseq) == number && Some(&ack.remote_tag) == tag.as_ref()
        });
        let Some((bytes, destination)) = known.map(|(_, ack)| (ack.bytes.clone(), ack.destination)) else {
            return false;
        };
        self.transactions.send(bytes, destination);
        true
    }

    fn acknowledge_and_end(&mut self, now: Duration, id: TransactionId, response: &Message, ends: bool) {
        let Some(invite) = self.requests.get(&id).map(|request| request.message.clone()) else {
            return;
        };
        let Some(mut dialog) = Dialog::from_uac(&invite, response) else {
            return;
        };
        let acknowledgement = self.acknowledge(&dialog, &invite, None, None);
        self.ended_forks
            .push_back((dialog.call_id.clone(), acknowledgement));
        if self.ended_forks.len() > MOST_ENDED {
            self.ended_forks.pop_front();
        }
        if !ends {
            return;
        }
        let destination = self.resolve(&dialog.next_hop());
        let bye = dialog
            .request("BYE", &mut self.ids)
            .header("User-Agent", USER_AGENT)
            .build();
        self.request(now, bye, destination, Purpose::Bye, Vec::new());
    }

    fn retry_invite(&mut self, now: Duration, key: CallKey, id: TransactionId, refusal: &Message) -> bool {
        let Some(transaction) = self.authenticate(now, id, refusal) else {
            return false;
        };
        let Some((request, destination)) = self
            .requests
            .get(&transaction)
            .map(|request| (request.message.clone(), request.destination))
        else {
            return false;
        };
        if let Some(placed) = self.call_mut(key).and_then(|call| call.placed.as_mut()) {
            placed.transaction = transaction;
            placed.request = request;
            placed.destination = destination;
            placed.provisional = false;
            placed.early.clear();
        }
        true
    }

    fn send_cancel(&mut self, now: Duration, key: CallKey) {
        let gives_up_at = now + self.timers.t1 * 64;
        let new_branch = self.has(Fault::CancelNewBranch);
        let Some(placed) = self.call_mut(key).and_then(|call| call.placed.as_mut()) else {
            return;
        };
        placed.gives_up_at = Some(gives_up_at);
        let (mut bytes, destination) = (cancel_for(&placed.request), placed.destination);
        let branch = placed
            .request
            .top_via()
            .and_then(|via| via.branch().map(str::to_owned));
        if let (true, Some(branch)) = (new_branch, branch) {
            bytes = String::from_utf8_lossy(&bytes)
                .replace(&branch, &self.ids.branch())
                .into_bytes();
        }
        self.request(now, bytes, destination, Purpose::Cancel, Vec::new());
    }
}
