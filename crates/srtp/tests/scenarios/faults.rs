//! What the lab sends wrong on purpose is refused for that reason, and the stream goes on afterwards.

use voxproof_srtp::{Fault, Profile, Protector, SrtpError, Unprotector};

use super::packets::{SSRC, key, pair, rtcp, rtp};

#[test]
fn each_fault_of_srtp_is_refused() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let failed = |index| Err(SrtpError::AuthenticationFailed { ssrc: SSRC, index });
        for (sequence, fault) in [
            (1, Fault::FlipTag),
            (2, Fault::ShortenTag(1)),
            (3, Fault::ShortenTag(99)),
            (4, Fault::Plain),
            (5, Fault::RollOverCounter(9)),
            (6, Fault::Mki(vec![1, 2, 3])),
        ] {
            let packet = sender.protect_rtp_with(&rtp(sequence), &fault).unwrap();
            assert_eq!(
                receiver.unprotect_rtp(&packet),
                failed(u64::from(sequence)),
                "{profile} {fault:?}"
            );
        }
        let plain = sender.protect_rtp_with(&rtp(7), &Fault::Plain).unwrap();
        assert_eq!(plain, rtp(7));
        let unencrypted = sender.protect_rtp_with(&rtp(8), &Fault::Unencrypted).unwrap();
        assert_eq!(unencrypted[..172], rtp(8));
        // AES-CM cannot tell: the tag is over what was sent
        match receiver.unprotect_rtp(&unencrypted) {
            Ok(garbled) => assert!(!profile.is_aead() && garbled != rtp(8)),
            error => assert_eq!(error, failed(8)),
        }
        let good = sender.protect_rtp(&rtp(9)).unwrap();
        assert_eq!(receiver.unprotect_rtp(&good).unwrap(), rtp(9));
    }
}

#[test]
fn each_fault_of_srtcp_is_refused() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        for fault in [
            Fault::FlipTag,
            Fault::ShortenTag(2),
            Fault::Mki(vec![7]),
            Fault::ClearEncryptionFlag,
            Fault::Unencrypted,
        ] {
            let packet = sender.protect_rtcp_with(&rtcp(), &fault).unwrap();
            let refused = receiver.unprotect_rtcp(&packet).unwrap_err();
            match (&fault, profile.is_aead()) {
                // the flag is part of what is authenticated, and is authentic as it is
                (Fault::Unencrypted, _) | (Fault::ClearEncryptionFlag, false) => {
                    assert_eq!(refused, SrtpError::EncryptionFlag { encrypted: false });
                }
                _ => assert!(
                    matches!(refused, SrtpError::AuthenticationFailed { .. }),
                    "{profile} {fault:?} {refused}"
                ),
            }
        }
        let again = sender.protect_rtcp_with(&rtcp(), &Fault::RtcpIndex(900)).unwrap();
        receiver.unprotect_rtcp(&again).unwrap();
        let again = sender.protect_rtcp_with(&rtcp(), &Fault::RtcpIndex(900)).unwrap();
        assert!(matches!(
            receiver.unprotect_rtcp(&again),
            Err(SrtpError::Replay { index: 900, .. })
        ));
    }
}

#[test]
fn a_wrong_mki_names_no_key() {
    let named = key(Profile::AeadAes256Gcm, 1).with_mki(&[0, 1]).unwrap();
    let mut sender = Protector::new(named.clone()).unwrap();
    let mut receiver = Unprotector::new(named).unwrap();
    let packet = sender.protect_rtp_with(&rtp(1), &Fault::Mki(vec![0, 2])).unwrap();
    assert_eq!(
        receiver.unprotect_rtp(&packet),
        Err(SrtpError::UnknownMki { mki: vec![0, 2] })
    );
}
