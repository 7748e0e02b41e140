//! Changes of a call that is up: hold in all its forms, from both sides, and moved media.

use crate::lab::{Dialogue, Lab, direction_of, ms, version_of};
use voxproof_net::MediaSession;
use voxproof_simphone::{CallState, Fault, PhoneError};

/// Holds the phone with this description and counts the packets of the next second.
async fn held(faults: &[Fault], rewrite: impl FnOnce(String) -> String) -> (String, usize, u64) {
    let lab = Lab::registered(faults).await;
    let mut dialogue = lab.call().await;
    let before = version_of(&dialogue.ok);
    let hold = rewrite(lab.sdp("sendrecv", 2));
    let ok = dialogue.reinvite(&lab, &hold).await;
    lab.heard();
    lab.sleep(ms(1000)).await;
    let packets = lab.heard().len();
    let state = lab.phone.call_state().await;
    assert_eq!(state, CallState::HeldByPeer);
    let resumed = dialogue.reinvite(&lab, &lab.sdp("sendrecv", 3)).await;
    assert_eq!(direction_of(&resumed), "sendrecv");
    lab.sleep(ms(1000)).await;
    assert!((49..=51).contains(&lab.heard().len()));
    assert_eq!(lab.phone.call_state().await, CallState::Established);
    (direction_of(&ok), packets, version_of(&ok) - before)
}

fn sendonly(sdp: String) -> String {
    sdp.replace("sendrecv", "sendonly")
}

fn inactive(sdp: String) -> String {
    sdp.replace("sendrecv", "inactive")
}

fn zero(sdp: String) -> String {
    sdp.replace("c=IN IP4 10.0.0.1", "c=IN IP4 0.0.0.0")
}

