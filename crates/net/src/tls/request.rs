//! What a test wants a certificate to be like, right or wrong.

use super::IdentityName;

/// A certificate to be issued by a [`TestAuthority`](super::TestAuthority). The default is right for both roles, but for
/// nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateRequest {
    /// Alternative names, and the common name of the subject. A SIP domain has its URI, `sip:example.com`, and for older
    /// peers its DNS name (RFC 5922 7.1).
    pub names: Vec<IdentityName>,
    /// When it is valid, relative to the system's wall time: virtual time has none.
    pub validity: Validity,
    /// The role it is for.
    pub usage: Usage,
    /// Who signs it.
    pub signer: Signer,
    /// Its key.
    pub key: CertificateKey,
}

impl CertificateRequest {
    /// A right one for these names.
    pub fn new(names: impl IntoIterator<Item = IdentityName>) -> Self {
        Self {
            names: names.into_iter().collect(),
            ..Self::default()
        }
    }

    /// A right one for a SIP domain, with its URI and its DNS name.
    pub fn sip_domain(domain: &str) -> Self {
        Self::new([
            IdentityName::Uri(format!("sip:{domain}")),
            IdentityName::Dns(domain.to_owned()),
        ])
    }
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validity {
    /// From a day ago for a year: a device's clock may be late by hours.
    #[default]
    Valid,
    /// Until a day ago.
    Expired,
    /// From a month ahead.
    NotYetValid,
}

/// The extended key usage (RFC 5280 4.2.1.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// Server and client, as RFC 5924 expects of a SIP domain's certificate.
    #[default]
    Both,
    /// Server only.
    Server,
    /// Client only.
    Client,
}

/// Who signs a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signer {
    /// The authority that is asked.
    #[default]
    Authority,
    /// An intermediate authority below it, whose certificate is in the chain.
    Intermediate,
    /// An intermediate authority below it, whose certificate is left out of the chain: a common mistake of servers.
    IntermediateNotSent,
    /// Its own key.
    SelfSigned,
    /// An authority that nobody trusts.
    OtherAuthority,
}

/// The key of a certificate.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum CertificateKey {
    /// A fresh key on the curve P-256.
    #[default]
    EcdsaP256,
    /// A fresh key on the curve P-384.
    EcdsaP384,
    /// A key of the caller as PKCS #8 PEM, RSA for one: `openssl genrsa 2048` makes it. Older devices know nothing but RSA,
    /// and the cryptographic library of the lab uses RSA keys but does not make them.
    Pem(String),
}

impl std::fmt::Debug for CertificateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256 => "EcdsaP256",
            Self::EcdsaP384 => "EcdsaP384",
            Self::Pem(_) => "Pem(..)",
        })
    }
}
