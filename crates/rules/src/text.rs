//! Small readings of header text.

use std::hash::{BuildHasher, Hash};

use voxproof_sip::{HeaderView, NameAddr, OwnView, Uri};

use crate::hash::BuildFolding;
use crate::reading::Reading;

/// `token` (RFC 3261 25.1).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
                )
        })
}

pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Elements of a list header of plain tokens (Allow, Supported, Require), over all its fields.
pub(crate) fn tokens<'a>(message: &Reading<'a>, name: &str) -> impl Iterator<Item = &'a str> {
    message
        .headers(name)
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
}

/// Whether a list header has this element, in any case (option tags and tokens compare without it).
pub(crate) fn lists(message: &Reading<'_>, name: &str, element: &str) -> bool {
    message
        .headers(name)
        .flat_map(|value| value.split(','))
        .any(|found| found.trim().eq_ignore_ascii_case(element))
}

/// Every element of an address list header that can be read.
pub(crate) fn addresses(message: &Reading<'_>, name: &str) -> Vec<NameAddr> {
    if message.header(name).is_none() {
        return Vec::new();
    }
    message
        .header_values(name)
        .iter()
        .filter_map(|value| OwnView.name_addr(value).ok())
        .collect()
}

/// Whether two URIs lead to the same place: scheme, user, host and port (RFC 3261 19.1.4, without parameters, which
/// peers drop and add).
pub(crate) fn same_place(one: &Uri, other: &Uri) -> bool {
    if !one.is_sip() || !other.is_sip() {
        return one.raw.eq_ignore_ascii_case(&other.raw);
    }
    let port = |uri: &Uri| uri.port.unwrap_or(if uri.scheme == "sips" { 5061 } else { 5060 });
    one.scheme == other.scheme
        && unescaped(one.user.as_deref()) == unescaped(other.user.as_deref())
        && one.host.eq_ignore_ascii_case(&other.host)
        && port(one) == port(other)
}

/// Whether two URIs name the same user at the same host, whatever port, parameters and scheme.
pub(crate) fn same_name(one: &Uri, other: &Uri) -> bool {
    unescaped(one.user.as_deref()) == unescaped(other.user.as_deref())
        && one.host.eq_ignore_ascii_case(&other.host)
}

/// Escapes of characters that need none are equal to the character (RFC 3261 19.1.4).
fn unescaped(text: Option<&str>) -> Vec<u8> {
    let bytes = text.unwrap_or_default().as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let decoded = match (first, tail) {
            (b'%', [high, low, ..]) => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        match decoded {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

fn hexadecimal(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Whether every `%` of an escaped text has two hexadecimal digits behind it and every other byte is allowed.
pub(crate) fn is_escaped(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            (b'%', _) => return false,
            (byte, after) if allowed(*byte) => after,
            _ => return false,
        };
    }
    true
}

pub(crate) fn hash(value: &impl Hash) -> u64 {
    BuildFolding::default().hash_one(value)
}

/// A value for a message, not longer than a line.
pub(crate) fn shown(text: &str) -> String {
    const LIMIT: usize = 80;
    let mut out: String = text.chars().take(LIMIT).collect();
    if out.len() < text.len() {
        out.push_str("...");
    }
    format!("{out:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_compare_as_uris() {
        let same = |a: &str, b: &str| same_place(&Uri::parse(a).unwrap(), &Uri::parse(b).unwrap());
        assert!(same("sip:%61lice@Example.com", "sip:alice@example.com:5060;lr"));
        assert!(!same("sip:Alice@example.com", "sip:alice@example.com"));
        assert!(!same("sips:a@h", "sip:a@h") && !same("sip:a@h:5070", "sip:a@h"));
    }

    #[test]
    fn escapes_need_two_digits() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric();
        assert!(is_escaped("a%20b", plain) && is_escaped("", plain));
        assert!(!is_escaped("a%2", plain) && !is_escaped("a%zz", plain) && !is_escaped("a b", plain));
    }
}
