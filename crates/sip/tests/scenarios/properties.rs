//! Parsers of foreign bytes: no input panics, no byte is lost.

use proptest::collection::vec;
use proptest::prelude::*;
use voxproof_sip::mutate::{self, Mutation};
use voxproof_sip::sdp::Description;
use voxproof_sip::{
    CombinedView, Dialog, Framer, HeaderView, IdSource, Message, OwnView, RsipView, Timers, Transactions,
    Uri, event, fuzzing,
};

use crate::simulation::peer;

/// Bytes that look like SIP often enough to get past the start line.
fn almost_sip() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"INVITE sip:b@[::1]:5060 SIP/2.0\r\n"[..]),
        Just(&b"SIP/2.0 200 OK\r\n"[..]),
        Just(&b"Via: SIP/2.0/UDP h;branch=z9hG4bK1, SIP / 2.0 / TCP [::1] ;rport\r\n"[..]),
        Just(&b"f: \"a\\\" <sip:\" <sip:a;b@x;c=\"d\"?e=f>;tag=1\r\n"[..]),
        Just(&b"To: sip:x;tag=2\r\n"[..]),
        Just(&b"i:c\r\n"[..]),
        Just(&b"CSeq: 1 INVITE\r\n"[..]),
        Just(&b"Contact: *\r\nm: <tel:1>, \"x\r\n"[..]),
        Just(&b"Content-Length: 5\r\n"[..]),
        Just(&b"Content-Type: application/sdp\r\n"[..]),
        Just(&b"\r\n"[..]),
        Just(&b" folded\r\n"[..]),
        Just(&b"\n"[..]),
        Just(
            &b"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 0 x\r\na=rtpmap:0 A/1/2\r\n"[..]
        ),
    ];
    let noise = vec(any::<u8>(), 0..12);
    vec(
        prop_oneof![4 => piece.prop_map(<[u8]>::to_vec), 1 => noise],
        0..14,
    )
    .prop_map(|pieces| pieces.concat())
}

