//! Typed header values: name-addr, Via and CSeq.

use std::fmt;

use crate::lists::quote;
use crate::params::Params;
use crate::uri::{Uri, join_host_port};

/// `From`, `To`, `Contact`, `Route`, `Refer-To`: display name, URI and header parameters (RFC 3261 20.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// Display name without quotes and escapes.
    pub display: Option<String>,
    /// The address.
    pub uri: Uri,
    /// Header parameters (not the URI's).
    pub params: Params,
}

impl NameAddr {
    /// The `tag` parameter (RFC 3261 19.3).
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", quote(display))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// One Via value: the hop a request came through (RFC 3261 20.42).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// Transport as written (`UDP`, `TCP`, `TLS`, or anything else).
    pub transport: String,
    /// Sent-by host; IPv6 without brackets.
    pub host: String,
    /// Sent-by port, when written.
    pub port: Option<u16>,
    /// Parameters in order.
    pub params: Params,
}

impl Via {
    /// The `branch` parameter, the transaction's identifier (RFC 3261 8.1.1.7).
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    /// The `received` parameter (RFC 3261 18.2.1).
    pub fn received(&self) -> Option<&str> {
        self.params.value("received")
    }

    /// The `rport` parameter (RFC 3581): `None` absent, `Some(None)` asked for, `Some(Some(port))` filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params
            .has("rport")
            .then(|| self.params.value("rport").and_then(|port| port.parse().ok()))
    }

    /// Sent-by as `host[:port]`, IPv6 in brackets.
    pub fn sent_by(&self) -> String {
        join_host_port(&self.host, self.port)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}{}", self.transport, self.sent_by(), self.params)
    }
}

/// Sequence number and method of a request within its dialog or call (RFC 3261 20.16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// Sequence number.
    pub number: u32,
    /// Method as written; methods are case-sensitive.
    pub method: String,
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}
