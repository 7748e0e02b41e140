//! SIP messages that keep their bytes, transactions, dialogs, digest and SDP; sans-IO.
//!
//! Nothing here reads a clock or opens a socket: bytes and the time since the lab's epoch come in, bytes, events
//! and the next deadline go out. [`Message`] never refuses a framed message and never loses a byte; what is wrong
//! with it is a list of [`Finding`]s that name the clause.

mod build;
mod dialog;
mod dialog_set;
pub mod digest;
pub mod event;
mod finding;
mod framer;
pub mod fuzzing;
mod header;
pub mod headers;
mod hop;
mod ids;
mod lists;
mod message;
mod multipart;
pub mod mutate;
mod names;
mod params;
mod reader;
mod reliable;
pub mod sdp;
mod session_timer;
pub mod timing;
pub mod torture;
mod transaction;
mod uri;
mod validate;
mod view;

pub use build::{Builder, default_reason};
pub use dialog::{CseqTooLow, Dialog, routed, strict_target};
pub use dialog_set::{DialogChange, DialogSet, Fork};
pub use digest::{Algorithm, Challenge, Credentials, DigestError, ReceivedChallenge};
pub use finding::{Finding, Severity};
pub use framer::Framer;
pub use header::{CSeq, NameAddr, Via};
pub use hop::{Hop, Transport, UnknownTransport};
pub use ids::IdSource;
pub use message::{HeaderLine, Message, StartLine};
pub use multipart::BodyPart;
pub use params::Params;
pub use reliable::{PrackMatch, RackTracker, ReliableError, ReliableProvisionals, ReliableResponse};
pub use session_timer::{
    SMALLEST_INTERVAL, SessionTimer, SessionTimerAnswer, SessionTimerEvent, SessionTimerPolicy,
    after_too_small,
};
pub use transaction::{Timers, TransactionEvent, TransactionId, Transactions, Transmit, ack_for, cancel_for};
pub use uri::{Uri, UriError};
pub use view::{CombinedView, HeaderView, OwnView, RsipView};
