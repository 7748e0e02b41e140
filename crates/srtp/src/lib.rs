//! SRTP and SRTCP (RFC 3711, 6188, 7714) with keys from SDES (RFC 4568) and DTLS (RFC 5763, 5764); sans-IO.
//!
//! - [`Protector`] and [`Unprotector`] are the two ends of a protected stream. Every refusal has a [`SrtpError`] of its
//!   own, [`Unprotector::diagnose_rtp`] tries out what the sender may have done instead, and a [`Fault`] makes
//!   the protector send what a receiver has to refuse.
//! - [`sdes`] reads, writes and negotiates `a=crypto`; each violation is a finding with its clause.
//! - [`dtls`] runs the handshake, splits its keying material, and checks `a=fingerprint` and `a=setup`.
//! - [`classify`] tells apart what shares one port (RFC 7983).
//! - [`SessionKeys`] is the line that lets kept evidence be decrypted later.

mod cipher;
mod demultiplex;
mod diagnosis;
mod error;
mod fault;
mod finding;
mod hex;
mod index;
mod key_log;
mod keys;
mod packet;
mod policy;
mod profile;
mod protector;
mod transform;
mod unprotector;

pub mod dtls;
pub mod sdes;

pub use demultiplex::{DatagramKind, classify};
pub use diagnosis::Explanation;
pub use error::SrtpError;
pub use fault::Fault;
pub use finding::Finding;
pub use index::{ReplayRefusal, ReplayWindow, estimate_index};
pub use key_log::{KeyLogError, SessionKeys};
pub use keys::{Label, MasterKey, derive};
pub use policy::Policy;
pub use profile::Profile;
pub use protector::Protector;
pub use unprotector::{Accepted, Unprotector};
