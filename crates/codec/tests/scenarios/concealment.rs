//! Lost packets of the codecs without concealment of their own.

use std::time::Duration;

use voxproof_codec::{CodecSpec, Concealment, DecoderOptions, EncoderOptions};

/// A steady vowel of 125 Hz, so that a period is a whole number of samples at 8 and 16 kHz.
fn vowel(rate: u32, seconds: f64) -> Vec<i16> {
    (0..(f64::from(rate) * seconds) as usize)
        .map(|n| {
            let t = n as f64 / f64::from(rate) * std::f64::consts::TAU * 125.0;
            (5000.0 * (t.sin() + 0.6 * (2.0 * t).sin() + 0.4 * (5.0 * t).cos())) as i16
        })
        .collect()
}

/// Codes 400 ms, loses the packets for which `lost` holds, and decodes.
fn through(spec: CodecSpec, concealment: Concealment, lost: impl Fn(usize) -> bool) -> Vec<i16> {
    let count = spec.samples_per_packet(Duration::from_millis(20));
    let mut encoder = spec.encoder(&EncoderOptions::default()).expect("default options");
    let options = DecoderOptions {
        concealment,
        ..DecoderOptions::default()
    };
    let mut decoder = spec.decoder(&options).expect("default options");
    let mut out = Vec::new();
    for (n, frame) in vowel(spec.sample_rate(), 0.4).chunks_exact(count).enumerate() {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).expect("whole packet");
        if lost(n) {
            decoder.conceal(count, &mut out);
        } else {
            decoder.decode(&payload, &mut out).expect("our own payload");
        }
    }
    assert_eq!(out.len(), count * 20);
    out
}

fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / samples.len() as f64
}

#[test]
fn a_repeated_loss_sounds_on_and_a_silent_one_is_silent() {
    for spec in [CodecSpec::PCMU, CodecSpec::PCMA, CodecSpec::G722] {
        let count = spec.samples_per_packet(Duration::from_millis(20));
        let gap = 10 * count..11 * count;
        let whole = through(spec, Concealment::Repeat, |_| false);
        assert_eq!(
            whole,
            through(spec, Concealment::Silence, |_| false),
            "{spec}: no loss, no difference"
        );

        let silent = through(spec, Concealment::Silence, |n| n == 10);
        assert!(silent[gap.clone()].iter().all(|&s| s == 0), "{spec}");

        let repeated = through(spec, Concealment::Repeat, |n| n == 10);
        let wanted = &whole[gap.clone()];
        let error: Vec<i16> = repeated[gap]
            .iter()
            .zip(wanted)
            .map(|(a, b)| a.saturating_sub(*b))
            .collect();
        let snr = 10.0 * (power(wanted) / power(&error)).log10();
        println!("{spec}: {snr:.1} dB in a gap of 20 ms");
        // the fade of the second half alone limits it to about 20 dB
        assert!(snr > 12.0, "{spec}: {snr} dB");
    }
}

#[test]
fn the_seams_of_a_gap_are_no_clicks() {
    for spec in [CodecSpec::PCMA, CodecSpec::G722] {
        let step = |samples: &[i16]| {
            let steps = samples
                .windows(2)
                .map(|pair| i32::from(pair[1]).abs_diff(i32::from(pair[0])));
            steps.max().expect("more than one sample")
        };
        let whole = through(spec, Concealment::Repeat, |_| false);
        let repeated = through(spec, Concealment::Repeat, |n| n == 10);
        // 100 ms in, a decoder has settled
        let from = 5 * spec.samples_per_packet(Duration::from_millis(20));
        let (usual, seam) = (step(&whole[from..]), step(&repeated[from..]));
        assert!(seam < usual * 3 / 2, "{spec}: {seam} against {usual}");
    }
}
