//! One call of the callee.

use std::time::Duration;

use crate::agenda::CallTimers;
use crate::media::session::RemoteMedia;
use crate::reply::ReplyHead;
use crate::report::FailureCause;
use crate::text::{CallName, Peer};

/// Where a call is: the INVITE server transaction (RFC 3261 17.2.1, RFC 6026), then the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nobody's place.
    Free,
    /// 180 sent, the final response is still to come.
    Ringing,
    /// 2xx sent, no ACK yet: it is repeated (RFC 3261 13.3.1.4).
    Answered,
    /// The ACK came.
    Established,
    /// Our BYE is out (timers E and F).
    Releasing,
    /// Another final response sent, no ACK yet: it is repeated (timers G and H).
    Rejected,
    /// Over; repeated requests are absorbed or answered again (timers I, J and L).
    Lingering,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) phase: Phase,
    pub(super) timers: CallTimers,
    /// What the table of transactions has it under.
    pub(super) key: Box<str>,
    /// Number of the INVITE last answered.
    pub(super) cseq: u32,
    pub(super) peer: Option<Box<Peer>>,
    /// Our To, with our tag, for our own requests; and the Call-ID.
    pub(super) local: Box<str>,
    pub(super) call_id: Box<str>,
    /// What each response repeats, until the final response is acknowledged.
    pub(super) head: Option<Box<ReplyHead>>,
    /// The final response, until it is acknowledged.
    pub(super) last: Option<Box<[u8]>>,
    pub(super) remote: Option<RemoteMedia>,
    pub(super) stream: Option<u32>,
    /// When the 2xx or our BYE was sent.
    pub(super) sent: Duration,
    pub(super) by_peer: bool,
    /// Whether it is among the answered ones.
    pub(super) counted: bool,
    /// What it will count as when it ends.
    pub(super) failure: Option<FailureCause>,
}

impl Call {
    pub(super) fn free() -> Self {
        Self {
            number: 0,
            phase: Phase::Free,
            timers: CallTimers::default(),
            key: Box::default(),
            cseq: 0,
            peer: None,
            local: Box::default(),
            call_id: Box::default(),
            head: None,
            last: None,
            remote: None,
            stream: None,
            sent: Duration::ZERO,
            by_peer: false,
            counted: false,
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
