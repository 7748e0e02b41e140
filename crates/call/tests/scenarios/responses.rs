//! Answers to calls of the device, one by one: branches, reliable responses, challenges, traps. A virtual network.

use std::time::Duration;

use crate::device::{Datagrams, station};
use voxproof_call::{ChallengeOptions, OfferSpec, RespondOptions, Script, Station, Trap, TrapAction, Way};
use voxproof_net::Net;
use voxproof_sip::mutate::Mutation;
use voxproof_sip::{Challenge, Credentials, Message, Transport};

fn run(test: impl AsyncFnOnce(Station, Datagrams)) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(async {
            let net = Net::virtual_network();
            let station = station(&net).await;
            let device = Datagrams::open(&net, station.address(Transport::Udp)).await;
            test(station, device).await;
        });
}

const SDP: &str = "v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 4000 RTP/AVP 0\n";

fn invite(cseq: u32, extra: &str) -> String {
    let length = SDP.len() + SDP.lines().count();
    format!(
        "INVITE sip:peer_a@lab SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKi{cseq}\nMax-Forwards: 70\n\
         From: <sip:dut@lab>;tag=d\nTo: <sip:peer_a@lab>\nCall-ID: call\nCSeq: {cseq} INVITE\n\
         Contact: <sip:dut@192.0.2.9:5060>\n{extra}Content-Type: application/sdp\nContent-Length: {length}\n\n{SDP}"
    )
}

fn in_dialog(method: &str, cseq: u32, to: &Message, extra: &str) -> String {
    format!(
        "{method} {} SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{method}{cseq}\nMax-Forwards: 70\n\
         From: <sip:dut@lab>;tag=d\nTo: {}\nCall-ID: call\nCSeq: {cseq} {method}\n{extra}Content-Length: 0\n\n",
        to.contacts()
            .first()
            .map_or_else(|| "sip:peer_a@lab".to_owned(), |contact| contact.uri.to_string()),
        to.header("to").expect("a To"),
    )
}

fn with_status(messages: &[Message], status: u16) -> Vec<&Message> {
    messages
        .iter()
        .filter(|message| message.status() == Some(status))
        .collect()
}

#[test]
fn branches_answer_as_a_forking_proxy_passes_them_on() {
    run(async |mut station, device| {
        device.send(&invite(1, ""));
        station.pass(Duration::from_millis(10)).await;
        for branch in [None, Some("b".to_owned())] {
            let ringing = RespondOptions {
                status: 180,
                branch: branch.clone(),
                ..RespondOptions::default()
            };
            station.respond("peer_a", ringing).expect("a call waits");
        }
        for branch in [None, Some("b".to_owned())] {
            let answer = RespondOptions {
                status: 200,
                branch,
                session: Some(OfferSpec::default()),
                ..RespondOptions::default()
            };
            station.respond("peer_a", answer).expect("a call waits");
        }
        station.pass(Duration::from_millis(10)).await;
        let messages = device.received().await;
        let answers = with_status(&messages, 200);
        let tags: Vec<_> = answers.iter().map(|answer| answer.header("to")).collect();
        assert_eq!(answers.len(), 2);
        assert_ne!(tags[0], tags[1], "a dialog each");
        assert_ne!(answers[0].header("contact"), answers[1].header("contact"));
        assert_eq!(with_status(&messages, 180).len(), 2);
        // each is repeated until its own ACK
        device.send(&in_dialog("ACK", 1, answers[1], ""));
        station.pass(Duration::from_millis(700)).await;
        assert!(station.acknowledged("peer_a", Some("b")).is_some());
        assert!(station.acknowledged("peer_a", None).is_none());
        let again = device.received().await;
        let again = with_status(&again, 200);
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].header("to"), tags[0]);
        // and ended on its own
        device.send(&in_dialog("BYE", 2, answers[1], ""));
        station.pass(Duration::from_millis(10)).await;
        let byes = device.received().await;
        assert_eq!(with_status(&byes, 200).len(), 1);
    });
}

#[test]
fn a_reliable_response_is_repeated_until_the_prack_that_names_it() {
    run(async |mut station, device| {
        device.send(&invite(1, "Supported: 100rel\n"));
        station.pass(Duration::from_millis(10)).await;
        let progress = RespondOptions {
            status: 183,
            reliable: true,
            session: Some(OfferSpec::default()),
            ..RespondOptions::default()
        };
        station.respond("peer_a", progress).expect("a call waits");
        station.pass(Duration::from_millis(2000)).await;
        let messages = device.received().await;
        let copies = with_status(&messages, 183);
        assert_eq!(copies.len(), 3, "at 0, 500 and 1500 ms");
        let rseq = copies[0].header("rseq").expect("a number").to_owned();
        device.send(&in_dialog("PRACK", 2, copies[0], "RAck: 1 1 INVITE\n"));
        station.pass(Duration::from_millis(10)).await;
        assert_eq!(device.received().await[0].status(), Some(481));
        device.send(&in_dialog(
            "PRACK",
            3,
            copies[0],
            &format!("RAck: {rseq} 1 INVITE\n"),
        ));
        station.pass(Duration::from_secs(8)).await;
        let messages = device.received().await;
        assert_eq!(with_status(&messages, 200).len(), 1);
        assert!(with_status(&messages, 183).is_empty(), "it stops");
        assert!(station.pracked("peer_a", None).is_some());
    });
}

