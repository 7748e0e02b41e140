//! Digits as tones: what a receiver must accept, what it must refuse, and speech.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use voxproof_rtp::g711::{Law, decode_sample, encode_sample};
use voxproof_rtp::inband::{Digit, ToneSpec, detect, generate};

const ALL: &str = "1234567890*#ABCD";

fn digits(found: &[Digit]) -> String {
    found.iter().map(|digit| digit.digit).collect()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn keyed(digits: &str, spec: &ToneSpec) -> Vec<i16> {
    let mut samples = vec![0; 400];
    samples.extend(generate(digits, spec, 8000));
    samples
}

/// Noise of a level relative to full scale, uniform, from a fixed seed.
fn add_noise(samples: &mut [i16], amplitude: f64) {
    let mut state = 1u64;
    for sample in samples {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 33) as f64 / f64::from(1u32 << 31) * 2.0 - 1.0;
        *sample = (f64::from(*sample) + unit * amplitude).clamp(-32_768.0, 32_767.0) as i16;
    }
}

#[test]
fn all_sixteen_digits_at_several_rates() {
    for rate in [8000, 16_000, 44_100, 48_000] {
        let found = detect(&generate(ALL, &ToneSpec::default(), rate), rate);
        assert_eq!(digits(&found), ALL, "{rate}");
        for (n, digit) in found.iter().enumerate() {
            assert!(digit.at.abs_diff(ms(200 * n as u64)) < ms(2), "{digit:?}");
            assert!(digit.duration.abs_diff(ms(100)) < ms(3), "{digit:?}");
            assert!(
                (digit.low_dbm0 + 8.0).abs() < 0.5 && (digit.high_dbm0 + 6.0).abs() < 0.5,
                "{digit:?}"
            );
            assert!((digit.twist_db - 2.0).abs() < 0.5, "{digit:?}");
        }
    }
}

#[test]
fn digits_survive_g711_and_noise() {
    let mut samples = keyed(
        ALL,
        &ToneSpec {
            low_dbm0: -12.0,
            ..ToneSpec::default()
        },
    );
    // 20 dB below the tones
    add_noise(&mut samples, 1300.0);
    for law in [Law::Mu, Law::A] {
        let coded: Vec<i16> = samples
            .iter()
            .map(|&sample| decode_sample(law, encode_sample(law, sample)))
            .collect();
        assert_eq!(digits(&detect(&coded, 8000)), ALL);
    }
}

#[test]
fn what_must_be_accepted_is() {
    let accepted = [
        ToneSpec {
            duration: ms(40),
            pause: ms(40),
            ..ToneSpec::default()
        },
        ToneSpec {
            low_dbm0: -25.0,
            twist_db: 0.0,
            ..ToneSpec::default()
        },
        ToneSpec {
            low_dbm0: 0.0,
            twist_db: 0.0,
            ..ToneSpec::default()
        },
        ToneSpec {
            twist_db: 4.0,
            ..ToneSpec::default()
        },
        ToneSpec {
            twist_db: -8.0,
            ..ToneSpec::default()
        },
        ToneSpec {
            detuning: 0.015,
            ..ToneSpec::default()
        },
        ToneSpec {
            detuning: -0.015,
            ..ToneSpec::default()
        },
        ToneSpec {
            detuning: 0.015,
            duration: ms(40),
            pause: ms(40),
            ..ToneSpec::default()
        },
        ToneSpec {
            duration: ms(50),
            pause: ms(30),
            ..ToneSpec::default()
        },
    ];
    for spec in accepted {
        assert_eq!(digits(&detect(&keyed(ALL, &spec), 8000)), ALL, "{spec:?}");
    }
}

