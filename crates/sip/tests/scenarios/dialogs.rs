//! Dialogs: creation, requests through loose and strict routers, sequence numbers, target refresh (RFC 3261 12).

use voxproof_sip::{
    Builder, CseqTooLow, Dialog, DialogChange, DialogSet, IdSource, Message, routed, strict_target,
};

fn invite() -> Message {
    Message::parse(
        &Builder::request("INVITE", "sip:bob@example.com")
            .header("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1")
            .header("From", "\"Alice\" <sip:alice@example.com>;tag=a1")
            .header("To", "<sip:bob@example.com>")
            .header("Call-ID", "c1")
            .header("CSeq", "7 INVITE")
            .header("Record-Route", "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>")
            .header("Contact", "<sip:alice@192.0.2.1:5060;transport=udp>")
            .build(),
    )
}

fn answer(request: &Message) -> Message {
    Message::parse(
        &Builder::response_to(request, 200, "OK")
            .to_tag("b1")
            .header("Contact", "<sip:bob@192.0.2.2:5080>")
            .build(),
    )
}

fn built(builder: Builder) -> Message {
    Message::parse(&builder.build())
}

#[test]
fn the_caller_reverses_the_route_set() {
    let request = invite();
    let mut dialog = Dialog::from_uac(&request, &answer(&request)).unwrap();
    assert_eq!(
        dialog.route_set,
        ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]
    );
    assert_eq!(
        (dialog.local_tag.as_str(), dialog.remote_tag.as_str()),
        ("a1", "b1")
    );
    assert_eq!((dialog.local_cseq, dialog.remote_cseq), (7, None));
    assert_eq!(dialog.next_hop(), "sip:p2.example.com;lr");
    let bye = built(dialog.request("BYE", &mut IdSource::new(1)));
    assert_eq!(bye.request_uri(), Some("sip:bob@192.0.2.2:5080"));
    assert_eq!(bye.header_values("route"), dialog.route_set);
    assert_eq!(bye.header("from"), Some("<sip:alice@example.com>;tag=a1"));
    assert_eq!(bye.header("to"), Some("<sip:bob@example.com>;tag=b1"));
    assert_eq!((bye.header("cseq"), bye.header("contact")), (Some("8 BYE"), None));
    let via = bye.top_via().unwrap();
    assert_eq!(
        (via.sent_by(), via.rport()),
        ("192.0.2.1:5060".into(), Some(None))
    );
    assert!(
        via.branch()
            .is_some_and(|branch| branch.starts_with("z9hG4bK") && branch != "z9hG4bK1")
    );
    assert_eq!(bye.validate(), []);
}

#[test]
fn the_callee_keeps_the_route_set_in_order() {
    let mut dialog = Dialog::from_uas(&invite(), "b1", "sip:bob@192.0.2.2:5080", "192.0.2.2:5080").unwrap();
    assert_eq!(
        dialog.route_set,
        ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    );
    assert_eq!((dialog.local_cseq, dialog.remote_cseq), (0, Some(7)));
    assert_eq!(dialog.remote_target, "sip:alice@192.0.2.1:5060;transport=udp");
    let reinvite = built(dialog.request("INVITE", &mut IdSource::new(1)));
    assert_eq!(reinvite.header("contact"), Some("<sip:bob@192.0.2.2:5080>"));
    assert_eq!(reinvite.header("from"), Some("<sip:bob@example.com>;tag=b1"));
    assert_eq!(reinvite.header("cseq"), Some("1 INVITE"));
    assert_eq!(
        reinvite.top_via().map(|via| via.sent_by()).as_deref(),
        Some("192.0.2.2:5080")
    );
}

#[test]
fn a_strict_router_becomes_the_request_uri() {
    let request = invite();
    let mut dialog = Dialog::from_uac(&request, &answer(&request)).unwrap();
    dialog.route_set = vec![
        "<sip:strict.example.com;method=INVITE?X=y>".into(),
        "<sip:loose.example.com;lr>".into(),
    ];
    let bye = built(dialog.request("BYE", &mut IdSource::new(1)));
    assert_eq!(bye.request_uri(), Some("sip:strict.example.com"));
    assert_eq!(
        bye.header_values("route"),
        ["<sip:loose.example.com;lr>", "<sip:bob@192.0.2.2:5080>"]
    );
}

