//! The phone's subscriptions: its mailbox and the calls of others.

use crate::lab::{Dialogue, Lab, ms, word};
use voxproof_simphone::Fault;
use voxproof_sip::Message;

const SUMMARY: &str = "Messages-Waiting: yes\r\nVoice-Message: 2/5\r\n";

async fn subscribed(faults: &[Fault]) -> (Lab, Message) {
    let lab = Lab::switched_on(faults, |config| {
        config.mwi = true;
        config.watched = vec!["carol".to_owned()];
    })
    .await;
    let register = lab.expect("REGISTER").await;
    lab.grant(&register, 36_000);
    let subscribe = lab.expect("SUBSCRIBE").await;
    (lab, subscribe)
}

fn grant(lab: &Lab, subscribe: &Message, seconds: &str) {
    lab.reply(subscribe, 200, |builder| {
        builder
            .header("Contact", "<sip:mwi@10.0.0.1:5060>")
            .header("Expires", seconds)
    });
}

fn notify(dialogue: &mut Dialogue, event: &str, state: &str, kind: &str, body: &str) -> Vec<u8> {
    dialogue
        .request("NOTIFY")
        .header("Event", event)
        .header("Subscription-State", state)
        .body(kind, body)
        .build()
}

#[tokio::test(start_paused = true)]
async fn the_mailbox_is_watched_refreshed_and_let_go() {
    let (lab, subscribe) = subscribed(&[]).await;
    assert_eq!(subscribe.header("event"), Some("message-summary"));
    assert_eq!(subscribe.request_uri(), Some("sip:bob@10.0.0.1:5060"));
    assert_eq!(
        subscribe.header("accept"),
        Some("application/simple-message-summary")
    );
    let other = lab.expect("SUBSCRIBE").await;
    assert_eq!(
        (other.header("event"), other.request_uri()),
        (Some("dialog"), Some("sip:carol@10.0.0.1:5060"))
    );
    lab.reply(&other, 489, |builder| builder);
    // the first NOTIFY overtakes the 200
    let mut dialogue = Dialogue::placed(&subscribe);
    let kind = "application/simple-message-summary";
    lab.send(&notify(
        &mut dialogue,
        "message-summary",
        "active;expires=3600",
        kind,
        SUMMARY,
    ));
    lab.expect_status(200).await;
    grant(&lab, &subscribe, "3600");
    lab.settle().await;
    assert_eq!(lab.phone.received().await.voice_messages, Some((2, 5)));
    lab.send(&notify(
        &mut dialogue,
        "message-summary",
        "active;expires=3600",
        "text/html",
        "<p>",
    ));
    lab.expect_status(415).await;
    lab.send(&notify(&mut dialogue, "presence", "active", kind, SUMMARY));
    lab.expect_status(481).await;
    let mut refresh = None;
    for _ in 0..3600 {
        refresh = lab
            .collect(ms(1000))
            .await
            .into_iter()
            .map(|(_, message)| message)
            .next();
        if refresh.is_some() {
            break;
        }
    }
    let refresh = refresh.expect("a refresh before the end");
    assert_eq!(refresh.method(), Some("SUBSCRIBE"));
    assert_eq!(
        (refresh.call_id(), refresh.to().unwrap().tag()),
        (subscribe.call_id(), Some("lab"))
    );
    grant(&lab, &refresh, "3600");
    lab.settle().await;
    let phone = lab.phone.clone();
    let stopped = tokio::spawn(async move { phone.stop().await });
    let mut ended = false;
    for (_, message) in lab.collect(ms(100)).await {
        ended = ended || (message.method() == Some("SUBSCRIBE") && message.header("expires") == Some("0"));
        lab.reply(&message, 200, |builder| builder);
    }
    assert!(ended);
    stopped.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_lamp_of_a_watched_phone() {
    let (lab, _) = subscribed(&[]).await;
    let subscribe = lab.expect("SUBSCRIBE").await;
    grant(&lab, &subscribe, "600");
    let mut dialogue = Dialogue::placed(&subscribe);
    for (version, state, busy) in [(0, "confirmed", true), (1, "terminated", false)] {
        let body = format!(
            "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" \
             state=\"full\" entity=\"sip:carol@10.0.0.1\"><dialog id=\"1\"><state>{state}</state></dialog></dialog-info>"
        );
        let kind = "application/dialog-info+xml";
        lab.send(&notify(
            &mut dialogue,
            "dialog",
            "active;expires=600",
            kind,
            &body,
        ));
        lab.expect_status(200).await;
        assert_eq!(lab.phone.received().await.watched.get("carol"), Some(&busy));
    }
    // a subscription that is moved elsewhere is made anew
    let (kind, gone) = ("application/dialog-info+xml", "terminated;reason=deactivated");
    lab.send(&notify(&mut dialogue, "dialog", gone, kind, ""));
    lab.expect_status(200).await;
    let anew = lab.expect("SUBSCRIBE").await;
    assert_ne!(anew.call_id(), subscribe.call_id());
}

#[tokio::test(start_paused = true)]
async fn a_longer_interval_is_asked_for_after_423() {
    let (lab, subscribe) = subscribed(&[]).await;
    lab.expect("SUBSCRIBE").await;
    lab.reply(&subscribe, 423, |builder| builder.header("Min-Expires", "7200"));
    assert_eq!(lab.expect("SUBSCRIBE").await.header("expires"), Some("7200"));
}

#[tokio::test(start_paused = true)]
async fn the_subscription_faults() {
    let (_, first) = subscribed(&[Fault::MwiNoSubscribe]).await;
    assert_eq!(first.header("event"), Some("dialog"));

    let (lab, subscribe) = subscribed(&[Fault::SubscriptionNotRefreshed, Fault::NoUnsubscribe]).await;
    let other = lab.expect("SUBSCRIBE").await;
    lab.reply(&other, 489, |builder| builder);
    grant(&lab, &subscribe, "600");
    let mut dialogue = Dialogue::placed(&subscribe);
    let kind = "application/simple-message-summary";
    lab.send(&notify(
        &mut dialogue,
        "message-summary",
        "active;expires=600",
        kind,
        SUMMARY,
    ));
    lab.expect_status(200).await;
    assert!(lab.words(ms(599_000)).await.is_empty());
    let phone = lab.phone.clone();
    let stopped = tokio::spawn(async move { phone.stop().await });
    assert_eq!(lab.words(ms(100)).await, ["REGISTER"]);
    drop(stopped);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_state_nobody_asked_for() {
    for (accepted, status, known) in [(true, 200, Some((2, 5))), (false, 481, None)] {
        let lab = Lab::switched_on(&[], |config| config.unsolicited_mwi = accepted).await;
        lab.accept_registration().await;
        let request = lab.request("NOTIFY", "u").header("Event", "message-summary");
        let request = request.header("Subscription-State", "active");
        lab.send(
            &request
                .body("application/simple-message-summary", SUMMARY)
                .build(),
        );
        assert_eq!(word(&lab.next().await.1), status.to_string());
        assert_eq!(lab.phone.received().await.voice_messages, known);
    }
}

#[tokio::test(start_paused = true)]
async fn the_presence_of_a_contact() {
    for (faults, status, known) in [(&[][..], 200, true), (&[Fault::PresenceUnread][..], 415, false)] {
        let lab = Lab::switched_on(faults, |config| config.presence = vec!["carol".to_owned()]).await;
        lab.accept_registration().await;
        let subscribe = lab.expect("SUBSCRIBE").await;
        assert_eq!(subscribe.header("event"), Some("presence"));
        assert_eq!(subscribe.header("accept"), Some("application/pidf+xml"));
        grant(&lab, &subscribe, "600");
        let mut dialogue = Dialogue::placed(&subscribe);
        for open in [true, false] {
            let basic = if open { "open" } else { "closed" };
            let body = format!(
                "<?xml version=\"1.0\"?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:carol@10.0.0.1\">\
                 <tuple id=\"t\"><status><basic>{basic}</basic></status></tuple></presence>"
            );
            let kind = "application/pidf+xml";
            lab.send(&notify(
                &mut dialogue,
                "presence",
                "active;expires=600",
                kind,
                &body,
            ));
            lab.expect_status(status).await;
            let present = lab.phone.received().await.present.get("carol").copied();
            assert_eq!(present, known.then_some(open));
        }
    }
}
