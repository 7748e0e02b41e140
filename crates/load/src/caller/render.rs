//! The caller's requests, put together from pieces that are the same in every call.

use std::net::SocketAddr;

use crate::reply::{ALLOW, push_body};
use crate::text::{CallName, Peer, RunToken};

/// What does not change from call to call.
#[derive(Debug)]
pub(super) struct Templates {
    token: RunToken,
    target: String,
    contact: String,
    /// From the version on the request line to the branch.
    via: String,
    /// From Max-Forwards to the tag of From.
    from: String,
    host: String,
}

impl Templates {
    pub(super) fn new(target: &str, local: SocketAddr, user: &str, token: RunToken) -> Self {
        let contact = format!("sip:{user}@{local}");
        Self {
            token,
            target: target.to_owned(),
            via: format!(" SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK"),
            from: format!("Max-Forwards: 70\r\nFrom: <{contact}>;tag="),
            contact,
            host: local.ip().to_string(),
        }
    }

    pub(super) const fn token(&self) -> &RunToken {
        &self.token
    }

    /// Request-URI and To of the INVITE.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn contact(&self) -> &str {
        &self.contact
    }

    pub(super) fn invite(&self, name: CallName, body: &[u8], out: &mut Vec<u8>) {
        self.start("INVITE", &self.target, 'i', name, &[], out);
        self.initial_to(out);
        self.call_id(name, "1 INVITE", out);
        for piece in ["Contact: <", &self.contact, ">\r\nAllow: ", ALLOW, "\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
        push_body(out, body);
    }

    /// The ACK to a 2xx: a request of its own (RFC 3261 13.2.2.4).
    pub(super) fn ack(&self, name: CallName, peer: &Peer, out: &mut Vec<u8>) {
        self.in_dialog("ACK", 'a', "1 ACK", name, peer, out);
    }

    pub(super) fn bye(&self, name: CallName, peer: &Peer, out: &mut Vec<u8>) {
        self.in_dialog("BYE", 'b', "2 BYE", name, peer, out);
    }

    /// The ACK to another final response: the INVITE's branch and the response's To (RFC 3261 17.1.1.3).
    pub(super) fn ack_rejection(&self, name: CallName, to: &str, out: &mut Vec<u8>) {
        self.start("ACK", &self.target, 'i', name, &[], out);
        line(out, "To: ", to);
        self.call_id(name, "1 ACK", out);
        push_body(out, &[]);
    }

    /// CANCEL: branch, To and CSeq number of the INVITE (RFC 3261 9.1).
    pub(super) fn cancel(&self, name: CallName, out: &mut Vec<u8>) {
        self.start("CANCEL", &self.target, 'i', name, &[], out);
        self.initial_to(out);
        self.call_id(name, "1 CANCEL", out);
        push_body(out, &[]);
    }

    fn in_dialog(
        &self,
        method: &str,
        kind: char,
        cseq: &str,
        name: CallName,
        peer: &Peer,
        out: &mut Vec<u8>,
    ) {
        self.start(method, &peer.target, kind, name, &peer.routes, out);
        line(out, "To: ", &peer.address);
        self.call_id(name, cseq, out);
        push_body(out, &[]);
    }

    /// The request line to From.
    fn start(
        &self,
        method: &str,
        uri: &str,
        kind: char,
        name: CallName,
        routes: &[Box<str>],
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(uri.as_bytes());
        out.extend_from_slice(self.via.as_bytes());
        out.push(kind as u8);
        name.write(&self.token, out);
        out.extend_from_slice(b"\r\n");
        for route in routes {
            line(out, "Route: ", route);
        }
        out.extend_from_slice(self.from.as_bytes());
        name.write(&self.token, out);
        out.extend_from_slice(b"\r\n");
    }

    fn initial_to(&self, out: &mut Vec<u8>) {
        for piece in ["To: <", &self.target, ">\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
    }

    fn call_id(&self, name: CallName, cseq: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Call-ID: ");
        name.write(&self.token, out);
        out.push(b'@');
        out.extend_from_slice(self.host.as_bytes());
        out.extend_from_slice(b"\r\n");
        line(out, "CSeq: ", cseq);
    }
}

fn line(out: &mut Vec<u8>, name: &str, value: &str) {
    for piece in [name, value, "\r\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use voxproof_sip::Message;

    use super::*;

    #[test]
    fn every_request_is_in_order_and_of_one_call() {
        let local = SocketAddr::from(([192, 0, 2, 1], 5062));
        let templates = Templates::new("sip:b@192.0.2.2", local, "lab", RunToken::new());
        let name = CallName { place: 3, number: 17 };
        let peer = Peer {
            address: "<sip:b@192.0.2.2>;tag=9".into(),
            target: "sip:b@192.0.2.2:5070".into(),
            routes: Box::new(["<sip:10.0.0.1;lr>".into()]),
            destination: local,
        };
        let render = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            let message = Message::parse(&out);
            assert!(message.validate().is_empty(), "{:?}", message.validate());
            message
        };
        let invite = render(&|out| templates.invite(name, b"v=0\r\n", out));
        let ack = render(&|out| templates.ack(name, &peer, out));
        let bye = render(&|out| templates.bye(name, &peer, out));
        let cancel = render(&|out| templates.cancel(name, out));
        let rejection = render(&|out| templates.ack_rejection(name, "<sip:b@192.0.2.2>;tag=9", out));
        for message in [&ack, &bye, &cancel, &rejection] {
            assert_eq!(message.call_id(), invite.call_id());
            assert_eq!(message.header("from"), invite.header("from"));
        }
        assert_eq!(cancel.header("via"), invite.header("via"));
        assert_eq!(rejection.header("via"), invite.header("via"));
        assert_ne!(ack.header("via"), invite.header("via"));
        assert_eq!(bye.header("route"), Some("<sip:10.0.0.1;lr>"));
        assert_eq!(bye.request_uri(), Some("sip:b@192.0.2.2:5070"));
        assert_eq!(bye.cseq().map(|cseq| cseq.number), Some(2));
    }
}
