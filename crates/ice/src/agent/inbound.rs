use std::net::SocketAddr;
use std::time::Duration;

use super::pair::{PairState, Purpose, Remote, Transaction};
use super::{
    Answering, CheckFailure, CheckOutcome, CheckReceived, IceAgent, IceEvent, MOST_REMOTE, Mode, Nomination,
    Role, same_address,
};
use crate::candidate::{Candidate, CandidateType, candidate_priority};
use crate::examine::{Context, examine};
use crate::finding::Finding;
use crate::message::{Class, Integrity, StunMessage, error, is_stun, success};

/// A device that answers each role with 487 must not keep the agent busy.
const MOST_SWITCHES: u32 = 4;

/// An error response to a check.
struct Refusal {
    code: u16,
    unknown: Vec<u16>,
    /// Whether the response carries MESSAGE-INTEGRITY (RFC 8489 9.1.3).
    protected: bool,
}

impl Refusal {
    const fn bare(code: u16) -> Self {
        Self {
            code,
            unknown: Vec::new(),
            protected: false,
        }
    }

    const fn protected(code: u16, unknown: Vec<u16>) -> Self {
        Self {
            code,
            unknown,
            protected: true,
        }
    }
}

impl IceAgent {
    /// Takes a datagram that came to the own address `local` from `source`.
    ///
    /// Returns whether it was this agent's: a Binding message, or something that pretends to be STUN, at one of its
    /// addresses. Everything else is media, DTLS or TURN, and untouched.
    pub fn handle_datagram(
        &mut self,
        now: Duration,
        local: SocketAddr,
        source: SocketAddr,
        bytes: &[u8],
    ) -> bool {
        if !is_stun(bytes) {
            return false;
        }
        let Some(local) = self.find_local(local) else {
            return false;
        };
        let message = StunMessage::parse(bytes);
        if message.as_ref().is_ok_and(|message| !message.is_binding()) {
            return false;
        }
        self.examine(bytes);
        let Ok(message) = message else {
            return true;
        };
        match message.class() {
            Class::Request => self.handle_request(now, local, source, &message),
            Class::Success | Class::Error => self.handle_response(now, local, source, &message),
            Class::Indication => (),
        }
        self.advance(now);
        true
    }

    fn examine(&mut self, bytes: &[u8]) {
        let device = self.peer.as_ref().map(|peer| &peer.credentials);
        let context = Context {
            device_fragment: device.map(|credentials| credentials.fragment()),
            lab_fragment: Some(self.options.credentials.fragment()),
            lab_password: Some(self.options.credentials.password()),
            device_password: device.map(|credentials| credentials.password()),
        };
        for finding in examine(bytes, context) {
            self.report(finding);
        }
    }

    fn handle_request(&mut self, now: Duration, local: usize, source: SocketAddr, message: &StunMessage<'_>) {
        let component = self.locals[local].candidate.component;
        let base = self.locals[local].base;
        let password = self.options.credentials.password().to_owned();
        let (outcome, answer) = match self.admit(message) {
            Err(refusal) => {
                let password = refusal.protected.then_some(password.as_str());
                let answer = error(message, refusal.code, &refusal.unknown, password);
                (CheckOutcome::Refused(refusal.code), Some(answer))
            }
            Ok(()) => match self.answering {
                Answering::Normal => (
                    CheckOutcome::Accepted,
                    Some(success(message, source, Some(&password), None)),
                ),
                Answering::Silent => (CheckOutcome::Withheld, None),
                Answering::Refuse(code) => {
                    let code = code.clamp(300, 699);
                    (
                        CheckOutcome::Refused(code),
                        Some(error(message, code, &[], Some(&password))),
                    )
                }
            },
        };
        if let Some(answer) = answer {
            self.transmit(base, source, answer);
        }
        self.tell(IceEvent::CheckReceived(CheckReceived {
            component,
            local: base,
            source,
            nominated: message.use_candidate(),
            priority: message.priority(),
            role: message.role(),
            transaction: message.transaction(),
            outcome,
        }));
        if outcome == CheckOutcome::Accepted {
            self.accepted(now, local, source, message);
        }
    }

    /// Credentials, unknown attributes and roles, in this order (RFC 8489 6.3.1 and 9.1.3, RFC 8445 7.3.1.1).
    fn admit(&mut self, message: &StunMessage<'_>) -> Result<(), Refusal> {
        let integrity = message.integrity(self.options.credentials.password());
        let Some(username) = message.username().filter(|_| integrity != Integrity::Missing) else {
            return Err(Refusal::bare(400));
        };
        let ours = username
            .split_once(':')
            .is_some_and(|(first, _)| first == self.options.credentials.fragment());
        if !ours || integrity != Integrity::Valid {
            return Err(Refusal::bare(401));
        }
        let unknown = message.not_understood();
        if !unknown.is_empty() {
            return Err(Refusal::protected(420, unknown));
        }
        match message.role() {
            Some((role, tie_breaker)) if role == self.role => self.role_conflict(role, tie_breaker),
            _ => Ok(()),
        }
    }

