//! Whatever bytes come, in whatever order: no panic, and the same traffic gives the same findings.

use std::time::Duration;

use proptest::prelude::*;
use voxproof_rules::{Engine, EngineConfig, Observation, RULES, Transport};
use voxproof_sip::Message;

fn feed(engine: &mut Engine, at: u64, from_device: bool, bytes: &[u8], media: bool) {
    let at = Duration::from_millis(at);
    let (source, destination) = (([192, 0, 2, 2], 5000).into(), ([192, 0, 2, 1], 4000).into());
    if media {
        engine.observe(&Observation::Rtp {
            at,
            packet: 1,
            from_device,
            source,
            destination,
            bytes,
            dscp: Some(46),
        });
    } else {
        let message = Message::parse(bytes);
        let transport = if at.as_millis().is_multiple_of(2) {
            Transport::Udp
        } else {
            Transport::Tls
        };
        engine.observe(&Observation::Sip {
            at,
            packet: 1,
            from_device,
            transport,
            source,
            destination,
            message: &message,
        });
    }
}

/// The messages of all examples as bytes.
fn messages() -> Vec<Vec<u8>> {
    RULES
        .iter()
        .flat_map(|rule| {
            rule.example_pass
                .split("\n< ")
                .chain(rule.example_fail.split("\n> "))
        })
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text.replace('\n', "\r\n").into_bytes())
        .collect()
}

fn count(engine: &Engine, id: &str) -> voxproof_rules::RuleCount {
    engine
        .checked()
        .find(|count| count.rule.id == id)
        .expect("the rule is in the catalogue")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn any_bytes_are_taken(pieces in proptest::collection::vec(
        (any::<bool>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..80)), 0..8)) {
        let mut engine = Engine::new(EngineConfig::default());
        for (index, (from_device, media, bytes)) in pieces.iter().enumerate() {
            feed(&mut engine, index as u64 * 100, *from_device, bytes, *media);
        }
        engine.finish(Duration::from_secs(40));
    }

    #[test]
    fn damaged_messages_are_taken(picks in proptest::collection::vec(
        (any::<prop::sample::Index>(), any::<bool>(), any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let all = messages();
        let run = || {
            let mut engine = Engine::new(EngineConfig::default());
            for (index, (pick, from_device, place, byte)) in picks.iter().enumerate() {
                let mut bytes = pick.get(&all).clone();
                if !bytes.is_empty() {
                    let place = place.index(bytes.len());
                    bytes[place] = *byte;
                }
                feed(&mut engine, index as u64 * 37, *from_device, &bytes, false);
            }
            engine.finish(Duration::from_secs(100));
            engine.findings().iter().map(|finding| format!("{} {}", finding.rule.id, finding.message)).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }
}

#[test]
fn what_is_remembered_and_kept_has_a_limit() {
    let mut engine = Engine::new(EngineConfig::default());
    for index in 0..5000_u32 {
        let text = format!(
            "OPTIONS sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=x{index}\r\nMax-Forwards: 70\r\n\
             From: <sip:a@h>;tag=abcdef{index}\r\nTo: <sip:b@h>\r\nCall-ID: c{index}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        feed(&mut engine, u64::from(index) * 4, true, text.as_bytes(), false);
    }
    engine.finish(Duration::from_secs(100));
    let cookie = count(&engine, "SIP-VIA-002");
    assert_eq!((cookie.applicable, cookie.broken), (5000, 5000));
    assert_eq!(
        engine
            .findings()
            .iter()
            .filter(|finding| finding.rule.id == "SIP-VIA-002")
            .count(),
        5
    );
    // each request was answered by nobody, the forgotten ones too
    assert!(count(&engine, "SIP-TRX-006").applicable > 4000);
}
