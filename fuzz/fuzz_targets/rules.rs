//! Any messages and packets, either way, through the rule engine.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use voxproof_rules::{Engine, EngineConfig, Observation, Transport};
use voxproof_sip::Message;

fuzz_target!(|bytes: &[u8]| {
    let mut engine = Engine::new(EngineConfig::default());
    let (source, destination) = (([192, 0, 2, 2], 5000).into(), ([192, 0, 2, 1], 4000).into());
    // pieces between 0xff octets; the first octet of each says what it is and when
    for (index, piece) in bytes.split(|byte| *byte == 0xff).take(64).enumerate() {
        let Some((kind, rest)) = piece.split_first() else {
            continue;
        };
        let at = Duration::from_millis(index as u64 * u64::from(kind >> 2));
        let from_device = kind & 1 == 0;
        let packet = index as u32;
        if kind & 2 == 0 {
            let message = Message::parse(rest);
            let transport = if kind & 4 == 0 {
                Transport::Udp
            } else {
                Transport::Tcp
            };
            engine.observe(&Observation::Sip {
                at,
                packet,
                from_device,
                transport,
                source,
                destination,
                message: &message,
            });
        } else {
            engine.observe(&Observation::Rtp {
                at,
                packet,
                from_device,
                source,
                destination,
                bytes: rest,
                dscp: None,
            });
        }
    }
    engine.finish(Duration::from_secs(120));
    assert!(engine.checked().all(|count| count.broken <= count.applicable));
});
