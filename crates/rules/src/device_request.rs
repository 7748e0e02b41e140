//! Requests of the device.

use crate::bounded::Bounded;
use crate::catalogue::Id;
use crate::facts::{Context, Facts};
use crate::ledger::Ledger;
use crate::registration::{self, Registration};
use crate::tables::{Call, Tables, dialog_key, negotiates};
use crate::transaction::{self, Transaction};
use crate::{
    address, body, cseq, dialog, event, fields, form, media, offer_answer, reliable, retransmission, sdp,
    session_timer, text, via,
};

/// Everything a message of the device is held against by itself.
pub(crate) fn alone(cx: &mut Context<'_, '_>) {
    form::check(cx);
    body::check(cx);
    fields::check(cx);
    sdp::check(cx);
    address::check(cx);
}

impl Tables {
    pub(crate) fn device_request(&mut self, facts: &Facts<'_>, ledger: &mut Ledger) {
        let key = transaction::key(true, facts.call_id, facts.number(), facts.method);
        let invite_key = transaction::key(true, facts.call_id, facts.number(), "INVITE");
        if facts.method == "ACK" {
            if let Some(invite) = self.transactions.get_mut(invite_key) {
                let again = invite.last_ack.is_some_and(|(hash, _)| hash == facts.hash);
                invite.last_ack = Some((facts.hash, facts.spot.at));
                if again {
                    return;
                }
            }
        } else if let Some(known) = self.transactions.get_mut(key)
            && known.branch == facts.branch()
            && !known.branch.is_empty()
        {
            retransmission::request_again(known, facts, ledger);
            return;
        }
        let cx = &mut Context { facts, ledger };
        alone(cx);
        via::check_request(cx);
        cseq::check(cx);
        event::check_request(cx);
        self.challenges.check(cx);
        self.allowed.learn(cx);
        self.branch(cx, key);
        let call_key = text::hash(&facts.call_id);
        let least = self.calls.entry(call_key, Call::default).least_interval;
        session_timer::check_request(cx, least.filter(|_| facts.method == "INVITE"));
        match facts.method {
            "ACK" => self.device_ack(cx, invite_key),
            "CANCEL" => self.device_cancel(cx, invite_key),
            "REGISTER" => self.register(cx, key),
            "PRACK" => {
                let named = reliable::acknowledgement(facts)
                    .map(|(_, number, method)| transaction::key(true, facts.call_id, number, &method));
                let invite = named.and_then(|named| self.transactions.get_mut(named));
                reliable::check_prack(cx, invite);
            }
            "NOTIFY" => {
                let referral = self
                    .referrals
                    .iter_mut()
                    .find(|referral| referral.call == call_key);
                if let Some(referral) = referral {
                    referral.notify();
                }
            }
            _ => {}
        }
        if facts.method == "BYE" {
            cx.check(Id::ByeDialog, facts.tag_of_to().is_some(), || {
                "BYE without a To tag".to_owned()
            });
        }
        if !matches!(facts.method, "CANCEL" | "REGISTER") {
            self.device_in_dialog(cx, key, invite_key);
        }
        self.device_description(cx);
        if facts.method != "ACK" {
            if facts.transport.is_reliable() {
                cx.check(Id::RetransmissionOnStream, true, String::new);
            }
            let transaction = Transaction::new(facts);
            self.remember(key, transaction, cx.ledger);
        }
    }

    pub(crate) fn branch(&mut self, cx: &mut Context<'_, '_>, key: u64) {
        let facts = cx.facts;
        let branch = facts.branch();
        if branch.is_empty() || matches!(facts.method, "ACK" | "CANCEL") {
            return;
        }
        let hashed = text::hash(&branch);
        let fresh = self.device_branches.get(hashed).is_none();
        cx.check(Id::ViaBranchUnique, fresh, || {
            format!("branch {branch:?} was used for another transaction")
        });
        let _oldest = self.device_branches.insert(hashed, key);
    }

    pub(crate) fn device_ack(&mut self, cx: &mut Context<'_, '_>, invite_key: u64) {
        let facts = cx.facts;
        match self.transactions.get_mut(invite_key) {
            Some(invite) => {
                cx.check(Id::AckCseq, true, String::new);
                dialog::check_ack(cx, invite);
                invite.acknowledged.get_or_insert(facts.spot.at);
            }
            None => {
                // an INVITE of this dialog is there, but with another number
                let invite = dialog_key(facts)
                    .and_then(|key| self.dialogs.get(key))
                    .and_then(|dialog| dialog.device_invite)
                    .and_then(|key| self.transactions.get(key));
                if let Some(invite) = invite {
                    cx.check(Id::AckCseq, false, || {
                        format!(
                            "CSeq number {} in ACK, the INVITE had {}",
                            facts.number(),
                            invite.number
                        )
                    });
                }
            }
        }
    }

    pub(crate) fn device_cancel(&self, cx: &mut Context<'_, '_>, invite_key: u64) {
        let facts = cx.facts;
        if let Some(invite) = self.transactions.get(invite_key) {
            cx.check(Id::CancelCseq, true, String::new);
            cx.check(Id::CancelInvite, true, String::new);
            dialog::check_cancel(cx, invite);
            return;
        }
        let by_branch = self
            .device_branches
            .get(text::hash(&facts.branch()))
            .and_then(|key| self.transactions.get(*key));
        if let Some(request) = by_branch {
            cx.check(Id::CancelCseq, request.number == facts.number(), || {
                format!(
                    "CSeq number {} in CANCEL, its request had {}",
                    facts.number(),
                    request.number
                )
            });
            let method = request.method.clone();
            cx.check(Id::CancelInvite, method == "INVITE", || {
                format!("CANCEL of {method}")
            });
        }
    }

