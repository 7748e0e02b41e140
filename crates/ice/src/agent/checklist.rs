use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::pair::{Consent, Pair, PairState};
use super::{AddressPair, IceAgent, IceEvent, Mode, Nomination, Role, same_address};
use crate::candidate::{CandidateType, pair_priority};

/// Pairs formed from descriptions (RFC 8445 6.1.2.5).
const MOST_FORMED: usize = 100;
/// Pairs altogether, those of triggered checks included.
const MOST_PAIRS: usize = 200;

impl IceAgent {
    pub(super) fn find_local(&self, address: SocketAddr) -> Option<usize> {
        let receives = |local: &super::Local| {
            matches!(local.candidate.kind, CandidateType::Host | CandidateType::Relayed)
                && same_address(local.base, address)
        };
        self.locals.iter().position(receives)
    }

    pub(super) fn find_remote(&self, component: u16, address: SocketAddr) -> Option<usize> {
        let known = |remote: &super::Remote| {
            remote.candidate.component == component && same_address(remote.candidate.address, address)
        };
        self.remotes.iter().position(known)
    }

    pub(super) fn find_pair(&self, local: usize, remote: usize) -> Option<usize> {
        self.pairs
            .iter()
            .position(|pair| pair.local == local && pair.remote == remote)
    }

    /// The priority of a pair under the present role (RFC 8445 6.1.2.3).
    pub(super) fn priority(&self, pair: &Pair) -> u64 {
        let local = self.locals[pair.local].candidate.priority;
        let remote = self.remotes[pair.remote].candidate.priority;
        match self.role {
            Role::Controlling => pair_priority(local, remote),
            Role::Controlled => pair_priority(remote, local),
        }
    }

    fn same_foundation(&self, one: &Pair, other: &Pair) -> bool {
        let foundation = |pair: &Pair| {
            (
                self.locals[pair.local].candidate.foundation.as_str(),
                self.remotes[pair.remote].candidate.foundation.as_str(),
            )
        };
        foundation(one) == foundation(other)
    }

    pub(super) fn addresses(&self, pair: &Pair) -> AddressPair {
        AddressPair {
            component: pair.component,
            local: self.locals[pair.local].base,
            remote: self.remotes[pair.remote].candidate.address,
            mapped: pair.mapped,
        }
    }

    /// Pairs each own base with each told candidate of the same component and family (RFC 8445 6.1.2.2 to 6.1.2.6).
    pub(super) fn form_pairs(&mut self) {
        if self.peer.is_none() || self.options.mode == Mode::Lite {
            return;
        }
        let mut formed = Vec::new();
        for (local, own) in self.locals.iter().enumerate() {
            // reflexive candidates are replaced by their bases, which are in the list (RFC 8445 6.1.2.4)
            if !matches!(own.candidate.kind, CandidateType::Host | CandidateType::Relayed) {
                continue;
            }
            for (remote, other) in self.remotes.iter().enumerate() {
                let concluded = self
                    .components
                    .get(&own.candidate.component)
                    .is_some_and(|component| component.selected_pair.is_some());
                if other.signalled
                    && !concluded
                    && own.candidate.component == other.candidate.component
                    && reachable(own.base.ip(), other.candidate.address.ip())
                    && self.find_pair(local, remote).is_none()
                {
                    formed.push(Pair {
                        local,
                        remote,
                        component: own.candidate.component,
                        state: PairState::Frozen,
                        nominate_on_success: false,
                        mapped: None,
                    });
                }
            }
        }
        formed.sort_by_key(|pair| std::cmp::Reverse(self.priority(pair)));
        formed.truncate(MOST_FORMED.saturating_sub(self.pairs.len()));
        self.pairs.extend(formed);
        self.thaw();
    }

    /// Of each foundation nobody works on, one pair begins to wait: that of the lowest component, then of the highest
    /// priority; all of them when one is known to work (RFC 8445 6.1.2.6 and 7.2.5.3.3).
    fn thaw(&mut self) {
        let mut frozen: Vec<usize> = (0..self.pairs.len())
            .filter(|index| self.pairs[*index].state == PairState::Frozen)
            .collect();
        frozen.sort_by_key(|index| {
            let pair = &self.pairs[*index];
            (pair.component, std::cmp::Reverse(self.priority(pair)))
        });
        for index in frozen {
            if self.may_thaw(&self.pairs[index]) {
                self.pairs[index].state = PairState::Waiting;
            }
        }
    }

    fn may_thaw(&self, pair: &Pair) -> bool {
        let relatives = || {
            self.pairs
                .iter()
                .filter(|other| self.same_foundation(pair, other))
        };
        let works = relatives().any(|other| other.state == PairState::Succeeded);
        works || !relatives().any(|other| matches!(other.state, PairState::Waiting | PairState::InProgress))
    }

