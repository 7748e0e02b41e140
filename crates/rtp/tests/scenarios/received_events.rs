//! Digits as a receiver sees them: regular ones, and the irregularities that phones have.

use std::time::Duration;

use voxproof_rtp::dtmf::{EventFinding, EventPlan, ReceivedEvent, TelephoneEvent, collect, digit_event};
use voxproof_rtp::{Packetizer, build};

const CLOCK: u32 = 8000;

type Capture = Vec<(Duration, Vec<u8>)>;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Digits of 100 ms with a gap of 100 ms, as the plan of this crate sends them.
fn dialled(digits: &str) -> Capture {
    let mut packetizer = Packetizer::new(0, 7, 65530, u32::MAX - 500);
    let mut capture = Vec::new();
    for (number, digit) in digits.chars().enumerate() {
        let at = number as u64 * 200;
        let start = packetizer.timestamp;
        for packet in EventPlan::new(digit_event(digit).expect("a digit"), 100, 20, CLOCK) {
            let timestamp = start.wrapping_add(packet.timestamp_offset);
            let bytes = packetizer.packet_at(101, &packet.payload, timestamp, packet.marker);
            capture.push((ms(at + u64::from(packet.offset_ms)), bytes));
        }
        packetizer.advance(1600);
    }
    capture
}

fn received(capture: &Capture) -> Vec<ReceivedEvent> {
    let packets: Vec<_> = capture
        .iter()
        .map(|(arrival, bytes)| (*arrival, &bytes[..]))
        .collect();
    collect(&packets, &[101], CLOCK)
}

fn digits(events: &[ReceivedEvent]) -> String {
    events.iter().map(|event| event.digit).collect()
}

fn event(sequence: u16, timestamp: u32, marker: bool, end: bool, duration: u16) -> Vec<u8> {
    let payload = TelephoneEvent {
        event: 1,
        end,
        volume: 10,
        duration,
    }
    .to_bytes();
    build(101, marker, sequence, timestamp, 7, &payload)
}

#[test]
fn regular_digits_are_regular() {
    let events = received(&dialled("1159*#D0"));
    assert_eq!(digits(&events), "1159*#D0");
    for (number, event) in events.iter().enumerate() {
        assert_eq!(
            (event.packets, event.end_packets, event.payload_type),
            (7, 3, 101)
        );
        assert_eq!(
            (event.start, event.end),
            (ms(number as u64 * 200), ms(number as u64 * 200 + 120))
        );
        assert!(
            event.marker_on_first && event.constant_timestamp && event.durations_monotonic,
            "{event:?}"
        );
        assert_eq!(event.duration_ms, 100.0);
        assert_eq!(
            event.timestamp,
            (u32::MAX - 500).wrapping_add(1600 * number as u32)
        );
    }
}

#[test]
fn reordering_and_duplication_by_the_network_are_not_the_senders_fault() {
    let mut capture = dialled("42");
    let (first, second) = (capture[0].1.clone(), capture[1].1.clone());
    capture[0].1 = second;
    capture[1].1 = first.clone();
    capture.insert(2, (ms(21), first));
    let events = received(&capture);
    assert_eq!(digits(&events), "42");
    assert_eq!(events[0].packets, 8);
    assert!(
        events.iter().all(|e| e.marker_on_first && e.durations_monotonic),
        "{events:?}"
    );
}

#[test]
fn a_digit_without_its_last_packets_is_still_one() {
    let mut capture = dialled("33");
    capture.drain(4..7);
    let events = received(&capture);
    assert_eq!(digits(&events), "33");
    assert_eq!((events[0].end_packets, events[0].duration_ms), (0, 80.0));
}

#[test]
fn a_timestamp_that_moves_is_one_irregular_event() {
    let mut capture: Capture = (0..5u16)
        .map(|n| {
            (
                ms(u64::from(n) * 20),
                event(n, u32::from(n) * 160, n == 0, n == 4, 160 * (n + 1)),
            )
        })
        .collect();
    capture.push((ms(100), event(5, 800, false, true, 800)));
    let events = received(&capture);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(!events[0].constant_timestamp);
    assert_eq!((events[0].packets, events[0].end_packets), (6, 2));
}

