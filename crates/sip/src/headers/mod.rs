//! Typed views of the header fields beyond RFC 3261: session timers, reliable provisionals, transfer, events, identity.
//!
//! Each type reads one unfolded value (`parse`, a [`Finding`] when it cannot) and prints it again
//! (`Display`). The accessors on [`Message`](crate::Message) give `None` when the field is absent or cannot be read.

mod calling;
mod events;
mod identity;
mod message;
mod session;
mod transfer;

pub use calling::{AlertInfo, CallInfo, Reason};
pub use events::{Event, SubscriptionState, SubscriptionStatus};
pub use identity::{Diversion, HistoryEntry};
pub use session::{RAck, Refresher, RetryAfter, SessionExpires};
pub use transfer::{ReferTo, Replaces};

use crate::finding::Finding;

/// A decimal number without sign.
fn number(value: &str) -> Option<u32> {
    let value = value.trim();
    (!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| value.parse().ok())
        .flatten()
}

fn fault(code: &'static str, clause: &'static str, name: &str, value: &str) -> Finding {
    let shown: String = value.chars().take(120).collect();
    Finding::new(code, clause, format!("{name} {shown:?} cannot be read"))
}
