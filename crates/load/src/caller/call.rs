//! One call of the caller.

use std::time::Duration;

use crate::agenda::CallTimers;
use crate::report::FailureCause;
use crate::text::{CallName, Peer};

/// Where a call is: the INVITE client transaction (RFC 3261 17.1.1), then the dialog, then the BYE one (17.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nobody's place.
    Free,
    /// INVITE sent, nothing came (timers A and B).
    Calling,
    /// A provisional response came.
    Proceeding,
    /// CANCEL sent (timers E and F), the INVITE's final response not there yet.
    Cancelling,
    /// 2xx came, ACK sent.
    Established,
    /// BYE sent (timers E and F).
    Releasing,
    /// Over; repeated responses are absorbed or acknowledged again (timers D, K and M).
    Lingering,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) phase: Phase,
    /// The far end's BYE came.
    pub(super) by_peer: bool,
    /// An 18x came.
    pub(super) rang: bool,
    pub(super) timers: CallTimers,
    pub(super) began: Duration,
    pub(super) released: Duration,
    /// Since the 2xx.
    pub(super) peer: Option<Box<Peer>>,
    /// To of the non-2xx final response, for its ACK.
    pub(super) rejected: Option<Box<str>>,
    pub(super) stream: Option<u32>,
    /// What it will count as when it ends.
    pub(super) failure: Option<FailureCause>,
}

impl Call {
    pub(super) fn new(number: u64, now: Duration, stream: Option<u32>) -> Self {
        Self {
            number,
            phase: Phase::Calling,
            began: now,
            stream,
            ..Self::free()
        }
    }

    pub(super) fn free() -> Self {
        Self {
            number: 0,
            phase: Phase::Free,
            by_peer: false,
            rang: false,
            timers: CallTimers::default(),
            began: Duration::ZERO,
            released: Duration::ZERO,
            peer: None,
            rejected: None,
            stream: None,
            failure: None,
        }
    }

    pub(super) const fn name(&self, place: u32) -> CallName {
        CallName {
            place,
            number: self.number,
        }
    }
}
