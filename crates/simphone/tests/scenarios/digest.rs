//! Digest authentication: algorithms, several challenges, several realms.

use crate::lab::{Lab, PASSWORD, ms, word};
use voxproof_simphone::Fault;
use voxproof_sip::{Credentials, Message};

fn challenge(realm: &str, nonce: &str, algorithm: &str, qop: &str) -> String {
    format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"{qop}\"")
}

fn all(request: &Message) -> Vec<Credentials> {
    request
        .headers("authorization")
        .chain(request.headers("proxy-authorization"))
        .map(|value| Credentials::parse(value).unwrap())
        .collect()
}

/// The second REGISTER after these challenges, when there is one.
async fn registered_with(faults: &[Fault], challenges: &[String]) -> Option<Message> {
    let lab = Lab::switched_on(faults, |_| {}).await;
    let first = lab.expect("REGISTER").await;
    lab.reply(&first, 401, |builder| {
        challenges.iter().fold(builder, |builder, value| {
            builder.header("WWW-Authenticate", value)
        })
    });
    lab.collect(ms(1000))
        .await
        .into_iter()
        .map(|(_, message)| message)
        .next()
}

#[tokio::test(start_paused = true)]
async fn every_algorithm_is_answered() {
    for algorithm in ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256"] {
        let request = registered_with(&[], &[challenge("lab", "n", algorithm, "auth")])
            .await
            .unwrap();
        let [answer] = all(&request).try_into().unwrap();
        assert_eq!(answer.algorithm.as_str(), algorithm);
        assert!(answer.verify(PASSWORD, "REGISTER", b""), "{algorithm}");
        assert_eq!(answer.nc, Some(1));
    }
    let old = registered_with(
        &[Fault::Sha256Unsupported],
        &[challenge("lab", "n", "SHA-256", "auth")],
    )
    .await;
    assert!(old.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_topmost_challenge_it_knows_is_answered() {
    let three = [
        challenge("lab", "n0", "SHA-1024", "auth"),
        challenge("lab", "n1", "SHA-256", "auth"),
        challenge("lab", "n2", "MD5", "auth"),
    ];
    let request = registered_with(&[], &three).await.unwrap();
    let [answer] = all(&request).try_into().unwrap();
    assert_eq!(
        (answer.algorithm.as_str(), answer.nonce.as_str()),
        ("SHA-256", "n1")
    );
    let confused = registered_with(&[Fault::TwoChallengesConfused], &three[1..])
        .await
        .unwrap();
    let [answer] = all(&confused).try_into().unwrap();
    assert_eq!(
        (answer.algorithm.as_str(), answer.nonce.as_str()),
        ("SHA-256", "n1")
    );
    assert!(!answer.verify(PASSWORD, "REGISTER", b""));
    let old = registered_with(&[Fault::Sha256Unsupported], &three)
        .await
        .unwrap();
    assert_eq!(all(&old)[0].nonce, "n2");
}

#[tokio::test(start_paused = true)]
async fn auth_int_covers_the_body() {
    for (faults, right) in [(&[][..], true), (&[Fault::AuthIntBodyIgnored][..], false)] {
        let lab = Lab::registered(faults).await;
        lab.phone.dial("100").await.unwrap();
        let invite = lab.expect("INVITE").await;
        lab.reply(&invite, 407, |builder| {
            builder.header("Proxy-Authenticate", challenge("lab", "n", "MD5", "auth-int"))
        });
        lab.expect("ACK").await;
        let again = lab.expect("INVITE").await;
        let [answer] = all(&again).try_into().unwrap();
        assert_eq!(answer.verify(PASSWORD, "INVITE", again.body()), right);
    }
}

#[tokio::test(start_paused = true)]
async fn two_realms_in_one_refusal_or_one_after_the_other() {
    for (faults, count) in [(&[][..], 2), (&[Fault::SecondRealmDropped][..], 1)] {
        let lab = Lab::registered(faults).await;
        lab.phone.dial("100").await.unwrap();
        let invite = lab.expect("INVITE").await;
        lab.reply(&invite, 407, |builder| {
            builder
                .header("Proxy-Authenticate", challenge("one", "n1", "MD5", "auth"))
                .header("Proxy-Authenticate", challenge("two", "n2", "MD5", "auth"))
        });
        lab.expect("ACK").await;
        assert_eq!(all(&lab.expect("INVITE").await).len(), count);
    }
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    for (realm, so_far) in [("one", 1), ("two", 2)] {
        let invite = lab.next().await.1;
        lab.reply(&invite, 407, |builder| {
            builder.header("Proxy-Authenticate", challenge(realm, realm, "MD5", "auth"))
        });
        lab.expect("ACK").await;
        let (at, again) = lab.next().await;
        let realms: Vec<_> = all(&again).into_iter().map(|answer| answer.realm).collect();
        assert_eq!(realms.len(), so_far);
        assert_eq!(realms.last().map(String::as_str), Some(realm));
        lab.put(at, again);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_never_satisfied_makes_no_loop() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    let mut invites = 0;
    for round in 0..10 {
        let heard = lab.collect(ms(100)).await;
        for (_, message) in heard {
            if word(&message) == "INVITE" {
                invites += 1;
                let stale = format!(
                    "{}, stale=true",
                    challenge("evil", &format!("n{round}"), "MD5", "auth")
                );
                lab.reply(&message, 407, |builder| {
                    builder.header("Proxy-Authenticate", stale)
                });
            }
        }
    }
    assert_eq!(invites, 3, "one without and two with credentials");
}

#[tokio::test(start_paused = true)]
async fn the_nonce_count_goes_up() {
    for (faults, expected) in [(&[][..], 2), (&[Fault::NonceCountStuck][..], 1)] {
        let lab = Lab::registered(faults).await;
        lab.phone.reregister().await.unwrap();
        let refresh = lab.expect("REGISTER").await;
        assert_eq!(all(&refresh)[0].nc, Some(expected));
    }
}
