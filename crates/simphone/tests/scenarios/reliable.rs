//! Reliable provisional responses, from both sides (RFC 3262).

use crate::lab::{Dialogue, Lab, ms, word};
use voxproof_simphone::{CallState, DialOptions, Fault, ReliableProvisionals};
use voxproof_sip::{Builder, Message, default_reason};

/// An INVITE with this field; the phone's first answer.
async fn rung(
    faults: &[Fault],
    policy: ReliableProvisionals,
    name: &str,
    sdp: bool,
) -> (Lab, Message, Message) {
    let lab = Lab::switched_on(faults, |config| config.reliable_provisionals = policy).await;
    lab.accept_registration().await;
    let builder = lab.request("INVITE", "call").header(name, "100rel");
    let bytes = if sdp {
        builder.body("application/sdp", lab.sdp("sendrecv", 1)).build()
    } else {
        builder.build()
    };
    lab.send(&bytes);
    let ringing = lab.next().await.1;
    (lab, Message::parse(&bytes), ringing)
}

#[tokio::test(start_paused = true)]
async fn what_is_reliable_is_configured_and_what_is_required_is_kept() {
    use ReliableProvisionals::{Never, WhenRequired, WhenSupported};
    for (faults, policy, name, expected) in [
        (&[][..], WhenRequired, "Require", "180 reliable"),
        (&[][..], WhenRequired, "Supported", "180"),
        (&[][..], WhenSupported, "Supported", "180 reliable"),
        (&[][..], Never, "Supported", "180"),
        (&[][..], Never, "Require", "420"),
        (
            &[Fault::ReliableRequiredIgnored][..],
            WhenRequired,
            "Require",
            "180",
        ),
    ] {
        let (_, _, ringing) = rung(faults, policy, name, true).await;
        let reliable = if ringing.rseq().is_some() && ringing.has_token("require", "100rel") {
            " reliable"
        } else {
            ""
        };
        assert_eq!(
            format!("{}{reliable}", word(&ringing)),
            expected,
            "{policy:?} {name}"
        );
    }
}

fn prack(dialogue: &mut Dialogue, rack: &str) -> Builder {
    dialogue.request("PRACK").header("RAck", rack)
}

