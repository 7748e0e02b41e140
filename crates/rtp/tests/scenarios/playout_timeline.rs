//! A captured stream on its own time line: order, loss, events, restarts, forged timestamps.

#![expect(clippy::single_range_in_vec_init, reason = "a list of one range is meant")]

use std::time::Duration;

use proptest::prelude::*;
use voxproof_rtp::g711::{self, Law};
use voxproof_rtp::playout::{Decoded, PayloadCodec, decode};
use voxproof_rtp::{Packetizer, build};

const CODECS: [(u8, PayloadCodec); 2] = [(0, PayloadCodec::Pcmu), (8, PayloadCodec::Pcma)];

type Capture = Vec<(Duration, Vec<u8>)>;

fn at(packet: u64) -> Duration {
    Duration::from_millis(500 + 20 * packet)
}

/// A ramp, so that every position has its own value.
fn ramp(samples: usize) -> Vec<i16> {
    (0..samples).map(|n| (n as i16).wrapping_mul(37)).collect()
}

fn stream(law: Law, samples: &[i16]) -> Capture {
    let payload_type = if law == Law::Mu { 0 } else { 8 };
    let mut packetizer = Packetizer::new(payload_type, 7, 65534, u32::MAX - 400);
    let frames = samples.chunks(160).zip(0..);
    frames
        .map(|(frame, n)| (at(n), packetizer.next(&g711::encode(law, frame), 160, n == 0)))
        .collect()
}

fn decoded(capture: &Capture) -> Decoded {
    let packets: Vec<_> = capture
        .iter()
        .map(|(arrival, bytes)| (*arrival, &bytes[..]))
        .collect();
    decode(&packets, &CODECS, &[101])
}

fn through(law: Law, samples: &[i16]) -> Vec<i16> {
    g711::decode(law, &g711::encode(law, samples))
}

#[test]
fn a_clean_stream_is_decoded_as_it_was_sent() {
    for law in [Law::A, Law::Mu] {
        let samples = ramp(1600);
        let result = decoded(&stream(law, &samples));
        assert_eq!(result.samples, through(law, &samples));
        assert_eq!(
            (result.sample_rate, result.first_arrival, result.undecodable),
            (8000, at(0), 0)
        );
        assert!(
            result.lost_ranges.is_empty()
                && result.event_ranges.is_empty()
                && result.silence_ranges.is_empty()
        );
        assert_eq!(result.arrivals.len(), 10);
        assert_eq!(result.arrivals[3], (at(3), 480));
    }
}

#[test]
fn order_of_arrival_and_duplicates_do_not_matter() {
    let samples = ramp(1600);
    let mut capture = stream(Law::Mu, &samples);
    let swap = |capture: &mut Capture, a: usize, b: usize| {
        let bytes = capture[a].1.clone();
        capture[a].1 = std::mem::replace(&mut capture[b].1, bytes);
    };
    swap(&mut capture, 0, 1);
    swap(&mut capture, 5, 8);
    let again = capture[4].clone();
    capture.push(again);
    let result = decoded(&capture);
    assert_eq!(result.samples, through(Law::Mu, &samples));
    assert!(result.lost_ranges.is_empty() && result.undecodable == 0);
}

#[test]
fn losses_are_zeros_and_listed() {
    let samples = ramp(1600);
    let mut capture = stream(Law::A, &samples);
    capture.drain(4..6);
    let result = decoded(&capture);
    let mut expected = through(Law::A, &samples);
    expected[640..960].fill(0);
    assert_eq!(result.samples, expected);
    assert_eq!(
        (result.lost_ranges, result.silence_ranges),
        (vec![640..960], vec![])
    );
}

#[test]
fn suppressed_silence_is_not_loss() {
    let mut packetizer = Packetizer::new(0, 7, 1, 0);
    let mut capture = vec![(at(0), packetizer.next(&[0x80; 160], 160, true))];
    packetizer.advance(800);
    capture.push((at(6), packetizer.next(&[0x80; 160], 160, true)));
    let result = decoded(&capture);
    assert_eq!(
        (result.lost_ranges, result.silence_ranges),
        (vec![], vec![160..960])
    );
    assert_eq!(result.samples.len(), 1120);
}

#[test]
fn events_are_listed_and_leave_zeros() {
    let mut packetizer = Packetizer::new(0, 7, 1, 1000);
    let mut capture = vec![(at(0), packetizer.next(&[0x80; 160], 160, true))];
    let start = packetizer.timestamp;
    for n in 0..3u64 {
        let duration = (160 * (n as u16 + 1)).to_be_bytes();
        let end = if n == 2 { 0x8a } else { 0x0a };
        let payload = [5, end, duration[0], duration[1]];
        capture.push((at(n + 1), packetizer.packet_at(101, &payload, start, n == 0)));
        packetizer.advance(160);
    }
    capture.push((at(4), packetizer.next(&[0x80; 160], 160, true)));
    let result = decoded(&capture);
    assert_eq!(result.event_ranges, vec![160..640]);
    assert!(
        result.lost_ranges.is_empty() && result.silence_ranges.is_empty(),
        "{result:?}"
    );
    assert!(result.samples[160..640].iter().all(|&sample| sample == 0));
    assert_eq!((result.samples.len(), result.arrivals.len()), (800, 2));
}

