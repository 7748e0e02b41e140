//! Statistics of a live stream in constant memory, for load and for RTCP reports.

use std::time::Duration;

use super::COMFORT_NOISE;
use super::bursts::{BurstCounter, BurstGap, GAP_THRESHOLD};
use super::histogram::{IntervalHistogram, Intervals, LengthHistogram};
use super::timing::{PlayoutModel, SkewEstimator, TransitTracker};
use crate::packet::{Packet, is_rtcp};
use crate::sequence::SequenceExtender;

/// Packets behind the highest number whose arrival is remembered. Reordering goes back by at most 100 (RFC 3550 A.1);
/// what is farther back starts a new run.
const WINDOW: u32 = u128::BITS;

/// Statistics of a stream, updated by each packet: constant time a packet (proportional to a loss where there is one)
/// and less than 2 KiB. For the fields that both have, the result is that of [`super::analyse_datagrams`]; when the flow
/// changes its source, the old source is closed and does not come back.
#[derive(Debug, Clone)]
pub struct RunningStatistics {
    clock: f64,
    events: u128,
    ssrc: Option<u32>,
    extender: SequenceExtender,
    run: u32,
    low: i64,
    /// Bit `n`: the packet `n` below the highest number arrived.
    arrived: u128,
    /// Bit `n`: it came too late for the modelled jitter buffer.
    too_late: u128,
    /// Packets of closed runs that the numbers promise, and packets that arrived once.
    expected: u64,
    unique: u64,
    packets: u64,
    octets: u64,
    duplicates: u64,
    reordered: u64,
    discarded: u64,
    comfort_noise: u64,
    malformed: u64,
    markers: u32,
    sequence_jumps: u32,
    source_changes: u32,
    payload_type_changes: u32,
    payload_types: u128,
    payload_type: Option<u8>,
    first: Option<Duration>,
    last: Option<Duration>,
    intervals: IntervalHistogram,
    losses: Losses,
    reorder_depths: LengthHistogram,
    tracker: TransitTracker,
    playout: Option<PlayoutModel>,
    jitter_s: f64,
    max_jitter_s: f64,
    difference_s: Option<f64>,
    skew: SkewEstimator,
    skew_packets: u64,
    /// Drift of the longest closed stretch.
    best_skew: Option<(u64, Option<f64>)>,
    /// Timestamp step that most packets agree on (Boyer and Moore's majority vote) and its votes.
    step: (u32, u32),
    last_timestamp: Option<(i64, u32)>,
    dscp: [u32; 64],
}

/// What is known once a packet can no longer arrive.
#[derive(Debug, Clone)]
struct Losses {
    runs: LengthHistogram,
    run: u64,
    bursts: BurstCounter,
}

impl Losses {
    fn settle(&mut self, arrived: bool, too_late: bool) {
        if arrived {
            self.end_run();
        } else {
            self.run += 1;
        }
        if arrived && !too_late {
            self.bursts.received(1);
        } else {
            self.bursts.lost(1);
        }
    }

    fn lose(&mut self, count: u64) {
        self.run += count;
        self.bursts.lost(count);
    }

    fn end_run(&mut self) {
        self.runs.add(std::mem::take(&mut self.run));
    }
}

