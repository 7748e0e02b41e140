//! Why TLS could not be set up, or failed on the wire.

use std::io;

use tokio_rustls::rustls::{CertificateError, Error};

/// A certificate, a key or a TLS configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM text has no certificate, or one that cannot be read.
    #[error("no usable certificate in the PEM text: {reason}")]
    Certificate {
        /// What the reader said.
        reason: String,
    },
    /// The PEM text has no private key of a supported kind.
    #[error(
        "no usable private key in the PEM text (PKCS #8 of ECDSA P-256, P-384, Ed25519 or RSA): {reason}"
    )]
    Key {
        /// What the reader said.
        reason: String,
    },
    /// A name cannot be written into a certificate, or is no server name.
    #[error("{name:?} is no usable name")]
    Name {
        /// The name.
        name: String,
    },
    /// The certificate could not be made.
    #[error("could not make a certificate: {reason}")]
    Issue {
        /// What the generator said.
        reason: String,
    },
    /// The parts of a configuration do not fit together, as a key and a certificate of different origin.
    #[error("unusable TLS configuration: {reason}")]
    Configuration {
        /// What the TLS implementation said.
        reason: String,
    },
}

/// What went wrong in TLS on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The peer sent a fatal alert: it refused.
    #[error("the peer sent the alert {alert}")]
    AlertReceived {
        /// The alert's name in RFC 8446 6, such as `unknown_ca`.
        alert: String,
    },
    /// The peer's certificate was refused by this side.
    #[error("the peer's certificate was refused: {0}")]
    Certificate(CertificateFault),
    /// No version, cipher suite, group or signature scheme in common.
    #[error("nothing in common with the peer: {reason}")]
    Incompatible {
        /// What is missing.
        reason: String,
    },
    /// The peer broke the protocol.
    #[error("{reason}")]
    Protocol {
        /// What it did.
        reason: String,
    },
}

/// What is wrong with a peer's certificate (RFC 5280 6.1, RFC 5922 7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// None was presented although one is required.
    #[error("none was presented")]
    Missing,
    /// Its validity is over.
    #[error("expired")]
    Expired,
    /// Its validity has not begun.
    #[error("not yet valid")]
    NotYetValid,
    /// No chain leads to a trusted authority.
    #[error("signed by nobody that is trusted")]
    UnknownIssuer,
    /// It is for another name.
    #[error("for another name")]
    WrongName,
    /// Its key usage does not permit this role.
    #[error("not meant for this role")]
    WrongPurpose,
    /// A signature in the chain is wrong.
    #[error("wrong signature")]
    BadSignature,
    /// It was revoked.
    #[error("revoked")]
    Revoked,
    /// It cannot be decoded.
    #[error("not readable")]
    Malformed,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<&CertificateError> for CertificateFault {
    fn from(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::WrongPurpose
            }
            CertificateError::BadSignature => Self::BadSignature,
            CertificateError::Revoked => Self::Revoked,
            CertificateError::BadEncoding => Self::Malformed,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<&Error> for TlsFault {
    fn from(error: &Error) -> Self {
        match error {
            Error::AlertReceived(alert) => Self::AlertReceived {
                alert: alert_name(u8::from(*alert)),
            },
            Error::InvalidCertificate(error) => Self::Certificate(error.into()),
            Error::NoCertificatesPresented => Self::Certificate(CertificateFault::Missing),
            Error::PeerIncompatible(reason) => Self::Incompatible {
                reason: format!("{reason:?}"),
            },
            other => Self::Protocol {
                reason: other.to_string(),
            },
        }
    }
}

impl TlsFault {
    /// The TLS error within an input or output error.
    pub(crate) fn within(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Error>().map(Into::into)
    }
}

/// The names of RFC 8446 6 and, for what only TLS 1.2 has, RFC 5246 7.2.
fn alert_name(code: u8) -> String {
    let name = match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return code.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_rustls::rustls::AlertDescription;

    #[test]
    fn an_alert_has_its_standard_name() {
        let error = io::Error::new(
            io::ErrorKind::InvalidData,
            Error::AlertReceived(AlertDescription::UnknownCA),
        );
        assert_eq!(
            TlsFault::within(&error).unwrap().to_string(),
            "the peer sent the alert unknown_ca"
        );
        assert_eq!(alert_name(250), "250");
        assert!(TlsFault::within(&io::Error::other("x")).is_none());
    }
}
