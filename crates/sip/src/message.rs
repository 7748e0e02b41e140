//! A SIP message that keeps its bytes.

use std::ops::Range;
use std::sync::OnceLock;

use crate::finding::Finding;
use crate::header::{CSeq, NameAddr, Via};
use crate::lists::split_top_level;
use crate::names;
use crate::reader::{self, Index, Line, StartKind};
use crate::sdp;
use crate::view::{CombinedView, HeaderView};

/// One message as it was on the wire, indexed. Parsing never fails; see [`Message::findings`].
#[derive(Debug, Clone)]
pub struct Message {
    bytes: Vec<u8>,
    index: Index,
    header_lines: OnceLock<Vec<HeaderLine>>,
}

/// The first line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// A request line (RFC 3261 7.1).
    Request {
        /// Method, case-sensitive.
        method: &'a str,
        /// Request-URI as written.
        uri: &'a str,
        /// `SIP/2.0` in anything that is in order.
        version: &'a str,
    },
    /// A status line (RFC 3261 7.2).
    Response {
        /// `SIP/2.0` in anything that is in order.
        version: &'a str,
        /// Three-digit status code.
        status: u16,
        /// Reason phrase as sent; may be empty.
        reason: &'a str,
    },
    /// Neither; the bytes of the line.
    Malformed(&'a [u8]),
}

/// One header field, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderLine {
    /// Long name in lower case.
    pub name: String,
    /// Name as on the wire.
    pub raw_name: String,
    /// Value, unfolded and trimmed.
    pub value: String,
    /// Where the field is in [`Message::bytes`], line ends included.
    pub raw: Range<usize>,
}

