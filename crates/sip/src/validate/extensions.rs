//! What the standards beyond RFC 3261 say about single header fields, and what no text may hold.

use super::{CombinedView, Finding, HeaderView, Message};
use crate::digest::{Credentials, DigestError};
use crate::headers::{Event, RAck, Reason, ReferTo, Replaces, RetryAfter, SessionExpires, SubscriptionState};
use crate::lists::split_top_level;
use crate::params::Params;

/// Method, the field it must have, and the clause.
const REQUIRED: [(&str, &str, &str); 6] = [
    ("REFER", "refer-to", "RFC 3515 2.4.1"),
    ("SUBSCRIBE", "event", "RFC 6665 8.2.1"),
    ("NOTIFY", "event", "RFC 6665 8.2.1"),
    ("NOTIFY", "subscription-state", "RFC 6665 8.2.3"),
    ("PRACK", "rack", "RFC 3262 7.2"),
    ("PUBLISH", "event", "RFC 3903 4"),
];

type Check = fn(&str) -> Result<(), Finding>;

/// Fields with one value and how it is read.
const VALUES: [(&str, Check); 7] = [
    ("session-expires", |value| SessionExpires::parse(value).map(drop)),
    ("rack", |value| RAck::parse(value).map(drop)),
    ("replaces", |value| Replaces::parse(value).map(drop)),
    ("refer-to", |value| ReferTo::parse(value).map(drop)),
    ("event", |value| Event::parse(value).map(drop)),
    ("subscription-state", |value| {
        SubscriptionState::parse(value).map(drop)
    }),
    ("retry-after", |value| RetryAfter::parse(value).map(drop)),
];

/// Lists and how each value is read.
const LISTS: [(&str, Check); 5] = [
    ("reason", |value| Reason::parse(value).map(drop)),
    ("path", |value| CombinedView.name_addr(value).map(drop)),
    ("service-route", |value| CombinedView.name_addr(value).map(drop)),
    ("p-asserted-identity", |value| {
        CombinedView.name_addr(value).map(drop)
    }),
    ("referred-by", |value| CombinedView.name_addr(value).map(drop)),
];

impl Message {
    pub(super) fn check_extensions(&self, findings: &mut Vec<Finding>) {
        for (method, name, clause) in REQUIRED {
            if self.method() == Some(method) && self.header(name).is_none() {
                let message = format!("no {name} header in a {method}");
                findings.push(Finding::new("header-missing", clause, message));
            }
        }
        for (name, read) in VALUES {
            findings.extend(self.header(name).and_then(|value| read(value).err()));
        }
        for (name, read) in LISTS {
            findings.extend(
                self.header_values(name)
                    .iter()
                    .filter_map(|value| read(value).err()),
            );
        }
        for name in ["rseq", "min-se", "min-expires", "flow-timer"] {
            if let Some(value) = self.header(name) {
                let digits = value.split(';').next().unwrap_or_default().trim();
                let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                if !number || digits.parse::<u32>().is_err() {
                    let message = format!("{name} {value:?} is not a number below 2**32");
                    findings.push(Finding::new("number-invalid", "RFC 3261 25.1", message));
                }
            }
        }
        for name in ["authorization", "proxy-authorization"] {
            for value in self.headers(name) {
                match Credentials::parse(value) {
                    // another scheme than Digest is none of our business
                    Ok(_) | Err(DigestError::Scheme(_)) => {}
                    Err(error) => findings.push(Finding::new(
                        "credentials-invalid",
                        "RFC 3261 22.4",
                        format!("{name}: {error}"),
                    )),
                }
            }
        }
    }

    /// Control characters in a value: there is none but tab in any text, unless a backslash stands in front of it
    /// (RFC 3261 25.1 quoted-pair).
    pub(super) fn check_characters(&self, findings: &mut Vec<Finding>) {
        for line in self.header_lines() {
            let mut escaped = false;
            let bad = line.value.bytes().any(|byte| {
                let bad = byte.is_ascii_control() && byte != b'\t' && !escaped;
                escaped = byte == b'\\' && !escaped;
                bad
            });
            if bad {
                let message = format!("a control character in {}", line.raw_name);
                findings.push(Finding::new("control-character", "RFC 3261 25.1", message));
            }
        }
    }