fn look_at_everything(bytes: &[u8]) {
    let message = Message::parse(bytes);
    assert_eq!(message.bytes(), bytes);
    let mut end = 0;
    for line in message.header_lines() {
        assert!(line.raw.start >= end && line.raw.end <= bytes.len() && line.raw.start <= line.raw.end);
        end = line.raw.end;
        if line.raw_name.bytes().all(|byte| byte.is_ascii_graphic()) {
            assert!(
                message.headers(&line.name).any(|value| value == line.value),
                "{}",
                line.name
            );
        }
    }
    assert!(message.body().len() + message.trailing().len() <= bytes.len() - end.min(bytes.len()));
    assert!(bytes.ends_with(message.trailing()));
    let _ = (
        message.start_line(),
        message.summary(),
        message.validate(),
        message.sdp(),
        message.expires(),
    );
    let _ = (
        message.vias(),
        message.contacts(),
        message.record_routes(),
        message.from(),
        message.to(),
        message.cseq(),
    );
    let _ = Dialog::from_uas(&message, "t", "sip:c", "h").map(|dialog| dialog.next_hop());
    let _ = Dialog::from_uac(&message, &message);
    let mut layer = Transactions::new(Timers::default());
    layer.receive(std::time::Duration::ZERO, bytes, peer());
    let id = layer.request(std::time::Duration::ZERO, bytes.to_vec(), peer());
    layer.receive(std::time::Duration::ZERO, bytes, peer());
    while let Some(event) = layer.poll_event() {
        if let voxproof_sip::TransactionEvent::Request { id, .. } = event {
            layer.respond(std::time::Duration::ZERO, id, bytes.to_vec());
        }
    }
    layer.drop_transaction(id);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_kept(bytes in vec(any::<u8>(), 0..300)) {
        look_at_everything(&bytes);
    }

    #[test]
    fn almost_sip_is_kept(bytes in almost_sip()) {
        look_at_everything(&bytes);
    }

    #[test]
    fn a_stream_loses_nothing(bytes in almost_sip(), cut in 1_usize..50) {
        let mut framer = Framer::new();
        let mut out = Vec::new();
        for chunk in bytes.chunks(cut) {
            framer.push(chunk);
            while let Some(message) = framer.next_message() {
                prop_assert!(!message.is_empty());
                out.extend_from_slice(&message);
            }
        }
        out.extend_from_slice(framer.rest());
        prop_assert_eq!(out, bytes);
    }

    #[test]
    fn header_views_take_any_text(text in "[ -~\\u{e9}\\t]{0,60}") {
        for view in [&CombinedView as &dyn HeaderView, &OwnView] {
            let _ = (view.via(&text), view.cseq(&text));
            let _ = view.name_addr(&text).map(|address| address.to_string());
            let _ = view.uri(&text);
        }
    }

    /// rsip's answer counts only where it is the same as ours.
    #[test]
    fn rsip_never_disagrees(
        display in "([a-zA-Z .]{0,6})?",
        uri in "(sips?|tel|x):([a-z0-9.;=:&+-]{1,8}@)?[a-z0-9.-]{1,9}(:[0-9]{0,5})?(;[a-z]{1,4}(=[a-zA-Z0-9.:@-]{0,4})?){0,3}",
        params in "(;(tag|q|x|lr|expires|method|transport)(=[a-zA-Z0-9.:-]{0,5})?){0,3}",
        via in "SIP/(2.0|1.0|7.0)/(UDP|TCP|udp|X) ?[a-z0-9.:@-]{1,12} ?",
        cseq in "[0-9+]{1,11}[ \t]{1,2}(INVITE|invite|FOO|ACK)[ x]?",
    ) {
        for value in [format!("{display}<{uri}>{params}"), format!("{uri}{params}"), format!("{display} <{uri}> {params}")] {
            if let Ok(address) = RsipView.name_addr(&value) {
                prop_assert_eq!(OwnView.name_addr(&value), Ok(address));
            }
        }
        if let Ok(read) = RsipView.uri(&uri) {
            prop_assert_eq!(OwnView.uri(&uri), Ok(read));
        }
        let via = format!("{via}{params}");
        if let Ok(read) = RsipView.via(&via) {
            prop_assert_eq!(OwnView.via(&via), Ok(read));
        }
        if let Ok(read) = RsipView.cseq(&cseq) {
            prop_assert_eq!(OwnView.cseq(&cseq), Ok(read));
        }
    }

    #[test]
    fn a_uri_prints_as_it_was(text in "(sips?|tel|x-y):([a-z0-9.;?&=:%-]{0,10}@)?[a-z0-9.:\\[\\]-]{0,12}(;[a-z]+(=[a-z]*)?){0,3}(\\?[a-z]+=[a-z]*)?") {
        if let Ok(uri) = Uri::parse(&text) {
            prop_assert_eq!(uri.to_string(), text);
            let changed = Uri { raw: String::new(), ..uri.clone() };
            if uri.is_sip() {
                let again = Uri::parse(&changed.to_string()).unwrap();
                prop_assert_eq!(Uri { raw: String::new(), ..again }, changed);
            }
        }
    }

    #[test]
    fn any_sdp_is_read_or_refused(lines in vec("(v=0|o=|m=audio|a=rtpmap:|a=fmtp:|c=IN IP4|a=)[ -~]{0,20}", 0..10)) {
        let text = format!("v=0\r\n{}", lines.join("\r\n"));
        if let Ok(description) = Description::parse(text.as_bytes()) {
            for media in &description.media {
                let _ = (description.address_of(media), media.telephone_event(), media.codecs().count());
            }
        }
    }
}

/// Everything that reads foreign bytes beyond the message itself.
fn look_further(bytes: &[u8]) {
    let message = Message::parse(bytes);
    let _ = (
        message.session_expires(),
        message.rack(),
        message.replaces(),
        message.refer_to(),
    );
    let _ = (
        message.event(),
        message.subscription_state(),
        message.retry_after(),
    );
    let _ = (message.reasons(), message.alert_infos(), message.call_infos());
    let _ = (message.diversions(), message.history(), message.addresses("path"));
    let _ = (
        voxproof_sip::Challenge::all(&message),
        voxproof_sip::Credentials::all(&message),
    );
    let _ = (
        message.body_parts().len(),
        message.session_description().is_some(),
    );
    let _ = voxproof_sip::sdp::check(bytes);
    let _ = (event::MessageSummary::parse(bytes), event::Sipfrag::parse(bytes));
    let _ = (event::DialogInfo::parse(bytes), event::Presence::parse(bytes));
    let _ = event::QualityReport::parse(bytes);
}

