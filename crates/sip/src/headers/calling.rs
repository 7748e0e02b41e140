//! Reason, Alert-Info and Call-Info.

use std::fmt;

use super::{fault, number};
use crate::finding::Finding;
use crate::lists::{quote, unquote};
use crate::names::is_token;
use crate::params::Params;

/// Reason: why a request was sent (RFC 3326).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Protocol of the cause (`SIP`, `Q.850`).
    pub protocol: String,
    /// Status or cause code.
    pub cause: Option<u32>,
    /// Text for people.
    pub text: Option<String>,
}

impl Reason {
    /// Reads one value (no comma list).
    ///
    /// # Errors
    /// When the protocol is not a token.
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let (protocol, params) = value.split_once(';').unwrap_or((value, ""));
        let protocol = protocol.trim();
        if protocol.is_empty() || !protocol.bytes().all(is_token) {
            return Err(fault("reason-invalid", "RFC 3326 2", "Reason", value));
        }
        let params = Params::parse(params);
        let text = params
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("text"))
            .and_then(|(_, value)| value)
            .map(unquote);
        Ok(Self {
            protocol: protocol.to_owned(),
            cause: params.value("cause").and_then(number),
            text,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        match &self.text {
            Some(text) => write!(f, ";text={}", quote(text)),
            None => Ok(()),
        }
    }
}

/// One Alert-Info value: what to ring with (RFC 3261 20.4, RFC 7462).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertInfo {
    /// The URI between the angle brackets (`urn:alert:source:internal`), or the bare text that some servers write.
    pub uri: String,
    /// Parameters (`info`, `appearance`, makers' own).
    pub params: Params,
}

impl AlertInfo {
    /// Reads one value (no comma list).
    ///
    /// # Errors
    /// When a bracket is not closed or nothing stands in it.
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let (uri, params) = bracketed(value)
            .ok_or_else(|| fault("alert-info-invalid", "RFC 3261 20.4", "Alert-Info", value))?;
        Ok(Self { uri, params })
    }
}

impl fmt::Display for AlertInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// One Call-Info value (RFC 3261 20.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallInfo {
    /// The URI between the angle brackets, or the bare text.
    pub uri: String,
    /// Parameters, `purpose` and `answer-after` among them.
    pub params: Params,
}

impl CallInfo {
    /// Reads one value (no comma list).
    ///
    /// # Errors
    /// When a bracket is not closed or nothing stands in it.
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let (uri, params) = bracketed(value)
            .ok_or_else(|| fault("call-info-invalid", "RFC 3261 20.9", "Call-Info", value))?;
        Ok(Self { uri, params })
    }

    /// What it is for (`icon`, `info`, `card`, ...).
    pub fn purpose(&self) -> Option<&str> {
        self.params.value("purpose")
    }

    /// Seconds after which the phone is to answer by itself: `answer-after`, a custom of many servers, in no RFC.
    pub fn answer_after(&self) -> Option<u32> {
        self.params.value("answer-after").and_then(number)
    }
}

impl fmt::Display for CallInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

fn bracketed(value: &str) -> Option<(String, Params)> {
    let value = value.trim();
    let (uri, params) = match value.strip_prefix('<') {
        Some(rest) => rest.split_once('>')?,
        None => value.split_once(';').unwrap_or((value, "")),
    };
    let uri = uri.trim();
    (!uri.is_empty()).then(|| (uri.to_owned(), Params::parse(params)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        let reason = Reason::parse("Q.850;cause=16;text=\"Normal; clearing\"").unwrap();
        assert_eq!(
            (reason.protocol.as_str(), reason.cause, reason.text.as_deref()),
            ("Q.850", Some(16), Some("Normal; clearing"))
        );
        assert_eq!(reason.to_string(), "Q.850;cause=16;text=\"Normal; clearing\"");
        assert!(Reason::parse(";cause=1").is_err());
    }

    #[test]
    fn alert_and_call_info() {
        let alert = AlertInfo::parse("<http://x/ring.wav>;info=alert-internal").unwrap();
        assert_eq!(
            (alert.uri.as_str(), alert.params.value("info")),
            ("http://x/ring.wav", Some("alert-internal"))
        );
        assert_eq!(AlertInfo::parse("Bellcore-dr3").unwrap().uri, "Bellcore-dr3");
        let info = CallInfo::parse("<sip:x>;answer-after=0;purpose=info").unwrap();
        assert_eq!((info.answer_after(), info.purpose()), (Some(0), Some("info")));
        assert_eq!(info.to_string(), "<sip:x>;answer-after=0;purpose=info");
        assert!(CallInfo::parse("<sip:x").is_err() && AlertInfo::parse("<>").is_err());
    }
}
