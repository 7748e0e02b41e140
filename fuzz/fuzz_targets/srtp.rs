//! Any datagrams at the ends of protected streams, any bytes of a handshake, any `a=crypto`, `a=fingerprint` and key log.
#![no_main]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use voxproof_srtp::dtls::{Certificate, DtlsEndpoint, DtlsOptions, DtlsVersion, Fingerprint, Role, Setup};
use voxproof_srtp::sdes::{CryptoAttribute, check_answer, negotiate};
use voxproof_srtp::{
    DatagramKind, MasterKey, Policy, Profile, Protector, SessionKeys, Unprotector, classify,
};

fn certificate() -> &'static Certificate {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    CERTIFICATE
        .get_or_init(|| Certificate::self_signed("fuzz", &[3; 32]).expect("the bytes are a private key"))
}

fuzz_target!(|input: (u8, u8, Vec<Vec<u8>>)| {
    let (choice, options, datagrams) = input;
    let profile = Profile::ALL[usize::from(choice) % Profile::ALL.len()];
    let mki = vec![1; usize::from(options & 3)];
    let key = MasterKey::new(profile, &vec![7; profile.key_salt_length()])
        .and_then(|key| key.with_mki(&mki))
        .expect("the key has the length of its profile");
    let policy = Policy {
        authenticate_rtp: profile.is_aead() || options & 4 == 0,
        encrypt_rtcp: options & 8 == 0,
        key_derivation_rate: if options & 16 == 0 { 0 } else { 2 },
        maximum_sources: 4,
        ..Policy::default()
    };
    let mut sender = Protector::with_policy(key.clone(), policy.clone()).expect("policy and profile agree");
    let mut receiver = Unprotector::with_policy(vec![key], policy).expect("policy and profile agree");

    let role = if options & 32 == 0 {
        Role::Active
    } else {
        Role::Passive
    };
    let version = [DtlsVersion::V1_2, DtlsVersion::V1_3, DtlsVersion::Any][usize::from(options >> 6) % 3];
    // a handshake costs a thousand times what a packet does: only for inputs that have one
    let mut handshake = None;
    let endpoint = || {
        let options = DtlsOptions {
            version,
            ..DtlsOptions::default()
        };
        DtlsEndpoint::with_options(role, certificate(), Instant::now(), Duration::ZERO, options)
            .expect("the certificate is of the right kind")
    };

    let mut attributes = Vec::new();
    for (position, bytes) in datagrams.iter().enumerate() {
        let _ = receiver.unprotect_rtp(bytes);
        let _ = receiver.unprotect_rtcp(bytes);
        let _ = receiver.diagnose_rtp(bytes, &[]);
        let _ = receiver.diagnose_rtcp(bytes, &[]);
        if let Ok(protected) = sender.protect_rtp(bytes)
            && let Ok(plain) = receiver.unprotect_rtp(&protected)
        {
            assert_eq!(plain, *bytes);
        }
        if let Ok(protected) = sender.protect_rtcp(bytes)
            && let Ok(plain) = receiver.unprotect_rtcp(&protected)
        {
            assert_eq!(plain, *bytes);
        }
        if classify(bytes) == DatagramKind::Dtls {
            let endpoint = handshake.get_or_insert_with(endpoint);
            endpoint.handle_datagram(Duration::from_millis(position as u64 * 300), bytes);
            while endpoint.poll_transmit().is_some() {}
            while endpoint.poll_event().is_some() {}
        }
        let text = String::from_utf8_lossy(bytes);
        let _ = (Fingerprint::parse(&text), text.parse::<Setup>());
        if let Ok(keys) = SessionKeys::from_text(&text) {
            assert_eq!(keys.to_text(), text);
        }
        if let Some(attribute) = CryptoAttribute::parse(&text).attribute {
            let again = CryptoAttribute::parse(&attribute.to_string());
            assert_eq!(again.attribute.as_ref(), Some(&attribute));
            attributes.push(attribute);
        }
    }
    let _ = negotiate(&attributes, &Profile::ALL);
    if let Some((answer, offer)) = attributes.split_first() {
        let _ = check_answer(offer, std::slice::from_ref(answer));
    }
});
