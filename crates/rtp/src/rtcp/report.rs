//! The packets of a compound packet as values.

use super::xr;

/// Why a datagram is not a compound RTCP packet, or why one could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// The datagram ends inside a packet.
    #[error("packet at octet {offset} needs {needed} octets, {available} are left (RFC 3550 6.4.1)")]
    Truncated {
        /// Where the packet starts in the datagram.
        offset: usize,
        /// Octets that its length field announces.
        needed: usize,
        /// Octets that are left.
        available: usize,
    },
    /// The version field is not 2.
    #[error("packet at octet {offset} has version {version} instead of 2 (RFC 3550 6.4.1)")]
    Version {
        /// Where the packet starts in the datagram.
        offset: usize,
        /// The version found.
        version: u8,
    },
    /// A value does not fit its field.
    #[error("the packet cannot be written: {0}")]
    Write(String),
    /// [`Report::Other`] and [`Report::Malformed`] are only ever read.
    #[error("a packet of unknown or broken content cannot be written")]
    NotWritable,
}

/// What a receiver reports about one source (RFC 3550 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source that is reported on.
    pub ssrc: u32,
    /// Share of packets lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the start; negative when duplicates outnumber losses. 24 bits signed.
    pub cumulative_lost: i32,
    /// Cycles of the sequence number in the upper, highest number in the lower 16 bits.
    pub extended_sequence: u32,
    /// Interarrival jitter in clock units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP timestamp of the last sender report, 0 when there was none.
    pub last_sender_report: u32,
    /// Time since that report in 1/65536 s.
    pub delay_since_last_sender_report: u32,
}

/// The layer a feedback packet speaks to (RFC 4585 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackLayer {
    /// RTPFB, packet type 205.
    Transport,
    /// PSFB, packet type 206.
    Payload,
}

/// One packet of a compound packet, an SDES packet being one item a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// SR (RFC 3550 6.4.1).
    SenderReport {
        /// Source of the report.
        ssrc: u32,
        /// NTP timestamp, 32.32 fixed point seconds since 1900.
        ntp: u64,
        /// The same instant on the stream's RTP clock.
        rtp_timestamp: u32,
        /// Packets sent.
        packets: u32,
        /// Payload octets sent.
        octets: u32,
        /// What it hears from others.
        blocks: Vec<ReportBlock>,
    },
    /// RR (RFC 3550 6.4.2).
    ReceiverReport {
        /// Source of the report.
        ssrc: u32,
        /// What it hears from others.
        blocks: Vec<ReportBlock>,
    },
    /// One chunk of an SDES packet (RFC 3550 6.5).
    Sdes {
        /// The source described.
        ssrc: u32,
        /// Its canonical name; mandatory in every compound packet (RFC 3550 6.1).
        cname: Option<String>,
    },
    /// BYE (RFC 3550 6.6).
    Bye {
        /// Sources that leave.
        ssrcs: Vec<u32>,
        /// Why, when it is given.
        reason: Option<String>,
    },
    /// APP (RFC 3550 6.7).
    Application {
        /// Subtype, 5 bits.
        subtype: u8,
        /// Source of the packet.
        ssrc: u32,
        /// Name, four ASCII octets.
        name: [u8; 4],
        /// What the application put there; a multiple of four octets.
        data: Vec<u8>,
    },
    /// RTPFB or PSFB (RFC 4585 6.1), recognised by type; the control information is kept as octets.
    Feedback {
        /// Which of the two packet types.
        layer: FeedbackLayer,
        /// Feedback message type, 5 bits, such as 1 for a generic NACK (RTPFB) or a picture loss indication (PSFB).
        format: u8,
        /// Who sends the feedback.
        sender: u32,
        /// The media source it is about.
        media: u32,
        /// Feedback control information; a multiple of four octets.
        information: Vec<u8>,
    },
    /// XR (RFC 3611).
    ExtendedReport {
        /// Source of the report.
        ssrc: u32,
        /// Its blocks in order.
        blocks: Vec<xr::Block>,
    },
    /// A packet of a type that is not known here.
    Other {
        /// RTCP packet type.
        packet_type: u8,
        /// Octets of the packet with its header.
        length: usize,
    },
    /// A packet with a sound frame whose content does not fit it; the packets around it are still there.
    Malformed {
        /// RTCP packet type.
        packet_type: u8,
        /// What does not fit.
        reason: String,
    },
}

/// The middle 32 bits of an NTP timestamp, as a report block quotes it (RFC 3550 6.4.1 LSR).
#[must_use]
pub const fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}
