//! Diversion and History-Info.

use std::fmt;

use super::number;
use crate::finding::Finding;
use crate::header::NameAddr;
use crate::uri::unescape;
use crate::view::{CombinedView, HeaderView};

/// One Diversion value: who forwarded the call (RFC 5806).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diversion {
    /// Who forwarded, with all parameters.
    pub address: NameAddr,
}

impl Diversion {
    /// Reads one value (no comma list).
    ///
    /// # Errors
    /// When it is not an address.
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let address = CombinedView.name_addr(value)?;
        Ok(Self { address })
    }

    /// Why (`unconditional`, `user-busy`, `no-answer` ...).
    pub fn reason(&self) -> Option<&str> {
        self.address.params.value("reason")
    }

    /// How often it was forwarded.
    pub fn counter(&self) -> Option<u32> {
        self.address.params.value("counter").and_then(number)
    }
}

impl fmt::Display for Diversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// One History-Info value (RFC 7044 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The target that was tried, with all parameters.
    pub address: NameAddr,
}

impl HistoryEntry {
    /// Reads one value (no comma list).
    ///
    /// # Errors
    /// When it is not an address.
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let address = CombinedView.name_addr(value)?;
        Ok(Self { address })
    }

    /// Its place in the tree (`1.1`).
    pub fn index(&self) -> Option<&str> {
        self.address.params.value("index")
    }

    /// The Reason escaped in the URI, unescaped.
    pub fn reason(&self) -> Option<String> {
        let (_, value) = self
            .address
            .uri
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("reason"))?;
        unescape(value)
    }
}

impl fmt::Display for HistoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_forwarded() {
        let diversion = Diversion::parse("\"B\" <sip:b@x>;reason=user-busy;counter=2;privacy=off").unwrap();
        assert_eq!(
            (diversion.reason(), diversion.counter()),
            (Some("user-busy"), Some(2))
        );
        let entry = HistoryEntry::parse("<sip:b@x?Reason=SIP%3Bcause%3D486>;index=1.1;rc=1").unwrap();
        assert_eq!(
            (entry.index(), entry.reason().as_deref()),
            (Some("1.1"), Some("SIP;cause=486"))
        );
        assert!(Diversion::parse("x").is_err() && HistoryEntry::parse("<sip:b").is_err());
    }
}
