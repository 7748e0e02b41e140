use std::time::Duration;

use super::options::Role;
use crate::candidate::Candidate;

/// States of a pair on the checklist (RFC 8445 6.1.2.6); `Cancelled` is one removed from it (8.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairState {
    Frozen,
    Waiting,
    InProgress,
    Succeeded,
    Failed,
    Cancelled,
}

/// Indices of a local and a remote candidate, and what checks said about them.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) local: usize,
    pub(super) remote: usize,
    pub(super) component: u16,
    pub(super) state: PairState,
    /// The device nominated it before it was known to work (RFC 8445 7.3.1.5).
    pub(super) nominate_on_success: bool,
    pub(super) mapped: Option<std::net::SocketAddr>,
}

impl Pair {
    pub(super) const fn is_pending(&self) -> bool {
        matches!(
            self.state,
            PairState::Frozen | PairState::Waiting | PairState::InProgress
        )
    }
}

/// A candidate of the lab.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub(super) candidate: Candidate,
    /// The address to send from.
    pub(super) base: std::net::SocketAddr,
    pub(super) preference: u16,
}

/// A candidate of the device, told or learnt.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub(super) candidate: Candidate,
    pub(super) signalled: bool,
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Check,
    Nomination,
    Consent,
}

/// A Binding request under way.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    pub(super) pair: usize,
    pub(super) purpose: Purpose,
    pub(super) role: Role,
    pub(super) use_candidate: bool,
    pub(super) sent: Duration,
    /// Next retransmission, or the end when none is left.
    pub(super) next: Duration,
    pub(super) first: Duration,
    pub(super) interval: Duration,
    pub(super) left: u32,
    pub(super) cancelled: bool,
    pub(super) bytes: Vec<u8>,
}

/// Consent of the device for a selected pair (RFC 7675).
#[derive(Debug, Clone, Copy)]
pub(super) struct Consent {
    pub(super) next: Duration,
    pub(super) expires: Duration,
}

/// One component of the stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Component {
    pub(super) selected: Option<super::AddressPair>,
    pub(super) selected_pair: Option<usize>,
    pub(super) nominating: Option<usize>,
    pub(super) first_valid: Option<Duration>,
    pub(super) failed: bool,
    pub(super) consent: Option<Consent>,
    pub(super) last_check: Option<Duration>,
    /// Pairs on which an ordinary check of the device was granted, and those that it nominated.
    pub(super) ordinary: Vec<usize>,
    pub(super) nominated: Vec<usize>,
}
