//! The outer form of a message: start line, header lines, line ends.

use voxproof_sip::{Message, StartLine};

use crate::catalogue::Id;
use crate::facts::Context;
use crate::ledger::{Ledger, Spot};
use crate::observation::Transport;
use crate::text::{is_escaped, is_token, shown};

/// Fields whose value is one, with their compact form (RFC 3261 7.3.1 with the grammar of 25.1, RFC 6665 8.4).
const SINGLE: [(&str, u8); 19] = [
    ("from", b'f'),
    ("to", b't'),
    ("call-id", b'i'),
    ("cseq", 0),
    ("max-forwards", 0),
    ("content-type", b'c'),
    ("content-length", b'l'),
    ("content-disposition", 0),
    ("expires", 0),
    ("min-expires", 0),
    ("date", 0),
    ("subject", b's'),
    ("timestamp", 0),
    ("event", b'o'),
    ("subscription-state", 0),
    ("session-expires", b'x'),
    ("user-agent", 0),
    ("server", 0),
    ("replaces", 0),
];

/// Fields that a response copies from its request (RFC 3261 8.2.6, 12.1.1): their form is the sender's of the request.
const COPIED: [&str; 11] = [
    "via",
    "v",
    "from",
    "f",
    "to",
    "t",
    "call-id",
    "i",
    "cseq",
    "record-route",
    "timestamp",
];

const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "PRACK",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "INFO",
    "REFER",
    "MESSAGE",
    "UPDATE",
];

/// A datagram that keeps a binding open or belongs to another protocol on the port: CRLF (RFC 5626 3.5.1), zeros,
/// STUN (RFC 5626 3.5.2).
pub(crate) fn is_no_sip(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0))
        || matches!(bytes.first(), Some(0..=3))
}

/// A start line that cannot be read.
pub(crate) fn malformed(message: &Message, spot: Spot, ledger: &mut Ledger) {
    if let StartLine::Malformed(line) = message.start_line() {
        ledger.check(Id::StartLine, spot, false, || {
            format!(
                "neither a request line nor a status line: {}",
                shown(&String::from_utf8_lossy(line))
            )
        });
    }
}

pub(crate) fn check(cx: &mut Context<'_, '_>) {
    start_line(cx);
    header_lines(cx);
    mandatory(cx);
    let facts = cx.facts;
    if facts.is_request && facts.transport == Transport::Udp {
        let size = facts.message.bytes().len();
        cx.check(Id::DatagramSize, size <= 1300, || {
            format!("request of {size} bytes by UDP; above 1300 it goes by a congestion-controlled transport")
        });
    }
    if facts.is_request || facts.status > 100 {
        let name = if facts.is_request { "user-agent" } else { "server" };
        let named = facts.has(name) || facts.has("user-agent");
        cx.check(Id::UserAgent, named, || format!("no {name} header"));
    }
}

fn start_line(cx: &mut Context<'_, '_>) {
    let message = cx.facts.message;
    cx.check(Id::StartLine, true, String::new);
    let found = |code: &str| message.findings().iter().any(|finding| finding.code == code);
    cx.check(Id::StartLineSpaces, !found("start-line-whitespace"), || {
        "more than single spaces between the parts of the start line".to_owned()
    });
    match message.start_line() {
        StartLine::Request { method, uri, version } => {
            cx.check(Id::Version, version == "SIP/2.0", || {
                format!("version {version:?}, expected \"SIP/2.0\"")
            });
            cx.check(Id::MethodToken, is_token(method), || {
                format!("method {method:?} is not a token")
            });
            cx.check(Id::MethodKnown, METHODS.contains(&method), || {
                format!("method {method:?} is not registered; methods are case-sensitive")
            });
            cx.check(Id::UriBrackets, !uri.starts_with('<'), || {
                format!("Request-URI {uri:?} is in angle brackets")
            });
            request_uri(cx, uri.trim_start_matches('<').trim_end_matches('>'));
        }
        StartLine::Response { version, status, .. } => {
            cx.check(Id::Version, version == "SIP/2.0", || {
                format!("version {version:?}, expected \"SIP/2.0\"")
            });
            cx.check(Id::StatusCode, (100..700).contains(&status), || {
                format!("status code {status} is not of 100 to 699")
            });
        }
        StartLine::Malformed(_) => {}
    }
}

fn request_uri(cx: &mut Context<'_, '_>, uri: &str) {
    let parsed = voxproof_sip::Uri::parse(uri);
    cx.check(Id::UriReadable, parsed.is_ok(), || {
        format!("Request-URI {} is not a URI", shown(uri))
    });
    let Ok(parsed) = parsed else { return };
    if parsed.is_sip() {
        let clean = parsed.headers.is_empty() && !parsed.params.has("method");
        cx.check(Id::UriParts, clean, || {
            format!("Request-URI {} has headers or a method parameter", shown(uri))
        });
        // inside a dialog it is the peer's Contact
        if cx.facts.tag_of_to().is_none() {
            check_user(cx, parsed.user.as_deref());
        }
    }
}

/// `user` of a SIP URI (RFC 3261 25.1): unreserved, escaped and user-unreserved.
pub(crate) fn check_user(cx: &mut Context<'_, '_>, user: Option<&str>) {
    let Some(user) = user else { return };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte);
    cx.check(Id::UriEscapes, is_escaped(user, allowed), || {
        format!(
            "user part {} has a character that must be escaped as %HH",
            shown(user)
        )
    });
}

