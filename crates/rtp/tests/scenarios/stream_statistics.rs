//! What a captured stream tells about loss, order, jitter, pacing and clock.

use std::time::Duration;

use proptest::prelude::*;
use voxproof_rtp::statistics::{StreamStatistics, analyse};
use voxproof_rtp::{Packetizer, build};

type Capture = Vec<(Duration, Vec<u8>)>;

/// `count` packets of 20 ms PCMU, wrapping sequence number and timestamp on the way.
fn stream(count: u64) -> Capture {
    let mut packetizer = Packetizer::new(0, 7, 65500, u32::MAX - 3000);
    (0..count)
        .map(|n| {
            (
                Duration::from_millis(1000 + 20 * n),
                packetizer.next(&[0xff; 160], 160, n == 0),
            )
        })
        .collect()
}

fn analysed(capture: &Capture) -> StreamStatistics {
    let packets: Vec<_> = capture
        .iter()
        .map(|(arrival, bytes)| (*arrival, &bytes[..]))
        .collect();
    analyse(&packets, 8000, &[101])
}

#[test]
fn a_perfect_stream_has_nothing_to_report() {
    let statistics = analysed(&stream(500));
    assert_eq!((statistics.packets, statistics.octets), (500, 80_000));
    assert_eq!((statistics.expected, statistics.lost), (500, 0));
    assert_eq!(
        (statistics.duplicates, statistics.reordered, statistics.malformed),
        (0, 0, 0)
    );
    assert_eq!(
        (
            statistics.sequence_jumps,
            statistics.timestamp_violations,
            statistics.markers
        ),
        (0, 0, 1)
    );
    assert_eq!(
        (statistics.ssrcs.clone(), statistics.payload_types.clone()),
        (vec![7], vec![0])
    );
    assert_eq!(statistics.timestamp_step, Some(160));
    assert!(statistics.max_jitter_ms < 1e-6 && statistics.interval_p99_deviation_ms < 1e-6);
    assert!((statistics.mean_interval_ms - 20.0).abs() < 1e-9 && (statistics.max_gap_ms - 20.0).abs() < 1e-9);
    assert!(statistics.clock_skew_ppm.expect("ten seconds").abs() < 0.01);
    assert_eq!(statistics.first, Some(Duration::from_millis(1000)));
    assert_eq!(statistics.last, Some(Duration::from_millis(1000 + 20 * 499)));
}

#[test]
fn loss_duplication_and_reordering_are_counted_across_the_wrap() {
    let mut capture = stream(100);
    // sequence numbers 65530..=65534 never arrive
    capture.drain(30..35);
    // the wrap itself arrives the wrong way round, and one packet twice
    let (a, b) = (capture[30].1.clone(), capture[31].1.clone());
    capture[30].1 = b;
    capture[31].1 = a;
    let again = capture[50].clone();
    capture.insert(51, again);
    let statistics = analysed(&capture);
    assert_eq!(
        (statistics.packets, statistics.expected, statistics.lost),
        (96, 100, 5)
    );
    assert_eq!((statistics.duplicates, statistics.reordered), (1, 1));
    assert_eq!(
        (statistics.sequence_jumps, statistics.timestamp_violations),
        (0, 0)
    );
    assert!((statistics.max_gap_ms - 120.0).abs() < 1e-9);
}

#[test]
fn jitter_follows_the_formula_of_the_standard() {
    // arrivals alternate by 8 ms: |D| is 8 ms each time, and J approaches it by a sixteenth of the difference a packet
    let mut capture = stream(200);
    for (arrival, _) in capture.iter_mut().skip(1).step_by(2) {
        *arrival += Duration::from_millis(8);
    }
    let statistics = analysed(&capture);
    let expected = 8.0 * (1.0 - (15.0f64 / 16.0).powi(199));
    assert!(
        (statistics.jitter_ms - expected).abs() < 1e-6,
        "{}",
        statistics.jitter_ms
    );
    assert!((statistics.max_jitter_ms - expected).abs() < 1e-6);
    assert!((statistics.interval_p99_deviation_ms - 8.0).abs() < 1e-6);
    assert!((statistics.max_gap_ms - 28.0).abs() < 1e-6);
}

#[test]
fn a_fast_clock_is_measured_through_jitter() {
    let mut capture = stream(1500);
    for (n, (arrival, _)) in capture.iter_mut().enumerate() {
        // the sender's 20 ms last 20 ms / (1 + 100 ppm), and every packet is up to 3 ms late
        let late = (n * 7919 % 31) as f64 * 1e-4;
        *arrival = Duration::from_secs_f64(1.0 + n as f64 * 0.02 / 1.0001 + late);
    }
    let skew = analysed(&capture).clock_skew_ppm.expect("30 s");
    assert!((skew - 100.0).abs() < 3.0, "{skew}");
    assert_eq!(
        analysed(&stream(100)).clock_skew_ppm,
        None,
        "1.98 s are too short"
    );
}

