//! What a receiver takes and what it refuses, with the reason.

use voxproof_srtp::{Policy, Profile, Protector, SrtpError, Unprotector};

use super::packets::{SSRC, key, pair, rtcp, rtp, rtp_of};

#[test]
fn every_changed_byte_is_noticed() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let good = sender.protect_rtp(&rtp(1_000)).unwrap();
        for position in 0..good.len() {
            for bit in [0x01, 0x80] {
                let mut bad = good.clone();
                bad[position] ^= bit;
                assert!(
                    receiver.unprotect_rtp(&bad).is_err(),
                    "{profile}: byte {position}"
                );
            }
        }
        let good_report = sender.protect_rtcp(&rtcp()).unwrap();
        for position in 0..good_report.len() {
            let mut bad = good_report.clone();
            bad[position] ^= 0x04;
            assert!(
                receiver.unprotect_rtcp(&bad).is_err(),
                "{profile}: byte {position}"
            );
        }
        // and nothing of it has left a trace
        assert_eq!(receiver.unprotect_rtp(&good).unwrap(), rtp(1_000));
        assert_eq!(receiver.unprotect_rtcp(&good_report).unwrap(), rtcp());
    }
}

#[test]
fn lengths_on_the_wire_are_those_of_the_profile() {
    for (profile, rtp_added, rtcp_added) in [
        (Profile::Aes128CmHmacSha1_80, 10, 14),
        (Profile::Aes128CmHmacSha1_32, 4, 14),
        (Profile::Aes192CmHmacSha1_32, 4, 14),
        (Profile::Aes256CmHmacSha1_80, 10, 14),
        (Profile::AeadAes128Gcm, 16, 20),
        (Profile::AeadAes256Gcm, 16, 20),
    ] {
        let (mut sender, _) = pair(profile);
        assert_eq!(
            sender.protect_rtp(&rtp(1)).unwrap().len(),
            172 + rtp_added,
            "{profile}"
        );
        assert_eq!(
            sender.protect_rtcp(&rtcp()).unwrap().len(),
            rtcp().len() + rtcp_added,
            "{profile}"
        );
    }
}

#[test]
fn a_copy_is_a_replay_and_an_old_packet_is_too_old() {
    let (mut sender, mut receiver) = pair(Profile::Aes128CmHmacSha1_80);
    let packets: Vec<Vec<u8>> = (0..300)
        .map(|sequence| sender.protect_rtp(&rtp(sequence)).unwrap())
        .collect();
    for packet in packets.iter().skip(1) {
        receiver.unprotect_rtp(packet).unwrap();
    }
    assert_eq!(
        receiver.unprotect_rtp(&packets[299]),
        Err(SrtpError::Replay {
            ssrc: SSRC,
            index: 299,
            authentic: true,
        })
    );
    let mut forged = packets[298].clone();
    forged[20] ^= 1;
    assert_eq!(
        receiver.unprotect_rtp(&forged),
        Err(SrtpError::Replay {
            ssrc: SSRC,
            index: 298,
            authentic: false,
        })
    );
    assert_eq!(
        receiver.unprotect_rtp(&packets[0]),
        Err(SrtpError::TooOld {
            ssrc: SSRC,
            index: 0,
            newest: 299,
            authentic: true,
        })
    );
    let report = sender.protect_rtcp(&rtcp()).unwrap();
    receiver.unprotect_rtcp(&report).unwrap();
    assert_eq!(
        receiver.unprotect_rtcp(&report),
        Err(SrtpError::Replay {
            ssrc: SSRC,
            index: 0,
            authentic: true,
        })
    );
}

#[test]
fn a_wider_window_takes_what_a_narrow_one_does_not() {
    for (replay_window, taken) in [(64, false), (1024, true)] {
        let policy = Policy {
            replay_window,
            ..Policy::default()
        };
        let (mut sender, _) = pair(Profile::AeadAes128Gcm);
        let mut receiver = Unprotector::with_policy(vec![key(Profile::AeadAes128Gcm, 1)], policy).unwrap();
        let late = sender.protect_rtp(&rtp(1)).unwrap();
        receiver
            .unprotect_rtp(&sender.protect_rtp(&rtp(500)).unwrap())
            .unwrap();
        assert_eq!(receiver.unprotect_rtp(&late).is_ok(), taken);
    }
}

