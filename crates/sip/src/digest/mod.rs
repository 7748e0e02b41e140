//! Digest authentication (RFC 3261 22, RFC 7616, RFC 8760).

mod challenge;
mod credentials;
mod fields;
mod mistake;
mod verifier;

pub use challenge::{Algorithm, Challenge, ReceivedChallenge};
pub use credentials::Credentials;
pub use mistake::DigestMistake;
pub use verifier::{DigestFault, DigestUser, Verifier};

/// Why a challenge or credentials cannot be read or answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// Another authentication scheme than `Digest`.
    #[error("authentication scheme is {0:?}, not Digest")]
    Scheme(String),
    /// A parameter the scheme requires is absent.
    #[error("digest parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter that is not `name=value`.
    #[error("digest parameter is malformed: {0:?}")]
    Malformed(String),
    /// An algorithm this crate does not compute.
    #[error("digest algorithm {0:?} is not supported")]
    Algorithm(String),
    /// None of the offered qualities of protection is `auth` or `auth-int`.
    #[error("no supported digest qop among {0:?}")]
    Qop(Vec<String>),
}
