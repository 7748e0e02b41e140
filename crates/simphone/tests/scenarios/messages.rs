//! What reaches the phone besides calls: MESSAGE, INFO, check-sync.

use crate::lab::{Lab, PASSWORD, ms, word};
use voxproof_simphone::{CheckSync, Fault};
use voxproof_sip::{Challenge, Credentials};

#[tokio::test(start_paused = true)]
async fn a_text_is_taken_and_other_types_are_415() {
    let lab = Lab::registered(&[]).await;
    lab.send(
        &lab.request("MESSAGE", "t")
            .body("text/plain;charset=utf-8", "hello")
            .build(),
    );
    lab.expect_status(200).await;
    lab.send(&lab.request("MESSAGE", "u").body("text/html", "<p>").build());
    assert_eq!(lab.expect_status(415).await.header("accept"), Some("text/plain"));
    assert_eq!(lab.phone.received().await.texts, ["hello"]);
    let deaf = Lab::registered(&[Fault::MessageRefused]).await;
    deaf.send(&deaf.request("MESSAGE", "t").body("text/plain", "hello").build());
    deaf.expect_status(403).await;
}

#[tokio::test(start_paused = true)]
async fn keys_come_by_info() {
    for (faults, digits, unknown) in [
        (&[][..], "5#", 415),
        (&[Fault::InfoUnknownBody200][..], "5#", 200),
    ] {
        let lab = Lab::registered(faults).await;
        let mut dialogue = lab.call().await;
        for key in ["5", "#"] {
            let body = format!("Signal={key}\r\nDuration=100\r\n");
            lab.send(
                &dialogue
                    .request("INFO")
                    .body("application/dtmf-relay", body)
                    .build(),
            );
            lab.expect_status(200).await;
        }
        lab.send(&dialogue.request("INFO").build());
        lab.expect_status(200).await;
        lab.send(&dialogue.request("INFO").body("application/x-what", "?").build());
        lab.expect_status(unknown).await;
        lab.send(&dialogue.request("INFO").header("Info-Package", "foo").build());
        lab.expect_status(469).await;
        assert_eq!(lab.phone.received().await.info_digits, digits);
        lab.send(
            &lab.request("INFO", "stray")
                .set("To", "<sip:bob@10.0.0.1>;tag=x")
                .build(),
        );
        lab.expect_status(481).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_phone_sends_keys_by_info() {
    let lab = Lab::registered(&[]).await;
    lab.call().await;
    lab.phone.dtmf_by_info("1#").await.unwrap();
    assert!(lab.phone.dtmf_by_info("1x").await.is_err());
    for key in ["1", "#"] {
        let info = lab.expect("INFO").await;
        assert_eq!(info.content_type(), Some("application/dtmf-relay"));
        assert!(String::from_utf8_lossy(info.body()).starts_with(&format!("Signal={key}\r\n")));
        lab.reply(&info, 200, |builder| builder);
    }
}

/// The statuses a check-sync gets, and then one with the phone's password when it asks for that.
async fn check_synced(faults: &[Fault], policy: CheckSync) -> (Vec<String>, u32) {
    let lab = Lab::switched_on(faults, |config| config.check_sync = policy).await;
    lab.accept_registration().await;
    lab.send(
        &lab.request("NOTIFY", "c")
            .header("Event", "check-sync;reboot=false")
            .build(),
    );
    let first = lab.next().await.1;
    let mut words = vec![word(&first)];
    if let Some(challenge) = first.header("www-authenticate") {
        let challenge = Challenge::parse(challenge).unwrap();
        let uri = format!("sip:bob@{}", lab.phone.contact());
        for (branch, password) in [("d", "wrong"), ("e", PASSWORD), ("f", PASSWORD)] {
            let answer =
                Credentials::answer(&challenge, "bob", password, "NOTIFY", &uri, 1, "c", b"").unwrap();
            let request = lab.request("NOTIFY", branch).header("Event", "check-sync");
            lab.send(&request.header("Authorization", answer.to_header()).build());
            words.push(word(&lab.next().await.1));
        }
    }
    lab.sleep(ms(10)).await;
    (words, lab.phone.received().await.check_syncs)
}

#[tokio::test(start_paused = true)]
async fn check_sync_needs_the_phones_password() {
    // a wrong password spends the nonce
    assert_eq!(
        check_synced(&[], CheckSync::Challenged).await,
        (vec!["401".into(), "401".into(), "401".into(), "401".into()], 0)
    );
    assert_eq!(
        check_synced(&[], CheckSync::Accepted).await,
        (vec!["200".into()], 1)
    );
    assert_eq!(
        check_synced(&[], CheckSync::Refused).await,
        (vec!["481".into()], 0)
    );
    let open = [Fault::CheckSyncUnchallenged];
    assert_eq!(
        check_synced(&open, CheckSync::Challenged).await,
        (vec!["200".into()], 1)
    );
}

#[tokio::test(start_paused = true)]
async fn check_sync_with_the_right_password_is_obeyed_once() {
    let lab = Lab::registered(&[]).await;
    let uri = format!("sip:bob@{}", lab.phone.contact());
    lab.send(&lab.request("NOTIFY", "c").header("Event", "check-sync").build());
    let asked = lab.expect_status(401).await;
    let challenge = Challenge::parse(asked.header("www-authenticate").unwrap()).unwrap();
    let answer = Credentials::answer(&challenge, "bob", PASSWORD, "NOTIFY", &uri, 1, "c", b"").unwrap();
    for (branch, status) in [("d", 200), ("e", 401)] {
        let request = lab.request("NOTIFY", branch).header("Event", "check-sync");
        lab.send(&request.header("Authorization", answer.to_header()).build());
        lab.expect_status(status).await;
    }
    assert_eq!(lab.phone.received().await.check_syncs, 1);
}

#[tokio::test(start_paused = true)]
async fn a_notify_for_no_subscription_is_481() {
    for (faults, status) in [(&[][..], 481), (&[Fault::StrayNotify200][..], 200)] {
        let lab = Lab::registered(faults).await;
        for to in ["<sip:bob@10.0.0.1>", "<sip:bob@10.0.0.1>;tag=x"] {
            let branch = if to.contains("tag") { "a" } else { "b" };
            let request = lab.request("NOTIFY", branch).set("To", to);
            lab.send(&request.header("Event", "message-summary").build());
            lab.expect_status(status).await;
        }
    }
}
