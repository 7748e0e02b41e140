//! Our own header parsers: lenient about white space, strict about what they return.

use super::HeaderView;
use crate::finding::Finding;
use crate::header::{CSeq, NameAddr, Via};
use crate::lists::{find_top_level, unquote};
use crate::names::is_token;
use crate::params::Params;
use crate::uri::{Uri, split_host_port};

/// Own parsers for everything; never refuses what RFC 3261 25.1 allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnView;

impl HeaderView for OwnView {
    fn via(&self, value: &str) -> Result<Via, Finding> {
        let fault = |what: &str| {
            Finding::new(
                "via-invalid",
                "RFC 3261 20.42",
                format!("{what} in Via {value:?}"),
            )
        };
        if find_top_level(value, b',').is_some() {
            return Err(fault("more than one value"));
        }
        // sent-protocol is name SLASH version SLASH transport, and SLASH allows white space on both sides
        let (name, rest) = value.split_once('/').ok_or_else(|| fault("no sent-protocol"))?;
        let (version, rest) = rest.split_once('/').ok_or_else(|| fault("no transport"))?;
        let rest = rest.trim_start();
        if !token(name.trim()) || !token(version.trim()) {
            return Err(fault("no valid sent-protocol"));
        }
        let end = rest
            .find(|c: char| c.is_ascii_whitespace())
            .ok_or_else(|| fault("no sent-by"))?;
        let (transport, rest) = rest.split_at(end);
        if !token(transport) {
            return Err(fault("no valid transport"));
        }
        let (sent_by, params) = rest.split_once(';').unwrap_or((rest, ""));
        // COLON between host and port allows white space too; a host itself has none
        let sent_by = match sent_by.rsplit_once(':') {
            Some((host, port)) => format!("{}:{}", host.trim(), port.trim()),
            None => sent_by.trim().to_owned(),
        };
        let (host, port) = split_host_port(&sent_by).map_err(|_| fault("no valid sent-by"))?;
        Ok(Via {
            transport: transport.to_owned(),
            host,
            port,
            params: Params::parse(params),
        })
    }

    fn name_addr(&self, value: &str) -> Result<NameAddr, Finding> {
        let fault = |what: &str| {
            Finding::new(
                "address-invalid",
                "RFC 3261 20.10",
                format!("{what} in {value:?}"),
            )
        };
        let value = value.trim();
        let Some(open) = find_top_level(value, b'<') else {
            let (uri, params) = split_bare(value);
            let uri = self.uri(uri.trim())?;
            return Ok(NameAddr {
                display: None,
                uri,
                params: Params::parse(params),
            });
        };
        let (display, rest) = value.split_at(open);
        let (uri, params) = rest
            .strip_prefix('<')
            .and_then(|rest| rest.split_once('>'))
            .ok_or_else(|| fault("no closing bracket"))?;
        let params = params.trim();
        if !params.is_empty() && !params.starts_with(';') {
            return Err(fault("text after the address"));
        }
        let display = display.trim();
        let display = (!display.is_empty()).then(|| unquote(display));
        Ok(NameAddr {
            display,
            uri: self.uri(uri.trim())?,
            params: Params::parse(params),
        })
    }

    fn cseq(&self, value: &str) -> Result<CSeq, Finding> {
        let fault = |what: &str| {
            Finding::new(
                "cseq-invalid",
                "RFC 3261 20.16",
                format!("{what} in CSeq {value:?}"),
            )
        };
        let mut parts = value.split_ascii_whitespace();
        let number = parts.next().ok_or_else(|| fault("no number"))?;
        let method = parts.next().ok_or_else(|| fault("no method"))?;
        if parts.next().is_some() || !token(method) {
            return Err(fault("no valid method"));
        }
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(fault("no valid number"));
        }
        let number = number.parse().map_err(|_| {
            Finding::new(
                "cseq-out-of-range",
                "RFC 3261 8.1.1.5",
                format!("CSeq number {number} is not below 2**31"),
            )
        })?;
        Ok(CSeq {
            number,
            method: method.to_owned(),
        })
    }

    fn uri(&self, value: &str) -> Result<Uri, Finding> {
        Uri::parse(value).map_err(|error| Finding::new("uri-invalid", "RFC 3261 19.1.1", error.to_string()))
    }
}

/// Splits an address without brackets: everything after `;` belongs to the header, not to the URI (RFC 3261 20.10).
/// A `;` before the `@` can only be a user part that should have stood in brackets.
pub(super) fn split_bare(value: &str) -> (&str, &str) {
    let host = find_top_level(value, b'@').unwrap_or_default();
    let (_, host) = value.split_at(host);
    match host.split_once(';') {
        Some((_, params)) => (
            value.get(..value.len() - params.len() - 1).unwrap_or_default(),
            params,
        ),
        None => (value, ""),
    }
}

fn token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn via_with_white_space_everywhere() {
        let via = OwnView
            .via("SIP  / 2.0  / TCP     spindle.example.com : 5062  ; branch  =   z9hG4bK9ikj8 ")
            .unwrap();
        assert_eq!(
            (via.transport.as_str(), via.host.as_str(), via.port),
            ("TCP", "spindle.example.com", Some(5062))
        );
        assert_eq!(via.branch(), Some("z9hG4bK9ikj8"));
    }

    #[test]
    fn rport_has_three_states() {
        let rport = |value: &str| OwnView.via(value).unwrap().rport();
        assert_eq!(rport("SIP/2.0/UDP h"), None);
        assert_eq!(rport("SIP/2.0/UDP h;rport"), Some(None));
        assert_eq!(rport("SIP/2.0/UDP h;rport=5061"), Some(Some(5061)));
    }

    #[test]
    fn name_addr_forms() {
        let quoted = OwnView
            .name_addr(r#""A <b>; \"c\"" <sip:a@b;lr>;tag=1;x="y;z""#)
            .unwrap();
        assert_eq!(quoted.display.as_deref(), Some(r#"A <b>; "c""#));
        assert_eq!((quoted.tag(), quoted.params.value("x")), (Some("1"), Some("y;z")));
        assert!(quoted.uri.params.has("lr"));
        let bare = OwnView.name_addr("sip:a@b;tag=2").unwrap();
        assert_eq!((bare.tag(), bare.uri.params.len()), (Some("2"), 0));
        let semicolon = OwnView.name_addr("sip:a;b=c@d;tag=3").unwrap();
        assert_eq!(
            (semicolon.tag(), semicolon.uri.user.as_deref()),
            (Some("3"), Some("a;b=c"))
        );
        let quoted_at = OwnView.name_addr("sip:d;x=\"a@b\";tag=4").unwrap();
        assert_eq!((quoted_at.tag(), quoted_at.uri.host.as_str()), (Some("4"), "d"));
        let token = OwnView.name_addr("Alice Smith <sip:a@b>").unwrap();
        assert_eq!(token.display.as_deref(), Some("Alice Smith"));
        for broken in ["", "<sip:a@b", "<sip:a@b> x", "\"a <sip:a@b>", "Alice"] {
            assert!(OwnView.name_addr(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn cseq_limits() {
        assert_eq!(
            OwnView.cseq("0009   invite").unwrap(),
            CSeq {
                number: 9,
                method: "invite".into()
            }
        );
        assert_eq!(
            OwnView.cseq("36893488147419103232 REGISTER").unwrap_err().code,
            "cseq-out-of-range"
        );
        for broken in ["", "1", "x INVITE", "1 INVITE x", "+1 INVITE", "1 IN@VITE"] {
            assert!(OwnView.cseq(broken).is_err(), "{broken}");
        }
    }
}
