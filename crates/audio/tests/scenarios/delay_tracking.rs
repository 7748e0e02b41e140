//! Delay against time: what jitter buffers, clocks and noise do, each with the truth known.

use voxproof_audio::comparison::compare;
use voxproof_audio::delay_track::{DelayTrack, Settings, follow};
use voxproof_audio::jitter_buffer;
use voxproof_audio::level::DbOv;
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::stimulus::{silence, speech_like};
use voxproof_rtp::g711::Law;

use crate::signals::{at_gain, coded, delayed, noisy, stretched};

const RATE: u32 = 8000;

/// 150 ms of silence before, 500 ms after.
fn framed(samples: &[f32], rate: u32) -> Vec<f32> {
    [&silence(0.15, rate)[..], samples, &silence(0.5, rate)].concat()
}

fn followed(reference: &[f32], recording: &[f32], rate: u32) -> DelayTrack {
    follow(reference, recording, rate, &Settings::default()).expect("the speech is there")
}

/// A recording in which `count` samples before `at` are heard twice, or from `at` on are lost when negative.
fn slipped(reference: &[f32], at: usize, count: i64) -> Vec<f32> {
    let size = count.unsigned_abs() as usize;
    if count > 0 {
        [&reference[..at], &reference[at - size..at], &reference[at..]].concat()
    } else {
        [&reference[..at], &reference[at + size..]].concat()
    }
}

/// All blocks whose delay is believed lie within `tolerance_ms` of the truth.
fn assert_points(track: &DelayTrack, truth: impl Fn(f64) -> f64, tolerance_ms: f64) {
    for point in track.points.iter().filter(|point| point.correlation > 0.6) {
        let error = point.delay_ms - truth(point.at_s);
        assert!(error.abs() < tolerance_ms, "{error} at {point:?}");
    }
}

#[test]
fn identity_is_zero_everywhere() {
    for rate in [8000, 16_000, 48_000] {
        let reference = speech_like(6.0, rate, 30);
        let track = followed(&reference, &reference, rate);
        assert_points(&track, |_| 0.0, 1e-9);
        assert!(track.jumps.is_empty() && !track.inverted, "{track:?}");
        assert_eq!(track.matched, 1.0);
        assert!(track.delay.expect("a delay").value.0.abs() < 1e-9);
        assert!(track.drift.expect("a drift").value.0.abs() < 1e-6);
    }
}

#[test]
fn a_delay_of_the_recording_shifts_every_figure_by_it() {
    let reference = speech_like(6.0, RATE, 31);
    let recording = noisy(&framed(&reference, RATE), DbOv(-46.0), RATE, 1);
    let early = followed(&reference, &recording, RATE);
    let late = followed(&reference, &[&vec![0.0; 800][..], &recording].concat(), RATE);
    for (early, late) in early.points.iter().zip(&late.points) {
        assert!(
            (late.delay_ms - early.delay_ms - 100.0).abs() < 1e-6,
            "{early:?} {late:?}"
        );
    }
    let (early, late) = (early.delay.expect("a delay"), late.delay.expect("a delay"));
    assert!((late.value.0 - early.value.0 - 100.0).abs() < 1e-6);
    assert!((early.value.0 - 150.0).abs() < 0.02, "{early:?}");
}

#[test]
fn a_slip_is_placed_to_the_sample() {
    for (seed, count) in [
        (40, 80),
        (41, -80),
        (42, 160),
        (43, -160),
        (44, 37),
        (45, -37),
        (46, 1000),
        (47, -1000),
    ] {
        let reference = speech_like(6.0, RATE, seed);
        let at = 20_011;
        let track = followed(&reference, &framed(&slipped(&reference, at, count), RATE), RATE);
        assert_eq!(track.jumps.len(), 1, "{count}: {:?}", track.jumps);
        let jump = track.jumps[0];
        assert!((jump.samples - count as f64).abs() < 0.01, "{count}: {jump:?}");
        let off = jump.reference_sample.abs_diff(at);
        assert!(off <= jump.ambiguity_samples, "{count}: {jump:?}");
        if jump.ambiguity_samples == 0 {
            assert_eq!(jump.recording_sample, 1200 + at as i64, "{count}: {jump:?}");
        }
        // next to the slip a repeated block is found at both places
        let truth = |time: f64| {
            if time < 2.5 {
                150.0
            } else {
                150.0 + count as f64 / 8.0
            }
        };
        let far = track.points.iter().filter(|point| (point.at_s - 2.5).abs() > 0.2);
        for point in far {
            assert!(
                (point.delay_ms - truth(point.at_s)).abs() < 1e-3,
                "{count}: {point:?}"
            );
        }
    }
}

