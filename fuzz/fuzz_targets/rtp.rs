//! Any datagrams on an RTP port: packets, RTCP, statistics, telephone-events and playout.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use voxproof_rtp::playout::{PayloadCodec, decode};
use voxproof_rtp::{Packet, dtmf, rtcp, statistics};

fuzz_target!(|datagrams: Vec<(u16, Vec<u8>)>| {
    let mut at = Duration::ZERO;
    let packets: Vec<(Duration, &[u8])> = datagrams
        .iter()
        .map(|(pause, bytes)| {
            at += Duration::from_millis(u64::from(*pause));
            (at, bytes.as_slice())
        })
        .collect();
    for (_, bytes) in &packets {
        let _ = Packet::parse(bytes);
        let _ = rtcp::parse(bytes);
    }
    let _ = statistics::analyse(&packets, 8000, &[101]);
    let _ = dtmf::collect(&packets, &[101], 8000);
    let _ = decode(&packets, &[(0, PayloadCodec::Pcmu), (8, PayloadCodec::Pcma)], &[101]);
});
