//! Identifiers of a run, and the few places in a message that are read for each one without decoding all of it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;

use voxproof_sip::{Message, Uri};

/// The magic cookie of RFC 3261 8.1.1.7.
const COOKIE: &str = "z9hG4bK";

/// What makes identifiers of this run differ from those of any other (RFC 3261 8.1.1.4: globally unique).
#[derive(Debug, Clone)]
pub(crate) struct RunToken {
    pub(crate) text: String,
    pub(crate) number: u32,
}

impl RunToken {
    pub(crate) fn new() -> Self {
        // the standard library seeds its hasher from the operating system's random numbers
        let random = RandomState::new().build_hasher().finish();
        Self {
            text: format!("{random:016x}"),
            number: (random >> 32) as u32,
        }
    }
}

/// The place and the ordinal of a call: what its identifiers are made of, so that a message finds its call without a
/// table of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallName {
    pub(crate) place: u32,
    pub(crate) number: u64,
}

impl CallName {
    /// `place-number-token`, the first two hexadecimal.
    pub(crate) fn write(self, token: &RunToken, out: &mut Vec<u8>) {
        push_hexadecimal(out, u64::from(self.place));
        out.push(b'-');
        push_hexadecimal(out, self.number);
        out.push(b'-');
        out.extend_from_slice(token.text.as_bytes());
    }

    /// Reads what [`CallName::write`] wrote in this run.
    pub(crate) fn read(text: &str, token: &RunToken) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let place = u32::from_str_radix(parts.next()?, 16).ok()?;
        let number = u64::from_str_radix(parts.next()?, 16).ok()?;
        (parts.next()? == token.text).then_some(Self { place, number })
    }
}

fn push_hexadecimal(out: &mut Vec<u8>, value: u64) {
    let digits = (64 - value.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        let nibble = (value >> (digit * 4)) & 0xf;
        out.push(b"0123456789abcdef".get(nibble as usize).copied().unwrap_or(b'0'));
    }
}

pub(crate) fn push_decimal(out: &mut Vec<u8>, value: usize) {
    if value >= 10 {
        push_decimal(out, value / 10);
    }
    out.push(b'0' + (value % 10) as u8);
}

/// The first value of a comma list, quoted strings respected.
pub(crate) fn first_value(list: &str) -> &str {
    let mut quoted = false;
    let end = list.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    });
    end.and_then(|end| list.get(..end)).unwrap_or(list)
}

/// A parameter behind the first `;` of a value (behind `>` where there is one).
pub(crate) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let parameters = value.rsplit_once('>').map_or(value, |(_, behind)| behind);
    parameters.split(';').skip(1).find_map(|one| {
        let (key, text) = one.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| text.trim())
    })
}

/// The branch of the top Via without the magic cookie.
pub(crate) fn own_branch(message: &Message) -> Option<&str> {
    parameter(first_value(message.header("via")?), "branch")?.strip_prefix(COOKIE)
}

/// The far end of a dialog: what is needed to write requests in it (RFC 3261 12.1.2, 12.2.1.1).
#[derive(Debug)]
pub(crate) struct Peer {
    /// The far end's From or To, with its tag.
    pub(crate) address: Box<str>,
    /// Request-URI.
    pub(crate) target: Box<str>,
    pub(crate) routes: Box<[Box<str>]>,
    pub(crate) destination: SocketAddr,
}

impl Peer {
    /// The far end as its message tells: `address` is its From or To value, `fallback` the target without a Contact.
    /// The route set is the Record-Route values, reversed for the one who called.
    pub(crate) fn of(
        message: &Message,
        address: &str,
        fallback: &str,
        reversed: bool,
        destination: SocketAddr,
    ) -> Self {
        let contact = message.contacts().into_iter().next();
        let mut target = contact.map_or_else(|| fallback.to_owned(), |contact| contact.uri.to_request_uri());
        let mut next = Uri::parse(&target).ok();
        let mut routes = Vec::new();
        if message.header("record-route").is_some() {
            routes = message.header_values("record-route");
            if reversed {
                routes.reverse();
            }
            let mut hops = message.record_routes();
            if let Some(first) = if reversed {
                hops.pop()
            } else {
                hops.into_iter().next()
            } {
                if !first.uri.params.has("lr") {
                    // a strict router becomes the Request-URI, the target the last route (RFC 3261 12.2.1.1)
                    routes.remove(0);
                    routes.push(format!("<{target}>"));
                    target = first.uri.to_request_uri();
                }
                next = Some(first.uri);
            }
        }
        Self {
            address: address.into(),
            target: target.into(),
            routes: routes.into_iter().map(Into::into).collect(),
            destination: next.and_then(|uri| literal_address(&uri)).unwrap_or(destination),
        }
    }
}

