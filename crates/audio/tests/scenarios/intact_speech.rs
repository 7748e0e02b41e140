//! Did the speech come through: what codecs, jitter buffers and networks do, and what they must not do.

use voxproof_audio::comparison::{SpeechComparison, compare, compare_looped};
use voxproof_audio::sample::{from_i16, to_i16};
use voxproof_audio::stimulus::speech_like;
use voxproof_rtp::g711::{Law, decode, encode};

const RATE: u32 = 8000;

fn coded(samples: &[f32], by: Law, read_as: Law) -> Vec<f32> {
    from_i16(&decode(read_as, &encode(by, &to_i16(samples))))
}

/// The recording starts 200 ms before the speech and goes on for half a second.
fn framed(samples: &[f32]) -> Vec<f32> {
    [&vec![0.0; 1600][..], samples, &vec![0.0; 4000][..]].concat()
}

fn compared(reference: &[f32], recording: &[f32]) -> SpeechComparison {
    compare(reference, recording, RATE, -0.2..1.0).expect("the reference has speech")
}

#[test]
fn a_codec_in_the_way_leaves_speech_intact() {
    for (seed, law) in [(1, Law::Mu), (2, Law::Mu), (3, Law::A), (4, Law::A)] {
        let reference = speech_like(4.0, RATE, seed);
        let result = compared(&reference, &framed(&coded(&reference, law, law)));
        assert_eq!(result.intact_fraction, 1.0, "{result:?}");
        assert!(result.active_blocks > 20, "{result:?}");
        // uniform quantising noise of a step of 1/16 to 1/32 of the magnitude: about 37 dB
        assert!(
            (34.0..40.0).contains(&result.median_snr_db),
            "{law:?}: {result:?}"
        );
        assert!(result.median_gain_db.abs() < 0.1, "{result:?}");
        assert!((result.delay.seconds - 0.2).abs() < 0.0002, "{result:?}");
        assert!(
            result.slips.is_empty() && result.missing_blocks == 0 && !result.inverted,
            "{result:?}"
        );
    }
}

#[test]
fn identical_speech_is_as_good_as_can_be_told() {
    let reference = speech_like(3.0, RATE, 5);
    let result = compared(&reference, &reference);
    assert_eq!(result.intact_fraction, 1.0);
    assert!(result.delay.seconds.abs() < 1e-9, "{result:?}");
    assert!(result.median_snr_db > 90.0, "{result:?}");
}

#[test]
fn the_wrong_law_is_not_intact() {
    for seed in 1..=6 {
        let reference = speech_like(4.0, RATE, seed);
        for (by, read_as) in [(Law::A, Law::Mu), (Law::Mu, Law::A)] {
            let result = compared(&reference, &framed(&coded(&reference, by, read_as)));
            assert!(result.intact_fraction < 0.2, "{by:?} as {read_as:?}: {result:?}");
        }
    }
}

#[test]
fn twenty_decibels_less_are_reported_as_gain() {
    let reference = speech_like(4.0, RATE, 7);
    let quiet: Vec<f32> = reference.iter().map(|x| x * 0.1).collect();
    let result = compared(&reference, &framed(&coded(&quiet, Law::Mu, Law::Mu)));
    assert!((result.median_gain_db + 20.0).abs() < 0.2, "{result:?}");
    assert_eq!(result.intact_fraction, 1.0, "{result:?}");
    assert_eq!(result.missing_blocks, 0, "{result:?}");
}

#[test]
fn jitter_buffer_slips_are_reported_and_do_not_break_speech() {
    for (seed, slip) in [(1, 80_i32), (2, -80), (3, 80), (4, -80), (5, 240), (6, -240)] {
        let reference = speech_like(4.0, RATE, seed);
        let mut recording = reference[..16000].to_vec();
        if slip > 0 {
            // the buffer repeats what it has
            recording.extend_from_slice(&reference[16000 - slip as usize..16000]);
            recording.extend_from_slice(&reference[16000..]);
        } else {
            recording.extend_from_slice(&reference[16000 + slip.unsigned_abs() as usize..]);
        }
        let result = compared(&reference, &framed(&coded(&recording, Law::Mu, Law::Mu)));
        assert!(result.intact_fraction > 0.9, "{slip}: {result:?}");
        assert_eq!(result.slips.len(), 1, "{slip}: {result:?}");
        let found = result.slips[0];
        assert!(
            (found.to_samples - found.from_samples - f64::from(slip)).abs() < 0.5,
            "{slip}: {found:?}"
        );
        assert!((1.8..=2.6).contains(&found.at_s), "{slip}: {found:?}");
    }
}

