//! A rule engine and a capture watch a run.

use std::net::UdpSocket;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use voxproof_load::{Caller, CallerOptions, Hooks, LoadReport, RuleInspection, SipCapture};
use voxproof_record::{CapturedPacket, PacketDirection, read_capture};
use voxproof_rules::EngineConfig;

use crate::support::{Running, callee, caller, loopback};

/// The run, what was broken with its packet number, how often a rule applied, and the capture.
struct Seen {
    report: LoadReport,
    broken: Vec<(&'static str, u32)>,
    tag_checks: u64,
    packets: Vec<CapturedPacket>,
}

fn inspected(options: CallerOptions) -> Seen {
    let caller = Caller::bind(options).expect("loopback");
    let local = caller.local_addr();
    let mut observer = (
        RuleInspection::new(local, EngineConfig::default()),
        SipCapture::new(Vec::new(), local, Duration::ZERO),
    );
    let stop = AtomicBool::new(false);
    let mut progress = |_: &_| {};
    let mut hooks = Hooks::new(&stop, &mut progress);
    hooks.observer = Some(&mut observer);
    let report = caller.run(&mut hooks).expect("caller");
    let (mut rules, capture) = observer;
    rules.finish();
    let (bytes, written) = capture.finish().expect("memory");
    let packets = read_capture(&bytes, Duration::ZERO).expect("own capture");
    assert_eq!(packets.len() as u64, written);
    Seen {
        report,
        broken: rules
            .findings()
            .iter()
            .map(|finding| (finding.rule.id, finding.packet))
            .collect(),
        tag_checks: rules
            .checked()
            .filter(|count| count.rule.id == "SIP-TAG-002")
            .map(|count| count.applicable)
            .sum(),
        packets,
    }
}

#[test]
fn every_message_is_captured_and_judged() {
    let far = Running::start(callee(Some(50)));
    let seen = inspected(caller(far.address, 50, 200.0));
    let far_address = far.address;
    far.join();
    let report = &seen.report;
    assert_eq!(report.completed, 50, "{report}");
    // 180, 200 to INVITE, 200 to BYE; 100 needs no tag
    assert_eq!(seen.tag_checks, 150, "{:?}", seen.broken);
    let start = |text: &str, direction| {
        let found = seen.packets.iter().filter(|packet| {
            let remote = match direction {
                PacketDirection::Inbound => packet.source,
                PacketDirection::Outbound => packet.destination,
            };
            packet.direction == direction
                && remote == far_address
                && packet.payload.starts_with(text.as_bytes())
        });
        found.count()
    };
    let sent = ["INVITE ", "ACK ", "BYE "].map(|text| start(text, PacketDirection::Outbound));
    // a busy machine may make a retransmission or two
    assert!(sent.iter().all(|count| *count >= 50), "{sent:?}");
    assert!(start("SIP/2.0 200", PacketDirection::Inbound) >= 100);
}

#[test]
fn what_the_far_end_breaks_is_found_with_its_packet() {
    let socket = UdpSocket::bind(loopback()).expect("loopback");
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time-out");
    let address = socket.local_addr().expect("bound");
    let far = thread::spawn(move || {
        let mut buffer = [0; 4096];
        let (length, source) = socket.recv_from(&mut buffer).expect("an INVITE");
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let copied: String = request
            .split_inclusive("\r\n")
            .filter(|line| {
                ["Via:", "From:", "To:", "Call-ID:", "CSeq:"]
                    .iter()
                    .any(|name| line.starts_with(name))
            })
            .collect();
        let response = format!("SIP/2.0 486 Busy Here\r\n{copied}Content-Length: 0\r\n\r\n");
        socket.send_to(response.as_bytes(), source).expect("loopback");
    });
    let seen = inspected(caller(address, 1, 10.0));
    far.join().expect("far end");
    assert_eq!(seen.report.failures(), 1, "{}", seen.report);
    let &(_, packet) = seen
        .broken
        .iter()
        .find(|(rule, _)| *rule == "SIP-TAG-002")
        .unwrap_or_else(|| panic!("a tag is missing: {:?}", seen.broken));
    let captured = &seen.packets[packet as usize - 1];
    assert!(captured.payload.starts_with(b"SIP/2.0 486"), "{captured:?}");
}
