//! Any bytes as a SIP message: nothing panics, nothing is lost, header ranges lie inside.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use voxproof_sip::{
    Challenge, Credentials, Dialog, Framer, HeaderView, Message, OwnView, RsipView, Timers, TransactionEvent,
    Transactions,
};

fuzz_target!(|bytes: &[u8]| {
    let message = Message::parse(bytes);
    assert_eq!(message.bytes(), bytes);
    for line in message.header_lines() {
        assert!(line.raw.start <= line.raw.end && line.raw.end <= bytes.len());
        let _ = (Challenge::parse(&line.value), Credentials::parse(&line.value));
        // rsip's answer counts only where it is the same as ours
        if let Ok(read) = RsipView.name_addr(&line.value) {
            assert_eq!(OwnView.name_addr(&line.value), Ok(read));
        }
        if let Ok(read) = RsipView.via(&line.value) {
            assert_eq!(OwnView.via(&line.value), Ok(read));
        }
        if let Ok(read) = RsipView.cseq(&line.value) {
            assert_eq!(OwnView.cseq(&line.value), Ok(read));
        }
    }
    let _ = (
        message.summary(),
        message.validate(),
        message.sdp(),
        message.vias(),
        message.contacts(),
    );
    let _ = Dialog::from_uas(&message, "t", "sip:c", "h");
    let _ = Dialog::from_uac(&message, &message);

    let peer = std::net::SocketAddr::from(([192, 0, 2, 2], 5060));
    let mut layer = Transactions::new(Timers::default());
    layer.request(Duration::ZERO, bytes.to_vec(), peer);
    layer.receive(Duration::ZERO, bytes, peer);
    while let Some(event) = layer.poll_event() {
        if let TransactionEvent::Request { id, .. } = event {
            layer.respond(Duration::ZERO, id, bytes.to_vec());
        }
    }
    layer.handle_timeout(Duration::from_secs(40));

    let mut framer = Framer::new();
    let mut out = Vec::new();
    for chunk in bytes.chunks(7) {
        framer.push(chunk);
        while let Some(message) = framer.next_message() {
            out.extend_from_slice(&message);
        }
    }
    out.extend_from_slice(framer.rest());
    assert_eq!(out, bytes);
});
