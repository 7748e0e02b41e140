//! Calls that replace another one.

use crate::lab::{Lab, ms, word};
use voxproof_simphone::{CallState, Fault};
use voxproof_sip::Message;

fn invite(lab: &Lab, replaces: &str) -> Message {
    let bytes = lab
        .request("INVITE", "new")
        .header("Replaces", replaces)
        .header("Require", "replaces")
        .body("application/sdp", lab.sdp("sendrecv", 1))
        .build();
    Message::parse(&bytes)
}

/// What the phone says to an INVITE that replaces the call that is up, one word each.
async fn replaced(faults: &[Fault], finish: &str) -> (Vec<String>, CallState) {
    let lab = Lab::registered(faults).await;
    let dialogue = lab.call().await;
    let to_tag = dialogue.ok.to().unwrap().tag().unwrap().to_owned();
    let value = format!("{};to-tag={to_tag};from-tag=alice{finish}", dialogue.call_id);
    let invite = invite(&lab, &value);
    lab.send(invite.bytes());
    let mut words = Vec::new();
    for (_, message) in lab.collect(ms(100)).await {
        words.push(word(&message));
        match message.status() {
            Some(200) => {
                let mut new = crate::lab::Dialogue::received(&invite, message);
                lab.send(&new.ack(None));
            }
            None => {
                assert_eq!(message.call_id(), Some(dialogue.call_id.as_str()));
                lab.reply(&message, 200, |builder| builder);
            }
            Some(_) => {}
        }
    }
    (words, lab.phone.call_state().await)
}

#[tokio::test(start_paused = true)]
async fn the_new_call_is_answered_at_once_and_the_old_one_ended() {
    let (words, state) = replaced(&[], "").await;
    assert_eq!(
        (words, state),
        (vec!["200".into(), "BYE".into()], CallState::Established)
    );
    let (words, _) = replaced(&[Fault::ReplacesKeepsOldCall], "").await;
    assert_eq!(words, ["200"]);
    let (words, _) = replaced(&[Fault::ReplacesIgnored], "").await;
    assert_eq!(words, ["486"]);
}

#[tokio::test(start_paused = true)]
async fn an_answered_call_is_not_replaced_early_only() {
    assert_eq!(replaced(&[], ";early-only").await.0, ["486"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_there_cannot_be_replaced() {
    for (faults, value, expected) in [
        (&[][..], "x@y;to-tag=1;from-tag=2", "481"),
        (&[][..], "x@y;to-tag=1", "400"),
        (
            &[Fault::ReplacesUnmatchedAccepted][..],
            "x@y;to-tag=1;from-tag=2",
            "180",
        ),
    ] {
        let lab = Lab::registered(faults).await;
        lab.send(invite(&lab, value).bytes());
        assert_eq!(word(&lab.next().await.1), expected, "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ringing_call_is_not_replaced_and_a_placed_one_is_cancelled() {
    let lab = Lab::registered(&[]).await;
    let ringing = lab.invite("ring", Some(&lab.sdp("sendrecv", 1)));
    lab.send(ringing.bytes());
    let tag = lab
        .expect_status(180)
        .await
        .to()
        .unwrap()
        .tag()
        .unwrap()
        .to_owned();
    let value = format!("{};to-tag={tag};from-tag=alice", ringing.call_id().unwrap());
    lab.send(invite(&lab, &value).bytes());
    lab.expect_status(481).await;

    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    let placed = lab.expect("INVITE").await;
    lab.reply(&placed, 180, |builder| {
        builder.header("Contact", "<sip:100@10.0.0.1>")
    });
    lab.settle().await;
    let ours = placed.from().unwrap().tag().unwrap().to_owned();
    let value = format!(
        "{};to-tag={ours};from-tag=lab;early-only",
        placed.call_id().unwrap()
    );
    lab.send(invite(&lab, &value).bytes());
    assert_eq!(lab.words(ms(10)).await, ["200", "CANCEL"]);
}
