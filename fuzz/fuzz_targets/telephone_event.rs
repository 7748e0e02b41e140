//! Any telephone-event packets: sequence, timestamp, marker and payload of the fuzzer's choice.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use voxproof_rtp::{build, dtmf};

fuzz_target!(|packets: Vec<(u8, u16, u32, bool, u8, Vec<u8>)>| {
    let mut at = Duration::ZERO;
    let capture: Vec<(Duration, Vec<u8>)> = packets
        .iter()
        .map(|(pause, sequence, timestamp, marker, source, payload)| {
            at += Duration::from_millis(u64::from(*pause));
            let payload_type = if source & 4 == 0 { 101 } else { 96 };
            let ssrc = u32::from(source & 3);
            (at, build(payload_type, *marker, *sequence, *timestamp, ssrc, payload))
        })
        .collect();
    let borrowed: Vec<_> = capture.iter().map(|(at, bytes)| (*at, &bytes[..])).collect();
    for clock in [0, 8000, 48_000] {
        for event in dtmf::collect(&borrowed, &[101, 96], clock) {
            assert!(event.duration_ms.is_finite() && event.start <= event.end);
            assert!(event.packets > 0 && event.end_packets <= event.packets);
        }
    }
});