#[test]
fn a_challenge_wants_every_realm() {
    run(async |mut station, device| {
        device.send(&invite(1, ""));
        station.pass(Duration::from_millis(10)).await;
        let options = ChallengeOptions {
            realms: vec!["one".to_owned(), "two".to_owned()],
            algorithms: vec!["SHA-256".to_owned(), "MD5".to_owned()],
            qop: vec!["auth".to_owned()],
            callee: false,
        };
        station.challenge("peer_a", &options).expect("a call waits");
        station.pass(Duration::from_millis(10)).await;
        let messages = device.received().await;
        let refusal = with_status(&messages, 407)[0];
        let challenges: Vec<&str> = refusal.headers("proxy-authenticate").collect();
        assert_eq!(challenges.len(), 4, "two realms, two algorithms each");
        device.send(&in_dialog("ACK", 1, refusal, "").replace("ACK1", "i1"));
        let credentials = |realm: &str| {
            let value = challenges
                .iter()
                .find(|value| value.contains(&format!("realm=\"{realm}\"")))
                .expect("a challenge");
            let challenge = Challenge::parse(value).expect("a challenge");
            Credentials::answer(
                &challenge,
                "dut",
                "secret",
                "INVITE",
                "sip:peer_a@lab",
                1,
                "c",
                b"",
            )
            .expect("a known algorithm")
            .to_header()
        };
        let both = format!(
            "Proxy-Authorization: {}\nProxy-Authorization: {}\n",
            credentials("one"),
            credentials("two")
        );
        device.send(&invite(2, &both));
        station.pass(Duration::from_millis(10)).await;
        let packet = station
            .incoming_invite("peer_a")
            .expect("the second INVITE")
            .packet;
        let capture = station.end_case(false).await;
        let verified = capture
            .timeline
            .entries
            .iter()
            .find_map(|entry| match &entry.event {
                voxproof_record::TimelineEvent::Device { credentials, .. } => Some(credentials.clone()),
                _ => None,
            });
        assert_eq!(verified, Some(vec![(packet, true)]));
    });
}

#[test]
fn traps_lose_hold_and_double_messages() {
    run(async |mut station, device| {
        let trap = |way, method: Option<&str>, action| Trap {
            way,
            method: method.map(str::to_owned),
            statuses: (180, 180),
            action,
            times: 1,
        };
        station.set_trap(trap(Way::FromDevice, Some("INVITE"), TrapAction::Drop));
        device.send(&invite(1, ""));
        station.pass(Duration::from_millis(10)).await;
        assert!(station.incoming_invite("peer_a").is_none(), "lost");
        assert_eq!(station.log().len(), 1, "and seen all the same");
        device.send(&invite(1, ""));
        station.pass(Duration::from_millis(10)).await;
        assert!(station.incoming_invite("peer_a").is_some());
        station.set_trap(trap(Way::ToDevice, None, TrapAction::Hold));
        station.ring("peer_a").expect("a call waits");
        station.pass(Duration::from_millis(10)).await;
        let before = device.received().await;
        assert!(with_status(&before, 180).is_empty(), "held");
        station.set_trap(trap(Way::ToDevice, None, TrapAction::Duplicate));
        station.ring("peer_a").expect("a call waits");
        station.release();
        station.pass(Duration::from_millis(10)).await;
        let after = device.received().await;
        assert_eq!(with_status(&after, 180).len(), 3, "one doubled, one released");
    });
}

#[test]
fn a_script_answers_so_many_requests() {
    run(async |mut station, device| {
        station.answer_with(Script {
            method: "OPTIONS".to_owned(),
            status: Some(503),
            headers: [("Retry-After".to_owned(), "5".to_owned())].into(),
            times: 1,
            mutate: vec![Mutation::RenameHeader {
                name: "Call-ID".to_owned(),
                to: "i".to_owned(),
            }],
        });
        for number in 1..3 {
            device.send(&format!(
                "OPTIONS sip:lab SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKo{number}\n\
                 From: <sip:dut@lab>;tag=1\nTo: <sip:lab>\nCall-ID: o\nCSeq: {number} OPTIONS\nMax-Forwards: 70\n\
                 Content-Length: 0\n\n"
            ));
        }
        station.pass(Duration::from_millis(10)).await;
        let answers = device.received().await;
        assert_eq!(
            answers.iter().filter_map(Message::status).collect::<Vec<_>>(),
            [503, 200]
        );
        assert_eq!(answers[0].header("retry-after"), Some("5"));
        let compact = |message: &Message| message.header_lines().iter().any(|line| line.raw_name == "i");
        assert!(compact(&answers[0]), "changed as ordered");
        assert!(!compact(&answers[1]), "and only this one");
    });
}