    fn role_conflict(&mut self, role: Role, tie_breaker: u64) -> Result<(), Refusal> {
        if self.options.mode == Mode::Lite {
            // who sends checks is full and has to control, even before its description is known (RFC 8445 6.1.1)
            if role == Role::Controlling {
                self.change_role(Role::Controlled);
                return Ok(());
            }
            let text = "the device takes the controlled role against a lite agent";
            self.report(Finding::new("ice-role-lite", "RFC 8445 6.1.1", text));
            return Err(Refusal::protected(487, Vec::new()));
        }
        // the larger tiebreaker controls
        let wins = self.tie_breaker >= tie_breaker;
        match (role, wins) {
            (Role::Controlling, true) | (Role::Controlled, false) => Err(Refusal::protected(487, Vec::new())),
            (Role::Controlling, false) | (Role::Controlled, true) => {
                self.change_role(role.other());
                Ok(())
            }
        }
    }

    /// What a granted check means for the pairs (RFC 8445 7.3.1.3 to 7.3.2).
    fn accepted(&mut self, now: Duration, local: usize, source: SocketAddr, message: &StunMessage<'_>) {
        let component = self.locals[local].candidate.component;
        if self.peer.as_ref().is_some_and(|peer| peer.lite) {
            let text = "the device says ice-lite and sends checks";
            self.report(Finding::new("ice-lite-check", "RFC 8445 2.5", text));
        }
        self.components.entry(component).or_default().last_check = Some(now);
        let Some(remote) = self.learn(local, source, message.priority()) else {
            return;
        };
        let Some(index) = self.pair_of(local, remote) else {
            return;
        };
        let nominated = message.use_candidate() && self.role == Role::Controlled;
        self.watch_nomination(component, index, nominated);
        if self.options.mode == Mode::Lite {
            if nominated {
                self.succeed(now, index);
                self.select(now, index);
            }
        } else {
            self.trigger(now, index, nominated);
        }
    }

    /// The candidate a check came from, new if it was never told (RFC 8445 7.3.1.3).
    fn learn(&mut self, local: usize, source: SocketAddr, priority: Option<u32>) -> Option<usize> {
        let component = self.locals[local].candidate.component;
        if let Some(known) = self.find_remote(component, source) {
            return Some(known);
        }
        if self.remotes.len() >= MOST_REMOTE {
            return None;
        }
        let preference = self.locals[local].preference;
        self.remotes.push(Remote {
            candidate: Candidate {
                // arbitrary and different from all that can be told: a description cannot hold a dash
                foundation: format!("learnt-{}", self.remotes.len()),
                component,
                priority: priority.unwrap_or_else(|| {
                    candidate_priority(CandidateType::PeerReflexive, preference, component)
                }),
                address: source,
                kind: CandidateType::PeerReflexive,
                related: None,
                extensions: Vec::new(),
            },
            signalled: false,
        });
        Some(self.remotes.len() - 1)
    }

    /// Regular nomination repeats a check that was granted before; aggressive nomination begins with it.
    fn watch_nomination(&mut self, component: u16, index: usize, nominated: bool) {
        let ice2 = self.peer.as_ref().is_some_and(|peer| peer.ice2);
        let state = self.components.entry(component).or_default();
        if !nominated {
            if !state.ordinary.contains(&index) {
                state.ordinary.push(index);
            }
            return;
        }
        if state.nominated.contains(&index) {
            return;
        }
        state.nominated.push(index);
        let several = state.nominated.len() > 1;
        let first = !state.ordinary.contains(&index);
        if first || self.peer_nomination.is_none() {
            self.peer_nomination = Some(if first {
                Nomination::Aggressive
            } else {
                Nomination::Regular
            });
        }
        if several && ice2 {
            let text = format!("a second pair of component {component} is nominated in spite of ice2");
            self.report(Finding::new("ice-nomination-again", "RFC 8445 8.1.1", text));
        }
    }

    fn trigger(&mut self, now: Duration, index: usize, nominated: bool) {
        let component = self.pairs[index].component;
        match self.pairs[index].state {
            PairState::Succeeded => {
                if nominated {
                    self.select(now, index);
                }
                return;
            }
            // no more checks for a concluded component, except to follow the device to another pair (RFC 8445 8.3.1)
            _ if !nominated
                && self
                    .components
                    .get(&component)
                    .is_some_and(|c| c.selected_pair.is_some()) =>
            {
                return;
            }
            PairState::InProgress => self.cancel(index),
            PairState::Frozen | PairState::Waiting | PairState::Failed | PairState::Cancelled => (),
        }
        let pair = &mut self.pairs[index];
        pair.state = PairState::Waiting;
        pair.nominate_on_success |= nominated;
        if !self.triggered.contains(&index) {
            self.triggered.push_back(index);
        }
        self.next_check = self.next_check.max(now);
    }