impl Message {
    /// Indexes a datagram or one framed message of a stream. The body ends where Content-Length says, the rest is
    /// [`Message::trailing`]; bare LF, folding and compact names are taken and noted as findings.
    pub fn parse(bytes: &[u8]) -> Self {
        Self::from_vec(bytes.to_vec())
    }

    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        let index = reader::index(&bytes);
        Self {
            bytes,
            index,
            header_lines: OnceLock::new(),
        }
    }

    /// Exactly what was parsed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first line.
    pub fn start_line(&self) -> StartLine<'_> {
        let line = self.start_text();
        let part = |range: &Range<usize>| line.get(range.clone()).unwrap_or_default();
        match &self.index.start_kind {
            StartKind::Request { method, uri, version } => StartLine::Request {
                method: part(method),
                uri: part(uri),
                version: part(version),
            },
            StartKind::Response {
                version,
                status,
                reason,
            } => StartLine::Response {
                version: part(version),
                status: *status,
                reason: part(reason),
            },
            StartKind::Malformed => StartLine::Malformed(reader::slice(&self.bytes, &self.index.start)),
        }
    }

    /// Whether the first line is a request line.
    pub fn is_request(&self) -> bool {
        matches!(self.index.start_kind, StartKind::Request { .. })
    }

    /// Whether the first line is a status line.
    pub fn is_response(&self) -> bool {
        matches!(self.index.start_kind, StartKind::Response { .. })
    }

    /// Method of a request; `None` for a response.
    pub fn method(&self) -> Option<&str> {
        match self.start_line() {
            StartLine::Request { method, .. } => Some(method),
            _ => None,
        }
    }

    /// Method named in CSeq, for requests and responses.
    pub fn cseq_method(&self) -> Option<&str> {
        self.header("cseq")?.split_ascii_whitespace().nth(1)
    }

    /// Status code of a response.
    pub fn status(&self) -> Option<u16> {
        match self.index.start_kind {
            StartKind::Response { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Reason phrase of a response.
    pub fn reason(&self) -> Option<&str> {
        match self.start_line() {
            StartLine::Response { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Request-URI of a request.
    pub fn request_uri(&self) -> Option<&str> {
        match self.start_line() {
            StartLine::Request { uri, .. } => Some(uri),
            _ => None,
        }
    }

    /// Value of the first header field of that name, unfolded and trimmed. The name is the long form in any case; a
    /// compact form on the wire is found too.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines(name).next().map(|line| self.value(line))
    }

    /// Value of every header field of that name, in order; comma lists are not split.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.lines(name).map(|line| self.value(line))
    }

    /// Values of a list header (Via, Contact, Route, Allow ...) over all its fields, split at top-level commas, empty
    /// ones left out. Not for headers whose value has commas of its own (Date, the authentication headers).
    pub fn header_values(&self, name: &str) -> Vec<String> {
        self.list(name).map(str::to_owned).collect()
    }

    /// Every header field in wire order. Decoded at the first call.
    pub fn header_lines(&self) -> &[HeaderLine] {
        self.header_lines.get_or_init(|| {
            let decode = |line: &Line| {
                let raw_name = String::from_utf8_lossy(reader::slice(&self.bytes, &line.name)).into_owned();
                let value = self.value(line).to_owned();
                HeaderLine {
                    name: names::canonical(&raw_name),
                    raw_name,
                    value,
                    raw: line.raw.clone(),
                }
            };
            self.index.lines.iter().map(decode).collect()
        })
    }

    /// The body, cut at Content-Length.
    pub fn body(&self) -> &[u8] {
        reader::slice(&self.bytes, &self.index.body)
    }

    /// What follows the body in the same datagram.
    pub fn trailing(&self) -> &[u8] {
        reader::slice(&self.bytes, &self.index.trailing)
    }

    /// What the reader noticed about the form; [`Message::validate`] looks at the header values too.
    pub fn findings(&self) -> &[Finding] {
        &self.index.findings
    }

    /// Call-ID.
    pub fn call_id(&self) -> Option<&str> {
        self.header("call-id")
    }

    /// CSeq, when it can be read.
    pub fn cseq(&self) -> Option<CSeq> {
        CombinedView.cseq(self.header("cseq")?).ok()
    }

    /// From, when it can be read.
    pub fn from(&self) -> Option<NameAddr> {
        CombinedView.name_addr(self.header("from")?).ok()
    }

    /// To, when it can be read.
    pub fn to(&self) -> Option<NameAddr> {
        CombinedView.name_addr(self.header("to")?).ok()
    }

    /// Every Contact that can be read; `*` (RFC 3261 10.2.2) is not an address and left out.
    pub fn contacts(&self) -> Vec<NameAddr> {
        self.name_addrs("contact")
    }

    /// Every Via that can be read, top first.
    pub fn vias(&self) -> Vec<Via> {
        self.list("via")
            .filter_map(|value| CombinedView.via(value).ok())
            .collect()
    }

    /// The first Via, when it can be read.
    pub fn top_via(&self) -> Option<Via> {
        CombinedView.via(self.list("via").next()?).ok()
    }

    /// Every Record-Route that can be read, in wire order.
    pub fn record_routes(&self) -> Vec<NameAddr> {
        self.name_addrs("record-route")
    }

    /// Content-Type as written.
    pub fn content_type(&self) -> Option<&str> {
        self.header("content-type")
    }

    /// Expires in seconds; `None` when absent or not a 32-bit number.
    pub fn expires(&self) -> Option<u32> {
        self.header("expires")?.parse().ok()
    }

    /// Whether the body is SDP: Content-Type `application/sdp` and not empty.
    pub fn is_sdp(&self) -> bool {
        let media_type = self
            .content_type()
            .map(|value| value.split(';').next().unwrap_or_default().trim());
        media_type.is_some_and(|value| value.eq_ignore_ascii_case("application/sdp"))
            && !self.body().is_empty()
    }

    /// The SDP body, parsed; `None` when [`Message::is_sdp`] is false.
    pub fn sdp(&self) -> Option<Result<sdp::Description, sdp::SdpError>> {
        self.is_sdp().then(|| sdp::Description::parse(self.body()))
    }

    /// One line for a ladder: `INVITE sip:bob@example.com`, `200 OK (INVITE)`, with `SDP sendonly` behind it when the
    /// audio description has a direction other than sendrecv.
    pub fn summary(&self) -> String {
        let mut line = match self.start_line() {
            StartLine::Request { method, uri, .. } => format!("{method} {uri}"),
            StartLine::Response { status, reason, .. } => {
                let space = if reason.is_empty() { "" } else { " " };
                format!("{status}{space}{reason} ({})", self.cseq_method().unwrap_or("?"))
            }
            StartLine::Malformed(bytes) => {
                let start = bytes.get(..40).unwrap_or(bytes);
                format!("malformed {:?}", String::from_utf8_lossy(start))
            }
        };
        if let Some(Ok(description)) = self.sdp()
            && let Some(audio) = description.audio()
            && audio.direction != sdp::Direction::SendRecv
        {
            line.push_str(" SDP ");
            line.push_str(audio.direction.as_str());
        }
        line
    }

    fn start_text(&self) -> &str {
        self.index
            .start_text
            .as_deref()
            .unwrap_or_else(|| reader::text(&self.bytes, &self.index.start))
    }

    fn lines(&self, name: &str) -> impl Iterator<Item = &Line> {
        self.index
            .lines
            .iter()
            .filter(move |line| names::same(reader::text(&self.bytes, &line.name), name))
    }

    fn value<'a>(&'a self, line: &'a Line) -> &'a str {
        line.text
            .as_deref()
            .unwrap_or_else(|| reader::text(&self.bytes, &line.value))
            .trim_ascii()
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.lines(name)
            .flat_map(|line| split_top_level(self.value(line), b','))
            .filter(|value| !value.is_empty())
    }

    fn name_addrs(&self, name: &str) -> Vec<NameAddr> {
        self.list(name)
            .filter_map(|value| CombinedView.name_addr(value).ok())
            .collect()
    }

    /// Where the first line is, its line end left out.
    pub(crate) fn start_range(&self) -> Range<usize> {
        self.index.start.clone()
    }

    /// Offset behind the line end of the first line.
    pub(crate) fn start_end(&self) -> usize {
        let end = self.index.start.end;
        match self.bytes.get(end..) {
            Some([b'\r', b'\n', ..]) => end + 2,
            Some([b'\n', ..]) => end + 1,
            _ => end,
        }
    }

    /// Range of the value of the first field of that name, for edits in place.
    pub(crate) fn value_range(&self, name: &str) -> Option<Range<usize>> {
        self.lines(name).next().map(|line| line.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &[u8] = b"INVITE sip:bob@192.0.2.2 SIP/2.0\r\n\
        v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa, SIP/2.0/TCP h;branch=z9hG4bKb\r\n\
        From : \"A\"\r\n <sip:a@192.0.2.1>;\r\n\ttag=1\r\n\
        To: <sip:bob@192.0.2.2>\r\n\
        CSeq: 7 INVITE\r\n\
        i: c1\r\n\
        Subject: caf\xe9\r\n\
        Content-Length: 3\r\n\
        \r\n\
        abcTRAILING";

    #[test]
    fn headers_bodies_and_trailing_bytes() {
        let message = Message::parse(INVITE);
        assert_eq!(message.bytes(), INVITE);
        assert_eq!(
            message.start_line(),
            StartLine::Request {
                method: "INVITE",
                uri: "sip:bob@192.0.2.2",
                version: "SIP/2.0"
            }
        );
        assert_eq!(message.header("from"), Some("\"A\" <sip:a@192.0.2.1>; tag=1"));
        assert_eq!(message.from().unwrap().tag(), Some("1"));
        assert_eq!(message.call_id(), Some("c1"));
        assert_eq!(message.header("SUBJECT"), Some("caf\u{fffd}"));
        assert_eq!(message.vias().len(), 2);
        assert_eq!(message.header_values("Via").len(), 2);
        assert_eq!(
            (message.body(), message.trailing()),
            (&b"abc"[..], &b"TRAILING"[..])
        );
        let names: Vec<_> = message
            .header_lines()
            .iter()
            .map(|line| line.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "via",
                "from",
                "to",
                "cseq",
                "call-id",
                "subject",
                "content-length"
            ]
        );
        let codes: Vec<_> = message.findings().iter().map(|finding| finding.code).collect();
        assert!(
            codes.contains(&"folded-header") && codes.contains(&"compact-name"),
            "{codes:?}"
        );
        assert!(
            codes.contains(&"header-not-utf8") && codes.contains(&"trailing-bytes"),
            "{codes:?}"
        );
    }

    #[test]
    fn a_status_line_keeps_its_own_reason() {
        let message = Message::parse(b"SIP/2.0 486 Go Away\r\nCSeq: 1 INVITE\r\n\r\n");
        assert_eq!((message.status(), message.reason()), (Some(486), Some("Go Away")));
        assert_eq!(message.summary(), "486 Go Away (INVITE)");
        let bare = Message::parse(b"SIP/2.0 100\r\nCSeq: 1 INVITE\r\n\r\n");
        assert_eq!((bare.status(), bare.reason()), (Some(100), Some("")));
    }

    #[test]
    fn bare_line_feeds_and_a_missing_blank_line_are_findings() {
        let message = Message::parse(b"OPTIONS sip:a@b SIP/2.0\nCSeq: 1 OPT");
        let codes: Vec<_> = message.findings().iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["bare-lf", "no-blank-line"]);
        assert_eq!(message.header("cseq"), Some("1 OPT"));
        assert_eq!(message.body(), b"");
    }

    #[test]
    fn what_is_no_sip_is_malformed_and_kept() {
        for bytes in [
            &b""[..],
            b"\r\n",
            b"hello",
            b"SIP/2.0 99999 x\r\n\r\n",
            b"\xff\xff\r\n",
            b"INVITE sip:x\r\n\r\n",
        ] {
            let message = Message::parse(bytes);
            assert!(
                matches!(message.start_line(), StartLine::Malformed(_)),
                "{bytes:?}"
            );
            assert_eq!(message.bytes(), bytes);
        }
    }
}
