//! Why a packet was refused, when the sender did something that can be named.

use voxproof_srtp::{Explanation, Fault, Profile, Protector, Unprotector};

use super::packets::{key, pair, rtcp, rtp};

#[test]
fn a_restarted_counter_is_found() {
    let (mut sender, mut receiver) = pair(Profile::Aes128CmHmacSha1_80);
    for sequence in [65_535, 0] {
        receiver
            .unprotect_rtp(&sender.protect_rtp(&rtp(sequence)).unwrap())
            .unwrap();
    }
    let packet = sender
        .protect_rtp_with(&rtp(1), &Fault::RollOverCounter(0))
        .unwrap();
    assert!(receiver.unprotect_rtp(&packet).is_err());
    assert_eq!(
        receiver.diagnose_rtp(&packet, &[]),
        [Explanation::RollOverCounter { expected: 1, sent: 0 }]
    );
}

#[test]
fn the_other_tag_length_is_found() {
    let mut sender = Protector::new(key(Profile::Aes256CmHmacSha1_32, 1)).unwrap();
    let (_, receiver) = pair(Profile::Aes256CmHmacSha1_80);
    let packet = sender.protect_rtp(&rtp(1)).unwrap();
    assert_eq!(
        receiver.diagnose_rtp(&packet, &[]),
        [Explanation::OtherProfile(Profile::Aes256CmHmacSha1_32)]
    );
}

#[test]
fn a_sender_that_uses_our_key_is_found() {
    for profile in Profile::ALL {
        let ours = key(profile, 9);
        let mut sender = Protector::new(ours.clone()).unwrap();
        let (_, receiver) = pair(profile);
        let others = [key(profile, 3), ours];
        let expected = [Explanation::OtherKey { position: 1 }];
        let packet = sender.protect_rtp(&rtp(1)).unwrap();
        assert_eq!(receiver.diagnose_rtp(&packet, &others), expected);
        assert_eq!(receiver.diagnose_rtp(&packet, &[]), []);
        let report = sender.protect_rtcp(&rtcp()).unwrap();
        assert_eq!(receiver.diagnose_rtcp(&report, &others), expected);
    }
}

#[test]
fn a_missing_or_wrong_or_needless_mki_is_found() {
    for profile in Profile::ALL {
        let named = key(profile, 1).with_mki(&[1]).unwrap();
        let mut sender = Protector::new(named.clone()).unwrap();
        let mut receiver = Unprotector::new(named).unwrap();
        receiver.add_key(key(profile, 2).with_mki(&[2]).unwrap()).unwrap();
        let bare = sender.protect_rtp_with(&rtp(1), &Fault::Mki(Vec::new())).unwrap();
        assert_eq!(receiver.diagnose_rtp(&bare, &[]), [Explanation::MkiMissing]);
        let swapped = sender.protect_rtp_with(&rtp(2), &Fault::Mki(vec![2])).unwrap();
        assert_eq!(
            receiver.diagnose_rtp(&swapped, &[]),
            [Explanation::WrongMki { key: 0 }]
        );
        let (_, without) = pair(profile);
        let needless = sender.protect_rtp(&rtp(3)).unwrap();
        assert_eq!(
            without.diagnose_rtp(&needless, &[]),
            [Explanation::MkiLength { sent: 1 }]
        );
        let report = sender.protect_rtcp(&rtcp()).unwrap();
        assert_eq!(
            without.diagnose_rtcp(&report, &[]),
            [Explanation::MkiLength { sent: 1 }]
        );
    }
}

#[test]
fn two_deviations_at_once_are_found() {
    let profile = Profile::Aes128CmHmacSha1_80;
    let ours = key(profile, 9);
    let mut sender = Protector::new(ours.clone()).unwrap();
    let (_, receiver) = pair(profile);
    let packet = sender
        .protect_rtp_with(&rtp(1), &Fault::RollOverCounter(1))
        .unwrap();
    assert_eq!(
        receiver.diagnose_rtp(&packet, &[ours]),
        [
            Explanation::OtherKey { position: 0 },
            Explanation::RollOverCounter { expected: 0, sent: 1 }
        ]
    );
}

#[test]
fn plain_media_looks_plain() {
    let (_, receiver) = pair(Profile::Aes128CmHmacSha1_80);
    assert_eq!(receiver.diagnose_rtp(&rtp(1), &[]), [Explanation::LooksPlain]);
    assert_eq!(receiver.diagnose_rtcp(&rtcp(), &[]), [Explanation::LooksPlain]);
    let mut random = rtp(1);
    random.truncate(170);
    assert_eq!(receiver.diagnose_rtp(&random, &[]), []);
}