#[test]
fn the_ack_to_a_2xx_is_a_request_of_its_own() {
    let request = invite();
    let mut dialog = Dialog::from_uac(&request, &answer(&request)).unwrap();
    let mut ids = IdSource::new(1);
    let _ = dialog.request("INFO", &mut ids);
    let ack = built(dialog.ack(7, &mut ids));
    assert_eq!((ack.method(), ack.header("cseq")), (Some("ACK"), Some("7 ACK")));
    assert_ne!(
        ack.top_via().unwrap().branch(),
        request.top_via().unwrap().branch()
    );
    assert_eq!(ack.header_values("route").len(), 2);
    assert_eq!(dialog.local_cseq, 8);
}

#[test]
fn only_requests_of_the_peer_match() {
    let request = invite();
    let caller = Dialog::from_uac(&request, &answer(&request)).unwrap();
    let mut callee = Dialog::from_uas(&request, "b1", "sip:bob@192.0.2.2", "192.0.2.2").unwrap();
    let from_callee = built(callee.request("BYE", &mut IdSource::new(1)));
    assert!(caller.matches(&from_callee));
    assert!(!callee.matches(&from_callee));
    assert!(!caller.matches(&request));
    let other = built(Builder::request("BYE", "sip:x").header("Call-ID", "c1"));
    assert!(!caller.matches(&other));
}

#[test]
fn sequence_numbers_never_go_back_and_a_target_refresh_moves_the_target() {
    let mut dialog = Dialog::from_uas(&invite(), "b1", "sip:bob@192.0.2.2", "192.0.2.2").unwrap();
    let from_peer = |method: &str, number: u32, contact: &str| {
        built(
            Builder::request(method, "sip:bob@192.0.2.2")
                .header("CSeq", format!("{number} {method}"))
                .header("Contact", contact),
        )
    };
    assert_eq!(
        dialog.accept(&from_peer("INFO", 9, "<sip:elsewhere@192.0.2.9>")),
        Ok(())
    );
    assert_eq!(dialog.remote_target, "sip:alice@192.0.2.1:5060;transport=udp");
    assert_eq!(
        dialog.accept(&from_peer("UPDATE", 8, "<sip:alice@192.0.2.3>")),
        Err(CseqTooLow { last: 9, found: 8 })
    );
    assert_eq!(
        dialog.accept(&from_peer("UPDATE", 10, "<sip:alice@192.0.2.3>")),
        Ok(())
    );
    assert_eq!(
        (dialog.remote_target.as_str(), dialog.remote_cseq),
        ("sip:alice@192.0.2.3", Some(10))
    );
    assert_eq!(
        dialog.accept(&from_peer("ACK", 7, "<sip:alice@192.0.2.4>")),
        Ok(())
    );
    assert_eq!(
        (dialog.remote_target.as_str(), dialog.remote_cseq),
        ("sip:alice@192.0.2.3", Some(10))
    );
}

#[test]
fn only_a_2xx_moves_the_target_of_the_caller() {
    let request = invite();
    let mut dialog = Dialog::from_uac(&request, &answer(&request)).unwrap();
    let response = |status: u16| {
        built(Builder::response_to(&request, status, "x").header("Contact", "<sip:bob@192.0.2.77>"))
    };
    dialog.refresh_target(&response(488));
    assert_eq!(dialog.remote_target, "sip:bob@192.0.2.2:5080");
    dialog.refresh_target(&response(200));
    assert_eq!(dialog.remote_target, "sip:bob@192.0.2.77");
}

#[test]
fn peers_without_tags_or_contact_still_get_a_dialog() {
    let request = invite();
    let bare = built(Builder::response_to(&request, 200, "OK").remove("Record-Route"));
    let mut dialog = Dialog::from_uac(&request, &bare).unwrap();
    assert_eq!(
        (dialog.remote_tag.as_str(), dialog.remote_target.as_str()),
        ("", "sip:bob@example.com")
    );
    assert_eq!(
        built(dialog.request("BYE", &mut IdSource::new(1))).header("to"),
        Some("<sip:bob@example.com>")
    );
    assert!(Dialog::from_uac(&request, &Message::parse(b"SIP/2.0 200 OK\r\n\r\n")).is_none());
}

fn fork(request: &Message, status: u16, tag: &str, contact: &str) -> Message {
    Message::parse(
        &Builder::response_to(request, status, "X")
            .to_tag(tag)
            .header("Contact", format!("<{contact}>"))
            .build(),
    )
}

