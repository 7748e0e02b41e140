//! Opus from our encoder through our decoder: what comes out is what went in, at the rate that was asked for.

use std::time::Duration;

use voxproof_codec::{
    CodecSpec, Concealment, DecoderOptions, EncoderOptions, NoiseGenerator, OpusBandwidth, OpusOptions,
    OpusPacket, SilenceDescriptor,
};

const RATE: usize = 48_000;

/// Something like a vowel: harmonics of a gliding 120 Hz with a formant near 700 and 1200 Hz, in syllables of 250 ms.
fn speech(seconds: usize) -> Vec<i16> {
    let mut phase = 0.0f64;
    (0..seconds * RATE)
        .map(|n| {
            let t = n as f64 / RATE as f64;
            phase += std::f64::consts::TAU * (120.0 + 20.0 * (t * 3.0).sin()) / RATE as f64;
            let envelope = (t * std::f64::consts::PI * 4.0).sin().abs();
            let voice: f64 = (1..=25)
                .map(|harmonic| {
                    let frequency = 120.0 * f64::from(harmonic);
                    let formant = |centre: f64| 1.0 / (1.0 + ((frequency - centre) / 150.0).powi(2));
                    (formant(700.0) + 0.5 * formant(1200.0) + 0.02) * (phase * f64::from(harmonic)).sin()
                })
                .sum();
            (4000.0 * envelope * voice) as i16
        })
        .collect()
}

fn encode(spec: CodecSpec, ptime: u64, opus: OpusOptions, samples: &[i16]) -> Vec<Vec<u8>> {
    let options = EncoderOptions {
        opus,
        ..EncoderOptions::default()
    };
    let mut encoder = spec.encoder(&options).expect("options in range");
    samples
        .chunks_exact(spec.samples_per_packet(Duration::from_millis(ptime)))
        .map(|frame| {
            let mut payload = Vec::new();
            encoder
                .encode(frame, &mut payload)
                .expect("a packet time of Opus");
            payload
        })
        .collect()
}

/// Decodes with the packets for which `lost` holds missing: rebuilt from the next one, or concealed.
fn decode(
    spec: CodecSpec,
    packets: &[Vec<u8>],
    samples: usize,
    lost: impl Fn(usize) -> bool,
    fec: bool,
) -> Vec<i16> {
    let options = DecoderOptions {
        concealment: Concealment::Repeat,
        ..DecoderOptions::default()
    };
    let mut decoder = spec.decoder(&options).expect("default options");
    let mut out = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        if !lost(n) {
            decoder.decode(packet, &mut out).expect("our own packet");
        } else if let (true, Some(next)) = (fec, packets.get(n + 1)) {
            decoder.recover(next, samples, &mut out);
        } else {
            decoder.conceal(samples, &mut out);
        }
    }
    out
}

/// Signal to noise ratio in dB at the best delay of up to 20 ms (the encoder looks ahead by 6.5 ms).
fn snr(sent: &[i16], received: &[i16]) -> f64 {
    let length = sent.len().min(received.len()) - 960;
    let at = |delay: usize, step: usize| {
        let (mut signal, mut noise) = (0.0, 0.0);
        for n in (0..length).step_by(step) {
            let wanted = f64::from(sent[n]);
            signal += wanted * wanted;
            noise += (wanted - f64::from(received[n + delay])).powi(2);
        }
        10.0 * (signal / noise).log10()
    };
    let best = (0..960)
        .max_by(|&a, &b| at(a, 37).total_cmp(&at(b, 37)))
        .expect("not empty");
    at(best, 1)
}

fn bit_rate(packets: &[Vec<u8>], ptime: u64) -> f64 {
    let octets: usize = packets.iter().map(Vec::len).sum();
    octets as f64 * 8000.0 / (packets.len() as f64 * ptime as f64)
}

#[test]
fn speech_comes_through_at_the_rate_that_was_asked_for() {
    let sent = speech(2);
    for (rate, least) in [(16_000, 9.0), (24_000, 10.0), (32_000, 11.0), (64_000, 13.0)] {
        let opus = OpusOptions {
            bit_rate: rate,
            ..OpusOptions::default()
        };
        let packets = encode(CodecSpec::OPUS, 20, opus, &sent);
        let received = decode(CodecSpec::OPUS, &packets, 960, |_| false, false);
        assert_eq!(received.len(), sent.len());
        let (found, actual) = (snr(&sent, &received), bit_rate(&packets, 20));
        println!("{rate} bit/s: {actual:.0} bit/s, {found:.1} dB");
        assert!(found > least, "{rate} bit/s: {found} dB");
        assert!(actual < 1.1 * f64::from(rate), "{rate} bit/s: {actual} bit/s");
    }
}

#[test]
fn a_constant_bit_rate_is_constant() {
    let opus = OpusOptions {
        bit_rate: 32_000,
        constant_bit_rate: true,
        ..OpusOptions::default()
    };
    let packets = encode(CodecSpec::OPUS, 20, opus, &speech(1));
    assert!(
        packets.iter().all(|packet| packet.len() == 80),
        "32 kbit/s for 20 ms is 80 octets"
    );
}

