//! Silence that is described instead of sent (RFC 3389).

use std::sync::Arc;

use crate::lab::{Lab, ms, speech};
use voxproof_rtp::Packet;
use voxproof_simphone::Fault;

/// What a phone sends in two seconds whose second and fourth half are silent: payload type, marker, timestamp.
async fn stream(faults: &[Fault], able: bool, formats: &str) -> Vec<(u8, bool, u32)> {
    let lab = Lab::switched_on(faults, |config| {
        config.comfort_noise = able;
        let mut samples = speech(1)[..4000].to_vec();
        samples.resize(8000, 0);
        config.speech = Arc::from(samples);
    })
    .await;
    lab.accept_registration().await;
    lab.call_with(&lab.sdp_with(formats, "sendrecv", 1)).await;
    lab.sleep(ms(2000)).await;
    let heard = lab.heard();
    heard
        .iter()
        .map(|(_, bytes)| Packet::parse(bytes).unwrap())
        .map(|packet| (packet.payload_type, packet.marker, packet.timestamp))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn pauses_are_described_where_both_agree() {
    let packets = stream(&[], true, "0 13 96").await;
    let noise = packets.iter().filter(|packet| packet.0 == 13).count();
    // 400 ms of each pause after the hangover, with a description each 200 ms
    assert!((4..=6).contains(&noise), "{packets:?}");
    assert!((58..=62).contains(&(packets.len() - noise)), "{}", packets.len());
    for pair in packets.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        // RFC 3551 4.1: the first packet of speech after a pause is marked, and the clock has gone on
        assert_eq!(after.1, before.0 == 13 && after.0 == 0, "{before:?} {after:?}");
        let step = after.2.wrapping_sub(before.2);
        assert!(step == 160 || before.0 == 13, "{before:?} {after:?}");
    }
    let span = packets.last().unwrap().2.wrapping_sub(packets[0].2);
    assert!(span > 12_000, "{span}");
}

#[tokio::test(start_paused = true)]
async fn nobody_else_gets_descriptions() {
    for (faults, able, formats, noise, speech) in [
        (&[][..], true, "0 96", 0, 95..105),
        (&[][..], false, "0 13 96", 0, 95..105),
        (&[Fault::ComfortNoiseMissing][..], true, "0 13 96", 0, 55..65),
        (&[Fault::ComfortNoiseUnasked][..], true, "0 96", 4, 55..65),
    ] {
        let packets = stream(faults, able, formats).await;
        let described = packets.iter().filter(|packet| packet.0 == 13).count();
        assert!(described >= noise && (described > 0) == (noise > 0), "{faults:?}");
        assert!(
            speech.contains(&(packets.len() - described)),
            "{faults:?} {}",
            packets.len()
        );
    }
}
