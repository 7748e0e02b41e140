//! The delay of a recording against its reference.

use voxproof_audio::delay::estimate;
use voxproof_audio::level::DbOv;
use voxproof_audio::stimulus::{speech_like, white_noise};

fn delayed(samples: &[f32], lag: usize, gain: f32) -> Vec<f32> {
    let mut recording = vec![0.0; lag];
    recording.extend(samples.iter().map(|sample| sample * gain));
    recording
}

#[test]
fn a_delay_of_200_ms_is_found() {
    for (rate, seed) in [(8000, 1), (16000, 2), (48000, 3)] {
        let reference = speech_like(4.0, rate, seed);
        let recording = delayed(&reference, rate as usize / 5, 0.5);
        let delay = estimate(&reference, &recording, rate, -0.5..0.5).expect("a delay");
        assert!((delay.seconds - 0.2).abs() < 0.0002, "{rate}: {delay:?}");
        assert!(delay.confidence > 0.99, "{rate}: {delay:?}");
    }
}

#[test]
fn a_recording_that_starts_late_has_a_negative_delay() {
    let reference = speech_like(4.0, 8000, 4);
    let delay = estimate(&reference, &reference[4000..], 8000, -1.0..1.0).expect("a delay");
    assert!((delay.seconds + 0.5).abs() < 0.0002, "{delay:?}");
}

#[test]
fn half_a_sample_is_resolved() {
    // every second sample of a signal at twice the rate, one sample later, is half a sample later at the lower rate
    let double = speech_like(4.0, 32000, 5);
    let reference: Vec<f32> = double.iter().copied().step_by(2).collect();
    let recording: Vec<f32> = std::iter::once(0.0).chain(double).step_by(2).collect();
    let delay = estimate(&reference, &recording, 16000, -0.1..0.1).expect("a delay");
    assert!((delay.seconds * 16000.0 - 0.5).abs() < 0.1, "{delay:?}");
}

#[test]
fn noise_as_loud_as_the_speech_does_not_hide_the_delay() {
    let reference = speech_like(4.0, 8000, 6);
    let mut recording = delayed(&reference, 777, 1.0);
    let noise = white_noise(DbOv(-26.0), 5.0, 8000, 7);
    recording
        .iter_mut()
        .zip(&noise)
        .for_each(|(sample, noise)| *sample += noise);
    let delay = estimate(&reference, &recording, 8000, -0.5..0.5).expect("a delay");
    assert!((delay.seconds - 777.0 / 8000.0).abs() < 0.0002, "{delay:?}");
    assert!((0.4..0.9).contains(&delay.confidence), "{delay:?}");
}

#[test]
fn inverted_polarity_is_no_obstacle() {
    let reference = speech_like(3.0, 8000, 8);
    let delay = estimate(&reference, &delayed(&reference, 400, -1.0), 8000, 0.0..0.2).expect("a delay");
    assert!(
        (delay.seconds - 0.05).abs() < 0.0002 && delay.confidence > 0.99,
        "{delay:?}"
    );
}

#[test]
fn only_the_search_range_counts() {
    let reference = speech_like(3.0, 8000, 9);
    let recording = delayed(&reference, 1600, 1.0);
    let delay = estimate(&reference, &recording, 8000, 0.0..0.1).expect("some delay");
    assert!((0.0..=0.1001).contains(&delay.seconds), "{delay:?}");
    assert!(delay.confidence < 0.7, "{delay:?}");
}

#[test]
fn silence_has_no_delay() {
    let speech = speech_like(1.0, 8000, 10);
    assert_eq!(estimate(&speech, &[0.0; 8000], 8000, -1.0..1.0), None);
    assert_eq!(estimate(&[0.0; 8000], &speech, 8000, -1.0..1.0), None);
    assert_eq!(estimate(&speech, &[], 8000, -1.0..1.0), None);
    assert_eq!(estimate(&speech, &speech, 0, -1.0..1.0), None);
    // a range that is not one
    assert_eq!(estimate(&speech, &speech, 8000, 1.0..-1.0), None);
}
