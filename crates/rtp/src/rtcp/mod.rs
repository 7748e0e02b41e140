//! RTCP: compound packets (RFC 3550 6), extended reports (RFC 3611), feedback (RFC 4585), and the sessions that send
//! and receive them.
//!
//! * [`parse`] and [`build`]: a compound packet to and from [`Report`]s.
//! * [`inspect`]: what breaks the rules of the standards in a compound packet.
//! * [`xr`]: the blocks of extended reports and the SDP attribute that agrees on them.
//! * [`Session`]: when to send what, and what the far end's reports mean.

mod findings;
mod frame;
mod read;
mod report;
mod session;
mod write;
pub mod xr;

pub use findings::{Finding, Profile, Violation, inspect};
pub use read::parse;
pub use report::{FeedbackLayer, Report, ReportBlock, RtcpError, ntp_middle};
pub use session::{Event, ExtendedReports, Session, SessionConfig, ntp_from_unix};
pub use write::build;

/// Sender report (RFC 3550 6.4.1).
pub const SENDER_REPORT: u8 = 200;
/// Receiver report (RFC 3550 6.4.2).
pub const RECEIVER_REPORT: u8 = 201;
/// Source description (RFC 3550 6.5).
pub const SOURCE_DESCRIPTION: u8 = 202;
/// Goodbye (RFC 3550 6.6).
pub const GOODBYE: u8 = 203;
/// Application-defined (RFC 3550 6.7).
pub const APPLICATION: u8 = 204;
/// Transport layer feedback (RFC 4585 6.2).
pub const TRANSPORT_FEEDBACK: u8 = 205;
/// Payload-specific feedback (RFC 4585 6.3).
pub const PAYLOAD_FEEDBACK: u8 = 206;
/// Extended report (RFC 3611 2).
pub const EXTENDED_REPORT: u8 = 207;

/// SDES item of the canonical name (RFC 3550 6.5.1).
const CNAME: u8 = 1;

#[cfg(test)]
mod tests;
