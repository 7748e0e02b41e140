//! Changes of a call that is up: the peer's re-INVITEs, and our own for hold and resume (RFC 3261 14, RFC 3264 8).

use std::time::Duration;

use voxproof_sip::sdp::Direction;
use voxproof_sip::{Message, TransactionId};

use crate::Fault;
use crate::call::{CallKey, Change, Stage};
use crate::handle::PhoneError;
use crate::incoming::{answer_of, takes_body, with_accept};
use crate::phone::{Phone, Purpose};
use crate::session::Session;

impl Phone {
    pub(crate) fn user_changes(&mut self, now: Duration, hold: bool) -> Result<(), PhoneError> {
        let key = self.established()?;
        let call = self.call(key).ok_or(PhoneError::NotEstablished)?;
        if call.change.is_some() || call.unacknowledged.as_ref().is_some_and(|ok| !ok.acknowledged) {
            return Err(PhoneError::ChangePending);
        }
        match (call.held, hold) {
            (true, true) => Err(PhoneError::AlreadyHeld),
            (false, false) => Err(PhoneError::NotHeld),
            _ => {
                self.send_change(now, key, hold);
                Ok(())
            }
        }
    }

    /// An INVITE in a dialog (14.2).
    pub(crate) fn on_reinvite(&mut self, now: Duration, key: CallKey, id: TransactionId, invite: &Message) {
        let Some(call) = self.call(key) else { return };
        let unfinished = call.stage != Stage::Established
            || call.unacknowledged.as_ref().is_some_and(|ok| !ok.acknowledged);
        if unfinished {
            let seconds = self.ids.next_u64() % 11;
            return self.respond(now, id, invite, 500, |builder| {
                builder.header("Retry-After", seconds.to_string())
            });
        }
        let pending = call
            .change
            .as_ref()
            .is_some_and(|change| change.transaction.is_some());
        if pending && !self.has(Fault::GlareAccepted) {
            return self.respond(now, id, invite, 491, |builder| builder);
        }
        if !takes_body(invite) {
            return self.respond(now, id, invite, 415, with_accept);
        }
        if let Err(minimum) = self.session_terms(invite) {
            return self.refuse_interval(now, id, invite, minimum);
        }
        let offer = match invite.sdp() {
            Some(Err(_)) => return self.respond(now, id, invite, 400, |builder| builder),
            Some(Ok(offer)) => Some(offer),
            None => None,
        };
        let inactive = offer
            .as_ref()
            .and_then(|offer| offer.audio())
            .is_some_and(|audio| audio.direction == Direction::Inactive);
        let refused = inactive && self.has(Fault::HoldInactiveRejected);
        let keeps_hold = self.has(Fault::OfferlessReinviteKeepsHold);
        let Some(call) = self.call_mut(key) else { return };
        let held = call.held;
        let description = match (&mut call.session, offer) {
            (Some(session), Some(offer)) if !refused => session.answer(&offer, held).ok(),
            // 14.2: the offer is ours, and complete, as if the call were new
            (Some(session), None) => {
                let direction = match held {
                    true => Direction::SendOnly,
                    false if keeps_hold && session.is_held_by_peer() => Direction::Inactive,
                    false => Direction::SendRecv,
                };
                Some(session.offer(direction, false))
            }
            _ => None,
        };
        match description {
            Some(description) => {
                call.apply_session();
                self.accept_invite(now, key, id, invite, Some(description));
            }
            // 14.2: the call goes on as it was
            None => self.respond(now, id, invite, 488, |builder| builder),
        }
    }