#[test]
fn slips_there_and_back_are_two() {
    let reference = speech_like(6.0, RATE, 8);
    let mut recording = reference[..16000].to_vec();
    recording.extend_from_slice(&reference[16000 - 80..32000]);
    recording.extend_from_slice(&reference[32000 + 80..]);
    let result = compared(&reference, &framed(&recording));
    assert!(result.intact_fraction > 0.9, "{result:?}");
    let steps: Vec<f64> = result
        .slips
        .iter()
        .map(|slip| (slip.to_samples - slip.from_samples).round())
        .collect();
    assert_eq!(steps, [80.0, -80.0], "{result:?}");
}

#[test]
fn a_jump_beyond_the_search_is_caught_up_with() {
    let reference = speech_like(6.0, RATE, 9);
    // one second of silence inserted in the middle, as after a handover
    let recording = [&reference[..24000], &vec![0.0; 8000][..], &reference[24000..]].concat();
    let result = compared(&reference, &framed(&recording));
    assert!(result.intact_fraction > 0.85, "{result:?}");
    assert_eq!(result.slips.len(), 1, "{result:?}");
    let slip = (result.slips[0].to_samples - result.slips[0].from_samples).abs();
    assert!((slip - 8000.0).abs() < 0.5, "{result:?}");
}

#[test]
fn silence_is_missing_speech() {
    let reference = speech_like(4.0, RATE, 10);
    for recording in [vec![0.0; 40000], Vec::new(), vec![1e-5; 40000]] {
        let result = compared(&reference, &recording);
        assert_eq!(
            (result.intact_blocks, result.intact_fraction),
            (0, 0.0),
            "{result:?}"
        );
        assert_eq!(result.missing_blocks, result.active_blocks, "{result:?}");
        assert!(
            result.active_blocks > 20 && result.missing_seconds > 1.5,
            "{result:?}"
        );
    }
}

#[test]
fn other_speech_is_not_this_speech() {
    for seed in 1..=8 {
        let reference = speech_like(4.0, RATE, seed);
        let other = speech_like(6.0, RATE, seed + 100);
        let result = compared(&reference, &framed(&other));
        assert!(result.intact_fraction < 0.2, "{seed}: {result:?}");
        assert!(result.delay.confidence < 0.5, "{seed}: {result:?}");
    }
}

#[test]
fn lost_packets_are_missing() {
    let reference = speech_like(6.0, RATE, 11);
    let mut recording = coded(&reference, Law::Mu, Law::Mu);
    // every tenth packet of 20 ms
    for packet in recording.chunks_mut(160).skip(5).step_by(10) {
        packet.fill(0.0);
    }
    let result = compared(&reference, &framed(&recording));
    let share = result.missing_seconds / (result.active_blocks as f64 * 0.1);
    assert!((0.05..0.15).contains(&share), "{share} {result:?}");
    // a packet in each second block
    let blocks = result.missing_blocks as f64 / result.active_blocks as f64;
    assert!((0.3..0.6).contains(&blocks), "{blocks} {result:?}");
    assert!(result.intact_fraction < 0.95, "{result:?}");
    assert!(result.slips.is_empty(), "{result:?}");
}

#[test]
fn speech_cut_off_in_the_middle_is_half_missing() {
    let reference = speech_like(4.0, RATE, 12);
    let result = compared(&reference, &reference[..16000]);
    assert!((0.3..0.7).contains(&result.intact_fraction), "{result:?}");
    assert_eq!(
        result.intact_blocks + result.missing_blocks,
        result.active_blocks,
        "{result:?}"
    );
}

#[test]
fn inverted_polarity_is_intact_and_told() {
    let reference = speech_like(3.0, RATE, 13);
    let inverted: Vec<f32> = reference.iter().map(|x| -x).collect();
    let result = compared(&reference, &framed(&inverted));
    assert!(result.inverted && result.intact_fraction == 1.0, "{result:?}");
}

#[test]
fn an_offset_does_not_hurt() {
    let reference = speech_like(3.0, RATE, 14);
    let offset: Vec<f32> = framed(&reference).iter().map(|x| x + 0.1).collect();
    let result = compared(&reference, &offset);
    assert_eq!(result.intact_fraction, 1.0, "{result:?}");
    assert!(result.median_snr_db > 40.0, "{result:?}");
}

