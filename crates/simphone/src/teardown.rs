//! The end of calls.

use std::time::Duration;

use voxproof_sip::{Builder, Message, TransactionId};

use crate::Fault;
use crate::call::{CallKey, Stage};
use crate::handle::PhoneError;
use crate::phone::{Phone, Purpose};

/// How long a phone with the fault `rtp-after-bye` goes on.
const AFTERGLOW: Duration = Duration::from_secs(3);

impl Phone {
    pub(crate) fn user_hangs_up(&mut self, now: Duration) -> Result<(), PhoneError> {
        let key = self.current().map(|call| call.key).ok_or(PhoneError::NoCall)?;
        self.hang_up(now, key, if self.has(Fault::RejectWith500) { 500 } else { 486 });
        Ok(())
    }

    /// Ends a call in the way its stage asks for; a ringing one with `ringing_status`.
    pub(crate) fn hang_up(&mut self, now: Duration, key: CallKey, ringing_status: u16) {
        let Some(call) = self.call_mut(key) else { return };
        match call.stage {
            Stage::Ringing => self.refuse(now, key, ringing_status),
            Stage::Dialing => self.cancel(now, key),
            Stage::Established => match &mut call.unacknowledged {
                // the callee's BYE has to wait for the ACK, or for its absence (RFC 3261 15)
                Some(ok) if !ok.acknowledged => {
                    ok.hang_up = true;
                    let media = call.media.take();
                    if let Some(media) = media {
                        self.close_media(media);
                    }
                }
                _ => self.send_bye(now, key),
            },
            Stage::Cancelling | Stage::Ended => {}
        }
    }

    /// Sends BYE and forgets the call (15.1.1).
    pub(crate) fn send_bye(&mut self, now: Duration, key: CallKey) {
        let without_tag = self.has(Fault::CalleeByeLacksToTag)
            && self.call(key).is_some_and(|call| call.received.is_some());
        let remote = self
            .call(key)
            .and_then(|call| call.dialog.as_ref())
            .map(|dialog| dialog.remote_uri.clone());
        if !(self.flow_lost && self.has(Fault::HangUpLostWithConnection)) {
            self.request_in_dialog(now, key, "BYE", Purpose::Bye, |builder| match remote {
                Some(remote) if without_tag => builder.set("To", format!("<{remote}>")),
                _ => builder,
            });
        }
        self.finish_call(key);
    }

    /// BYE from the peer (15.1.2).
    pub(crate) fn on_bye(&mut self, now: Duration, key: CallKey, id: TransactionId, bye: &Message) {
        if !self.has(Fault::NoByeAnswer) {
            self.respond(now, id, bye, 200, |builder: Builder| builder);
        }
        let ringing = self.call(key).is_some_and(|call| call.stage == Stage::Ringing);
        if ringing {
            // the pending INVITE is answered, too
            return self.refuse(now, key, 487);
        }
        if self.has(Fault::RtpAfterBye)
            && let Some(media) = self.call_mut(key).and_then(|call| call.media.take())
        {
            self.afterglow.push((now + AFTERGLOW, media));
        }
        self.finish_call(key);
    }

    /// The call is over on our side: its media ends, and it is forgotten unless its referral still needs the dialog.
    pub(crate) fn finish_call(&mut self, key: CallKey) {
        let Some(index) = self.calls.iter().position(|call| call.key == key) else {
            return;
        };
        let mut call = self.calls.remove(index);
        if call.stage == Stage::Established
            && let Some(open) = &call.media
        {
            self.report_quality(self.clock.now(), &call, open);
        }
        let media = call.media.take();
        call.stage = Stage::Ended;
        call.unacknowledged = None;
        call.change = None;
        call.placed = None;
        call.received = None;
        call.transferring = false;
        call.timer = None;
        call.refresh_at = None;
        if call.referral.is_some() {
            self.calls.insert(index, call);
        }
        if let Some(media) = media {
            self.close_media(media);
        }
    }
}