/// What [`RunningStatistics`] knows at one moment; the fields mean what they mean in [`super::StreamStatistics`].
#[derive(Debug, Clone, PartialEq)]
pub struct RunningSummary {
    /// Packets, duplicates included.
    pub packets: u64,
    /// Payload octets.
    pub octets: u64,
    /// Packets that the sequence numbers promise.
    pub expected: u64,
    /// Expected packets that have not arrived.
    pub lost: u64,
    /// Packets whose number had arrived before.
    pub duplicates: u64,
    /// Packets behind one with a higher number.
    pub reordered: u64,
    /// Packets too late for the modelled jitter buffer.
    pub discarded: u64,
    /// Comfort noise packets.
    pub comfort_noise: u64,
    /// Datagrams that are neither RTP nor RTCP.
    pub malformed: u64,
    /// Packets with the marker bit, telephone-event excluded.
    pub markers: u32,
    /// Restarts of the numbering.
    pub sequence_jumps: u32,
    /// Changes of the synchronisation source.
    pub source_changes: u32,
    /// Changes of the payload type of the media.
    pub payload_type_changes: u32,
    /// Payload types, ascending.
    pub payload_types: Vec<u8>,
    /// Current source.
    pub ssrc: Option<u32>,
    /// Arrival of the first packet.
    pub first: Option<Duration>,
    /// Arrival of the last packet.
    pub last: Option<Duration>,
    /// Interarrival jitter after the last packet in ms (RFC 3550 A.8).
    pub jitter_ms: f64,
    /// Largest interarrival jitter in ms.
    pub max_jitter_ms: f64,
    /// Times between packets; percentiles to the next millisecond.
    pub intervals: Intervals,
    /// Bursts and gaps of loss, discarded packets included.
    pub burst_gap: BurstGap,
    /// How many packets in a row were lost.
    pub loss_runs: LengthHistogram,
    /// How far reordered packets were behind.
    pub reorder_depths: LengthHistogram,
    /// Drift of the sender's clock in ppm.
    pub clock_skew_ppm: Option<f64>,
    /// Timestamp step that most successive media packets agree on, in clock units.
    pub timestamp_step: Option<u32>,
    /// Code points that occurred, with their packets.
    pub dscp: Vec<(u8, u64)>,
}

impl RunningStatistics {
    /// Statistics of a stream on a clock of `clock_rate` Hz; see [`super::Options`] for the other two.
    #[must_use]
    pub fn new(clock_rate: u32, telephone_event_pts: &[u8], jitter_buffer: Option<Duration>) -> Self {
        Self {
            clock: f64::from(clock_rate.max(1)),
            events: telephone_event_pts
                .iter()
                .fold(0, |set, &pt| set | bit(u32::from(pt))),
            ssrc: None,
            extender: SequenceExtender::default(),
            run: 0,
            low: 0,
            arrived: 0,
            too_late: 0,
            expected: 0,
            unique: 0,
            packets: 0,
            octets: 0,
            duplicates: 0,
            reordered: 0,
            discarded: 0,
            comfort_noise: 0,
            malformed: 0,
            markers: 0,
            sequence_jumps: 0,
            source_changes: 0,
            payload_type_changes: 0,
            payload_types: 0,
            payload_type: None,
            first: None,
            last: None,
            intervals: IntervalHistogram::default(),
            losses: Losses {
                runs: LengthHistogram::default(),
                run: 0,
                bursts: BurstCounter::new(GAP_THRESHOLD),
            },
            reorder_depths: LengthHistogram::default(),
            tracker: TransitTracker::default(),
            playout: jitter_buffer.map(PlayoutModel::new),
            jitter_s: 0.0,
            max_jitter_s: 0.0,
            difference_s: None,
            skew: SkewEstimator::new(),
            skew_packets: 0,
            best_skew: None,
            step: (0, 0),
            last_timestamp: None,
            dscp: [0; 64],
        }
    }

    /// Takes a datagram as it arrived; RTCP is passed over and what is not RTP is counted.
    pub fn observe_datagram(&mut self, at: Duration, bytes: &[u8], dscp: Option<u8>) {
        if is_rtcp(bytes) {
            return;
        }
        match Packet::parse(bytes) {
            Ok(packet) => self.observe(at, &packet, dscp),
            Err(_) => self.malformed += 1,
        }
    }

