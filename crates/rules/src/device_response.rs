//! Responses of the device.

use crate::catalogue::Id;
use crate::device_request::alone;
use crate::dialog::{self, Dialog};
use crate::event::{self, Referral};
use crate::facts::{Context, Facts};
use crate::ledger::Ledger;
use crate::tables::{Call, REFERRALS, Tables, dialog_key, negotiates};
use crate::transaction;
use crate::{media, offer_answer, reliable, response, session_timer, text};

impl Tables {
    pub(crate) fn device_response(&mut self, facts: &Facts<'_>, ledger: &mut Ledger, translated: bool) {
        let mut key = transaction::key(false, facts.call_id, facts.number(), facts.method);
        if self.transactions.get(key).is_none()
            && let Some(found) = self.lab_branches.get(text::hash(&(facts.branch(), facts.method)))
        {
            key = *found;
        }
        if let Some(transaction) = self.transactions.get_mut(key)
            && response::is_again(transaction, facts.hash, facts.spot.at)
        {
            return;
        }
        let cx = &mut Context { facts, ledger };
        alone(cx);
        cx.check(Id::AckNoResponse, facts.method != "ACK", || {
            format!("{} to ACK", facts.status)
        });
        event::check_response(cx);
        self.allowed.learn(cx);
        let Some(transaction) = self.transactions.get_mut(key) else {
            return;
        };
        session_timer::check_response(cx, transaction);
        response::check(cx, transaction, translated);
        if transaction.is_invite() {
            reliable::check_response(cx, transaction);
            if transaction.glare && facts.status >= 200 {
                cx.check(Id::Glare, !facts.is_success(), || {
                    format!(
                        "{} to an INVITE that crossed the device's own, expected 491",
                        facts.status
                    )
                });
            }
        }
        if !matches!(transaction.method.as_str(), "ACK" | "CANCEL") {
            let method = transaction.method.clone();
            self.allowed.check(cx, &method);
        }
        self.response_description(cx, key);
        self.device_dialog(cx, key);
    }

    /// What a response of the device does to dialogs and other transactions.
    pub(crate) fn device_dialog(&mut self, cx: &mut Context<'_, '_>, key: u64) {
        let facts = cx.facts;
        let Some(request) = self.transactions.get(key) else {
            return;
        };
        let dialog = dialog_key(facts);
        if facts.method == "CANCEL" {
            let invite_key = transaction::key(false, facts.call_id, facts.number(), "INVITE");
            if let Some(invite) = self.transactions.get_mut(invite_key) {
                if facts.is_success() {
                    invite.cancel_accepted = Some(facts.spot);
                }
                response::cancel_tag(cx, invite);
            }
            return;
        }
        if let Some(dialog_key) = dialog.filter(|_| dialog::is_made_by(facts)) {
            if let Some(known) = self.dialogs.get_mut(dialog_key) {
                known.take_response(facts, request, false);
            } else {
                let mut made = Dialog::new(facts, request);
                made.lab_invite = request.is_invite().then_some(key);
                let _oldest = self.dialogs.insert(dialog_key, made);
            }
            self.calls
                .entry(text::hash(&facts.call_id), Call::default)
                .has_dialog = true;
        }
        if !facts.is_success() {
            return;
        }
        match facts.method {
            "BYE" => {
                if let Some(dialog) = dialog.and_then(|key| self.dialogs.get_mut(key)) {
                    dialog.ended.get_or_insert(facts.spot.at);
                }
                if let Some(key) = dialog {
                    media::end(&mut self.flows, key, facts.spot.at);
                }
            }
            "REFER" => {
                let silent = request.supported.iter().any(|tag| tag == "norefersub")
                    || request
                        .required
                        .iter()
                        .any(|tag| tag == "nosub" || tag == "explicitsub");
                if !silent {
                    if self.referrals.len() == REFERRALS {
                        self.referrals.pop_front();
                    }
                    self.referrals
                        .push_back(Referral::new(text::hash(&facts.call_id), facts.spot));
                }
            }
            _ => {}
        }
    }

    /// Offers and answers in responses of the device (RFC 3261 13.2.1, RFC 3311 5).
    pub(crate) fn response_description(&mut self, cx: &mut Context<'_, '_>, key: u64) {
        let facts = cx.facts;
        if facts.description.is_some() && negotiates(facts.method) {
            self.session(facts).check(cx);
        }
        let Some(request) = self.transactions.get_mut(key) else {
            return;
        };
        if !matches!(request.method.as_str(), "INVITE" | "UPDATE" | "PRACK") {
            return;
        }
        let reliable = facts.is_success() || (facts.status < 200 && facts.has("rseq"));
        match (&request.offer, &facts.description) {
            (Some(offer), Some(answer)) if facts.status < 300 => {
                let offer = offer.clone();
                request.answered |= reliable;
                offer_answer::check_answer(cx, &offer, answer);
                if let Some(call) = dialog_key(facts) {
                    media::agree(&mut self.flows, call, answer, &offer, facts.spot.at, cx.ledger);
                }
            }
            (None, Some(offer)) if reliable => request.response_offer = Some(offer.clone()),
            _ => {}
        }
        if !facts.is_success() || !facts.message.body().is_empty() && facts.description.is_none() {
            return;
        }
        if request.offer.is_some() {
            cx.check(Id::AnswerGiven, request.answered, || {
                format!(
                    "{} to {} without an answer to its offer",
                    facts.status, request.method
                )
            });
        } else if request.is_invite() && !request.has_body {
            let offered = facts.description.is_some() || request.reliable.has_offer();
            cx.check(Id::OfferGiven, offered, || {
                format!("{} to an INVITE without an offer makes none either", facts.status)
            });
        }
    }
}