#[tokio::test(start_paused = true)]
async fn it_is_repeated_until_its_prack_and_a_wrong_one_is_481() {
    for (faults, repeats, wrong) in [
        (&[][..], 2, 481),
        (&[Fault::ReliableNotRetransmitted][..], 0, 481),
        (&[Fault::PrackUnmatched200][..], 2, 200),
    ] {
        let (lab, invite, ringing) = rung(faults, ReliableProvisionals::WhenRequired, "Require", true).await;
        let again = lab.collect(ms(1600)).await;
        assert_eq!(again.len(), repeats);
        assert!(
            again
                .iter()
                .all(|(_, message)| message.bytes() == ringing.bytes())
        );
        let rseq = ringing.rseq().unwrap();
        let mut dialogue = Dialogue::received(&invite, ringing);
        lab.send(&prack(&mut dialogue, &format!("{} 1 INVITE", rseq + 1)).build());
        lab.expect_status(wrong).await;
        lab.send(&prack(&mut dialogue, &format!("{rseq} 1 INVITE")).build());
        lab.expect_status(200).await;
        assert!(lab.collect(ms(10_000)).await.is_empty());
        lab.phone.answer().await.unwrap();
        let ok = lab.expect_status(200).await;
        assert!(ok.is_sdp());
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_never_acknowledges_is_refused() {
    let (lab, ..) = rung(&[], ReliableProvisionals::WhenRequired, "Require", true).await;
    let words = lab.words(ms(33_000)).await;
    assert_eq!(words[..7].iter().filter(|word| *word == "180").count(), 6);
    assert_eq!(words[6], "504");
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

#[tokio::test(start_paused = true)]
async fn without_an_offer_the_reliable_response_makes_it() {
    let (lab, invite, ringing) = rung(&[], ReliableProvisionals::WhenRequired, "Require", false).await;
    assert!(ringing.is_sdp());
    lab.phone.answer().await.unwrap();
    lab.settle().await;
    assert_eq!(lab.words(ms(100)).await.len(), 0, "the 200 waits for the PRACK");
    let rseq = ringing.rseq().unwrap();
    let mut dialogue = Dialogue::received(&invite, ringing);
    let answer = lab.sdp("sendrecv", 1);
    let acknowledged = prack(&mut dialogue, &format!("{rseq} 1 INVITE"));
    lab.send(&acknowledged.body("application/sdp", answer).build());
    lab.expect_status(200).await;
    let ok = lab.expect_status(200).await;
    assert!(ok.cseq_method() == Some("INVITE") && ok.body().is_empty());
    lab.send(&dialogue.with_cseq("ACK", 1).build());
    lab.sleep(ms(500)).await;
    assert!(lab.heard().len() >= 24);
    assert_eq!(lab.phone.call_state().await, CallState::Established);
}

fn provisional(invite: &Message, tag: &str, status: u16, rseq: u32) -> Builder {
    Builder::response_to(invite, status, default_reason(status))
        .to_tag(tag)
        .header("Contact", format!("<sip:{tag}@10.0.0.1:5060>"))
        .header("Require", "100rel")
        .header("RSeq", rseq.to_string())
}

#[tokio::test(start_paused = true)]
async fn the_caller_acknowledges_each_in_order() {
    for (faults, expected) in [
        (&[][..], &["7 1 INVITE", "8 1 INVITE"][..]),
        (&[Fault::PrackMissing][..], &[]),
        (&[Fault::PrackWrongRack][..], &["8 1 INVITE", "9 1 INVITE"]),
    ] {
        let lab = Lab::registered(faults).await;
        lab.phone.dial("100").await.unwrap();
        let invite = lab.expect("INVITE").await;
        assert!(invite.has_token("supported", "100rel"));
        for rseq in [7, 7, 9, 8] {
            lab.send(&provisional(&invite, "one", 180, rseq).build());
            lab.settle().await;
        }
        let mut racks = Vec::new();
        for (_, message) in lab.collect(ms(100)).await {
            assert_eq!(message.method(), Some("PRACK"));
            assert_eq!(message.to().unwrap().tag(), Some("one"));
            assert_eq!(message.request_uri(), Some("sip:one@10.0.0.1:5060"));
            assert_eq!(message.cseq().unwrap().number as usize, 2 + racks.len());
            racks.push(message.header("rack").unwrap().to_owned());
            lab.reply(&message, 200, |builder| builder);
        }
        assert_eq!(racks, expected);
        // the next request of the call goes on counting
        let sdp = lab.sdp("sendrecv", 1);
        lab.send(
            &Builder::response_to(&invite, 200, "OK")
                .to_tag("one")
                .header("Contact", "<sip:one@10.0.0.1:5060>")
                .body("application/sdp", sdp)
                .build(),
        );
        assert_eq!(lab.expect("ACK").await.cseq().unwrap().number, 1);
        lab.phone.hangup().await.unwrap();
        assert_eq!(
            lab.expect("BYE").await.cseq().unwrap().number as usize,
            2 + racks.len()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_prack_answers_an_early_offer() {
    let lab = Lab::registered(&[]).await;
    let options = DialOptions {
        delayed_offer: true,
        ..DialOptions::default()
    };
    lab.phone.dial_with("100", options).await.unwrap();
    let invite = lab.expect("INVITE").await;
    let offer = lab.sdp("sendrecv", 1);
    lab.send(
        &provisional(&invite, "one", 183, 1)
            .body("application/sdp", offer)
            .build(),
    );
    let prack = lab.expect("PRACK").await;
    assert_eq!(
        prack.sdp().unwrap().unwrap().audio().unwrap().formats,
        ["0", "96"]
    );
    lab.reply(&prack, 200, |builder| builder);
    lab.send(
        &Builder::response_to(&invite, 200, "OK")
            .to_tag("one")
            .header("Contact", "<sip:one@10.0.0.1:5060>")
            .build(),
    );
    let ack = lab.expect("ACK").await;
    assert!(ack.body().is_empty());
    lab.sleep(ms(500)).await;
    assert!(lab.heard().len() >= 24);
}
