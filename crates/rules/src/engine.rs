//! The engine: shows each observation to the areas and keeps what they remember.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_rtp::is_rtcp;

use crate::bounded::Bounded;
use crate::catalogue::Id;
use crate::dialog::{self, Dialog};
use crate::digest::Challenges;
use crate::event::{self, Referral};
use crate::facts::{Context, Facts};
use crate::ledger::{Ledger, RuleCount, RuleFinding, Spot};
use crate::media::{self, Flow, Flows};
use crate::observation::Observation;
use crate::offer_answer::{self, Session};
use crate::registration::{self, Registration};
use crate::response::{self, Allowed};
use crate::rtp::{self, Datagram};
use crate::transaction::{self, Final, Transaction};
use crate::{
    address, body, cseq, fields, form, reliable, retransmission, rtcp, sdp, session_timer, text, via,
};

/// Limits of what is remembered; the oldest makes room.
const TRANSACTIONS: usize = 2048;
const DIALOGS: usize = 1024;
const FLOWS: usize = 1024;
const REFERRALS: usize = 64;

/// How the engine is set up.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// A network address translator stands between the lab and the device: addresses in messages are not held against
    /// those of packets.
    pub address_translation: bool,
}

/// Holds every message and packet of one device against [`RULES`](crate::RULES).
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    ledger: Ledger,
    tables: Tables,
}

#[derive(Debug)]
struct Tables {
    transactions: Bounded<u64, Transaction>,
    /// Branches of the device's requests and the transaction they were used for first.
    device_branches: Bounded<u64, u64>,
    lab_branches: Bounded<u64, u64>,
    calls: Bounded<u64, Call>,
    dialogs: Bounded<u64, Dialog>,
    sessions: Bounded<u64, Session>,
    registrations: Bounded<u64, Registration>,
    challenges: Challenges,
    allowed: Allowed,
    referrals: VecDeque<Referral>,
    flows: Flows,
}

/// What is remembered of a Call-ID.
#[derive(Debug, Default)]
struct Call {
    has_dialog: bool,
    /// An INVITE of the device with this Call-ID was accepted.
    connected: bool,
    /// The last request of the device outside of a dialog.
    last: Option<u64>,
    /// Min-SE of a 422 the device has not acted on.
    least_interval: Option<u32>,
}

impl Engine {
    /// An engine that has seen nothing.
    pub fn new(config: EngineConfig) -> Self {
        Self {
            config,
            ledger: Ledger::new(),
            tables: Tables {
                transactions: Bounded::new(TRANSACTIONS),
                device_branches: Bounded::new(TRANSACTIONS),
                lab_branches: Bounded::new(2 * TRANSACTIONS),
                calls: Bounded::new(DIALOGS),
                dialogs: Bounded::new(DIALOGS),
                sessions: Bounded::new(DIALOGS),
                registrations: Bounded::new(64),
                challenges: Challenges::default(),
                allowed: Allowed::default(),
                referrals: VecDeque::new(),
                flows: Flows::new(FLOWS),
            },
        }
    }

    /// Takes the next message or packet. Any bytes may come; nothing panics and nothing grows without limit.
    pub fn observe(&mut self, observation: &Observation<'_>) {
        match *observation {
            Observation::Sip {
                at,
                packet,
                from_device,
                transport,
                source,
                message,
                ..
            } => {
                let spot = Spot { at, packet };
                if form::is_no_sip(message.bytes()) {
                    return;
                }
                match Facts::new(message, from_device, transport, source, spot) {
                    Some(facts) => self.sip(&facts),
                    None if from_device => form::malformed(message, spot, &mut self.ledger),
                    None => {}
                }
            }
            Observation::Rtp {
                at,
                packet,
                from_device: true,
                source,
                destination,
                bytes,
                dscp,
            } => {
                let datagram = Datagram {
                    spot: Spot { at, packet },
                    source,
                    bytes,
                    dscp,
                };
                self.media(&datagram, destination);
            }
            Observation::Rtp { .. } => {}
        }
    }

    /// Ends the traffic at `now`: what was due and did not come is told.
    pub fn finish(&mut self, now: Duration) {
        let Self { ledger, tables, .. } = self;
        for transaction in tables.transactions.values() {
            retransmission::close(transaction, now, ledger);
        }
        for referral in &tables.referrals {
            referral.close(now, ledger);
        }
        for flow in tables.flows.values() {
            rtp::close(flow, now, ledger);
            if let Some(first) = flow.early {
                rtp::early(first, now, ledger);
            }
        }
    }

    /// What was broken, in the order it was noticed; at most five of each rule.
    pub fn findings(&self) -> &[RuleFinding] {
        self.ledger.findings()
    }

    /// How often each rule was applicable and broken, in the order of [`RULES`](crate::RULES).
    pub fn checked(&self) -> impl Iterator<Item = RuleCount> {
        self.ledger.counts()
    }

