//! G.722: its RTP clock is not its sample rate, and its levels are on a plane of its own.

use std::sync::Arc;
use std::time::Duration;

use crate::lab::{Lab, device_rtp, ms, rtp};
use voxproof_codec::{CodecSpec, EncoderOptions};
use voxproof_judge::judge;
use voxproof_record::Carrier;
use voxproof_spec::{Tier, Verdict};

const LIMIT: &str = r#"
[[limit]]
id = "level"
quantity = "active_speech_level"
unit = "dBm0"
title = "t"
clause = "c"
source = "proposal"
tier = [{ tier = "works-with", lower = -3.5, upper = -2.5 }]
"#;

fn call() -> Lab {
    let mut lab = Lab::new();
    lab.media(&[(9, "G722"), (0, "PCMU")]);
    let mut encoder = CodecSpec::G722
        .encoder(&EncoderOptions::default())
        .expect("an encoder");
    let length = CodecSpec::G722.samples_per_packet(Duration::from_millis(20));
    for number in 0..200_u16 {
        // a sine of 1 kHz, 12.04 dB below full scale: -15.05 dBov
        let samples: Vec<i16> = (0..length)
            .map(|sample| {
                let at = (usize::from(number) * length + sample) as f64 / 16_000.0;
                (8192.0 * (at * 1000.0 * std::f64::consts::TAU).sin()) as i16
            })
            .collect();
        let mut payload = vec![];
        encoder.encode(&samples, &mut payload).expect("a frame");
        let bytes = voxproof_rtp::build(9, false, number, 160 * u32::from(number), 7, &payload);
        lab.packet(
            ms(20 * u64::from(number)),
            Carrier::Udp,
            rtp(),
            device_rtp(),
            true,
            &bytes,
        );
    }
    lab
}

#[test]
fn figures_are_on_the_rtp_clock() {
    let mut lab = call();
    lab.ask(
        r#"rtp = { stream = "device -> peer_a", expect = 'rtp.codec == "G722/8000" && rtp.timestamp_step == 160 && rtp.jitter_ms == 0.0 && rtp.lost == 0' }"#,
    );
    let results = lab.results();
    assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
    let plot = &lab.judged().exhibits.levels[0];
    assert!((plot.duration_s - 4.0).abs() < 0.001, "{}", plot.duration_s);
}

#[test]
fn the_level_is_on_the_plane_of_g_722() {
    let mut lab = call();
    lab.checks +=
        "[[measure]]\nquantity = \"active_speech_level\"\nstream = \"device -> peer_a\"\nlimit = \"level\"\n";
    let mut evidence = lab.evidence();
    evidence.limit_sources = vec![("audio.toml".to_owned(), Arc::from(LIMIT))];
    let judged = judge(&evidence, Tier::Certified, None).unwrap_or_else(|error| panic!("{error}"));
    let measured = &judged.judgement.measurements[0];
    // +9 dBm0 at overload (G.722 2): 12.01 dB above dBov
    assert_eq!(measured.verdict, Verdict::Pass, "{measured:?}");
}
