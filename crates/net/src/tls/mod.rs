//! TLS for signalling: a certification authority for tests, both roles of the handshake, and what was seen of it.
//!
//! TLS 1.2 and 1.3 (RFC 5246, RFC 8446): rustls implements nothing older. A device that offers at most TLS 1.1 is
//! refused with the alert `protocol_version`, which the listener reports as a failed handshake. A lab that has to talk to
//! such devices builds with the cargo feature `old-tls`, which serves them, and only them, by the system's OpenSSL.

mod authority;
mod client;
mod client_hello;
mod error;
mod identity;
mod info;
mod key_log;
mod names;
#[cfg(feature = "old-tls")]
mod old;
mod request;
mod server;
mod verifier;

pub use authority::TestAuthority;
pub use client::{TlsClient, Verification};
pub use client_hello::ClientHello;
pub use error::{CertificateFault, TlsError, TlsFault};
pub use identity::{Identity, Roots};
pub use info::{TlsInfo, TlsVersion, TlsVersions};
pub use names::{IdentityName, certificate_identities, matches_domain};
pub use request::{CertificateKey, CertificateRequest, Signer, Usage, Validity};
pub use server::{ClientCertificates, TlsServer};

pub(crate) use key_log::KeyLogLines;
#[cfg(feature = "old-tls")]
pub(crate) use old::{accept as accept_old, check as check_old};
