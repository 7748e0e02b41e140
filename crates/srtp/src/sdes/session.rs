use std::fmt;

use crate::finding::Finding;
use crate::policy::Policy;

/// Session parameters read from one line at most.
pub const MAXIMUM_SESSION_PARAMETERS: usize = 32;

/// Order of forward error correction and SRTP (RFC 4568 6.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FecOrder {
    /// `FEC_SRTP`: correction first, then SRTP at the sender.
    FecFirst,
    /// `SRTP_FEC`: SRTP first, then correction at the sender.
    SrtpFirst,
}

/// A session parameter of an `a=crypto` line (RFC 4568 6.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionParameter {
    /// `KDR=n`: keys are derived again every 2^n packets, n from 0 to 24.
    KeyDerivationRate(u8),
    /// `UNENCRYPTED_SRTP`.
    UnencryptedSrtp,
    /// `UNENCRYPTED_SRTCP`.
    UnencryptedSrtcp,
    /// `UNAUTHENTICATED_SRTP`.
    UnauthenticatedSrtp,
    /// `FEC_ORDER=`.
    FecOrder(FecOrder),
    /// `FEC_KEY=`: its key parameters as text.
    FecKey(String),
    /// `WSH=n`: hint for the replay window, in packets.
    WindowSizeHint(u32),
    /// Anything else, and what could not be read; it must be understood unless it begins with `-` (RFC 4568 6.3.7).
    Extension(String),
}

impl SessionParameter {
    /// Reads one parameter. What is known but wrong is kept as an extension, with a finding.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let (name, value) = text
            .split_once('=')
            .map_or((text, None), |(name, value)| (name, Some(value)));
        let number = value.filter(|value| {
            !value.is_empty() && value.len() <= 9 && value.bytes().all(|byte| byte.is_ascii_digit())
        });
        let parsed = match (name.to_ascii_uppercase().as_str(), value) {
            ("KDR", _) => number
                .and_then(|value| value.parse().ok())
                .filter(|exponent| *exponent <= 24)
                .map(Self::KeyDerivationRate)
                .ok_or(("RFC 4568 6.3.1", "key derivation rate is not 0 to 24")),
            ("UNENCRYPTED_SRTP", None) => Ok(Self::UnencryptedSrtp),
            ("UNENCRYPTED_SRTCP", None) => Ok(Self::UnencryptedSrtcp),
            ("UNAUTHENTICATED_SRTP", None) => Ok(Self::UnauthenticatedSrtp),
            ("UNENCRYPTED_SRTP" | "UNENCRYPTED_SRTCP" | "UNAUTHENTICATED_SRTP", Some(_)) => {
                Err(("RFC 4568 9.2", "parameter takes no value"))
            }
            ("FEC_ORDER", Some("FEC_SRTP")) => Ok(Self::FecOrder(FecOrder::FecFirst)),
            ("FEC_ORDER", Some("SRTP_FEC")) => Ok(Self::FecOrder(FecOrder::SrtpFirst)),
            ("FEC_ORDER", _) => Err(("RFC 4568 6.3.4", "neither FEC_SRTP nor SRTP_FEC")),
            ("FEC_KEY", Some(keys)) if !keys.is_empty() => Ok(Self::FecKey(keys.to_owned())),
            ("FEC_KEY", _) => Err(("RFC 4568 6.3.5", "no key parameters")),
            ("WSH", _) => number
                .and_then(|value| value.parse().ok())
                .filter(|size| *size >= 64)
                .map(Self::WindowSizeHint)
                .ok_or(("RFC 4568 6.3.6", "window size is not a number from 64")),
            ("" | "-", _) => Err(("RFC 4568 9.1", "empty session parameter")),
            _ => Ok(Self::Extension(text.to_owned())),
        };
        match parsed {
            Ok(parameter) => (parameter, findings),
            Err((clause, what)) => {
                findings.push(Finding::new(
                    "crypto-session-parameter",
                    clause,
                    format!("{text:?}: {what}"),
                ));
                (Self::Extension(text.to_owned()), findings)
            }
        }
    }

    /// Whether this crate does what the parameter asks for; an extension with `-` may be ignored (RFC 4568 6.3.7).
    #[must_use]
    pub fn is_supported(&self) -> bool {
        match self {
            Self::KeyDerivationRate(_)
            | Self::UnencryptedSrtp
            | Self::UnencryptedSrtcp
            | Self::UnauthenticatedSrtp
            | Self::WindowSizeHint(_) => true,
            Self::FecOrder(_) | Self::FecKey(_) => false,
            Self::Extension(text) => text.starts_with('-'),
        }
    }

    /// Puts the parameter into force.
    pub(crate) fn apply(&self, policy: &mut Policy) {
        match self {
            Self::KeyDerivationRate(exponent) => policy.key_derivation_rate = 1 << exponent,
            Self::UnencryptedSrtp => policy.encrypt_rtp = false,
            Self::UnencryptedSrtcp => policy.encrypt_rtcp = false,
            Self::UnauthenticatedSrtp => policy.authenticate_rtp = false,
            // a hint only: more than a whole turn of sequence numbers is never needed
            Self::WindowSizeHint(size) => {
                policy.replay_window = usize::try_from(*size).map_or(Policy::MAXIMUM_WINDOW, |size| {
                    size.clamp(crate::index::MINIMUM_WINDOW, Policy::MAXIMUM_WINDOW)
                });
            }
            Self::FecOrder(_) | Self::FecKey(_) | Self::Extension(_) => {}
        }
    }

    /// Name up to the `=`, upper case; a name may be used once.
    pub(crate) fn name(&self) -> String {
        let text = self.to_string();
        let name = text.split('=').next().unwrap_or_default();
        name.to_ascii_uppercase()
    }
}

impl fmt::Display for SessionParameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyDerivationRate(exponent) => write!(formatter, "KDR={exponent}"),
            Self::UnencryptedSrtp => formatter.write_str("UNENCRYPTED_SRTP"),
            Self::UnencryptedSrtcp => formatter.write_str("UNENCRYPTED_SRTCP"),
            Self::UnauthenticatedSrtp => formatter.write_str("UNAUTHENTICATED_SRTP"),
            Self::FecOrder(FecOrder::FecFirst) => formatter.write_str("FEC_ORDER=FEC_SRTP"),
            Self::FecOrder(FecOrder::SrtpFirst) => formatter.write_str("FEC_ORDER=SRTP_FEC"),
            Self::FecKey(keys) => write!(formatter, "FEC_KEY={keys}"),
            Self::WindowSizeHint(size) => write!(formatter, "WSH={size}"),
            Self::Extension(text) => formatter.write_str(text),
        }
    }
}
