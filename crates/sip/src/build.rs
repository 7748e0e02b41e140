//! Well-formed messages as bytes.

use crate::message::Message;
use crate::names;
use crate::view::{HeaderView, OwnView};

/// Builds one message. Header fields keep the order in which they were added; Content-Length comes last and is
/// computed unless it was set. A line break inside a value becomes a space, so one call is always one field.
#[derive(Debug, Clone)]
pub struct Builder {
    start: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Builder {
    /// A request without any header field.
    pub fn request(method: &str, uri: &str) -> Self {
        Self::start(format!("{method} {uri} SIP/2.0"))
    }

    /// A response without any header field.
    pub fn response(status: u16, reason: &str) -> Self {
        Self::start(format!("SIP/2.0 {status} {reason}"))
    }

    /// A response to `request`: all Via, From, To, Call-ID and CSeq copied in order (RFC 3261 8.2.6.2), Timestamp into
    /// a 100 (8.2.6.1), Record-Route where the response makes a dialog (12.1.1). To gets no tag; see
    /// [`Builder::to_tag`].
    pub fn response_to(request: &Message, status: u16, reason: &str) -> Self {
        let dialog = match request.method() {
            Some("INVITE") => (101..300).contains(&status),
            Some("SUBSCRIBE" | "REFER") => (200..300).contains(&status),
            _ => false,
        };
        let mut builder = Self::response(status, reason);
        let mut copied = vec![
            ("Via", "via"),
            ("From", "from"),
            ("To", "to"),
            ("Call-ID", "call-id"),
            ("CSeq", "cseq"),
        ];
        if dialog {
            copied.insert(1, ("Record-Route", "record-route"));
        }
        if status == 100 {
            copied.push(("Timestamp", "timestamp"));
        }
        for (written, name) in copied {
            for value in request.headers(name) {
                builder = builder.header(written, value);
            }
        }
        builder
    }

    /// Adds `;tag=` to To when it has none (RFC 3261 8.2.6.2).
    #[must_use]
    pub fn to_tag(mut self, tag: &str) -> Self {
        if let Some((_, value)) = self.headers.iter_mut().find(|(name, _)| names::same(name, "to")) {
            let tagged = match OwnView.name_addr(value) {
                Ok(address) => address.tag().is_some(),
                Err(_) => value.to_ascii_lowercase().contains(";tag="),
            };
            if !tagged {
                value.push_str(";tag=");
                value.push_str(tag);
            }
        }
        self
    }

    /// Adds a field after the others.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.headers.push((name.to_owned(), one_line(value.as_ref())));
        self
    }

    /// Replaces the first field of that name in its place and removes further ones; adds it when there is none.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let Some(first) = self
            .headers
            .iter()
            .position(|(known, _)| names::same(known, name))
        else {
            return self.header(name, value);
        };
        let mut index = 0;
        self.headers.retain(|(known, _)| {
            index += 1;
            index - 1 == first || !names::same(known, name)
        });
        if let Some(entry) = self.headers.get_mut(first) {
            *entry = (name.to_owned(), one_line(value.as_ref()));
        }
        self
    }

    /// Removes every field of that name.
    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !names::same(known, name));
        self
    }

    /// Sets body and Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.set("Content-Type", content_type)
    }

    /// The bytes of the message.
    pub fn build(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 + self.body.len());
        out.extend_from_slice(self.start.as_bytes());
        out.extend_from_slice(b"\r\n");
        for (name, value) in &self.headers {
            for part in [name.as_str(), ": ", value.as_str(), "\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        if !self
            .headers
            .iter()
            .any(|(name, _)| names::same(name, "content-length"))
        {
            out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }

    fn start(line: String) -> Self {
        Self {
            start: one_line(&line),
            headers: Vec::with_capacity(16),
            body: Vec::new(),
        }
    }
}

fn one_line(text: &str) -> String {
    if text.contains(['\r', '\n']) {
        text.replace("\r\n", " ").replace(['\r', '\n'], " ")
    } else {
        text.to_owned()
    }
}

/// The reason phrase the standard suggests for a status code (RFC 3261 21 and the IANA registry); empty for an
/// unknown code.
pub fn default_reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        199 => "Early Dialog Terminated",
        200 => "OK",
        202 => "Accepted",
        204 => "No Notification",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        417 => "Unknown Resource-Priority",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        424 => "Bad Location Information",
        428 => "Use Identity Header",
        429 => "Provide Referrer Identity",
        430 => "Flow Failed",
        433 => "Anonymity Disallowed",
        436 => "Bad Identity Info",
        437 => "Unsupported Credential",
        438 => "Invalid Identity Header",
        439 => "First Hop Lacks Outbound Support",
        440 => "Max-Breadth Exceeded",
        469 => "Bad Info Package",
        470 => "Consent Needed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        555 => "Push Notification Service Not Supported",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_copies_what_8_2_6_2_names() {
        let request = Message::parse(
            b"INVITE sip:b@x SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\r\n\
              Record-Route: <sip:p;lr>\r\nf: <sip:a@x>;tag=1\r\nt: <sip:b@x>\r\ni: c\r\nCSeq: 1 INVITE\r\n\
              Timestamp: 54\r\nl: 0\r\n\r\n",
        );
        let ringing = Builder::response_to(&request, 180, default_reason(180))
            .to_tag("t1")
            .to_tag("t2")
            .build();
        assert_eq!(
            String::from_utf8(ringing).unwrap(),
            "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\r\n\
             Record-Route: <sip:p;lr>\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=t1\r\nCall-ID: c\r\n\
             CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        );
        let trying = Message::parse(&Builder::response_to(&request, 100, "Trying").build());
        assert_eq!(trying.header("timestamp"), Some("54"));
        assert_eq!(trying.header("record-route"), None);
    }

    #[test]
    fn set_replaces_in_place_and_explicit_lengths_stay() {
        let bytes = Builder::request("OPTIONS", "sip:b@x")
            .header("X", "1")
            .header("Y", "a\r\nb")
            .header("X", "2")
            .set("x", "3")
            .remove("none")
            .header("Content-Length", "999")
            .body("text/plain", "hi")
            .build();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "OPTIONS sip:b@x SIP/2.0\r\nx: 3\r\nY: a b\r\nContent-Length: 999\r\nContent-Type: text/plain\r\n\r\nhi"
        );
    }
}
