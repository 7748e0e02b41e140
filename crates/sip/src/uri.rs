//! SIP and SIPS URIs (RFC 3261 19.1); tel and other schemes are kept as text.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::params::Params;

/// A URI. For `sip` and `sips` every part is split; for `tel` the number is in `user` with its parameters; any other
/// scheme has only `scheme` and `raw`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uri {
    /// Scheme, lower-case.
    pub scheme: String,
    /// User part as written (escapes kept), for `tel` the number.
    pub user: Option<String>,
    /// Password of the user part.
    pub password: Option<String>,
    /// Host name or address. IPv6 is held without brackets; [`Uri::host_port`] writes them. Empty for other schemes.
    pub host: String,
    /// Port, when written.
    pub port: Option<u16>,
    /// URI parameters in order.
    pub params: Params,
    /// URI headers in order, escapes kept.
    pub headers: Vec<(String, String)>,
    /// The text this was parsed from; empty for a URI made from parts.
    pub raw: String,
}

/// Why a text is not a URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// No `scheme:` in front, or characters that a scheme cannot have.
    #[error("uri has no valid scheme: {0:?}")]
    Scheme(String),
    /// White space, a control character, a quote or an angle bracket inside.
    #[error("uri has a character that must be escaped: {0:?}")]
    Character(String),
    /// Host missing or not a host name, IPv4 or bracketed IPv6 address.
    #[error("uri has no valid host: {0:?}")]
    Host(String),
    /// Port not a number of 0 to 65535.
    #[error("uri has no valid port: {0:?}")]
    Port(String),
}

impl Uri {
    /// Reads one URI (no angle brackets, no header parameters).
    ///
    /// # Errors
    /// When the text is not a URI, or a `sip`/`sips` URI whose host or port is not one (RFC 3261 25.1).
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text
            .chars()
            .any(|c| c.is_ascii_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
        {
            return Err(UriError::Character(text.to_owned()));
        }
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| UriError::Scheme(text.to_owned()))?;
        let mut letters = scheme.bytes();
        let valid = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if !valid {
            return Err(UriError::Scheme(text.to_owned()));
        }
        let mut uri = Self {
            scheme: scheme.to_ascii_lowercase(),
            raw: text.to_owned(),
            ..Self::default()
        };
        match uri.scheme.as_str() {
            "sip" | "sips" => uri.read_sip(rest)?,
            "tel" => {
                let (number, params) = rest.split_once(';').unwrap_or((rest, ""));
                uri.user = Some(number.to_owned());
                uri.params = Params::parse(params);
            }
            _ => {}
        }
        Ok(uri)
    }

    fn read_sip(&mut self, rest: &str) -> Result<(), UriError> {
        // neither user nor host may hold an unescaped `@`, while a user may hold `;` and `?` (RFC 3261 25.1),
        // so the first `@` ends the user part before anything else is split
        let rest = match rest.split_once('@') {
            Some((userinfo, rest)) => {
                let (user, password) = match userinfo.split_once(':') {
                    Some((user, password)) => (user, Some(password.to_owned())),
                    None => (userinfo, None),
                };
                self.user = Some(user.to_owned());
                self.password = password;
                rest
            }
            None => rest,
        };
        let (rest, headers) = rest.split_once('?').unwrap_or((rest, ""));
        let (host_port, params) = rest.split_once(';').unwrap_or((rest, ""));
        (self.host, self.port) = split_host_port(host_port)?;
        self.params = Params::parse(params);
        self.headers = headers
            .split('&')
            .filter(|header| !header.is_empty())
            .map(|header| header.split_once('=').unwrap_or((header, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(())
    }

    /// `host` or `host:port`, IPv6 in brackets.
    pub fn host_port(&self) -> String {
        join_host_port(&self.host, self.port)
    }

    /// Whether the scheme is `sip` or `sips`.
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme.as_str(), "sip" | "sips")
    }

    /// The URI as a Request-URI: `method` parameter and headers are not allowed there (RFC 3261 19.1.1, Table 1).
    pub fn to_request_uri(&self) -> String {
        if self.headers.is_empty() && !self.params.has("method") {
            return self.to_string();
        }
        let mut uri = self.clone();
        uri.params.remove("method");
        uri.headers.clear();
        uri.to_string()
    }

    fn write_parts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
        }
        if self.is_sip() {
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            if self.user.is_some() {
                f.write_str("@")?;
            }
            f.write_str(&self.host_port())?;
        }
        write!(f, "{}", self.params)?;
        for (index, (name, value)) in self.headers.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Display for Uri {
    /// The original text as long as no part was changed after parsing, else the parts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::parse(&self.raw) {
            Ok(original) if original == *self => f.write_str(&self.raw),
            _ => self.write_parts(f),
        }
    }
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Splits `host[:port]`; IPv6 must be in brackets and is returned without them.
pub(crate) fn split_host_port(text: &str) -> Result<(String, Option<u16>), UriError> {
    let host_error = || UriError::Host(text.to_owned());
    let (host, rest) = if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']').ok_or_else(host_error)?;
        address.parse::<Ipv6Addr>().map_err(|_| host_error())?;
        (address, rest)
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let (host, rest) = text.split_at(end);
        // `_` is not in the grammar but common in real host names; it harms nothing
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if host.is_empty() || !host.bytes().all(valid) {
            return Err(host_error());
        }
        (host, rest)
    };
    let port = match rest.strip_prefix(':') {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| UriError::Port(text.to_owned()))?)
        }
        Some(_) => return Err(UriError::Port(text.to_owned())),
        None if rest.is_empty() => None,
        None => return Err(host_error()),
    };
    Ok((host.to_owned(), port))
}

