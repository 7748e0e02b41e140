//! The lenient reader: one pass over the bytes, ranges instead of copies, findings instead of refusals.

use std::ops::Range;

use crate::finding::Finding;
use crate::names;

/// Where everything is in the bytes of one message.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) start: Range<usize>,
    /// The start line as text when it is not UTF-8 in the bytes.
    pub(crate) start_text: Option<Box<str>>,
    pub(crate) start_kind: StartKind,
    pub(crate) lines: Vec<Line>,
    pub(crate) body: Range<usize>,
    pub(crate) trailing: Range<usize>,
    pub(crate) findings: Vec<Finding>,
}

/// Ranges relative to the text of the start line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StartKind {
    Request {
        method: Range<usize>,
        uri: Range<usize>,
        version: Range<usize>,
    },
    Response {
        version: Range<usize>,
        status: u16,
        reason: Range<usize>,
    },
    Malformed,
}

/// One header field with its folded lines.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
    /// The value when the bytes cannot be used as they are: folded, or not UTF-8.
    pub(crate) text: Option<Box<str>>,
    /// Everything, line ends included.
    pub(crate) raw: Range<usize>,
}

struct Cut {
    content: Range<usize>,
    next: usize,
}

/// Indexes one datagram (or one framed message of a stream).
pub(crate) fn index(bytes: &[u8]) -> Index {
    let mut findings = Vec::new();
    let mut bare_lf = false;
    let mut at = 0;
    // empty lines before the start line are to be ignored (RFC 3261 7.5)
    while matches!(bytes.get(at..), Some([b'\n', ..] | [b'\r', b'\n', ..])) {
        at += if bytes.get(at) == Some(&b'\n') { 1 } else { 2 };
    }
    if at > 0 && at < bytes.len() {
        findings.push(Finding::new(
            "leading-crlf",
            "RFC 3261 7.5",
            "empty lines before the start line",
        ));
    }
    let cut = next_line(bytes, at, &mut bare_lf);
    let start = cut.content;
    at = cut.next;

    let mut lines: Vec<Line> = Vec::with_capacity(16);
    let mut folded = false;
    let mut complete = false;
    while at < bytes.len() {
        let first = at;
        let cut = next_line(bytes, at, &mut bare_lf);
        at = cut.next;
        if cut.content.is_empty() && cut.next > cut.content.end {
            complete = true;
            break;
        }
        let continues = matches!(bytes.get(first), Some(b' ' | b'\t'));
        match lines.last_mut() {
            Some(line) if continues => {
                line.value.end = cut.content.end;
                line.raw.end = cut.next;
                line.text = Some(Box::default()); // marks the line; the text follows below
                folded = true;
            }
            _ => lines.push(header_line(bytes, first, cut, &mut findings)),
        }
    }
    let body_start = at;

    if bare_lf {
        findings.push(Finding::new(
            "bare-lf",
            "RFC 3261 7",
            "a line ends with LF instead of CRLF",
        ));
    }
    if !complete {
        findings.push(Finding::new(
            "no-blank-line",
            "RFC 3261 7",
            "no empty line ends the header fields",
        ));
    }
    let utf8 = bytes
        .get(..body_start)
        .is_some_and(|head| std::str::from_utf8(head).is_ok());
    if folded || !utf8 {
        own_texts(bytes, &mut lines, &mut findings);
    }
    let start_text = (!utf8)
        .then(|| slice(bytes, &start))
        .and_then(|line| {
            std::str::from_utf8(line)
                .is_err()
                .then(|| String::from_utf8_lossy(line))
        })
        .map(Box::<str>::from);
    if start_text.is_some() {
        findings.push(Finding::new(
            "start-line-not-utf8",
            "RFC 3261 7.1",
            "the start line is not UTF-8",
        ));
    }
    let text = start_text.as_deref().unwrap_or_else(|| text(bytes, &start));
    let start_kind = start_kind(text, &mut findings);
    let (body, trailing) = body(bytes, body_start, &lines, &mut findings);
    Index {
        start,
        start_text,
        start_kind,
        lines,
        body,
        trailing,
        findings,
    }
}

/// A range of the bytes; empty when the range is not inside (which no range of ours is).
pub(crate) fn slice<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}

/// A range as text; empty when it is not UTF-8 (the reader keeps an own text for those).
pub(crate) fn text<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a str {
    std::str::from_utf8(slice(bytes, range)).unwrap_or_default()
}

