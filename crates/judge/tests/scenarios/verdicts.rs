//! What evidence comes to: the lab's trouble, a missing answer, a failed set-up, a device that died.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use voxproof_judge::judge;
use voxproof_record::{
    CapturedPacket, CaseEvidence, PacketDirection, Phase, StepOutcome, Timeline, TimelineEvent,
};
use voxproof_spec::{Tier, Verdict};

use crate::lab::SUITE;

const CASE: &str = r#"
id = "T-1"
rev = 1
title = "Answers"
purpose = "p"
requirement = ["RFC 3261 11.2"]
level = "core"
severity = "ko"
tiers = ["certified", "works-with"]
applies = "true"
duration = "1 s"
[[setup]]
wait = { for = "10 ms" }
[[step]]
request = { from = "peer_a", method = "OPTIONS", mark = "question", answer_mark = "answer" }
[[check]]
id = "answered"
title = "OPTIONS is answered 200"
clause = "RFC 3261 11.2"
message = { at = "answer", expect = "msg.status == 200" }
"#;

const REQUEST: &str = "OPTIONS sip:dut@127.0.0.1:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n\
                       From: <sip:peer_a@lab>;tag=1\r\nTo: <sip:dut@lab>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

struct Told {
    status: Option<u16>,
    set_up: StepOutcome,
    send_lag_ms: u64,
    socket_drops: u64,
    gone: Option<bool>,
    health: bool,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            status: Some(200),
            set_up: StepOutcome::Done,
            send_lag_ms: 1,
            socket_drops: 0,
            gone: None,
            health: true,
        }
    }
}

fn evidence(told: &Told) -> CaseEvidence {
    let server = "127.0.0.1:5060".parse().expect("an address");
    let device = "127.0.0.1:5070".parse().expect("an address");
    let packet = |ms: u64, direction: PacketDirection, text: &str| {
        let (source, destination) = match direction {
            PacketDirection::Inbound => (device, server),
            PacketDirection::Outbound => (server, device),
        };
        let payload = text.as_bytes().to_vec();
        CapturedPacket {
            carrier: voxproof_record::Carrier::Udp,
            dscp: None,
            at: Duration::from_millis(ms),
            direction,
            source,
            destination,
            payload,
        }
    };
    let mut packets = vec![packet(20, PacketDirection::Outbound, REQUEST)];
    let mut timeline = Timeline::default();
    let at = Duration::from_millis;
    let step = |phase, index, name: &str| TimelineEvent::StepStarted {
        phase,
        index,
        name: name.to_owned(),
    };
    let ended = |phase, index, outcome: &StepOutcome| TimelineEvent::StepEnded {
        phase,
        index,
        outcome: outcome.clone(),
    };
    let mark = |name: &str, packet| TimelineEvent::Mark {
        name: name.to_owned(),
        end: None,
        packet: Some(packet),
    };
    timeline.push(at(0), step(Phase::Setup, 0, "wait"));
    timeline.push(at(10), ended(Phase::Setup, 0, &told.set_up));
    if told.set_up == StepOutcome::Done {
        timeline.push(at(20), step(Phase::Step, 0, "request"));
        timeline.push(at(20), mark("question", 1));
        if let Some(status) = told.status {
            let answer = REQUEST.replace(
                "OPTIONS sip:dut@127.0.0.1:5070 SIP/2.0",
                &format!("SIP/2.0 {status} X"),
            );
            packets.push(packet(21, PacketDirection::Inbound, &answer));
            timeline.push(at(21), mark("answer", 2));
        }
        timeline.push(at(22), ended(Phase::Step, 0, &StepOutcome::Done));
    }
    if let Some(own_fault) = told.gone {
        timeline.push(
            at(23),
            TimelineEvent::DeviceGone {
                status: "signal 11".to_owned(),
                own_fault,
            },
        );
    }
    if told.health {
        timeline.push(
            at(30),
            TimelineEvent::Health {
                send_lag: told.send_lag_ms * 1_000_000,
                loop_lag: 0,
                host_lag: 0,
                socket_drops: told.socket_drops,
            },
        );
    }
    let username = "dut".to_owned();
    let credentials = vec![];
    timeline.push(
        at(30),
        TimelineEvent::Device {
            contact: Some(device),
            server,
            username,
            credentials,
        },
    );
    CaseEvidence {
        case_source: Arc::from(CASE),
        limit_sources: vec![],
        suite_source: Arc::from(SUITE),
        packets,
        timeline,
        signals: BTreeMap::new(),
        recordings: BTreeMap::new(),
    }
}

fn verdict(told: &Told) -> (Verdict, String) {
    let judged = judge(&evidence(told), Tier::Certified, None)
        .expect("the specification is valid")
        .judgement;
    (judged.verdict, judged.reason)
}

#[test]
fn what_was_seen_decides() {
    assert_eq!(verdict(&Told::default()), (Verdict::Pass, String::new()));
    let (refused, reason) = verdict(&Told {
        status: Some(405),
        ..Told::default()
    });
    assert_eq!(refused, Verdict::Fail);
    assert!(reason.contains("status = 405"), "{reason}");
    let (silent, reason) = verdict(&Told {
        status: None,
        ..Told::default()
    });
    assert_eq!(silent, Verdict::Fail);
    assert!(reason.contains("no such message"), "{reason}");
}

#[test]
fn the_labs_own_trouble_is_neither_blamed_on_the_device_nor_credited_to_it() {
    for status in [Some(200), Some(405), None] {
        let (late, reason) = verdict(&Told {
            status,
            send_lag_ms: 101,
            ..Told::default()
        });
        assert_eq!(late, Verdict::Inconc, "{reason}");
        assert!(reason.contains("101 ms late"), "{reason}");
        assert_eq!(
            verdict(&Told {
                status,
                socket_drops: 1,
                ..Told::default()
            })
            .0,
            Verdict::Inconc
        );
        assert_eq!(
            verdict(&Told {
                status,
                health: false,
                ..Told::default()
            })
            .0,
            Verdict::Inconc
        );
    }
    assert_eq!(
        verdict(&Told {
            send_lag_ms: 100,
            ..Told::default()
        })
        .0,
        Verdict::Pass
    );
}

#[test]
fn a_set_up_that_fails_is_inconclusive_and_a_failed_driver_an_error() {
    let not_seen = StepOutcome::NotSeen {
        awaited: "a 2xx".to_owned(),
        within_ms: 8000,
    };
    assert_eq!(
        verdict(&Told {
            set_up: not_seen,
            ..Told::default()
        })
        .0,
        Verdict::Inconc
    );
    let driver = StepOutcome::Driver {
        reason: "no socket".to_owned(),
    };
    assert_eq!(
        verdict(&Told {
            set_up: driver,
            ..Told::default()
        })
        .0,
        Verdict::Error
    );
}

#[test]
fn a_crash_is_the_devices_and_a_kill_from_outside_is_not() {
    assert_eq!(
        verdict(&Told {
            gone: Some(true),
            ..Told::default()
        })
        .0,
        Verdict::Fail
    );
    assert_eq!(
        verdict(&Told {
            gone: Some(false),
            ..Told::default()
        })
        .0,
        Verdict::Inconc
    );
}

#[test]
fn judging_twice_is_judging_once() {
    let evidence = evidence(&Told::default());
    assert_eq!(
        judge(&evidence, Tier::Certified, None).ok(),
        judge(&evidence, Tier::Certified, None).ok()
    );
}