/// Header lines and bodies of the extensions, whole and broken.
fn almost_extensions() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"NOTIFY sip:b SIP/2.0\r\n"[..]),
        Just(&b"x: 90;refresher=uac\r\nMin-SE: 90\r\nRAck: 1 2 INVITE\r\n"[..]),
        Just(&b"Replaces: a;to-tag=1;from-tag=2\r\nr: <sip:a@x?Replaces=%41%3Bto-tag%3D\r\n"[..]),
        Just(
            &b"Subscription-State: active;expires=9\r\no: refer;id=1\r\nRetry-After: 5 (a) ;duration=3\r\n"[..]
        ),
        Just(&b"WWW-Authenticate: Digest realm=\"a\", nonce=\"b\", Digest realm=c, nonce=d\r\n"[..]),
        Just(&b"Authorization: Digest username*=UTF-8''%C3%A4, realm=\"\r\n"[..]),
        Just(&b"Content-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\nA: b\r\n\r\n--b--"[..]),
        Just(&b"VQSessionReport: CallTerm\r\nLocalMetrics:\r\nDelay:RTD=1 X=\"\r\n"[..]),
        Just(&b"<a b=\"&lt;\"><dialog-info version='1'/></a>"[..]),
        Just(&b"<presence entity=\"x\"><tuple id=\"&#xD800;\"><status/>"[..]),
        Just(&b"Messages-Waiting: yes\r\nVoice-Message: 1/2 (3/\r\n"[..]),
        Just(
            &b"m=audio 1 RTP/AVP 0\r\na=candidate:1 1 UDP 1 h 1 typ host raddr\r\na=fingerprint:x \xff\r\n"[..]
        ),
    ];
    let noise = vec(any::<u8>(), 0..12);
    vec(
        prop_oneof![4 => piece.prop_map(<[u8]>::to_vec), 1 => noise],
        0..10,
    )
    .prop_map(|pieces| pieces.concat())
}

/// Mutations over every field of a message, and some that have nothing to change.
fn mutations() -> Vec<Mutation> {
    let mut all = vec![
        Mutation::LineEnding(mutate::LineEnding::Mixed),
        Mutation::Truncate { at: 3 },
        Mutation::Body(b"x".to_vec()),
        Mutation::ContentLength(mutate::LengthMistake::Delta(-1)),
        Mutation::WrongBranch(mutate::BranchMistake::Missing),
        Mutation::WrongBranch(mutate::BranchMistake::NoCookie),
        Mutation::Version("x".into()),
    ];
    for name in ["via", "From", "i", "CSeq", "none"] {
        let name = name.to_owned();
        all.extend([
            Mutation::FoldHeader(name.clone()),
            Mutation::NullByte(name.clone()),
            Mutation::ExtraWhitespace(name.clone()),
            Mutation::DuplicateHeader(name.clone()),
            Mutation::ReorderHeader {
                name,
                before: "To".into(),
            },
        ]);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn extensions_take_any_bytes(bytes in almost_extensions()) {
        look_further(&bytes);
    }

    #[test]
    fn mutations_and_fuzzing_take_any_message(bytes in almost_sip(), seed: u64) {
        prop_assert_eq!(mutate::apply(&bytes, &[], &mut IdSource::new(1)).unwrap(), bytes.clone());
        for mutation in mutations() {
            let _ = mutate::apply(&bytes, &[mutation], &mut IdSource::new(seed));
        }
        for iteration in 0..8 {
            let mutated = fuzzing::case(seed, iteration, &bytes).bytes();
            look_further(&mutated);
        }
    }
}

/// Prints what reading a message costs: `cargo test --release -p voxproof-sip -- --ignored --nocapture parse_speed`.
#[test]
#[ignore = "a measurement"]
fn parse_speed() {
    let mut invite = b"INVITE sip:bob@192.0.2.2:5060 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabcdefgh12345678;rport\r\nMax-Forwards: 70\r\n\
        From: \"Alice\" <sip:alice@192.0.2.1>;tag=abcdefgh12345678\r\nTo: <sip:bob@192.0.2.2>\r\n\
        Call-ID: abcdefghijklmnopqrstuvwx@192.0.2.1\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1:5060>\r\n"
        .to_vec();
    let rest = "User-Agent: \r\nContent-Length: 0\r\n\r\n".len();
    let padding = 420 - invite.len() - rest;
    invite.extend_from_slice(
        format!("User-Agent: {}\r\nContent-Length: 0\r\n\r\n", "v".repeat(padding)).as_bytes(),
    );
    assert_eq!(invite.len(), 420);
    let mut best = f64::MAX;
    for _ in 0..20 {
        let start = std::time::Instant::now();
        for _ in 0..10_000 {
            std::hint::black_box(Message::parse(std::hint::black_box(&invite)));
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / 10_000.0);
    }
    println!("parse of a 420-byte INVITE: {best:.0} ns");
}