fn next_line(bytes: &[u8], at: usize, bare_lf: &mut bool) -> Cut {
    let rest = bytes.get(at..).unwrap_or_default();
    match memchr::memchr(b'\n', rest) {
        Some(length) => {
            let end = at + length;
            let crlf = length > 0 && bytes.get(end - 1) == Some(&b'\r');
            *bare_lf |= !crlf;
            Cut {
                content: at..if crlf { end - 1 } else { end },
                next: end + 1,
            }
        }
        None => Cut {
            content: at..bytes.len(),
            next: bytes.len(),
        },
    }
}

fn header_line(bytes: &[u8], first: usize, cut: Cut, findings: &mut Vec<Finding>) -> Line {
    let content = slice(bytes, &cut.content);
    let raw = first..cut.next;
    let shown = || String::from_utf8_lossy(content.get(..60).unwrap_or(content)).into_owned();
    let Some(colon) = memchr::memchr(b':', content) else {
        findings.push(Finding::new(
            "header-without-colon",
            "RFC 3261 7.3.1",
            format!("header line without a colon: {:?}", shown()),
        ));
        return Line {
            name: first..first,
            value: cut.content,
            text: None,
            raw,
        };
    };
    // HCOLON allows white space before the colon (RFC 3261 25.1)
    let name = content.get(..colon).unwrap_or_default().trim_ascii_end();
    if name.is_empty() || !name.iter().all(|byte| names::is_token(*byte)) {
        findings.push(Finding::new(
            "header-name-invalid",
            "RFC 3261 25.1",
            format!("header name is not a token: {:?}", shown()),
        ));
    } else if let [letter] = name {
        let letter = char::from(*letter);
        findings.push(Finding::new(
            "compact-name",
            "RFC 3261 7.3.3",
            format!("compact header name {letter:?}"),
        ));
    }
    Line {
        name: first..first + name.len(),
        value: first + colon + 1..cut.content.end,
        text: None,
        raw,
    }
}

/// Gives folded and non-UTF-8 values a text of their own.
fn own_texts(bytes: &[u8], lines: &mut [Line], findings: &mut Vec<Finding>) {
    for line in lines {
        let value = slice(bytes, &line.value);
        let folded = line.text.is_some();
        let valid = std::str::from_utf8(slice(bytes, &line.raw)).is_ok();
        let name = String::from_utf8_lossy(slice(bytes, &line.name));
        if folded {
            findings.push(Finding::new(
                "folded-header",
                "RFC 3261 7.3.1",
                format!("header {name} is folded"),
            ));
        }
        if !valid {
            findings.push(Finding::new(
                "header-not-utf8",
                "RFC 3261 7.3.1",
                format!("header {name} is not UTF-8"),
            ));
        }
        if folded || !valid {
            line.text = Some(unfold(&String::from_utf8_lossy(value)).into());
        }
    }
}

/// Each line end with the white space around it becomes one space (RFC 3261 7.3.1).
fn unfold(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for (index, part) in value.split('\n').enumerate() {
        let part = part.strip_suffix('\r').unwrap_or(part);
        let part = if index == 0 {
            part.trim_ascii_end()
        } else {
            part.trim_ascii()
        };
        if index > 0 && !out.is_empty() && !part.is_empty() {
            out.push(' ');
        }
        out.push_str(part);
    }
    out
}

