//! The handshake in simulated time: keys on both ends, loss, wrong fingerprints, and what comes of a bad peer.

use std::time::{Duration, Instant};

use voxproof_srtp::dtls::{
    Certificate, CertificateError, DtlsEndpoint, DtlsEvent, DtlsFailure, DtlsKeys, DtlsOptions, DtlsVersion,
    FingerprintError, HashFunction, Role,
};
use voxproof_srtp::{DatagramKind, Profile, Protector, Unprotector, classify};

use super::packets::rtp;

fn certificate(fill: u8) -> Certificate {
    Certificate::self_signed("voxproof", &[fill; 32]).unwrap()
}

fn endpoint(role: Role, fill: u8, options: DtlsOptions) -> DtlsEndpoint {
    DtlsEndpoint::with_options(role, &certificate(fill), Instant::now(), Duration::ZERO, options).unwrap()
}

fn version(version: DtlsVersion) -> DtlsOptions {
    DtlsOptions {
        version,
        ..DtlsOptions::default()
    }
}

/// Runs both ends until nothing is left to do or `end` has come. `change` gets every datagram with its number, and gives
/// what arrives.
fn run(
    active: &mut DtlsEndpoint,
    passive: &mut DtlsEndpoint,
    end: Duration,
    mut change: impl FnMut(usize, Vec<u8>) -> Option<Vec<u8>>,
) -> (Vec<DtlsEvent>, Vec<DtlsEvent>, Duration) {
    let (mut now, mut number, mut steps) = (Duration::ZERO, 0, 0);
    let mut events = (Vec::new(), Vec::new());
    loop {
        let mut moved = false;
        for turn in [true, false] {
            let (from, to) = if turn {
                (&mut *active, &mut *passive)
            } else {
                (&mut *passive, &mut *active)
            };
            while let Some(datagram) = from.poll_transmit() {
                moved = true;
                assert!(number < 5_000, "the two ends go on for ever at {now:?}");
                assert_eq!(classify(&datagram), DatagramKind::Dtls);
                number += 1;
                if let Some(datagram) = change(number, datagram) {
                    to.handle_datagram(now, &datagram);
                }
            }
        }
        events.0.extend(std::iter::from_fn(|| active.poll_event()));
        events.1.extend(std::iter::from_fn(|| passive.poll_event()));
        if moved {
            continue;
        }
        let next = [active.poll_timeout(), passive.poll_timeout()]
            .into_iter()
            .flatten()
            .min();
        match next {
            Some(next) if next <= end => {
                assert!(
                    next > now || steps < 1_000,
                    "a timer that is never over at {now:?}: {active:?} {passive:?}"
                );
                steps += 1;
                now = now.max(next);
                active.handle_timeout(now);
                passive.handle_timeout(now);
            }
            _ => return (events.0, events.1, now),
        }
    }
}

