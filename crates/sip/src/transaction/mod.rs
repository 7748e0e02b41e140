//! The transaction layer of RFC 3261 17 with the corrections of RFC 6026, sans-IO.
//!
//! The layer answers nothing on its own but the ACK to a non-2xx final response: no automatic 100, no 408 in the
//! place of an answer that never came. What the device did and what the lab did must stay distinguishable.

mod client;
mod copies;
mod key;
mod routing;
mod server;
mod table;

use std::time::Duration;

use crate::hop::Hop;
use crate::message::Message;

pub use copies::{ack_for, cancel_for};
pub use table::Transactions;

/// The base intervals of RFC 3261 17.1.1.1, Table 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Round-trip estimate: first retransmission interval.
    pub t1: Duration,
    /// Longest retransmission interval of non-INVITE requests and INVITE responses.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
}

impl Default for Timers {
    /// 500 ms, 4 s and 5 s.
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl Timers {
    /// 64*T1: timers B, F, H, J (RFC 3261) and L, M (RFC 6026).
    const fn give_up(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// Timer D: at least 32 s, because the server's T1 is unknown (RFC 3261 17.1.1.2).
    fn timer_d(&self) -> Duration {
        self.give_up().max(Duration::from_secs(32))
    }
}

/// Names one transaction of one [`Transactions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId(u64);

/// A datagram to send, or a message to write to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub destination: Hop,
    /// What.
    pub bytes: Vec<u8>,
}

/// What the transaction layer tells its user.
#[derive(Debug, Clone)]
pub enum TransactionEvent {
    /// A new server transaction (never ACK). CANCEL is one of its own (RFC 3261 9.2).
    Request {
        /// The new transaction.
        id: TransactionId,
        /// The request.
        message: Message,
        /// Where it came from.
        source: Hop,
    },
    /// An ACK.
    Ack {
        /// The ACK.
        message: Message,
        /// Where it came from.
        source: Hop,
        /// The INVITE server transaction whose non-2xx response it confirmed; `None` for the ACK to a 2xx.
        id: Option<TransactionId>,
    },
    /// A response to a request of ours: each provisional, the final one, and each retransmission of a 2xx to INVITE.
    Response {
        /// The client transaction.
        id: TransactionId,
        /// The response.
        message: Message,
        /// Where it came from.
        source: Hop,
    },
    /// Timer B or F fired, or timer H (no ACK to a non-2xx response). [`TransactionEvent::Terminated`] follows.
    Timeout {
        /// The transaction.
        id: TransactionId,
    },
    /// The transaction is gone.
    Terminated {
        /// The transaction.
        id: TransactionId,
    },
    /// A response that matches nothing or contradicts the final one, a request without a readable Via, or no SIP.
    Stray {
        /// What came.
        message: Message,
        /// Where it came from.
        source: Hop,
    },
}

/// A retransmission that doubles its interval.
#[derive(Debug, Clone, Copy)]
struct Retransmission {
    at: Duration,
    interval: Duration,
}

impl Retransmission {
    const fn start(now: Duration, interval: Duration) -> Self {
        Self {
            at: now.saturating_add(interval),
            interval,
        }
    }

    /// Plans the next one relative to this one's due time, so that a late poll does not add up; after a stall the
    /// missed ones are not sent in a burst.
    fn next(self, now: Duration, interval: Duration) -> Self {
        let due = self.at.saturating_add(interval);
        Self {
            at: if due > now {
                due
            } else {
                now.saturating_add(interval)
            },
            interval,
        }
    }
}

/// What firing the due timers of a transaction led to.
enum Fired {
    Nothing,
    Retransmit,
    Timeout,
    Terminated,
}