#[test]
fn a_stuck_timestamp_does_not_join_digits() {
    let digit = |first: u16| {
        (0..4u16).map(move |n| {
            (
                ms(u64::from(first + n) * 20),
                event(first + n, 0, n == 0, n == 3, 160 * (n + 1)),
            )
        })
    };
    let events = received(&digit(0).chain(digit(10)).collect());
    assert_eq!(digits(&events), "11");
}

#[test]
fn a_shrinking_duration_and_a_missing_marker_are_told() {
    let capture = vec![
        (ms(0), event(0, 0, false, false, 320)),
        (ms(20), event(1, 0, false, false, 160)),
        (ms(40), event(2, 0, false, true, 480)),
    ];
    let events = received(&capture);
    assert_eq!(events.len(), 1);
    assert!(!events[0].durations_monotonic && !events[0].marker_on_first);
    let every: Capture = (0..3u16)
        .map(|n| (ms(u64::from(n) * 20), event(n, 0, true, false, 160 * (n + 1))))
        .collect();
    assert!(received(&every).iter().all(|event| !event.marker_on_first));
}

#[test]
fn a_long_event_is_one_event_of_several_segments() {
    let mut packetizer = Packetizer::new(0, 7, 1, 1000);
    let capture: Capture = EventPlan::new(5, 20_000, 50, CLOCK)
        .into_iter()
        .map(|packet| {
            let timestamp = 1000 + packet.timestamp_offset;
            let bytes = packetizer.packet_at(101, &packet.payload, timestamp, packet.marker);
            (ms(u64::from(packet.offset_ms)), bytes)
        })
        .collect();
    let events = received(&capture);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!((events[0].duration_ms - 20_000.0).abs() < 1e-9);
    assert!(
        events[0].constant_timestamp && events[0].durations_monotonic,
        "{events:?}"
    );
    assert_eq!(events[0].end_packets, 3);
}

#[test]
fn other_payload_types_and_codes_that_are_no_digits() {
    let mut capture = dialled("7");
    assert!(collect(&[(ms(0), &capture[0].1)], &[96], CLOCK).is_empty());
    capture.push((ms(900), build(101, true, 600, 99, 7, &[16, 10, 0, 160])));
    capture.push((ms(950), build(101, true, 601, 99, 7, &[16, 10])));
    assert_eq!(digits(&received(&capture)), "7?");
}

fn findings(capture: &Capture) -> Vec<Vec<EventFinding>> {
    received(capture)
        .into_iter()
        .map(|event| event.findings)
        .collect()
}

/// A digit of 100 ms among audio, whose packets a test may change.
fn among_audio(change: impl Fn(usize, &mut Vec<u8>)) -> Capture {
    let mut packetizer = Packetizer::new(0, 7, 65_530, 0);
    let mut capture: Capture = Vec::new();
    for n in 0..5 {
        capture.push((ms(20 * n), packetizer.next(&[0xff; 160], 160, n == 0)));
    }
    let start = packetizer.timestamp;
    for (n, packet) in EventPlan::new(9, 100, 20, CLOCK).into_iter().enumerate() {
        let mut bytes = packetizer.packet_at(101, &packet.payload, start, packet.marker);
        change(n, &mut bytes);
        capture.push((ms(100 + u64::from(packet.offset_ms)), bytes));
        packetizer.advance(160);
    }
    for n in 12..17 {
        capture.push((ms(20 * n), packetizer.next(&[0xff; 160], 160, false)));
    }
    capture
}

#[test]
fn a_regular_digit_has_no_findings_and_is_complete() {
    let events = received(&among_audio(|_, _| {}));
    assert_eq!((events.len(), events[0].findings.len()), (1, 0), "{events:?}");
    assert!(events[0].complete);
    assert_eq!((events[0].segments, events[0].volumes), (1, (10, 10)));
    assert_eq!(events[0].longest_update_interval, ms(20));
    let two = received(&dialled("12"));
    assert_eq!(
        (two[0].pause_before_ms, two[1].pause_before_ms),
        (None, Some(100.0))
    );
    assert!(two.iter().all(|event| event.findings.is_empty()));
}

