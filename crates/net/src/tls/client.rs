//! The client's side.

use std::sync::Arc;

use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;

use super::server::configuration;
use super::verifier::ServerVerifier;
use super::{Identity, Roots, TlsError, TlsVersions};

/// How a connection does TLS.
#[derive(Clone, Debug)]
pub struct TlsClient {
    /// The authorities it trusts.
    pub roots: Roots,
    /// The server's name, a DNS name or an address: what the certificate must be for, and if a DNS name what is indicated
    /// to the server (RFC 6066 3).
    pub server_name: String,
    /// What it presents when the server asks for a certificate.
    pub identity: Option<Identity>,
    /// How the server's certificate is checked.
    pub verify: Verification,
    /// The versions it permits.
    pub versions: TlsVersions,
    /// Application protocols, the preferred first (RFC 7301). With none the extension is left out.
    pub alpn: Vec<Vec<u8>>,
}

/// How a client checks the server's certificate. In every case the server must have the key of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// Chain, validity, purpose, and the name as RFC 5922 7 has it for SIP domains: a `sip` URI before DNS names, no
    /// wildcards. An address must be among the certificate's addresses.
    #[default]
    Full,
    /// Chain, validity, purpose, and the name as RFC 6125 has it for the web: wildcards count. For WebSocket servers.
    Web,
    /// Chain, validity and purpose; the name is not looked at.
    ChainOnly,
    /// Anything goes. Only for devices with a certificate of their own making that cannot be replaced: anybody on the way
    /// can read and change what such a connection carries.
    None,
}

impl TlsClient {
    /// Any version, full verification, no certificate of its own.
    pub fn new(server_name: impl Into<String>, roots: Roots) -> Self {
        Self {
            roots,
            server_name: server_name.into(),
            identity: None,
            verify: Verification::default(),
            versions: TlsVersions::default(),
            alpn: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> Result<ServerName<'static>, TlsError> {
        ServerName::try_from(self.server_name.clone()).map_err(|_| TlsError::Name {
            name: self.server_name.clone(),
        })
    }

    pub(crate) fn config(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = ServerVerifier::new(self.verify, self.roots.store()?, &provider);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions.supported())
            .map_err(|error| configuration(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain(), identity.key()?)
                .map_err(|error| configuration(&error))?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(config)
    }
}
