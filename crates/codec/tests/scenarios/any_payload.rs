//! No payload makes a decoder panic, and lengths are what the arithmetic says.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use voxproof_codec::{CodecSpec, Concealment, DecoderOptions, EncoderOptions};

const SPECS: [CodecSpec; 6] = [
    CodecSpec::PCMU,
    CodecSpec::PCMA,
    CodecSpec::G722,
    CodecSpec::OPUS,
    CodecSpec::OPUS_STEREO,
    CodecSpec::COMFORT_NOISE,
];

fn options(concealment: Concealment) -> DecoderOptions {
    DecoderOptions {
        concealment,
        ..DecoderOptions::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_decoder_panics(payloads in vec(vec(any::<u8>(), 0..2000), 1..4), lost in 0usize..6000) {
        for spec in SPECS {
            for concealment in [Concealment::Silence, Concealment::Repeat] {
                let mut decoder = spec.decoder(&options(concealment)).expect("no such option fails");
                for payload in &payloads {
                    let mut out = vec![7];
                    if decoder.decode(payload, &mut out).is_err() {
                        prop_assert_eq!(&out, &[7]);
                    }
                    prop_assert!(out.len() <= 1 + 2 * 5760);
                    out.clear();
                    decoder.recover(payload, lost, &mut out);
                    prop_assert_eq!(out.len(), lost);
                    decoder.conceal(lost, &mut out);
                    prop_assert_eq!(out.len(), 2 * lost);
                }
            }
        }
    }

    #[test]
    fn any_text_is_an_rtpmap_or_is_not(text in "\\PC*", encoding in "(PCMU|G722|opus|L16|CN|G729|\\PC{0,6})", rate in any::<u32>()) {
        let _ = CodecSpec::parse_rtpmap(&text);
        let _ = CodecSpec::from_rtpmap(&text, rate, None);
        if let Ok(spec) = CodecSpec::parse_rtpmap(&format!("{encoding}/{}/{}", rate % 50_000, rate % 10)) {
            prop_assert_eq!(CodecSpec::parse_rtpmap(&spec.to_string()), Ok(spec));
        }
    }

    #[test]
    fn no_encoder_panics(samples in vec(any::<i16>(), 0..3000)) {
        for spec in SPECS {
            let mut encoder = spec.encoder(&EncoderOptions::default()).expect("default options");
            let mut out = Vec::new();
            if encoder.encode(&samples, &mut out).is_err() {
                prop_assert!(out.is_empty());
            }
        }
    }
}

proptest! {
    // coding is the slow part, and there are few different packet times
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_packet_decodes_to_as_many_samples_as_went_in(tens in 1u64..=6, seed in any::<i16>()) {
        let ptime = Duration::from_millis(10 * tens);
        for spec in &SPECS[..5] {
            let count = spec.samples_per_packet(ptime);
            let samples: Vec<i16> = (0..count).map(|n| ((n as i32 * i32::from(seed)) % 8000) as i16).collect();
            let mut encoder = spec.encoder(&EncoderOptions::default()).expect("default options");
            let mut decoder = spec.decoder(&DecoderOptions::default()).expect("default options");
            let mut decoded = Vec::new();
            for packet in 1..=3 {
                let mut payload = Vec::new();
                encoder.encode(&samples, &mut payload).expect("a packet time of the codec");
                decoder.decode(&payload, &mut decoded).expect("our own packet");
                prop_assert_eq!(decoded.len(), packet * count);
            }
            prop_assert_eq!(spec.timestamp_step_of_samples(count), spec.timestamp_step(ptime));
        }
    }
}