    pub(crate) fn register(&mut self, cx: &mut Context<'_, '_>, key: u64) {
        let facts = cx.facts;
        let transactions = &self.transactions;
        let registration = self.registrations.entry(
            registration::key(facts.uri, facts.to.as_deref()),
            Registration::default,
        );
        let pending = registration.pending.is_some_and(|(before, _)| {
            transactions
                .get(before)
                .is_some_and(|before| before.is_pending(facts.spot.at))
        });
        registration::check(cx, registration, key, pending);
        let call = self.calls.entry(text::hash(&facts.call_id), Call::default);
        after_challenge(cx, call, transactions);
        call.last = Some(key);
    }

    pub(crate) fn device_in_dialog(&mut self, cx: &mut Context<'_, '_>, key: u64, invite_key: u64) {
        let facts = cx.facts;
        let call = self.calls.entry(text::hash(&facts.call_id), Call::default);
        if facts.tag_of_to().is_none() {
            if facts.method == "INVITE" {
                cx.check(Id::CallIdFresh, !call.connected, || {
                    format!(
                        "a new call with the Call-ID {:?} of an earlier one",
                        facts.call_id
                    )
                });
                if call.last.is_none()
                    && !facts.has("replaces")
                    && let (Ok(uri), Some(to)) = (voxproof_sip::Uri::parse(facts.uri), &facts.to)
                {
                    cx.check(Id::UriIsTo, text::same_name(&uri, &to.uri), || {
                        format!("Request-URI {uri}, To {}", to.uri)
                    });
                }
            }
            after_challenge(cx, call, &self.transactions);
            call.last = Some(key);
            return;
        }
        let failure = facts.method == "ACK"
            && self
                .transactions
                .get(invite_key)
                .is_none_or(|invite| invite.last.is_none_or(|last| last.status >= 300));
        if failure {
            return;
        }
        let Some(dialog) = dialog_key(facts).and_then(|key| self.dialogs.get_mut(key)) else {
            if call.has_dialog {
                cx.check(Id::DialogKnown, false, || {
                    format!("{} with tags that belong to no dialog of this call", facts.method)
                });
            }
            return;
        };
        cx.check(Id::DialogKnown, true, String::new);
        let at = facts.spot.at;
        let pending = |key: Option<u64>| key.and_then(|key| self.transactions.get(key));
        let own = pending(dialog.device_invite).is_some_and(|invite| invite.is_pending(at));
        let lab = pending(dialog.lab_invite)
            .is_some_and(|invite| invite.is_pending(at) && invite.first_response_at.is_some());
        dialog.check_request(cx, own, lab);
        match facts.method {
            "INVITE" => dialog.device_invite = Some(key),
            "BYE" => {
                dialog.ended.get_or_insert(at);
                if let Some(key) = dialog_key(facts) {
                    media::end(&mut self.flows, key, at);
                }
            }
            _ => {}
        }
    }

    /// A session description in a request of the device.
    pub(crate) fn device_description(&mut self, cx: &mut Context<'_, '_>) {
        let facts = cx.facts;
        if facts.description.is_some() && negotiates(facts.method) {
            self.session(facts).check(cx);
        }
        let invite_key = match facts.method {
            "ACK" => Some(transaction::key(true, facts.call_id, facts.number(), "INVITE")),
            "PRACK" => reliable::acknowledgement(facts)
                .map(|(_, number, method)| transaction::key(true, facts.call_id, number, &method)),
            _ => None,
        };
        let Some(invite) = invite_key.and_then(|key| self.transactions.get_mut(key)) else {
            return;
        };
        let Some(offer) = invite.response_offer.clone() else {
            return;
        };
        match &facts.description {
            Some(answer) => {
                invite.response_offer = None;
                offer_answer::check_answer(cx, &offer, answer);
                cx.check(Id::AnswerInAck, true, String::new);
                if let Some(call) = dialog_key(facts) {
                    media::agree(&mut self.flows, call, answer, &offer, facts.spot.at, cx.ledger);
                }
            }
            None if facts.method == "ACK"
                && facts.message.body().is_empty()
                && invite.last.is_some_and(|last| last.status < 300) =>
            {
                cx.check(Id::AnswerInAck, false, || {
                    "no answer in the ACK, although the 2xx made an offer".to_owned()
                });
            }
            None => {}
        }
    }
}

/// A request that repeats a challenged one with credentials (RFC 3261 22.2).
fn after_challenge(cx: &mut Context<'_, '_>, call: &Call, transactions: &Bounded<u64, Transaction>) {
    let facts = cx.facts;
    let Some(before) = call.last.and_then(|key| transactions.get(key)) else {
        return;
    };
    let challenged = before.last.is_some_and(|last| matches!(last.status, 401 | 407));
    if challenged && before.method == facts.method && before.tag_of_from() == facts.tag_of_from() {
        cx.check(Id::ChallengedCseq, facts.number() > before.number, || {
            format!(
                "CSeq number {} after {} was challenged",
                facts.number(),
                before.number
            )
        });
    }
}
