//! What was seen of a TLS handshake.

use std::fmt;

use super::ClientHello;
use tokio_rustls::rustls::{self, CommonState, ProtocolVersion, SupportedProtocolVersion, version};

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// RFC 2246; only with the feature `old-tls`.
    Tls10,
    /// RFC 4346; only with the feature `old-tls`.
    Tls11,
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

/// The versions that one side permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// TLS 1.2 only.
    Tls12,
    /// TLS 1.3 only.
    Tls13,
    /// TLS 1.2 and 1.3.
    #[default]
    Both,
}

static TLS12: [&SupportedProtocolVersion; 1] = [&version::TLS12];
static TLS13: [&SupportedProtocolVersion; 1] = [&version::TLS13];
static BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

impl TlsVersions {
    pub(super) fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => &TLS12,
            Self::Tls13 => &TLS13,
            Self::Both => &BOTH,
        }
    }
}

/// The evidence of a completed handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// The version agreed.
    pub version: Option<TlsVersion>,
    /// The cipher suite agreed, by its registered name.
    pub cipher_suite: String,
    /// The server name that the client indicated.
    pub sni: Option<String>,
    /// As server with an expected name: whether the client indicated it.
    pub sni_as_expected: Option<bool>,
    /// The peer's certificates in DER, the end certificate first. Empty when it presented none.
    pub peer_certificates: Vec<Vec<u8>>,
    /// The application protocol agreed (RFC 7301).
    pub alpn: Option<Vec<u8>>,
    /// The secrets in the NSS key log format: a file of these lines lets Wireshark decrypt the capture.
    pub key_log: Vec<String>,
    /// As server: what the client offered.
    pub client_hello: Option<ClientHello>,
}

impl TlsInfo {
    pub(crate) fn of(state: &CommonState, key_log: Vec<String>) -> Self {
        Self {
            version: match state.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => Some(TlsVersion::Tls12),
                Some(ProtocolVersion::TLSv1_3) => Some(TlsVersion::Tls13),
                _ => None,
            },
            cipher_suite: state
                .negotiated_cipher_suite()
                .map(|suite| suite_name(suite.suite()))
                .unwrap_or_default(),
            sni: None,
            sni_as_expected: None,
            peer_certificates: state
                .peer_certificates()
                .unwrap_or_default()
                .iter()
                .map(|certificate| certificate.to_vec())
                .collect(),
            alpn: state.alpn_protocol().map(<[u8]>::to_vec),
            key_log,
            client_hello: None,
        }
    }
}

/// rustls writes the suites of TLS 1.3 with the version in the prefix; the registry does not.
pub(super) fn suite_name(suite: rustls::CipherSuite) -> String {
    match suite.as_str() {
        Some(name) => name.replacen("TLS13_", "TLS_", 1),
        None => format!("0x{:04x}", u16::from(suite)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_their_registered_names() {
        assert_eq!(
            suite_name(rustls::CipherSuite::TLS13_AES_128_GCM_SHA256),
            "TLS_AES_128_GCM_SHA256"
        );
        assert_eq!(suite_name(rustls::CipherSuite::Unknown(0xfefe)), "0xfefe");
    }
}