fn header_lines(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    let message = facts.message;
    let has = |code: &str| message.findings().iter().any(|finding| finding.code == code);
    cx.check(Id::LineEnds, !has("bare-lf"), || {
        "a line ends with LF instead of CRLF".to_owned()
    });
    cx.check(Id::EmptyLine, !has("no-blank-line"), || {
        "no empty line ends the header fields".to_owned()
    });
    let bytes = message.bytes();
    let head = bytes
        .get(..bytes.len() - message.body().len() - message.trailing().len())
        .unwrap_or(bytes);
    let mut scan = Scan::default();
    let mut own = true;
    for (number, line) in head.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if number > 0 && !matches!(line, [b' ' | b'\t', ..]) {
            own = scan.name(line, facts.is_request, number);
        }
        if own {
            scan.text(line);
        }
    }
    cx.check(Id::HeaderLine, scan.broken.is_none(), || {
        let line = scan.broken.unwrap_or_default();
        format!(
            "{} is not a token, a colon and a value",
            shown(&String::from_utf8_lossy(line))
        )
    });
    cx.check(Id::HeaderUtf8, scan.not_utf8.is_none(), || {
        let line = scan.not_utf8.unwrap_or_default();
        format!("{} is not UTF-8", shown(&String::from_utf8_lossy(line)))
    });
    cx.check(Id::ControlCharacters, scan.control.is_none(), || {
        let line = scan.control.unwrap_or_default();
        format!(
            "{} has a control character",
            shown(&String::from_utf8_lossy(line))
        )
    });
    cx.check(Id::SpaceBeforeColon, !scan.space_before_colon, || {
        "white space between a field name and its colon".to_owned()
    });
    let repeated = scan.counts.iter().position(|count| *count > 1);
    cx.check(Id::SingleFields, repeated.is_none(), || {
        let name = repeated
            .and_then(|index| SINGLE.get(index))
            .map_or("", |(name, _)| name);
        format!("more than one {name} header")
    });
    if facts.is_request {
        let in_order = scan.first_via < scan.first_end_to_end;
        cx.check(Id::HeaderOrder, in_order, || {
            "Via stands behind fields that proxies do not need".to_owned()
        });
    }
}

/// One pass over the header lines.
#[derive(Default)]
struct Scan<'a> {
    counts: [u8; SINGLE.len()],
    broken: Option<&'a [u8]>,
    not_utf8: Option<&'a [u8]>,
    control: Option<&'a [u8]>,
    space_before_colon: bool,
    first_via: usize,
    first_end_to_end: usize,
}

impl<'a> Scan<'a> {
    /// Takes a line that starts a field; whether the device authored the value.
    fn name(&mut self, line: &'a [u8], is_request: bool, number: usize) -> bool {
        let Some((name, _)) = line
            .iter()
            .position(|byte| *byte == b':')
            .and_then(|colon| line.split_at_checked(colon))
        else {
            self.broken.get_or_insert(line);
            return true;
        };
        let trimmed = name.trim_ascii_end();
        self.space_before_colon |= trimmed.len() != name.len();
        let name = std::str::from_utf8(trimmed).unwrap_or_default();
        if !is_token(name) {
            self.broken.get_or_insert(line);
        }
        let compact = match trimmed {
            [letter] => letter.to_ascii_lowercase(),
            _ => 0,
        };
        let index = SINGLE.iter().position(|(long, letter)| {
            (compact != 0 && *letter == compact)
                || (long.len() == name.len() && long.eq_ignore_ascii_case(name))
        });
        if let Some(count) = index.and_then(|index| self.counts.get_mut(index)) {
            *count = count.saturating_add(1);
        }
        if name.eq_ignore_ascii_case("via") || compact == b'v' {
            if self.first_via == 0 {
                self.first_via = number;
            }
        } else if self.first_end_to_end == 0 && index.is_some_and(|index| index != 4) {
            self.first_end_to_end = number;
        }
        is_request || !COPIED.iter().any(|copied| copied.eq_ignore_ascii_case(name))
    }

    fn text(&mut self, line: &'a [u8]) {
        if self.control.is_none() {
            let mut before = 0;
            for &byte in line {
                // quoted-pair allows control characters behind a backslash (RFC 3261 25.1)
                if (byte < b' ' && byte != b'\t' || byte == 0x7f) && before != b'\\' {
                    self.control = Some(line);
                    break;
                }
                before = byte;
            }
        }
        if self.not_utf8.is_none() && std::str::from_utf8(line).is_err() {
            self.not_utf8 = Some(line);
        }
    }
}

fn mandatory(cx: &mut Context<'_, '_>) {
    let message = cx.facts.message;
    let missing = ["via", "from", "to", "call-id", "cseq"]
        .into_iter()
        .find(|name| message.header(name).is_none());
    let id = if cx.facts.is_request {
        Id::RequestFields
    } else {
        Id::ResponseFields
    };
    cx.check(id, missing.is_none(), || {
        format!("no {} header", missing.unwrap_or_default())
    });
    if !cx.facts.is_request {
        return;
    }
    let hops = message.header("max-forwards");
    cx.check(Id::MaxForwards, hops.is_some(), || {
        "no Max-Forwards header".to_owned()
    });
    if let Some(value) = hops {
        let number = value
            .parse::<u32>()
            .ok()
            .filter(|_| crate::text::is_digits(value));
        cx.check(
            Id::MaxForwardsRange,
            number.is_some_and(|hops| hops <= 255),
            || format!("Max-Forwards {value:?}, expected 0 to 255"),
        );
        cx.check(Id::MaxForwardsValue, number == Some(70), || {
            format!("Max-Forwards {value:?}, expected 70")
        });
    }
}
