//! Checks on what only the lab's own record tells: connections, impairments, fuzzing; and tones in the audio.

use crate::lab::{Lab, device, device_rtp, ms, rtp, server};
use voxproof_record::{Carrier, TimelineEvent};
use voxproof_rtp::g711::{self, Law};
use voxproof_rtp::impairment::{Impairment, ImpairmentSpec, Loss};
use voxproof_rtp::inband::{ToneSpec, generate};
use voxproof_spec::Verdict;

fn connection(lab: &mut Lab, at: u64, transport: &str, state: &str, detail: &str) {
    lab.note(
        at,
        TimelineEvent::Connection {
            transport: transport.to_owned(),
            local: server(),
            remote: device(),
            state: state.to_owned(),
            detail: detail.to_owned(),
            key_log: vec![],
        },
    );
}

#[test]
fn connections_are_counted_and_asked() {
    let mut lab = Lab::new();
    connection(&mut lab, 5, "TLS", "failed", "the certificate is not trusted");
    connection(
        &mut lab,
        10,
        "TLS",
        "opened by the device",
        "TLS 1.3, TLS13_AES_256_GCM_SHA384",
    );
    connection(&mut lab, 90, "TLS", "closed", "by the other end");
    connection(&mut lab, 95, "TCP", "opened by the lab", "");
    lab.ask(
        r#"connections = { transport = "TLS", count = { min = 1, max = 1 }, expect = 'connection.failed' }"#,
    );
    lab.ask(
        r#"connections = { transport = "TLS", count = { min = 1 }, expect = 'connection.by_device && connection.tls_version == "1.3" && connection.closed_by_device' }"#,
    );
    lab.ask(r#"connections = { expect = '!connection.failed' }"#);
    lab.ask(r#"connections = { transport = "WS", count = { max = 0 } }"#);
    lab.ask(r#"connections = { transport = "WSS", expect = '!connection.failed' }"#);
    let verdicts: Vec<Verdict> = lab.results().iter().map(|result| result.verdict).collect();
    use Verdict::{Fail, Pass};
    assert_eq!(verdicts, [Pass, Pass, Fail, Pass, Fail], "{:?}", lab.results());
}

#[test]
fn an_impairment_is_held_against_what_went_over_the_wire() {
    for forgotten in [0, 20] {
        let mut lab = Lab::new();
        lab.media(&[(0, "PCMU")]);
        let spec = ImpairmentSpec {
            loss: Loss::Random { probability: 0.2 },
            ..ImpairmentSpec::default()
        };
        let mut network = Impairment::new(spec, 7).expect("a right specification");
        let mut sent = 0;
        for number in 0..100_u16 {
            let now = ms(20 * u64::from(number));
            network.push(
                now,
                voxproof_rtp::build(0, false, number, 160 * u32::from(number), 1, &[0xff; 160]),
            );
            for delivery in network.poll(now) {
                sent += 1;
                if sent > forgotten {
                    lab.packet(now, Carrier::Udp, rtp(), device_rtp(), false, &delivery.datagram);
                }
            }
        }
        let truth = network.take_decisions().iter().map(|one| one.to_line()).collect();
        lab.note(
            3000,
            TimelineEvent::Impaired {
                actor: "peer_a".to_owned(),
                to_device: true,
                specification: "loss".to_owned(),
                truth,
            },
        );
        lab.ask(
            r#"impairment = { stream = "peer_a -> device", expect = 'truth.offered == 100 && truth.delivered + truth.dropped == 100 && truth.dropped > 5' }"#,
        );
        lab.ask(r#"impairment = { stream = "peer_a -> device", expect = 'truth.agrees' }"#);
        lab.ask(r#"impairment = { stream = "device -> peer_a", expect = 'truth.agrees' }"#);
        let results = lab.results();
        assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
        let agrees = if forgotten == 0 {
            Verdict::Pass
        } else {
            Verdict::Fail
        };
        assert_eq!(results[1].verdict, agrees, "{results:?}");
        assert_eq!(
            results[2].verdict,
            Verdict::Inconc,
            "nothing of the kind: {results:?}"
        );
    }
}

#[test]
fn packets_still_under_way_at_the_end_are_no_disagreement() {
    for lost_by_the_capture in [false, true] {
        let mut lab = Lab::new();
        lab.media(&[(0, "PCMU")]);
        lab.note(
            0,
            TimelineEvent::StepStarted {
                phase: voxproof_record::Phase::Teardown,
                index: 0,
                name: "impair".to_owned(),
            },
        );
        let spec = ImpairmentSpec {
            delay_ms: 200.0,
            ..ImpairmentSpec::default()
        };
        let mut network = Impairment::new(spec, 7).expect("a right specification");
        for number in 0..100_u16 {
            let now = ms(20 * u64::from(number));
            let bytes = voxproof_rtp::build(0, false, number, 160 * u32::from(number), 1, &[0xff; 160]);
            if !lost_by_the_capture || number % 4 > 0 {
                lab.packet(now, Carrier::Udp, rtp(), device_rtp(), true, &bytes);
            }
            network.push(now, bytes);
            network.poll(now);
        }
        let decisions = network.take_decisions();
        assert!(decisions.len() < 95, "some are under way: {}", decisions.len());
        lab.note(
            3000,
            TimelineEvent::Impaired {
                actor: "peer_a".to_owned(),
                to_device: false,
                specification: "delay".to_owned(),
                truth: decisions.iter().map(|one| one.to_line()).collect(),
            },
        );
        lab.ask(r#"impairment = { stream = "device -> peer_a", expect = 'truth.agrees' }"#);
        let expected = if lost_by_the_capture {
            Verdict::Fail
        } else {
            Verdict::Pass
        };
        let results = lab.results();
        assert_eq!(results[0].verdict, expected, "{results:?}");
    }
}

#[test]
fn a_device_that_falls_silent_under_fuzzing_is_told_with_the_message() {
    let mut lab = Lab::new();
    lab.ask(r#"fuzz = { expect = 'fuzz.alive && fuzz.sent >= 20' }"#);
    assert_eq!(lab.results()[0].verdict, Verdict::Inconc, "nobody looked");
    for (sent, alive) in [(10, true), (20, true)] {
        let reproducer = None;
        lab.note(
            1,
            TimelineEvent::Fuzzed {
                seed: 3,
                sent,
                alive,
                reproducer,
            },
        );
    }
    assert_eq!(lab.results()[0].verdict, Verdict::Pass);
    lab.note(
        1,
        TimelineEvent::Fuzzed {
            seed: 3,
            sent: 30,
            alive: false,
            reproducer: Some("494e56".to_owned()),
        },
    );
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Fail);
    assert!(results[0].actual.contains("alive = false"), "{results:?}");
}

#[test]
fn tones_are_heard_in_the_audio() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    let mut samples = vec![0_i16; 1600];
    samples.extend(generate("42#", &ToneSpec::default(), 8000));
    samples.extend([0; 1600]);
    for (number, frame) in samples.chunks(160).enumerate() {
        let payload = g711::encode(Law::Mu, frame);
        let number = u16::try_from(number).expect("few packets");
        let bytes = voxproof_rtp::build(0, false, number, 160 * u32::from(number), 7, &payload);
        lab.packet(
            ms(20 * u64::from(number)),
            Carrier::Udp,
            rtp(),
            device_rtp(),
            true,
            &bytes,
        );
    }
    lab.ask(r#"inband = { stream = "device -> peer_a", digits = "42#", expect = 'tone.duration_ms > 40.0 && tone.low_hz < 1000.0' }"#);
    lab.ask(r#"inband = { stream = "device -> peer_a", digits = "" }"#);
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
    assert_eq!(results[1].verdict, Verdict::Fail, "{results:?}");
}
