//! Declared versus observed: each sign by which a feature shows, and what a declaration decides.

use std::collections::BTreeMap;

use voxproof_judge::designations;
use voxproof_record::{
    Carrier, CaseFinished, CaseRecord, IcsOutcome, IcsSighting, PlannedCase, Selection, TimelineEvent,
    ics_results,
};
use voxproof_spec::{IcsDeclaration, Suite, declarations, parse_case};

use crate::lab::{Lab, OPTIONS, SUITE, above, answer, device, device_rtp, ms, rtp, server};

/// A lab whose suite has one item with these signs.
fn lab(observed: &str) -> Lab {
    let mut lab = Lab::new();
    lab.suite = format!("{SUITE}[ics.feature]\nquestion = \"q\"\nobserved = {observed}\n");
    lab
}

fn sighting(lab: &Lab) -> Option<IcsSighting> {
    let mut all = lab.judged().judgement.ics;
    assert!(all.len() <= 1, "{all:?}");
    all.pop()
}

/// Sights and occasions, with the first sight.
fn found(lab: &Lab) -> (u64, u64, Option<(u32, String)>) {
    let sighting = sighting(lab).expect("there was an occasion");
    let first = sighting
        .first
        .map(|first| (first.packet.expect("a packet"), first.what));
    (sighting.seen, sighting.chances, first)
}