#[tokio::test(start_paused = true)]
async fn the_peers_hold_stops_the_stream() {
    assert_eq!(held(&[], sendonly).await, ("recvonly".into(), 0, 1));
    assert_eq!(held(&[], inactive).await, ("inactive".into(), 0, 1));
    assert_eq!(held(&[], zero).await, ("recvonly".into(), 0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_hold_faults_keep_the_stream() {
    let one = [Fault::HoldSendonlyKeepsSending];
    assert_eq!(held(&one, sendonly).await, ("recvonly".into(), 50, 1));
    assert_eq!(held(&one, inactive).await, ("inactive".into(), 0, 1));
    assert_eq!(held(&one, zero).await, ("recvonly".into(), 0, 1));
    let all = [Fault::HoldIgnored];
    assert_eq!(held(&all, sendonly).await, ("sendrecv".into(), 50, 0));
    assert_eq!(held(&all, zero).await, ("sendrecv".into(), 50, 0));
}

#[tokio::test(start_paused = true)]
async fn inactive_is_rejected_by_the_fault_and_the_call_goes_on() {
    let lab = Lab::registered(&[Fault::HoldInactiveRejected]).await;
    let mut dialogue = lab.call().await;
    let invite = dialogue
        .request("INVITE")
        .body("application/sdp", lab.sdp("inactive", 2))
        .build();
    lab.send(&invite);
    let refusal = lab.expect_status(488).await;
    lab.send(&voxproof_sip::ack_for(
        &voxproof_sip::Message::parse(&invite),
        &refusal,
    ));
    lab.heard();
    lab.sleep(ms(1000)).await;
    assert!(lab.heard().len() >= 49);
    assert_eq!(
        direction_of(&dialogue.reinvite(&lab, &lab.sdp("sendonly", 2)).await),
        "recvonly"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reinvite_without_offer_gets_a_whole_one() {
    for (faults, expected) in [
        (&[][..], "sendrecv"),
        (&[Fault::OfferlessReinviteKeepsHold][..], "inactive"),
    ] {
        let lab = Lab::registered(faults).await;
        let mut dialogue = lab.call().await;
        dialogue.reinvite(&lab, &lab.sdp("sendonly", 2)).await;
        lab.send(&dialogue.request("INVITE").build());
        let ok = lab.expect_status(200).await;
        assert_eq!(direction_of(&ok), expected);
        assert_eq!(
            ok.sdp().unwrap().unwrap().audio().unwrap().formats,
            ["0", "8", "101"]
        );
        assert_eq!(version_of(&ok), 3);
        lab.send(&dialogue.ack(Some(&lab.sdp(expected, 3))));
        lab.heard();
        lab.sleep(ms(1000)).await;
        assert_eq!(lab.heard().is_empty(), !faults.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn moved_media_are_followed() {
    for (faults, follows) in [(&[][..], true), (&[Fault::IgnoresNewRtpAddress][..], false)] {
        let lab = Lab::registered(faults).await;
        let mut dialogue = lab.call().await;
        let ear = std::sync::Arc::new(std::sync::Mutex::new(crate::lab::Ear::default()));
        assert_eq!(ear.lock().unwrap().interval(), ms(20));
        let other = lab
            .net
            .open_media("10.0.0.3".parse().unwrap(), ear.clone())
            .unwrap();
        let moved = lab
            .sdp("sendrecv", 2)
            .replace("c=IN IP4 10.0.0.1", "c=IN IP4 10.0.0.3")
            .replace(
                &lab.rtp.local_addr().port().to_string(),
                &other.local_addr().port().to_string(),
            );
        dialogue.reinvite(&lab, &moved).await;
        lab.heard();
        lab.sleep(ms(1000)).await;
        assert_eq!(lab.heard().is_empty(), follows);
        assert_eq!(ear.lock().unwrap().heard.is_empty(), !follows);
    }
}

/// A hold and a resume by the phone's user: directions and versions of its offers.
async fn own_hold(faults: &[Fault]) -> Vec<(String, u64)> {
    let lab = Lab::registered(faults).await;
    let dialogue = lab.call().await;
    let mut offers = vec![(direction_of(&dialogue.ok), version_of(&dialogue.ok))];
    assert!(matches!(lab.phone.resume().await, Err(PhoneError::NotHeld)));
    for (hold, answer, state, packets) in [
        (true, "recvonly", CallState::Held, 49..=51),
        (false, "sendrecv", CallState::Established, 49..=51),
    ] {
        if hold {
            lab.phone.hold().await
        } else {
            lab.phone.resume().await
        }
        .unwrap();
        assert!(matches!(lab.phone.hold().await, Err(PhoneError::ChangePending)));
        let invite = lab.expect("INVITE").await;
        assert!(dialogue.ok.to().unwrap().tag() == invite.from().unwrap().tag());
        assert!(!invite.contacts().is_empty());
        offers.push((direction_of(&invite), version_of(&invite)));
        lab.reply(&invite, 200, |builder| {
            builder
                .header("Contact", "<sip:alice@10.0.0.1:5060>")
                .body("application/sdp", lab.sdp(answer, 2))
        });
        let ack = lab.expect("ACK").await;
        assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
        lab.settle().await;
        assert_eq!(lab.phone.call_state().await, state);
        lab.heard();
        lab.sleep(ms(1000)).await;
        assert!(packets.contains(&lab.heard().len()));
    }
    offers
}

#[tokio::test(start_paused = true)]
async fn the_users_hold_is_a_new_version() {
    let offers = own_hold(&[]).await;
    assert_eq!(
        offers,
        [
            ("sendrecv".into(), 1),
            ("sendonly".into(), 2),
            ("sendrecv".into(), 3)
        ]
    );
    let same = own_hold(&[Fault::SdpVersionNotBumped]).await;
    assert_eq!(
        same,
        [
            ("sendrecv".into(), 1),
            ("sendonly".into(), 1),
            ("sendrecv".into(), 1)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn glare_is_tried_again_and_answered_with_491() {
    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    lab.phone.hold().await.unwrap();
    let ours = lab.expect("INVITE").await;
    let theirs = dialogue
        .request("INVITE")
        .body("application/sdp", lab.sdp("sendonly", 2))
        .build();
    lab.send(&theirs);
    let refusal = lab.expect_status(491).await;
    lab.send(&voxproof_sip::ack_for(
        &voxproof_sip::Message::parse(&theirs),
        &refusal,
    ));
    lab.reply(&ours, 491, |builder| builder);
    lab.expect("ACK").await;
    let before = lab.now();
    let (at, again) = lab.next().await;
    assert_eq!(again.method(), Some("INVITE"));
    // the call's Call-ID is the lab's: the phone waits 0 to 2 s
    assert!(at - before <= ms(2001), "{at:?}");
    assert_eq!(direction_of(&again), "sendonly");
    assert!(again.cseq().unwrap().number > ours.cseq().unwrap().number);
}

#[tokio::test(start_paused = true)]
async fn a_refused_hold_changes_nothing() {
    let lab = Lab::registered(&[]).await;
    lab.call().await;
    lab.phone.hold().await.unwrap();
    let invite = lab.expect("INVITE").await;
    lab.reply(&invite, 488, |builder| builder);
    lab.expect("ACK").await;
    lab.settle().await;
    assert_eq!(lab.phone.call_state().await, CallState::Established);
    lab.heard();
    lab.sleep(ms(1000)).await;
    assert!(lab.heard().len() >= 49);
    // a peer that does not know the call any more ends it
    lab.phone.hold().await.unwrap();
    let invite = lab.expect("INVITE").await;
    lab.reply(&invite, 481, |builder| builder);
    lab.expect("ACK").await;
    lab.expect("BYE").await;
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

#[tokio::test(start_paused = true)]
async fn a_second_reinvite_before_the_ack_is_500() {
    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    lab.send(
        &dialogue
            .request("INVITE")
            .body("application/sdp", lab.sdp("sendonly", 2))
            .build(),
    );
    lab.expect_status(200).await;
    lab.send(
        &dialogue
            .request("INVITE")
            .body("application/sdp", lab.sdp("sendrecv", 3))
            .build(),
    );
    let refusal = lab.expect_status(500).await;
    assert!(refusal.header("retry-after").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_held_call_that_we_placed_is_answered_in_its_dialog() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    lab.reply(&invite, 200, |builder| {
        builder
            .header("Contact", "<sip:alice@10.0.0.1:5060>")
            .body("application/sdp", lab.sdp("sendrecv", 1))
    });
    lab.expect("ACK").await;
    let mut dialogue = Dialogue::placed(&invite);
    let ok = dialogue.reinvite(&lab, &lab.sdp("inactive", 2)).await;
    assert_eq!((direction_of(&ok).as_str(), version_of(&ok)), ("inactive", 2));
    dialogue.bye(&lab).await;
}
