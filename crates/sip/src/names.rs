//! Header names: compact forms and canonical spelling.

/// Long lower-case name and compact letter (RFC 3261 20 and the IANA registry of header fields).
const COMPACT: [(&str, u8); 20] = [
    ("accept-contact", b'a'),
    ("referred-by", b'b'),
    ("content-type", b'c'),
    ("request-disposition", b'd'),
    ("content-encoding", b'e'),
    ("from", b'f'),
    ("call-id", b'i'),
    ("reject-contact", b'j'),
    ("supported", b'k'),
    ("content-length", b'l'),
    ("contact", b'm'),
    ("identity-info", b'n'),
    ("event", b'o'),
    ("refer-to", b'r'),
    ("subject", b's'),
    ("to", b't'),
    ("allow-events", b'u'),
    ("via", b'v'),
    ("session-expires", b'x'),
    ("identity", b'y'),
];

/// The compact letter of a long name, if it has one.
pub(crate) fn compact_of(long: &str) -> Option<u8> {
    COMPACT
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(long))
        .map(|(_, letter)| *letter)
}

/// The long name of a compact form, if `name` is one.
pub(crate) fn long_of(name: &str) -> Option<&'static str> {
    let [letter] = name.as_bytes() else { return None };
    let letter = letter.to_ascii_lowercase();
    COMPACT
        .iter()
        .find(|(_, compact)| *compact == letter)
        .map(|(long, _)| *long)
}

/// Lower-case long form of any header name.
pub(crate) fn canonical(name: &str) -> String {
    long_of(name).map_or_else(|| name.to_ascii_lowercase(), str::to_owned)
}

/// Whether the name on the wire means the header asked for (either may be the compact form).
pub(crate) fn same(wire: &str, asked: &str) -> bool {
    if wire.len() == asked.len() {
        return wire.eq_ignore_ascii_case(asked);
    }
    match (wire.as_bytes(), asked.as_bytes()) {
        ([letter], _) => compact_of(asked) == Some(letter.to_ascii_lowercase()),
        (_, [_]) => long_of(asked).is_some_and(|long| wire.eq_ignore_ascii_case(long)),
        _ => false,
    }
}

/// `token` characters (RFC 3261 25.1).
pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_long_names_are_the_same_header_in_both_directions() {
        assert!(same("v", "Via") && same("Via", "v") && same("VIA", "via") && same("V", "v"));
        assert!(!same("v", "To") && !same("t", "Via") && !same("To", "Via"));
    }

    #[test]
    fn unknown_names_are_lower_cased() {
        assert_eq!(canonical("X-Thing"), "x-thing");
        assert_eq!(canonical("M"), "contact");
    }
}