    /// The pair of the next ordinary check: the best that waits, else the best frozen one whose foundation is idle
    /// (RFC 8445 6.1.4.2).
    pub(super) fn next_ordinary(&self) -> Option<usize> {
        let best = |state: PairState| {
            let of_state = |index: &usize| self.pairs[*index].state == state;
            let candidates = (0..self.pairs.len()).filter(of_state);
            let candidates =
                candidates.filter(|i| state == PairState::Waiting || self.may_thaw(&self.pairs[*i]));
            candidates.max_by_key(|index| (self.priority(&self.pairs[*index]), std::cmp::Reverse(*index)))
        };
        best(PairState::Waiting).or_else(|| best(PairState::Frozen))
    }

    /// The pair of a check that came in, new if need be; `None` when there are too many.
    pub(super) fn pair_of(&mut self, local: usize, remote: usize) -> Option<usize> {
        if let Some(index) = self.find_pair(local, remote) {
            return Some(index);
        }
        if self.pairs.len() >= MOST_PAIRS {
            return None;
        }
        self.pairs.push(Pair {
            local,
            remote,
            component: self.locals[local].candidate.component,
            state: PairState::Cancelled,
            nominate_on_success: false,
            mapped: None,
        });
        Some(self.pairs.len() - 1)
    }

    /// A pair works: its foundation thaws (RFC 8445 7.2.5.3.3).
    pub(super) fn succeed(&mut self, now: Duration, index: usize) {
        self.pairs[index].state = PairState::Succeeded;
        let component = self.pairs[index].component;
        self.components
            .entry(component)
            .or_default()
            .first_valid
            .get_or_insert(now);
        self.thaw();
    }

    /// A nominated pair is the selected one unless a better one is (RFC 8445 8.1.1 and 8.1.2).
    pub(super) fn select(&mut self, now: Duration, index: usize) {
        let component = self.pairs[index].component;
        let priority = self.priority(&self.pairs[index]);
        let present = self
            .components
            .get(&component)
            .and_then(|state| state.selected_pair);
        if present.is_some_and(|other| other == index || self.priority(&self.pairs[other]) >= priority) {
            return;
        }
        // with aggressive nomination a better pair may still answer and take over (RFC 5245 8.1.2)
        let only_one = self.role == Role::Controlling && self.options.nomination != Nomination::Aggressive;
        for other in 0..self.pairs.len() {
            let pair = &self.pairs[other];
            let worse = only_one || self.priority(pair) < priority;
            let started = pair.state == PairState::InProgress;
            if pair.component == component && pair.is_pending() && (worse || !started) {
                self.pairs[other].state = PairState::Cancelled;
                self.cancel(other);
            }
        }
        let pairs = &self.pairs;
        self.triggered
            .retain(|waiting| pairs[*waiting].component != component);
        let selected = self.addresses(&self.pairs[index]);
        let asks = self.options.mode == Mode::Full && self.options.consent;
        let next = now + self.consent_interval();
        let state = self.components.entry(component).or_default();
        state.selected = Some(selected);
        state.selected_pair = Some(index);
        state.nominating = None;
        state.consent = asks.then_some(Consent {
            next,
            expires: now + self.options.consent_timeout,
        });
        self.tell(IceEvent::Selected(selected));
    }

    /// RFC 7675 5.1: the interval varies by a fifth either way, so that agents do not fall into step.
    pub(super) fn consent_interval(&mut self) -> Duration {
        let thousandth = 800 + u32::try_from(self.random.next() % 401).unwrap_or(200);
        self.options.consent_interval * thousandth / 1000
    }

    /// Two lite agents send no checks: each takes its best pair of the same family (RFC 8445 8.2).
    pub(super) fn conclude_between_lites(&mut self, now: Duration) {
        let both = self.options.mode == Mode::Lite && self.peer.as_ref().is_some_and(|peer| peer.lite);
        if !both {
            return;
        }
        let mut best: Vec<(u64, usize, usize)> = Vec::new();
        for (local, own) in self.locals.iter().enumerate() {
            for (remote, other) in self.remotes.iter().enumerate() {
                let (mine, theirs) = (&own.candidate, &other.candidate);
                if mine.component == theirs.component && reachable(own.base.ip(), theirs.address.ip()) {
                    best.push((pair_priority(mine.priority, theirs.priority), local, remote));
                }
            }
        }
        best.sort_by_key(|(priority, ..)| std::cmp::Reverse(*priority));
        for (_, local, remote) in best {
            let component = self.locals[local].candidate.component;
            let done = self
                .components
                .get(&component)
                .is_some_and(|state| state.selected_pair.is_some());
            if !done && let Some(index) = self.pair_of(local, remote) {
                self.succeed(now, index);
                self.select(now, index);
            }
        }
    }
}

/// Same family, and link-local only with link-local (RFC 8445 6.1.2.2).
fn reachable(own: IpAddr, other: IpAddr) -> bool {
    match (own.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(_), IpAddr::V4(_)) => true,
        (IpAddr::V6(own), IpAddr::V6(other)) => own.is_unicast_link_local() == other.is_unicast_link_local(),
        _ => false,
    }
}
