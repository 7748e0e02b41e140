//! SIP messages on streams: split, joined, between keep-alives, and beside the lab's server.

use crate::lab::{Lab, OPTIONS, answer, device, ms, server};
use voxproof_record::{Carrier, TimelineEvent};
use voxproof_spec::Verdict;

fn connection(lab: &mut Lab, at: u64, state: &str) {
    lab.note(
        at,
        TimelineEvent::Connection {
            transport: "TCP".to_owned(),
            local: server(),
            remote: device(),
            state: state.to_owned(),
            detail: String::new(),
            key_log: vec![],
        },
    );
}

fn tcp(lab: &mut Lab, at: u64, from_device: bool, text: &str) -> usize {
    lab.packet(
        ms(at),
        Carrier::Tcp,
        server(),
        device(),
        from_device,
        text.as_bytes(),
    )
}

#[test]
fn a_split_message_has_the_number_of_the_piece_that_completes_it() {
    let mut lab = Lab::new();
    connection(&mut lab, 1, "opened by the device");
    let request = OPTIONS.replace("/UDP", "/TCP");
    tcp(&mut lab, 10, false, &request);
    let reply = answer(&request, "200 OK");
    let (head, tail) = reply.split_at(60);
    tcp(&mut lab, 20, true, "\r\n\r\n");
    tcp(&mut lab, 30, true, head);
    let last = tcp(&mut lab, 40, true, tail);
    lab.mark(40, "answer", last);
    lab.ask(
        r#"message = { at = "answer", expect = 'msg.status == 200 && msg.transport == "TCP" && msg.at_ms == 40.0' }"#,
    );
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
    assert_eq!(results[0].evidence, [4]);
}

#[test]
fn two_messages_in_one_piece_are_two() {
    let mut lab = Lab::new();
    connection(&mut lab, 1, "opened by the device");
    let request = OPTIONS.replace("/UDP", "/TCP");
    tcp(&mut lab, 10, false, &request);
    let reply = answer(&request, "200 OK");
    tcp(&mut lab, 20, true, &format!("{reply}{reply}"));
    lab.ask(r#"messages = { response = "200", count = { min = 2, max = 2 } }"#);
    lab.ask(r#"messages = { response = "200", expect = 'msg.retransmission == 0' }"#);
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
    assert_eq!(
        results[1].verdict,
        Verdict::Fail,
        "the second is a copy: {results:?}"
    );
    assert!(results[1].actual.contains("retransmission = 1"), "{results:?}");
}

#[test]
fn half_a_message_of_a_closed_connection_spoils_no_other() {
    let mut lab = Lab::new();
    connection(&mut lab, 1, "opened by the device");
    let request = OPTIONS.replace("/UDP", "/TCP");
    tcp(&mut lab, 10, false, &request);
    let reply = answer(&request, "200 OK");
    tcp(&mut lab, 20, true, &reply[..40]);
    connection(&mut lab, 30, "closed");
    connection(&mut lab, 31, "opened by the device");
    tcp(&mut lab, 40, true, &reply);
    lab.ask(r#"messages = { response = "200", count = { min = 1, max = 1 } }"#);
    assert_eq!(lab.results()[0].verdict, Verdict::Pass);
}

#[test]
fn messages_are_counted_up_to_a_time_after_a_mark() {
    let mut lab = Lab::new();
    let sent = lab.sip(10, false, OPTIONS);
    lab.mark(10, "asked", sent);
    lab.sip(20, true, &answer(OPTIONS, "200 OK"));
    let later = OPTIONS.replace("z9hG4bK", "z9hG4bKlater");
    lab.sip(2000, false, &later);
    lab.sip(2010, true, &answer(&later, "200 OK"));
    for (within, most) in [("1 s", 1), ("1 s", 0), ("2500 ms", 1)] {
        lab.ask(&format!(
            "messages = {{ response = \"200\", after = \"asked\", within = \"{within}\", count = {{ max = {most} }} }}"
        ));
    }
    let verdicts: Vec<_> = lab.results().iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail, Verdict::Fail]);
}

#[test]
fn a_stranger_is_heard_and_a_media_port_is_not_signalling() {
    let mut lab = Lab::new();
    lab.media(&[(0, "PCMU")]);
    let stranger = "127.0.0.1:40000".parse().expect("an address");
    lab.packet(
        ms(10),
        Carrier::Udp,
        stranger,
        device(),
        false,
        OPTIONS.as_bytes(),
    );
    let reply = answer(OPTIONS, "200 OK");
    lab.packet(ms(20), Carrier::Udp, stranger, device(), true, reply.as_bytes());
    lab.packet(
        ms(30),
        Carrier::Udp,
        crate::lab::rtp(),
        crate::lab::device_rtp(),
        true,
        reply.as_bytes(),
    );
    lab.ask(r#"messages = { response = "200", count = { min = 1, max = 1 } }"#);
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
}

#[test]
fn the_ladder_tells_the_transport_the_connection_and_what_was_lost_on_purpose() {
    let mut lab = Lab::new();
    connection(&mut lab, 1, "opened by the device");
    let request = OPTIONS.replace("/UDP", "/TCP");
    let number = tcp(&mut lab, 10, false, &request);
    for (packet, action) in [(u32::try_from(number).ok(), "doubled"), (None, "dropped")] {
        lab.note(
            11,
            TimelineEvent::Intercepted {
                message: "BYE".to_owned(),
                to_device: true,
                packet,
                action: action.to_owned(),
            },
        );
    }
    let rows = lab.judged().exhibits.ladder;
    let told: Vec<(&str, &str, Option<&str>)> = rows
        .iter()
        .map(|row| (row.kind.as_str(), row.label.as_str(), row.intercepted.as_deref()))
        .collect();
    assert!(
        told.contains(&("connection", "TCP opened by the device", None)),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|(_, label, action)| label.ends_with("[TCP]") && *action == Some("doubled")),
        "{told:?}"
    );
    assert!(told.contains(&("sip", "BYE", Some("dropped"))), "{told:?}");
}