#[test]
fn forks_make_dialogs_of_their_own() {
    let request = invite();
    let mut set = DialogSet::new(request.clone());
    let trying = Message::parse(&Builder::response_to(&request, 100, "Trying").build());
    assert_eq!(set.response(&trying), DialogChange::None);
    let tag = || "b1".to_owned();
    assert_eq!(
        set.response(&fork(&request, 180, "b1", "sip:1@x")),
        DialogChange::Early(tag())
    );
    assert_eq!(
        set.response(&fork(&request, 183, "b2", "sip:2@x")),
        DialogChange::Early("b2".into())
    );
    assert_eq!(
        set.response(&fork(&request, 183, "b1", "sip:1@x")),
        DialogChange::StillEarly(tag())
    );
    // PRACK in the early dialog
    set.dialog("b1").unwrap().local_cseq = 9;
    assert_eq!(
        set.response(&fork(&request, 200, "b1", "sip:new@x")),
        DialogChange::Confirmed {
            tag: tag(),
            first: true
        }
    );
    assert_eq!(
        set.response(&fork(&request, 200, "b1", "sip:new@x")),
        DialogChange::Repeated(tag())
    );
    assert_eq!(
        set.response(&fork(&request, 200, "b3", "sip:3@x")),
        DialogChange::Confirmed {
            tag: "b3".into(),
            first: false
        }
    );
    let confirmed = set.confirmed().unwrap();
    assert_eq!(
        (confirmed.local_cseq, confirmed.remote_target.as_str()),
        (9, "sip:new@x")
    );
    assert_eq!(
        set.response(&fork(&request, 199, "b2", "sip:2@x")),
        DialogChange::EarlyTerminated("b2".into())
    );
    assert_eq!(set.forks().len(), 2);
    assert_eq!(
        set.response(&fork(&request, 486, "z", "sip:2@x")),
        DialogChange::Refused(486)
    );
    assert_eq!(set.forks().len(), 2);
    let other = Message::parse(
        b"SIP/2.0 180 Ringing\r\nCall-ID: other\r\nCSeq: 7 INVITE\r\nTo: <sip:b@x>;tag=q\r\n\r\n",
    );
    assert_eq!(set.response(&other), DialogChange::None);
}

#[test]
fn strict_routes_in_both_directions() {
    let routes = ["<sip:strict.example.com>".to_owned(), "<sip:p2;lr>".to_owned()];
    let (uri, sent) = routed("sip:bob@192.0.2.2", &routes);
    assert_eq!(uri, "sip:strict.example.com");
    assert_eq!(sent, ["<sip:p2;lr>", "<sip:bob@192.0.2.2>"]);
    let (uri, sent) = routed("sip:bob@192.0.2.2", &routes[1..]);
    assert_eq!((uri.as_str(), &sent[..]), ("sip:bob@192.0.2.2", &routes[1..]));
    let request = Message::parse(
        b"BYE sip:lab@192.0.2.1;x=1 SIP/2.0\r\nRoute: <sip:p2;lr>, <sip:bob@192.0.2.2>\r\n\r\n",
    );
    let (target, left) = strict_target(&request, |uri| uri.params.has("x")).unwrap();
    assert_eq!(
        (target.to_string().as_str(), &left[..]),
        ("sip:bob@192.0.2.2", &["<sip:p2;lr>".to_owned()][..])
    );
    assert!(strict_target(&request, |_| false).is_none());
}

#[test]
fn a_secure_dialog_stays_secure() {
    let secure = Message::parse(
        &Builder::request("INVITE", "sips:bob@example.com")
            .header("Via", "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1")
            .header("From", "<sips:alice@example.com>;tag=a1")
            .header("To", "<sips:bob@example.com>")
            .header("Call-ID", "c1")
            .header("CSeq", "7 INVITE")
            .header("Contact", "<sips:alice@192.0.2.1>")
            .build(),
    );
    let good = fork(&secure, 200, "b1", "sips:bob@192.0.2.2");
    let bad = fork(&secure, 200, "b1", "sip:bob@192.0.2.2");
    let dialog = Dialog::from_uac(&secure, &good).unwrap();
    assert!(dialog.secure && dialog.keeps_security(&good) && !dialog.keeps_security(&bad));
    assert!(!Dialog::from_uac(&invite(), &answer(&invite())).unwrap().secure);
}

#[test]
fn an_update_moves_the_target() {
    let mut dialog = Dialog::from_uas(&invite(), "b1", "sip:bob@192.0.2.2", "192.0.2.2").unwrap();
    for (method, contact, target) in [
        ("UPDATE", "<sip:new@192.0.2.9>", "sip:new@192.0.2.9"),
        ("INFO", "<sip:other@192.0.2.9>", "sip:new@192.0.2.9"),
    ] {
        let request = Builder::request(method, "sip:bob@192.0.2.2")
            .header("CSeq", format!("20 {method}"))
            .header("Contact", contact)
            .build();
        dialog.accept(&Message::parse(&request)).unwrap();
        assert_eq!(dialog.remote_target, target);
    }
}