    /// Takes the next packet in order of arrival, with the code point of its IP header where it is known.
    pub fn observe(&mut self, at: Duration, packet: &Packet<'_>, dscp: Option<u8>) {
        if let Some(last) = self.last {
            self.intervals.add(at.saturating_sub(last).as_secs_f64() * 1e3);
        }
        self.first.get_or_insert(at);
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        self.difference_s = None;
        self.packets += 1;
        self.octets += packet.payload.len() as u64;
        self.payload_types |= bit(u32::from(packet.payload_type));
        if let Some(count) = dscp.and_then(|dscp| self.dscp.get_mut(usize::from(dscp))) {
            *count = count.saturating_add(1);
        }
        let before = match self.ssrc.replace(packet.ssrc) {
            Some(ssrc) if ssrc != packet.ssrc => {
                self.source_changes += 1;
                self.close_source();
                None
            }
            _ => self.extender.highest(),
        };
        let place = self.extender.extend(packet.sequence);
        self.sequence_jumps += u32::from(place.jump);
        match before {
            Some(highest) if !place.jump => {
                let ahead = place.number - highest;
                if ahead > 0 {
                    // at most 3000, as larger steps are jumps
                    self.advance(u32::try_from(ahead).unwrap_or(u32::MAX), highest);
                }
            }
            _ => {
                if let Some(highest) = before {
                    self.close_run(highest);
                }
                self.low = place.number;
            }
        }
        self.run = place.run;
        self.low = self.low.min(place.number);
        let highest = self.extender.highest().unwrap_or(place.number);
        let behind = u32::try_from(highest - place.number).unwrap_or(0);
        if self.arrived & bit(behind) != 0 {
            self.duplicates += 1;
            return;
        }
        self.arrived |= bit(behind);
        self.unique += 1;
        if place.late {
            self.reordered += 1;
            self.reorder_depths.add(u64::from(behind));
        }
        let event = self.events & bit(u32::from(packet.payload_type)) != 0;
        self.comfort_noise += u64::from(packet.payload_type == COMFORT_NOISE);
        if !event {
            self.markers += u32::from(packet.marker);
            if self.media(at.as_secs_f64(), packet, place.number) {
                self.discarded += 1;
                self.too_late |= bit(behind);
            }
        } else {
            self.last_timestamp = None;
        }
    }

    /// Jitter, drift and playout of a media packet; whether the jitter buffer discards it.
    fn media(&mut self, arrival_s: f64, packet: &Packet<'_>, number: i64) -> bool {
        if let Some(from) = self.payload_type.replace(packet.payload_type) {
            self.payload_type_changes += u32::from(from != packet.payload_type);
        }
        let step = self
            .tracker
            .observe(arrival_s, packet.timestamp, self.run, self.clock);
        self.difference_s = step.difference;
        match step.difference {
            Some(difference) => {
                self.jitter_s += (difference.abs() - self.jitter_s) / 16.0;
                self.max_jitter_s = self.max_jitter_s.max(self.jitter_s);
            }
            None => {
                self.close_stretch();
                if let Some(playout) = &mut self.playout {
                    playout.restart();
                }
            }
        }
        self.skew_packets += 1;
        self.skew.observe(step.media_s, step.transit_s);
        if let Some((_, timestamp)) = self.last_timestamp.filter(|(last, _)| last + 1 == number) {
            self.vote(packet.timestamp.wrapping_sub(timestamp));
        }
        self.last_timestamp = Some((number, packet.timestamp));
        self.playout
            .as_mut()
            .is_some_and(|playout| playout.discards(arrival_s, step.transit_s))
    }

    fn vote(&mut self, step: u32) {
        if step.cast_signed() <= 0 {
            return;
        }
        let (candidate, votes) = &mut self.step;
        if *votes == 0 {
            *candidate = step;
        }
        if *candidate == step {
            *votes = votes.saturating_add(1);
        } else {
            *votes -= 1;
        }
    }

    /// Moves the window by `steps`; the packets that leave it are settled.
    fn advance(&mut self, steps: u32, highest: i64) {
        for behind in (WINDOW.saturating_sub(steps)..WINDOW).rev() {
            self.settle(behind, highest);
        }
        if let Some(never_seen) = steps.checked_sub(WINDOW).filter(|count| *count > 0) {
            self.losses.lose(u64::from(never_seen));
        }
        self.arrived = self.arrived.checked_shl(steps).unwrap_or(0);
        self.too_late = self.too_late.checked_shl(steps).unwrap_or(0);
    }

    fn settle(&mut self, behind: u32, highest: i64) {
        // numbers below the first one were never promised
        if highest - i64::from(behind) >= self.low {
            let (arrived, too_late) = (self.arrived & bit(behind) != 0, self.too_late & bit(behind) != 0);
            self.losses.settle(arrived, too_late);
        }
    }

