//! Blind transfer in both roles.

use crate::lab::{Dialogue, Lab, ms, word};
use voxproof_simphone::{CallState, DialOptions, Fault, PhoneError};
use voxproof_sip::Message;

fn fragment(notify: &Message) -> String {
    format!(
        "{} {}",
        notify
            .header("subscription-state")
            .unwrap()
            .split(';')
            .next()
            .unwrap(),
        String::from_utf8_lossy(notify.body()).trim()
    )
}

/// The phone is transferred to carol, who answers with `status`; what it reports.
async fn transferred(faults: &[Fault], status: u16) -> (Lab, Dialogue, Message, Vec<String>) {
    let lab = Lab::registered(faults).await;
    let mut dialogue = lab.call().await;
    lab.send(
        &dialogue
            .request("REFER")
            .header(
                "Refer-To",
                "<sip:carol@10.0.0.1:5060?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2>",
            )
            .header("Referred-By", "<sip:alice@10.0.0.1>")
            .build(),
    );
    let accepted = lab.expect_status(202).await;
    assert!(!accepted.contacts().is_empty());
    let mut reports = Vec::new();
    let mut invite = None;
    for (_, message) in lab.collect(ms(100)).await {
        match message.method() {
            Some("NOTIFY") => {
                assert_eq!(message.header("event"), Some("refer"));
                assert_eq!(message.content_type(), Some("message/sipfrag;version=2.0"));
                assert_eq!(message.from().unwrap().tag(), dialogue.ok.to().unwrap().tag());
                reports.push(fragment(&message));
                lab.reply(&message, 200, |builder| builder);
            }
            Some("INVITE") => invite = Some(message),
            other => panic!("{other:?}"),
        }
    }
    let invite = invite.expect("the phone calls the target");
    assert_eq!(invite.header("referred-by"), Some("<sip:alice@10.0.0.1>"));
    assert_eq!(invite.header("replaces"), Some("x@y;to-tag=1;from-tag=2"));
    assert_ne!(invite.call_id(), Some(dialogue.call_id.as_str()));
    let sdp = lab.sdp("sendrecv", 1);
    lab.reply(&invite, status, |builder| {
        let builder = builder.header("Contact", "<sip:carol@10.0.0.1:5060>");
        if status == 200 {
            builder.body("application/sdp", sdp)
        } else {
            builder
        }
    });
    lab.expect("ACK").await;
    for (_, message) in lab.collect(ms(100)).await {
        assert_eq!(message.method(), Some("NOTIFY"), "{}", message.summary());
        reports.push(fragment(&message));
        lab.reply(&message, 200, |builder| builder);
    }
    (lab, dialogue, invite, reports)
}