    /// A parameter may stand once (RFC 3261 7.3.1); Contact with `*` is for REGISTER (10.2.2).
    pub(super) fn check_parameters(&self, findings: &mut Vec<Finding>) {
        let mut repeated = |params: &Params, name: &str| {
            // each is compared with those before it: a header full of parameters must not take seconds
            let again = params.iter().enumerate().take(200).find(|(index, (one, _))| {
                params
                    .iter()
                    .take(*index)
                    .any(|(other, _)| other.eq_ignore_ascii_case(one))
            });
            if let Some((_, (parameter, _))) = again {
                let message = format!("parameter {parameter} twice in {name}");
                findings.push(Finding::new("parameter-repeated", "RFC 3261 7.3.1", message));
            }
        };
        for (name, address) in [("From", self.from()), ("To", self.to())] {
            if let Some(address) = address {
                repeated(&address.params, name);
            }
        }
        for via in self.vias() {
            repeated(&via.params, "Via");
        }
        let star = self
            .headers("contact")
            .any(|value| split_top_level(value, b',').contains(&"*"));
        if star && self.cseq_method() != Some("REGISTER") {
            findings.push(Finding::new(
                "contact-star",
                "RFC 3261 10.2.2",
                "Contact * stands in a message that is no REGISTER",
            ));
        }
    }

    /// The sent-protocol of a Via and the value of `rport` (RFC 3261 20.42, RFC 3581 3).
    pub(super) fn check_via_parts(&self, findings: &mut Vec<Finding>) {
        for value in self.header_values("via") {
            let mut parts = value.split('/').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let version = parts.next().unwrap_or_default();
            if parts.next().is_some() && !(name.eq_ignore_ascii_case("SIP") && version == "2.0") {
                let message = format!("sent-protocol {name}/{version} is not SIP/2.0");
                findings.push(Finding::new("via-protocol", "RFC 3261 20.42", message));
            }
            let Ok(via) = CombinedView.via(&value) else {
                continue;
            };
            if let Some(port) = via
                .params
                .value("rport")
                .filter(|port| port.parse::<u16>().is_err())
            {
                let message = format!("rport {port:?} is not a port");
                findings.push(Finding::new("via-rport-invalid", "RFC 3581 3", message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    fn codes(extra: &str, method: &str) -> Vec<&'static str> {
        let text = format!(
            "{method} sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
             From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n{extra}\r\n"
        );
        let findings = Message::parse(text.as_bytes()).validate();
        findings
            .iter()
            .filter(|finding| finding.severity() == Severity::Violation)
            .map(|finding| finding.code)
            .collect()
    }

    #[test]
    fn each_rule_finds_its_fault() {
        let cases = [
            ("REFER", "", "header-missing"),
            ("PRACK", "", "header-missing"),
            ("PRACK", "RAck: 1 2\r\n", "rack-invalid"),
            ("OPTIONS", "Session-Expires: x\r\n", "session-expires-invalid"),
            ("OPTIONS", "Replaces: x\r\n", "replaces-invalid"),
            ("REFER", "Refer-To: nobody\r\n", "uri-invalid"),
            ("OPTIONS", "Retry-After: soon\r\n", "retry-after-invalid"),
            ("OPTIONS", "Path: <sip:x\r\n", "address-invalid"),
            ("OPTIONS", "Min-SE: -5\r\n", "number-invalid"),
            ("OPTIONS", "Authorization: Digest x\r\n", "credentials-invalid"),
            ("OPTIONS", "Subject: a\x01b\r\n", "control-character"),
            ("OPTIONS", "Contact: *\r\n", "contact-star"),
            (
                "OPTIONS",
                "Via: SIP/1.0/UDP h;branch=z9hG4bK2\r\n",
                "via-protocol",
            ),
            (
                "OPTIONS",
                "Via: SIP/2.0/UDP h;rport=99999\r\n",
                "via-rport-invalid",
            ),
            (
                "OPTIONS",
                "Via: SIP/2.0/UDP h;branch=a;BRANCH=b\r\n",
                "parameter-repeated",
            ),
        ];
        for (method, extra, code) in cases {
            assert_eq!(codes(extra, method), [code], "{method} {extra}");
        }
        for (method, extra) in [
            ("REGISTER", "Contact: *\r\n"),
            ("OPTIONS", "Authorization: Basic x\r\n"),
            ("OPTIONS", "Subject: a\tb\r\n"),
            ("OPTIONS", "Reason: SIP;text=\"bell \\\x07\"\r\n"),
            (
                "REFER",
                "Refer-To: <sip:a@x?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n",
            ),
            (
                "NOTIFY",
                "Event: refer\r\nSubscription-State: active;expires=5\r\n",
            ),
        ] {
            assert_eq!(codes(extra, method), [""; 0], "{method} {extra}");
        }
    }
}
