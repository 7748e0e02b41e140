//! Calls to the phone: ringing, answer, audio both ways, the end, and everything that can go wrong on the way.

use crate::lab::{Dialogue, Lab, coded, decoded, direction_of, media_of, ms, speech, word};
use voxproof_rtp::Packet;
use voxproof_rtp::g711::Law;
use voxproof_simphone::{CallState, Fault, PhoneError};
use voxproof_sip::Message;

#[tokio::test(start_paused = true)]
async fn it_rings_answers_and_is_heard() {
    let lab = Lab::registered(&[]).await;
    let invite = lab.invite("a", Some(&lab.sdp("sendrecv", 1)));
    lab.send(invite.bytes());
    let ringing = lab.expect_status(180).await;
    assert!(ringing.to().unwrap().tag().is_some() && !ringing.contacts().is_empty());
    assert_eq!(lab.phone.call_state().await, CallState::Ringing);
    lab.sleep(ms(2000)).await;
    assert!(lab.heard().is_empty(), "no RTP before the answer");

    lab.phone.answer().await.unwrap();
    let ok = lab.expect_status(200).await;
    assert_eq!(ok.to().unwrap().tag(), ringing.to().unwrap().tag());
    assert!(ok.header("allow").unwrap().contains("REFER") && ok.header("supported").is_some());
    assert_eq!(direction_of(&ok), "sendrecv");
    assert!(ok.findings().is_empty());
    let mut dialogue = Dialogue::received(&invite, ok);
    lab.send(&dialogue.ack(None));
    lab.sleep(ms(3000)).await;
    assert_eq!(lab.phone.call_state().await, CallState::Established);

    let packets = lab.heard();
    assert!((149..=151).contains(&packets.len()), "{}", packets.len());
    let first = Packet::parse(&packets[0].1).unwrap();
    assert!(first.marker && first.payload_type == 0);
    for pair in packets.windows(2) {
        let (a, b) = (
            Packet::parse(&pair[0].1).unwrap(),
            Packet::parse(&pair[1].1).unwrap(),
        );
        assert_eq!(b.sequence, a.sequence.wrapping_add(1));
        assert_eq!(b.timestamp, a.timestamp.wrapping_add(160));
        assert_eq!((b.ssrc, b.marker, b.payload.len()), (a.ssrc, false, 160));
        assert_eq!(pair[1].0 - pair[0].0, ms(20));
    }
    // the microphone starts with the call and loops
    let source = coded(Law::Mu, &speech(1));
    let heard = decoded(Law::Mu, &packets);
    assert!(
        heard
            .iter()
            .enumerate()
            .all(|(n, sample)| *sample == source[n % source.len()])
    );

    dialogue.bye(&lab).await;
    lab.sleep(ms(1000)).await;
    assert!(lab.heard().is_empty(), "no RTP after the BYE");
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

#[tokio::test(start_paused = true)]
async fn it_plays_what_it_hears_through_its_jitter_buffer() {
    let lab = Lab::registered(&[]).await;
    let voice = speech(2);
    let mut dialogue = lab.call().await;
    lab.talk(media_of(&dialogue.ok), voice.clone());
    lab.sleep(ms(1000)).await;
    dialogue.bye(&lab).await;
    let recording = lab.phone.recording().await;
    let start = recording
        .iter()
        .position(|sample| *sample != 0)
        .expect("it heard something");
    let expected = coded(Law::Mu, &voice);
    let length = recording.len() - start;
    assert!(length > 7000, "{length}");
    assert!(recording[start..].iter().zip(&expected).all(|(a, b)| a == b));
    // RTCP and junk on the RTP port do no harm, and the recording stays after the call
    lab.sleep(ms(500)).await;
    assert_eq!(lab.phone.recording().await.len(), recording.len());
}

#[tokio::test(start_paused = true)]
async fn rtcp_and_junk_on_the_rtp_port_are_ignored() {
    let lab = Lab::registered(&[]).await;
    let mut dialogue = lab.call().await;
    let to = media_of(&dialogue.ok);
    let other = lab.net.bind("10.0.0.1:0".parse().unwrap()).await.unwrap();
    for junk in [
        &b"\x80\xc8\x00\x06aaaabbbbccccddddeeeeffff"[..],
        b"",
        b"\x80",
        b"\xff\xff\xff\xff",
        &[0x81; 1500],
    ] {
        other.send(to, junk).unwrap();
    }
    lab.sleep(ms(500)).await;
    assert!(lab.phone.recording().await.iter().all(|sample| *sample == 0));
    dialogue.bye(&lab).await;
}

/// How many samples later than the packet's arrival the loopback sends it back.
async fn loopback_delay(faults: &[Fault]) -> i64 {
    let lab = Lab::registered(faults).await;
    lab.phone.set_loopback(true).await.unwrap();
    let voice = speech(3);
    let mut dialogue = lab.call().await;
    lab.heard();
    let talking = lab.now();
    lab.talk(media_of(&dialogue.ok), voice.clone());
    lab.sleep(ms(1000)).await;
    let packets = lab.heard();
    let samples = decoded(Law::Mu, &packets);
    let expected = coded(Law::Mu, &coded(Law::Mu, &voice));
    let start = samples.iter().position(|sample| *sample != 0).unwrap();
    assert!(samples[start..].iter().zip(&expected).all(|(a, b)| a == b));
    let first = packets[0].0.as_micros() as i64 * 8 / 1000 + start as i64;
    dialogue.bye(&lab).await;
    // the lab's own grid of 20 ms decides when its first packet goes out
    let tick = talking.as_micros().div_ceil(20_000) as i64 * 160;
    first - tick
}

#[tokio::test(start_paused = true)]
async fn loopback_is_40_ms_late_and_200_more_with_the_fault() {
    assert_eq!(loopback_delay(&[]).await, 320);
    assert_eq!(loopback_delay(&[Fault::ExtraDelay200Ms]).await, 320 + 1600);
}

#[tokio::test(start_paused = true)]
async fn it_answers_by_itself_after_the_time_it_was_given() {
    let lab = Lab::registered(&[]).await;
    lab.phone.set_auto_answer(Some(ms(700))).await.unwrap();
    let before = lab.now();
    lab.send(lab.invite("a", Some(&lab.sdp("sendrecv", 1))).bytes());
    lab.expect_status(180).await;
    let (at, ok) = lab.next().await;
    assert_eq!((ok.status(), at - before), (Some(200), ms(700)));
}

#[tokio::test(start_paused = true)]
async fn it_makes_the_offer_when_the_caller_does_not() {
    let lab = Lab::registered(&[]).await;
    let invite = lab.invite("a", None);
    lab.send(invite.bytes());
    lab.expect_status(180).await;
    lab.phone.answer().await.unwrap();
    let ok = lab.expect_status(200).await;
    let sdp = ok.sdp().unwrap().unwrap();
    assert_eq!(sdp.audio().unwrap().formats, ["0", "8", "101"]);
    assert_eq!(direction_of(&ok), "sendrecv");
    lab.sleep(ms(200)).await;
    assert!(lab.heard().is_empty(), "it cannot know where to send");
    let mut dialogue = Dialogue::received(&invite, ok);
    lab.send(&dialogue.ack(Some(&lab.sdp_with("8", "sendrecv", 1))));
    lab.sleep(ms(200)).await;
    let packets = lab.heard();
    assert!(!packets.is_empty());
    assert_eq!(Packet::parse(&packets[0].1).unwrap().payload_type, 8);
    dialogue.bye(&lab).await;

    let lab = Lab::registered(&[Fault::RejectsDelayedOffer]).await;
    lab.send(lab.invite("a", None).bytes());
    lab.expect_status(488).await;
}

#[tokio::test(start_paused = true)]
async fn no_common_codec_is_488() {
    let lab = Lab::registered(&[]).await;
    lab.send(
        lab.invite("a", Some(&lab.sdp_with("18 9", "sendrecv", 1)))
            .bytes(),
    );
    lab.expect_status(488).await;
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
    let lab = Lab::registered(&[Fault::AcceptsNoCommonCodec]).await;
    lab.send(
        lab.invite("a", Some(&lab.sdp_with("18 9", "sendrecv", 1)))
            .bytes(),
    );
    lab.expect_status(180).await;
    lab.phone.answer().await.unwrap();
    assert_eq!(
        lab.expect_status(200)
            .await
            .sdp()
            .unwrap()
            .unwrap()
            .audio()
            .unwrap()
            .formats[0],
        "0"
    );
}

#[tokio::test(start_paused = true)]
async fn other_media_are_refused_in_their_place() {
    let lab = Lab::registered(&[]).await;
    let sdp = lab
        .sdp("sendrecv", 1)
        .replace("m=audio", "m=video 5000 RTP/AVP 99\r\nm=audio");
    let dialogue = lab.call_with(&sdp).await;
    let answer = dialogue.ok.sdp().unwrap().unwrap();
    let ports: Vec<_> = answer
        .media
        .iter()
        .map(|media| (media.kind.as_str(), media.port == 0))
        .collect();
    assert_eq!(ports, [("video", true), ("audio", false)]);
}

#[tokio::test(start_paused = true)]
async fn an_unoffered_codec_is_answered_by_the_fault_only() {
    for (faults, expected) in [(&[][..], false), (&[Fault::AnswerAddsUnofferedCodec][..], true)] {
        let lab = Lab::registered(faults).await;
        let dialogue = lab.call().await;
        let formats = dialogue
            .ok
            .sdp()
            .unwrap()
            .unwrap()
            .audio()
            .unwrap()
            .formats
            .clone();
        assert_eq!(formats.contains(&"18".to_owned()), expected, "{formats:?}");
    }
}

async fn cancelled(faults: &[Fault]) -> (Vec<String>, CallState) {
    let lab = Lab::registered(faults).await;
    let invite = lab.invite("a", Some(&lab.sdp("sendrecv", 1)));
    lab.send(invite.bytes());
    lab.expect_status(180).await;
    lab.send(&voxproof_sip::cancel_for(&invite));
    lab.settle().await;
    let mut words = Vec::new();
    for (_, message) in lab.collect(ms(100)).await {
        words.push(format!("{} {}", word(&message), message.cseq_method().unwrap()));
        if message.cseq_method() == Some("INVITE") {
            lab.send(&voxproof_sip::ack_for(&invite, &message));
        }
    }
    let state = lab.phone.call_state().await;
    assert!(lab.collect(ms(400)).await.is_empty());
    (words, state)
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_ends_with_487() {
    assert_eq!(
        cancelled(&[]).await,
        (vec!["200 CANCEL".into(), "487 INVITE".into()], CallState::Idle)
    );
    assert_eq!(
        cancelled(&[Fault::No487OnCancel]).await,
        (vec!["200 CANCEL".into()], CallState::Idle)
    );
    let wrong = cancelled(&[Fault::CancelAnswered481]).await;
    assert_eq!(
        wrong,
        (vec!["481 CANCEL".into(), "487 INVITE".into()], CallState::Idle)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stray_cancel_is_481() {
    let lab = Lab::registered(&[]).await;
    lab.send(&lab.request("CANCEL", "nothing").build());
    lab.expect_status(481).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_caller_hears_busy_and_so_does_a_second_one() {
    for (faults, expected) in [(&[][..], 486), (&[Fault::RejectWith500][..], 500)] {
        let lab = Lab::registered(faults).await;
        let invite = lab.invite("a", Some(&lab.sdp("sendrecv", 1)));
        lab.send(invite.bytes());
        lab.expect_status(180).await;
        let second = lab.invite("b", Some(&lab.sdp("sendrecv", 1)));
        lab.send(second.bytes());
        let busy = lab.expect_status(486).await;
        lab.send(&voxproof_sip::ack_for(&second, &busy));
        lab.phone.reject().await.unwrap();
        lab.expect_status(expected).await;
        assert!(matches!(lab.phone.answer().await, Err(PhoneError::NotRinging)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_repeated_until_its_ack() {
    let heard = async |faults: &[Fault]| {
        let lab = Lab::registered(faults).await;
        lab.send(lab.invite("a", Some(&lab.sdp_with("18", "sendrecv", 1))).bytes());
        lab.words(ms(40_000)).await
    };
    assert_eq!(heard(&[]).await.len(), 11);
    assert_eq!(heard(&[Fault::FailureNotRetransmitted]).await, ["488"]);
}

/// What comes after an answer whose ACK is sent after `ack_after`, or never.
async fn after_answer(faults: &[Fault], ack_after: Option<u64>) -> Vec<(u128, String)> {
    let lab = Lab::registered(faults).await;
    let invite = lab.invite("a", Some(&lab.sdp("sendrecv", 1)));
    lab.send(invite.bytes());
    lab.expect_status(180).await;
    lab.phone.answer().await.unwrap();
    let ok = lab.expect_status(200).await;
    let start = lab.now();
    let mut heard = Vec::new();
    if let Some(wait) = ack_after {
        heard.extend(lab.collect(ms(wait)).await);
        lab.send(&Dialogue::received(&invite, ok).ack(None));
    }
    heard.extend(lab.collect(ms(33_000)).await);
    heard
        .iter()
        .map(|(at, message)| ((*at - start).as_millis(), word(message)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_200_is_repeated_until_the_ack_and_then_given_up_with_bye() {
    assert_eq!(after_answer(&[], Some(0)).await, []);
    let late = after_answer(&[], Some(1700)).await;
    assert_eq!(late, [(500, "200".to_owned()), (1500, "200".to_owned())]);

    let never = after_answer(&[], None).await;
    let times: Vec<_> = never.iter().map(|(at, _)| *at).collect();
    assert_eq!(
        times[..10],
        [
            500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert_eq!((never[10].0, never[10].1.as_str()), (32_000, "BYE"));

    assert_eq!(after_answer(&[Fault::OkNotRetransmitted], Some(1700)).await, []);
    let ignored = after_answer(&[Fault::AckIgnored], Some(0)).await;
    assert_eq!(ignored.len(), 10);
    assert!(ignored.iter().all(|(_, word)| word == "200"));
    let stays = after_answer(&[Fault::NoByeWithoutAck], None).await;
    assert!(
        stays.len() == 10 && stays.iter().all(|(_, word)| word == "200"),
        "{stays:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeated_invite_is_the_same_call() {
    for (faults, expected) in [
        (&[][..], "180"),
        (&[Fault::DuplicateInviteSecondAnswer][..], "486"),
    ] {
        let lab = Lab::registered(faults).await;
        let invite = lab.invite("a", Some(&lab.sdp("sendrecv", 1)));
        lab.send(invite.bytes());
        let first = lab.expect_status(180).await;
        lab.send(invite.bytes());
        let (_, second) = lab.next().await;
        assert_eq!(word(&second), expected);
        let same_tag = second.to().unwrap().tag() == first.to().unwrap().tag();
        assert_eq!(same_tag, faults.is_empty());
        assert_eq!(lab.phone.call_state().await, CallState::Ringing);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_call_by_another_way_is_merged() {
    let lab = Lab::registered(&[]).await;
    let invite = lab.invite("a", Some(&lab.sdp("sendrecv", 1)));
    lab.send(invite.bytes());
    lab.expect_status(180).await;
    let other = String::from_utf8(invite.bytes().to_vec())
        .unwrap()
        .replace("z9hG4bKa", "z9hG4bKother");
    lab.send(other.as_bytes());
    lab.expect_status(482).await;
}

#[tokio::test(start_paused = true)]
async fn the_user_hangs_up_a_received_call() {
    for (faults, tagged) in [(&[][..], true), (&[Fault::CalleeByeLacksToTag][..], false)] {
        let lab = Lab::registered(faults).await;
        let dialogue = lab.call().await;
        lab.phone.hangup().await.unwrap();
        let bye = lab.expect("BYE").await;
        assert_eq!(bye.to().unwrap().tag(), tagged.then_some("alice"));
        assert_eq!(bye.from().unwrap().tag(), dialogue.ok.to().unwrap().tag());
        assert_eq!(bye.request_uri(), Some("sip:alice@10.0.0.1:5060"));
        lab.reply(&bye, 200, |builder| builder);
        lab.heard();
        assert!(lab.collect(ms(40_000)).await.is_empty());
        assert!(lab.heard().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_hang_up_before_the_ack_waits_for_it() {
    let lab = Lab::registered(&[]).await;
    let invite = lab.invite("a", Some(&lab.sdp("sendrecv", 1)));
    lab.send(invite.bytes());
    lab.expect_status(180).await;
    lab.phone.answer().await.unwrap();
    let ok = lab.expect_status(200).await;
    lab.phone.hangup().await.unwrap();
    assert!(lab.collect(ms(400)).await.is_empty());
    lab.send(&Dialogue::received(&invite, ok).ack(None));
    lab.expect("BYE").await;
}

#[tokio::test(start_paused = true)]
async fn the_bye_faults() {
    let lab = Lab::registered(&[Fault::NoByeAnswer]).await;
    let mut dialogue = lab.call().await;
    lab.send(&dialogue.request("BYE").build());
    assert!(lab.collect(ms(5000)).await.is_empty());
    assert_eq!(lab.phone.call_state().await, CallState::Idle);

    let lab = Lab::registered(&[Fault::RtpAfterBye]).await;
    let mut dialogue = lab.call().await;
    dialogue.bye(&lab).await;
    lab.heard();
    lab.sleep(ms(10_000)).await;
    assert!((145..=151).contains(&lab.heard().len()));
    assert_eq!(lab.phone.call_state().await, CallState::Idle);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_call_ends_in_the_time_its_invite_says() {
    let lab = Lab::registered(&[]).await;
    let invite = lab.request("INVITE", "a").header("Expires", "20");
    let invite = Message::parse(&invite.body("application/sdp", lab.sdp("sendrecv", 1)).build());
    lab.send(invite.bytes());
    lab.expect_status(180).await;
    let before = lab.now();
    let (at, end) = lab.next().await;
    assert_eq!((end.status(), (at - before).as_secs()), (Some(487), 20));
}

#[tokio::test(start_paused = true)]
async fn the_ringing_faults() {
    let lab = Lab::registered(&[Fault::No180]).await;
    lab.send(lab.invite("a", Some(&lab.sdp("sendrecv", 1))).bytes());
    assert!(lab.collect(ms(300)).await.is_empty());
    lab.phone.answer().await.unwrap();
    lab.expect_status(200).await;

    let lab = Lab::registered(&[Fault::NeverAnswers]).await;
    lab.send(lab.invite("a", Some(&lab.sdp("sendrecv", 1))).bytes());
    assert!(lab.collect(ms(5000)).await.is_empty());

    let lab = Lab::registered(&[Fault::AnswersGarbage]).await;
    lab.send(lab.invite("a", Some(&lab.sdp("sendrecv", 1))).bytes());
    let (_, junk) = lab.next().await;
    assert!(!junk.is_request() && !junk.is_response());

    let lab = Lab::registered(&[Fault::DiesInCall]).await;
    lab.call().await;
    lab.sleep(ms(900)).await;
    assert_eq!(lab.phone.call_state().await, CallState::Established);
    lab.sleep(ms(200)).await;
    assert!(matches!(lab.phone.hangup().await, Err(PhoneError::Stopped)));
    lab.heard();
    assert!(lab.collect(ms(5000)).await.is_empty());
    assert!(lab.heard().is_empty());
}

#[tokio::test(start_paused = true)]
async fn stopping_in_a_call_hangs_up() {
    let lab = Lab::registered(&[]).await;
    lab.call().await;
    let phone = lab.phone.clone();
    let stopping = tokio::spawn(async move { phone.stop().await });
    let bye = lab.expect("BYE").await;
    lab.reply(&bye, 200, |builder| builder);
    let removal = lab.expect("REGISTER").await;
    lab.reply(&removal, 200, |builder| builder);
    stopping.await.unwrap().unwrap();
}