#[tokio::test(start_paused = true)]
async fn the_phone_calls_the_target_and_reports() {
    let (lab, mut dialogue, invite, reports) = transferred(&[], 200).await;
    assert_eq!(invite.request_uri(), Some("sip:carol@10.0.0.1:5060"));
    assert_eq!(
        reports,
        ["active SIP/2.0 100 Trying", "terminated SIP/2.0 200 OK"]
    );
    // the first call is still there, until its peer ends it
    dialogue.bye(&lab).await;
    assert_eq!(lab.phone.call_state().await, CallState::Established);
    let mut second = Dialogue::placed(&invite);
    second.bye(&lab).await;
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refuses_is_reported() {
    let (lab, mut dialogue, _, reports) = transferred(&[], 486).await;
    assert_eq!(
        reports,
        ["active SIP/2.0 100 Trying", "terminated SIP/2.0 486 Busy Here"]
    );
    assert_eq!(lab.phone.call_state().await, CallState::Established);
    dialogue.bye(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn the_refer_faults() {
    let (.., reports) = transferred(&[Fault::ReferNoNotify], 200).await;
    assert!(reports.is_empty());
    let (_, _, invite, reports) = transferred(&[Fault::ReferWrongTarget], 200).await;
    assert_eq!(invite.request_uri(), Some("sip:not-carol@10.0.0.1:5060"));
    assert_eq!(reports.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_outcome_is_reported_after_the_first_call_has_ended() {
    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    lab.send(
        &dialogue
            .request("REFER")
            .header("Refer-To", "<sip:carol@10.0.0.1:5060>")
            .build(),
    );
    lab.expect_status(202).await;
    let trying = lab.expect("NOTIFY").await;
    lab.reply(&trying, 200, |builder| builder);
    let invite = lab.expect("INVITE").await;
    dialogue.bye(&lab).await;
    assert_eq!(lab.phone.call_state().await, CallState::Dialing);
    lab.reply(&invite, 404, |builder| builder);
    lab.expect("ACK").await;
    let report = lab.expect("NOTIFY").await;
    assert_eq!(fragment(&report), "terminated SIP/2.0 404 Not Found");
    lab.reply(&report, 200, |builder| builder);
    lab.settle().await;
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
    lab.send(&dialogue.request("OPTIONS").build());
    lab.expect_status(481).await;
}

#[tokio::test(start_paused = true)]
async fn odd_refers_are_refused() {
    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    for (header, status) in [
        ("", 400),
        ("<mailto:x@y>", 416),
        ("<sip:x@10.0.0.1;method=BYE>", 603),
    ] {
        let builder = dialogue.request("REFER");
        let builder = if header.is_empty() {
            builder
        } else {
            builder.header("Refer-To", header)
        };
        lab.send(&builder.build());
        lab.expect_status(status).await;
    }
    lab.send(
        &lab.request("REFER", "stray")
            .header("Refer-To", "<sip:x@10.0.0.1>")
            .build(),
    );
    lab.expect_status(603).await;
    // RFC 4488: no subscription
    lab.send(
        &dialogue
            .request("REFER")
            .header("Refer-To", "<sip:x@10.0.0.1>")
            .header("Refer-Sub", "false")
            .build(),
    );
    assert_eq!(lab.expect_status(202).await.header("refer-sub"), Some("false"));
    lab.expect("INVITE").await;
}

/// The user transfers the lab to carol; it reports these fragments. What the phone says afterwards.
async fn transfers(fragments: &[(&str, &str)]) -> (Vec<String>, CallState) {
    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    lab.phone.transfer("carol").await.unwrap();
    assert!(matches!(
        lab.phone.transfer("dave").await,
        Err(PhoneError::TransferPending)
    ));
    let refer = lab.expect("REFER").await;
    assert_eq!(refer.header("refer-to"), Some("<sip:carol@10.0.0.1:5060>"));
    assert_eq!(refer.header("referred-by"), Some("<sip:bob@10.0.0.1:5060>"));
    lab.reply(&refer, 202, |builder| {
        builder.header("Contact", "<sip:alice@10.0.0.1:5060>")
    });
    let mut words = Vec::new();
    for (state, fragment) in fragments {
        lab.send(
            &dialogue
                .request("NOTIFY")
                .header("Event", "refer")
                .header("Subscription-State", state)
                .body("message/sipfrag", *fragment)
                .build(),
        );
        words.extend(
            lab.collect(ms(100))
                .await
                .iter()
                .map(|(_, message)| word(message)),
        );
    }
    (words, lab.phone.call_state().await)
}

#[tokio::test(start_paused = true)]
async fn a_transfer_by_the_user_ends_the_call_when_it_succeeds() {
    let trying = ("active;expires=60", "SIP/2.0 100 Trying");
    let (words, state) = transfers(&[trying, ("terminated;reason=noresource", "SIP/2.0 200 OK")]).await;
    assert_eq!(
        (words, state),
        (vec!["200".into(), "200".into(), "BYE".into()], CallState::Idle)
    );
    let (words, state) = transfers(&[
        trying,
        ("terminated;reason=noresource", "SIP/2.0 486 Busy Here"),
        trying,
    ])
    .await;
    assert_eq!(
        (words, state),
        (
            vec!["200".into(), "200".into(), "481".into()],
            CallState::Established
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_transfer_the_peer_refuses_can_be_tried_again() {
    let lab = Lab::registered(&[]).await;
    lab.call().await;
    assert!(matches!(
        lab.phone.transfer("a b").await,
        Err(PhoneError::InvalidUri(_))
    ));
    lab.phone.transfer("carol").await.unwrap();
    let refer = lab.expect("REFER").await;
    lab.reply(&refer, 603, |builder| builder);
    lab.settle().await;
    lab.phone.transfer("carol").await.unwrap();
    lab.expect("REFER").await;
}

#[tokio::test(start_paused = true)]
async fn a_transfer_nobody_reports_ends_the_call_when_it_is_agreed() {
    let lab = Lab::registered(&[]).await;
    lab.call().await;
    lab.phone.transfer_unreported("carol").await.unwrap();
    let refer = lab.expect("REFER").await;
    assert_eq!(refer.header("refer-sub"), Some("false"));
    lab.reply(&refer, 202, |builder| {
        builder
            .header("Contact", "<sip:alice@10.0.0.1:5060>")
            .header("Refer-Sub", "false")
    });
    let bye = lab.expect("BYE").await;
    lab.reply(&bye, 200, |builder| builder);
    lab.settle().await;
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

#[tokio::test(start_paused = true)]
async fn referred_by_goes_on_to_the_target_or_is_dropped() {
    for (faults, passed) in [(&[][..], true), (&[Fault::ReferredByDropped][..], false)] {
        let lab = Lab::registered(faults).await;
        let mut dialogue = lab.call().await;
        lab.send(
            &dialogue
                .request("REFER")
                .header("Refer-To", "<sip:carol@10.0.0.1:5060>")
                .header("Referred-By", "<sip:alice@10.0.0.1>")
                .header("Refer-Sub", "false")
                .build(),
        );
        lab.expect_status(202).await;
        let invite = lab.expect("INVITE").await;
        assert_eq!(invite.header("referred-by").is_some(), passed);
    }
}

/// The user holds alice, asks carol and connects them; the REFER to alice and the INVITE to carol.
async fn consulted(faults: &[Fault]) -> (Lab, Dialogue, Message, Message) {
    let lab = Lab::registered(faults).await;
    let alice = lab.call().await;
    let beside = DialOptions {
        consultation: true,
        ..DialOptions::default()
    };
    assert!(matches!(
        lab.phone.dial_with("carol", beside.clone()).await,
        Err(PhoneError::Busy)
    ));
    lab.phone.hold().await.unwrap();
    let hold = lab.expect("INVITE").await;
    let sdp = lab.sdp("recvonly", 2);
    lab.reply(&hold, 200, |builder| {
        builder
            .header("Contact", "<sip:alice@10.0.0.1:5060>")
            .body("application/sdp", sdp)
    });
    lab.expect("ACK").await;
    assert!(matches!(
        lab.phone.complete_transfer().await,
        Err(PhoneError::NothingToTransfer)
    ));
    lab.phone.dial_with("carol", beside).await.unwrap();
    let invite = lab.expect("INVITE").await;
    let sdp = lab.sdp("sendrecv", 1);
    lab.reply(&invite, 200, |builder| {
        builder
            .header("Contact", "<sip:carol@10.0.0.1:5060>")
            .body("application/sdp", sdp)
    });
    lab.expect("ACK").await;
    assert_eq!(lab.phone.call_state().await, CallState::Established);
    lab.phone.complete_transfer().await.unwrap();
    let refer = lab.expect("REFER").await;
    assert_eq!(refer.call_id(), Some(alice.call_id.as_str()));
    (lab, alice, refer, invite)
}

#[tokio::test(start_paused = true)]
async fn an_attended_transfer_names_the_call_to_replace() {
    let (lab, mut alice, refer, invite) = consulted(&[]).await;
    let target = refer.header("refer-to").unwrap().to_owned();
    let ours = invite.from().unwrap().tag().unwrap().to_owned();
    let escaped = invite.call_id().unwrap().replace('@', "%40");
    assert_eq!(
        target,
        format!("<sip:carol@10.0.0.1:5060?Replaces={escaped}%3Bto-tag%3Dlab%3Bfrom-tag%3D{ours}>")
    );
    lab.reply(&refer, 202, |builder| {
        builder.header("Contact", "<sip:alice@10.0.0.1:5060>")
    });
    // carol has been replaced: she ends her call with the phone
    let mut carol = Dialogue::placed(&invite);
    carol.bye(&lab).await;
    lab.send(
        &alice
            .request("NOTIFY")
            .header("Event", "refer")
            .header("Subscription-State", "terminated;reason=noresource")
            .body("message/sipfrag", "SIP/2.0 200 OK")
            .build(),
    );
    assert_eq!(lab.words(ms(100)).await, ["200", "BYE"]);
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

#[tokio::test(start_paused = true)]
async fn an_attended_transfer_by_the_faulty_phone_is_a_blind_one() {
    let (_, _, refer, _) = consulted(&[Fault::AttendedTransferWithoutReplaces]).await;
    assert_eq!(refer.header("refer-to"), Some("<sip:carol@10.0.0.1:5060>"));
}
