//! Keys from a DTLS handshake on the media path (RFC 5763, RFC 5764).
//!
//! The handshake itself is crate `dimpl`: DTLS 1.2 and 1.3 with ECDHE, certificates with ECDSA P-256 or P-384 keys, and
//! AES-GCM or ChaCha20. A peer that has only an RSA certificate, only CBC suites or only DTLS 1.0 cannot be reached; the
//! handshake fails with a reason. The SRTP profiles are always `AEAD_AES_256_GCM`, `AEAD_AES_128_GCM` and
//! `SRTP_AES128_CM_HMAC_SHA1_80`, in this order of preference; `_32` cannot be negotiated. The protocol has no MKI here.

mod certificate;
mod endpoint;
mod fingerprint;
mod setup;

pub use certificate::{Certificate, CertificateError};
pub use endpoint::{DtlsEndpoint, DtlsEvent, DtlsFailure, DtlsKeys, DtlsOptions, DtlsVersion, Role};
pub use fingerprint::{Fingerprint, FingerprintError, HashFunction, check_fingerprints};
pub use setup::{Setup, SetupError, answer_setup, role};
