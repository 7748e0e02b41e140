//! Whom a certificate is for, as RFC 5922 reads it for SIP domains.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// One name in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IdentityName {
    /// A dNSName of the subject alternative name.
    Dns(String),
    /// An iPAddress of the subject alternative name.
    Ip(IpAddr),
    /// A uniformResourceIdentifier of the subject alternative name, such as `sip:example.com`.
    Uri(String),
    /// The common name of the subject.
    CommonName(String),
}

/// All names of a certificate in DER: alternative names in their order, then common names. Nothing when it cannot be read.
pub fn certificate_identities(der: &[u8]) -> Vec<IdentityName> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    if let Ok(Some(extension)) = certificate.subject_alternative_name() {
        names.extend(extension.value.general_names.iter().filter_map(alternative));
    }
    names.extend(
        certificate
            .subject()
            .iter_common_name()
            .filter_map(|name| name.as_str().ok())
            .map(|name| IdentityName::CommonName(name.to_owned())),
    );
    names
}

fn alternative(name: &GeneralName<'_>) -> Option<IdentityName> {
    match name {
        GeneralName::DNSName(name) => Some(IdentityName::Dns((*name).to_owned())),
        GeneralName::URI(uri) => Some(IdentityName::Uri((*uri).to_owned())),
        GeneralName::IPAddress(bytes) => address(bytes).map(IdentityName::Ip),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|v6| Ipv6Addr::from(v6).into())
}

/// Whether a certificate with these names speaks for a SIP domain.
///
/// `sip` URIs without a user part count first, DNS names only when there is no such URI, the common name only when there
/// is no alternative name (RFC 5922 7.1). The whole name is compared without regard to case; wildcards match nothing
/// (RFC 5922 7.2).
pub fn matches_domain(names: &[IdentityName], domain: &str) -> bool {
    sip_domains(names).any(|name| name.eq_ignore_ascii_case(domain))
}

fn sip_domains(names: &[IdentityName]) -> impl Iterator<Item = &str> {
    let has_uri = names.iter().any(|name| uri_domain(name).is_some());
    let has_alternative = names
        .iter()
        .any(|name| !matches!(name, IdentityName::CommonName(_)));
    names.iter().filter_map(move |name| match name {
        IdentityName::Uri(_) => uri_domain(name),
        IdentityName::Dns(dns) => (!has_uri).then_some(dns.as_str()),
        IdentityName::CommonName(common) => (!has_alternative).then_some(common.as_str()),
        IdentityName::Ip(_) => None,
    })
}

fn uri_domain(name: &IdentityName) -> Option<&str> {
    let IdentityName::Uri(uri) = name else { return None };
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") || rest.contains('@') {
        return None;
    }
    let end = rest.find([':', ';', '?']).unwrap_or(rest.len());
    rest.get(..end).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dns(name: &str) -> IdentityName {
        IdentityName::Dns(name.to_owned())
    }
    fn uri(name: &str) -> IdentityName {
        IdentityName::Uri(name.to_owned())
    }

    #[test]
    fn a_sip_uri_outranks_dns_names() {
        let both = [uri("sip:Example.com"), dns("other.example.com")];
        assert!(matches_domain(&both, "example.COM"));
        assert!(!matches_domain(&both, "other.example.com"));
        let useless = [
            uri("sip:alice@example.com"),
            uri("https://example.com"),
            dns("example.com"),
        ];
        assert!(matches_domain(&useless, "example.com"));
        assert!(matches_domain(
            &[uri("sip:example.com:5061;transport=tls")],
            "example.com"
        ));
    }

    #[test]
    fn wildcards_and_suffixes_match_nothing() {
        assert!(!matches_domain(&[dns("*.example.com")], "sip.example.com"));
        assert!(!matches_domain(&[dns("example.com")], "sip.example.com"));
    }

    #[test]
    fn the_common_name_counts_only_alone() {
        let common = IdentityName::CommonName("example.com".to_owned());
        assert!(matches_domain(std::slice::from_ref(&common), "example.com"));
        assert!(!matches_domain(&[dns("other.com"), common], "example.com"));
        assert!(!matches_domain(&[], "example.com"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = certificate_identities(&bytes);
        }

        #[test]
        fn any_name_is_compared(name in ".{0,40}", domain in ".{0,40}") {
            let _ = matches_domain(&[IdentityName::Uri(name.clone())], &domain);
            prop_assert!(matches_domain(&[IdentityName::Dns(name.clone())], &name));
        }
    }
}
