//! Events put together again from the packets of a capture (RFC 4733 2.5.2).

use std::collections::BTreeMap;
use std::time::Duration;

use super::{EventFinding, TelephoneEvent, event_digit};
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
    /// Lowest and highest power level of the packets, in dBm0 without its sign.
    pub volumes: (u8, u8),
    /// Segments that the event is reported in (RFC 4733 2.5.1.3).
    pub segments: u32,
    /// Longest time between two packets of the event.
    pub longest_update_interval: Duration,
    /// Pause since the event before of the same source by timestamps, in ms; negative when they overlap.
    pub pause_before_ms: Option<f64>,
    /// No packet of the source is missing from the one before the event to the one behind it, so that whatever is
    /// irregular is the sender's doing.
    pub complete: bool,
    /// What is irregular; what a lost packet could explain is only told when the event is complete.
    pub findings: Vec<EventFinding>,
}

struct Arrived {
    number: (u32, i64),
    reserved: bool,
    octets: usize,
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
    first_number: (u32, i64),
    last_number: (u32, i64),
    first_marker: bool,
    later_markers: u32,
    /// Packets with the end bit, network duplicates not counted, and the duration of the first of them.
    distinct_ends: u32,
    end_duration: Option<u16>,
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
                volumes: (packet.event.volume, packet.event.volume),
                segments: 1,
                longest_update_interval: Duration::ZERO,
                pause_before_ms: None,
                complete: true,
                findings: event_digit(packet.event.event)
                    .is_none()
                    .then_some(EventFinding::NotDtmf(packet.event.event))
                    .into_iter()
                    .collect(),
            },
            markers: 0,
            last_arrival: packet.arrival,
            last_timestamp: packet.timestamp,
            last_duration: 0,
            ended: false,
            earlier_segments: 0,
            longest: 0,
            first_number: packet.number,
            last_number: packet.number,
            first_marker: packet.marker,
            later_markers: 0,
            distinct_ends: 0,
            end_duration: None,
        }
    }

    /// Notes a finding once.
    fn found(&mut self, finding: EventFinding) {
        if !self.received.findings.contains(&finding) {
            self.received.findings.push(finding);
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
        self.judge(packet, duplicate, repeated_segment);
        if self.received.packets > 0 && !repeated_segment {
            if self.continues_segment(packet) {
                self.earlier_segments += u64::from(u16::MAX);
                self.longest = 0;
                self.received.segments += 1;
                if self.ended {
                    self.found(EventFinding::SegmentEnded);
                    self.ended = false;
                }
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

    /// What the packet itself does wrong, before it is added.
    fn judge(&mut self, packet: &Arrived, duplicate: bool, repeated_segment: bool) {
        let (low, high) = self.received.volumes;
        self.received.volumes = (low.min(packet.event.volume), high.max(packet.event.volume));
        if self.received.packets > 0 {
            let pause = packet.arrival.saturating_sub(self.last_arrival);
            self.received.longest_update_interval = self.received.longest_update_interval.max(pause);
        }
        self.last_number = packet.number;
        if duplicate {
            return;
        }
        self.later_markers += u32::from(packet.marker && self.received.packets > 0);
        if packet.reserved {
            self.found(EventFinding::ReservedBit);
        }
        if packet.octets != 4 {
            self.found(EventFinding::PayloadLength(packet.octets));
        }
        if packet.payload_type != self.received.payload_type {
            self.found(EventFinding::PayloadTypeChanged);
        }
        if packet.event.duration == 0 {
            self.found(EventFinding::DurationZero);
        }
        let goes_on = self.continues_segment(packet) || repeated_segment;
        if packet.event.end {
            self.distinct_ends += 1;
            if *self.end_duration.get_or_insert(packet.event.duration) != packet.event.duration {
                self.found(EventFinding::EndDurations);
            }
        } else if self.ended && !goes_on {
            self.found(EventFinding::UpdateAfterEnd);
        }
    }

    /// Findings about the event as a whole; `numbers` are those that arrived of its source, ascending.
    fn conclude(&mut self, numbers: &[(u32, i64)]) {
        let below = |number: (u32, i64)| numbers.partition_point(|known| *known < number);
        let (first, last) = (below(self.first_number), below(self.last_number));
        let span = self.last_number.1 - self.first_number.1;
        let whole = self.first_number.0 == self.last_number.0 && i64::try_from(last - first) == Ok(span);
        // the neighbour in the same run is the next number, unless something is missing or the run ends here
        let next_to = |neighbour: Option<&(u32, i64)>, number: (u32, i64)| {
            neighbour.is_none_or(|neighbour| neighbour.0 != number.0 || neighbour.1.abs_diff(number.1) == 1)
        };
        let before = first.checked_sub(1).and_then(|place| numbers.get(place));
        self.received.complete =
            whole && next_to(before, self.first_number) && next_to(numbers.get(last + 1), self.last_number);
        if !self.received.constant_timestamp {
            self.found(EventFinding::TimestampMoved);
        }
        if !self.received.durations_monotonic {
            self.found(EventFinding::DurationShrank);
        }
        if self.later_markers > 0 {
            self.found(EventFinding::MarkerRepeated(self.later_markers));
        }
        if !self.received.complete {
            return;
        }
        if !self.first_marker {
            self.found(EventFinding::MarkerMissing);
        }
        match self.distinct_ends {
            0 => self.found(EventFinding::EndMissing),
            3 => {}
            count => self.found(EventFinding::EndCount(count)),
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
    let mut numbers: Vec<Vec<(u32, i64)>> = Vec::new();
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
                numbers.push(Vec::new());
                sources.len() - 1
            }
        };
        let place = sources[source].1.extend(packet.sequence);
        numbers[source].push((place.run, place.number));
        if !telephone_event_pts.contains(&packet.payload_type) {
            continue;
        }
        let Ok(event) = TelephoneEvent::parse(packet.payload) else {
            continue;
        };
        arrived.push((
            (source, place.run, place.number),
            Arrived {
                number: (place.run, place.number),
                // RFC 4733 2.3.3
                reserved: packet.payload.get(1).is_some_and(|flags| flags & 0x40 != 0),
                octets: packet.payload.len(),
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
    for list in &mut numbers {
        list.sort_unstable();
        list.dedup();
    }
    for event in &mut events {
        let source = sources.iter().position(|(ssrc, _)| *ssrc == event.received.ssrc);
        event.conclude(
            source
                .and_then(|source| numbers.get(source))
                .map_or(&[][..], Vec::as_slice),
        );
    }
    let mut received: Vec<_> = events.into_iter().map(|open| open.finish(clock)).collect();
    received.sort_by_key(|event| event.start);
    pauses(&mut received, clock);
    received
}

/// Pauses between the events of each source, by their timestamps.
fn pauses(events: &mut [ReceivedEvent], clock: u32) {
    let units_per_ms = f64::from(clock.max(1)) / 1000.0;
    // end of the latest event of each source
    let mut ends: BTreeMap<u32, u32> = BTreeMap::new();
    for event in events {
        // as many units as the segments have, which wrap with the timestamp
        let end = event
            .timestamp
            .wrapping_add((event.duration_ms * units_per_ms).round() as u64 as u32);
        if let Some(before) = ends.insert(event.ssrc, end) {
            let units = event.timestamp.wrapping_sub(before).cast_signed();
            event.pause_before_ms = Some(f64::from(units) / units_per_ms);
            if units < 0 {
                event.findings.push(EventFinding::Overlap(units.unsigned_abs()));
            }
        }
    }
}
