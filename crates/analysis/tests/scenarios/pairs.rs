//! Recordings against their references, the truth known.

use std::io::Cursor;

use voxproof_analysis::{
    DrawnPair, Loaded, NoteKind, PairOptions, PairRecord, ReadOptions, Selection, SoundReader, Subject,
    analyze, analyze_page, pair_table,
};
use voxproof_audio::mask::{Mask, built_in};
use voxproof_audio::resample::resample;
use voxproof_audio::stimulus::{speech_like, white_noise};

use crate::support::{chunk, fmt, riff, sixteen, wave16};

fn loaded(name: &str, bytes: &[u8]) -> Loaded {
    let reader = SoundReader::open(Cursor::new(bytes), &ReadOptions::default()).expect("a sound file");
    Loaded::read(name, reader, 1).expect("a channel")
}

pub(crate) fn sound(name: &str, samples: &[f32], rate: u32) -> Loaded {
    loaded(name, &wave16(&sixteen(samples), 1, rate))
}

fn options(only: &[String], mask: Option<Mask>) -> PairOptions {
    PairOptions {
        mask,
        ..PairOptions::of(Selection::of_words(Subject::Pair, only, &[], &[]).expect("groups"))
    }
}

/// Time, integrity and level: what needs no model.
fn compared(reference: &Loaded, degraded: &Loaded) -> PairRecord {
    let only = ["time", "integrity", "level"].map(str::to_owned);
    analyze(reference, degraded, &options(&only, None))
}

fn text(record: &PairRecord, quantity: &str) -> String {
    let result = record.results.iter().find(|result| result.quantity == quantity);
    result.unwrap_or_else(|| panic!("no {quantity}")).text()
}

fn value(record: &PairRecord, quantity: &str) -> f64 {
    let result = record.results.iter().find(|result| result.quantity == quantity);
    let result = result.unwrap_or_else(|| panic!("no {quantity}"));
    result
        .value
        .unwrap_or_else(|| panic!("{quantity}: {}", result.text()))
}

fn has(record: &PairRecord, kind: NoteKind, words: &str) -> bool {
    record
        .notes
        .iter()
        .any(|note| note.kind == kind && note.text.contains(words))
}

#[test]
fn delay_and_gain_are_those_that_were_put_in() {
    let speech = speech_like(6.0, 16_000, 11);
    let mut late = vec![0.0; 1234];
    late.extend(speech.iter().map(|x| x * 0.5));
    let record = compared(&sound("r.wav", &speech, 16_000), &sound("d.wav", &late, 16_000));
    assert!(
        (value(&record, "delay") - 77.125).abs() < 0.02,
        "{}",
        value(&record, "delay")
    );
    assert!((value(&record, "gain") + 6.02).abs() < 0.05);
    assert!((value(&record, "speech_level_difference") + 6.02).abs() < 0.1);
    assert_eq!(value(&record, "intact_share"), 100.0);
    assert_eq!(value(&record, "missing_time"), 0.0);
    assert_eq!(
        (value(&record, "delay_steps"), value(&record, "inverted")),
        (0.0, 0.0)
    );
    assert!(value(&record, "clock_drift").abs() < 1.0);
    assert!((value(&record, "length_difference") - 0.077).abs() < 0.001);
    assert!(record.notes.is_empty(), "{:?}", record.notes);
    assert!(
        record
            .curves
            .iter()
            .any(|curve| curve.curve == "delay_against_time")
    );
}

#[test]
fn what_is_lost_is_missed_and_what_is_inverted_is_noticed() {
    let speech = speech_like(6.0, 8000, 12);
    let mut holed: Vec<f32> = speech.iter().map(|x| -x).collect();
    holed[20_000..24_000].fill(0.0);
    let record = compared(&sound("r.wav", &speech, 8000), &sound("d.wav", &holed, 8000));
    let missing = value(&record, "missing_time");
    assert!((0.2..=0.51).contains(&missing), "{missing}");
    assert_eq!(value(&record, "inverted"), 1.0);
    assert!(value(&record, "intact_share") < 99.0);
}