/// Text with its `%HH` escapes resolved (RFC 3261 19.1.2); `None` when the bytes are not UTF-8. A `%` without two
/// digits stands for itself.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = (*byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match digits {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// Text with everything escaped that a URI header value cannot hold (RFC 3261 25.1 `hvalue`).
pub(crate) fn escape_header(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'[' | b']'
                    | b'/'
                    | b'?'
                    | b':'
                    | b'+'
                    | b'$'
                    | b'-'
                    | b'_'
                    | b'.'
                    | b'!'
                    | b'~'
                    | b'*'
                    | b'\''
                    | b'('
                    | b')'
            );
        if plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `host[:port]` with IPv6 in brackets.
pub(crate) fn join_host_port(host: &str, port: Option<u16>) -> String {
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_sip_uri() {
        let uri =
            Uri::parse("SIP:alice:secret@[2001:db8::1]:5070;transport=tcp;lr?Subject=a%20b&X=").unwrap();
        assert_eq!((uri.scheme.as_str(), uri.user.as_deref()), ("sip", Some("alice")));
        assert_eq!(uri.password.as_deref(), Some("secret"));
        assert_eq!((uri.host.as_str(), uri.port), ("2001:db8::1", Some(5070)));
        assert_eq!(uri.host_port(), "[2001:db8::1]:5070");
        assert_eq!(uri.params.value("transport"), Some("tcp"));
        assert_eq!(
            uri.headers,
            [
                ("Subject".to_owned(), "a%20b".to_owned()),
                ("X".to_owned(), String::new())
            ]
        );
        assert_eq!(uri.to_string(), uri.raw);
    }

    #[test]
    fn the_user_part_may_hold_semicolons_and_question_marks() {
        let uri = Uri::parse("sip:user;par=u%40example.net@example.com").unwrap();
        assert_eq!(uri.user.as_deref(), Some("user;par=u%40example.net"));
        assert_eq!(uri.host, "example.com");
        assert!(uri.params.is_empty());
    }

    #[test]
    fn a_changed_uri_prints_its_parts() {
        let mut uri = Uri::parse("sip:bob@192.0.2.1:5060;transport=udp").unwrap();
        uri.port = None;
        assert_eq!(uri.to_string(), "sip:bob@192.0.2.1;transport=udp");
    }

    #[test]
    fn other_schemes_are_kept() {
        let tel = Uri::parse("tel:+12125551212;phone-context=x").unwrap();
        assert_eq!(
            (tel.user.as_deref(), tel.params.value("phone-context")),
            (Some("+12125551212"), Some("x"))
        );
        assert_eq!(tel.to_string(), "tel:+12125551212;phone-context=x");
        let other = Uri::parse("soap.beep://192.0.2.103:3002").unwrap();
        assert_eq!((other.scheme.as_str(), other.host.as_str()), ("soap.beep", ""));
        assert_eq!(other.to_string(), "soap.beep://192.0.2.103:3002");
    }

    #[test]
    fn broken_uris_are_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            "sip:a@",
            "sip:a@b:",
            "sip:a@b:99999",
            "sip:a@b:x",
            "sip:a@[::1",
            "sip:a@[x]",
            "sip:c@d GARBAGE<>",
            "<sip:a@b>",
            "1a:b",
            "sip:a@[::1]x",
            "sip:a@b:+5",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_uri_has_no_method_and_no_headers() {
        let uri = Uri::parse("sip:b@x;method=INVITE;lr?Subject=y").unwrap();
        assert_eq!(uri.to_request_uri(), "sip:b@x;lr");
    }
}
