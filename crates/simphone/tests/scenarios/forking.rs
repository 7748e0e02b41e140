//! Calls that a proxy forks or redirects.

use crate::lab::{Lab, coded, media_of, ms, speech, word};
use voxproof_net::MediaPort;
use voxproof_rtp::g711::Law;
use voxproof_simphone::{CallState, DialOptions, Fault};
use voxproof_sip::{Builder, Message, default_reason};

/// Answers from the branch with this tag.
fn from_branch(lab: &Lab, invite: &Message, tag: &str, status: u16, sdp: Option<&str>) {
    let builder = Builder::response_to(invite, status, default_reason(status))
        .to_tag(tag)
        .header("Contact", format!("<sip:{tag}@10.0.0.1:5060>"));
    let bytes = match sdp {
        Some(sdp) => builder.body("application/sdp", sdp).build(),
        None => builder.build(),
    };
    lab.send(&bytes);
}

async fn dialled(faults: &[Fault]) -> (Lab, Message) {
    let lab = Lab::registered(faults).await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    (lab, invite)
}

#[tokio::test(start_paused = true)]
async fn of_two_answers_the_first_is_taken_and_the_second_ended() {
    for (faults, expected) in [
        (&[][..], &["ACK", "BYE", "ACK"][..]),
        (&[Fault::SecondOkUnacked][..], &[]),
        (&[Fault::SecondOkKept][..], &["ACK", "ACK"]),
    ] {
        let (lab, invite) = dialled(faults).await;
        let sdp = lab.sdp("sendrecv", 1);
        for tag in ["one", "two"] {
            from_branch(&lab, &invite, tag, 180, None);
        }
        from_branch(&lab, &invite, "two", 200, Some(&sdp));
        let ack = lab.expect("ACK").await;
        assert_eq!(ack.request_uri(), Some("sip:two@10.0.0.1:5060"));
        from_branch(&lab, &invite, "one", 200, Some(&sdp));
        lab.settle().await;
        from_branch(&lab, &invite, "one", 200, Some(&sdp));
        let mut heard = Vec::new();
        for (_, message) in lab.collect(ms(100)).await {
            assert_eq!(message.to().unwrap().tag(), Some("one"));
            if message.method() == Some("BYE") {
                lab.reply(&message, 200, |builder| builder);
            }
            heard.push(word(&message));
        }
        assert_eq!(heard, expected, "{faults:?}");
        assert_eq!(lab.phone.call_state().await, CallState::Established);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_description_counts_with_its_own_branchs_early_one() {
    let (lab, invite) = dialled(&[]).await;
    let sdp = lab.sdp("sendrecv", 1);
    let elsewhere = sdp.replace("c=IN IP4 10.0.0.1", "c=IN IP4 10.0.0.9");
    from_branch(&lab, &invite, "one", 183, Some(&sdp));
    from_branch(&lab, &invite, "two", 183, Some(&elsewhere));
    from_branch(&lab, &invite, "one", 200, None);
    lab.expect("ACK").await;
    lab.sleep(ms(500)).await;
    assert!(lab.heard().len() >= 24);
}

fn played(lab: &Lab, invite: &Message) {
    lab.talk(media_of(invite), speech(9));
}

#[tokio::test(start_paused = true)]
async fn early_media_are_played_also_when_it_rings_afterwards() {
    for (faults, hears) in [(&[][..], true), (&[Fault::EarlyMediaSilent][..], false)] {
        let (lab, invite) = dialled(faults).await;
        from_branch(&lab, &invite, "one", 183, Some(&lab.sdp("sendrecv", 1)));
        played(&lab, &invite);
        from_branch(&lab, &invite, "one", 180, None);
        from_branch(&lab, &invite, "two", 199, None);
        lab.sleep(ms(1000)).await;
        let recording = lab.phone.recording().await;
        let loud = recording
            .iter()
            .filter(|sample| sample.unsigned_abs() > 100)
            .count();
        assert_eq!(loud > 6000, hears, "{loud}");
        assert!(lab.heard().is_empty(), "nobody talks before the answer");
        assert_eq!(lab.phone.call_state().await, CallState::Dialing);
    }
    assert_eq!(coded(Law::Mu, &speech(9)).len(), 8400);
}

#[tokio::test(start_paused = true)]
async fn a_200_that_crosses_the_cancel_is_acknowledged_and_ended() {
    for (faults, expected) in [
        (&[][..], &["CANCEL", "ACK", "BYE"][..]),
        (&[Fault::CancelRaceNoBye][..], &["CANCEL", "ACK"]),
    ] {
        let (lab, invite) = dialled(faults).await;
        from_branch(&lab, &invite, "one", 180, None);
        lab.settle().await;
        lab.phone.hangup().await.unwrap();
        from_branch(&lab, &invite, "one", 200, Some(&lab.sdp("sendrecv", 1)));
        let mut heard = Vec::new();
        for (_, message) in lab.collect(ms(100)).await {
            if message.method() != Some("ACK") {
                lab.reply(&message, 200, |builder| builder);
            }
            heard.push(word(&message));
        }
        assert_eq!(heard, expected);
        assert_eq!(lab.phone.call_state().await, CallState::Idle);
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirection_is_followed_in_the_order_of_q() {
    let contacts = "<sip:low@10.0.0.1>;q=0.1, <sip:high@10.0.0.1>;q=0.9, <mailto:x@y>;q=1";
    for (faults, order) in [
        (&[][..], &["high", "low"][..]),
        (&[Fault::RedirectWrongOrder][..], &["low", "high"]),
        (&[Fault::RedirectIgnored][..], &[]),
    ] {
        let (lab, first) = dialled(faults).await;
        lab.reply(&first, 302, |builder| builder.header("Contact", contacts));
        lab.expect("ACK").await;
        let mut last = first;
        for user in order {
            let invite = lab.expect("INVITE").await;
            assert_eq!(
                invite.request_uri(),
                Some(format!("sip:{user}@10.0.0.1").as_str())
            );
            assert_eq!(invite.call_id(), last.call_id());
            assert_eq!(invite.header("to"), last.header("to"));
            assert_eq!(invite.cseq().unwrap().number, last.cseq().unwrap().number + 1);
            assert_ne!(invite.vias()[0].branch(), last.vias()[0].branch());
            // a redirection back makes no loop
            lab.reply(&invite, 302, |builder| builder.header("Contact", contacts));
            lab.expect("ACK").await;
            last = invite;
        }
        assert!(lab.words(ms(1000)).await.is_empty());
        assert_eq!(lab.phone.call_state().await, CallState::Idle);
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirected_call_that_fails_goes_to_the_next_unless_all_are_declined() {
    for (status, goes_on) in [(486, true), (603, false)] {
        let (lab, first) = dialled(&[]).await;
        lab.reply(&first, 300, |builder| {
            builder.header("Contact", "<sip:a@10.0.0.1>, <sip:b@10.0.0.1>")
        });
        lab.expect("ACK").await;
        let invite = lab.expect("INVITE").await;
        lab.reply(&invite, status, |builder| builder);
        lab.expect("ACK").await;
        let more = lab.words(ms(100)).await;
        assert_eq!(more.first().map(String::as_str), goes_on.then_some("INVITE"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_may_leave_the_offer_to_the_other_side() {
    let lab = Lab::registered(&[]).await;
    let options = DialOptions {
        delayed_offer: true,
        headers: vec![("Alert-Info".to_owned(), "<urn:alert:tone:x>".to_owned())],
        ..DialOptions::default()
    };
    lab.phone.dial_with("100", options).await.unwrap();
    let invite = lab.expect("INVITE").await;
    assert!(invite.body().is_empty() && invite.header("alert-info").is_some());
    from_branch(&lab, &invite, "one", 200, Some(&lab.sdp("sendrecv", 1)));
    let ack = lab.expect("ACK").await;
    assert_eq!(ack.sdp().unwrap().unwrap().audio().unwrap().formats, ["0", "96"]);
    lab.sleep(ms(500)).await;
    assert!(lab.heard().len() >= 24);
    let _: &MediaPort = &lab.rtp;
}
