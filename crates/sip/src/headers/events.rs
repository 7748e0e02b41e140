//! Event and Subscription-State.

use std::fmt;

use super::{fault, number};
use crate::finding::Finding;
use crate::names::is_token;
use crate::params::Params;

/// Event: the package and the subscription within a dialog (RFC 6665 8.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Event package (`message-summary`), templates included.
    pub package: String,
    /// Parameters in order, `id` among them.
    pub params: Params,
}

impl Event {
    /// Reads a value.
    ///
    /// # Errors
    /// When the package is not a token.
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let (package, params) = value.split_once(';').unwrap_or((value, ""));
        let package = package.trim();
        if package.is_empty() || !package.bytes().all(is_token) {
            return Err(fault("event-invalid", "RFC 6665 8.2.1", "Event", value));
        }
        Ok(Self {
            package: package.to_owned(),
            params: Params::parse(params),
        })
    }

    /// The `id` parameter, which tells subscriptions of one dialog apart.
    pub fn id(&self) -> Option<&str> {
        self.params.value("id")
    }

    /// Whether both name the same subscription: package and id byte for byte (RFC 6665 8.2.1).
    pub fn matches(&self, other: &Self) -> bool {
        self.package == other.package && self.id() == other.id()
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.package, self.params)
    }
}

/// State of a subscription in a NOTIFY (RFC 6665 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// Accepted, notifications come.
    Active,
    /// Not yet decided on.
    Pending,
    /// Over.
    Terminated,
    /// Anything else, as written.
    Other(String),
}

impl SubscriptionStatus {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Terminated => "terminated",
            Self::Other(text) => text,
        }
    }
}

/// Subscription-State (RFC 6665 8.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionState {
    /// The state.
    pub status: SubscriptionStatus,
    /// Seconds left.
    pub expires: Option<u32>,
    /// Why it ended (`deactivated`, `timeout`, `noresource` ...).
    pub reason: Option<String>,
    /// Seconds after which a new subscription may be tried.
    pub retry_after: Option<u32>,
}

impl SubscriptionState {
    /// `active` with the seconds left.
    pub const fn active(expires: u32) -> Self {
        Self {
            status: SubscriptionStatus::Active,
            expires: Some(expires),
            reason: None,
            retry_after: None,
        }
    }

    /// `pending` with the seconds left.
    pub fn pending(expires: u32) -> Self {
        Self {
            status: SubscriptionStatus::Pending,
            ..Self::active(expires)
        }
    }

    /// `terminated` for a reason of RFC 6665 4.1.3.
    pub fn terminated(reason: &str) -> Self {
        Self {
            status: SubscriptionStatus::Terminated,
            expires: None,
            reason: Some(reason.to_owned()),
            retry_after: None,
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When the state is not a token.
    pub fn parse(value: &str) -> Result<Self, Finding> {
        let (status, params) = value.split_once(';').unwrap_or((value, ""));
        let status = status.trim();
        if status.is_empty() || !status.bytes().all(is_token) {
            return Err(fault(
                "subscription-state-invalid",
                "RFC 6665 8.2.3",
                "Subscription-State",
                value,
            ));
        }
        let known = [
            SubscriptionStatus::Active,
            SubscriptionStatus::Pending,
            SubscriptionStatus::Terminated,
        ];
        let params = Params::parse(params);
        Ok(Self {
            status: known
                .into_iter()
                .find(|known| known.as_str().eq_ignore_ascii_case(status))
                .unwrap_or_else(|| SubscriptionStatus::Other(status.to_owned())),
            expires: params.value("expires").and_then(number),
            reason: params.value("reason").map(str::to_owned),
            retry_after: params.value("retry-after").and_then(number),
        })
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status.as_str())?;
        if let Some(expires) = self.expires {
            write!(f, ";expires={expires}")?;
        }
        if let Some(reason) = &self.reason {
            write!(f, ";reason={reason}")?;
        }
        match self.retry_after {
            Some(seconds) => write!(f, ";retry-after={seconds}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_states() {
        let event = Event::parse("refer ;id=93809824").unwrap();
        assert_eq!((event.package.as_str(), event.id()), ("refer", Some("93809824")));
        assert!(event.matches(&Event::parse("refer;x=y;id=93809824").unwrap()));
        assert!(!event.matches(&Event::parse("refer").unwrap()));
        assert!(Event::parse("").is_err() && Event::parse("a b").is_err());
        for text in [
            "active;expires=60",
            "pending;expires=1",
            "terminated;reason=noresource",
            "x",
        ] {
            assert_eq!(SubscriptionState::parse(text).unwrap().to_string(), text);
        }
        let odd = SubscriptionState::parse("Terminated;reason=probation;retry-after=5").unwrap();
        assert_eq!(
            (odd.status, odd.retry_after),
            (SubscriptionStatus::Terminated, Some(5))
        );
        assert!(SubscriptionState::parse(";expires=1").is_err());
    }
}
