//! Every field that an expression may name has a value when it is judged.

use crate::lab::{Lab, OPTIONS, above, answer, device, device_rtp, ms, rtp, server};
use voxproof_record::{Carrier, TimelineEvent};
use voxproof_rtp::dtmf::TelephoneEvent;
use voxproof_rtp::g711::{self, Law};
use voxproof_rtp::impairment::{Impairment, ImpairmentSpec};
use voxproof_rtp::inband::{ToneSpec, generate};
use voxproof_rtp::rtcp::{self, Report};
use voxproof_spec::{
    Environment, Type, Verdict, connection_environment, dtmf_environment, fuzz_environment,
    impairment_environment, inband_environment, message_environment, rtcp_environment, rtp_environment,
};

/// An expression that reads each field and is true whatever its value: `size` wants a list, arithmetic a number.
fn reads(path: &str, of: &Type, found: &mut Vec<String>) {
    match of {
        Type::Object(fields) => fields
            .iter()
            .for_each(|(name, of)| reads(&format!("{path}.{name}"), of, found)),
        Type::Bool => found.push(format!("({path} || !{path})")),
        Type::Int | Type::Double => found.push(format!("double({path}) * 0.0 == 0.0")),
        Type::Text => found.push(format!("{path}.contains(\"\")")),
        Type::List(_) => found.push(format!("size({path}) >= 0")),
        Type::Map(_) | Type::Any => {}
    }
}

fn each_of(environment: &Environment, root: &str) -> Vec<String> {
    let mut found = vec![];
    reads(root, &environment.variables[root], &mut found);
    assert!(found.len() > 3, "{root}: {found:?}");
    found
}

/// A case with one of everything.
fn full() -> Lab {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    lab.sip(10, false, OPTIONS);
    let reply = lab.sip(20, true, &answer(OPTIONS, "200 OK"));
    lab.mark(20, "answer", reply);
    for (number, frame) in generate("5", &ToneSpec::default(), 8000).chunks(160).enumerate() {
        let number = u16::try_from(number).expect("few packets");
        let payload = g711::encode(Law::Mu, frame);
        let bytes = voxproof_rtp::build(0, false, number, 160 * u32::from(number), 7, &payload);
        lab.packet(
            ms(100 + 20 * u64::from(number)),
            Carrier::Udp,
            rtp(),
            device_rtp(),
            true,
            &bytes,
        );
    }
    let event = TelephoneEvent {
        event: 5,
        end: true,
        volume: 10,
        duration: 800,
    };
    let bytes = voxproof_rtp::build(101, true, 100, 16_000, 7, &event.to_bytes());
    lab.packet(ms(900), Carrier::Udp, rtp(), device_rtp(), true, &bytes);
    let report = rtcp::build(&[Report::ReceiverReport {
        ssrc: 7,
        blocks: vec![],
    }])
    .expect("a report");
    lab.packet(
        ms(950),
        Carrier::Udp,
        above(rtp()),
        above(device_rtp()),
        true,
        &report,
    );
    lab.note(
        1,
        TimelineEvent::Connection {
            transport: "TCP".to_owned(),
            local: server(),
            remote: device(),
            state: "opened by the device".to_owned(),
            detail: String::new(),
            key_log: vec![],
        },
    );
    let mut network = Impairment::new(ImpairmentSpec::default(), 1).expect("a network");
    network.push(ms(100), vec![0; 12]);
    network.poll(ms(100));
    lab.note(
        1000,
        TimelineEvent::Impaired {
            actor: "peer_a".to_owned(),
            to_device: false,
            specification: "none".to_owned(),
            truth: network.take_decisions().iter().map(|one| one.to_line()).collect(),
        },
    );
    lab.note(
        1000,
        TimelineEvent::Fuzzed {
            seed: 1,
            sent: 1,
            alive: true,
            reproducer: None,
        },
    );
    lab
}

#[test]
fn every_field_has_a_value_of_its_type() {
    let stream = "stream = \"device -> peer_a\", ";
    let questions = [
        (message_environment(&[]), "msg", "message", "at = \"answer\", "),
        (rtp_environment(&[]), "rtp", "rtp", stream),
        (rtcp_environment(&[]), "rtcp", "rtcp", stream),
        (dtmf_environment(), "event", "dtmf", stream),
        (inband_environment(), "tone", "inband", stream),
        (connection_environment(), "connection", "connections", ""),
        (impairment_environment(), "truth", "impairment", stream),
        (fuzz_environment(), "fuzz", "fuzz", ""),
    ];
    let mut lab = full();
    let mut asked = vec![];
    for (environment, root, kind, keys) in &questions {
        for expression in each_of(environment, root) {
            lab.ask(&format!("{kind} = {{ {keys}expect = '{expression}' }}"));
            asked.push(expression);
        }
    }
    let results = lab.results();
    assert_eq!(results.len(), asked.len());
    for (expression, result) in asked.iter().zip(&results) {
        assert_eq!(result.verdict, Verdict::Pass, "{expression}: {}", result.actual);
    }
}