#[test]
fn a_slip_is_placed_through_a_codec_and_noise() {
    for (seed, count, law) in [
        (50, 80, Law::Mu),
        (51, -80, Law::A),
        (52, 160, Law::A),
        (53, -160, Law::Mu),
    ] {
        let reference = speech_like(6.0, RATE, seed);
        let at = 24_500;
        let recording = coded(
            &noisy(
                &framed(&slipped(&reference, at, count), RATE),
                DbOv(-56.0),
                RATE,
                seed,
            ),
            law,
        );
        let track = followed(&reference, &recording, RATE);
        assert_eq!(track.jumps.len(), 1, "{count}: {:?}", track.jumps);
        let jump = track.jumps[0];
        assert!((jump.samples - count as f64).abs() < 0.1, "{count}: {jump:?}");
        let off = jump.reference_sample.abs_diff(at);
        assert!(off <= 2 * jump.ambiguity_samples + 4, "{count}: {off} {jump:?}");
    }
}

#[test]
fn a_packet_lost_and_replaced_by_silence_changes_no_delay_and_one_cut_out_does() {
    let reference = speech_like(6.0, RATE, 60);
    let mut muted = reference.clone();
    muted[16_000..16_160].fill(0.0);
    muted[30_000..30_160].fill(0.0);
    let track = followed(&reference, &framed(&muted, RATE), RATE);
    assert!(track.jumps.is_empty(), "{:?}", track.jumps);
    assert_points(&track, |_| 150.0, 0.05);
    let cut = followed(
        &reference,
        &framed(&slipped(&reference, 16_000, -160), RATE),
        RATE,
    );
    assert_eq!(cut.jumps.len(), 1);
    assert!((cut.jumps[0].to_ms - 130.0).abs() < 0.01, "{:?}", cut.jumps);
}

#[test]
fn drift_of_200_ppm_is_measured_and_is_no_jump() {
    for (ppm, seed) in [(200.0, 70), (-200.0, 71), (20.0, 72)] {
        let reference = speech_like(20.0, RATE, seed);
        let track = followed(&reference, &framed(&stretched(&reference, ppm), RATE), RATE);
        assert!(track.jumps.is_empty(), "{:?}", track.jumps);
        let drift = track.drift.clone().expect("a drift");
        assert!((drift.value.0 - ppm).abs() < 1.0, "{ppm}: {drift}");
        assert_points(&track, |time| 150.0 + time * ppm * 1e-3, 0.02);
        let result = compare(
            &reference,
            &framed(&stretched(&reference, ppm), RATE),
            RATE,
            -0.2..1.0,
        );
        let result = result.expect("speech");
        assert!(
            result.slips.is_empty() && result.intact_fraction > 0.98,
            "{ppm}: {result:?}"
        );
    }
}

#[test]
fn a_long_pause_under_drift_is_no_jump() {
    let (before, after) = (speech_like(5.0, RATE, 73), speech_like(5.0, RATE, 74));
    let reference = [&before[..], &silence(6.0, RATE), &after].concat();
    let track = followed(&reference, &framed(&stretched(&reference, 200.0), RATE), RATE);
    assert!(track.jumps.is_empty(), "{:?}", track.jumps);
    assert!((track.drift.expect("a drift").value.0 - 200.0).abs() < 1.0);
    // a step of 1 ms in the same pause is one
    let stepped = [&before[..], &silence(6.001, RATE), &after].concat();
    let track = followed(&reference, &framed(&stretched(&stepped, 200.0), RATE), RATE);
    assert_eq!(track.jumps.len(), 1, "{:?}", track.jumps);
    assert!((track.drift.expect("a drift").value.0 - 200.0).abs() < 2.0);
}

