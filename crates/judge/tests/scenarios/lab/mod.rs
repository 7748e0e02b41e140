//! Evidence made by hand: what the lab would have recorded of a device.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use voxproof_judge::{Judged, judge};
use voxproof_record::{
    CapturedPacket, Carrier, CaseEvidence, CheckResult, PacketDirection, Phase, StepOutcome, Timeline,
    TimelineEvent,
};
use voxproof_spec::Tier;

pub(crate) const SUITE: &str = r#"
id = "test"
title = "Test"
release = "2026-01-01"
derived_from = "nothing"
decision_rule = "simple"
signal = []
[guard]
send_lag = "100 ms"
loop_lag = "250 ms"
host_lag = "80 ms"
socket_drops = 0
[ics]
"#;

const HEAD: &str = r#"
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
[[step]]
wait = { for = "10 ms", mark = "all" }
[[step]]
request = { from = "peer_a", method = "OPTIONS", mark = "question", answer_mark = "answer" }
"#;

pub(crate) fn server() -> SocketAddr {
    "127.0.0.1:5060".parse().expect("an address")
}

pub(crate) fn device() -> SocketAddr {
    "127.0.0.1:5070".parse().expect("an address")
}

/// RTP port of peer_a.
pub(crate) fn rtp() -> SocketAddr {
    "127.0.0.1:20000".parse().expect("an address")
}

pub(crate) fn device_rtp() -> SocketAddr {
    "127.0.0.1:30000".parse().expect("an address")
}

pub(crate) fn above(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port() + 1)
}

pub(crate) fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// What the lab recorded.
pub(crate) struct Lab {
    pub(crate) packets: Vec<CapturedPacket>,
    pub(crate) timeline: Timeline,
    pub(crate) suite: String,
    pub(crate) checks: String,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let mut timeline = Timeline::default();
        let step = |phase, index, name: &str| TimelineEvent::StepStarted {
            phase,
            index,
            name: name.to_owned(),
        };
        for index in 0..2 {
            timeline.push(ms(0), step(Phase::Step, index, "wait"));
            let outcome = StepOutcome::Done;
            timeline.push(
                ms(0),
                TimelineEvent::StepEnded {
                    phase: Phase::Step,
                    index,
                    outcome,
                },
            );
        }
        timeline.push(
            ms(0),
            TimelineEvent::Health {
                send_lag: 0,
                loop_lag: 0,
                host_lag: 0,
                socket_drops: 0,
            },
        );
        timeline.push(
            ms(0),
            TimelineEvent::Device {
                contact: Some(device()),
                server: server(),
                username: "dut".to_owned(),
                credentials: vec![],
            },
        );
        Self {
            packets: vec![],
            timeline,
            suite: SUITE.to_owned(),
            checks: String::new(),
        }
    }

    pub(crate) fn note(&mut self, at: u64, event: TimelineEvent) {
        self.timeline.push(ms(at), event);
    }

    pub(crate) fn mark(&mut self, at: u64, name: &str, packet: usize) {
        let (name, packet) = (name.to_owned(), u32::try_from(packet).ok());
        self.note(
            at,
            TimelineEvent::Mark {
                name,
                end: None,
                packet,
            },
        );
    }

    /// A media port of peer_a with these codecs.
    pub(crate) fn media(&mut self, codecs: &[(u8, &str)]) {
        let codecs = codecs
            .iter()
            .map(|(number, name)| (*number, (*name).to_owned()))
            .collect();
        self.note(
            0,
            TimelineEvent::Media {
                actor: "peer_a".to_owned(),
                local: rtp(),
                remote: Some(device_rtp()),
                codecs,
                telephone_events: vec![(101, 8000)],
            },
        );
    }

    /// Adds a packet and says its number.
    pub(crate) fn packet(
        &mut self,
        at: Duration,
        carrier: Carrier,
        lab: SocketAddr,
        far: SocketAddr,
        from_device: bool,
        payload: &[u8],
    ) -> usize {
        let (direction, source, destination) = if from_device {
            (PacketDirection::Inbound, far, lab)
        } else {
            (PacketDirection::Outbound, lab, far)
        };
        self.packets.push(CapturedPacket {
            at,
            direction,
            carrier,
            source,
            destination,
            dscp: Some(46),
            payload: payload.to_vec(),
        });
        self.packets.len()
    }

    /// SIP by UDP at the lab's server.
    pub(crate) fn sip(&mut self, at: u64, from_device: bool, text: &str) -> usize {
        self.packet(
            ms(at),
            Carrier::Udp,
            server(),
            device(),
            from_device,
            text.as_bytes(),
        )
    }

    /// A check of this kind: `rtp = { ... }`.
    pub(crate) fn ask(&mut self, question: &str) {
        let number = self.checks.matches("[[check]]").count();
        self.checks += &format!("[[check]]\nid = \"c{number}\"\ntitle = \"t\"\nclause = \"c\"\n{question}\n");
    }

    pub(crate) fn evidence(&self) -> CaseEvidence {
        CaseEvidence {
            case_source: Arc::from(format!("{HEAD}{}", self.checks)),
            limit_sources: vec![],
            suite_source: Arc::from(self.suite.as_str()),
            packets: self.packets.clone(),
            timeline: self.timeline.clone(),
            signals: BTreeMap::new(),
            recordings: BTreeMap::new(),
        }
    }

    pub(crate) fn judged(&self) -> Judged {
        judge(&self.evidence(), Tier::Certified, None).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The checks that were asked, in order.
    pub(crate) fn results(&self) -> Vec<CheckResult> {
        self.judged()
            .judgement
            .checks
            .into_iter()
            .filter(|check| check.id.starts_with('c') && check.id != "carried-out")
            .collect()
    }
}

pub(crate) const OPTIONS: &str = "OPTIONS sip:dut@127.0.0.1:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKone\r\n\
    Max-Forwards: 70\r\nFrom: <sip:peer_a@lab>;tag=1\r\nTo: <sip:dut@lab>\r\nCall-ID: one@lab\r\nCSeq: 1 OPTIONS\r\n\
    Contact: <sip:peer_a@127.0.0.1:5060>\r\nContent-Length: 0\r\n\r\n";

/// A right answer to a request of the lab.
pub(crate) fn answer(request: &str, status: &str) -> String {
    let rest: Vec<&str> = request
        .split("\r\n")
        .skip(1)
        .filter(|line| !line.starts_with("Max-Forwards") && !line.starts_with("Contact"))
        .collect();
    let head = format!("SIP/2.0 {status}\r\n{}", rest.join("\r\n"));
    head.replace(
        "To: <sip:dut@lab>\r\n",
        "To: <sip:dut@lab>;tag=device81\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n",
    )
}
