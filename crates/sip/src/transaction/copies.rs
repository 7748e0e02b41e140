//! The two requests that copy another one: ACK to a non-2xx and CANCEL.

use crate::build::Builder;
use crate::message::Message;

/// ACK to a non-2xx final response (RFC 3261 17.1.1.3): Request-URI, top Via, From, Call-ID and Route of the INVITE,
/// To of the response, credentials as in the INVITE (22.1).
pub fn ack_for(request: &Message, response: &Message) -> Vec<u8> {
    let mut builder = copy(
        request,
        "ACK",
        response.header("to").or_else(|| request.header("to")),
    );
    for (written, name) in [
        ("Authorization", "authorization"),
        ("Proxy-Authorization", "proxy-authorization"),
    ] {
        for value in request.headers(name) {
            builder = builder.header(written, value);
        }
    }
    builder.build()
}

/// CANCEL of a request (RFC 3261 9.1): Request-URI, top Via, From, To, Call-ID, CSeq number and Route of the request.
pub fn cancel_for(request: &Message) -> Vec<u8> {
    copy(request, "CANCEL", request.header("to")).build()
}

fn copy(request: &Message, method: &str, to: Option<&str>) -> Builder {
    let mut builder = Builder::request(method, request.request_uri().unwrap_or_default());
    if let Some(via) = request.header_values("via").first() {
        builder = builder.header("Via", via);
    }
    for route in request.headers("route") {
        builder = builder.header("Route", route);
    }
    builder = builder.header("Max-Forwards", "70");
    for (name, value) in [
        ("From", request.header("from")),
        ("To", to),
        ("Call-ID", request.header("call-id")),
    ] {
        if let Some(value) = value {
            builder = builder.header(name, value);
        }
    }
    if let Some(number) = request
        .header("cseq")
        .and_then(|cseq| cseq.split_ascii_whitespace().next())
    {
        builder = builder.header("CSeq", format!("{number} {method}"));
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &[u8] =
        b"INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP old\r\n\
        Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\n\
        CSeq: 41 INVITE\r\nProxy-Authorization: Digest a=\"b\"\r\n\r\nbody";

    #[test]
    fn ack_and_cancel_copy_what_the_clauses_name() {
        let request = Message::parse(INVITE);
        let response = Message::parse(b"SIP/2.0 486 Busy Here\r\nTo: <sip:b@x>;tag=9\r\n\r\n");
        let common = "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n\
            Max-Forwards: 70\r\nFrom: <sip:a@x>;tag=1\r\n";
        assert_eq!(
            String::from_utf8(ack_for(&request, &response)).unwrap(),
            format!(
                "ACK sip:b@x SIP/2.0\r\n{common}To: <sip:b@x>;tag=9\r\nCall-ID: c\r\nCSeq: 41 ACK\r\n\
                 Proxy-Authorization: Digest a=\"b\"\r\nContent-Length: 0\r\n\r\n"
            )
        );
        assert_eq!(
            String::from_utf8(cancel_for(&request)).unwrap(),
            format!(
                "CANCEL sip:b@x SIP/2.0\r\n{common}To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 41 CANCEL\r\n\
                 Content-Length: 0\r\n\r\n"
            )
        );
    }
}
