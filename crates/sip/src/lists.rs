//! Splitting header text outside quotes and angle brackets.

/// Pieces of `text` between top-level separators, trimmed. Quoted strings (with backslash escapes) and `<...>` are
/// not split (RFC 3261 7.3.1, 25.1). Empty pieces are kept.
pub(crate) fn split_top_level(text: &str, separator: u8) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut rest = Scan::new(text);
    while let Some((at, byte)) = rest.next_top_level() {
        if byte == separator {
            pieces.push(text.get(start..at).unwrap_or_default().trim());
            start = at + 1;
        }
    }
    pieces.push(text.get(start..).unwrap_or_default().trim());
    pieces
}

/// Offset of the first top-level `wanted` byte.
pub(crate) fn find_top_level(text: &str, wanted: u8) -> Option<usize> {
    let mut scan = Scan::new(text);
    while let Some((at, byte)) = scan.next_top_level() {
        if byte == wanted {
            return Some(at);
        }
    }
    None
}

/// Walks bytes and yields those outside quotes and angle brackets (the opening marks themselves are yielded).
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    const fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn next_top_level(&mut self) -> Option<(usize, u8)> {
        let at = self.at;
        let byte = *self.bytes.get(at)?;
        self.at += 1;
        match byte {
            b'"' => self.skip_quoted(),
            b'<' => self.skip_until(b'>'),
            _ => {}
        }
        Some((at, byte))
    }

    fn skip_quoted(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'"' => return,
                _ => {}
            }
        }
    }

    fn skip_until(&mut self, end: u8) {
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            if *byte == end {
                return;
            }
        }
    }
}

/// The text of a quoted string without its quotes and escapes; anything else unchanged.
pub(crate) fn unquote(text: &str) -> String {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('"') else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.extend(characters.next()),
            '"' => break,
            other => out.push(other),
        }
    }
    out
}

/// `text` as a quoted string (RFC 3261 25.1 `quoted-string`).
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_split() {
        let pieces = split_top_level(r#""A, \", B" <sip:a,b@x>;q=1 , sip:c@d"#, b',');
        assert_eq!(pieces, [r#""A, \", B" <sip:a,b@x>;q=1"#, "sip:c@d"]);
    }

    #[test]
    fn an_unbalanced_quote_takes_the_rest() {
        assert_eq!(split_top_level("\"a, b", b','), ["\"a, b"]);
        assert_eq!(split_top_level("\"a\\", b','), ["\"a\\"]);
    }

    #[test]
    fn quoting_round_trips() {
        assert_eq!(unquote(&quote("a \"b\" \\c")), "a \"b\" \\c");
    }
}