#[test]
fn unknown_payload_types_are_counted() {
    let mut capture = stream(Law::Mu, &ramp(320));
    capture.push((at(2), build(96, false, 1, 9, 7, &[0; 20])));
    capture.push((at(3), vec![1, 2, 3]));
    let result = decoded(&capture);
    assert_eq!((result.undecodable, result.samples.len()), (2, 320));
}

#[test]
fn sources_follow_each_other() {
    let samples = ramp(320);
    let mut capture = stream(Law::Mu, &samples);
    let mut other = Packetizer::new(8, 9, 1, 0x8000_0000);
    capture.push((
        at(9),
        other.next(&g711::encode(Law::A, &samples[..160]), 160, true),
    ));
    let result = decoded(&capture);
    assert_eq!(
        result.samples,
        [through(Law::Mu, &samples), through(Law::A, &samples[..160])].concat()
    );
    assert_eq!(result.arrivals.last(), Some(&(at(9), 320)));
    assert!(result.lost_ranges.is_empty(), "{result:?}");
}

#[test]
fn a_stray_timestamp_is_dropped_and_a_restart_is_followed() {
    let samples = ramp(1600);
    let mut capture = stream(Law::Mu, &samples);
    capture.insert(5, (at(5), build(0, false, 3, 0x7000_0000, 7, &[0x80; 160])));
    let result = decoded(&capture);
    assert_eq!(
        (result.samples.clone(), result.undecodable),
        (through(Law::Mu, &samples), 1)
    );

    let mut capture = stream(Law::Mu, &samples[..800]);
    let mut restarted = Packetizer::new(0, 7, 40_000, 0x7000_0000);
    for (frame, n) in samples[800..].chunks(160).zip(5..) {
        capture.push((at(n), restarted.next(&g711::encode(Law::Mu, frame), 160, n == 5)));
    }
    let result = decoded(&capture);
    assert_eq!(
        (result.samples, result.undecodable),
        (through(Law::Mu, &samples), 0)
    );
}

#[test]
fn a_pause_with_a_running_clock_keeps_its_length() {
    // on hold for a minute
    let mut packetizer = Packetizer::new(0, 7, 1, 0);
    let mut capture = vec![(at(0), packetizer.next(&[0x80; 160], 160, true))];
    packetizer.advance(479_840);
    capture.push((at(3000), packetizer.next(&[0x80; 160], 160, true)));
    assert_eq!(decoded(&capture).samples.len(), 480_160);
}

#[test]
fn forged_timestamps_do_not_allocate_without_bound() {
    // every pair of packets agrees with itself and jumps by 9 s against the arrival time
    let capture: Capture = (0..400u32)
        .map(|n| {
            (
                at(u64::from(n)),
                build(0, false, n as u16, n * 72_000, 7, &[0x80; 160]),
            )
        })
        .collect();
    let result = decoded(&capture);
    assert!(result.samples.len() <= 600 * 8000);
    assert!(result.undecodable > 300, "{}", result.undecodable);
}

#[test]
fn nothing_gives_nothing() {
    let result = decode(&[], &[], &[]);
    assert_eq!(
        (result.samples.len(), result.sample_rate, result.first_arrival),
        (0, 8000, Duration::ZERO)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_capture_is_decoded_within_the_limit(packets in proptest::collection::vec(
        (any::<u32>(), any::<u16>(), any::<u32>(), 0u32..3, 0usize..4, proptest::collection::vec(any::<u8>(), 0..200)), 0..30)) {
        let capture: Capture = packets.into_iter().map(|(at, sequence, timestamp, ssrc, kind, payload)| {
            (Duration::from_micros(u64::from(at)), build([0, 8, 101, 96][kind], false, sequence, timestamp, ssrc, &payload))
        }).collect();
        let result = decoded(&capture);
        prop_assert!(result.samples.len() <= 600 * 8000);
        for range in result.lost_ranges.iter().chain(&result.event_ranges).chain(&result.silence_ranges) {
            prop_assert!(range.start < range.end || result.event_ranges.contains(range));
            prop_assert!(range.end <= result.samples.len());
        }
        prop_assert!(result.arrivals.len() as u64 + result.undecodable <= capture.len() as u64);
    }
}
