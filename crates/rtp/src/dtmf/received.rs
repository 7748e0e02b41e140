//! Events put together again from the packets of a capture (RFC 4733 2.5.2).

use std::time::Duration;

use super::{TelephoneEvent, event_digit};
use crate::packet::{Packet, is_rtcp};
use crate::sequence::SequenceExtender;

/// A pause longer than this between two packets separates two events. Updates come every packet time, so the bound
/// leaves room for several lost ones and is still shorter than the shortest digit plus gap of a fast dialler.
const LONGEST_PAUSE: Duration = Duration::from_millis(150);
/// Open events to look at when a packet arrives: final packets may be interleaved with the next digit.
const OPEN_EVENTS: usize = 8;

/// One event as a receiver sees it, with what was irregular about it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedEvent {
    /// The digit, `?` when the code is not a DTMF digit.
    pub digit: char,
    /// Event code as sent.
    pub event: u8,
    /// Arrival of the first packet.
    pub start: Duration,
    /// Arrival of the last packet.
    pub end: Duration,
    /// Packets of the event, final ones and network duplicates included.
    pub packets: u32,
    /// Packets with the end bit; a sender should send three (RFC 4733 2.5.1.4).
    pub end_packets: u32,
    /// Exactly the first packet carries the marker bit (RFC 4733 2.5.1.2).
    pub marker_on_first: bool,
    /// RTP timestamp of the first packet.
    pub timestamp: u32,
    /// All packets carry the timestamp of the event's start, or of their segment's (RFC 4733 2.5.1.2, 2.5.1.3).
    pub constant_timestamp: bool,
    /// Durations never become smaller from packet to packet, in sequence order.
    pub durations_monotonic: bool,
    /// Duration that the event reports, all segments together, in ms.
    pub duration_ms: f64,
    /// RTP payload type of the first packet.
    pub payload_type: u8,
    /// Power level of the last packet, in dBm0 without its sign.
    pub volume: u8,
    /// Synchronisation source.
    pub ssrc: u32,
}

struct Arrived {
    arrival: Duration,
    ssrc: u32,
    payload_type: u8,
    marker: bool,
    timestamp: u32,
    event: TelephoneEvent,
}

/// An event that packets may still be added to.
struct Open {
    received: ReceivedEvent,
    markers: u32,
    last_arrival: Duration,
    last_timestamp: u32,
    last_duration: u16,
    ended: bool,
    /// Units of the segments before the current one.
    earlier_segments: u64,
    longest: u16,
}

impl Open {
    fn new(packet: &Arrived) -> Self {
        Self {
            received: ReceivedEvent {
                digit: event_digit(packet.event.event).unwrap_or('?'),
                event: packet.event.event,
                start: packet.arrival,
                end: packet.arrival,
                packets: 0,
                end_packets: 0,
                marker_on_first: packet.marker,
                timestamp: packet.timestamp,
                constant_timestamp: true,
                durations_monotonic: true,
                duration_ms: 0.0,
                payload_type: packet.payload_type,
                volume: packet.event.volume,
                ssrc: packet.ssrc,
            },
            markers: 0,
            last_arrival: packet.arrival,
            last_timestamp: packet.timestamp,
            last_duration: 0,
            ended: false,
            earlier_segments: 0,
            longest: 0,
        }
    }

    fn continues_segment(&self, packet: &Arrived) -> bool {
        self.longest == u16::MAX
            && packet.timestamp == self.last_timestamp.wrapping_add(u32::from(u16::MAX))
            && !packet.marker
    }

    /// Whether the packet belongs to this event.
    fn takes(&self, packet: &Arrived) -> bool {
        let same_stream = packet.ssrc == self.received.ssrc && packet.event.event == self.received.event;
        if !same_stream {
            return false;
        }
        if self.continues_segment(packet) {
            return true;
        }
        // a repeated last packet of an earlier segment (RFC 4733 2.5.1.4)
        if self.earlier_segments > 0 && packet.event.duration == u16::MAX && !packet.event.end {
            return true;
        }
        let pause = packet.arrival.saturating_sub(self.last_arrival);
        if packet.timestamp == self.last_timestamp {
            // the same digit again on a stuck timestamp announces itself by the marker after an end
            return !(self.ended && packet.marker && !packet.event.end);
        }
        // A sender that moves the timestamp with every packet is wrong (RFC 4733 2.5.1.2), but it is one event:
        // no marker, no pause, and the duration goes on, before the end bit as in its repetitions.
        let goes_on = packet.event.duration >= self.last_duration && (!self.ended || packet.event.end);
        !packet.marker && pause <= LONGEST_PAUSE && goes_on
    }

