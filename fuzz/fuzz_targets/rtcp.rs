//! Any datagram as RTCP: parsed, inspected, written again, and taken by a session at any time.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use voxproof_rtp::Packet;
use voxproof_rtp::rtcp::{ExtendedReports, Profile, Session, SessionConfig, build, inspect, parse};

fuzz_target!(|datagrams: Vec<(u16, Vec<u8>)>| {
    let config = SessionConfig {
        extended_reports: ExtendedReports {
            voip_metrics: true,
            statistics_summary: true,
            receiver_reference_time: true,
            delay_since_last: true,
        },
        ..SessionConfig::new(1, "fuzz", 0, 1)
    };
    let mut session = Session::new(config, Duration::ZERO);
    let mut now = Duration::ZERO;
    for (pause, bytes) in &datagrams {
        now += Duration::from_millis(u64::from(*pause));
        let _ = inspect(bytes, Profile::Compound);
        if let Ok(reports) = parse(bytes)
            && let Ok(written) = build(&reports)
        {
            assert_eq!(parse(&written).as_ref(), Ok(&reports));
        }
        let _ = session.received_rtcp(now, bytes);
        if let Ok(packet) = Packet::parse(bytes) {
            let _ = session.received(now, &packet, None);
        }
        if let Some(report) = session.poll_transmit(now) {
            assert_eq!(inspect(&report, Profile::Compound), []);
        }
    }
    let _ = session.goodbye(now, Some("end"));
});
