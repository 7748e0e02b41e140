//! How exactly a delay is found: 14 voices with 3 delays that are no whole number of samples, up to 250 ms.

use voxproof_audio::delay::{delay, estimate, processing_delay};
use voxproof_audio::level::DbOv;
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::stimulus::speech_like;

use crate::signals::{delayed, noisy};

/// Median and largest error in microseconds.
fn errors(rate: u32, voices: u64, noise: Option<DbOv>) -> (f64, f64) {
    let mut errors = Vec::new();
    for seed in 0..voices {
        let reference = speech_like(3.0, rate, 500 + seed);
        for number in 0..3 {
            let truth = (0.003_217 + 0.083_91 * f64::from(number) + 0.001_737_7 * seed as f64).min(0.25);
            let clean = delayed(&reference, truth, rate);
            let recording = noise.map_or_else(|| clean.clone(), |level| noisy(&clean, level, rate, seed));
            let found = estimate(&reference, &recording, rate, -0.5..0.5).expect("a delay");
            errors.push((found.seconds - truth).abs() * 1e6);
        }
    }
    errors.sort_by(f64::total_cmp);
    let figures = (errors[errors.len() / 2], errors[errors.len() - 1]);
    println!(
        "{rate} Hz, noise {noise:?}: median {:.3} us, worst {:.3} us",
        figures.0, figures.1
    );
    figures
}

#[test]
fn a_clean_delay_is_found_to_a_tenth_of_a_microsecond() {
    for (rate, voices) in [(8000, 14), (16_000, 14), (48_000, 3)] {
        let (median, worst) = errors(rate, voices, None);
        assert!(median <= 0.1 && worst <= 1.0, "{rate}: {median} {worst}");
    }
}

#[test]
fn noise_as_loud_as_the_speech_costs_microseconds() {
    for (rate, voices, limits) in [
        (8000, 14, (10.0, 40.0)),
        (16_000, 14, (6.0, 25.0)),
        (48_000, 3, (3.0, 15.0)),
    ] {
        let (median, worst) = errors(rate, voices, Some(DbOv(-26.0)));
        assert!(
            median <= limits.0 && worst <= limits.1,
            "{rate}: {median} {worst}"
        );
    }
}

#[test]
fn rates_from_8_to_96_khz() {
    for rate in [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 96_000] {
        let reference = speech_like(2.0, rate, 9);
        let found =
            delay(&reference, &delayed(&reference, 0.123_456, rate), rate, -0.5..0.5).expect("a delay");
        assert!((found.value.0 - 123.456).abs() < 0.001, "{rate}: {found:?}");
    }
}

#[test]
fn swapped_signals_have_the_opposite_delay_and_later_ones_a_larger_one() {
    let reference = speech_like(3.0, 16_000, 21);
    let recording = noisy(&delayed(&reference, 0.04, 16_000), DbOv(-40.0), 16_000, 3);
    let there = estimate(&reference, &recording, 16_000, -0.5..0.5)
        .expect("a delay")
        .seconds;
    let back = estimate(&recording, &reference, 16_000, -0.5..0.5)
        .expect("a delay")
        .seconds;
    assert!((there + back).abs() < 1e-8, "{there} {back}");
    let later = [&vec![0.0; 1000][..], &recording].concat();
    let later = estimate(&reference, &later, 16_000, -0.5..0.5)
        .expect("a delay")
        .seconds;
    assert!(
        (later - there - 1000.0 / 16_000.0).abs() < 1e-7,
        "{later} {there}"
    );
}

#[test]
fn the_delay_of_a_processing_stage_is_the_difference() {
    let reference = speech_like(3.0, 16_000, 22);
    let raw = noisy(&delayed(&reference, 0.031, 16_000), DbOv(-50.0), 16_000, 1);
    let processed: Vec<f32> = delayed(&reference, 0.043_5, 16_000)
        .iter()
        .map(|x| -0.3 * x)
        .collect();
    let found = processing_delay(&reference, &raw, &processed, 16_000, -0.1..0.5).expect("a delay");
    assert!((found.value.0 - 12.5).abs() < 0.005, "{found:?}");
    let silent = processing_delay(&reference, &raw, &[0.0; 8000], 16_000, -0.1..0.5);
    assert_eq!(silent, Err(Unmeasurable::Silent));
}

#[test]
fn other_speech_has_no_delay() {
    let (reference, other) = (speech_like(3.0, 16_000, 23), speech_like(3.0, 16_000, 24));
    let found = delay(&reference, &other, 16_000, -0.5..0.5);
    assert!(matches!(found, Err(Unmeasurable::NotAligned { .. })), "{found:?}");
}