#[test]
fn each_violation_of_a_sender_is_named() {
    // octets of an event packet: 1 marker and type, 12 code, 13 end, reserved and volume, 14 and 15 duration
    type Change = fn(usize, &mut Vec<u8>);
    let cases: [(Change, &[EventFinding]); 10] = [
        (
            |n, p| {
                if n == 0 {
                    p[1] &= 0x7f;
                }
            },
            &[EventFinding::MarkerMissing],
        ),
        (
            |n, p| {
                if n == 2 {
                    p[1] |= 0x80;
                }
            },
            &[EventFinding::MarkerRepeated(1)],
        ),
        (
            |n, p| {
                if n == 6 {
                    p[13] &= 0x7f;
                }
            },
            &[EventFinding::UpdateAfterEnd, EventFinding::EndCount(2)],
        ),
        (
            |n, p| {
                if n >= 4 {
                    p[13] &= 0x7f;
                }
            },
            &[EventFinding::EndMissing],
        ),
        (
            |n, p| {
                if n == 5 {
                    p[15] += 1;
                }
            },
            &[EventFinding::EndDurations, EventFinding::DurationShrank],
        ),
        (
            |n, p| {
                if n == 2 {
                    p[15] = 1;
                    p[14] = 0;
                }
            },
            &[EventFinding::DurationShrank],
        ),
        (
            |n, p| {
                if n == 0 {
                    p[15] = 0;
                    p[14] = 0;
                }
            },
            &[EventFinding::DurationZero],
        ),
        (
            |n, p| {
                if n == 3 {
                    p[13] |= 0x40;
                }
            },
            &[EventFinding::ReservedBit],
        ),
        (
            |n, p| {
                if n == 3 {
                    p.extend([0; 4]);
                }
            },
            &[EventFinding::PayloadLength(8)],
        ),
        (|_, p| p[12] = 16, &[EventFinding::NotDtmf(16)]),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        assert_eq!(
            findings(&among_audio(change)),
            [expected.to_vec()],
            "case {number}"
        );
        assert!(
            expected
                .iter()
                .all(|finding| finding.clause().starts_with("RFC 4733 "))
        );
    }
}

#[test]
fn what_the_network_lost_is_not_held_against_the_sender() {
    for lost in [5, 8, 10, 11] {
        let mut capture = among_audio(|_, _| {});
        capture.remove(lost);
        let events = received(&capture);
        assert_eq!(
            (events[0].complete, events[0].findings.len()),
            (false, 0),
            "{lost}: {events:?}"
        );
    }
    // the network doubles the last packet
    let mut capture = among_audio(|_, _| {});
    let last = capture[11].clone();
    capture.insert(12, last);
    assert_eq!(findings(&capture), [vec![]]);
}

#[test]
fn digits_that_overlap_are_found() {
    let digit = |first: u16, timestamp: u32| {
        (0..7u16).map(move |n| {
            let duration = 160 * (n + 1).min(5);
            (
                ms(u64::from(first + n) * 20),
                event(first + n, timestamp, n == 0, n >= 4, duration),
            )
        })
    };
    let found = findings(&digit(0, 0).chain(digit(7, 400)).collect());
    assert_eq!(found, [vec![], vec![EventFinding::Overlap(400)]]);
}

#[test]
fn an_end_bit_between_segments_is_found() {
    let block = |sequence: u16, timestamp: u32, marker, end, duration| {
        event(sequence, timestamp, marker, end, duration)
    };
    let capture: Capture = vec![
        (ms(0), block(0, 0, true, false, 65_000)),
        (ms(50), block(1, 0, false, true, u16::MAX)),
        (ms(100), block(2, 65_535, false, false, 400)),
        (ms(150), block(3, 65_535, false, true, 800)),
        (ms(200), block(4, 65_535, false, true, 800)),
    ];
    let events = received(&capture);
    assert_eq!((events.len(), events[0].segments), (1, 2), "{events:?}");
    assert!(
        events[0].findings.contains(&EventFinding::SegmentEnded),
        "{events:?}"
    );
}
