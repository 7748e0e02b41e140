//! TLS 1.0 and 1.1 (RFC 2246, RFC 4346) for old devices, by the system's OpenSSL; cargo feature `old-tls`.
//!
//! RFC 8996 forbids both versions, and rustls has neither. A device that offers nothing newer is served by OpenSSL at
//! security level 0; all others never come here. The client's role has no such way: a lab calls a device over the
//! connection that the device made (RFC 5626 5.3), or not at all.

use std::pin::Pin;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_openssl::SslStream;

use super::server::configuration;
use super::{ClientCertificates, KeyLogLines, TlsError, TlsFault, TlsInfo, TlsServer, TlsVersion};

/// What OpenSSL 3 needs to be told before it does these versions (SSL_CTX_set_security_level(3)).
const CIPHERS: &str = "ALL:!aNULL:!eNULL:@SECLEVEL=0";

fn context(server: &TlsServer, log: &Arc<KeyLogLines>) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1))?;
    builder.set_max_proto_version(Some(SslVersion::TLS1_1))?;
    builder.set_cipher_list(CIPHERS)?;
    let mut chain = server.identity.chain().into_iter();
    if let Some(end) = chain.next() {
        let end = X509::from_der(&end)?;
        builder.set_certificate(&end)?;
    }
    for issuer in chain {
        builder.add_extra_chain_cert(X509::from_der(&issuer)?)?;
    }
    let key = PKey::private_key_from_pem(server.identity.key_pem().as_bytes())?;
    builder.set_private_key(&key)?;
    match &server.client_certificates {
        ClientCertificates::None => {}
        ClientCertificates::Request => builder.set_verify_callback(SslVerifyMode::PEER, |_, _| true),
        ClientCertificates::Require(roots) => {
            let mut store = X509StoreBuilder::new()?;
            for root in roots.certificates() {
                store.add_cert(X509::from_der(root)?)?;
            }
            builder.set_verify_cert_store(store.build())?;
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
    }
    let log = Arc::clone(log);
    builder.set_keylog_callback(move |_, line| log.push(line.to_owned()));
    Ok(builder.build())
}

/// The server's side of a handshake in an old version.
///
/// # Errors
/// [`TlsFault::Protocol`] with OpenSSL's reason.
pub(crate) async fn accept<S>(
    server: &TlsServer,
    stream: S,
    log: &Arc<KeyLogLines>,
) -> Result<(SslStream<S>, TlsInfo), TlsFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let unusable = |error: &dyn ToString| TlsFault::Protocol {
        reason: error.to_string(),
    };
    let context = context(server, log).map_err(|error| unusable(&configuration(&error)))?;
    let ssl = Ssl::new(&context).map_err(|error| unusable(&error))?;
    let mut tls = SslStream::new(ssl, stream).map_err(|error| unusable(&error))?;
    Pin::new(&mut tls)
        .accept()
        .await
        .map_err(|error| unusable(&error))?;
    let state = tls.ssl();
    let info = TlsInfo {
        version: match state.version2() {
            Some(SslVersion::TLS1) => Some(TlsVersion::Tls10),
            Some(SslVersion::TLS1_1) => Some(TlsVersion::Tls11),
            _ => None,
        },
        cipher_suite: state
            .current_cipher()
            .and_then(|cipher| cipher.standard_name())
            .unwrap_or_default()
            .to_owned(),
        sni: state
            .servername(openssl::ssl::NameType::HOST_NAME)
            .map(str::to_owned),
        sni_as_expected: None,
        peer_certificates: state
            .peer_certificate()
            .into_iter()
            .filter_map(|certificate| certificate.to_der().ok())
            .collect(),
        alpn: None,
        key_log: log.lines(),
        client_hello: None,
    };
    Ok((tls, info))
}

/// A configuration that the listener could not use is told when it is made, not at the first device.
pub(crate) fn check(server: &TlsServer) -> Result<(), TlsError> {
    context(server, &Arc::default())
        .map(|_| ())
        .map_err(|error| configuration(&error))
}
