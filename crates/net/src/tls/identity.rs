//! A certificate chain with its private key, and the authorities that a side trusts.

use std::fmt;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{TestAuthority, TlsError};

/// A certificate chain, the end certificate first, and the private key of it.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key_pem: String,
}

impl Identity {
    /// Reads a chain, the end certificate first, and a key.
    ///
    /// # Errors
    /// [`TlsError::Certificate`] or [`TlsError::Key`].
    pub fn from_pem(certificates: &str, key: &str) -> Result<Self, TlsError> {
        let identity = Self {
            chain: certificates_in(certificates)?,
            key_pem: key.to_owned(),
        };
        identity.key()?;
        Ok(identity)
    }

    pub(super) fn new(chain: Vec<CertificateDer<'static>>, key_pem: String) -> Self {
        Self { chain, key_pem }
    }

    /// The chain as PEM text, the end certificate first.
    pub fn certificate_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem(certificate)).collect()
    }

    /// The private key as PEM text.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The end certificate in DER.
    pub fn certificate_der(&self) -> &[u8] {
        self.chain.first().map(AsRef::as_ref).unwrap_or_default()
    }

    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).map_err(|error| TlsError::Key {
            reason: error.to_string(),
        })
    }
}

impl fmt::Debug for Identity {
    /// Without the key: it ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("names", &super::certificate_identities(self.certificate_der()))
            .finish_non_exhaustive()
    }
}

/// The certification authorities that one side trusts.
#[derive(Clone, Debug, Default)]
pub struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// Nobody is trusted.
    pub fn none() -> Self {
        Self::default()
    }

    /// The certificates in a PEM text.
    ///
    /// # Errors
    /// [`TlsError::Certificate`] when there is none.
    pub fn from_pem(certificates: &str) -> Result<Self, TlsError> {
        Ok(Self(certificates_in(certificates)?))
    }

    #[cfg(feature = "old-tls")]
    pub(super) fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }

    pub(super) fn store(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in &self.0 {
            store
                .add(certificate.clone())
                .map_err(|error| TlsError::Certificate {
                    reason: error.to_string(),
                })?;
        }
        Ok(store)
    }
}

impl From<&TestAuthority> for Roots {
    fn from(authority: &TestAuthority) -> Self {
        Self(vec![authority.certificate().clone()])
    }
}

/// A self-signed certificate is its own authority.
impl From<&Identity> for Roots {
    fn from(identity: &Identity) -> Self {
        Self(identity.chain.iter().take(1).cloned().collect())
    }
}

pub(super) fn certificates_in(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::Certificate {
            reason: error.to_string(),
        })?;
    if certificates.is_empty() {
        return Err(TlsError::Certificate {
            reason: "there is none".to_owned(),
        });
    }
    Ok(certificates)
}

pub(super) fn pem(certificate: &CertificateDer<'_>) -> String {
    pem::encode_config(
        &pem::Pem::new("CERTIFICATE", certificate.as_ref()),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    )
}
