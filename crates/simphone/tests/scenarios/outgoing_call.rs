//! Calls that the phone places.

use crate::lab::{Dialogue, Lab, authorised, challenge, coded, decoded, ms, speech, word};
use voxproof_rtp::g711::Law;
use voxproof_simphone::{CallState, Fault, PhoneError};
use voxproof_sip::{Builder, Message};

fn answered(lab: &Lab) -> impl FnOnce(Builder) -> Builder {
    let sdp = lab.sdp("sendrecv", 1);
    |builder| {
        builder
            .header("Contact", "<sip:desk@10.0.0.1:5060;line=1>")
            .body("application/sdp", sdp)
    }
}

#[tokio::test(start_paused = true)]
async fn it_dials_talks_and_hangs_up() {
    for (faults, ack_uri) in [
        (&[][..], "sip:desk@10.0.0.1:5060;line=1"),
        (&[Fault::AckToRequestUri][..], "sip:100@10.0.0.1:5060"),
    ] {
        let lab = Lab::registered(faults).await;
        lab.phone.dial("100").await.unwrap();
        assert!(matches!(lab.phone.dial("200").await, Err(PhoneError::Busy)));
        let invite = lab.expect("INVITE").await;
        assert!(invite.findings().is_empty());
        assert_eq!(invite.request_uri(), Some("sip:100@10.0.0.1:5060"));
        assert_eq!(
            invite.sdp().unwrap().unwrap().audio().unwrap().formats,
            ["0", "8", "101"]
        );
        lab.reply(&invite, 180, |builder| builder);
        lab.settle().await;
        assert_eq!(lab.phone.call_state().await, CallState::Dialing);
        lab.sleep(ms(1000)).await;
        assert!(lab.heard().is_empty());
        lab.reply(&invite, 200, answered(&lab));
        let ack = lab.expect("ACK").await;
        assert_eq!(ack.request_uri(), Some(ack_uri));
        assert_eq!(ack.cseq().unwrap().number, 1);
        lab.sleep(ms(500)).await;
        let heard = decoded(Law::Mu, &lab.heard());
        assert!(heard.len() >= 3800);
        assert!(heard.iter().zip(coded(Law::Mu, &speech(1))).all(|(a, b)| *a == b));
        // a lost ACK is sent again for each repetition of the 200
        lab.reply(&invite, 200, answered(&lab));
        assert_eq!(lab.expect("ACK").await.bytes(), ack.bytes());
        lab.phone.hangup().await.unwrap();
        let bye = lab.expect("BYE").await;
        assert_eq!(bye.request_uri(), Some("sip:desk@10.0.0.1:5060;line=1"));
        assert_eq!(bye.to().unwrap().tag(), Some("lab"));
        assert_eq!(bye.cseq().unwrap().number, 2);
        lab.reply(&bye, 200, |builder| builder);
        assert!(matches!(lab.phone.hangup().await, Err(PhoneError::NoCall)));
    }
}

#[tokio::test(start_paused = true)]
async fn it_authenticates_for_the_proxy() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("sip:alice@10.0.0.1").await.unwrap();
    let first = lab.expect("INVITE").await;
    lab.reply(&first, 407, |builder| {
        builder.header("Proxy-Authenticate", challenge("p1", false))
    });
    let ack = lab.expect("ACK").await;
    assert_eq!(ack.vias()[0].branch(), first.vias()[0].branch());
    let second = lab.expect("INVITE").await;
    assert!(second.header("proxy-authorization").is_some() && authorised(&second, "INVITE"));
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.from().unwrap().tag(), first.from().unwrap().tag());
    assert_eq!(second.cseq().unwrap().number, 2);
    assert_eq!(second.body(), first.body());
    lab.reply(&second, 200, answered(&lab));
    let ack = lab.expect("ACK").await;
    assert_eq!(ack.cseq().unwrap().number, 2);
    assert_eq!(
        ack.header("proxy-authorization"),
        second.header("proxy-authorization")
    );
    // the BYE is challenged, too
    lab.phone.hangup().await.unwrap();
    let bye = lab.expect("BYE").await;
    lab.reply(&bye, 407, |builder| {
        builder.header("Proxy-Authenticate", challenge("p2", false))
    });
    let bye = lab.expect("BYE").await;
    assert!(authorised(&bye, "BYE"));
    assert_eq!(bye.cseq().unwrap().number, 4);
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_ends_the_call() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    for _ in 0..2 {
        let invite = lab.expect("INVITE").await;
        lab.reply(&invite, 407, |builder| {
            builder.header("Proxy-Authenticate", challenge("p1", false))
        });
        lab.expect("ACK").await;
    }
    assert!(lab.collect(ms(60_000)).await.is_empty());
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

