//! Nothing that arrives makes anything panic, and nothing forged is accepted.

use proptest::prelude::*;
use voxproof_srtp::dtls::Fingerprint;
use voxproof_srtp::sdes::CryptoAttribute;
use voxproof_srtp::{Policy, Profile, Unprotector, classify};

use super::packets::{key, pair, rtcp, rtp};

fn any_profile() -> impl Strategy<Value = Profile> {
    (0..Profile::ALL.len()).prop_map(|position| Profile::ALL[position])
}

proptest! {
    #[test]
    fn any_bytes_are_refused(profile in any_profile(), mki in 0_usize..5, mut bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mki = vec![0; mki];
        let mut receiver = Unprotector::new(key(profile, 1).with_mki(&mki).unwrap()).unwrap();
        let _ = classify(&bytes);
        for first in [None, Some(0x80), Some(0x9f)] {
            if let (Some(first), Some(byte)) = (first, bytes.first_mut()) {
                *byte = first;
            }
            prop_assert!(receiver.unprotect_rtp(&bytes).is_err());
            prop_assert!(receiver.unprotect_rtcp(&bytes).is_err());
            let _ = receiver.diagnose_rtp(&bytes, &[]);
            let _ = receiver.diagnose_rtcp(&bytes, &[]);
        }
    }

    #[test]
    fn without_authentication_any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let policy = Policy { authenticate_rtp: false, key_derivation_rate: 2, ..Policy::default() };
        let mut receiver = Unprotector::with_policy(vec![key(Profile::Aes192CmHmacSha1_80, 1)], policy).unwrap();
        if let Ok(plain) = receiver.unprotect_rtp(&bytes) {
            prop_assert_eq!(plain.len(), bytes.len());
        }
    }

    #[test]
    fn a_cut_or_lengthened_packet_is_refused(profile in any_profile(), cut in 1_usize..40, more in prop::collection::vec(any::<u8>(), 1..20)) {
        let (mut sender, mut receiver) = pair(profile);
        let mut packet = sender.protect_rtp(&rtp(1)).unwrap();
        prop_assert!(receiver.unprotect_rtp(&packet[..packet.len() - cut]).is_err());
        packet.extend(&more);
        prop_assert!(receiver.unprotect_rtp(&packet).is_err());
        let mut report = sender.protect_rtcp(&rtcp()).unwrap();
        prop_assert!(receiver.unprotect_rtcp(&report[..report.len().saturating_sub(cut)]).is_err());
        report.extend(more);
        prop_assert!(receiver.unprotect_rtcp(&report).is_err());
    }

    #[test]
    fn any_payload_comes_back(profile in any_profile(), payload in prop::collection::vec(any::<u8>(), 0..1500), sequence: u16) {
        let (mut sender, mut receiver) = pair(profile);
        let mut packet = rtp(sequence);
        packet.truncate(12);
        packet.extend(payload);
        let protected = sender.protect_rtp(&packet).unwrap();
        prop_assert_eq!(receiver.unprotect_rtp(&protected).unwrap(), packet);
    }

    #[test]
    fn any_crypto_line_is_read_or_refused(line in "([0-9]{1,9} )?(AES_CM_128_HMAC_SHA1_80 |\\PC{0,10} )?(inline:)?[A-Za-z0-9+/=]{0,50}(\\|[0-9^]{0,6})?(\\|[0-9]{0,9}:?[0-9]{0,4})?[;|: ]?\\PC{0,20}") {
        let read = CryptoAttribute::parse(&line);
        prop_assert!(read.attribute.is_some() || !read.findings.is_empty());
        if let Some(attribute) = read.attribute {
            let _ = (attribute.master_keys(), attribute.policy());
            let again = CryptoAttribute::parse(&attribute.to_string());
            prop_assert_eq!(again.attribute, Some(attribute));
        }
    }

    #[test]
    fn any_fingerprint_text_is_read_or_refused(line in "\\PC{0,80}") {
        let _ = Fingerprint::parse(&line);
    }
}