    fn handle_response(
        &mut self,
        now: Duration,
        local: usize,
        source: SocketAddr,
        message: &StunMessage<'_>,
    ) {
        let Some(peer) = &self.peer else {
            return;
        };
        let integrity = message.integrity(peer.credentials.password());
        let failed = message.class() == Class::Error;
        let code = message.error_code().unwrap_or(0);
        // 400 and 401 cannot be authenticated; a role conflict is believed without, and a finding (RFC 8489 9.1.4)
        let believed = match integrity {
            Integrity::Valid => true,
            Integrity::Missing => failed && matches!(code, 400 | 401 | 487),
            Integrity::Wrong => false,
        };
        if !believed {
            return;
        }
        let Some(transaction) = self.transactions.remove(&message.transaction()) else {
            return;
        };
        let asked = self.addresses(&self.pairs[transaction.pair]);
        if !same_address(asked.remote, source) || !same_address(asked.local, self.locals[local].base) {
            if transaction.purpose != Purpose::Consent {
                self.check_failed(now, &transaction, CheckFailure::NotSymmetric);
            }
        } else if failed {
            self.refused(now, &transaction, code);
        } else if let Some(mapped) = message.mapped_address() {
            self.granted(now, &transaction, mapped);
        } else if transaction.purpose != Purpose::Consent {
            self.check_failed(now, &transaction, CheckFailure::Refused(0));
        }
    }

    fn refused(&mut self, now: Duration, transaction: &Transaction, code: u16) {
        let index = transaction.pair;
        let conflict = code == 487 && transaction.purpose != Purpose::Consent;
        if conflict
            && (self.peer.as_ref().is_some_and(|peer| peer.lite) || self.role_switches >= MOST_SWITCHES)
        {
            // a lite device has no role to quarrel about (RFC 8445 6.1.1), and one quarrel has to be enough
            let text = "the device refuses with 487 where no role conflict can be";
            self.report(Finding::new("ice-role-conflict", "RFC 8445 7.3.1.1", text));
            self.check_failed(now, transaction, CheckFailure::Refused(code));
        } else if conflict {
            // switch only if this has not happened since the request was sent (RFC 8445 7.2.5.1)
            if transaction.role == self.role {
                self.change_role(self.role.other());
                self.tie_breaker = self.random.next();
                self.role_switches += 1;
            }
            let component = self.pairs[index].component;
            if self.pairs[index].state != PairState::Succeeded
                && self
                    .components
                    .get(&component)
                    .is_some_and(|state| state.selected_pair.is_none())
            {
                self.pairs[index].state = PairState::Waiting;
                if !self.triggered.contains(&index) {
                    self.triggered.push_back(index);
                }
                self.next_check = self.next_check.max(now);
            }
        } else if transaction.purpose == Purpose::Consent {
            // 403 takes the consent back at once (RFC 7675 5.2)
            let component = self.pairs[index].component;
            if code == 403
                && let Some(state) = self.components.get_mut(&component)
                && let Some(consent) = &mut state.consent
            {
                consent.expires = now;
            }
        } else if !transaction.cancelled {
            self.check_failed(now, transaction, CheckFailure::Refused(code));
        }
    }

    fn granted(&mut self, now: Duration, transaction: &Transaction, mapped: SocketAddr) {
        let index = transaction.pair;
        let component = self.pairs[index].component;
        // every authentic success renews consent (RFC 7675 5.1)
        let expires = now + self.options.consent_timeout;
        if let Some(state) = self.components.get_mut(&component)
            && state.selected_pair == Some(index)
            && let Some(consent) = &mut state.consent
        {
            consent.expires = expires;
        }
        if transaction.purpose == Purpose::Consent {
            return;
        }
        self.pairs[index].mapped = Some(mapped);
        self.succeed(now, index);
        self.tell(IceEvent::CheckSucceeded {
            pair: self.addresses(&self.pairs[index]),
            round_trip: now.saturating_sub(transaction.sent),
        });
        // a nomination that waits for its turn still has to be sent
        if self
            .components
            .get(&component)
            .is_none_or(|state| state.nominating != Some(index))
        {
            self.triggered.retain(|waiting| *waiting != index);
        }
        let own = transaction.use_candidate && self.role == Role::Controlling;
        let theirs = self.pairs[index].nominate_on_success && self.role == Role::Controlled;
        if own || theirs {
            self.select(now, index);
        }
    }
}
