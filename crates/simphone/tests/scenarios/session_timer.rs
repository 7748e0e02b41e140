//! Session timers and UPDATE (RFC 4028, RFC 3311), and changes from both sides at once.

use crate::lab::{Dialogue, Lab, direction_of, ms, word};
use voxproof_simphone::{CallState, Fault, SimPhoneConfig};
use voxproof_sip::Message;

/// A call to the phone with these fields in its INVITE; the dialog and the 200.
async fn called(lab: &Lab, fields: &[(&str, &str)]) -> Dialogue {
    let mut builder = lab.request("INVITE", "call");
    for (name, value) in fields {
        builder = builder.header(name, value);
    }
    let invite = Message::parse(&builder.body("application/sdp", lab.sdp("sendrecv", 1)).build());
    lab.send(invite.bytes());
    lab.expect_status(180).await;
    lab.phone.answer().await.unwrap();
    let ok = lab.expect_status(200).await;
    let mut dialogue = Dialogue::received(&invite, ok);
    lab.send(&dialogue.ack(None));
    lab.settle().await;
    dialogue
}

#[tokio::test(start_paused = true)]
async fn the_interval_is_agreed_on() {
    for (fields, expires, require) in [
        (
            &[("Supported", "timer"), ("Session-Expires", "300;refresher=uas")][..],
            Some("300;refresher=uas"),
            false,
        ),
        (
            &[("Supported", "timer"), ("Session-Expires", "300")],
            Some("300;refresher=uac"),
            true,
        ),
        (&[("Session-Expires", "300")], Some("300;refresher=uas"), false),
        (&[("Supported", "timer")], None, false),
    ] {
        let lab = Lab::registered(&[]).await;
        let dialogue = called(&lab, fields).await;
        assert_eq!(dialogue.ok.header("session-expires"), expires);
        assert_eq!(dialogue.ok.has_token("require", "timer"), require, "{fields:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interval_that_is_too_short_is_422() {
    for (faults, expected) in [
        (&[][..], "422"),
        (&[Fault::SessionTimerTooSmallAccepted][..], "180"),
    ] {
        let lab = Lab::registered(faults).await;
        let builder = lab
            .request("INVITE", "s")
            .header("Supported", "timer")
            .header("Session-Expires", "60");
        lab.send(&builder.body("application/sdp", lab.sdp("sendrecv", 1)).build());
        let answer = lab.next().await.1;
        assert_eq!(word(&answer), expected);
        assert_eq!(answer.header("min-se").is_some(), expected == "422");
    }
    let lab = Lab::switched_on(&[], |config| config.session_timers.supported = false).await;
    lab.accept_registration().await;
    lab.send(&lab.request("INVITE", "s").header("Require", "timer").build());
    lab.expect_status(420).await;
}

#[tokio::test(start_paused = true)]
async fn the_phone_refreshes_by_update_or_reinvite() {
    for (faults, allow, expected) in [
        (&[][..], "INVITE, UPDATE", Some("UPDATE")),
        (&[][..], "INVITE", Some("INVITE")),
        (&[Fault::SessionTimerNoRefresh][..], "INVITE, UPDATE", None),
    ] {
        let lab = Lab::registered(faults).await;
        let fields = [
            ("Supported", "timer"),
            ("Session-Expires", "200;refresher=uas"),
            ("Allow", allow),
        ];
        let dialogue = called(&lab, &fields).await;
        let start = lab.now();
        let refresh = lab.collect(ms(100_200)).await.into_iter().next();
        assert_eq!(
            refresh.as_ref().and_then(|(_, message)| message.method()),
            expected
        );
        let Some((at, refresh)) = refresh else { continue };
        assert_eq!(
            (at - start).as_secs(),
            99 + u64::from((at - start).subsec_millis() < 900)
        );
        assert_eq!(refresh.header("session-expires"), Some("200;refresher=uac"));
        let sdp = lab.sdp("sendrecv", 1);
        lab.reply(&refresh, 200, |builder| {
            let builder = builder
                .header("Contact", "<sip:alice@10.0.0.1:5060>")
                .header("Session-Expires", "200;refresher=uac")
                .header("Require", "timer");
            if expected == Some("INVITE") {
                builder.body("application/sdp", sdp)
            } else {
                builder
            }
        });
        let next = lab.collect(ms(100_300)).await;
        assert_eq!(next.last().and_then(|(_, message)| message.method()), expected);
        assert_eq!(lab.phone.call_state().await, CallState::Established);
        drop(dialogue);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_nobody_refreshes_is_ended() {
    for (faults, expected) in [(&[][..], Some("BYE")), (&[Fault::SessionTimerNoBye][..], None)] {
        let lab = Lab::registered(faults).await;
        called(
            &lab,
            &[("Supported", "timer"), ("Session-Expires", "120;refresher=uac")],
        )
        .await;
        let start = lab.now();
        let end = lab.collect(ms(130_000)).await.into_iter().next();
        assert_eq!(end.as_ref().and_then(|(_, message)| message.method()), expected);
        if let Some((at, _)) = end {
            assert!((87..=88).contains(&(at - start).as_secs()), "{:?}", at - start);
        }
    }
}

/// A call by the phone that asks for a timer.
async fn dialled(faults: &[Fault], adjust: impl FnOnce(&mut SimPhoneConfig)) -> (Lab, Message) {
    let lab = Lab::switched_on(faults, adjust).await;
    lab.accept_registration().await;
    lab.phone.dial("100").await.unwrap();
    let invite = lab.expect("INVITE").await;
    (lab, invite)
}

#[tokio::test(start_paused = true)]
async fn the_caller_asks_again_after_422() {
    for (faults, goes_on) in [(&[][..], true), (&[Fault::SessionTimer422Ignored][..], false)] {
        let (lab, invite) = dialled(faults, |config| config.session_timers.ask = Some(90)).await;
        assert_eq!(invite.header("session-expires"), Some("90"));
        lab.reply(&invite, 422, |builder| builder.header("Min-SE", "1000"));
        lab.expect("ACK").await;
        let again = lab.collect(ms(100)).await.into_iter().next();
        assert_eq!(again.is_some(), goes_on);
        let Some((_, again)) = again else { continue };
        assert_eq!(
            (again.header("session-expires"), again.header("min-se")),
            (Some("1000"), Some("1000"))
        );
        assert_eq!(again.cseq().unwrap().number, 2);
        let sdp = lab.sdp("sendrecv", 1);
        lab.reply(&again, 200, |builder| {
            builder
                .header("Contact", "<sip:alice@10.0.0.1:5060>")
                .header("Session-Expires", "1000;refresher=uac")
                .header("Require", "timer")
                .header("Allow", "INVITE, UPDATE")
                .body("application/sdp", sdp)
        });
        lab.expect("ACK").await;
        let refresh = lab.collect(ms(510_000)).await;
        assert_eq!(refresh[0].1.method(), Some("UPDATE"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_changes_the_session() {
    for (faults, status, direction) in [
        (&[][..], 200, Some("recvonly")),
        (&[Fault::UpdateRefused][..], 405, None),
        (&[Fault::UpdateOfferIgnored][..], 200, None),
    ] {
        let lab = Lab::registered(faults).await;
        let mut dialogue = lab.call().await;
        let update = dialogue
            .request("UPDATE")
            .body("application/sdp", lab.sdp("sendonly", 2))
            .build();
        lab.send(&update);
        let answer = lab.expect_status(status).await;
        assert_eq!(
            answer.is_sdp().then(|| direction_of(&answer)).as_deref(),
            direction
        );
        assert_eq!(
            lab.phone.call_state().await == CallState::HeldByPeer,
            direction.is_some()
        );
        if faults.is_empty() {
            lab.send(&dialogue.request("UPDATE").build());
            let refreshed = lab.expect_status(200).await;
            assert!(refreshed.body().is_empty() && !refreshed.contacts().is_empty());
            let broken = dialogue
                .request("UPDATE")
                .body("application/sdp", "v=0\r\nx")
                .build();
            lab.send(&broken);
            lab.expect_status(400).await;
            let g729 = lab.sdp_with("18", "sendrecv", 3);
            lab.send(&dialogue.request("UPDATE").body("application/sdp", g729).build());
            lab.expect_status(488).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_while_an_offer_is_open() {
    let lab = Lab::registered(&[]).await;
    let invite = lab.invite("ring", Some(&lab.sdp("sendrecv", 1)));
    lab.send(invite.bytes());
    let ringing = lab.expect_status(180).await;
    let mut dialogue = Dialogue::received(&invite, ringing);
    lab.send(
        &dialogue
            .request("UPDATE")
            .body("application/sdp", lab.sdp("sendonly", 2))
            .build(),
    );
    assert!(lab.expect_status(500).await.header("retry-after").is_some());
    lab.send(&dialogue.request("UPDATE").build());
    lab.expect_status(200).await;

    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    lab.phone.hold().await.unwrap();
    lab.expect("INVITE").await;
    lab.send(
        &dialogue
            .request("UPDATE")
            .body("application/sdp", lab.sdp("sendonly", 2))
            .build(),
    );
    lab.expect_status(491).await;
}

#[tokio::test(start_paused = true)]
async fn changes_from_both_sides_at_once() {
    for (faults, answer, retried) in [
        (&[][..], 491, true),
        (&[Fault::GlareAccepted][..], 200, true),
        (&[Fault::GlareNoRetry][..], 491, false),
    ] {
        let lab = Lab::registered(faults).await;
        let mut dialogue = lab.call().await;
        lab.phone.hold().await.unwrap();
        let theirs = lab.expect("INVITE").await;
        let ours = dialogue
            .request("INVITE")
            .body("application/sdp", lab.sdp("sendonly", 2))
            .build();
        lab.send(&ours);
        let (_, verdict) = lab.next().await;
        assert_eq!(verdict.status(), Some(answer));
        let ack = if answer == 200 {
            dialogue.ack(None)
        } else {
            voxproof_sip::ack_for(&Message::parse(&ours), &verdict)
        };
        lab.send(&ack);
        lab.reply(&theirs, 491, |builder| builder);
        lab.expect("ACK").await;
        let again = lab.words(ms(5000)).await;
        assert_eq!(
            again.first().is_some_and(|word| word == "INVITE"),
            retried,
            "{again:?}"
        );
    }
}
