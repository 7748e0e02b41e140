//! Extended reports (RFC 3611): the seven block types, and `a=rtcp-xr` that agrees on them.

mod attribute;
mod block;
mod run_lengths;
mod violation;
mod voip;

pub use attribute::{AttributeError, ExtendedReportAttribute, ReceiverRoundTrip, StatisticsFlags};
pub use block::{Block, DelaySinceLastReceiverReport, HopLimit, Spread, StatisticsSummary};
pub(super) use block::{parse_blocks, write_blocks};
pub use run_lengths::{Chunk, RunLengths};
pub use violation::XrViolation;
pub(super) use violation::inspect_blocks;
pub use voip::{Concealment, JitterBufferKind, VoipMetrics};

/// Loss RLE (RFC 3611 4.1).
pub const LOSS_RUN_LENGTHS: u8 = 1;
/// Duplicate RLE (RFC 3611 4.2).
pub const DUPLICATE_RUN_LENGTHS: u8 = 2;
/// Packet receipt times (RFC 3611 4.3).
pub const RECEIPT_TIMES: u8 = 3;
/// Receiver reference time (RFC 3611 4.4).
pub const RECEIVER_REFERENCE_TIME: u8 = 4;
/// Delay since the last receiver reference time (RFC 3611 4.5).
pub const DELAY_SINCE_LAST: u8 = 5;
/// Statistics summary (RFC 3611 4.6).
pub const STATISTICS_SUMMARY: u8 = 6;
/// VoIP metrics (RFC 3611 4.7).
pub const VOIP_METRICS: u8 = 7;
