//! What RFC 3261 says about the header fields of a message, checked one message at a time.

mod extensions;

use crate::finding::Finding;
use crate::lists::find_top_level;
use crate::message::{Message, StartLine};
use crate::names::is_token;
use crate::view::{CombinedView, HeaderView};

/// Fields every request must have (RFC 3261 8.1.1), and every response but Max-Forwards (8.2.6.2).
const MANDATORY: [&str; 6] = ["via", "from", "to", "call-id", "cseq", "max-forwards"];

/// Fields that may stand only once (RFC 3261 7.3.1 with the grammar of 25.1). Content-Length is the reader's.
const SINGLE: [&str; 19] = [
    "from",
    "to",
    "call-id",
    "cseq",
    "max-forwards",
    "content-type",
    "expires",
    "date",
    "subject",
    "timestamp",
    "refer-to",
    "referred-by",
    "replaces",
    "event",
    "subscription-state",
    "session-expires",
    "min-se",
    "rseq",
    "rack",
];

impl Message {
    /// The reader's findings and those about header values: missing, repeated and unreadable fields, a CSeq that
    /// contradicts the request line, a branch without the cookie. Looks at this message alone, not at its dialog.
    pub fn validate(&self) -> Vec<Finding> {
        let mut findings = self.findings().to_vec();
        if matches!(self.start_line(), StartLine::Malformed(_)) {
            return findings;
        }
        self.check_presence(&mut findings);
        self.check_addresses(&mut findings);
        self.check_cseq(&mut findings);
        self.check_vias(&mut findings);
        self.check_numbers(&mut findings);
        self.check_date(&mut findings);
        self.check_via_parts(&mut findings);
        self.check_parameters(&mut findings);
        self.check_characters(&mut findings);
        self.check_extensions(&mut findings);
        if self.is_request() {
            self.check_request(&mut findings);
        }
        findings
    }

    fn check_presence(&self, findings: &mut Vec<Finding>) {
        for name in MANDATORY {
            if self.header(name).is_none() && (self.is_request() || name != "max-forwards") {
                let clause = if self.is_request() {
                    "RFC 3261 8.1.1"
                } else {
                    "RFC 3261 8.2.6.2"
                };
                findings.push(Finding::new(
                    "header-missing",
                    clause,
                    format!("no {name} header"),
                ));
            }
        }
        for name in SINGLE {
            let count = self.headers(name).count();
            if count > 1 {
                findings.push(Finding::new(
                    "header-repeated",
                    "RFC 3261 7.3.1",
                    format!("{count} {name} headers"),
                ));
            }
        }
        if !self.body().is_empty() && self.content_type().is_none() {
            findings.push(Finding::new(
                "content-type-missing",
                "RFC 3261 20.15",
                "a body without Content-Type",
            ));
        }
    }

    fn check_addresses(&self, findings: &mut Vec<Finding>) {
        for name in ["from", "to"] {
            if let Some(value) = self.header(name) {
                check_address(value, findings);
            }
        }
        for name in ["contact", "route", "record-route"] {
            for value in self
                .header_values(name)
                .iter()
                .filter(|value| !(name == "contact" && *value == "*"))
            {
                check_address(value, findings);
            }
        }
        if self.from().is_some_and(|from| from.tag().is_none()) {
            findings.push(Finding::new(
                "from-tag-missing",
                "RFC 3261 8.1.1.3",
                "From has no tag",
            ));
        }
        let needs_tag = self.status().is_some_and(|status| status > 100);
        if needs_tag && self.to().is_some_and(|to| to.tag().is_none()) {
            findings.push(Finding::new(
                "to-tag-missing",
                "RFC 3261 8.2.6.2",
                "To of a response has no tag",
            ));
        }
    }

    fn check_cseq(&self, findings: &mut Vec<Finding>) {
        let Some(value) = self.header("cseq") else { return };
        match CombinedView.cseq(value) {
            Ok(cseq) => {
                if cseq.number >= 1 << 31 {
                    findings.push(Finding::new(
                        "cseq-out-of-range",
                        "RFC 3261 8.1.1.5",
                        format!("CSeq number {} is not below 2**31", cseq.number),
                    ));
                }
                if let Some(method) = self.method().filter(|method| *method != cseq.method) {
                    findings.push(Finding::new(
                        "cseq-method-mismatch",
                        "RFC 3261 8.1.1.5",
                        format!("CSeq says {}, the request line {method}", cseq.method),
                    ));
                }
            }
            Err(finding) => findings.push(finding),
        }
    }

