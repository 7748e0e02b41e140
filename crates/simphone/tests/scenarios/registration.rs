//! Registration: digest, refresh, 423, stale nonces, giving up, un-registering.

use crate::lab::{Lab, authorised, challenge, credentials, ms};
use voxproof_simphone::{Fault, PhoneError};

#[tokio::test(start_paused = true)]
async fn it_answers_a_challenge_with_the_same_call_id() {
    let lab = Lab::switched_on(&[], |_| {}).await;
    assert!(!lab.phone.registered().await);
    let first = lab.expect("REGISTER").await;
    assert_eq!(first.request_uri(), Some("sip:10.0.0.1:5060"));
    assert_eq!(first.expires(), Some(3600));
    assert_eq!(
        first.contacts()[0].uri.to_string(),
        format!("sip:bob@{}", lab.phone.contact())
    );
    assert!(first.findings().is_empty(), "{:?}", first.findings());
    lab.reply(&first, 401, |builder| {
        builder.header("WWW-Authenticate", challenge("n1", false))
    });

    let second = lab.expect("REGISTER").await;
    assert!(authorised(&second, "REGISTER"));
    assert_eq!(credentials(&second).unwrap().nc, Some(1));
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.cseq().unwrap().number, first.cseq().unwrap().number + 1);
    assert_ne!(second.vias()[0].branch(), first.vias()[0].branch());
    lab.grant(&second, 60);
    lab.settle().await;
    assert!(lab.phone.registered().await);
}

#[tokio::test(start_paused = true)]
async fn it_refreshes_inside_the_granted_time_with_the_next_nonce_count() {
    let lab = Lab::switched_on(&[], |_| {}).await;
    let first = lab.expect("REGISTER").await;
    lab.reply(&first, 401, |builder| {
        builder.header("WWW-Authenticate", challenge("n1", false))
    });
    let second = lab.expect("REGISTER").await;
    lab.grant(&second, 40);
    let (at, third) = lab.next().await;
    assert!(at > ms(10_000) && at < ms(38_000), "{at:?}");
    assert_eq!(third.method(), Some("REGISTER"));
    assert_eq!(third.call_id(), first.call_id());
    assert_eq!(third.cseq().unwrap().number, 3);
    assert!(authorised(&third, "REGISTER"));
    assert_eq!(credentials(&third).unwrap().nc, Some(2));
    lab.grant(&third, 40);
    lab.settle().await;
    assert!(lab.phone.registered().await);
    // without an answer to the next refresh the binding ends when its time is over
    lab.sleep(ms(41_000)).await;
    assert!(!lab.phone.registered().await);
}

