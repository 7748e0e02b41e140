//! One resource record, read from the text of a case.

use std::time::Duration;

use hickory_proto::rr::rdata::{A, AAAA, CNAME, NAPTR, NS, PTR, SRV, TXT};
use hickory_proto::rr::{Name, RData, RecordType};

/// The longest character-string (RFC 1035 3.3).
const MAX_STRING: usize = 255;

/// A record that the zone holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsRecord {
    pub(super) name: Name,
    pub(super) ttl: u32,
    pub(super) data: RData,
    pub(super) until: Option<Duration>,
}

/// Why the text of a record is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a domain name.
    #[error("`{name}` is not a domain name: {reason}")]
    Name {
        /// What was written.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A type that the lab does not serve.
    #[error("`{0}` is not a record type of the lab; use A, AAAA, SRV, NAPTR, CNAME, TXT, NS or PTR")]
    Type(String),
    /// A value of another form than the type has.
    #[error("`{value}` is not a value of a {kind} record; write {form}")]
    Value {
        /// The type.
        kind: &'static str,
        /// What was written.
        value: String,
        /// The right form.
        form: &'static str,
    },
}

impl DnsRecord {
    /// Reads a record. The value is written as in a zone file (RFC 1035 5.1), with every name in full: `192.0.2.1`,
    /// `10 60 5060 sip.example.com` (RFC 2782), `100 50 "s" "SIP+D2U" "" _sip._udp.example.com` (RFC 3403 4.1). A TXT
    /// value is a sequence of quoted strings, or one string without quotes. In quotes a backslash stands before a quote
    /// or a backslash; elsewhere it is itself, so that regular expressions need no second one. `ttl` is in seconds.
    ///
    /// # Errors
    /// [`RecordError`] says which part is wrong and how it is written.
    pub fn parse(name: &str, kind: &str, value: &str, ttl: u32) -> Result<Self, RecordError> {
        Ok(Self {
            name: domain_name(name)?,
            ttl,
            data: data(record_type(kind)?, value)?,
            until: None,
        })
    }

    /// The same record, but withdrawn at a lab time.
    #[must_use]
    pub fn until(mut self, at: Duration) -> Self {
        self.until = Some(at);
        self
    }

    pub(super) fn record_type(&self) -> RecordType {
        self.data.record_type()
    }

    pub(super) fn is_there(&self, now: Duration) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A name, always in full, with or without the dot at its end.
pub(super) fn domain_name(text: &str) -> Result<Name, RecordError> {
    let mut name = Name::from_ascii(text).map_err(|error| RecordError::Name {
        name: text.to_owned(),
        reason: error.to_string(),
    })?;
    name.set_fqdn(true);
    Ok(name)
}

pub(super) fn record_type(text: &str) -> Result<RecordType, RecordError> {
    Ok(match text.to_ascii_uppercase().as_str() {
        "A" => RecordType::A,
        "AAAA" => RecordType::AAAA,
        "SRV" => RecordType::SRV,
        "NAPTR" => RecordType::NAPTR,
        "CNAME" => RecordType::CNAME,
        "TXT" => RecordType::TXT,
        "NS" => RecordType::NS,
        "PTR" => RecordType::PTR,
        _ => return Err(RecordError::Type(text.to_owned())),
    })
}

fn data(kind: RecordType, value: &str) -> Result<RData, RecordError> {
    let value = value.trim();
    let (name, form) = match kind {
        RecordType::A => ("A", "an IPv4 address"),
        RecordType::AAAA => ("AAAA", "an IPv6 address"),
        RecordType::SRV => (
            "SRV",
            "priority, weight, port and host: 10 60 5060 sip.example.com",
        ),
        RecordType::NAPTR => (
            "NAPTR",
            "order, preference, \"flags\", \"service\", \"regexp\" and replacement: 100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com",
        ),
        RecordType::TXT => (
            "TXT",
            "quoted strings of at most 255 octets, or one without quotes",
        ),
        RecordType::NS => ("NS", "a domain name"),
        RecordType::PTR => ("PTR", "a domain name"),
        _ => ("CNAME", "a domain name"),
    };
    let wrong = || RecordError::Value {
        kind: name,
        value: value.to_owned(),
        form,
    };
    let strings = || tokens(value).ok_or_else(wrong);
    match kind {
        RecordType::A => value.parse().map(|ip| RData::A(A(ip))).map_err(|_| wrong()),
        RecordType::AAAA => value.parse().map(|ip| RData::AAAA(AAAA(ip))).map_err(|_| wrong()),
        RecordType::SRV => match strings()?.as_slice() {
            [priority, weight, port, host] => Ok(RData::SRV(SRV::new(
                priority.parse().map_err(|_| wrong())?,
                weight.parse().map_err(|_| wrong())?,
                port.parse().map_err(|_| wrong())?,
                domain_name(host)?,
            ))),
            _ => Err(wrong()),
        },
        RecordType::NAPTR => match strings()?.as_slice() {
            [order, preference, flags, service, expression, replacement]
                if flags.bytes().all(|flag| flag.is_ascii_alphanumeric()) =>
            {
                Ok(RData::NAPTR(NAPTR::new(
                    order.parse().map_err(|_| wrong())?,
                    preference.parse().map_err(|_| wrong())?,
                    flags.as_bytes().into(),
                    service.as_bytes().into(),
                    expression.as_bytes().into(),
                    domain_name(replacement)?,
                )))
            }
            _ => Err(wrong()),
        },
        RecordType::TXT if value.starts_with('"') => Ok(RData::TXT(TXT::new(strings()?))),
        RecordType::TXT if value.len() <= MAX_STRING => Ok(RData::TXT(TXT::new(vec![value.to_owned()]))),
        RecordType::TXT => Err(wrong()),
        RecordType::NS => Ok(RData::NS(NS(domain_name(value)?))),
        RecordType::PTR => Ok(RData::PTR(PTR(domain_name(value)?))),
        _ => Ok(RData::CNAME(CNAME(domain_name(value)?))),
    }
}

/// Words and quoted strings. Nothing when a quote is not closed, a quote has a letter beside it or a string is too long.
fn tokens(text: &str) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (token, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                (word.to_owned(), behind)
            }
        };
        if token.len() > MAX_STRING || behind.starts_with(|c: char| !c.is_whitespace()) {
            return None;
        }
        tokens.push(token);
        rest = behind.trim_start();
    }
    Some(tokens)
}

fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut string = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match (letter, letters.peek()) {
            ('"', _) => return Some((string, text.get(at + 1..)?)),
            ('\\', Some((_, escaped @ ('"' | '\\')))) => {
                string.push(*escaped);
                letters.next();
            }
            _ => string.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(kind: &str, value: &str) -> String {
        DnsRecord::parse("x.example.com", kind, value, 60)
            .unwrap()
            .data
            .to_string()
    }

    #[test]
    fn each_type_is_read() {
        assert_eq!(text("A", "192.0.2.1"), "192.0.2.1");
        assert_eq!(text("aaaa", "2001:db8::1"), "2001:db8::1");
        assert_eq!(
            text("SRV", "10 60 5060 sip.example.com"),
            "10 60 5060 sip.example.com."
        );
        assert_eq!(text("CNAME", "sip.example.com."), "sip.example.com.");
        assert_eq!(text("NS", "ns.example.com"), "ns.example.com.");
        assert_eq!(text("PTR", "sip.example.com"), "sip.example.com.");
    }

    #[test]
    fn strings_keep_their_backslashes_and_quotes() {
        let record = DnsRecord::parse(
            "4.3.2.1.e164.arpa",
            "NAPTR",
            r#"100 10 "u" "E2U+sip" "!^(.*)$!sip:\1@example.com!" ."#,
            60,
        )
        .unwrap();
        let RData::NAPTR(naptr) = record.data else {
            panic!()
        };
        assert_eq!(&*naptr.regexp, br"!^(.*)$!sip:\1@example.com!");
        assert!(naptr.replacement.is_root());

        let record = DnsRecord::parse("x", "TXT", r#""one \"two\"" "c:\\d""#, 60).unwrap();
        let RData::TXT(txt) = record.data else { panic!() };
        assert_eq!(&*txt.txt_data[0], br#"one "two""#);
        assert_eq!(&*txt.txt_data[1], br"c:\d");
        let record = DnsRecord::parse("x", "TXT", "v=1 all of it", 60).unwrap();
        let RData::TXT(txt) = record.data else { panic!() };
        assert_eq!(&*txt.txt_data[0], b"v=1 all of it");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |kind, value| {
            DnsRecord::parse("x.example.com", kind, value, 60)
                .unwrap_err()
                .to_string()
        };
        assert!(error("A", "2001:db8::1").contains("IPv4"));
        assert!(error("SRV", "10 60 sip.example.com").contains("priority, weight, port and host"));
        assert!(error("SRV", "10 60 70000 sip.example.com").contains("70000"));
        assert!(error("MX", "10 mail").contains("MX"));
        assert!(error("NAPTR", r#"1 1 "s" "SIP+D2U "" x"#).contains("NAPTR"));
        assert!(error("CNAME", "a..b").contains("a..b"));
        assert!(error("TXT", &"x".repeat(256)).contains("255"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(name in ".{0,40}", kind in "A|AAAA|SRV|NAPTR|CNAME|TXT|NS|PTR", value in ".{0,80}") {
            let _ = DnsRecord::parse(&name, &kind, &value, 0);
        }
    }
}
