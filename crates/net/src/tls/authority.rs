//! A certification authority for tests.

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, SanType,
};
use time::OffsetDateTime;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::identity::{certificates_in, pem};
use super::{CertificateKey, CertificateRequest, Identity, IdentityName, Signer, TlsError, Usage, Validity};

const DAY: Duration = Duration::from_secs(86_400);
/// Ten years: it is installed on phones by hand.
const AUTHORITY_LIFE: Duration = Duration::from_secs(3650 * 86_400);
const COMMON_NAME: &str = "Voxproof test authority";

/// A certification authority whose certificate a lab installs on its devices.
///
/// Its key is fresh and its certificates are for tests: keep both files of it as you keep a password.
pub struct TestAuthority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl TestAuthority {
    /// A new authority with a fresh key, valid from a day before `now` for ten years.
    ///
    /// # Errors
    /// [`TlsError::Issue`] when the system has no randomness to give.
    pub fn generate(now: SystemTime) -> Result<Self, TlsError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(issue)?;
        // devices list authorities by name, and chains are built by it: two of the lab's must not share one
        let id = CertificateParams::default().key_identifier(&key);
        let id: String = id.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let params = authority_params(&format!("{COMMON_NAME} {id}"), now);
        let certificate = params.self_signed(&key).map_err(issue)?;
        Ok(Self {
            certificate: certificate.into(),
            issuer: Issuer::new(params, key),
        })
    }

    /// An authority that was kept.
    ///
    /// # Errors
    /// [`TlsError::Certificate`] or [`TlsError::Key`].
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, TlsError> {
        let key = KeyPair::from_pem(key).map_err(|error| TlsError::Key {
            reason: error.to_string(),
        })?;
        let certificate = certificates_in(certificate)?.swap_remove(0);
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|error| TlsError::Certificate {
            reason: error.to_string(),
        })?;
        Ok(Self { certificate, issuer })
    }

    /// The certificate to install on devices, as PEM text.
    pub fn certificate_pem(&self) -> String {
        pem(&self.certificate)
    }

    /// The private key as PEM text, for [`TestAuthority::from_pem`].
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Issues a certificate. Its validity is relative to the system's wall time of this moment.
    ///
    /// # Errors
    /// [`TlsError::Name`] for a name that a certificate cannot hold, [`TlsError::Key`], [`TlsError::Issue`].
    pub fn issue(&self, request: &CertificateRequest) -> Result<Identity, TlsError> {
        let now = SystemTime::now();
        let key = match &request.key {
            CertificateKey::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(issue)?,
            CertificateKey::EcdsaP384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).map_err(issue)?,
            CertificateKey::Pem(pem) => KeyPair::from_pem(pem).map_err(|error| TlsError::Key {
                reason: error.to_string(),
            })?,
        };
        let params = end_params(request, now)?;
        let signed_by = |issuer: &Issuer<'_, KeyPair>| params.signed_by(&key, issuer).map_err(issue);
        let chain = match request.signer {
            Signer::Authority => vec![signed_by(&self.issuer)?.into()],
            Signer::SelfSigned => vec![params.self_signed(&key).map_err(issue)?.into()],
            Signer::OtherAuthority => vec![signed_by(&Self::generate(now)?.issuer)?.into()],
            Signer::Intermediate | Signer::IntermediateNotSent => {
                let below_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(issue)?;
                let below_params = authority_params("Voxproof intermediate test authority", now);
                let below = below_params.signed_by(&below_key, &self.issuer).map_err(issue)?;
                let mut chain = vec![signed_by(&Issuer::new(below_params, below_key))?.into()];
                if request.signer == Signer::Intermediate {
                    chain.push(below.into());
                }
                chain
            }
        };
        Ok(Identity::new(chain, key.serialize_pem()))
    }
}

impl fmt::Debug for TestAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestAuthority").finish_non_exhaustive()
    }
}

fn authority_params(name: &str, now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = OffsetDateTime::from(now - DAY);
    params.not_after = OffsetDateTime::from(now + AUTHORITY_LIFE);
    params
}

fn end_params(request: &CertificateRequest, now: SystemTime) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // UTF-8 with the host names as everybody shows them; without a name of its own it is still not the authority's
    let common = request.names.iter().find_map(|name| match name {
        IdentityName::CommonName(common) => Some(common.as_str()),
        _ => None,
    });
    params
        .distinguished_name
        .push(DnType::CommonName, common.unwrap_or("Voxproof test certificate"));
    for name in &request.names {
        let unusable = |name: &String| TlsError::Name { name: name.clone() };
        params.subject_alt_names.push(match name {
            IdentityName::Dns(name) => {
                SanType::DnsName(name.as_str().try_into().map_err(|_| unusable(name))?)
            }
            IdentityName::Uri(uri) => SanType::URI(uri.as_str().try_into().map_err(|_| unusable(uri))?),
            IdentityName::Ip(ip) => SanType::IpAddress(*ip),
            IdentityName::CommonName(_) => continue,
        });
    }
    let (from, until) = match request.validity {
        Validity::Valid => (now - DAY, now + 365 * DAY),
        Validity::Expired => (now - 365 * DAY, now - DAY),
        Validity::NotYetValid => (now + 30 * DAY, now + 365 * DAY),
    };
    params.not_before = OffsetDateTime::from(from);
    params.not_after = OffsetDateTime::from(until);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    params.extended_key_usages = match request.usage {
        Usage::Both => vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ],
        Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Usage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
    };
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn issue(error: rcgen::Error) -> TlsError {
    TlsError::Issue {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificate_identities;
    use super::*;

    #[test]
    fn the_names_that_were_asked_for_are_in_it() {
        let authority = TestAuthority::generate(SystemTime::now()).unwrap();
        let names = vec![
            IdentityName::Uri("sip:example.com".into()),
            IdentityName::Dns("example.com".into()),
            IdentityName::Ip("192.0.2.1".parse().unwrap()),
            IdentityName::Ip("2001:db8::1".parse().unwrap()),
            IdentityName::CommonName("phone".into()),
        ];
        let identity = authority.issue(&CertificateRequest::new(names.clone())).unwrap();
        assert_eq!(certificate_identities(identity.certificate_der()), names);
        let read = Identity::from_pem(&identity.certificate_pem(), identity.key_pem()).unwrap();
        assert_eq!(read.certificate_der(), identity.certificate_der());
    }

    #[test]
    fn a_kept_authority_goes_on() {
        let first = TestAuthority::generate(SystemTime::now()).unwrap();
        let kept = TestAuthority::from_pem(&first.certificate_pem(), &first.key_pem()).unwrap();
        assert_eq!(kept.certificate_pem(), first.certificate_pem());
        assert!(kept.issue(&CertificateRequest::sip_domain("example.com")).is_ok());
        assert!(matches!(
            TestAuthority::from_pem("", &first.key_pem()),
            Err(TlsError::Certificate { .. })
        ));
        assert!(matches!(
            TestAuthority::from_pem(&first.certificate_pem(), "-----BEGIN X-----"),
            Err(TlsError::Key { .. })
        ));
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        let authority = TestAuthority::generate(SystemTime::now()).unwrap();
        let request = CertificateRequest::new([IdentityName::Dns("bücher.example".into())]);
        assert!(
            matches!(authority.issue(&request), Err(TlsError::Name { name }) if name == "bücher.example")
        );
    }
}