/// A request of the device, or of the lab.
fn request(method: &str, fields: &str, body: &str) -> String {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{method} sip:peer_a@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{method}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:dut@lab>;tag=d\r\nTo: <sip:peer_a@lab>\r\nCall-ID: two@lab\r\nCSeq: 1 {method}\r\n\
         {fields}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The same inside a dialog.
fn inside(request: &str) -> String {
    request.replace("To: <sip:peer_a@lab>", "To: <sip:peer_a@lab>;tag=p")
}

fn response(status: &str, method: &str, fields: &str) -> String {
    format!(
        "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKlab\r\nFrom: <sip:peer_a@lab>;tag=p\r\n\
         To: <sip:dut@lab>;tag=d\r\nCall-ID: two@lab\r\nCSeq: 1 {method}\r\n{fields}Content-Length: 0\r\n\r\n"
    )
}

fn sdp(lines: &str) -> String {
    format!(
        "v=0\r\no=d 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0 8 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\n{lines}"
    )
}

/// What one message of the device comes to: sights of occasions.
fn of_message(observed: &str, text: &str) -> Option<(u64, u64)> {
    let mut lab = lab(observed);
    lab.sip(10, true, text);
    sighting(&lab).map(|one| (one.seen, one.chances))
}

#[test]
fn every_sign_of_a_message_is_seen_where_it_stands_and_not_elsewhere() {
    let offer = sdp("a=rtcp-mux\r\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:AAAA\r\n");
    let digest = "Authorization: Digest username=\"dut\", realm=\"lab\", nonce=\"n\", uri=\"sip:lab\", response=\"0\", \
                  algorithm=SHA-256, qop=auth-int, nc=00000001, cnonce=\"c\"\r\n";
    let register = |fields: &str| request("REGISTER", fields, "");
    for (observed, shows, misses) in [
        (
            r#"{ supported = "100rel" }"#,
            request("INVITE", "Supported: timer, 100rel\r\n", ""),
            request("INVITE", "Supported: timer\r\n", ""),
        ),
        (
            r#"{ supported = "100rel" }"#,
            request("INVITE", "Require: 100rel\r\n", ""),
            request("INVITE", "", ""),
        ),
        (
            r#"{ allow = "UPDATE" }"#,
            request("INVITE", "Allow: INVITE, UPDATE\r\n", ""),
            request("INVITE", "Allow: INVITE\r\n", ""),
        ),
        (
            r#"{ accepts = "REFER" }"#,
            response("202 Accepted", "REFER", ""),
            response("603 Decline", "REFER", ""),
        ),
        (
            r#"{ sends = "REFER" }"#,
            request("REFER", "", ""),
            request("BYE", "", ""),
        ),
        (
            r#"{ event = "message-summary" }"#,
            request("SUBSCRIBE", "Event: message-summary;id=1\r\n", ""),
            request("SUBSCRIBE", "Event: dialog\r\n", ""),
        ),
        (
            r#"{ header = { name = "Session-Expires" } }"#,
            response("200 OK", "INVITE", "Session-Expires: 1800\r\n"),
            response("200 OK", "INVITE", ""),
        ),
        (
            r#"{ header = { name = "Referred-By", of = "INVITE" } }"#,
            request("INVITE", "Referred-By: <sip:a@lab>\r\n", ""),
            request("INVITE", "", ""),
        ),
        (
            r#"{ contact = "reg-id" }"#,
            register("Contact: <sip:dut@127.0.0.1:5070>;reg-id=1;+sip.instance=\"<urn:uuid:0>\"\r\n"),
            register("Contact: <sip:dut@127.0.0.1:5070>\r\n"),
        ),
        (
            r#"{ via = "rport" }"#,
            request("INVITE", "", "").replace(";branch", ";rport;branch"),
            request("INVITE", "", ""),
        ),
        (
            r#"{ offers = "PCMA" }"#,
            request("INVITE", "", &offer),
            request("INVITE", "", &offer.replace("0 8", "0")),
        ),
        (
            r#"{ offers = "telephone-event" }"#,
            request("INVITE", "", &offer),
            request("INVITE", "", &offer.replace("8 101", "8")),
        ),
        (
            r#"{ attribute = "rtcp-mux" }"#,
            request("INVITE", "", &offer),
            request("INVITE", "", &sdp("")),
        ),
        (
            r#"{ crypto = "AES_CM_128_HMAC_SHA1_32" }"#,
            request("INVITE", "", &offer),
            request("INVITE", "", &offer.replace("_32", "_80")),
        ),
        (
            r#"{ does = "hold" }"#,
            inside(&request("INVITE", "", &sdp("a=sendonly\r\n"))),
            inside(&request("INVITE", "", &sdp("a=recvonly\r\n"))),
        ),
        (
            r#"{ does = "place-call" }"#,
            request("INVITE", "", ""),
            inside(&request("INVITE", "", "")),
        ),
        (
            r#"{ does = "blind-transfer" }"#,
            request("REFER", "Refer-To: <sip:peer_b@lab>\r\n", ""),
            request("REFER", "Refer-To: <sip:peer_b@lab?Replaces=1%40lab>\r\n", ""),
        ),
        (
            r#"{ does = "attended-transfer" }"#,
            request("REFER", "Refer-To: <sip:peer_b@lab?Replaces=1%40lab>\r\n", ""),
            request("REFER", "Refer-To: <sip:replaces=@lab>\r\n", ""),
        ),
        (
            r#"{ does = "unregister" }"#,
            register("Contact: <sip:dut@127.0.0.1:5070>;expires=0\r\nExpires: 60\r\n"),
            register("Contact: *\r\nExpires: 0\r\n"),
        ),
    ] {
        assert_eq!(of_message(observed, &shows), Some((1, 1)), "{observed}: {shows}");
        assert_eq!(
            of_message(observed, &misses),
            Some((0, 1)),
            "{observed}: {misses}"
        );
    }
    // credentials are answers: the challenge is the occasion
    let registering = register(digest);
    assert_eq!(
        of_message(r#"{ digest = "SHA-256" }"#, &registering),
        Some((1, 1))
    );
    assert_eq!(of_message(r#"{ qop = "auth-int" }"#, &registering), Some((1, 1)));
    assert_eq!(of_message(r#"{ digest = "SHA-512-256" }"#, &registering), None);
}

#[test]
fn what_says_nothing_is_no_occasion() {
    // no Allow at all (RFC 3261 20.5), an answer that repeats the offer, a message of the lab
    let answered = response("200 OK", "INVITE", "Content-Type: application/sdp\r\n");
    assert_eq!(of_message(r#"{ allow = "UPDATE" }"#, &answered), None);
    let text = sdp("");
    let answered = answered.replace(
        "Content-Length: 0\r\n\r\n",
        &format!("Content-Length: {}\r\n\r\n{text}", text.len()),
    );
    assert_eq!(of_message(r#"{ offers = "G722" }"#, &answered), None);
    assert_eq!(of_message(r#"{ offers = "PCMA" }"#, &answered), Some((1, 1)));
    let mut silent = lab(r#"{ allow = "UPDATE" }"#);
    silent.sip(10, false, &request("INVITE", "Allow: UPDATE\r\n", ""));
    assert!(sighting(&silent).is_none());
    // what a malformed message says is no reason to stumble
    for text in [
        "\r\n\r\nx",
        "SIP/2.0 \r\nAllow:\r\n\r\n",
        "INVITE\r\nAllow: ,,\r\nCSeq: x\r\nContact: <<>\r\n\r\n",
    ] {
        let _ = of_message(
            r#"{ allow = "UPDATE", supported = "x", does = "place-call" }"#,
            text,
        );
    }
}

#[test]
fn a_call_that_a_transfer_asked_for_and_a_refresh_on_hold_are_not_the_users_doing() {
    let mut calls = lab(r#"{ does = "place-call" }"#);
    calls.sip(10, false, &request("REFER", "Refer-To: <sip:peer_b@lab>\r\n", ""));
    calls.sip(20, true, &request("INVITE", "", ""));
    assert_eq!(found(&calls), (0, 1, None));

    let mut held = lab(r#"{ does = "hold" }"#);
    let inactive = sdp("a=inactive\r\n");
    let refresh = inside(&request("INVITE", "", &inactive));
    held.sip(10, false, &refresh.replace("CSeq: 1", "CSeq: 7"));
    held.sip(20, true, &refresh);
    assert_eq!(found(&held), (0, 1, None));
    let mut holds = lab(r#"{ does = "hold" }"#);
    holds.sip(20, true, &refresh);
    assert_eq!(found(&holds).0, 1);
}

#[test]
fn a_redirection_is_the_occasion_and_the_call_to_its_contact_the_sign() {
    let moved = response(
        "302 Moved Temporarily",
        "INVITE",
        "Contact: <sip:new@127.0.0.1:5060>\r\n",
    );
    let mut lab = lab(r#"{ does = "follow-redirection" }"#);
    lab.sip(10, true, &request("INVITE", "", ""));
    lab.sip(20, false, &moved);
    assert_eq!(found(&lab), (0, 1, None));
    let there = request("INVITE", "", "").replace("INVITE sip:peer_a@127", "INVITE sip:new@127");
    lab.sip(30, true, &there);
    assert_eq!(
        found(&lab),
        (1, 1, Some((3, "a redirection followed in INVITE".to_owned())))
    );
}

#[test]
fn challenges_of_two_realms_are_answered_together() {
    let challenge = |name: &str, realm: &str| format!("{name}: Digest realm=\"{realm}\", nonce=\"n\"\r\n");
    let asked = challenge("WWW-Authenticate", "one") + &challenge("Proxy-Authenticate", "two");
    let answers = |realm: &str| {
        format!(
            "Proxy-Authorization: Digest username=\"d\", realm=\"{realm}\", nonce=\"n\", uri=\"sip:a\", response=\"0\"\r\n"
        )
    };
    let mut lab = lab(r#"{ does = "answer-two-realms" }"#);
    lab.sip(10, false, &response("401 Unauthorized", "INVITE", &asked));
    lab.sip(20, true, &request("INVITE", &answers("one"), ""));
    assert_eq!(found(&lab), (0, 1, None));
    lab.sip(
        30,
        true,
        &request("INVITE", &(answers("one") + &answers("two")), "").replace("CSeq: 1", "CSeq: 2"),
    );
    assert_eq!(
        found(&lab),
        (1, 2, Some((3, "credentials for two realms in INVITE".to_owned())))
    );
}

#[test]
fn media_show_their_marks_and_reports() {
    let speech = |number: u16| {
        let mut packet = vec![0x80, 0];
        packet.extend(number.to_be_bytes());
        packet.extend(u32::from(number).wrapping_mul(160).to_be_bytes());
        packet.extend([0, 0, 0, 9]);
        packet.extend([0xff; 160]);
        packet
    };
    // a receiver report without blocks (RFC 3550 6.4.2), and extended reports with VoIP metrics (RFC 3611 4.7)
    let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    let mut metrics = vec![0x80, 207, 0, 10, 0, 0, 0, 9, 7, 0, 0, 8];
    metrics.extend([0; 32]);
    let playing = |observed: &str, seconds: u64, control: &[Vec<u8>]| {
        let mut lab = lab(observed);
        lab.media(&[(0, "PCMU")]);
        for second in 0..seconds {
            let number = u16::try_from(second).expect("a few seconds");
            lab.packet(
                ms(second * 1000),
                Carrier::Udp,
                rtp(),
                device_rtp(),
                true,
                &speech(number),
            );
        }
        for bytes in control {
            lab.packet(
                ms(900),
                Carrier::Udp,
                above(rtp()),
                above(device_rtp()),
                true,
                bytes,
            );
        }
        lab
    };
    let rtcp = r#"{ does = "rtcp" }"#;
    assert!(
        sighting(&playing(rtcp, 5, &[])).is_none(),
        "too short to ask for a report"
    );
    assert_eq!(found(&playing(rtcp, 10, &[])), (0, 1, None));
    assert_eq!(found(&playing(rtcp, 3, &[report.to_vec()])).0, 1);
    let voip = r#"{ does = "voip-metrics" }"#;
    assert_eq!(found(&playing(voip, 10, &[report.to_vec()])), (0, 1, None));
    let both = [report.to_vec(), metrics].concat();
    assert_eq!(found(&playing(voip, 10, &[both])).0, 1);
    assert_eq!(found(&playing("{ dscp = 46 }", 2, &[])).0, 2);
    assert_eq!(found(&playing("{ dscp = 0 }", 2, &[])), (0, 2, None));
}

#[test]
fn registrations_show_their_transport_and_services_stand_in_the_timeline() {
    let register = request("REGISTER", "Contact: <sip:dut@127.0.0.1:5070>\r\n", "");
    for (carrier, seen) in [(Carrier::Tcp, 1), (Carrier::Tls, 1), (Carrier::Udp, 0)] {
        let mut lab = lab(r#"{ registers_by = ["TCP", "TLS"] }"#);
        lab.packet(ms(10), carrier, server(), device(), true, register.as_bytes());
        assert_eq!((found(&lab).0, found(&lab).1), (seen, 1), "{carrier:?}");
    }
    let mut asking = lab(r#"{ asks = "dns" }"#);
    assert_eq!(sighting(&asking).map(|one| (one.seen, one.chances)), Some((0, 1)));
    asking.note(
        5,
        TimelineEvent::Service {
            service: "dns".to_owned(),
            fields: vec![("name".to_owned(), "_sip._udp.voxproof.test.".to_owned())],
        },
    );
    let first = sighting(&asking).and_then(|one| one.first).expect("it was seen");
    assert_eq!(
        (first.packet, first.what.as_str()),
        (None, "a DNS query for _sip._udp.voxproof.test.")
    );
}

#[test]
fn a_repeated_message_counts_once_and_judging_again_says_the_same() {
    let mut lab = lab(r#"{ supported = "100rel" }"#);
    let invite = request("INVITE", "Supported: 100rel\r\n", "");
    lab.sip(10, true, &invite);
    lab.sip(500, true, &invite);
    assert_eq!(
        found(&lab),
        (1, 1, Some((1, "option tag 100rel in INVITE".to_owned())))
    );
    assert_eq!(lab.judged(), lab.judged());
}

/// The device answers OPTIONS, announces UPDATE, and its vendor claims this.
fn run(proforma: &str, claims: &[(&str, bool)]) -> (Vec<IcsDeclaration>, Vec<CaseRecord>) {
    let mut lab = Lab::new();
    lab.suite = format!("{SUITE}{proforma}");
    let question = lab.sip(10, false, OPTIONS);
    let reply = answer(OPTIONS, "200 OK").replace("BYE, OPTIONS", "BYE, OPTIONS, UPDATE");
    let reply = lab.sip(20, true, &reply);
    lab.mark(10, "question", question);
    lab.mark(20, "answer", reply);
    lab.ask(r#"message = { at = "answer", expect = 'msg.status == 200' }"#);
    let suite: Suite = toml::from_str(&lab.suite).expect("a suite");
    let claimed: BTreeMap<_, _> = claims
        .iter()
        .map(|(item, claimed)| (voxproof_spec::Located::synthetic((*item).to_owned()), *claimed))
        .collect();
    let evidence = lab.evidence();
    let case = parse_case(std::path::Path::new("case.toml"), &evidence.case_source).expect("a case");
    let cases = vec![CaseRecord {
        planned: PlannedCase::new(&case, Selection::Run),
        attempts: vec![CaseFinished {
            case: "T-1".to_owned(),
            rev: 1,
            attempt: 1,
            judgement: lab.judged().judgement,
            evidence: vec![],
            exhibits: None,
            recovered: None,
            wall_s: 0.0,
        }],
    }];
    (
        declarations(&suite.ics, &claimed).expect("conditions hold or not"),
        cases,
    )
}

const PROFORMA: &str = r#"
[ics.hold]
question = "q"
mandatory = ["certified"]
because = "somebody has to wait"
[ics.update]
question = "q"
observed = { allow = "UPDATE" }
[ics.timer]
question = "q"
observed = { supported = "timer" }
"#;

#[test]
fn a_claim_that_holds_stands_against_nothing() {
    let (declared, cases) = run(PROFORMA, &[("hold", true), ("update", true), ("timer", true)]);
    let outcomes: Vec<_> = ics_results(&declared, &cases)
        .iter()
        .map(|result| (result.declaration.item.clone(), result.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("hold".to_owned(), IcsOutcome::NotObservable),
            ("timer".to_owned(), IcsOutcome::NotSeen),
            ("update".to_owned(), IcsOutcome::Agrees),
        ]
    );
    let both = designations(&declared, &cases);
    assert!(both.certified.meets, "{:?}", both.certified.reasons);
    assert!(both.works_with.meets, "{:?}", both.works_with.reasons);
}

#[test]
fn a_denied_mandatory_item_blocks_what_it_is_mandatory_for_and_is_the_first_reason() {
    let (declared, cases) = run(PROFORMA, &[("hold", false), ("update", false)]);
    let both = designations(&declared, &cases);
    assert!(!both.certified.meets);
    assert_eq!(
        both.certified.reasons,
        [
            "ICS item hold is mandatory for Certified, and its file denies it: somebody has to wait",
            "the ICS has to be corrected: it denies update, but the device shows it (UPDATE in Allow in 200 (OPTIONS) in T-1, packet 2); \
             the cases on it were left out",
        ]
    );
    assert!(both.works_with.meets, "{:?}", both.works_with.reasons);
}

#[test]
fn a_condition_decides_whether_an_item_is_mandatory() {
    let proforma = PROFORMA.replace("because", "mandatory_if = \"ics.timer\"\nbecause");
    for (timer, meets) in [(false, true), (true, false)] {
        let (declared, cases) = run(&proforma, &[("hold", false), ("update", true), ("timer", timer)]);
        assert_eq!(designations(&declared, &cases).certified.meets, meets);
    }
}