fn start_kind(line: &str, findings: &mut Vec<Finding>) -> StartKind {
    let mut push = |code, message: String| findings.push(Finding::new(code, "RFC 3261 7.1", message));
    let trimmed = line.trim_ascii();
    let offset = line.len() - line.trim_ascii_start().len();
    let span = |part: &str, from: usize| from..from + part.len();
    let shown: String = line.chars().take(80).collect();
    let Some((first, rest)) = trimmed.split_once([' ', '\t']) else {
        push(
            "start-line-malformed",
            format!("neither a request line nor a status line: {shown:?}"),
        );
        return StartKind::Malformed;
    };
    let mut space = trimmed.len() != line.len();
    let mut odd_status = false;
    let kind = if first
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("SIP/"))
    {
        let from = offset + first.len() + 1;
        // the reason phrase may be empty (RFC 4475 3.1.1.13): the line then ends with a space
        space = offset > 0;
        // the space stays even when the reason phrase is empty (RFC 3261 25.1 Status-Line)
        let written = line.get(from..).unwrap_or_default();
        if written.bytes().all(|byte| byte.is_ascii_digit()) {
            push(
                "reason-space-missing",
                format!("no space follows the status code: {shown:?}"),
            );
        }
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let digits = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        match status.parse() {
            Ok(status_code) if digits => {
                odd_status = !(100..700).contains(&status_code);
                StartKind::Response {
                    version: span(first, offset),
                    status: status_code,
                    reason: span(reason, from + (status.len() + 1).min(rest.len())),
                }
            }
            _ => {
                findings.push(Finding::new(
                    "status-code-invalid",
                    "RFC 3261 7.2",
                    format!("in {shown:?}"),
                ));
                return StartKind::Malformed;
            }
        }
    } else {
        let Some((uri, version)) = rest
            .rsplit_once([' ', '\t'])
            .filter(|(_, version)| version.contains('/'))
        else {
            push(
                "start-line-malformed",
                format!("no SIP version ends the request line: {shown:?}"),
            );
            return StartKind::Malformed;
        };
        let uri_at = offset + first.len() + 1 + (uri.len() - uri.trim_ascii_start().len());
        let inner = uri.trim_ascii();
        space |= inner.len() != uri.len() || inner.contains([' ', '\t']);
        if inner.is_empty() {
            push("start-line-malformed", format!("no Request-URI in {shown:?}"));
            return StartKind::Malformed;
        }
        if inner.starts_with('<') {
            push(
                "request-uri-in-brackets",
                format!("the Request-URI is in angle brackets: {shown:?}"),
            );
        }
        if !first.bytes().all(names::is_token) {
            push("method-invalid", format!("the method is not a token: {shown:?}"));
        }
        let version_at = offset + trimmed.len() - version.len();
        StartKind::Request {
            method: span(first, offset),
            uri: span(inner, uri_at),
            version: span(version, version_at),
        }
    };
    let version = match &kind {
        StartKind::Request { version, .. } | StartKind::Response { version, .. } => version.clone(),
        StartKind::Malformed => 0..0,
    };
    if line
        .get(version)
        .is_some_and(|version| !version.eq_ignore_ascii_case("SIP/2.0"))
    {
        push("version-unsupported", format!("not SIP/2.0: {shown:?}"));
    }
    if odd_status {
        push(
            "status-code-invalid",
            format!("the status code is not of 100 to 699: {shown:?}"),
        );
    }
    if space {
        push(
            "start-line-whitespace",
            format!("more than single spaces between the parts of {shown:?}"),
        );
    }
    kind
}

/// Cuts the body at Content-Length (RFC 3261 18.3); without a usable one it goes to the end of the datagram.
fn body(
    bytes: &[u8],
    start: usize,
    lines: &[Line],
    findings: &mut Vec<Finding>,
) -> (Range<usize>, Range<usize>) {
    let length = content_length(bytes, lines, findings);
    let present = bytes.len() - start;
    let end = match length {
        Some(length) if length > present => {
            findings.push(Finding::new(
                "content-length-too-large",
                "RFC 3261 18.3",
                format!("Content-Length is {length}, but only {present} bytes follow the header fields"),
            ));
            bytes.len()
        }
        Some(length) => start + length,
        None => bytes.len(),
    };
    if end < bytes.len() {
        findings.push(Finding::new(
            "trailing-bytes",
            "RFC 3261 18.3",
            format!("{} bytes after the body", bytes.len() - end),
        ));
    }
    (start..end, end..bytes.len())
}

/// The first Content-Length that is a number; several different ones are a finding.
pub(crate) fn content_length(bytes: &[u8], lines: &[Line], findings: &mut Vec<Finding>) -> Option<usize> {
    let mut found: Option<usize> = None;
    let mut seen = 0_usize;
    for line in lines {
        let name = slice(bytes, &line.name);
        if !(name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l")) {
            continue;
        }
        seen += 1;
        let value = line
            .text
            .as_deref()
            .unwrap_or_else(|| text(bytes, &line.value))
            .trim();
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse::<usize>() {
            Ok(length) if digits => match found {
                Some(first) if first != length => findings.push(Finding::new(
                    "content-length-conflict",
                    "RFC 3261 7.3.1",
                    format!("Content-Length is both {first} and {length}"),
                )),
                Some(_) => {}
                None => found = Some(length),
            },
            _ => findings.push(Finding::new(
                "content-length-invalid",
                "RFC 3261 20.14",
                format!("Content-Length {value:?} is not a decimal number"),
            )),
        }
    }
    if seen > 1 {
        findings.push(Finding::new(
            "content-length-repeated",
            "RFC 3261 7.3.1",
            "Content-Length more than once",
        ));
    }
    found
}
