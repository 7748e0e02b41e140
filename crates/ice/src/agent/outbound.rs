use std::time::Duration;

use super::pair::{PairState, Purpose, Transaction};
use super::{CheckFailure, IceAgent, IceEvent, Mode, Nomination, Role};
use crate::candidate::{CandidateType, candidate_priority};
use crate::message::Check;

/// The last transmission waits this many times the first interval, Rm (RFC 8489 6.2.1).
const LAST_WAIT: u32 = 16;

impl IceAgent {
    /// When [`Self::handle_timeout`] wants to be called; `None` when nothing is pending.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let mut times: Vec<Duration> = self
            .transactions
            .values()
            .map(|transaction| transaction.next)
            .collect();
        if self.has_check() {
            times.push(self.next_check);
        }
        for (id, component) in &self.components {
            if let Some(consent) = component.consent {
                times.push(consent.next.min(consent.expires));
            }
            if let Some(first) = component.first_valid
                && self.nominates()
                && self.peer.as_ref().is_some_and(|peer| peer.uses(*id))
                && component.selected_pair.is_none()
                && component.nominating.is_none()
            {
                times.push(first + self.options.nomination_patience);
            }
        }
        if !self.deadline_passed {
            times.extend(self.deadline);
        }
        times.into_iter().min()
    }

    /// Lets time pass: retransmissions, new checks, nominations, consent, failure.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.retransmit(now);
        if self.has_check() && now >= self.next_check {
            self.send_next(now);
            self.next_check = now + self.options.pacing;
        }
        self.ask_for_consent(now);
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.deadline_passed = true;
        }
        self.advance(now);
    }

    fn has_check(&self) -> bool {
        self.peer.is_some()
            && self.options.mode == Mode::Full
            && (!self.triggered.is_empty() || self.next_ordinary().is_some())
    }

    fn nominates(&self) -> bool {
        self.role == Role::Controlling
            && self.options.mode == Mode::Full
            && self.options.nomination == Nomination::Regular
    }

    fn send_next(&mut self, now: Duration) {
        let index = match self.triggered.pop_front() {
            Some(index) => Some(index),
            None => self.next_ordinary(),
        };
        let Some(index) = index else {
            return;
        };
        let component = self.pairs[index].component;
        let nominating = self
            .components
            .get(&component)
            .is_some_and(|state| state.nominating == Some(index));
        if nominating {
            self.send_check(now, index, Purpose::Nomination);
        } else if self.pairs[index].state != PairState::Succeeded {
            self.pairs[index].state = PairState::InProgress;
            self.send_check(now, index, Purpose::Check);
        }
    }

    /// RFC 8445 14.3: the more checks are under way, the longer the first interval.
    fn first_interval(&self) -> Duration {
        let busy = |state: PairState| matches!(state, PairState::Waiting | PairState::InProgress);
        let busy = self.pairs.iter().filter(|pair| busy(pair.state)).count();
        let busy = u32::try_from(busy).unwrap_or(u32::MAX);
        self.options
            .retransmission
            .max(self.options.pacing.saturating_mul(busy))
    }

    fn send_check(&mut self, now: Duration, index: usize, purpose: Purpose) {
        let Some(peer) = &self.peer else {
            return;
        };
        let pair = &self.pairs[index];
        let local = &self.locals[pair.local];
        let transaction = self.random.transaction();
        let aggressive = purpose == Purpose::Check && self.options.nomination == Nomination::Aggressive;
        let use_candidate = self.role == Role::Controlling && (aggressive || purpose == Purpose::Nomination);
        let bytes = Check {
            transaction,
            username: &format!(
                "{}:{}",
                peer.credentials.fragment(),
                self.options.credentials.fragment()
            ),
            password: peer.credentials.password(),
            // that of the peer-reflexive candidate this check may reveal (RFC 8445 7.1.1)
            priority: candidate_priority(CandidateType::PeerReflexive, local.preference, pair.component),
            role: self.role,
            tie_breaker: self.tie_breaker,
            use_candidate,
        }
        .write();
        let (interval, left) = match purpose {
            // consent is asked for anew, never again (RFC 7675 5.1)
            Purpose::Consent => (self.options.consent_timeout, 0),
            Purpose::Check | Purpose::Nomination => (
                self.first_interval(),
                self.options.transmissions.saturating_sub(1),
            ),
        };
        let addresses = self.addresses(pair);
        let record = Transaction {
            pair: index,
            purpose,
            role: self.role,
            use_candidate,
            sent: now,
            next: now
                + if left == 0 && purpose != Purpose::Consent {
                    interval * LAST_WAIT
                } else {
                    interval
                },
            first: interval,
            interval,
            left,
            cancelled: false,
            bytes: bytes.clone(),
        };
        self.transactions.insert(transaction, record);
        self.transmit(addresses.local, addresses.remote, bytes);
    }

    fn retransmit(&mut self, now: Duration) {
        let due: Vec<u128> = self
            .transactions
            .iter()
            .filter(|(_, t)| now >= t.next)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(transaction) = self.transactions.get_mut(&id) else {
                continue;
            };
            if transaction.left == 0 || transaction.cancelled {
                if let Some(ended) = self.transactions.remove(&id) {
                    self.timed_out(now, &ended);
                }
                continue;
            }
            let bytes = transaction.bytes.clone();
            transaction.left -= 1;
            transaction.sent = now;
            if transaction.left == 0 {
                transaction.next = now + transaction.first * LAST_WAIT;
            } else {
                transaction.interval *= 2;
                transaction.next = now + transaction.interval;
            }
            let addresses = self.addresses(&self.pairs[self.transactions[&id].pair]);
            self.transmit(addresses.local, addresses.remote, bytes);
        }
    }

    fn timed_out(&mut self, now: Duration, ended: &Transaction) {
        if !ended.cancelled && ended.purpose != Purpose::Consent {
            self.check_failed(now, ended, CheckFailure::Timeout);
        }
    }

    /// A check failed for good (RFC 8445 7.2.5.2): the pair is out, and a nomination with it.
    pub(super) fn check_failed(&mut self, now: Duration, ended: &Transaction, cause: CheckFailure) {
        let index = ended.pair;
        let component = self.pairs[index].component;
        let selected = self
            .components
            .get(&component)
            .is_some_and(|state| state.selected_pair == Some(index));
        if !selected {
            self.pairs[index].state = PairState::Failed;
        }
        if let Some(state) = self.components.get_mut(&component)
            && state.nominating == Some(index)
        {
            state.nominating = None;
        }
        self.triggered.retain(|waiting| *waiting != index);
        let works = |pair: &super::Pair| pair.component == component && pair.state == PairState::Succeeded;
        if !self.pairs.iter().any(works)
            && let Some(state) = self.components.get_mut(&component)
        {
            state.first_valid = None;
        }
        let pair = self.addresses(&self.pairs[index]);
        self.tell(IceEvent::CheckFailed { pair, cause });
        self.advance(now);
    }

    /// Stops the retransmissions of a pair; a late answer still counts (RFC 8445 7.3.1.4 and 8.1.2).
    pub(super) fn cancel(&mut self, index: usize) {
        let rest = self.options.retransmission * LAST_WAIT;
        for transaction in self.transactions.values_mut() {
            if transaction.pair == index && transaction.purpose != Purpose::Consent && !transaction.cancelled
            {
                transaction.cancelled = true;
                transaction.next = transaction.sent + rest;
            }
        }
    }

    fn ask_for_consent(&mut self, now: Duration) {
        let ids: Vec<u16> = self.components.keys().copied().collect();
        for id in ids {
            let Some(state) = self.components.get(&id) else {
                continue;
            };
            let (Some(consent), Some(index)) = (state.consent, state.selected_pair) else {
                continue;
            };
            if now >= consent.expires {
                let pair = self.addresses(&self.pairs[index]);
                if let Some(state) = self.components.get_mut(&id) {
                    state.consent = None;
                }
                self.tell(IceEvent::ConsentExpired(pair));
            } else if now >= consent.next {
                self.send_check(now, index, Purpose::Consent);
                let next = now + self.consent_interval();
                if let Some(consent) = self
                    .components
                    .get_mut(&id)
                    .and_then(|state| state.consent.as_mut())
                {
                    consent.next = next;
                }
            }
        }
    }

    /// Nominates what is to be nominated and gives up what is to be given up.
    pub(super) fn advance(&mut self, now: Duration) {
        let Some(peer) = &self.peer else {
            return;
        };
        let ids: Vec<u16> = self
            .components
            .keys()
            .copied()
            .filter(|id| peer.uses(*id))
            .collect();
        for id in ids {
            self.nominate(now, id);
            self.give_up(id);
        }
    }

    fn nominate(&mut self, now: Duration, id: u16) {
        let Some(state) = self.components.get(&id) else {
            return;
        };
        if !self.nominates() || state.selected_pair.is_some() || state.nominating.is_some() {
            return;
        }
        let of_component = || (0..self.pairs.len()).filter(|index| self.pairs[*index].component == id);
        let valid = of_component().filter(|index| self.pairs[*index].state == PairState::Succeeded);
        let Some(best) = valid.max_by_key(|index| self.priority(&self.pairs[*index])) else {
            return;
        };
        let priority = self.priority(&self.pairs[best]);
        let better =
            |index: usize| self.pairs[index].is_pending() && self.priority(&self.pairs[index]) > priority;
        let patient = state
            .first_valid
            .is_some_and(|first| now < first + self.options.nomination_patience);
        if patient && of_component().any(better) {
            return;
        }
        if let Some(state) = self.components.get_mut(&id) {
            state.nominating = Some(best);
        }
        self.triggered.retain(|waiting| *waiting != best);
        self.triggered.push_back(best);
        self.next_check = self.next_check.max(now);
    }

    fn give_up(&mut self, id: u16) {
        // a device may still send the check that opens the way (RFC 8863 4)
        if !self.deadline_passed {
            return;
        }
        let hope = self
            .pairs
            .iter()
            .any(|pair| pair.component == id && (pair.is_pending() || pair.state == PairState::Succeeded));
        let lite = self.options.mode == Mode::Lite;
        let Some(state) = self.components.get_mut(&id) else {
            return;
        };
        if state.selected_pair.is_none() && !state.failed && (lite || !hope) {
            state.failed = true;
            self.tell(IceEvent::Failed { component: id });
        }
    }
}
