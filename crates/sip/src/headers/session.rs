//! Session-Expires, RAck and Retry-After.

use std::fmt;

use super::{fault, number};
use crate::finding::Finding;
use crate::lists::split_top_level;
use crate::params::Params;

/// Who refreshes a session: roles of the request that carries or answered the field (RFC 4028 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The one that sent the request.
    Uac,
    /// The one that answered it.
    Uas,
}

impl Refresher {
    /// `uac` or `uas`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

/// Session-Expires (RFC 4028 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionExpires {
    /// Session interval in seconds.
    pub interval: u32,
    /// Who refreshes, when it is said.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// An interval in seconds and who refreshes.
    pub const fn new(interval: u32, refresher: Option<Refresher>) -> Self {
        Self { interval, refresher }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When there is no number, or the refresher is neither `uac` nor `uas` (RFC 4028 4).
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let refused = || fault("session-expires-invalid", "RFC 4028 4", "Session-Expires", value);
        let (interval, params) = value.split_once(';').unwrap_or((value, ""));
        let refresher = match Params::parse(params).value("refresher") {
            None => None,
            Some(text) if text.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(text) if text.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return Err(refused()),
        };
        Ok(Self {
            interval: number(interval).ok_or_else(refused)?,
            refresher,
        })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval)?;
        match self.refresher {
            Some(refresher) => write!(f, ";refresher={}", refresher.as_str()),
            None => Ok(()),
        }
    }
}

/// RAck: the reliable provisional response a PRACK acknowledges (RFC 3262 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RAck {
    /// RSeq of the response.
    pub rseq: u32,
    /// CSeq number of the response.
    pub cseq: u32,
    /// CSeq method of the response.
    pub method: String,
}

impl RAck {
    /// Reads a value.
    ///
    /// # Errors
    /// When it is not two numbers and a method (RFC 3262 7.2).
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let mut parts = value.split_ascii_whitespace();
        let read = (|| {
            Some(Self {
                rseq: number(parts.next()?)?,
                cseq: number(parts.next()?)?,
                method: parts.next()?.to_owned(),
            })
        })();
        read.filter(|_| parts.next().is_none())
            .ok_or_else(|| fault("rack-invalid", "RFC 3262 7.2", "RAck", value))
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.rseq, self.cseq, self.method)
    }
}

/// Retry-After (RFC 3261 20.33).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryAfter {
    /// Seconds to wait.
    pub seconds: u32,
    /// Seconds the peer will be there after that.
    pub duration: Option<u32>,
    /// The comment without its parentheses.
    pub comment: Option<String>,
}

impl RetryAfter {
    /// Reads a value.
    ///
    /// # Errors
    /// When it does not begin with a number.
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let refused = || fault("retry-after-invalid", "RFC 3261 20.33", "Retry-After", value);
        let (head, comment, params) = match (value.find('('), value.rfind(')')) {
            (Some(open), Some(close)) if open < close => (
                value.get(..open).unwrap_or_default(),
                value.get(open + 1..close).map(str::to_owned),
                value.get(close + 1..).unwrap_or_default(),
            ),
            _ => {
                let (head, params) = value.split_once(';').unwrap_or((value, ""));
                (head, None, params)
            }
        };
        Ok(Self {
            seconds: number(head).ok_or_else(refused)?,
            duration: Params::parse(params).value("duration").and_then(number),
            comment,
        })
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        if let Some(comment) = &self.comment {
            write!(f, " ({comment})")?;
        }
        match self.duration {
            Some(duration) => write!(f, ";duration={duration}"),
            None => Ok(()),
        }
    }
}

/// The option tags of a Supported, Require, Allow, Allow-Events or Unsupported value.
pub(super) fn tokens(value: &str) -> Vec<String> {
    split_top_level(value, b',')
        .into_iter()
        .filter(|token| !token.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_values_read_and_print() {
        for text in ["1800", "90;refresher=uac", "4294967295;refresher=uas"] {
            assert_eq!(SessionExpires::parse(text).unwrap().to_string(), text);
        }
        let odd = SessionExpires::parse(" 1800 ; x=y; Refresher=UAS ").unwrap();
        assert_eq!(odd, SessionExpires::new(1800, Some(Refresher::Uas)));
        for broken in ["", "-1", "+5", "90;refresher=both", "4294967296", "x"] {
            assert!(SessionExpires::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn rack_and_retry_after() {
        assert_eq!(
            RAck::parse("776656  1 INVITE").unwrap().to_string(),
            "776656 1 INVITE"
        );
        for broken in ["", "1", "1 2", "1 2 INVITE x", "-1 2 INVITE", "1 x INVITE"] {
            assert!(RAck::parse(broken).is_err(), "{broken}");
        }
        let busy = RetryAfter::parse("18000 (in a meeting; (really)) ;duration=3600").unwrap();
        assert_eq!((busy.seconds, busy.duration), (18000, Some(3600)));
        assert_eq!(busy.comment.as_deref(), Some("in a meeting; (really)"));
        assert_eq!(RetryAfter::parse(&busy.to_string()), Ok(busy));
        assert_eq!(RetryAfter::parse("5").unwrap().to_string(), "5");
        assert!(RetryAfter::parse("(now)").is_err());
    }
}