#[test]
fn a_clock_of_100_ppm_is_drift_and_not_a_slip() {
    // a signal sampled at 80008 Hz and read as 80000 Hz, by taking nearly every tenth sample
    let fine = speech_like(8.0, 80_000, 15);
    let reference: Vec<f32> = fine.iter().copied().step_by(10).collect();
    let fast: Vec<f32> = (0..63_990)
        .filter_map(|n| fine.get((n as f64 * 10.001).round() as usize))
        .copied()
        .collect();
    let result = compared(&reference, &framed(&fast));
    assert!(result.intact_fraction > 0.98, "{result:?}");
    assert!(result.slips.is_empty(), "{result:?}");
}

#[test]
fn a_loop_that_starts_in_the_middle_is_intact() {
    let reference = speech_like(4.0, RATE, 16);
    let recording: Vec<f32> = reference
        .iter()
        .copied()
        .cycle()
        .skip(13_000)
        .take(72_000)
        .collect();
    let recording = coded(&recording, Law::A, Law::A);
    let result = compare_looped(&reference, &recording, RATE).expect("speech");
    assert_eq!(result.intact_fraction, 1.0, "{result:?}");
    assert!(
        (result.delay.seconds - 19_000.0 / 8000.0).abs() < 1e-9,
        "{result:?}"
    );
    assert!(
        result.slips.is_empty() && result.missing_blocks == 0,
        "{result:?}"
    );
}

#[test]
fn a_loop_shorter_than_the_recording_and_a_recording_shorter_than_the_loop() {
    let reference = speech_like(4.0, RATE, 17);
    let short: Vec<f32> = reference
        .iter()
        .copied()
        .cycle()
        .skip(25_000)
        .take(16_000)
        .collect();
    let result = compare_looped(&reference, &short, RATE).expect("speech");
    assert_eq!(result.intact_fraction, 1.0, "{result:?}");
    let late = [&vec![0.0; 12_345][..], &reference, &reference].concat();
    let result = compare_looped(&reference, &late, RATE).expect("speech");
    assert_eq!(result.intact_fraction, 1.0, "{result:?}");
    assert_eq!(
        result.missing_blocks, 0,
        "the silence before the device starts is not missing speech: {result:?}"
    );
    assert!(
        (result.delay.seconds - 12_345.0 / 8000.0).abs() < 1e-9,
        "{result:?}"
    );
}

#[test]
fn a_pause_between_the_rounds_of_a_loop_is_a_slip() {
    let reference = speech_like(4.0, RATE, 18);
    let recording = [
        &reference[20_000..],
        &vec![0.0; 480][..],
        &reference,
        &vec![0.0; 480][..],
        &reference,
    ]
    .concat();
    let result = compare_looped(&reference, &recording, RATE).expect("speech");
    assert!(result.intact_fraction > 0.9, "{result:?}");
    let steps: Vec<f64> = result
        .slips
        .iter()
        .map(|slip| (slip.to_samples - slip.from_samples).round())
        .collect();
    assert_eq!(steps, [480.0, 480.0], "{result:?}");
}

#[test]
fn a_loop_of_something_else_and_a_silent_device_are_not_intact() {
    let reference = speech_like(4.0, RATE, 19);
    let other: Vec<f32> = speech_like(3.0, RATE, 20)
        .into_iter()
        .cycle()
        .take(60_000)
        .collect();
    let result = compare_looped(&reference, &other, RATE).expect("speech");
    assert!(result.intact_fraction < 0.2, "{result:?}");
    let silent = compare_looped(&reference, &[0.0; 40_000], RATE).expect("speech");
    assert_eq!(silent.intact_blocks, 0, "{silent:?}");
    assert!(
        silent.active_blocks > 0 && silent.missing_blocks == silent.active_blocks,
        "{silent:?}"
    );
}

#[test]
fn a_reference_without_speech_gives_no_answer() {
    assert_eq!(compare(&[0.0; 8000], &[0.1; 8000], RATE, -1.0..1.0), None);
    assert_eq!(compare(&[], &[], RATE, -1.0..1.0), None);
    assert_eq!(compare_looped(&[], &[0.1; 8000], RATE), None);
}