#[test]
fn sources_are_bounded_and_keep_their_own_counters() {
    let policy = Policy {
        maximum_sources: 2,
        ..Policy::default()
    };
    let profile = Profile::Aes128CmHmacSha1_80;
    let mut sender = Protector::with_policy(key(profile, 1), policy.clone()).unwrap();
    let mut receiver = Unprotector::with_policy(vec![key(profile, 1)], policy).unwrap();
    for ssrc in [1, 2] {
        for sequence in [65_535, 0] {
            let packet = sender.protect_rtp(&rtp_of(ssrc, sequence)).unwrap();
            receiver.unprotect_rtp(&packet).unwrap();
        }
        assert_eq!(receiver.roll_over_counter(ssrc), 1);
    }
    let full = Err(SrtpError::TooManySources { limit: 2 });
    assert_eq!(sender.protect_rtp(&rtp_of(3, 0)), full);
    let (mut other, _) = pair(profile);
    assert_eq!(
        receiver.unprotect_rtp(&other.protect_rtp(&rtp_of(3, 0)).unwrap()),
        full
    );
    receiver.forget(1);
    receiver
        .unprotect_rtp(&other.protect_rtp(&rtp_of(3, 1)).unwrap())
        .unwrap();
}

#[test]
fn session_parameters_turn_things_off() {
    let profile = Profile::Aes128CmHmacSha1_80;
    let policy = Policy {
        encrypt_rtp: false,
        encrypt_rtcp: false,
        ..Policy::default()
    };
    let mut sender = Protector::with_policy(key(profile, 1), policy.clone()).unwrap();
    let mut receiver = Unprotector::with_policy(vec![key(profile, 1)], policy).unwrap();
    let packet = sender.protect_rtp(&rtp(1)).unwrap();
    assert_eq!(packet[..172], rtp(1));
    assert_eq!(receiver.unprotect_rtp(&packet).unwrap(), rtp(1));
    let report = sender.protect_rtcp(&rtcp()).unwrap();
    assert_eq!(report[..rtcp().len()], rtcp());
    assert_eq!(receiver.unprotect_rtcp(&report).unwrap(), rtcp());
    // a receiver that negotiated encryption says what it saw
    let (_, mut strict) = pair(profile);
    assert_eq!(
        strict.unprotect_rtcp(&report),
        Err(SrtpError::EncryptionFlag { encrypted: false })
    );

    let policy = Policy {
        authenticate_rtp: false,
        ..Policy::default()
    };
    let mut sender = Protector::with_policy(key(profile, 1), policy.clone()).unwrap();
    let mut receiver = Unprotector::with_policy(vec![key(profile, 1)], policy.clone()).unwrap();
    let packet = sender.protect_rtp(&rtp(1)).unwrap();
    assert_eq!(packet.len(), 172);
    assert_eq!(receiver.unprotect_rtp(&packet).unwrap(), rtp(1));
    assert!(matches!(
        Protector::with_policy(key(Profile::AeadAes128Gcm, 1), policy),
        Err(SrtpError::PolicyConflict {
            parameter: "UNAUTHENTICATED_SRTP",
            ..
        })
    ));
}

#[test]
fn header_extension_and_sources_stay_in_the_clear_and_padding_is_kept() {
    let mut packet = vec![
        0xb1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 1, 2, 3, 4,
    ];
    packet.extend([0x55; 20]);
    packet.extend([0, 0, 0, 4]);
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let protected = sender.protect_rtp(&packet).unwrap();
        assert_eq!(protected[..24], packet[..24]);
        assert_ne!(protected[24..48], packet[24..48]);
        assert_eq!(receiver.unprotect_rtp(&protected).unwrap(), packet);
    }
}

#[test]
fn what_is_no_packet_has_its_own_error() {
    let (mut sender, mut receiver) = pair(Profile::Aes128CmHmacSha1_80);
    assert_eq!(
        receiver.unprotect_rtp(&[0x80; 11]),
        Err(SrtpError::TooShort {
            length: 11,
            needed: 12
        })
    );
    assert_eq!(
        receiver.unprotect_rtp(&rtp(1)[..20]),
        Err(SrtpError::TooShort {
            length: 20,
            needed: 22
        })
    );
    assert_eq!(
        receiver.unprotect_rtcp(&rtcp()[..20]),
        Err(SrtpError::TooShort {
            length: 20,
            needed: 22
        })
    );
    let mut wrong = rtp(1);
    wrong[0] = 0;
    assert_eq!(
        sender.protect_rtp(&wrong),
        Err(SrtpError::BadHeader("version is not 2"))
    );
}