/// Places a call that is given up after `give_up` ms, with a 180 at 300 ms; what the phone says then.
async fn given_up(faults: &[Fault], give_up: u64) -> (Message, Vec<(u128, Message)>) {
    let lab = Lab::registered(faults).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    let start = lab.now();
    let mut heard = Vec::new();
    if give_up < 300 {
        lab.sleep(ms(give_up)).await;
        lab.phone.hangup().await.unwrap();
        assert!(
            lab.collect(ms(300 - give_up)).await.is_empty(),
            "no CANCEL before a provisional response"
        );
        lab.reply(&invite, 180, |builder| builder);
    } else {
        lab.sleep(ms(300)).await;
        lab.reply(&invite, 180, |builder| builder);
        lab.sleep(ms(give_up - 300)).await;
        lab.phone.hangup().await.unwrap();
    }
    let (at, cancel) = lab.next().await;
    assert_eq!(cancel.method(), Some("CANCEL"));
    heard.push(((at - start).as_millis(), cancel.clone()));
    if cancel.vias()[0].branch() == invite.vias()[0].branch() {
        lab.reply(&cancel, 200, |builder| builder);
        lab.reply(&invite, 487, |builder| builder);
    } else {
        lab.reply(&cancel, 481, |builder| builder);
    }
    let rest = lab.collect(ms(1000)).await;
    heard.extend(
        rest.into_iter()
            .map(|(at, message)| ((at - start).as_millis(), message)),
    );
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
    (invite, heard)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_is_cancelled_after_a_provisional_response() {
    for (give_up, at) in [(100, 300), (900, 900)] {
        let (invite, heard) = given_up(&[], give_up).await;
        let words: Vec<_> = heard.iter().map(|(_, message)| word(message)).collect();
        assert_eq!(words, ["CANCEL", "ACK"]);
        assert!(heard[0].0.abs_diff(at) <= 1, "{}", heard[0].0);
        let cancel = &heard[0].1;
        assert_eq!(cancel.vias()[0].branch(), invite.vias()[0].branch());
        assert_eq!(
            (cancel.cseq().unwrap().number, cancel.request_uri()),
            (1, invite.request_uri())
        );
        assert_eq!(cancel.header("to"), invite.header("to"));
    }
    let (invite, heard) = given_up(&[Fault::CancelNewBranch], 900).await;
    assert_ne!(heard[0].1.vias()[0].branch(), invite.vias()[0].branch());
    assert_eq!(heard.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_crosses_the_cancel_is_hung_up() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    lab.reply(&invite, 180, |builder| builder);
    lab.settle().await;
    lab.phone.hangup().await.unwrap();
    lab.reply(&invite, 200, answered(&lab));
    let words = lab.words(ms(100)).await;
    assert_eq!(words, ["CANCEL", "ACK", "BYE"]);
    assert!(lab.heard().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_second_branch_that_answers_is_hung_up() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    lab.reply(&invite, 200, answered(&lab));
    lab.expect("ACK").await;
    let other = Builder::response_to(&invite, 200, "OK").to_tag("other");
    lab.send(&answered(&lab)(other).build());
    for method in ["ACK", "BYE"] {
        assert_eq!(lab.expect(method).await.to().unwrap().tag(), Some("other"));
    }
    assert_eq!(lab.phone.call_state().await, CallState::Established);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_acknowledged_on_the_same_branch() {
    for (faults, expected) in [(&[][..], 1), (&[Fault::NoAckToFailure][..], 0)] {
        for status in [486, 404, 480, 603] {
            let lab = Lab::registered(faults).await;
            lab.phone.dial("100").await.unwrap();
            let invite = lab.expect("INVITE").await;
            lab.reply(&invite, status, |builder| builder);
            let heard = lab.collect(ms(2000)).await;
            assert_eq!(heard.len(), expected);
            for (_, ack) in &heard {
                assert_eq!(ack.vias()[0].branch(), invite.vias()[0].branch());
                assert_eq!(ack.to().unwrap().tag(), Some("lab"));
            }
            // a repetition is acknowledged again
            lab.reply(&invite, status, |builder| builder);
            assert_eq!(lab.collect(ms(2000)).await.len(), expected);
            assert_eq!(lab.phone.call_state().await, CallState::Idle);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_ack_fault_leaves_authentication_alone() {
    let lab = Lab::registered(&[Fault::NoAckToFailure]).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    lab.reply(&invite, 407, |builder| {
        builder.header("Proxy-Authenticate", challenge("p1", false))
    });
    lab.expect("ACK").await;
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_invite_follows_the_timers() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    let heard = lab.collect(ms(60_000)).await;
    let start = heard[0].0;
    let times: Vec<_> = heard.iter().map(|(at, _)| (*at - start).as_millis()).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

#[tokio::test(start_paused = true)]
async fn early_media_are_heard_before_the_answer() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    lab.reply(&invite, 183, answered(&lab));
    lab.settle().await;
    lab.talk(crate::lab::media_of(&invite), speech(5));
    lab.sleep(ms(500)).await;
    assert!(lab.phone.recording().await.iter().any(|sample| *sample != 0));
    assert!(lab.heard().is_empty(), "the user does not talk yet");
}

#[tokio::test(start_paused = true)]
async fn requests_follow_the_route_of_the_answer() {
    let lab = Lab::registered(&[]).await;
    let proxy = lab.net.bind("10.0.0.5:5070".parse().unwrap()).await.unwrap();
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    lab.reply(&invite, 200, |builder| {
        answered(&lab)(builder.header("Record-Route", "<sip:10.0.0.5:5070;lr>"))
    });
    let ack = Message::parse(&proxy.recv().await.unwrap().bytes);
    assert_eq!(ack.method(), Some("ACK"));
    assert_eq!(ack.header("route"), Some("<sip:10.0.0.5:5070;lr>"));
    lab.phone.hangup().await.unwrap();
    assert_eq!(
        Message::parse(&proxy.recv().await.unwrap().bytes).method(),
        Some("BYE")
    );
}

#[tokio::test(start_paused = true)]
async fn an_address_that_cannot_be_dialled_is_named() {
    let lab = Lab::registered(&[]).await;
    for wrong in ["", "sip:", "http://x", "a b", "sip:a@b c"] {
        assert!(
            matches!(lab.phone.dial(wrong).await, Err(PhoneError::InvalidUri(_))),
            "{wrong}"
        );
    }
    lab.phone.dial("*21#").await.unwrap();
    assert_eq!(
        lab.expect("INVITE").await.request_uri(),
        Some("sip:*21%23@10.0.0.1:5060")
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_codec_of_ours_is_hung_up() {
    let lab = Lab::registered(&[]).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    let sdp = lab.sdp_with("18", "sendrecv", 1);
    lab.reply(&invite, 200, |builder| {
        builder
            .header("Contact", "<sip:desk@10.0.0.1:5060>")
            .body("application/sdp", sdp)
    });
    assert_eq!(lab.words(ms(100)).await, ["ACK", "BYE"]);
    let mut dialogue = Dialogue::placed(&invite);
    lab.send(&dialogue.request("OPTIONS").build());
    lab.expect_status(481).await;
}
