//! The callee's own request.

use std::net::SocketAddr;

use super::call::Call;
use crate::reply::push_body;
use crate::text::{CallName, Peer, RunToken};

/// BYE of the one who was called (RFC 3261 15.1.1).
pub(super) fn bye(
    call: &Call,
    peer: &Peer,
    local: SocketAddr,
    name: CallName,
    token: &RunToken,
    out: &mut Vec<u8>,
) {
    let piece = |out: &mut Vec<u8>, text: &str| out.extend_from_slice(text.as_bytes());
    piece(out, "BYE ");
    piece(out, &peer.target);
    piece(out, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
    piece(out, &local.to_string());
    piece(out, ";rport;branch=z9hG4bKb");
    name.write(token, out);
    for route in &peer.routes {
        piece(out, "\r\nRoute: ");
        piece(out, route);
    }
    for (header, value) in [
        ("\r\nMax-Forwards: ", "70"),
        ("\r\nFrom: ", &call.local),
        ("\r\nTo: ", &peer.address),
        ("\r\nCall-ID: ", &call.call_id),
        // our numbers are our own; it is our only request in the dialog
        ("\r\nCSeq: ", "1 BYE\r\n"),
    ] {
        piece(out, header);
        piece(out, value);
    }
    push_body(out, &[]);
}

#[cfg(test)]
mod tests {
    use voxproof_sip::Message;

    use super::*;

    #[test]
    fn the_callee_s_bye_is_in_order() {
        let local = SocketAddr::from(([192, 0, 2, 2], 5060));
        let call = Call {
            local: "<sip:b@h>;tag=mine".into(),
            call_id: "c1".into(),
            ..Call::free()
        };
        let peer = Peer {
            address: "<sip:a@h>;tag=theirs".into(),
            target: "sip:a@192.0.2.1".into(),
            routes: Box::new(["<sip:10.0.0.1;lr>".into()]),
            destination: local,
        };
        let mut out = Vec::new();
        bye(&call, &peer, local, call.name(0), &RunToken::new(), &mut out);
        let message = Message::parse(&out);
        assert!(message.validate().is_empty(), "{:?}", message.validate());
        assert_eq!(message.header("to"), Some("<sip:a@h>;tag=theirs"));
        assert_eq!(message.header("route"), Some("<sip:10.0.0.1;lr>"));
    }
}
