//! What a received RTCP packet says.

use std::time::Duration;

use crate::rtcp::xr::{Block, StatisticsSummary, VoipMetrics};
use crate::rtcp::{FeedbackLayer, Finding, ReportBlock};

/// One thing that a received packet says, or that is wrong with it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The packet breaks a rule.
    Finding(Finding),
    /// A sender's own account.
    SenderReport {
        /// The sender.
        ssrc: u32,
        /// NTP timestamp, 32.32 fixed point.
        ntp: u64,
        /// The same instant on its RTP clock.
        rtp_timestamp: u32,
        /// Packets it sent.
        packets: u32,
        /// Payload octets it sent.
        octets: u32,
    },
    /// How a source is received.
    Reception {
        /// Who reports.
        reporter: u32,
        /// The block as it is.
        block: ReportBlock,
        /// Share of packets lost since the last report, 0..=1.
        fraction_lost: f64,
        /// Interarrival jitter.
        jitter: Duration,
        /// Round trip, where the block is about us and quotes a sender report of ours.
        round_trip: Option<Duration>,
    },
    /// Round trip from an answer to our reference time (RFC 3611 4.5).
    RoundTrip {
        /// Who reports.
        reporter: u32,
        /// Round trip.
        round_trip: Duration,
    },
    /// VoIP metrics (RFC 3611 4.7).
    VoipMetrics {
        /// Who reports.
        reporter: u32,
        /// Its metrics.
        metrics: VoipMetrics,
    },
    /// Statistics summary (RFC 3611 4.6).
    StatisticsSummary {
        /// Who reports.
        reporter: u32,
        /// Its summary.
        summary: StatisticsSummary,
    },
    /// Another block of an extended report.
    ExtendedBlock {
        /// Who reports.
        reporter: u32,
        /// The block.
        block: Block,
    },
    /// Feedback, recognised by type (RFC 4585).
    Feedback {
        /// Transport or payload.
        layer: FeedbackLayer,
        /// Feedback message type.
        format: u8,
        /// Who sends it.
        sender: u32,
        /// The media source it is about.
        media: u32,
    },
    /// A source has a new canonical name.
    Named {
        /// The source.
        ssrc: u32,
        /// Its name.
        cname: String,
    },
    /// A source says goodbye.
    Left {
        /// The source.
        ssrc: u32,
        /// Why, when it says so.
        reason: Option<String>,
    },
    /// Somebody else uses our source, or our own packets come back (RFC 3550 8.2).
    Collision {
        /// The source.
        ssrc: u32,
    },
}