    pub(crate) fn on_change_response(
        &mut self,
        now: Duration,
        key: CallKey,
        id: TransactionId,
        response: &Message,
    ) {
        let status = response.status().unwrap_or_default();
        if status < 200 || self.call(key).is_none() {
            return;
        }
        if (200..300).contains(&status) {
            return self.on_changed(now, key, id, response);
        }
        if matches!(status, 401 | 407)
            && let Some(transaction) = self.authenticate(now, id, response)
        {
            if let Some(change) = self.call_mut(key).and_then(|call| call.change.as_mut()) {
                change.transaction = Some(transaction);
            }
            return;
        }
        let wait = self.glare_wait(key);
        let (gives_up, touchy) = (
            self.has(Fault::GlareNoRetry),
            self.has(Fault::RefusedHoldEndsCall),
        );
        let Some(call) = self.call_mut(key) else { return };
        if let Some(session) = &mut call.session {
            session.withdraw_offer();
        }
        match (status, &mut call.change) {
            (491, Some(change)) if !gives_up => {
                change.transaction = None;
                change.retry_at = Some(now + wait);
            }
            // 12.2.1.2: the peer does not know the dialog any more
            (408 | 481, _) => self.send_bye(now, key),
            (488, _) if touchy => self.send_bye(now, key),
            _ => call.change = None,
        }
    }

    pub(crate) fn on_change_timeout(&mut self, now: Duration, key: CallKey) {
        if self
            .call(key)
            .is_some_and(|call| call.stage == Stage::Established)
        {
            self.send_bye(now, key);
        }
    }

    /// The time to try again after a 491 has come.
    pub(crate) fn change_due(&mut self, now: Duration, key: CallKey) {
        let Some(call) = self.call(key) else { return };
        let Some(change) = &call.change else { return };
        if change.retry_at.is_some_and(|at| at <= now) {
            let hold = change.hold;
            if call.unacknowledged.as_ref().is_some_and(|ok| !ok.acknowledged) {
                // the peer's own change is not finished: its ACK is due within moments
                let wait = self.timers.t1;
                if let Some(change) = self.call_mut(key).and_then(|call| call.change.as_mut()) {
                    change.retry_at = Some(now + wait);
                }
            } else {
                self.send_change(now, key, hold);
            }
        }
    }

    pub(crate) fn send_change(&mut self, now: Duration, key: CallKey, hold: bool) {
        let direction = if hold {
            Direction::SendOnly
        } else {
            Direction::SendRecv
        };
        let Some(offer) = self
            .call_mut(key)
            .and_then(|call| call.session.as_mut())
            .map(|session| session.offer(direction, true))
        else {
            return;
        };
        let (abilities, interval) = (self.abilities(), self.refreshing_interval(key));
        let transaction = self.request_in_dialog(now, key, "INVITE", Purpose::Change(key), |builder| {
            let builder = abilities.write(builder);
            let builder = match interval {
                Some(interval) => builder.header("Session-Expires", interval),
                None => builder,
            };
            builder.body("application/sdp", offer)
        });
        if let Some(call) = self.call_mut(key) {
            call.change = Some(Change {
                hold,
                transaction,
                retry_at: None,
            });
        }
    }

    fn on_changed(&mut self, now: Duration, key: CallKey, id: TransactionId, response: &Message) {
        if self.acknowledge_again(key, response) {
            return;
        }
        let Some(invite) = self.requests.get(&id).map(|request| request.message.clone()) else {
            return;
        };
        let Some(dialog) = self.call_mut(key).and_then(|call| call.dialog.as_mut()) else {
            return;
        };
        dialog.refresh_target(response);
        let dialog = dialog.clone();
        let acknowledgement = self.acknowledge(&dialog, &invite, None, None);
        self.start_timer_of_uac(now, key, response);
        let Some(call) = self.call_mut(key) else { return };
        call.acknowledgement = Some(acknowledgement);
        let agreed = match (&mut call.session, answer_of(response)) {
            (Some(session), Some(answer)) => session.accept(&answer).is_ok(),
            _ => false,
        };
        if let Some(change) = call.change.take().filter(|_| agreed) {
            call.held = change.hold;
        }
        if agreed {
            call.apply_session();
        } else {
            call.session
                .as_mut()
                .map(Session::withdraw_offer)
                .unwrap_or_default();
            self.send_bye(now, key);
        }
    }

    /// 14.1: 2.1 to 4 s for the side that chose the Call-ID, 0 to 2 s for the other, in steps of 10 ms.
    pub(crate) fn glare_wait(&mut self, key: CallKey) -> Duration {
        let ours = self.call(key).is_some_and(|call| call.placed.is_some());
        let random = self.ids.next_u64();
        Duration::from_millis(if ours {
            2100 + random % 191 * 10
        } else {
            random % 201 * 10
        })
    }
}