#[test]
fn wrong_timestamp_steps_are_violations_and_silence_is_not() {
    let mut packetizer = Packetizer::new(0, 7, 0, 0);
    let mut capture: Capture = Vec::new();
    for n in 0..50u64 {
        match n {
            10 => packetizer.advance(1600), // silence suppression
            20 => packetizer.advance(3),    // no multiple
            30 => packetizer.timestamp = packetizer.timestamp.wrapping_sub(160), // stands still
            40 => packetizer.timestamp = packetizer.timestamp.wrapping_sub(1600), // goes back
            _ => {}
        }
        capture.push((
            Duration::from_millis(20 * n),
            packetizer.next(&[0; 160], 160, n == 10),
        ));
    }
    let statistics = analysed(&capture);
    assert_eq!(
        (statistics.timestamp_step, statistics.timestamp_violations),
        (Some(160), 3)
    );
    assert_eq!(statistics.markers, 1);
}

#[test]
fn a_lost_packet_whose_time_was_not_counted_is_a_violation() {
    // the sequence number skips one, the timestamp does not
    let mut capture = stream(20);
    capture.push((
        Duration::from_millis(1400),
        build(
            0,
            false,
            21u16.wrapping_add(65500),
            (u32::MAX - 3000).wrapping_add(3200),
            7,
            &[0; 160],
        ),
    ));
    let statistics = analysed(&capture);
    assert_eq!((statistics.lost, statistics.timestamp_violations), (1, 1));
}

#[test]
fn telephone_events_do_not_spoil_timing() {
    let mut packetizer = Packetizer::new(0, 7, 100, 0);
    let mut capture: Capture = Vec::new();
    for n in 0..60u64 {
        let arrival = Duration::from_millis(20 * n);
        if (20..26).contains(&n) {
            let start = 20 * 160;
            capture.push((
                arrival,
                packetizer.packet_at(101, &[1, 10, 0, 160], start, n == 20),
            ));
            packetizer.advance(160);
        } else {
            capture.push((arrival, packetizer.next(&[0; 160], 160, n == 0)));
        }
    }
    let statistics = analysed(&capture);
    assert_eq!(statistics.payload_types, [0, 101]);
    assert_eq!(
        (
            statistics.timestamp_violations,
            statistics.markers,
            statistics.lost
        ),
        (0, 1, 0)
    );
    assert!(statistics.max_jitter_ms < 1e-6, "{}", statistics.max_jitter_ms);
}

#[test]
fn restarts_and_new_sources_are_counted_and_lose_nothing() {
    let mut capture = stream(50);
    let mut restarted = Packetizer::new(0, 7, 30_000, 0xdead_0000);
    let mut other = Packetizer::new(8, 9, 5, 5);
    for n in 0..50u64 {
        capture.push((
            Duration::from_millis(2000 + 20 * n),
            restarted.next(&[0; 160], 160, false),
        ));
    }
    for n in 0..50u64 {
        capture.push((
            Duration::from_millis(3000 + 20 * n),
            other.next(&[0; 160], 160, false),
        ));
    }
    let statistics = analysed(&capture);
    assert_eq!(
        (statistics.expected, statistics.lost, statistics.sequence_jumps),
        (150, 0, 1)
    );
    assert_eq!(
        (statistics.ssrcs, statistics.payload_types),
        (vec![7, 9], vec![0, 8])
    );
    assert_eq!(statistics.timestamp_violations, 0);
    assert!(statistics.max_jitter_ms < 1e-6);
}

#[test]
fn what_is_not_rtp_is_malformed_and_rtcp_is_passed_over() {
    let mut capture = stream(10);
    capture.insert(
        5,
        (Duration::from_millis(1095), vec![0x80, 200, 0, 1, 0, 0, 0, 7]),
    );
    capture.insert(6, (Duration::from_millis(1096), vec![0; 4]));
    let statistics = analysed(&capture);
    assert_eq!(
        (statistics.packets, statistics.malformed, statistics.lost),
        (10, 1, 0)
    );
    assert_eq!(analysed(&Vec::new()), StreamStatistics::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_capture_is_analysed(packets in proptest::collection::vec(
        (any::<u32>(), any::<u16>(), any::<u32>(), 0u32..3, 0u8..128, proptest::collection::vec(any::<u8>(), 0..40)), 0..60), clock: u32) {
        let capture: Capture = packets.into_iter().map(|(at, sequence, timestamp, ssrc, pt, payload)| {
            let bytes = if pt == 127 { payload } else { build(pt, at % 2 == 0, sequence, timestamp, ssrc, &payload) };
            (Duration::from_micros(u64::from(at)), bytes)
        }).collect();
        let borrowed: Vec<_> = capture.iter().map(|(arrival, bytes)| (*arrival, &bytes[..])).collect();
        let statistics = analyse(&borrowed, clock, &[101]);
        prop_assert!(statistics.lost <= statistics.expected);
        prop_assert!(statistics.jitter_ms <= statistics.max_jitter_ms);
        let _ = voxproof_rtp::dtmf::collect(&borrowed, &[101], clock);
    }
}
