//! Bodies of several parts (RFC 2046 5.1, RFC 5621).

use crate::message::Message;
use crate::params::Params;
use crate::sdp;

/// So many parts are read at most.
const MOST_PARTS: usize = 64;

/// One part of a multipart body, or the whole body of a message that has only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyPart<'a> {
    /// Media type with parameters; `text/plain` for a part that names none (RFC 2046 5.1).
    pub content_type: String,
    /// Content-Disposition, when it is there.
    pub disposition: Option<String>,
    /// The bytes.
    pub body: &'a [u8],
}

impl BodyPart<'_> {
    /// Whether its media type is this one, parameters and case aside.
    pub fn is(&self, media_type: &str) -> bool {
        let own = self.content_type.split(';').next().unwrap_or_default();
        own.trim().eq_ignore_ascii_case(media_type)
    }
}

impl Message {
    /// The parts of the body, those of a multipart one level deep; empty without a body. A multipart without a boundary
    /// has no part, one without its end has those that were begun.
    pub fn body_parts(&self) -> Vec<BodyPart<'_>> {
        if self.body().is_empty() {
            return Vec::new();
        }
        let content_type = self.content_type().unwrap_or("text/plain").to_owned();
        let multipart = content_type
            .get(..10)
            .is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
        if !multipart {
            return vec![BodyPart {
                content_type,
                disposition: self.header("content-disposition").map(str::to_owned),
                body: self.body(),
            }];
        }
        let params = Params::parse(content_type.split_once(';').map_or("", |(_, params)| params));
        match params.value("boundary").filter(|boundary| !boundary.is_empty()) {
            Some(boundary) => split(self.body(), boundary)
                .into_iter()
                .filter_map(part)
                .collect(),
            None => Vec::new(),
        }
    }

    /// The first session description of the body, alone or as a part of a multipart (RFC 5621 3.1).
    pub fn session_description(&self) -> Option<Result<sdp::Description, sdp::SdpError>> {
        self.body_parts()
            .iter()
            .find(|part| part.is("application/sdp") && !part.body.is_empty())
            .map(|part| sdp::Description::parse(part.body))
    }
}

/// The bytes between the delimiter lines; preamble and epilogue are left out.
fn split<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut from: Option<usize> = None;
    for at in memchr::memmem::find_iter(body, delimiter.as_bytes()) {
        let at_line_start = at == 0 || body.get(at - 1) == Some(&b'\n');
        let after = body.get(at + delimiter.len()..).unwrap_or_default();
        let last = after.starts_with(b"--");
        // white space may follow, anything else makes it another text
        let line_end = memchr::memchr(b'\n', after).unwrap_or(after.len());
        let rest = after.get(if last { 2 } else { 0 }..line_end).unwrap_or_default();
        if !at_line_start || !rest.trim_ascii().is_empty() {
            continue;
        }
        if let Some(from) = from {
            let part = body.get(from..at).unwrap_or_default();
            // the line end in front of a delimiter belongs to the delimiter
            let part = part.strip_suffix(b"\n").unwrap_or(part);
            parts.push(part.strip_suffix(b"\r").unwrap_or(part));
        }
        from = (!last).then_some(at + delimiter.len() + line_end + 1);
        if last || parts.len() >= MOST_PARTS {
            return parts;
        }
    }
    if let Some(rest) = from.and_then(|from| body.get(from..)) {
        parts.push(rest);
    }
    parts
}

fn part(bytes: &[u8]) -> Option<BodyPart<'_>> {
    let (head, body) = match bytes {
        // no header at all
        [b'\r', b'\n', body @ ..] | [b'\n', body @ ..] => (&b""[..], body),
        _ => {
            let crlf = memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| (at, at + 4));
            let lf = memchr::memmem::find(bytes, b"\n\n").map(|at| (at, at + 2));
            let (head, body) = crlf.into_iter().chain(lf).min()?;
            (bytes.get(..head)?, bytes.get(body..)?)
        }
    };
    let text = String::from_utf8_lossy(head);
    let field = |wanted: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim().to_owned())
        })
    };
    Some(BodyPart {
        content_type: field("content-type").unwrap_or_else(|| "text/plain".to_owned()),
        disposition: field("content-disposition"),
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Builder;

    fn message(content_type: &str, body: &str) -> Message {
        Message::parse(
            &Builder::request("INVITE", "sip:b@x")
                .body(content_type, body)
                .build(),
        )
    }

    const SDP: &str = "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n";

    #[test]
    fn parts_of_a_multipart() {
        let body = format!(
            "preamble --b\r\n--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b  \r\n\r\nplain --b\r\n--bx\r\n--b--\r\nrest"
        );
        let mixed = message("Multipart/Mixed; x=y; boundary=\"b\"", &body);
        let parts = mixed.body_parts();
        assert_eq!(parts.len(), 2);
        assert!(parts[0].is("application/sdp") && parts[0].body == SDP.as_bytes());
        assert_eq!(
            (parts[1].content_type.as_str(), parts[1].body),
            ("text/plain", &b"plain --b\r\n--bx"[..])
        );
        assert!(mixed.session_description().unwrap().is_ok());
        assert!(mixed.sdp().is_none());
    }

    #[test]
    fn single_and_broken_bodies() {
        let alone = message("application/SDP", SDP);
        assert!(alone.session_description().unwrap().is_ok());
        assert!(
            message("multipart/mixed", "--b\r\n\r\nx\r\n--b--")
                .body_parts()
                .is_empty()
        );
        let open = message("multipart/mixed;boundary=b", "--b\r\nA: b\r\n\r\nx");
        assert_eq!(open.body_parts()[0].body, b"x");
        assert!(
            message("multipart/mixed;boundary=b", "--b--\r\n")
                .body_parts()
                .is_empty()
        );
        assert!(
            Message::parse(b"INVITE sip:b@x SIP/2.0\r\n\r\n")
                .body_parts()
                .is_empty()
        );
    }
}