    fn media(&mut self, datagram: &Datagram<'_>, destination: SocketAddr) {
        let translated = self.config.address_translation;
        let flows = &mut self.tables.flows;
        if !is_rtcp(datagram.bytes) {
            let flow = flows.entry(destination, Flow::default);
            rtp::check(flow, datagram, translated, &mut self.ledger);
            return;
        }
        let shared = flows.get(destination).is_some_and(|flow| flow.line.is_some());
        let port = if shared {
            destination.port()
        } else {
            destination.port().wrapping_sub(1)
        };
        if let Some(flow) = flows.get_mut(SocketAddr::new(destination.ip(), port)) {
            rtcp::check(flow, datagram, shared, translated, &mut self.ledger);
        }
    }

    fn sip(&mut self, facts: &Facts<'_>) {
        let Self {
            config,
            ledger,
            tables,
        } = self;
        match (facts.is_request, facts.from_device) {
            (true, true) => tables.device_request(facts, ledger),
            (true, false) => tables.lab_request(facts, ledger),
            (false, true) => tables.device_response(facts, ledger, config.address_translation),
            (false, false) => tables.lab_response(facts, ledger),
        }
    }
}

/// Everything a message of the device is held against by itself.
fn alone(cx: &mut Context<'_, '_>) {
    form::check(cx);
    body::check(cx);
    fields::check(cx);
    sdp::check(cx);
    address::check(cx);
}

fn dialog_key(facts: &Facts<'_>) -> Option<u64> {
    let (device, lab) = facts.tags();
    Some(dialog::key(facts.call_id, device?, lab?))
}

impl Tables {
    fn remember(&mut self, key: u64, transaction: Transaction, ledger: &mut Ledger) {
        let now = transaction.first.at;
        if let Some(oldest) = self.transactions.insert(key, transaction) {
            retransmission::close(&oldest, now, ledger);
        }
    }

    fn device_request(&mut self, facts: &Facts<'_>, ledger: &mut Ledger) {
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
            cx.check(Id::ByeDialog, facts.to_tag().is_some(), || {
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

    fn branch(&mut self, cx: &mut Context<'_, '_>, key: u64) {
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

    fn device_ack(&mut self, cx: &mut Context<'_, '_>, invite_key: u64) {
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

    fn device_cancel(&mut self, cx: &mut Context<'_, '_>, invite_key: u64) {
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

    fn register(&mut self, cx: &mut Context<'_, '_>, key: u64) {
        let facts = cx.facts;
        let transactions = &self.transactions;
        let registration = self.registrations.entry(
            registration::key(facts.uri, facts.to.as_ref()),
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

    fn device_in_dialog(&mut self, cx: &mut Context<'_, '_>, key: u64, invite_key: u64) {
        let facts = cx.facts;
        let call = self.calls.entry(text::hash(&facts.call_id), Call::default);
        if facts.to_tag().is_none() {
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
    fn device_description(&mut self, cx: &mut Context<'_, '_>) {
        let facts = cx.facts;
        if facts.description.is_some() {
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
            None if facts.method == "ACK" && facts.message.body().is_empty() => {
                if invite.last.is_some_and(|last| last.status < 300) {
                    cx.check(Id::AnswerInAck, false, || {
                        "no answer in the ACK, although the 2xx made an offer".to_owned()
                    });
                }
            }
            None => {}
        }
    }

    fn session(&mut self, facts: &Facts<'_>) -> &mut Session {
        let key = text::hash(&(facts.call_id, facts.tags().0));
        self.sessions.entry(key, Session::default)
    }

    fn lab_request(&mut self, facts: &Facts<'_>, ledger: &mut Ledger) {
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

    fn lab_ack(&mut self, facts: &Facts<'_>, ledger: &mut Ledger) {
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

    fn device_response(&mut self, facts: &Facts<'_>, ledger: &mut Ledger, translated: bool) {
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
    fn device_dialog(&mut self, cx: &mut Context<'_, '_>, key: u64) {
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
    fn response_description(&mut self, cx: &mut Context<'_, '_>, key: u64) {
        let facts = cx.facts;
        if facts.description.is_some() && !facts.method.is_empty() {
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

    fn lab_response(&mut self, facts: &Facts<'_>, ledger: &mut Ledger) {
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
                let registration = registration::key(&request.uri, request.to.as_ref());
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
    request.response_tag = facts.to_tag().map(str::to_owned);
    request.last = Some(Final {
        status: facts.status,
        spot: facts.spot,
        hash: facts.hash,
        copies: 1,
        last_at: facts.spot.at,
    });
    true
}

/// A request that repeats a challenged one with credentials (RFC 3261 22.2).
fn after_challenge(cx: &mut Context<'_, '_>, call: &Call, transactions: &Bounded<u64, Transaction>) {
    let facts = cx.facts;
    let Some(before) = call.last.and_then(|key| transactions.get(key)) else {
        return;
    };
    let challenged = before.last.is_some_and(|last| matches!(last.status, 401 | 407));
    if challenged && before.method == facts.method && before.from_tag() == facts.from_tag() {
        cx.check(Id::ChallengedCseq, facts.number() > before.number, || {
            format!(
                "CSeq number {} after {} was challenged",
                facts.number(),
                before.number
            )
        });
    }
}
