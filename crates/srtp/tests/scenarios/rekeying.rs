//! MKIs, more than one master key, and the end of a key's life.

use voxproof_srtp::{MasterKey, Policy, Profile, Protector, SrtpError, Unprotector};

use super::packets::{SSRC, key, rtcp, rtp};

fn named(profile: Profile, fill: u8, mki: &[u8]) -> MasterKey {
    key(profile, fill).with_mki(mki).unwrap()
}

#[test]
fn the_mki_picks_the_key() {
    for profile in Profile::ALL {
        for length in [1, 4, 128] {
            let (first, second) = (vec![1; length], vec![2; length]);
            let mut sender = Protector::new(named(profile, 1, &first)).unwrap();
            let mut receiver = Unprotector::new(named(profile, 1, &first)).unwrap();
            receiver.add_key(named(profile, 2, &second)).unwrap();
            let mut out = Vec::new();
            let packet = sender.protect_rtp(&rtp(1)).unwrap();
            assert_eq!(packet.len(), 172 + length + profile.rtp_tag_length());
            assert_eq!(receiver.unprotect_rtp_into(&packet, &mut out).unwrap().key, 0);
            sender.rekey(named(profile, 2, &second)).unwrap();
            let packet = sender.protect_rtp(&rtp(2)).unwrap();
            assert_eq!(receiver.unprotect_rtp_into(&packet, &mut out).unwrap().key, 1);
            assert_eq!(out, rtp(2));
            let report = sender.protect_rtcp(&rtcp()).unwrap();
            assert_eq!(receiver.unprotect_rtcp_into(&report, &mut out).unwrap().key, 1);

            assert!(receiver.remove_key(&first));
            sender.rekey(named(profile, 1, &first)).unwrap();
            let packet = sender.protect_rtp(&rtp(3)).unwrap();
            assert_eq!(
                receiver.unprotect_rtp(&packet),
                Err(SrtpError::UnknownMki { mki: first })
            );
        }
    }
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused() {
    let profile = Profile::Aes128CmHmacSha1_80;
    let mut receiver = Unprotector::new(named(profile, 1, &[1])).unwrap();
    for mki in [&[1][..], &[], &[0, 2]] {
        assert!(matches!(
            receiver.add_key(named(profile, 2, mki)),
            Err(SrtpError::MkiConflict(_))
        ));
    }
    assert!(matches!(
        key(profile, 1).with_mki(&[0; 129]),
        Err(SrtpError::MkiConflict(_))
    ));
    assert!(matches!(
        Unprotector::with_policy(Vec::new(), Policy::default()),
        Err(SrtpError::MkiConflict(_))
    ));
}

#[test]
fn a_new_key_goes_on_with_the_counter() {
    let profile = Profile::AeadAes128Gcm;
    let mut sender = Protector::new(key(profile, 1)).unwrap();
    let mut receiver = Unprotector::new(key(profile, 1)).unwrap();
    for sequence in [65_535, 0] {
        receiver
            .unprotect_rtp(&sender.protect_rtp(&rtp(sequence)).unwrap())
            .unwrap();
    }
    sender.rekey(key(profile, 2)).unwrap();
    let packet = sender.protect_rtp(&rtp(1)).unwrap();
    assert_eq!(
        receiver.unprotect_rtp(&packet),
        Err(SrtpError::AuthenticationFailed {
            ssrc: SSRC,
            index: 65_537,
        })
    );
    receiver.rekey(key(profile, 2)).unwrap();
    assert_eq!(receiver.unprotect_rtp(&packet).unwrap(), rtp(1));

    // a sender that begins again at zero is only understood by a receiver that forgets it too
    sender.forget(SSRC);
    let restarted = sender.protect_rtp(&rtp(2)).unwrap();
    assert!(receiver.unprotect_rtp(&restarted).is_err());
    receiver.forget(SSRC);
    assert_eq!(receiver.unprotect_rtp(&restarted).unwrap(), rtp(2));
}

#[test]
fn a_key_has_a_lifetime() {
    let profile = Profile::Aes128CmHmacSha1_32;
    let short = key(profile, 1).with_lifetime(3);
    let mut sender = Protector::new(short.clone()).unwrap();
    let mut receiver = Unprotector::new(short.clone()).unwrap();
    for sequence in 0..3 {
        receiver
            .unprotect_rtp(&sender.protect_rtp(&rtp(sequence)).unwrap())
            .unwrap();
        receiver
            .unprotect_rtcp(&sender.protect_rtcp(&rtcp()).unwrap())
            .unwrap();
    }
    let spent = Err(SrtpError::KeyExhausted { limit: 3 });
    assert_eq!(sender.protect_rtp(&rtp(3)), spent);
    assert_eq!(sender.protect_rtcp(&rtcp()), spent);
    // a sender that does not care is noticed
    let policy = Policy {
        enforce_lifetime: false,
        ..Policy::default()
    };
    let mut careless = Protector::with_policy(short, policy).unwrap();
    for sequence in 0..4 {
        careless.protect_rtp(&rtp(sequence)).unwrap();
    }
    assert_eq!(
        receiver.unprotect_rtp(&careless.protect_rtp(&rtp(4)).unwrap()),
        spent
    );
    // the next key begins at zero
    receiver.rekey(key(profile, 1)).unwrap();
    receiver
        .unprotect_rtp(&careless.protect_rtp(&rtp(5)).unwrap())
        .unwrap();
}

#[test]
fn keys_are_derived_again_at_the_rate() {
    let policy = Policy {
        key_derivation_rate: 16,
        ..Policy::default()
    };
    for profile in Profile::ALL {
        let mut sender = Protector::with_policy(key(profile, 1), policy.clone()).unwrap();
        let mut receiver = Unprotector::with_policy(vec![key(profile, 1)], policy.clone()).unwrap();
        let (mut once, mut plain) = (Protector::new(key(profile, 1)).unwrap(), 0);
        let packets: Vec<Vec<u8>> = (0..200)
            .map(|sequence| {
                let packet = sender.protect_rtp(&rtp(sequence)).unwrap();
                plain += usize::from(packet == once.protect_rtp(&rtp(sequence)).unwrap());
                packet
            })
            .collect();
        // the first keys are those of rate 0
        assert_eq!(plain, 16);
        // pairs turned round, so that keys of two epochs alternate at their border
        for pair in [1_usize, 0]
            .into_iter()
            .cycle()
            .zip(0..200_usize)
            .map(|(turn, at)| at / 2 * 2 + turn)
        {
            assert_eq!(receiver.unprotect_rtp(&packets[pair]).unwrap(), rtp(pair as u16));
        }
    }
}
