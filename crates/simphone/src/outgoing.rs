//! Placed calls.

use std::time::Duration;

use voxproof_sip::sdp::Direction;
use voxproof_sip::{Builder, Dialog, Message, TransactionId, Uri, cancel_for};

use crate::Fault;
use crate::call::{Acknowledgement, CallKey, Placed, Stage};
use crate::handle::PhoneError;
use crate::incoming::answer_of;
use crate::phone::{Phone, Purpose, USER_AGENT};
use crate::requests::{ALLOW, SUPPORTED};
use crate::session::Session;

impl Phone {
    pub(crate) fn dial(&mut self, now: Duration, text: &str) -> Result<(), PhoneError> {
        if self.is_stopping() {
            return Err(PhoneError::Stopped);
        }
        if self.current().is_some() {
            return Err(PhoneError::Busy);
        }
        let target = self.target(text)?;
        self.place_call(now, &target, Vec::new(), None)?;
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

    /// Sends an INVITE through the outbound proxy.
    pub(crate) fn place_call(
        &mut self,
        now: Duration,
        target: &Uri,
        headers: Vec<(&'static str, String)>,
        referred_by: Option<CallKey>,
    ) -> Result<CallKey, PhoneError> {
        let media = self.open_media()?;
        let mut session = Session::new(
            self.capabilities(),
            media.port.local_addr(),
            self.ids.next_u64() >> 33,
        );
        let offer = session.offer(Direction::SendRecv, false);
        let mut call = self.new_call(Stage::Dialing);
        let uri = target.to_request_uri();
        let mut builder = Builder::request("INVITE", &uri)
            .header("Via", self.via())
            .header("Max-Forwards", "70")
            .header(
                "From",
                format!("<{}>;tag={}", self.address_of_record(), self.ids.tag()),
            )
            .header("To", format!("<{uri}>"))
            .header("Call-ID", self.ids.call_id(&self.contact.ip().to_string()))
            .header("CSeq", "1 INVITE")
            .header("Contact", self.contact_header())
            .header("Allow", ALLOW.join(", "))
            .header("Supported", SUPPORTED.join(", "))
            .header("User-Agent", USER_AGENT);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        let bytes = builder.body("application/sdp", offer).build();
        let (key, destination) = (call.key, self.config.server);
        let request = Message::parse(&bytes);
        let transaction = self.request(now, bytes, destination, Purpose::Invite(key), 0);
        call.session = Some(session);
        call.media = Some(media);
        call.placed = Some(Placed {
            transaction,
            request,
            target: uri,
            destination,
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
            // an answer nobody waits for any more, or of a second branch (13.2.2.4): take it and hang up at once
            (_, 200..300) => {
                self.acknowledge_and_end(now, id, response);
                if stage == Some(Stage::Cancelling) {
                    self.finish_call(key);
                }
            }
            (Some(Stage::Dialing), 401 | 407) if self.retry_invite(now, key, id, response) => {}
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
        let Some(call) = self.call_mut(key) else { return };
        call.stage = Stage::Cancelling;
        // before a provisional response the CANCEL might overtake its INVITE: it waits
        if call.placed.as_ref().is_some_and(|placed| placed.provisional) {
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
        let mut bytes = builder.build();
        if let (Some(uri), Some(end)) = (dialled, bytes.iter().position(|byte| *byte == b'\r')) {
            bytes.splice(..end, format!("ACK {uri} SIP/2.0").into_bytes());
        }
        let destination = self.resolve(&dialog.next_hop());
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
        self.transactions.send(bytes, destination);
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
        if let (Some(early), Some(session)) = (answer_of(response), &mut call.session)
            && session.accept(&early).is_ok()
        {
            call.apply_session();
            self.listen(key);
        }
    }

    fn on_answered(&mut self, now: Duration, key: CallKey, response: &Message) {
        let to_dialled = self.has(Fault::AckToRequestUri);
        let Some(placed) = self.call(key).and_then(|call| call.placed.as_ref()) else {
            return;
        };
        let (invite, target, referrer) = (placed.request.clone(), placed.target.clone(), placed.referred_by);
        let Some(dialog) = Dialog::from_uac(&invite, response) else {
            return;
        };
        let acknowledgement = self.acknowledge(&dialog, &invite, to_dialled.then_some(target.as_str()));
        let Some(call) = self.call_mut(key) else { return };
        call.dialog = Some(dialog);
        call.acknowledgement = Some(acknowledgement);
        let agreed = match (&mut call.session, answer_of(response)) {
            (Some(session), Some(answer)) => session.accept(&answer).is_ok(),
            // an early answer counts when the 2xx has none
            (Some(session), None) => session.plan().is_some(),
            (None, _) => false,
        };
        if agreed {
            self.go_live(now, key);
        } else {
            self.send_bye(now, key);
        }
        if let Some(referrer) = referrer {
            self.report_referral(now, referrer, 200, "OK");
        }
    }

    fn acknowledge_and_end(&mut self, now: Duration, id: TransactionId, response: &Message) {
        let Some(invite) = self.requests.get(&id).map(|request| request.message.clone()) else {
            return;
        };
        let Some(mut dialog) = Dialog::from_uac(&invite, response) else {
            return;
        };
        self.acknowledge(&dialog, &invite, None);
        let destination = self.resolve(&dialog.next_hop());
        let bye = dialog
            .request("BYE", &mut self.ids)
            .header("User-Agent", USER_AGENT)
            .build();
        self.request(now, bye, destination, Purpose::Bye, 0);
    }

    fn retry_invite(&mut self, now: Duration, key: CallKey, id: TransactionId, refusal: &Message) -> bool {
        let Some(transaction) = self.authenticate(now, id, refusal) else {
            return false;
        };
        let Some(request) = self
            .requests
            .get(&transaction)
            .map(|request| request.message.clone())
        else {
            return false;
        };
        if let Some(placed) = self.call_mut(key).and_then(|call| call.placed.as_mut()) {
            placed.transaction = transaction;
            placed.request = request;
            placed.provisional = false;
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
        self.request(now, bytes, destination, Purpose::Cancel, 0);
    }
}
