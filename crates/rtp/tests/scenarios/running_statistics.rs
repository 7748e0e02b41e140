//! Statistics in constant memory agree with those of the whole capture.

use std::time::Duration;

use proptest::prelude::*;
use voxproof_rtp::statistics::{
    Datagram, GAP_THRESHOLD, Options, RunningStatistics, RunningSummary, StreamStatistics, analyse_datagrams,
};
use voxproof_rtp::{Packetizer, build};

type Capture = Vec<(Duration, Vec<u8>, Option<u8>)>;

fn both(capture: &Capture, jitter_buffer: Option<Duration>) -> (StreamStatistics, RunningSummary) {
    let options = Options {
        jitter_buffer,
        gap_threshold: GAP_THRESHOLD,
        ..Options::new(8000, &[101])
    };
    let datagrams = capture.iter().map(|(at, bytes, dscp)| Datagram {
        at: *at,
        bytes,
        dscp: *dscp,
    });
    let batch = analyse_datagrams(datagrams, &options);
    let mut running = RunningStatistics::new(8000, &[101], jitter_buffer);
    for (at, bytes, dscp) in capture {
        running.observe_datagram(*at, bytes, *dscp);
    }
    (batch, running.summary())
}

fn agree(batch: &StreamStatistics, running: &RunningSummary) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        (batch.packets, batch.octets, batch.malformed),
        (running.packets, running.octets, running.malformed)
    );
    prop_assert_eq!((batch.expected, batch.lost), (running.expected, running.lost));
    prop_assert_eq!(
        (batch.duplicates, batch.reordered),
        (running.duplicates, running.reordered)
    );
    prop_assert_eq!(
        (batch.discarded, batch.comfort_noise),
        (running.discarded, running.comfort_noise)
    );
    prop_assert_eq!(
        (batch.markers, batch.sequence_jumps),
        (running.markers, running.sequence_jumps)
    );
    prop_assert_eq!(batch.source_changes.len(), running.source_changes as usize);
    prop_assert_eq!(
        batch.payload_type_changes.len(),
        running.payload_type_changes as usize
    );
    prop_assert_eq!(&batch.payload_types, &running.payload_types);
    prop_assert_eq!((batch.first, batch.last), (running.first, running.last));
    prop_assert_eq!(batch.burst_gap, running.burst_gap);
    prop_assert_eq!(batch.loss_runs, running.loss_runs);
    prop_assert_eq!(batch.reorder_depths, running.reorder_depths);
    prop_assert_eq!(&batch.intervals.histogram, &running.intervals.histogram);
    prop_assert_eq!(
        batch.dscp.iter().map(|(a, b)| (*a, *b)).collect::<Vec<_>>(),
        running.dscp.clone()
    );
    prop_assert!((batch.max_jitter_ms - running.max_jitter_ms).abs() < 1e-6);
    match (batch.clock_skew_ppm, running.clock_skew_ppm) {
        (Some(a), Some(b)) => prop_assert!((a - b).abs() < 0.5, "{} {}", a, b),
        (a, b) => prop_assert_eq!(a, b),
    }
    let percentiles = [
        (batch.intervals.p50_ms, running.intervals.p50_ms),
        (batch.intervals.p95_ms, running.intervals.p95_ms),
        (batch.intervals.p99_ms, running.intervals.p99_ms),
    ];
    for (exact, binned) in percentiles {
        // the overflow has no bins
        if exact < 100.0 && binned < 100.0 {
            prop_assert!(
                binned >= exact - 1e-9 && binned - exact <= 1.0 + 1e-9,
                "{} {}",
                exact,
                binned
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn both_ways_agree_on_a_stream_with_faults(
        faults in proptest::collection::vec((0u8..40, 0u64..60, 0usize..30, 0u8..64), 1..400),
        start: u16, buffer in proptest::option::of(0u64..80), restart in proptest::option::of(50usize..300),
        drift in -300i32..300,
    ) {
        let mut packetizer = Packetizer::new(0, 7, start, 0xffff_0000);
        let mut capture: Capture = Vec::new();
        let mut behind: Vec<(usize, Vec<u8>)> = Vec::new();
        let mut at = Duration::from_secs(5);
        for (n, (fault, jitter, distance, dscp)) in faults.iter().enumerate() {
            if restart == Some(n) {
                packetizer.sequence = packetizer.sequence.wrapping_add(20_000);
                packetizer.timestamp = packetizer.timestamp.wrapping_add(3_000_000);
            }
            let bytes = match fault {
                10 => { packetizer.advance(160); packetizer.packet_at(101, &[1, 10, 0, 160], packetizer.timestamp, false) }
                11 => { packetizer.payload_type = if packetizer.payload_type == 0 { 8 } else { 0 };
                        packetizer.next(&[0; 160], 160, false) }
                12 => { let pt = packetizer.payload_type; packetizer.payload_type = 13;
                        let bytes = packetizer.next(&[64], 160, false); packetizer.payload_type = pt; bytes }
                13 => { packetizer.advance(1600); packetizer.next(&[0; 160], 160, true) }
                _ => packetizer.next(&[0; 160], 160, n == 0),
            };
            at += Duration::from_secs_f64(0.02 / (1.0 + f64::from(drift) * 1e-6));
            let arrival = at + Duration::from_millis(if *fault < 30 { 0 } else { *jitter });
            match fault {
                0..3 => {}
                3 => { capture.push((arrival, bytes.clone(), Some(*dscp))); capture.push((arrival, bytes, None)); }
                4 | 5 => behind.push((*distance, bytes)),
                6 => capture.push((arrival, vec![1, 2, 3], None)),
                _ => capture.push((arrival, bytes, Some(46))),
            }
            let mut later = Vec::new();
            for (distance, bytes) in behind.drain(..) {
                match distance.checked_sub(1) {
                    Some(distance) => later.push((distance, bytes)),
                    None => capture.push((arrival, bytes, None)),
                }
            }
            behind = later;
        }
        let (batch, running) = both(&capture, buffer.map(Duration::from_millis));
        agree(&batch, &running)?;
    }

    #[test]
    fn both_ways_agree_on_any_numbers(packets in proptest::collection::vec((0u64..100, any::<u16>(), any::<u32>(), 0u16..300), 0..120)) {
        let mut at = Duration::ZERO;
        let mut sequence = 0u16;
        let capture: Capture = packets.into_iter().map(|(pause, jump, timestamp, step)| {
            at += Duration::from_millis(pause);
            sequence = if jump < 600 { jump } else { sequence.wrapping_add(step).wrapping_sub(90) };
            (at, build(0, false, sequence, timestamp, 7, &[0; 4]), None)
        }).collect();
        let (batch, running) = both(&capture, Some(Duration::from_millis(40)));
        agree(&batch, &running)?;
    }

    #[test]
    fn any_datagrams_are_taken(datagrams in proptest::collection::vec((any::<u32>(), proptest::collection::vec(any::<u8>(), 0..40), any::<Option<u8>>()), 0..60)) {
        let mut running = RunningStatistics::new(0, &[101, 255], None);
        for (at, bytes, dscp) in &datagrams {
            running.observe_datagram(Duration::from_micros(u64::from(*at)), bytes, *dscp);
        }
        let summary = running.summary();
        prop_assert!(summary.lost <= summary.expected && summary.jitter_ms.is_finite());
    }
}

fn stream(count: u64, arrive: impl Fn(u64) -> Option<u64>) -> Capture {
    let mut packetizer = Packetizer::new(0, 7, 65_500, 0);
    (0..count)
        .filter_map(|n| {
            let bytes = packetizer.next(&[0xff; 160], 160, n == 0);
            arrive(n).map(|late| (Duration::from_millis(20 * n + late), bytes, Some(46)))
        })
        .collect()
}

#[test]
fn bursts_runs_and_depths_of_a_known_stream() {
    // a single loss, a burst of 3 + 2 with 5 between, and another single loss
    let lost = [100, 200, 201, 202, 208, 209, 300];
    let (batch, running) = both(&stream(500, |n| (!lost.contains(&n)).then_some(0)), None);
    assert_eq!(
        (batch.lost, batch.loss_runs.total(), batch.loss_runs.longest),
        (7, 4, 3)
    );
    assert_eq!(batch.loss_runs.counts[..4], [2, 1, 1, 0]);
    let found = batch.burst_gap;
    assert_eq!(
        (found.bursts, found.burst_packets, found.burst_lost, found.gaps),
        (1, 10, 5, 2)
    );
    assert!((found.burst_density() - 0.5).abs() < 1e-12 && (found.gap_density() - 2.0 / 490.0).abs() < 1e-12);
    assert_eq!(running.burst_gap, found);
    assert_eq!(running.timestamp_step, Some(160));
    assert_eq!(batch.dscp.get(&46), Some(&493));

    // packet 50 comes after 55
    let mut capture = stream(100, |_| Some(0));
    let late = capture.remove(50);
    capture.insert(55, (capture[54].0, late.1, None));
    let (batch, running) = both(&capture, None);
    assert_eq!((batch.reordered, batch.reorder_depths.longest), (1, 5));
    assert_eq!(running.reorder_depths, batch.reorder_depths);
}

#[test]
fn a_shallow_jitter_buffer_discards_what_is_late() {
    // every twentieth packet is 50 ms late
    let capture = stream(1000, |n| Some(if n % 20 == 19 { 50 } else { 0 }));
    let deep = both(&capture, Some(Duration::from_millis(60))).0;
    assert_eq!((deep.discarded, deep.burst_gap.lost), (0, 0));
    let shallow = both(&capture, Some(Duration::from_millis(40))).0;
    assert_eq!(
        (shallow.discarded, shallow.lost, shallow.burst_gap.lost),
        (50, 0, 50)
    );
}

#[test]
fn spurts_changes_and_comfort_noise_are_told() {
    let mut packetizer = Packetizer::new(0, 7, 0, 0);
    let mut capture: Capture = Vec::new();
    let mut push = |n: u64, bytes: Vec<u8>| capture.push((Duration::from_millis(20 * n), bytes, None));
    for n in 0..60u64 {
        match n {
            20 => {
                // silence announced by comfort noise, then speech without a marker
                packetizer.payload_type = 13;
                push(n, packetizer.next(&[70], 160, false));
                packetizer.payload_type = 0;
                packetizer.advance(1600);
            }
            40 => {
                packetizer.advance(800);
                packetizer.payload_type = 8;
                push(n, packetizer.next(&[0; 160], 160, true));
            }
            50 => push(n, packetizer.next(&[0; 160], 160, true)),
            _ => push(n, packetizer.next(&[0; 160], 160, n == 0)),
        }
    }
    let mut other = Packetizer::new(8, 9, 0, 0);
    for n in 60..70u64 {
        push(n, other.next(&[0; 160], 160, n == 60));
    }
    let (batch, running) = both(&capture, None);
    assert_eq!((batch.comfort_noise, batch.talk_spurts), (1, 4));
    assert_eq!((batch.unmarked_spurts, batch.stray_markers), (1, 1));
    let types: Vec<_> = batch
        .payload_type_changes
        .iter()
        .map(|change| (change.from, change.to))
        .collect();
    assert_eq!(types, [(0, 13), (13, 0), (0, 8)]);
    assert_eq!(batch.source_changes.len(), 1);
    assert_eq!((batch.source_changes[0].from, batch.source_changes[0].to), (7, 9));
    assert_eq!(batch.source_changes[0].at, Duration::from_millis(1200));
    assert_eq!((running.source_changes, running.payload_type_changes), (1, 3));
    assert_eq!((running.expected, running.lost, running.ssrc), (70, 0, Some(9)));
}
