//! What a rule is.

use std::fmt;

/// How binding the clause behind a rule is (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Legal, but worth knowing.
    Note,
    /// Against a recommendation: there may be a reason.
    Should,
    /// Against a requirement.
    Must,
}

impl Severity {
    /// `must`, `should` or `note`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Should => "should",
            Self::Must => "must",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One request by itself (and any message where the form is the same).
    Request,
    /// One response, alone or next to its request.
    Response,
    /// The requests and responses of a dialog.
    Dialog,
    /// The messages of one transaction and their times.
    Transaction,
    /// Session descriptions, offers and answers.
    Sdp,
    /// RTP packets.
    Rtp,
    /// RTCP packets.
    Rtcp,
    /// REGISTER requests of one address-of-record.
    Registration,
}

impl Scope {
    /// The scope's name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Dialog => "dialog",
            Self::Transaction => "transaction",
            Self::Sdp => "sdp",
            Self::Rtp => "rtp",
            Self::Rtcp => "rtcp",
            Self::Registration => "registration",
        }
    }
}

/// One rule of the catalogue.
#[derive(Debug)]
pub struct Rule {
    /// Stable name, `SIP-VIA-001` in style.
    pub id: &'static str,
    /// What is required, in one line.
    pub title: &'static str,
    /// Where the standard says so (`RFC 3261 8.1.1.7`).
    pub clause: &'static str,
    /// How binding the clause is.
    pub severity: Severity,
    /// What the rule looks at.
    pub scope: Scope,
    /// A scenario that exercises the rule and keeps it; the text form is described in `examples/README.md`.
    pub example_pass: &'static str,
    /// A scenario that breaks the rule.
    pub example_fail: &'static str,
}
