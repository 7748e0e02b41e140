//! Comfort noise from a descriptor has its level and its spectrum, and describing that noise gives the descriptor
//! back.

use voxproof_codec::{
    CodecSpec, DecoderOptions, EncoderOptions, NoiseGenerator, SilenceDescriptor, describe,
};

fn noise(descriptor: &SilenceDescriptor, seed: u64, samples: usize) -> Vec<i16> {
    let mut generator = NoiseGenerator::new(seed);
    generator.describe(descriptor);
    let mut out = Vec::new();
    generator.generate(samples, &mut out);
    out
}

fn level(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / samples.len() as f64;
    -10.0 * (power / 32_768f64.powi(2)).log10()
}

/// First and second autocorrelation coefficients.
fn correlation(samples: &[i16]) -> [f64; 2] {
    let at = |lag: usize| -> f64 {
        samples
            .iter()
            .zip(&samples[lag..])
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    };
    [at(1) / at(0), at(2) / at(0)]
}

#[test]
fn the_level_is_kept_whatever_the_spectrum() {
    for reflection in [
        vec![],
        vec![-0.9],
        vec![0.6, -0.3, 0.5],
        vec![-0.8, 0.4, 0.1, -0.2],
    ] {
        for wanted in [20, 45, 60] {
            let descriptor = SilenceDescriptor {
                level: wanted,
                reflection: reflection.clone(),
            };
            let found = level(&noise(&descriptor, 7, 40_000));
            assert!((found - f64::from(wanted)).abs() < 0.7, "{descriptor:?}: {found}");
        }
    }
}

#[test]
fn a_first_order_model_has_its_autocorrelation() {
    for k in [-0.9f32, -0.4, 0.5] {
        let descriptor = SilenceDescriptor {
            level: 30,
            reflection: vec![k],
        };
        // r(n) of 1 / (1 + k z^-1) is (-k)^n
        let [first, second] = correlation(&noise(&descriptor, 3, 60_000));
        let pole = f64::from(-k);
        assert!((first - pole).abs() < 0.02, "{k}: {first}");
        assert!((second - pole * pole).abs() < 0.03, "{k}: {second}");
    }
}

#[test]
fn describing_the_noise_gives_the_descriptor_back() {
    let descriptor = SilenceDescriptor {
        level: 40,
        reflection: vec![-0.7, 0.3, -0.2],
    };
    let found = describe(&noise(&descriptor, 11, 60_000), 3);
    assert!(found.level.abs_diff(40) <= 1, "{found:?}");
    for (found, wanted) in found.reflection.iter().zip(&descriptor.reflection) {
        assert!((found - wanted).abs() < 0.03, "{found} {wanted}");
    }
}

#[test]
fn silence_and_full_scale_are_the_ends_of_the_scale() {
    assert_eq!(describe(&[0; 160], 4).level, 127);
    assert_eq!(describe(&[], 4).level, 127);
    let square: Vec<i16> = (0..160)
        .map(|n| if n % 8 < 4 { i16::MAX } else { i16::MIN })
        .collect();
    assert_eq!(describe(&square, 0), SilenceDescriptor::white(0));
}

#[test]
fn the_same_seed_is_the_same_noise_and_another_is_not() {
    let descriptor = SilenceDescriptor::white(40);
    assert_eq!(noise(&descriptor, 1, 200), noise(&descriptor, 1, 200));
    assert_ne!(noise(&descriptor, 1, 200), noise(&descriptor, 2, 200));
}

#[test]
fn a_packet_holds_until_the_next_one() {
    let mut encoder = CodecSpec::COMFORT_NOISE
        .encoder(&EncoderOptions::default())
        .expect("default options");
    let mut decoder = CodecSpec::COMFORT_NOISE
        .decoder(&DecoderOptions::default())
        .expect("default options");
    let mut out = Vec::new();
    decoder.conceal(160, &mut out);
    assert_eq!(out, [0; 160], "nothing was described yet");
    out.clear();

    let background = noise(&SilenceDescriptor::white(50), 5, 8000);
    let mut payload = Vec::new();
    encoder.encode(&background, &mut payload).expect("any samples");
    assert_eq!(payload.len(), 11, "a level and ten coefficients");
    decoder.decode(&payload, &mut out).expect("our own payload");
    assert!(out.is_empty(), "how long it holds is not in the packet");
    decoder.conceal(16_000, &mut out);
    assert!((level(&out) - 50.0).abs() < 1.0, "{}", level(&out));

    // a louder description is taken over within 10 ms
    out.clear();
    decoder.decode(&[30], &mut out).expect("a level alone");
    decoder.conceal(8000, &mut out);
    assert!((level(&out[400..]) - 30.0).abs() < 1.0, "{}", level(&out[400..]));
}

#[test]
fn no_description_makes_the_filter_unstable() {
    // every coefficient at the edge, loud, then turned over
    let extreme = |index: u8| {
        let mut payload = vec![0];
        payload.resize(13, index);
        SilenceDescriptor::parse(&payload).expect("well-formed")
    };
    let mut generator = NoiseGenerator::new(9);
    let mut out = Vec::new();
    for index in [254, 0, 254, 0] {
        generator.describe(&extreme(index));
        generator.generate(2000, &mut out);
    }
    generator.describe(&SilenceDescriptor::white(60));
    out.clear();
    generator.generate(20_000, &mut out);
    let settled = level(&out[10_000..]);
    assert!((settled - 60.0).abs() < 1.0, "{settled}");
}
