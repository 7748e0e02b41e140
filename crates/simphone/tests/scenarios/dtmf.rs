//! Keys as telephone-events.

use std::time::Duration;

use crate::lab::{Lab, ms};
use voxproof_rtp::Packet;
use voxproof_rtp::dtmf::{ReceivedEvent, collect};
use voxproof_rtp::statistics;
use voxproof_simphone::{AudioCodec, Fault, PhoneError};

async fn pressed(faults: &[Fault], digits: &str) -> (Vec<ReceivedEvent>, Vec<(Duration, Vec<u8>)>) {
    let lab = Lab::registered(faults).await;
    lab.call().await;
    lab.sleep(ms(300)).await;
    lab.heard();
    lab.phone.dtmf(digits).await.unwrap();
    lab.sleep(ms(digits.len() as u64 * 400 + 500)).await;
    let packets = lab.heard();
    let slices: Vec<_> = packets
        .iter()
        .map(|(at, bytes)| (*at, bytes.as_slice()))
        .collect();
    (collect(&slices, &[96, 101], 8000), packets)
}

fn digits(events: &[ReceivedEvent]) -> String {
    events.iter().map(|event| event.digit).collect()
}

#[tokio::test(start_paused = true)]
async fn all_keys_go_out_as_the_peer_negotiated_them() {
    let (events, packets) = pressed(&[], "0123456789*#AD").await;
    assert_eq!(digits(&events), "0123456789*#AD");
    for event in &events {
        assert_eq!(
            (event.payload_type, event.end_packets, event.marker_on_first),
            (96, 3, true),
            "{event:?}"
        );
        assert!(event.constant_timestamp && event.durations_monotonic);
        assert!((event.duration_ms - 100.0).abs() < 1.0, "{event:?}");
    }
    for pair in events.windows(2) {
        let gap = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((1200..=1600).contains(&gap), "{gap}");
    }
    // speech goes on in between, on the same clock
    let slices: Vec<_> = packets
        .iter()
        .map(|(at, bytes)| (*at, bytes.as_slice()))
        .collect();
    let statistics = statistics::analyse(&slices, 8000, &[96]);
    assert_eq!(
        (
            statistics.lost,
            statistics.timestamp_violations,
            statistics.ssrcs.len()
        ),
        (0, 0, 1)
    );
    assert_eq!(statistics.payload_types, [0, 96]);
}

#[tokio::test(start_paused = true)]
async fn the_dtmf_faults() {
    let (events, _) = pressed(&[Fault::DtmfNoEndPackets], "12").await;
    assert_eq!(digits(&events), "12");
    assert!(events.iter().all(|event| event.end_packets == 0));

    let (events, packets) = pressed(&[Fault::DtmfFixedPayloadType], "12").await;
    assert_eq!(digits(&events), "12");
    assert!(events.iter().all(|event| event.payload_type == 101));
    assert!(
        packets
            .iter()
            .all(|(_, bytes)| Packet::parse(bytes).unwrap().payload_type != 96)
    );

    let (events, _) = pressed(&[Fault::DtmfDuplicatedDigit], "12").await;
    assert_eq!(digits(&events), "1122");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_pressed_is_said() {
    let lab = Lab::registered(&[]).await;
    assert!(matches!(
        lab.phone.dtmf("1").await,
        Err(PhoneError::NotEstablished)
    ));
    let sdp = lab
        .sdp_with("0", "sendrecv", 1)
        .replace("a=rtpmap:96 telephone-event/8000\r\n", "");
    let mut dialogue = lab.call_with(&sdp).await;
    assert!(matches!(
        lab.phone.dtmf("1x").await,
        Err(PhoneError::InvalidDigit('x'))
    ));
    assert!(matches!(
        lab.phone.dtmf("1").await,
        Err(PhoneError::NoTelephoneEvent)
    ));
    dialogue.reinvite(&lab, &lab.sdp("sendonly", 2)).await;
    assert!(matches!(lab.phone.dtmf("1").await, Err(PhoneError::NotSending)));
    assert!(
        lab.heard()
            .iter()
            .all(|(_, bytes)| Packet::parse(bytes).unwrap().payload_type == 0)
    );
}

#[tokio::test(start_paused = true)]
async fn keys_share_the_clock_of_their_stream() {
    for (faults, clock) in [(&[][..], 48_000), (&[Fault::DtmfClock8000][..], 8000)] {
        let lab = Lab::switched_on(faults, |config| {
            config.codecs = vec![AudioCodec::Opus, AudioCodec::Pcmu];
        })
        .await;
        lab.accept_registration().await;
        let sdp = lab.sdp_with("111 110 96", "sendrecv", 1).replace(
            "a=sendrecv",
            "a=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\na=sendrecv",
        );
        let dialogue = lab.call_with(&sdp).await;
        let answer = dialogue.ok.sdp().unwrap().unwrap();
        assert_eq!(answer.audio().unwrap().formats, ["111", "110"]);
        lab.sleep(ms(300)).await;
        lab.heard();
        lab.phone.dtmf("15").await.unwrap();
        lab.sleep(ms(1000)).await;
        let packets = lab.heard();
        let slices: Vec<_> = packets
            .iter()
            .map(|(at, bytes)| (*at, bytes.as_slice()))
            .collect();
        let events = collect(&slices, &[96, 110], clock);
        assert_eq!(digits(&events), "15");
        for event in &events {
            assert_eq!((event.payload_type, event.end_packets), (110, 3));
            assert!((event.duration_ms - 100.0).abs() < 1.0, "{event:?}");
        }
    }
    let lab = Lab::switched_on(&[], |config| config.codecs = vec![AudioCodec::Opus]).await;
    lab.accept_registration().await;
    lab.phone.dial("100").await.unwrap();
    let offer = lab.expect("INVITE").await.sdp().unwrap().unwrap();
    let audio = offer.audio().unwrap();
    assert_eq!(audio.payload_type_of("telephone-event", 48_000), Some(102));
    assert_eq!(audio.payload_type_of("telephone-event", 8000), None);
}
