//! Messages of the lab: not judged, but what the device says next is held against them.

use std::time::Duration;

use crate::dialog::{self, Dialog};
use crate::facts::Facts;
use crate::ledger::Ledger;
use crate::tables::{Call, Tables, dialog_key};
use crate::transaction::{self, Final, Transaction};
use crate::{media, registration, reliable, text};

impl Tables {
    pub(crate) fn lab_request(&mut self, facts: &Facts<'_>, ledger: &mut Ledger) {
        let key = transaction::key(false, facts.call_id, facts.number(), facts.method);
        if facts.method == "ACK" {
            self.lab_ack(facts, ledger);
            return;
        }
        let mut transaction = Transaction::new(facts);
        if let Some(known) = self.transactions.get_mut(key) {
            if known.hash == facts.hash {
                lab_again(known, facts);
                return;
            }
            transaction.merged = true;
        }
        let branch = facts.branch();
        if !branch.is_empty() {
            let _oldest = self.lab_branches.insert(text::hash(&(branch, facts.method)), key);
        }
        let at = facts.spot.at;
        if let Some(dialog) = dialog_key(facts).and_then(|key| self.dialogs.get_mut(key)) {
            dialog.refresh(facts);
            if facts.method == "INVITE" {
                transaction.glare = dialog
                    .device_invite
                    .and_then(|key| self.transactions.get(key))
                    .is_some_and(|own| own.is_pending(at));
                dialog.lab_invite = Some(key);
            }
        }
        if facts.method == "PRACK"
            && let Some((_, number, method)) = reliable::acknowledgement(facts)
            && let Some(invite) =
                self.transactions
                    .get_mut(transaction::key(false, facts.call_id, number, &method))
        {
            reliable::learn_prack(facts, invite);
            if let (Some(answer), Some(offer)) = (&facts.description, invite.response_offer.take()) {
                transaction.offer = None;
                if let Some(call) = dialog_key(facts) {
                    media::agree(&mut self.flows, call, &offer, answer, at, ledger);
                }
            }
        }
        if let Some(offer) = &transaction.offer {
            media::offer(&mut self.flows, offer);
        }
        self.remember(key, transaction, ledger);
    }

    pub(crate) fn lab_ack(&mut self, facts: &Facts<'_>, ledger: &mut Ledger) {
        let key = transaction::key(false, facts.call_id, facts.number(), "INVITE");
        let dialog = dialog_key(facts);
        if let Some(dialog) = dialog.and_then(|key| self.dialogs.get_mut(key)) {
            dialog.take_ack();
        }
        let Some(invite) = self.transactions.get_mut(key) else {
            return;
        };
        invite.acknowledged.get_or_insert(facts.spot.at);
        if let (Some(answer), Some(offer), Some(call)) =
            (&facts.description, invite.response_offer.take(), dialog)
        {
            media::agree(&mut self.flows, call, &offer, answer, facts.spot.at, ledger);
        }
    }

    pub(crate) fn lab_response(&mut self, facts: &Facts<'_>, ledger: &mut Ledger) {
        let key = transaction::key(true, facts.call_id, facts.number(), facts.method);
        self.challenges.learn(facts, self.transactions.get(key));
        let Some(request) = self.transactions.get_mut(key) else {
            return;
        };
        if !learn_response(request, facts) {
            return;
        }
        reliable::learn_response(facts, request);
        let call = self.calls.entry(text::hash(&facts.call_id), Call::default);
        match facts.status {
            422 => {
                call.least_interval = facts
                    .message
                    .header("min-se")
                    .and_then(|value| value.split(';').next()?.trim().parse().ok());
            }
            423 if facts.method == "REGISTER" => {
                let least = facts
                    .message
                    .header("min-expires")
                    .and_then(|value| value.trim().parse().ok());
                let registration = registration::key(&request.uri, request.to.as_deref());
                if let Some(registration) = self.registrations.get_mut(registration) {
                    registration.too_brief(least);
                }
            }
            200..300 if facts.method == "INVITE" => {
                call.connected = true;
                call.least_interval = None;
            }
            _ => {}
        }
        let request = &*request;
        if let Some(dialog_key) = dialog_key(facts).filter(|_| dialog::is_made_by(facts)) {
            call.has_dialog = true;
            if let Some(known) = self.dialogs.get_mut(dialog_key) {
                known.take_response(facts, request, false);
            } else {
                let mut made = Dialog::new(facts, request);
                made.device_invite = request.is_invite().then_some(key);
                let _oldest = self.dialogs.insert(dialog_key, made);
            }
        } else if facts.is_success()
            && let Some(dialog) = dialog_key(facts).and_then(|key| self.dialogs.get_mut(key))
        {
            dialog.refresh(facts);
        }
        let Some(lab) = facts.description.clone().filter(|_| facts.status < 300) else {
            return;
        };
        match &request.offer {
            Some(offer) => {
                let offer = offer.clone();
                if let Some(call) = dialog_key(facts) {
                    media::agree(&mut self.flows, call, &offer, &lab, facts.spot.at, ledger);
                }
            }
            None => {
                if let Some(request) = self.transactions.get_mut(key)
                    && (facts.is_success() || facts.has("rseq"))
                {
                    request.response_offer = Some(lab);
                }
            }
        }
    }
}

/// The lab repeats a request; a user agent answers it again (RFC 3261 17.2.1, 17.2.2).
fn lab_again(known: &mut Transaction, facts: &Facts<'_>) {
    known.copies += 1;
    known.last_at = facts.spot.at;
    let answers_again = if known.is_invite() {
        known.last.is_none_or(|last| last.status >= 300) && known.acknowledged.is_none()
    } else {
        known.last.is_some()
    };
    // what crossed the first response on its way is no repetition of an answered request
    let settled = known
        .first_response_at
        .is_some_and(|at| facts.spot.at.saturating_sub(at) > Duration::from_millis(300));
    let fresh = facts.spot.at.saturating_sub(known.first.at) < Duration::from_secs(20);
    if answers_again && settled && fresh && !facts.transport.is_reliable() {
        known.owed = Some(facts.spot);
    }
}

/// Keeps a response of the lab; false for one that is known.
fn learn_response(request: &mut Transaction, facts: &Facts<'_>) -> bool {
    request.first_response_at.get_or_insert(facts.spot.at);
    if facts.status < 200 {
        return true;
    }
    if let Some(last) = request.last.as_mut() {
        if last.hash == facts.hash {
            last.copies += 1;
            last.last_at = facts.spot.at;
            return false;
        }
        // a fork gives several 2xx
        request.merged = true;
        return true;
    }
    request.response_tag = facts.tag_of_to().map(str::to_owned);
    request.last = Some(Final {
        status: facts.status,
        spot: facts.spot,
        hash: facts.hash,
        copies: 1,
        last_at: facts.spot.at,
    });
    true
}
