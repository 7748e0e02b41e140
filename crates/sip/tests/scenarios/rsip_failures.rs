//! The twelve things rsip 0.4.0 gets wrong (measured before it was taken in); our view must get each right.

use voxproof_sip::{Algorithm, Challenge, CombinedView, Credentials, HeaderView, Message, StartLine, Uri};

fn codes(message: &Message) -> Vec<&'static str> {
    message.findings().iter().map(|finding| finding.code).collect()
}

#[test]
fn number_1_ipv6() {
    let uri = CombinedView.uri("sip:c@[2001:db8::1]:5070").unwrap();
    assert_eq!(
        (uri.host.as_str(), uri.port, uri.to_string().as_str()),
        ("2001:db8::1", Some(5070), "sip:c@[2001:db8::1]:5070")
    );
    let via = CombinedView
        .via("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3-111")
        .unwrap();
    assert_eq!(
        (via.host.as_str(), via.received()),
        ("2001:db8::9:1", Some("2001:db8::9:255"))
    );
}

#[test]
fn number_2_the_reason_phrase_of_the_device() {
    let message = Message::parse(b"SIP/2.0 486 Go Away\r\n\r\n");
    assert_eq!(
        message.start_line(),
        StartLine::Response {
            version: "SIP/2.0",
            status: 486,
            reason: "Go Away"
        }
    );
}

#[test]
fn number_3_uri_headers_and_garbage() {
    let uri = CombinedView
        .uri("sip:c@d;transport=tcp?Replaces=abc%3Bto-tag%3D1")
        .unwrap();
    assert_eq!(
        uri.headers,
        [("Replaces".to_owned(), "abc%3Bto-tag%3D1".to_owned())]
    );
    assert_eq!(uri.params.value("transport"), Some("tcp"));
    assert_eq!(uri.to_string(), "sip:c@d;transport=tcp?Replaces=abc%3Bto-tag%3D1");
    assert!(CombinedView.uri("sip:c@d GARBAGE<>").is_err());
}

#[test]
fn number_4_binary_bodies_and_content_length() {
    let message =
        Message::parse(b"INFO sip:a@b SIP/2.0\r\nContent-Length: 4\r\n\r\n\x00\x80\xff\xc0INVITE x");
    assert_eq!(
        (message.body(), message.trailing()),
        (&[0, 0x80, 0xff, 0xc0][..], &b"INVITE x"[..])
    );
}

#[test]
fn number_5_a_truncated_head_is_noticed() {
    let message = Message::parse(b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nCSeq: 1 OPT");
    assert_eq!(codes(&message), ["no-blank-line"]);
    assert_eq!(
        (message.header("cseq"), message.body()),
        (Some("1 OPT"), &b""[..])
    );
}

#[test]
fn number_6_tel() {
    let uri = CombinedView.uri("tel:+12125551212").unwrap();
    assert_eq!(
        (uri.scheme.as_str(), uri.user.as_deref()),
        ("tel", Some("+12125551212"))
    );
    assert_eq!(
        CombinedView
            .name_addr("<tel:+1-212;phone-context=x>;tag=1")
            .unwrap()
            .tag(),
        Some("1")
    );
}

#[test]
fn number_7_compact_names_and_unknown_headers() {
    let message = Message::parse(
        b"NOTIFY sip:a SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nSubscription-State: active\r\n\r\n",
    );
    assert_eq!(message.top_via().unwrap().branch(), Some("z9hG4bK1"));
    assert_eq!(message.header("subscription-state"), Some("active"));
}

#[test]
fn number_8_lists_keep_every_value() {
    let message = Message::parse(
        b"REGISTER sip:a SIP/2.0\r\nContact: <sip:a@x>;q=0.1, <sip:b@y>\r\nVia: SIP/2.0/UDP a, SIP/2.0/TCP b\r\n\r\n",
    );
    let users: Vec<_> = message
        .contacts()
        .into_iter()
        .filter_map(|contact| contact.uri.user)
        .collect();
    assert_eq!(users, ["a", "b"]);
    let hops: Vec<_> = message.vias().into_iter().map(|via| via.host).collect();
    assert_eq!(hops, ["a", "b"]);
}

#[test]
fn number_9_sha_256_and_qop_lists() {
    let challenge =
        Challenge::parse("Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth,auth-int\"")
            .unwrap();
    assert_eq!(
        (challenge.algorithm, challenge.qop),
        (Algorithm::Sha256, vec!["auth".to_owned(), "auth-int".to_owned()])
    );
    assert!(Challenge::parse("NTLM realm=\"SIP Communications Service\"").is_err());
}

#[test]
fn number_10_digest_details() {
    let header = "Digest username=\"alice\", realm=\"voxproof\", nonce=\"n0nce\", uri=\"sip:example.com\", \
        response=\"8792de40d9e973049e77d850dd43a926\", qop=auth, nc=0000000a, cnonce=\"c\"";
    assert!(
        Credentials::parse(header)
            .unwrap()
            .verify("secret", "REGISTER", b"")
    );
    let session = header.replace(
        "8792de40d9e973049e77d850dd43a926",
        "fc6adf14afaa873dc5953815c3d0fb82",
    );
    let session = session.replace("0000000a", "00000001") + ", algorithm=MD5-sess";
    assert!(
        Credentials::parse(&session)
            .unwrap()
            .verify("secret", "REGISTER", b"")
    );
}

#[test]
fn number_11_quoted_parameters_and_display_names() {
    let contact = CombinedView
        .name_addr("\"A <b>; c\" <sip:a@x>;+sip.instance=\"<urn:uuid:1>\";x=\"a;b\"")
        .unwrap();
    assert_eq!(contact.display.as_deref(), Some("A <b>; c"));
    assert_eq!(contact.params.value("+sip.instance"), Some("<urn:uuid:1>"));
    assert_eq!(contact.params.value("x"), Some("a;b"));
    assert_eq!(contact.uri, Uri::parse("sip:a@x").unwrap());
}

#[test]
fn number_12_nothing_is_refused() {
    let unknown = Message::parse(b"FOO sip:c@d SIP/2.0\r\nCSeq: 3 FOO\r\n\r\n");
    assert_eq!(
        (unknown.method(), unknown.cseq().unwrap().method.as_str()),
        (Some("FOO"), "FOO")
    );
    let version = Message::parse(b"OPTIONS sip:c@d SIP/7.0\r\n\r\n");
    assert_eq!(
        (version.is_request(), codes(&version)),
        (true, vec!["version-unsupported"])
    );
    let latin = Message::parse(b"OPTIONS sip:c@d SIP/2.0\r\nSubject: caf\xe9\r\nVia: SIP/2.0/UDP h\r\n\r\n");
    assert_eq!(
        (latin.header("subject"), latin.vias().len()),
        (Some("caf\u{fffd}"), 1)
    );
    let bare = Message::parse(b"OPTIONS sip:c@d SIP/2.0\nCSeq: 1 OPTIONS\n\nbody");
    assert_eq!(
        (bare.header("cseq"), bare.body()),
        (Some("1 OPTIONS"), &b"body"[..])
    );
    assert_eq!(
        Message::parse(b"invite sip:c@d SIP/2.0\r\n\r\n").method(),
        Some("invite")
    );
    assert_eq!(CombinedView.cseq("1 invite").unwrap().method, "invite");
}
