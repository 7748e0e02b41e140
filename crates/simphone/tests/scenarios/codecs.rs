//! Codecs beyond G.711 and packet durations.

use crate::lab::{Lab, ms};
use voxproof_codec::{CodecSpec, DecoderOptions};
use voxproof_rtp::Packet;
use voxproof_simphone::{AudioCodec, Fault};

async fn lab_with(faults: &[Fault], codecs: &[AudioCodec], ptime: u32) -> Lab {
    let lab = Lab::switched_on(faults, |config| {
        config.codecs = codecs.to_vec();
        config.ptime = ptime;
    })
    .await;
    lab.accept_registration().await;
    lab
}

/// Payload type, timestamp step and payload length of the stream, and how many packets came in a second.
async fn stream(lab: &Lab, sdp: &str) -> (u8, u32, Vec<Vec<u8>>) {
    lab.call_with(sdp).await;
    lab.sleep(ms(1000)).await;
    let heard = lab.heard();
    let packets: Vec<_> = heard
        .iter()
        .map(|(_, bytes)| Packet::parse(bytes).unwrap())
        .collect();
    let step = packets[1].timestamp.wrapping_sub(packets[0].timestamp);
    let payloads = packets.iter().map(|packet| packet.payload.to_vec()).collect();
    (packets[0].payload_type, step, payloads)
}

#[tokio::test(start_paused = true)]
async fn g722_has_an_rtp_clock_of_8_khz() {
    for (faults, expected) in [(&[][..], 160), (&[Fault::G722Clock16000][..], 320)] {
        let lab = lab_with(faults, &[AudioCodec::G722, AudioCodec::Pcmu], 20).await;
        let sdp = lab.sdp_with("9 0", "sendrecv", 1);
        let (payload_type, step, payloads) = stream(&lab, &sdp).await;
        assert_eq!((payload_type, step, payloads[0].len()), (9, expected, 160));
        assert!((49..=51).contains(&payloads.len()));
        let mut decoder = CodecSpec::from_rtpmap("G722", 8000, None)
            .unwrap()
            .decoder(&DecoderOptions::default())
            .unwrap();
        let mut samples = Vec::new();
        for payload in &payloads {
            decoder.decode(payload, &mut samples).unwrap();
        }
        assert!(
            samples
                .iter()
                .filter(|sample| sample.unsigned_abs() > 100)
                .count()
                > 8000
        );
    }
}

#[tokio::test(start_paused = true)]
async fn opus_under_the_number_of_the_offer() {
    let lab = lab_with(&[], &[AudioCodec::Opus], 20).await;
    let sdp = lab
        .sdp_with("111", "sendrecv", 1)
        .replace("a=rtpmap:96 telephone-event/8000", "a=rtpmap:111 opus/48000/2");
    let (payload_type, step, payloads) = stream(&lab, &sdp).await;
    assert_eq!((payload_type, step), (111, 960));
    let mut decoder = CodecSpec::from_rtpmap("opus", 48_000, Some(2))
        .unwrap()
        .with_channels(1)
        .decoder(&DecoderOptions::default())
        .unwrap();
    let mut samples = Vec::new();
    for payload in &payloads {
        decoder.decode(payload, &mut samples).unwrap();
    }
    assert_eq!(samples.len(), payloads.len() * 960);
    assert!(samples.iter().any(|sample| sample.unsigned_abs() > 100));
}

#[tokio::test(start_paused = true)]
async fn the_phone_offers_what_it_has() {
    let lab = lab_with(&[], &[AudioCodec::Opus, AudioCodec::G722, AudioCodec::Pcma], 30).await;
    lab.phone.dial("100").await.unwrap();
    let sdp = lab.expect("INVITE").await.sdp().unwrap().unwrap();
    let audio = sdp.audio().unwrap();
    assert_eq!(audio.formats, ["96", "9", "8", "101", "102"]);
    assert_eq!(audio.ptime, Some(30));
    let opus = audio.codec(96).unwrap();
    assert_eq!(
        (opus.encoding.as_str(), opus.clock_rate, opus.channels),
        ("opus", 48_000, Some(2))
    );
}

#[tokio::test(start_paused = true)]
async fn the_packet_duration_is_the_one_asked_for() {
    for (faults, own, asked, length) in [
        (&[][..], 20, 40, 320),
        (&[][..], 20, 60, 480),
        (&[][..], 10, 30, 240),
        (&[][..], 10, 10, 80),
        (&[][..], 20, 30, 240),
        (&[Fault::PtimeIgnored][..], 20, 40, 160),
    ] {
        let lab = lab_with(faults, &[AudioCodec::Pcmu], own).await;
        let sdp = lab
            .sdp("sendrecv", 1)
            .replace("a=sendrecv", &format!("a=ptime:{asked}\r\na=sendrecv"));
        let (_, step, payloads) = stream(&lab, &sdp).await;
        assert_eq!(
            (payloads[0].len(), step),
            (length, length as u32),
            "{own} {asked}"
        );
        let expected = 8000 / length;
        assert!(
            (expected - 2..=expected + 2).contains(&payloads.len()),
            "{}",
            payloads.len()
        );
    }
}