    fn close_run(&mut self, highest: i64) {
        for behind in (0..WINDOW).rev() {
            self.settle(behind, highest);
        }
        self.losses.end_run();
        self.losses.bursts.boundary();
        self.expected += highest.abs_diff(self.low) + 1;
        self.arrived = 0;
        self.too_late = 0;
        self.last_timestamp = None;
    }

    fn close_source(&mut self) {
        if let Some(highest) = self.extender.highest() {
            self.close_run(highest);
        }
        self.close_stretch();
        self.extender = SequenceExtender::default();
        self.tracker = TransitTracker::default();
        self.payload_type = None;
        self.jitter_s = 0.0;
    }

    fn close_stretch(&mut self) {
        if self
            .best_skew
            .is_none_or(|(packets, _)| self.skew_packets > packets)
        {
            self.best_skew = Some((self.skew_packets, self.skew.ppm()));
        }
        self.skew = SkewEstimator::new();
        self.skew_packets = 0;
    }

    /// Source of the latest packet.
    #[must_use]
    pub const fn ssrc(&self) -> Option<u32> {
        self.ssrc
    }

    /// Interarrival jitter in seconds (RFC 3550 A.8), without the cost of a summary.
    #[must_use]
    pub const fn jitter_s(&self) -> f64 {
        self.jitter_s
    }

    /// Change of the transit time with the latest packet in seconds (RFC 3550 6.4.1, D); `None` for duplicates, events
    /// and the first packet of a stretch.
    #[must_use]
    pub const fn transit_difference_s(&self) -> Option<f64> {
        self.difference_s
    }

    /// Packets so far, duplicates included.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Duplicates so far.
    #[must_use]
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Cycles and highest sequence number, as a report block has them (RFC 3550 6.4.1).
    #[must_use]
    pub fn extended_highest(&self) -> Option<u32> {
        // the lower 32 bits are the value that the field wraps to
        self.extender.highest().map(|highest| highest as u32)
    }

    /// Packets expected and packets lost so far, without the cost of a summary.
    #[must_use]
    pub fn expected_and_lost(&self) -> (u64, u64) {
        let current = self
            .extender
            .highest()
            .map_or(0, |highest| highest.abs_diff(self.low) + 1);
        let expected = self.expected + current;
        (expected, expected.saturating_sub(self.unique))
    }

    /// Everything known now.
    #[must_use]
    pub fn summary(&self) -> RunningSummary {
        let (expected, lost) = self.expected_and_lost();
        let mut open = self.clone();
        if let Some(highest) = open.extender.highest() {
            open.close_run(highest);
        }
        open.close_stretch();
        RunningSummary {
            packets: self.packets,
            octets: self.octets,
            expected,
            lost,
            duplicates: self.duplicates,
            reordered: self.reordered,
            discarded: self.discarded,
            comfort_noise: self.comfort_noise,
            malformed: self.malformed,
            markers: self.markers,
            sequence_jumps: self.sequence_jumps,
            source_changes: self.source_changes,
            payload_type_changes: self.payload_type_changes,
            payload_types: (0u8..128)
                .filter(|&pt| self.payload_types & bit(u32::from(pt)) != 0)
                .collect(),
            ssrc: self.ssrc,
            first: self.first,
            last: self.last,
            jitter_ms: self.jitter_s * 1e3,
            max_jitter_ms: self.max_jitter_s * 1e3,
            intervals: Intervals::binned(self.intervals.clone()),
            burst_gap: open.losses.bursts.finish(),
            loss_runs: open.losses.runs,
            reorder_depths: self.reorder_depths,
            clock_skew_ppm: open.best_skew.and_then(|(_, ppm)| ppm),
            timestamp_step: (self.step.1 > 0).then_some(self.step.0),
            dscp: (0u8..)
                .zip(&self.dscp)
                .filter(|(_, count)| **count > 0)
                .map(|(dscp, &count)| (dscp, u64::from(count)))
                .collect(),
        }
    }
}

/// The bit of a position; none beyond the window.
fn bit(position: u32) -> u128 {
    1u128.checked_shl(position).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_takes_less_than_two_kibibytes() {
        assert!(
            size_of::<RunningStatistics>() < 2048,
            "{}",
            size_of::<RunningStatistics>()
        );
    }
}