#[test]
fn forty_decibels_less_change_nothing() {
    let reference = speech_like(6.0, RATE, 80);
    let recording = at_gain(&framed(&slipped(&reference, 20_000, 160), RATE), -40.0);
    let track = followed(&reference, &recording, RATE);
    assert_eq!(track.jumps.len(), 1, "{:?}", track.jumps);
    assert!((track.jumps[0].samples - 160.0).abs() < 0.5, "{:?}", track.jumps);
    assert!(track.matched > 0.8, "{}", track.matched);
    assert_points(&track, |time| if time < 2.5 { 150.0 } else { 170.0 }, 0.1);
    let result = compare(&reference, &recording, RATE, -0.2..1.0).expect("speech");
    assert_eq!(result.slips.len(), 1, "{result:?}");
    assert!((result.median_gain_db + 40.0).abs() < 0.5, "{result:?}");
}

#[test]
fn noise_as_loud_as_the_speech_hides_neither_delay_nor_slip_nor_drift() {
    for (seed, count) in [(90, 160), (91, -160), (92, 320), (93, -800), (94, 80), (95, -80)] {
        let reference = speech_like(10.0, RATE, seed);
        let at = 40_000;
        let recording = framed(&stretched(&slipped(&reference, at, count), 200.0), RATE);
        let recording = noisy(&recording, DbOv(-26.0), RATE, seed);
        let track = followed(&reference, &recording, RATE);
        assert_eq!(track.jumps.len(), 1, "{count}: {:?}", track.jumps);
        let jump = track.jumps[0];
        assert!((jump.samples - count as f64).abs() < 1.5, "{count}: {jump:?}");
        let off = jump.reference_sample.abs_diff(at);
        assert!(off <= 2 * jump.ambiguity_samples + 80, "{count}: {off} {jump:?}");
        let drift = track.drift.clone().expect("a drift");
        assert!((drift.value.0 - 200.0).abs() < 10.0, "{count}: {drift}");
        // one slip for those who only want to know that as well
        let result = compare(&reference, &recording, RATE, -0.2..1.0).expect("speech");
        assert_eq!(result.slips.len(), 1, "{count}: {result:?}");
        assert!((result.delay.seconds - 0.15).abs() < 0.11, "{count}: {result:?}");
    }
}

#[test]
fn a_second_lost_in_a_handover_is_caught_up_with_in_noise() {
    let reference = speech_like(10.0, RATE, 100);
    let recording = [&reference[..40_000], &silence(1.0, RATE), &reference[40_000..]].concat();
    let track = followed(
        &reference,
        &noisy(&framed(&recording, RATE), DbOv(-32.0), RATE, 5),
        RATE,
    );
    assert_eq!(track.jumps.len(), 1, "{:?}", track.jumps);
    assert!((track.jumps[0].to_ms - 1150.0).abs() < 0.2, "{:?}", track.jumps);
}

#[test]
fn wideband_and_fullband_rates_too() {
    for (rate, seed) in [(16_000, 110), (48_000, 111), (96_000, 112)] {
        let reference = speech_like(4.0, rate, seed);
        let (at, count) = (rate as usize * 2 + 13, i64::from(rate / 50));
        let recording = delayed(&slipped(&reference, at, -count), 0.020_013, rate);
        let track = followed(&reference, &recording, rate);
        assert_eq!(track.jumps.len(), 1, "{rate}: {:?}", track.jumps);
        let jump = track.jumps[0];
        assert!((jump.from_ms - 20.013).abs() < 0.01, "{rate}: {jump:?}");
        assert!((jump.to_ms - 0.013).abs() < 0.01, "{rate}: {jump:?}");
        assert!(
            jump.reference_sample.abs_diff(at) <= jump.ambiguity_samples + 2,
            "{rate}: {jump:?}"
        );
    }
}