#[test]
fn rates_that_differ_are_brought_together() {
    let speech = speech_like(5.0, 16_000, 13);
    let wide: Vec<f64> = speech.iter().map(|x| f64::from(*x)).collect();
    let up = resample(&wide, 16_000, 48_000).expect("rates");
    let mut late = vec![0.0f32; 4800];
    late.extend(up.into_iter().map(|x| x as f32));
    let record = compared(&sound("r.wav", &speech, 16_000), &sound("d.wav", &late, 48_000));
    assert_eq!(record.rate_hz, Some(16_000));
    assert!(has(&record, NoteKind::Converted, "48000"));
    assert!((value(&record, "delay") - 100.0).abs() < 0.1);
    assert!(value(&record, "signal_to_noise_and_distortion") > 30.0);
}

#[test]
fn a_wrong_label_is_suspected_and_measures_nothing() {
    let speech = speech_like(8.0, 16_000, 14);
    let right = sound("r.wav", &speech, 16_000);
    let wrong = sound("d.wav", &speech, 8000);
    let record = compared(&right, &wrong);
    assert!(
        has(&record, NoteKind::Suspicious, "16000 Hz"),
        "{:?}",
        record.notes
    );
    assert!(text(&record, "delay").contains("does not match the reference"));
}

#[test]
fn another_recording_is_no_recording_of_the_reference() {
    let reference = sound("r.wav", &speech_like(6.0, 8000, 15), 8000);
    let other = sound("d.wav", &speech_like(6.0, 8000, 99), 8000);
    let noise = sound(
        "d.wav",
        &white_noise(voxproof_audio::level::DbOv(-30.0), 6.0, 8000, 1),
        8000,
    );
    for recording in [other, noise] {
        let record = compared(&reference, &recording);
        for quantity in ["delay", "gain", "intact_share", "segmental_snr"] {
            assert!(
                text(&record, quantity).contains("does not match"),
                "{}",
                text(&record, quantity)
            );
        }
    }
}

#[test]
fn swapped_files_are_suspected() {
    let speech = speech_like(5.0, 8000, 16);
    let mut late = vec![0.0; 800];
    late.extend(&speech);
    let record = compared(&sound("d.wav", &late, 8000), &sound("r.wav", &speech, 8000));
    assert!((value(&record, "delay") + 100.0).abs() < 0.1);
    assert!(
        has(&record, NoteKind::Suspicious, "swapped"),
        "{:?}",
        record.notes
    );
}

#[test]
fn what_cannot_be_compared_says_why() {
    let speech = sound("r.wav", &speech_like(4.0, 8000, 17), 8000);
    let silent = sound("s.wav", &[0.0; 32_000], 8000);
    let empty = sound("e.wav", &[], 8000);
    let nan: Vec<u8> = [f32::NAN; 8000].iter().flat_map(|x| x.to_le_bytes()).collect();
    let nan = loaded("n.wav", &riff(&[fmt(3, 1, 8000, 32), chunk(b"data", &nan)]));
    for (reference, degraded, words) in [
        (&speech, &silent, "of the recording: the signal is silent"),
        (&silent, &speech, "of the reference: the signal is silent"),
        (&speech, &empty, "of the recording: there is nothing to measure"),
        (&empty, &speech, "of the reference: there is nothing to measure"),
        (&speech, &nan, "of the recording: 8000 samples are not numbers"),
    ] {
        let record = compared(reference, degraded);
        assert!(!record.results.is_empty());
        for result in &record.results {
            assert!(
                result.text().contains(words),
                "{}: {}",
                result.quantity,
                result.text()
            );
        }
    }
}

#[test]
fn more_noise_is_never_a_better_ratio() {
    let speech = speech_like(5.0, 8000, 18);
    let reference = sound("r.wav", &speech, 8000);
    let mut last = f64::INFINITY;
    for level in [-70.0, -60.0, -50.0, -40.0, -30.0] {
        let noise = white_noise(voxproof_audio::level::DbOv(level), 5.0, 8000, 4);
        let noisy: Vec<f32> = speech.iter().zip(&noise).map(|(a, b)| a + b).collect();
        let ratio = value(
            &compared(&reference, &sound("d.wav", &noisy, 8000)),
            "signal_to_noise_and_distortion",
        );
        assert!(ratio < last, "{level}: {ratio} {last}");
        last = ratio;
    }
}

