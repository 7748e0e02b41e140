//! UPDATE: changes and refreshes without a new INVITE (RFC 3311).

use std::time::Duration;

use voxproof_sip::{Message, TransactionId};

use crate::Fault;
use crate::call::{CallKey, Stage};
use crate::incoming::{answer_of, takes_body, with_accept};
use crate::phone::Phone;

impl Phone {
    pub(crate) fn on_update(&mut self, now: Duration, key: CallKey, id: TransactionId, update: &Message) {
        if self.has(Fault::UpdateRefused) {
            let abilities = self.abilities();
            return self.respond(now, id, update, 405, |builder| abilities.allow(builder));
        }
        if !takes_body(update) {
            return self.respond(now, id, update, 415, with_accept);
        }
        let terms = match self.session_terms(update) {
            Ok(terms) => terms,
            Err(minimum) => return self.refuse_interval(now, id, update, minimum),
        };
        let mut answer = None;
        match update.sdp() {
            Some(Err(_)) => return self.respond(now, id, update, 400, |builder| builder),
            Some(Ok(_)) => match self.offer_blocked(key) {
                Some(500) => {
                    let seconds = self.ids.next_u64() % 11;
                    return self.respond(now, id, update, 500, |builder| {
                        builder.header("Retry-After", seconds.to_string())
                    });
                }
                Some(status) => return self.respond(now, id, update, status, |builder| builder),
                None if self.has(Fault::UpdateOfferIgnored) => {}
                None => {
                    let Some(offer) = answer_of(update) else { return };
                    let Some(call) = self.call_mut(key) else { return };
                    let held = call.held;
                    answer = call
                        .session
                        .as_mut()
                        .and_then(|session| session.answer(&offer, held).ok());
                    if answer.is_none() {
                        return self.respond(now, id, update, 488, |builder| builder);
                    }
                    call.apply_session();
                }
            },
            None => {}
        }
        let (contact, abilities) = (self.contact_header(), self.abilities());
        self.respond(now, id, update, 200, |builder| {
            let builder = terms.write(abilities.write(builder.header("Contact", contact)));
            match answer {
                Some(answer) => builder.body("application/sdp", answer),
                None => builder,
            }
        });
        self.start_timer_of_uas(now, key, &terms);
    }

    /// Why an offer cannot be taken now (RFC 3311 5.2): 491 when ours is open, 500 when the peer's own last one is.
    fn offer_blocked(&self, key: CallKey) -> Option<u16> {
        let call = self.call(key)?;
        let ours = call
            .change
            .as_ref()
            .is_some_and(|change| change.transaction.is_some())
            || call
                .session
                .as_ref()
                .is_some_and(|session| session.awaits_answer());
        match call.stage {
            _ if ours => Some(491),
            // the INVITE's offer has no answer before the call is answered
            Stage::Ringing if call.session.is_none() => Some(500),
            // the answer to our INVITE's offer has not come in a way that counts
            Stage::Dialing
                if call
                    .session
                    .as_ref()
                    .is_some_and(|session| session.plan().is_none()) =>
            {
                Some(491)
            }
            _ => None,
        }
    }
}