#[test]
fn what_must_be_refused_is() {
    let refused = [
        ToneSpec {
            duration: ms(23),
            ..ToneSpec::default()
        },
        ToneSpec {
            low_dbm0: -55.0,
            ..ToneSpec::default()
        },
        ToneSpec {
            twist_db: 12.0,
            low_dbm0: -20.0,
            ..ToneSpec::default()
        },
        ToneSpec {
            twist_db: -16.0,
            ..ToneSpec::default()
        },
        ToneSpec {
            detuning: 0.035,
            ..ToneSpec::default()
        },
        ToneSpec {
            detuning: -0.035,
            ..ToneSpec::default()
        },
    ];
    for spec in refused {
        assert_eq!(digits(&detect(&keyed(ALL, &spec), 8000)), "", "{spec:?}");
    }
}

#[test]
fn an_interruption_of_ten_milliseconds_is_one_digit_and_a_pause_is_two() {
    let tone = generate(
        "5",
        &ToneSpec {
            duration: ms(140),
            ..ToneSpec::default()
        },
        8000,
    );
    for (pause_ms, expected) in [(10, "5"), (40, "55")] {
        let mut samples = tone.clone();
        for sample in samples.iter_mut().skip(480).take(8 * pause_ms) {
            *sample = 0;
        }
        assert_eq!(digits(&detect(&samples, 8000)), expected, "{pause_ms} ms");
    }
}

#[test]
fn one_frequency_alone_and_call_progress_tones_are_no_digits() {
    let tone = |frequencies: &[f64]| -> Vec<i16> {
        (0..8000)
            .map(|n| {
                let sum: f64 = frequencies
                    .iter()
                    .map(|f| (std::f64::consts::TAU * f * f64::from(n) / 8000.0).sin())
                    .sum();
                (sum * 6000.0) as i16
            })
            .collect()
    };
    for frequencies in [
        &[770.0][..],
        &[1336.0],
        &[350.0, 440.0],
        &[480.0, 620.0],
        &[425.0],
        &[770.0, 852.0],
        &[1209.0, 1336.0],
        &[697.0, 1209.0, 1477.0],
        &[1100.0],
        &[2100.0],
    ] {
        assert_eq!(digits(&detect(&tone(frequencies), 8000)), "", "{frequencies:?}");
    }
}

#[test]
fn speech_has_no_digits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/wav");
    for name in ["speech-f1-8k", "speech-m1-8k", "speech-f1-16k", "speech-m1-16k"] {
        let mut reader = hound::WavReader::open(folder.join(name).with_extension("wav")).expect("a fixture");
        let rate = reader.spec().sample_rate;
        let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().expect("16 bit");
        assert_eq!(samples.len(), 4 * rate as usize, "{name}");
        for gain in [0.25, 1.0, 2.5] {
            let louder: Vec<i16> = samples
                .iter()
                .map(|&sample| (f64::from(sample) * gain) as i16)
                .collect();
            assert_eq!(digits(&detect(&louder, rate)), "", "{name} at {gain}");
        }
        // and digits over the end of it are still found
        let mut mixed = samples;
        mixed.extend(generate("42#", &ToneSpec::default(), rate));
        assert_eq!(digits(&detect(&mixed, rate)), "42#", "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_samples_at_any_rate(samples in proptest::collection::vec(any::<i16>(), 0..1200), rate in 0u32..50_000) {
        let found = detect(&samples, rate);
        prop_assert!(found.iter().all(|digit| digit.twist_db.is_finite()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn keyed_digits_are_found(text in "[0-9A-D*#]{1,8}", duration in 45u64..150, pause in 45u64..150,
                              level in -22.0f64..-4.0, twist in -6.0f64..4.0, detuning in -0.015f64..0.015) {
        let spec = ToneSpec { duration: ms(duration), pause: ms(pause), low_dbm0: level, twist_db: twist, detuning };
        let found = detect(&keyed(&text, &spec), 8000);
        prop_assert_eq!(digits(&found), text);
        for digit in found {
            prop_assert!(digit.duration.abs_diff(spec.duration) < ms(3), "{:?}", digit);
            prop_assert!((digit.low_dbm0 - level).abs() < 0.7 && (digit.twist_db - twist).abs() < 0.7, "{:?}", digit);
        }
    }
}