/// The address in a URI, when it is a literal one.
pub(crate) fn literal_address(uri: &Uri) -> Option<SocketAddr> {
    Some(SocketAddr::new(uri.host.parse().ok()?, uri.port.unwrap_or(5060)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_found_behind_the_address() {
        assert_eq!(parameter("<sip:a@b;tag=no>;x;Tag=yes", "tag"), Some("yes"));
        assert_eq!(
            parameter("SIP/2.0/UDP h:1;branch=z9hG4bKq;rport", "branch"),
            Some("z9hG4bKq")
        );
        assert_eq!(parameter("<sip:a@b>", "tag"), None);
        assert_eq!(first_value("\"a,b\" <sip:c>, d"), "\"a,b\" <sip:c>");
    }

    #[test]
    fn the_target_and_routes_of_a_loose_and_a_strict_router() {
        let response = |route: &str| {
            Message::parse(
                format!(
                    "SIP/2.0 200 OK\r\nRecord-Route: <sip:10.0.0.1;lr>, {route}\r\nTo: <sip:b@h>;tag=1\r\nContact: <sip:b@192.0.2.9:5066>\r\n\r\n"
                )
                .as_bytes(),
            )
        };
        let fallback = SocketAddr::from(([192, 0, 2, 1], 5060));
        let loose = Peer::of(
            &response("<sip:10.0.0.2:5070;lr>"),
            "<sip:b@h>;tag=1",
            "sip:b@h",
            true,
            fallback,
        );
        assert_eq!(&*loose.target, "sip:b@192.0.2.9:5066");
        assert_eq!(
            loose.routes.iter().map(|r| &**r).collect::<Vec<_>>(),
            ["<sip:10.0.0.2:5070;lr>", "<sip:10.0.0.1;lr>"]
        );
        assert_eq!(loose.destination, SocketAddr::from(([10, 0, 0, 2], 5070)));
        let strict = Peer::of(
            &response("<sip:10.0.0.2>"),
            "<sip:b@h>;tag=1",
            "sip:b@h",
            true,
            fallback,
        );
        assert_eq!(&*strict.target, "sip:10.0.0.2");
        assert_eq!(
            strict.routes.iter().map(|r| &**r).collect::<Vec<_>>(),
            ["<sip:10.0.0.1;lr>", "<sip:b@192.0.2.9:5066>"]
        );
        let direct = Peer::of(
            &Message::parse(b"SIP/2.0 200 OK\r\n\r\n"),
            "",
            "sip:b@host.example",
            true,
            fallback,
        );
        assert_eq!(
            (&*direct.target, direct.destination),
            ("sip:b@host.example", fallback)
        );
    }

    proptest! {
        #[test]
        fn names_read_back(place: u32, number: u64) {
            let token = RunToken::new();
            let name = CallName { place, number };
            let mut out = Vec::new();
            name.write(&token, &mut out);
            prop_assert_eq!(CallName::read(std::str::from_utf8(&out).unwrap(), &token), Some(name));
            prop_assert_eq!(&out, &format!("{place:x}-{number:x}-{}", token.text).into_bytes());
        }

        #[test]
        fn foreign_text_is_read_without_harm(text in "\\PC{0,40}") {
            let token = RunToken::new();
            prop_assert_eq!(CallName::read(&text, &token), None);
            first_value(&text);
            parameter(&text, "tag");
        }
    }
}