#[test]
fn a_channel_that_is_not_there_is_a_mistake() {
    let bytes = wave16(&[0; 100], 2, 8000);
    for (channel, there) in [(0, false), (1, true), (2, true), (3, false)] {
        let reader = SoundReader::open(Cursor::new(&bytes), &ReadOptions::default()).expect("a sound file");
        let loaded = Loaded::read("x.wav", reader, channel);
        assert_eq!(loaded.is_ok(), there, "{channel}");
    }
}

#[test]
fn a_pair_has_a_table_and_a_page() {
    let speech = speech_like(4.0, 8000, 19);
    let pair = DrawnPair::of(
        &sound("r.wav", &speech, 8000),
        &sound("d.wav", &speech, 8000),
        &options(&["time".to_owned()], None),
    );
    assert!(pair_table(&pair.record).contains("delay"));
    let page = analyze_page(&[pair], "test").expect("a page");
    assert!(page.contains("Delay against time") && page.contains("Levels of both"));
}

#[test]
fn the_response_is_that_of_the_filter_and_is_held_against_a_mask() {
    let rate = 16_000;
    let noise = white_noise(voxproof_audio::level::DbOv(-26.0), 20.0, rate, 8);
    // low-pass of first order at 2 kHz: -3 dB there, -7 dB at 4 kHz
    let keep = (-std::f64::consts::TAU * 2000.0 / f64::from(rate)).exp() as f32;
    let mut state = 0.0;
    let soft: Vec<f32> = noise
        .iter()
        .map(|sample| {
            state = keep * state + (1.0 - keep) * sample;
            state
        })
        .collect();
    let mask = built_in()
        .into_iter()
        .find(|mask| mask.name().contains("hands-free-send"))
        .expect("a mask");
    let only = ["response".to_owned()];
    let (flat, soft) = (sound("r.wav", &noise, rate), sound("d.wav", &soft, rate));
    let same = analyze(&flat, &flat, &options(&only, Some(mask.clone())));
    assert!(value(&same, "response_ripple") < 0.01);
    assert!(value(&same, "response_high_edge") > 6000.0 && value(&same, "response_low_edge") < 130.0);
    // the upper limit is 0 dB at 100 Hz, the lower one -5 dB from 200 Hz: a flat response floats to the middle
    assert!((value(&same, "mask_margin") - 2.5).abs() < 0.1);
    let bent = analyze(&flat, &soft, &options(&only, Some(mask)));
    let edge = value(&bent, "response_high_edge");
    assert!((3000.0..5100.0).contains(&edge), "{edge}");
    assert!(value(&bent, "mask_margin") < value(&same, "mask_margin"));
    assert!(value(&bent, "mask_worst_at") >= 100.0);
    assert!(bent.curves.iter().any(|curve| curve.curve == "mask_lower"));
    let drawn = DrawnPair::of(&flat, &soft, &options(&only, built_in().into_iter().next()));
    let page = analyze_page(&[drawn], "test").expect("a page");
    assert!(page.contains("lower limit") && page.contains("Frequency response"));
}

#[test]
fn quality_falls_with_noise_and_is_best_for_the_same() {
    let speech = speech_like(6.0, 16_000, 21);
    let only = ["quality".to_owned()];
    let reference = sound("r.wav", &speech, 16_000);
    let score = |degraded: &Loaded| {
        value(
            &analyze(&reference, degraded, &options(&only, None)),
            "visqol_mos",
        )
    };
    let noise = white_noise(voxproof_audio::level::DbOv(-40.0), 6.0, 16_000, 4);
    let noisy: Vec<f32> = speech.iter().zip(&noise).map(|(a, b)| a + b).collect();
    let (same, worse) = (score(&reference), score(&sound("d.wav", &noisy, 16_000)));
    assert!((same - 5.0).abs() < 0.01, "{same}");
    assert!((1.0..4.5).contains(&worse), "{worse}");
}