#[test]
fn sentences_have_their_own_delays_and_the_buffer_its_report() {
    // five sentences; the buffer starts at 120 ms, drops 40 ms in each of two pauses and stays
    let sentence = |seed| speech_like(1.5, RATE, seed);
    let pause = silence(0.8, RATE);
    let mut reference = Vec::new();
    let mut recording = silence(0.12, RATE);
    for (number, seed) in (120..125).enumerate() {
        let speech = sentence(seed);
        reference.extend([&speech[..], &pause].concat());
        let after = if number == 0 || number == 1 { 0.76 } else { 0.8 };
        recording.extend([&speech[..], &silence(after, RATE)].concat());
    }
    let track = followed(&reference, &recording, RATE);
    let delays: Vec<f64> = track
        .sentences
        .iter()
        .map(|sentence| sentence.delay.as_ref().expect("found").value.0.round())
        .collect();
    // a sentence may hold a pause that is long enough to part it
    let mut distinct = delays.clone();
    distinct.dedup();
    assert_eq!(distinct, [120.0, 80.0, 40.0], "{delays:?}");
    let report = jitter_buffer::report(&track, &jitter_buffer::Settings::default()).expect("a report");
    assert!((report.variation.0 - 80.0).abs() < 0.05, "{report:?}");
    assert_eq!((report.steps.0, report.steps_up.0), (2.0, 0.0));
    assert!((4.5..5.2).contains(&report.settled_at.0), "{report:?}");
    let counted: usize = report.histogram.iter().map(|bin| bin.count).sum();
    assert_eq!((counted, report.lost_sentences), (delays.len(), 0));
}

#[test]
fn opposite_polarity_is_told() {
    let reference = speech_like(4.0, RATE, 130);
    let inverted: Vec<f32> = reference.iter().map(|x| -x).collect();
    let track = followed(&reference, &framed(&inverted, RATE), RATE);
    assert!(track.inverted && track.matched > 0.99, "{track:?}");
    // shorter than a stretch
    let track = followed(&reference[..4000], &framed(&inverted[..4000], RATE), RATE);
    assert!(track.inverted && track.matched > 0.99, "{track:?}");
}

#[test]
fn what_cannot_be_followed_says_why() {
    let reference = speech_like(4.0, RATE, 131);
    let other = speech_like(4.0, RATE, 132);
    let result = |reference: &[f32], recording: &[f32], rate| {
        follow(reference, recording, rate, &Settings::default()).map(|track| track.matched)
    };
    assert_eq!(
        result(&reference, &[0.0; 32_000], RATE),
        Err(Unmeasurable::Silent)
    );
    assert_eq!(result(&reference, &[], RATE), Err(Unmeasurable::Silent));
    let no_speech = Err(Unmeasurable::NoSuchPart("speech in the reference"));
    assert_eq!(result(&[0.0; 8000], &reference, RATE), no_speech);
    assert_eq!(result(&[0.5], &[0.5], RATE), no_speech);
    assert_eq!(result(&reference, &reference, 0), no_speech);
    let unlike = result(&reference, &other, RATE);
    assert!(
        matches!(unlike, Err(Unmeasurable::NotAligned { .. })),
        "{unlike:?}"
    );
    let poisoned = vec![f32::NAN; 32_000];
    assert_eq!(result(&reference, &poisoned, RATE), Err(Unmeasurable::Silent));
}

/// Seconds of audio per second of computing; meant for a release build.
#[test]
#[ignore = "a figure, not a check"]
fn speed() {
    for rate in [8000, 16_000, 48_000] {
        let reference = speech_like(10.0, rate, 140);
        let recording = noisy(
            &framed(&slipped(&reference, rate as usize * 5, 160), rate),
            DbOv(-46.0),
            rate,
            1,
        );
        for (name, run) in [
            (
                "track",
                &(|| followed(&reference, &recording, rate).points.len()) as &dyn Fn() -> usize,
            ),
            ("compare", &|| {
                compare(&reference, &recording, rate, -1.0..2.0)
                    .expect("speech")
                    .intact_blocks
            }),
        ] {
            let begun = std::time::Instant::now();
            let count = run();
            println!(
                "{name} at {rate}: {:.0}x, {count} blocks",
                10.0 / begun.elapsed().as_secs_f64()
            );
        }
    }
}