#[tokio::test(start_paused = true)]
async fn a_423_raises_the_expiry() {
    for faulty in [false, true] {
        let faults: &[Fault] = if faulty { &[Fault::RegisterIgnores423] } else { &[] };
        let lab = Lab::switched_on(faults, |config| config.register_expires = 60).await;
        let first = lab.expect("REGISTER").await;
        assert_eq!(first.expires(), Some(60));
        lab.reply(&first, 423, |builder| builder.header("Min-Expires", "600"));
        if faulty {
            assert!(lab.collect(ms(3_600_000)).await.is_empty());
            continue;
        }
        let second = lab.expect("REGISTER").await;
        assert_eq!((second.expires(), second.call_id()), (Some(600), first.call_id()));
        assert_eq!(second.cseq().unwrap().number, 2);
        // a registrar that is never satisfied does not make a loop
        lab.reply(&second, 423, |builder| builder.header("Min-Expires", "600"));
        assert!(lab.collect(ms(20_000)).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_nonce_is_renewed() {
    for faulty in [false, true] {
        let faults: &[Fault] = if faulty {
            &[Fault::RegisterIgnoresStale]
        } else {
            &[]
        };
        let lab = Lab::switched_on(faults, |_| {}).await;
        let first = lab.expect("REGISTER").await;
        lab.reply(&first, 401, |builder| {
            builder.header("WWW-Authenticate", challenge("n1", false))
        });
        let second = lab.expect("REGISTER").await;
        lab.reply(&second, 401, |builder| {
            builder.header("WWW-Authenticate", challenge("n2", true))
        });
        if faulty {
            assert!(lab.collect(ms(3_600_000)).await.is_empty());
            continue;
        }
        let third = lab.expect("REGISTER").await;
        let answer = credentials(&third).unwrap();
        assert_eq!((answer.nonce.as_str(), answer.nc), ("n2", Some(1)));
        assert!(authorised(&third, "REGISTER"));
        lab.grant(&third, 3600);
        lab.settle().await;
        assert!(lab.phone.registered().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_with_an_old_nonce_takes_the_new_one() {
    let lab = Lab::registered(&[]).await;
    lab.phone.reregister().await.unwrap();
    assert!(matches!(
        lab.phone.reregister().await,
        Err(PhoneError::RegistrationPending)
    ));
    let refresh = lab.expect("REGISTER").await;
    assert_eq!(credentials(&refresh).unwrap().nonce, "n1");
    lab.reply(&refresh, 401, |builder| {
        builder.header("WWW-Authenticate", challenge("n2", false))
    });
    let again = lab.expect("REGISTER").await;
    assert_eq!(credentials(&again).unwrap().nonce, "n2");
    // the binding is still there while it is renewed
    assert!(lab.phone.registered().await);
    lab.grant(&again, 3600);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once_and_then_not_for_a_while() {
    let lab = Lab::switched_on(&[], |config| config.password = "wrong".into()).await;
    let first = lab.expect("REGISTER").await;
    lab.reply(&first, 401, |builder| {
        builder.header("WWW-Authenticate", challenge("n1", false))
    });
    let second = lab.expect("REGISTER").await;
    assert!(!authorised(&second, "REGISTER"));
    lab.reply(&second, 401, |builder| {
        builder.header("WWW-Authenticate", challenge("n2", false))
    });
    let before = lab.now();
    let (at, third) = lab.next().await;
    assert!(at - before >= ms(29_000), "{at:?}");
    assert_eq!(third.method(), Some("REGISTER"));
    assert!(!lab.phone.registered().await);
}

#[tokio::test(start_paused = true)]
async fn the_call_id_fault_changes_it_on_the_retry_only() {
    let lab = Lab::switched_on(&[Fault::RegisterCallIdChanged], |_| {}).await;
    let first = lab.expect("REGISTER").await;
    lab.reply(&first, 401, |builder| {
        builder.header("WWW-Authenticate", challenge("n1", false))
    });
    let second = lab.expect("REGISTER").await;
    assert_ne!(second.call_id(), first.call_id());
    assert!(authorised(&second, "REGISTER"));
    assert_eq!(second.cseq().unwrap().number, 2);
}

#[tokio::test(start_paused = true)]
async fn stopping_removes_the_binding_with_credentials() {
    let lab = Lab::registered(&[]).await;
    let phone = lab.phone.clone();
    let stopping = tokio::spawn(async move { phone.stop().await });
    let removal = lab.expect("REGISTER").await;
    assert_eq!(removal.expires(), Some(0));
    assert!(authorised(&removal, "REGISTER"));
    lab.reply(&removal, 401, |builder| {
        builder.header("WWW-Authenticate", challenge("n9", true))
    });
    let removal = lab.expect("REGISTER").await;
    assert_eq!(
        (removal.expires(), credentials(&removal).unwrap().nonce.as_str()),
        (Some(0), "n9")
    );
    lab.reply(&removal, 200, |builder| builder);
    stopping.await.unwrap().unwrap();
    assert!(!lab.phone.registered().await);
    assert!(matches!(lab.phone.dial("100").await, Err(PhoneError::Stopped)));
    assert!(lab.collect(ms(3_600_000)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_for_ever() {
    let lab = Lab::registered(&[]).await;
    let before = lab.now();
    lab.phone.stop().await.unwrap();
    assert_eq!(lab.now() - before, ms(4000));
}

#[tokio::test(start_paused = true)]
async fn the_unregister_fault_goes_silently() {
    let lab = Lab::registered(&[Fault::NoUnregister]).await;
    lab.phone.stop().await.unwrap();
    assert!(lab.collect(ms(60_000)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_register_follows_the_timers_and_is_tried_again() {
    let lab = Lab::switched_on(&[], |_| {}).await;
    let heard = lab.collect(ms(31_900)).await;
    let times: Vec<_> = heard.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(
        times,
        [
            0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    let (at, _) = lab.next().await;
    assert_eq!(at, ms(62_000));
}

#[tokio::test(start_paused = true)]
async fn the_topmost_challenge_it_can_answer_counts() {
    let lab = Lab::switched_on(&[], |_| {}).await;
    let first = lab.expect("REGISTER").await;
    lab.reply(&first, 401, |builder| {
        builder
            .header(
                "WWW-Authenticate",
                challenge("n0", false).replace("MD5", "SHA-512-256-sess-x"),
            )
            .header(
                "WWW-Authenticate",
                challenge("n1", false).replace("MD5", "SHA-256"),
            )
            .header("WWW-Authenticate", challenge("n2", false))
    });
    let second = lab.expect("REGISTER").await;
    assert_eq!(second.headers("authorization").count(), 1);
    let answer = credentials(&second).unwrap();
    assert_eq!(
        (answer.nonce.as_str(), answer.algorithm.as_str()),
        ("n1", "SHA-256")
    );
    assert!(authorised(&second, "REGISTER"));
    // the refresh answers the same challenge again
    lab.grant(&second, 40);
    let third = lab.expect("REGISTER").await;
    let answer = credentials(&third).unwrap();
    assert_eq!((answer.algorithm.as_str(), answer.nc), ("SHA-256", Some(2)));
    assert!(authorised(&third, "REGISTER"));
}

#[tokio::test(start_paused = true)]
async fn the_registrars_route_is_taken_by_calls() {
    for (faults, expected) in [
        (&[][..], Some("<sip:10.0.0.1:5060;lr;x=1>")),
        (&[Fault::ServiceRouteIgnored][..], None),
    ] {
        let lab = Lab::switched_on(faults, |_| {}).await;
        let register = lab.expect("REGISTER").await;
        assert_eq!(register.header("supported"), Some("path"));
        let contact = register.header("contact").unwrap().to_owned();
        lab.reply(&register, 200, |builder| {
            builder
                .header(
                    "Contact",
                    format!("<sip:other@10.9.9.9>;expires=7, {contact};expires=3600"),
                )
                .header("Service-Route", "<sip:10.0.0.1:5060;lr;x=1>")
        });
        lab.settle().await;
        assert!(lab.phone.registered().await);
        lab.phone.dial("100").await.unwrap();
        let invite = lab.expect("INVITE").await;
        assert_eq!(invite.header("route"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_phone_waits_or_stops() {
    for (faults, retries, within) in [
        (&[][..], true, Some((30, 60))),
        (&[][..], false, None),
        (&[Fault::RegisterHammers403][..], true, Some((1, 2))),
    ] {
        let lab = Lab::switched_on(faults, |config| config.retries_when_forbidden = retries).await;
        let register = lab.expect("REGISTER").await;
        lab.reply(&register, 403, |builder| builder);
        let start = lab.now();
        let next = lab
            .collect(ms(100_000))
            .await
            .first()
            .map(|(at, _)| (*at - start).as_secs());
        assert_eq!(next.is_some(), within.is_some());
        if let (Some(next), Some((from, to))) = (next, within) {
            assert!((from..to).contains(&next), "{next}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_kept() {
    for (faults, seconds) in [(&[][..], 77), (&[Fault::RetryAfterIgnored][..], 1)] {
        let lab = Lab::switched_on(faults, |_| {}).await;
        let register = lab.expect("REGISTER").await;
        let start = lab.now();
        lab.reply(&register, 503, |builder| {
            builder.header("Retry-After", "77 (later)")
        });
        let heard = lab.collect(ms(78_000)).await;
        assert_eq!((heard[0].0 - start).as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_has_an_instance_and_is_kept_open() {
    for (faults, named) in [(&[][..], true), (&[Fault::OutboundWithoutInstance][..], false)] {
        let lab = Lab::switched_on(faults, |config| {
            config.outbound = true;
            config.keep_alive = Some(ms(25_000));
        })
        .await;
        let register = lab.expect("REGISTER").await;
        let contact = register.header("contact").unwrap();
        assert_eq!(contact.contains("+sip.instance=\"<urn:uuid:"), named);
        assert!(contact.ends_with(";reg-id=1"));
        assert_eq!(register.header("supported"), Some("path, outbound"));
        lab.grant(&register, 3600);
        let pings = lab.collect(ms(60_000)).await;
        assert_eq!(pings.len(), 2);
        assert!(pings.iter().all(|(_, ping)| ping.bytes() == b"\r\n\r\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn path_support_is_said() {
    let lab = Lab::switched_on(&[Fault::PathUnsupported], |_| {}).await;
    assert_eq!(lab.expect("REGISTER").await.header("supported"), None);
}