    fn add(&mut self, packet: &Arrived, duplicate: bool) {
        let repeated_segment = self.earlier_segments > 0
            && packet.event.duration == u16::MAX
            && packet.timestamp != self.last_timestamp
            && !packet.event.end;
        if self.received.packets > 0 && !repeated_segment {
            if self.continues_segment(packet) {
                self.earlier_segments += u64::from(u16::MAX);
                self.longest = 0;
            } else {
                self.received.constant_timestamp &= packet.timestamp == self.last_timestamp;
                self.received.durations_monotonic &= packet.event.duration >= self.last_duration;
            }
        }
        self.received.packets += 1;
        self.received.end_packets += u32::from(packet.event.end);
        self.received.start = self.received.start.min(packet.arrival);
        self.received.end = self.received.end.max(packet.arrival);
        self.markers += u32::from(packet.marker && !duplicate);
        self.last_arrival = self.last_arrival.max(packet.arrival);
        if !repeated_segment {
            self.received.volume = packet.event.volume;
            self.last_timestamp = packet.timestamp;
            self.last_duration = packet.event.duration;
            self.longest = self.longest.max(packet.event.duration);
            self.ended |= packet.event.end;
        }
    }

    fn finish(mut self, clock: u32) -> ReceivedEvent {
        let units = self.earlier_segments + u64::from(self.longest);
        self.received.duration_ms = units as f64 * 1000.0 / f64::from(clock.max(1));
        self.received.marker_on_first &= self.markers == 1;
        self.received
    }
}

/// Finds the events in a captured stream, in the order of their first packets.
///
/// `packets` are datagrams with their arrival times in order of arrival; everything that is not a well-formed RTP
/// packet of one of `telephone_event_pts` is passed over. `clock` is the clock rate of these payload types in Hz.
/// Packets are taken in sequence order, so reordering by the network is not held against the sender.
#[must_use]
pub fn collect(packets: &[(Duration, &[u8])], telephone_event_pts: &[u8], clock: u32) -> Vec<ReceivedEvent> {
    let mut sources: Vec<(u32, SequenceExtender)> = Vec::new();
    let mut arrived = Vec::new();
    for &(arrival, bytes) in packets {
        if is_rtcp(bytes) {
            continue;
        }
        let Ok(packet) = Packet::parse(bytes) else {
            continue;
        };
        let source = match sources.iter().position(|(ssrc, _)| *ssrc == packet.ssrc) {
            Some(known) => known,
            None => {
                sources.push((packet.ssrc, SequenceExtender::default()));
                sources.len() - 1
            }
        };
        let place = sources[source].1.extend(packet.sequence);
        if !telephone_event_pts.contains(&packet.payload_type) {
            continue;
        }
        let Ok(event) = TelephoneEvent::parse(packet.payload) else {
            continue;
        };
        arrived.push((
            (source, place.run, place.number),
            Arrived {
                arrival,
                ssrc: packet.ssrc,
                payload_type: packet.payload_type,
                marker: packet.marker,
                timestamp: packet.timestamp,
                event,
            },
        ));
    }
    arrived.sort_by_key(|(key, _)| *key);

    let mut events: Vec<Open> = Vec::new();
    let mut previous = None;
    for (key, packet) in &arrived {
        let duplicate = previous.replace(*key) == Some(*key);
        let recent = events.len().saturating_sub(OPEN_EVENTS);
        let open = match events[recent..].iter().rposition(|open| open.takes(packet)) {
            Some(known) => recent + known,
            None => {
                events.push(Open::new(packet));
                events.len() - 1
            }
        };
        events[open].add(packet, duplicate);
    }
    let mut received: Vec<_> = events.into_iter().map(|open| open.finish(clock)).collect();
    received.sort_by_key(|event| event.start);
    received
}
