//! Any certificate of a peer: whom it speaks for (RFC 5922).
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_net::tls::{IdentityName, certificate_identities, matches_domain};

fuzz_target!(|input: (Vec<u8>, String, String)| {
    let (certificate, name, domain) = input;
    let mut names = certificate_identities(&certificate);
    let _ = matches_domain(&names, &domain);
    names.push(IdentityName::Uri(name.clone()));
    let _ = matches_domain(&names, &domain);
    // a DNS name alone always speaks for itself
    assert!(matches_domain(&[IdentityName::Dns(name.clone())], &name));
});
