//! Responses to received requests (RFC 3261 8.2.6, 18.2).

use std::net::{IpAddr, SocketAddr};

use voxproof_sip::{Message, default_reason};

use crate::outbox::Outbox;
use crate::text::{first_value, parameter, push_decimal};

/// What our agents can be sent.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, MESSAGE";

/// The header fields that each response to one request repeats, and where it goes.
#[derive(Debug)]
pub(crate) struct ReplyHead {
    /// Via to CSeq, each line ended.
    pub(crate) lines: Box<[u8]>,
    /// Record-Route, for responses that make a dialog.
    pub(crate) routes: Box<[u8]>,
    pub(crate) destination: SocketAddr,
}

impl ReplyHead {
    /// `tag` is put into To when the request has none there.
    pub(crate) fn of(request: &Message, source: SocketAddr, tag: &[u8]) -> Self {
        let mut lines = Vec::with_capacity(384);
        let destination = vias(request, source, &mut lines);
        for (name, written) in [
            ("from", "From: "),
            ("to", "To: "),
            ("call-id", "Call-ID: "),
            ("cseq", "CSeq: "),
        ] {
            let Some(value) = request.header(name) else {
                continue;
            };
            lines.extend_from_slice(written.as_bytes());
            lines.extend_from_slice(value.as_bytes());
            if name == "to" && parameter(value, "tag").is_none() {
                lines.extend_from_slice(b";tag=");
                lines.extend_from_slice(tag);
            }
            lines.extend_from_slice(b"\r\n");
        }
        let mut routes = Vec::new();
        for value in request.headers("record-route") {
            routes.extend_from_slice(b"Record-Route: ");
            routes.extend_from_slice(value.as_bytes());
            routes.extend_from_slice(b"\r\n");
        }
        Self {
            lines: lines.into(),
            routes: routes.into(),
            destination,
        }
    }

    /// Writes a response: `dialog` is our Contact in one that makes or refreshes a dialog, `body` a session description.
    pub(crate) fn send(&self, outbox: &mut Outbox, status: u16, dialog: Option<&str>, body: &[u8]) {
        let out = outbox.buffer();
        out.extend_from_slice(b"SIP/2.0 ");
        push_decimal(out, usize::from(status));
        out.push(b' ');
        out.extend_from_slice(default_reason(status).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.lines);
        if let Some(contact) = dialog {
            out.extend_from_slice(&self.routes);
            out.extend_from_slice(b"Contact: <");
            out.extend_from_slice(contact.as_bytes());
            out.extend_from_slice(b">\r\n");
        }
        // who refuses a method says which ones are known (RFC 3261 8.2.1), and a 2xx may (13.3.1.4)
        if status == 405 || (dialog.is_some() && (200..300).contains(&status)) {
            out.extend_from_slice(b"Allow: ");
            out.extend_from_slice(ALLOW.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        push_body(out, body);
        outbox.commit(self.destination);
    }
}

/// Content-Type where there is a body, Content-Length, the empty line and the body.
pub(crate) fn push_body(out: &mut Vec<u8>, body: &[u8]) {
    if !body.is_empty() {
        out.extend_from_slice(b"Content-Type: application/sdp\r\n");
    }
    out.extend_from_slice(b"Content-Length: ");
    push_decimal(out, body.len());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
}

/// Copies the Via lines with `received` and `rport` in the top one (RFC 3261 18.2.1, RFC 3581 4). Where the response
/// goes (18.2.2).
fn vias(request: &Message, source: SocketAddr, out: &mut Vec<u8>) -> SocketAddr {
    let via = request.top_via();
    let asked = via.as_ref().is_some_and(|via| via.rport().is_some());
    let mut top = true;
    for value in request.headers("via") {
        out.extend_from_slice(b"Via: ");
        if !std::mem::take(&mut top) {
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
            continue;
        }
        let first = first_value(value);
        let behind = value.get(first.len()..).unwrap_or_default();
        let same = via
            .as_ref()
            .is_some_and(|via| via.host.parse::<IpAddr>().is_ok_and(|ip| ip == source.ip()));
        for (index, piece) in first.split(';').enumerate() {
            if index > 0 {
                out.push(b';');
            }
            out.extend_from_slice(piece.as_bytes());
            if piece.trim().eq_ignore_ascii_case("rport") {
                out.push(b'=');
                push_decimal(out, usize::from(source.port()));
            }
        }
        if asked || !same {
            out.extend_from_slice(format!(";received={}", source.ip()).as_bytes());
        }
        out.extend_from_slice(behind.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    match via {
        Some(via) if !asked => SocketAddr::new(source.ip(), via.port.unwrap_or(5060)),
        _ => source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_repeats_what_it_must_and_goes_where_it_came_from() {
        let request = Message::parse(
            b"INVITE sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5080;rport;branch=z9hG4bKa, SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKb\r\nRecord-Route: <sip:10.0.0.1;lr>\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
        );
        let source = SocketAddr::from(([192, 0, 2, 7], 40_000));
        let mut outbox = Outbox::default();
        ReplyHead::of(&request, source, b"mine").send(&mut outbox, 200, Some("sip:me@192.0.2.2"), b"v=0\r\n");
        let (bytes, destination) = outbox.iter().next().expect("one");
        assert_eq!(destination, source);
        let response = Message::parse(bytes);
        assert_eq!(response.status(), Some(200));
        assert_eq!(response.findings(), &[]);
        let vias = response.vias();
        assert_eq!(vias.len(), 2);
        assert_eq!(
            (vias[0].rport(), vias[0].received()),
            (Some(Some(40_000)), Some("192.0.2.7"))
        );
        assert_eq!(response.header("to"), Some("<sip:b@h>;tag=mine"));
        assert_eq!(response.header("record-route"), Some("<sip:10.0.0.1;lr>"));
        assert_eq!(response.body(), b"v=0\r\n");
    }

    #[test]
    fn without_rport_the_port_of_the_via_counts() {
        let request = Message::parse(
            b"BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5080;branch=z9hG4bKa\r\nTo: <sip:b@h>;tag=2\r\n\r\n",
        );
        let head = ReplyHead::of(&request, SocketAddr::from(([192, 0, 2, 7], 40_000)), b"mine");
        assert_eq!(head.destination, SocketAddr::from(([192, 0, 2, 7], 5080)));
        let text = String::from_utf8_lossy(&head.lines).into_owned();
        assert!(!text.contains("received") && !text.contains("mine"), "{text}");
    }
}