#[test]
fn the_table_of_contents_says_what_was_asked_for() {
    // the encoder would choose a lower bandwidth for a signal that has nothing higher up
    let mut hiss = Vec::new();
    let mut generator = NoiseGenerator::new(1);
    generator.describe(&SilenceDescriptor::white(35));
    generator.generate(RATE, &mut hiss);
    let sent: Vec<i16> = speech(1)
        .iter()
        .zip(hiss)
        .map(|(&voice, hiss)| voice.saturating_add(hiss))
        .collect();
    for bandwidth in [
        OpusBandwidth::Narrowband,
        OpusBandwidth::Wideband,
        OpusBandwidth::Fullband,
    ] {
        let opus = OpusOptions {
            bit_rate: 24_000,
            bandwidth,
            ..OpusOptions::default()
        };
        let packets = encode(CodecSpec::OPUS, 20, opus, &sent);
        let mut as_asked = 0;
        for packet in &packets {
            let framing = OpusPacket::parse(packet).expect("our own packet");
            assert!(framing.bandwidth <= bandwidth);
            assert!(!framing.stereo);
            assert_eq!(framing.duration(), Duration::from_millis(20));
            as_asked += usize::from(framing.bandwidth == bandwidth);
        }
        // it takes the encoder a few frames to see how wide the signal is
        assert!(as_asked > packets.len() * 3 / 4, "{bandwidth:?}: {as_asked}");
    }
}

#[test]
fn every_packet_time_up_to_60_ms_is_one_packet() {
    let sent = speech(1);
    for ptime in [10, 20, 30, 40, 50, 60] {
        for opus in [
            OpusOptions::default(),
            OpusOptions {
                bit_rate: 64_000,
                in_band_fec: true,
                expected_loss: 20,
                ..OpusOptions::default()
            },
        ] {
            let packets = encode(CodecSpec::OPUS, ptime, opus, &sent);
            for packet in &packets {
                let framing = OpusPacket::parse(packet).expect("our own packet");
                assert_eq!(framing.duration(), Duration::from_millis(ptime));
            }
            let received = decode(CodecSpec::OPUS, &packets, 48 * ptime as usize, |_| false, false);
            let found = snr(&sent[..received.len()], &received);
            assert!(found > 9.0, "{ptime} ms: {found} dB");
        }
    }
}

#[test]
fn forward_error_correction_rebuilds_what_concealment_can_only_guess() {
    let sent = speech(2);
    let opus = OpusOptions {
        bit_rate: 32_000,
        bandwidth: OpusBandwidth::Wideband,
        in_band_fec: true,
        expected_loss: 20,
        ..OpusOptions::default()
    };
    let packets = encode(CodecSpec::OPUS, 20, opus, &sent);
    let whole = decode(CodecSpec::OPUS, &packets, 960, |_| false, false);
    let lost = |n: usize| n % 5 == 4;
    let concealed = snr(&whole, &decode(CodecSpec::OPUS, &packets, 960, lost, false));
    let rebuilt = snr(&whole, &decode(CodecSpec::OPUS, &packets, 960, lost, true));
    println!("one packet in five lost: concealed {concealed:.1} dB, rebuilt {rebuilt:.1} dB");
    assert!(rebuilt > concealed + 3.0, "{concealed} dB, {rebuilt} dB");
}

#[test]
fn stereo_keeps_its_sides_apart_and_mono_listens_to_both() {
    let left = speech(1);
    let sent: Vec<i16> = left.iter().flat_map(|&sample| [sample, 0]).collect();
    let opus = OpusOptions {
        bit_rate: 96_000,
        ..OpusOptions::default()
    };
    let packets = encode(CodecSpec::OPUS_STEREO, 20, opus, &sent);
    assert!(
        packets
            .iter()
            .any(|packet| OpusPacket::parse(packet).is_ok_and(|framing| framing.stereo))
    );
    let received = decode(CodecSpec::OPUS_STEREO, &packets, 1920, |_| false, false);
    assert_eq!(received.len(), sent.len());
    let power = |side: usize| {
        received
            .iter()
            .skip(side)
            .step_by(2)
            .map(|&s| f64::from(s).powi(2))
            .sum::<f64>()
    };
    assert!(power(0) > 100.0 * power(1), "{} {}", power(0), power(1));
    let mono = decode(CodecSpec::OPUS, &packets, 960, |_| false, false);
    assert_eq!(mono.len(), left.len());
    assert!(mono.iter().any(|sample| sample.abs() > 1000));
}

#[test]
fn silence_need_not_be_sent() {
    let opus = OpusOptions {
        bit_rate: 16_000,
        discontinuous: true,
        ..OpusOptions::default()
    };
    let packets = encode(CodecSpec::OPUS, 20, opus, &vec![0; 2 * RATE]);
    let unsent = packets.iter().filter(|packet| packet.len() <= 2).count();
    assert!(unsent > packets.len() / 2, "{unsent} of {}", packets.len());
    let received = decode(CodecSpec::OPUS, &packets, 960, |_| false, false);
    assert_eq!(received.len(), 2 * RATE);
}

#[test]
fn a_loss_is_silence_unless_asked_otherwise() {
    let packets = encode(CodecSpec::OPUS, 20, OpusOptions::default(), &speech(1)[..9600]);
    let mut decoder = CodecSpec::OPUS
        .decoder(&DecoderOptions::default())
        .expect("default options");
    let mut out = Vec::new();
    for packet in &packets {
        decoder.decode(packet, &mut out).expect("our own packet");
    }
    out.clear();
    decoder.conceal(960, &mut out);
    assert_eq!(out, [0; 960]);
}
