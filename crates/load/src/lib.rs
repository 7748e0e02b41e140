//! Many calls at once: the load mode of the call driver.
//!
//! [`run_caller`] makes calls at a rate or holds a number of them, [`run_callee`] answers them; both with RTP both ways
//! when asked. Everything runs on the calling thread: one loop, one SIP socket, a port pair a call, no runtime. The
//! loop measures its own lateness and the kernel's drops, and a run in which the lab was the limit says so in
//! [`LoadReport::validity`] instead of blaming the far end.
//!
//! Each call keeps its transactions in place (RFC 3261 17 with RFC 6026: timers A, B, D, E, F, K, M as caller, G, H, I,
//! J, L as callee) in a record of some hundred octets, because a table of whole messages costs more than the call.

mod agenda;
mod callee;
mod caller;
mod clock;
mod error;
mod histogram;
mod host;
mod inspection;
mod media;
mod observer;
mod options;
mod outbox;
mod reply;
mod report;
mod run;
mod sip_capture;
mod sip_socket;
mod text;

pub use callee::{Callee, run_callee};
pub use caller::{Caller, run_caller};
pub use error::LoadError;
pub use inspection::RuleInspection;
pub use media::statistics::{ReceiveStatistics, ReceiveTotals};
pub use observer::{Hooks, Observer};
pub use options::{Answer, CalleeOptions, CallerOptions, MediaMode, MediaOptions, OwnBounds};
pub use report::{
    Distribution, FailureCause, LoadReport, MediaReport, OwnLimits, Progress, Role, SignallingReport,
    Validity,
};
pub use sip_capture::SipCapture;
