//! The server's side.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

use super::verifier::AnyClient;
use super::{Identity, Roots, TlsError, TlsVersions};

/// How a listener does TLS.
#[derive(Clone, Debug)]
pub struct TlsServer {
    /// What it presents.
    pub identity: Identity,
    /// The versions it permits.
    pub versions: TlsVersions,
    /// Whether it asks the client for a certificate.
    pub client_certificates: ClientCertificates,
    /// The server name that a client ought to indicate. Another one is not refused but reported, as
    /// [`TlsInfo::sni_as_expected`](super::TlsInfo::sni_as_expected).
    pub expected_sni: Option<String>,
    /// Application protocols, the preferred first (RFC 7301). With none the extension is left out.
    pub alpn: Vec<Vec<u8>>,
}

/// Whether a server asks its client for a certificate.
#[derive(Clone, Debug, Default)]
pub enum ClientCertificates {
    /// It does not.
    #[default]
    None,
    /// It does, goes on without one, and takes any: the certificate is evidence, not a condition. That the client has the
    /// key of it is verified.
    Request,
    /// It refuses clients without a certificate of these authorities (mutual TLS).
    Require(Roots),
}

impl TlsServer {
    /// Any version, no client certificates.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            versions: TlsVersions::default(),
            client_certificates: ClientCertificates::default(),
            expected_sni: None,
            alpn: Vec::new(),
        }
    }

    pub(crate) fn config(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder: ConfigBuilder<ServerConfig, WantsVerifier> =
            ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(self.versions.supported())
                .map_err(|error| configuration(&error))?;
        let builder = match &self.client_certificates {
            ClientCertificates::None => builder.with_no_client_auth(),
            ClientCertificates::Request => {
                builder.with_client_cert_verifier(Arc::new(AnyClient::new(&provider)))
            }
            ClientCertificates::Require(roots) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots.store()?), provider)
                    .build()
                    .map_err(|error| configuration(&error))?,
            ),
        };
        let mut config = builder
            .with_single_cert(self.identity.chain(), self.identity.key()?)
            .map_err(|error| configuration(&error))?;
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(config)
    }
}

pub(super) fn configuration(error: &impl ToString) -> TlsError {
    TlsError::Configuration {
        reason: error.to_string(),
    }
}