    fn check_vias(&self, findings: &mut Vec<Finding>) {
        for (index, value) in self.header_values("via").iter().enumerate() {
            match CombinedView.via(value) {
                Ok(via) if index == 0 => {
                    let cookie = via.branch().is_some_and(|branch| {
                        branch.len() > 7
                            && branch
                                .get(..7)
                                .is_some_and(|start| start.eq_ignore_ascii_case("z9hG4bK"))
                    });
                    if !cookie {
                        findings.push(Finding::new(
                            "branch-cookie-missing",
                            "RFC 3261 8.1.1.7",
                            format!("the top Via has no branch that starts with z9hG4bK: {value:?}"),
                        ));
                    }
                }
                Ok(_) => {}
                Err(finding) => findings.push(finding),
            }
        }
    }

    fn check_numbers(&self, findings: &mut Vec<Finding>) {
        let digits = |value: &str| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(value) = self.header("max-forwards")
            && !(digits(value) && value.parse::<u32>().is_ok_and(|hops| hops <= 255))
        {
            let message = format!("Max-Forwards {value:?} is not a number of 0 to 255");
            findings.push(Finding::new("max-forwards-invalid", "RFC 3261 20.22", message));
        }
        if let Some(value) = self.header("expires")
            && !(digits(value) && value.parse::<u32>().is_ok())
        {
            let message = format!("Expires {value:?} is not a number below 2**32");
            findings.push(Finding::new("expires-invalid", "RFC 3261 20.19", message));
        }
    }

    fn check_date(&self, findings: &mut Vec<Finding>) {
        if let Some(value) = self.header("date")
            && !value.ends_with(" GMT")
        {
            let message = format!("Date {value:?} is not in GMT");
            findings.push(Finding::new("date-invalid", "RFC 3261 20.17", message));
        }
    }

    fn check_request(&self, findings: &mut Vec<Finding>) {
        let uri = self.request_uri().unwrap_or_default();
        if let Err(finding) = CombinedView.uri(uri) {
            findings.push(finding);
        } else if let Ok(parsed) = crate::Uri::parse(uri)
            && !parsed.headers.is_empty()
        {
            let message = format!("the Request-URI has headers: {uri:?}");
            findings.push(Finding::new("request-uri-headers", "RFC 3261 19.1.1", message));
        }
        if self.method() == Some("INVITE") {
            let count = self.header_values("contact").len();
            if count != 1 {
                findings.push(Finding::new(
                    "contact-count",
                    "RFC 3261 8.1.1.8",
                    format!("an INVITE has exactly one Contact, this has {count}"),
                ));
            }
        }
    }
}

/// What the lenient view lets pass in an address but the grammar does not (RFC 3261 20, 25.1).
fn check_address(value: &str, findings: &mut Vec<Finding>) {
    let address = match CombinedView.name_addr(value) {
        Ok(address) => address,
        Err(finding) => {
            findings.push(finding);
            return;
        }
    };
    let mut push =
        |code, clause, what: &str| findings.push(Finding::new(code, clause, format!("{what}: {value:?}")));
    let Some(open) = find_top_level(value, b'<') else {
        if !address.uri.headers.is_empty() || address.uri.raw.contains([',', '?']) {
            push(
                "brackets-missing",
                "RFC 3261 20",
                "a URI with a comma or question mark needs angle brackets",
            );
        }
        return;
    };
    let (display, rest) = value.split_at(open);
    let inside = rest.trim_start_matches('<').split('>').next().unwrap_or_default();
    if inside.trim() != inside {
        push(
            "address-spaces",
            "RFC 3261 25.1",
            "white space between the angle brackets",
        );
    }
    let display = display.trim();
    let tokens = || {
        display
            .split_ascii_whitespace()
            .all(|word| word.bytes().all(is_token))
    };
    if !display.starts_with('"') && !tokens() {
        push(
            "display-name-unquoted",
            "RFC 3261 25.1",
            "this display name needs quotes",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        Message::parse(text.as_bytes())
            .validate()
            .iter()
            .map(|finding| finding.code)
            .collect()
    }

    #[test]
    fn a_message_in_order_has_no_findings() {
        let request = "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
            From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@h>\r\n\
            Content-Length: 0\r\n\r\n";
        assert_eq!(codes(request), [""; 0]);
    }

    #[test]
    fn each_rule_finds_its_fault() {
        let faulty = "INVITE sip:b@x?X=y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1\r\nVia: nonsense\r\nMax-Forwards: 300\r\n\
            From: <sip:a@x>\r\nTo: <sip:b@x\r\nTo: <sip:c@x>\r\nCSeq: 1 BYE\r\nExpires: soon\r\n\r\nbody";
        let mut found = codes(faulty);
        found.sort_unstable();
        assert_eq!(
            found,
            [
                "address-invalid",
                "branch-cookie-missing",
                "contact-count",
                "content-type-missing",
                "cseq-method-mismatch",
                "expires-invalid",
                "from-tag-missing",
                "header-missing",
                "header-repeated",
                "max-forwards-invalid",
                "request-uri-headers",
                "via-invalid",
            ]
        );
    }
}
