//! Input and result of an analysis.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bursts::{BurstGap, GAP_THRESHOLD};
use super::histogram::{Intervals, LengthHistogram};

/// Payload type of comfort noise (RFC 3389 4).
pub const COMFORT_NOISE: u8 = 13;

/// One received datagram.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    /// Arrival.
    pub at: Duration,
    /// UDP payload.
    pub bytes: &'a [u8],
    /// Differentiated services code point of its IP header, 0..=63, when it is known (RFC 2474 3).
    pub dscp: Option<u8>,
}

/// What [`super::analyse_datagrams`] needs to know about a stream.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// RTP clock of the audio in Hz.
    pub clock_rate: u32,
    /// Payload types of telephone-event.
    pub telephone_event_pts: &'a [u8],
    /// Depth of a modelled jitter buffer; packets that come later than that are counted as discarded, and as lost in
    /// [`StreamStatistics::burst_gap`].
    pub jitter_buffer: Option<Duration>,
    /// Received packets in a row that end a burst of losses, see [`GAP_THRESHOLD`].
    pub gap_threshold: u32,
}

impl<'a> Options<'a> {
    /// No jitter buffer and the recommended gap threshold.
    #[must_use]
    pub const fn new(clock_rate: u32, telephone_event_pts: &'a [u8]) -> Self {
        Self {
            clock_rate,
            telephone_event_pts,
            jitter_buffer: None,
            gap_threshold: GAP_THRESHOLD,
        }
    }
}

/// The flow goes on with another synchronisation source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceChange {
    /// Arrival of the first packet of the other source.
    pub at: Duration,
    /// Source of the packet before.
    pub from: u32,
    /// Source of this packet.
    pub to: u32,
}

/// A source goes on with another payload type; telephone-event does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadTypeChange {
    /// Arrival of the first packet of the other type.
    pub at: Duration,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Payload type of the media packet before.
    pub from: u8,
    /// Payload type of this packet.
    pub to: u8,
}

/// Statistics of one captured RTP flow; several sources of one flow are added up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamStatistics {
    /// RTP packets, duplicates included.
    pub packets: u64,
    /// Payload octets of these packets, without headers and padding (RFC 3550 6.4.1).
    pub octets: u64,
    /// Synchronisation sources in order of appearance.
    pub ssrcs: Vec<u32>,
    /// Payload types, ascending, each once.
    pub payload_types: Vec<u8>,
    /// Packets that the sequence numbers promise (RFC 3550 A.3), summed over sources and restarts.
    pub expected: u64,
    /// Expected packets that never arrived.
    pub lost: u64,
    /// Packets whose sequence number had arrived before.
    pub duplicates: u64,
    /// Packets that arrived after one with a higher sequence number.
    pub reordered: u64,
    /// Interarrival jitter after the last packet, in ms (RFC 3550 A.8).
    pub jitter_ms: f64,
    /// Largest interarrival jitter, in ms.
    pub max_jitter_ms: f64,
    /// Longest time between two packets of the flow, in ms.
    pub max_gap_ms: f64,
    /// Mean time between two packets of the flow, in ms.
    pub mean_interval_ms: f64,
    /// 99th percentile of how far the time between two successive media packets is from the nominal packet time, in ms.
    pub interval_p99_deviation_ms: f64,
    /// Restarts of the sequence numbering within a source: steps over 3000 forward or 100 backward (RFC 3550 A.1).
    pub sequence_jumps: u32,
    /// Most frequent timestamp step between successive media packets, in clock units.
    pub timestamp_step: Option<u32>,
    /// Media packets whose timestamp is not a positive multiple of the dominant step after the packet before, or is
    /// less than the number of packets between them asks for. A longer step is silence, not a violation.
    pub timestamp_violations: u32,
    /// Packets with the marker bit, telephone-event excluded.
    pub markers: u32,
    /// Datagrams that are neither RTP nor RTCP.
    pub malformed: u64,
    /// Arrival of the first packet.
    pub first: Option<Duration>,
    /// Arrival of the last packet.
    pub last: Option<Duration>,
    /// Sender's clock against the clock of the arrival times, parts per million, positive when the sender is fast.
    /// `None` when less than two seconds of the stream can be used.
    pub clock_skew_ppm: Option<f64>,
    /// Times between the packets of the flow.
    pub intervals: Intervals,
    /// Bursts and gaps of loss.
    pub burst_gap: BurstGap,
    /// Packets that the modelled jitter buffer discards, 0 without one.
    pub discarded: u64,
    /// How many packets in a row were lost.
    pub loss_runs: LengthHistogram,
    /// By how many sequence numbers reordered packets were behind the highest one.
    pub reorder_depths: LengthHistogram,
    /// Packets of each differentiated services code point, duplicates included; only those whose code point is known.
    pub dscp: BTreeMap<u8, u64>,
    /// Changes of the synchronisation source, at most 1000.
    pub source_changes: Vec<SourceChange>,
    /// Changes of the payload type within a source, at most 1000.
    pub payload_type_changes: Vec<PayloadTypeChange>,
    /// Comfort noise packets (RFC 3389).
    pub comfort_noise: u64,
    /// Talk spurts: one for each source and restart, one after each silence.
    pub talk_spurts: u32,
    /// Talk spurts after a silence whose first packet arrived without the marker bit (RFC 3551 4.1).
    pub unmarked_spurts: u32,
    /// Marker bits on packets that follow the one before without a silence (RFC 3551 4.1).
    pub stray_markers: u32,
}
