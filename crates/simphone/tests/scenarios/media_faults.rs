//! Faults in what the phone sends and plays.

use std::time::Duration;

use crate::lab::{Lab, coded, decoded, media_of, ms, speech};
use voxproof_rtp::Packet;
use voxproof_rtp::g711::Law;
use voxproof_rtp::statistics::{StreamStatistics, analyse};
use voxproof_simphone::Fault;

/// Three seconds of the phone's stream in a call with this payload type.
async fn stream(faults: &[Fault], format: &str) -> Vec<(Duration, Vec<u8>)> {
    let lab = Lab::registered(faults).await;
    lab.call_with(&lab.sdp_with(format, "sendrecv", 1)).await;
    lab.sleep(ms(3000)).await;
    lab.heard()
}

fn statistics(packets: &[(Duration, Vec<u8>)]) -> StreamStatistics {
    let slices: Vec<_> = packets
        .iter()
        .map(|(at, bytes)| (*at, bytes.as_slice()))
        .collect();
    analyse(&slices, 8000, &[])
}

fn sounds_right(law: Law, packets: &[(Duration, Vec<u8>)]) -> bool {
    let source = coded(law, &speech(1));
    let heard = decoded(law, packets);
    !heard.is_empty()
        && heard
            .iter()
            .enumerate()
            .all(|(n, sample)| *sample == source[n % source.len()])
}

#[tokio::test(start_paused = true)]
async fn a_healthy_stream() {
    for (format, law, payload_type) in [("0", Law::Mu, 0), ("8", Law::A, 8)] {
        let packets = stream(&[], format).await;
        let statistics = statistics(&packets);
        assert_eq!(
            (statistics.lost, statistics.markers, statistics.ssrcs.len()),
            (0, 1, 1)
        );
        assert_eq!(
            (statistics.payload_types, statistics.timestamp_step),
            (vec![payload_type], Some(160))
        );
        assert!(sounds_right(law, &packets));
    }
}

#[tokio::test(start_paused = true)]
async fn header_faults() {
    let sources = statistics(&stream(&[Fault::SsrcChanges], "0").await);
    assert_eq!(sources.ssrcs.len(), 4, "a new one each second");
    let step = statistics(&stream(&[Fault::TimestampStepWrong], "0").await);
    assert_eq!(step.timestamp_step, Some(320));
    let number = stream(&[Fault::WrongPayloadType], "0").await;
    assert_eq!(statistics(&number).payload_types, [99]);
    assert!(stream(&[Fault::NoAudio], "0").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn coding_faults() {
    for (format, law, other) in [("0", Law::Mu, Law::A), ("8", Law::A, Law::Mu)] {
        let packets = stream(&[Fault::WrongLaw], format).await;
        assert!(!sounds_right(law, &packets) && sounds_right(other, &packets));
    }
    assert!(sounds_right(
        Law::Mu,
        &stream(&[Fault::PcmaEncodedAsPcmu], "0").await
    ));
    let packets = stream(&[Fault::PcmaEncodedAsPcmu], "8").await;
    assert!(sounds_right(Law::Mu, &packets) && Packet::parse(&packets[0].1).unwrap().payload_type == 8);

    let power =
        |samples: &[i16]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
    let loud = power(&decoded(Law::Mu, &stream(&[], "0").await));
    let quiet = power(&decoded(Law::Mu, &stream(&[Fault::LevelMinus20Db], "0").await));
    let change = 10.0 * (quiet / loud).log10();
    assert!((change + 20.0).abs() < 0.2, "{change}");
}

/// What share of what is said to the phone its user hears.
async fn heard_share(faults: &[Fault]) -> f64 {
    let lab = Lab::registered(faults).await;
    let mut dialogue = lab.call().await;
    lab.talk(media_of(&dialogue.ok), speech(2));
    lab.sleep(ms(3100)).await;
    dialogue.bye(&lab).await;
    let recording = lab.phone.recording().await;
    assert!(recording.len() >= 24_000);
    recording.iter().filter(|sample| **sample != 0).count() as f64 / recording.len() as f64
}

#[tokio::test(start_paused = true)]
async fn loudspeaker_faults() {
    assert!(heard_share(&[]).await > 0.95);
    let chopped = heard_share(&[Fault::ReceiveDropsEveryThirdPacket]).await;
    assert!((0.6..0.72).contains(&chopped), "{chopped}");
    assert!(heard_share(&[Fault::ReceiveSilent]).await < f64::EPSILON);
}