fn keys(events: &[DtlsEvent]) -> &DtlsKeys {
    match events {
        [DtlsEvent::Connected(keys)] => keys,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_ends_get_the_same_keys_and_each_others_certificate() {
    for (one, two) in [
        (DtlsVersion::V1_2, DtlsVersion::V1_2),
        (DtlsVersion::V1_3, DtlsVersion::V1_3),
        (DtlsVersion::Any, DtlsVersion::V1_2),
        (DtlsVersion::Any, DtlsVersion::V1_3),
        (DtlsVersion::V1_2, DtlsVersion::Any),
        (DtlsVersion::Any, DtlsVersion::Any),
    ] {
        let mut active = endpoint(Role::Active, 1, version(one));
        let mut passive = endpoint(Role::Passive, 2, version(two));
        let (ours, theirs, took) = run(
            &mut active,
            &mut passive,
            Duration::from_millis(500),
            |_, bytes| Some(bytes),
        );
        let (ours, theirs) = (keys(&ours), keys(&theirs));
        assert_eq!(took, Duration::ZERO);
        assert_eq!((&ours.client, &ours.server), (&theirs.client, &theirs.server));
        assert_ne!(ours.client, ours.server);
        assert_eq!(ours.profile, Profile::AeadAes256Gcm);
        assert_eq!(ours.peer_certificate, certificate(2).der());
        assert_eq!(
            theirs.peer_fingerprint(),
            certificate(1).fingerprint(HashFunction::Sha256)
        );

        let mut sender = Protector::new(ours.local(Role::Active).clone()).unwrap();
        let mut receiver = Unprotector::new(theirs.remote(Role::Passive).clone()).unwrap();
        let packet = sender.protect_rtp(&rtp(1)).unwrap();
        assert_eq!(receiver.unprotect_rtp(&packet).unwrap(), rtp(1));
    }
}

#[test]
fn a_lost_datagram_costs_a_retransmission() {
    for lost in 1..=8 {
        let mut active = endpoint(Role::Active, 1, DtlsOptions::default());
        let mut passive = endpoint(Role::Passive, 2, DtlsOptions::default());
        let (ours, theirs, took) = run(
            &mut active,
            &mut passive,
            Duration::from_secs(20),
            |number, bytes| (number != lost).then_some(bytes),
        );
        assert_eq!(keys(&ours).client, keys(&theirs).client, "datagram {lost} lost");
        // two timers at most: 1 and 2 s, each a quarter more or less
        assert!(took < Duration::from_secs(4), "datagram {lost} lost: {took:?}");
    }
}

#[test]
fn an_unanswered_handshake_ends() {
    let mut active = endpoint(
        Role::Active,
        1,
        DtlsOptions {
            retransmissions: 3,
            ..DtlsOptions::default()
        },
    );
    let mut passive = endpoint(Role::Passive, 2, DtlsOptions::default());
    let mut sent = 0;
    let (ours, theirs, took) = run(&mut active, &mut passive, Duration::from_secs(600), |_, _| {
        sent += 1;
        None
    });
    assert_eq!(ours, [DtlsEvent::Failed(DtlsFailure::TimedOut)]);
    assert_eq!(theirs, []);
    assert_eq!(sent, 4);
    // 1, 2, 4 and 8 s, each a quarter more or less
    assert!((11..20).contains(&took.as_secs()), "{took:?}");
    assert_eq!(active.poll_timeout(), None);
}

#[test]
fn a_wrong_fingerprint_gives_no_keys() {
    let right = certificate(2).fingerprint(HashFunction::Sha256);
    for (given, fails) in [(right.clone(), false), (right.clone().spoilt(), true)] {
        let mut active = endpoint(
            Role::Active,
            1,
            DtlsOptions {
                fingerprints: vec![given],
                ..DtlsOptions::default()
            },
        );
        let mut passive = endpoint(Role::Passive, 2, DtlsOptions::default());
        let (ours, _, _) = run(&mut active, &mut passive, Duration::from_secs(1), |_, bytes| {
            Some(bytes)
        });
        if fails {
            let actual = right.clone();
            let expected = DtlsFailure::Fingerprint(FingerprintError::Mismatch { actual });
            assert_eq!(ours, [DtlsEvent::Failed(expected)]);
        } else {
            keys(&ours);
        }
    }
}

#[test]
fn versions_that_do_not_meet_fail_with_a_reason() {
    let mut active = endpoint(Role::Active, 1, version(DtlsVersion::V1_2));
    let mut passive = endpoint(Role::Passive, 2, version(DtlsVersion::V1_3));
    let (ours, theirs, _) = run(&mut active, &mut passive, Duration::from_secs(200), |_, bytes| {
        Some(bytes)
    });
    for events in [&ours, &theirs] {
        assert!(
            !events
                .iter()
                .any(|event| matches!(event, DtlsEvent::Connected(_))),
            "{events:?}"
        );
    }
    assert!(matches!(ours[..], [DtlsEvent::Failed(_)]), "{ours:?}");
}

#[test]
fn a_fatal_alert_is_named() {
    for one in [DtlsVersion::V1_2, DtlsVersion::Any] {
        let mut active = endpoint(Role::Active, 1, version(one));
        assert!(active.poll_transmit().is_some());
        let alert = [21, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 70];
        active.handle_datagram(Duration::from_millis(5), &alert);
        assert_eq!(
            active.poll_event(),
            Some(DtlsEvent::Failed(DtlsFailure::Alert { description: 70 })),
            "{one:?}"
        );
        assert_eq!((active.poll_event(), active.poll_timeout()), (None, None));
    }
}

#[test]
fn a_closed_association_is_told_to_the_peer() {
    let mut active = endpoint(Role::Active, 1, DtlsOptions::default());
    let mut passive = endpoint(Role::Passive, 2, DtlsOptions::default());
    run(
        &mut active,
        &mut passive,
        Duration::from_millis(500),
        |_, bytes| Some(bytes),
    );
    active.close(Duration::from_secs(1));
    let (_, theirs, _) = run(&mut active, &mut passive, Duration::from_secs(2), |_, bytes| {
        Some(bytes)
    });
    assert_eq!(theirs, [DtlsEvent::Failed(DtlsFailure::Closed)]);
}

#[test]
fn damaged_datagrams_do_no_harm() {
    // a small generator is enough to spread the damage
    let mut state = 1_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut connected = 0;
    for round in 0..30 {
        let kind = if round % 2 == 0 {
            DtlsVersion::V1_2
        } else {
            DtlsVersion::Any
        };
        let mut active = endpoint(Role::Active, 1, version(kind));
        let mut passive = endpoint(Role::Passive, 2, version(kind));
        let (ours, theirs, _) = run(
            &mut active,
            &mut passive,
            Duration::from_secs(100),
            |_, mut bytes| {
                if random() % 3 == 0 {
                    let position = random() as usize % bytes.len();
                    bytes[position] ^= 1 << (random() % 8);
                }
                if random() % 17 == 0 {
                    bytes.truncate(random() as usize % bytes.len());
                }
                Some(bytes)
            },
        );
        if let ([DtlsEvent::Connected(ours)], [DtlsEvent::Connected(theirs)]) = (&ours[..], &theirs[..]) {
            assert_eq!(ours.client, theirs.client);
            connected += 1;
        }
    }
    assert!(connected > 0);
}

#[test]
fn a_certificate_follows_from_its_random_bytes() {
    assert_eq!(certificate(1), certificate(1));
    assert_ne!(certificate(1).der(), certificate(2).der());
    assert_eq!(
        Certificate::self_signed("voxproof", &[0; 32]),
        Err(CertificateError::NoPrivateKey)
    );
    assert_eq!(
        Certificate::self_signed("voxproof", &[0xff; 32]),
        Err(CertificateError::NoPrivateKey)
    );
    assert_eq!(
        Certificate::self_signed("", &[1; 32]),
        Err(CertificateError::CommonName)
    );
    let foreign = Certificate::from_der(certificate(1).der().to_vec(), b"no key".to_vec());
    let made = DtlsEndpoint::new(Role::Active, &foreign, Instant::now(), Duration::ZERO);
    assert!(matches!(made, Err(DtlsFailure::SetUp(_))));
}

#[test]
fn keying_material_is_split_in_the_order_of_rfc_5764() {
    let material: Vec<u8> = (0..60).collect();
    let keys = DtlsKeys::split(Profile::Aes128CmHmacSha1_32, &material, Vec::new()).unwrap();
    assert_eq!(keys.client.key(), &material[..16]);
    assert_eq!(keys.server.key(), &material[16..32]);
    assert_eq!(keys.client.salt(), &material[32..46]);
    assert_eq!(keys.server.salt(), &material[46..]);
    assert_eq!(
        DtlsKeys::split(Profile::Aes128CmHmacSha1_32, &material[1..], Vec::new()),
        None
    );
    assert_eq!(
        DtlsKeys::split(Profile::AeadAes256Gcm, &material, Vec::new()),
        None
    );
}
