//! What must hold between figures whatever the recording: the relations of a measuring instrument.

use std::io::Cursor;

use proptest::prelude::*;
use voxproof_analysis::{
    FileRecord, MeasureOptions, PairOptions, PairRecord, ReadOptions, Selection, SoundReader, Subject,
    analyze, measure,
};
use voxproof_audio::level::DbOv;
use voxproof_audio::resample::resample;
use voxproof_audio::stimulus::{speech_like, white_noise};

use crate::pairs::sound;
use crate::support::{chunk, fmt, riff, sixteen, wave16};

fn measured(bytes: &[u8]) -> FileRecord {
    let reader = SoundReader::open(Cursor::new(bytes), &ReadOptions::default()).expect("a sound file");
    measure(
        "x.wav",
        reader,
        &MeasureOptions::of(Selection::usual(Subject::File)),
    )
    .expect("it can be read")
}

fn floats(samples: &[f32], channels: u16, rate: u32) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    riff(&[fmt(3, channels, rate, 32), chunk(b"data", &data)])
}

fn figure(record: &FileRecord, channel: usize, quantity: &str) -> f64 {
    let results = &record.channels[channel].results;
    let found = results.iter().find(|result| result.quantity == quantity);
    let found = found.unwrap_or_else(|| panic!("no {quantity}"));
    found
        .value
        .unwrap_or_else(|| panic!("{quantity}: {}", found.text()))
}

fn compared(reference: &[f32], recording: &[f32], rate: u32) -> PairRecord {
    let only = ["time", "integrity", "level"].map(str::to_owned);
    let options = PairOptions::of(Selection::of_words(Subject::Pair, &only, &[], &[]).expect("groups"));
    analyze(
        &sound("r.wav", reference, rate),
        &sound("d.wav", recording, rate),
        &options,
    )
}

fn of_pair(record: &PairRecord, quantity: &str) -> f64 {
    let found = record.results.iter().find(|result| result.quantity == quantity);
    let found = found.unwrap_or_else(|| panic!("no {quantity}"));
    found
        .value
        .unwrap_or_else(|| panic!("{quantity}: {}", found.text()))
}

fn converted(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    let wide: Vec<f64> = samples.iter().map(|x| f64::from(*x)).collect();
    let converted = resample(&wide, from, to).expect("rates");
    converted.into_iter().map(|x| x as f32).collect()
}

/// Quantities that are levels: they follow the gain.
const LEVELS: [&str; 8] = [
    "rms_level",
    "peak_level",
    "active_speech_level",
    "a_weighted_level",
    "c_weighted_level",
    "psophometric_level",
    "integrated_loudness",
    "true_peak",
];

#[test]
fn gain_shifts_levels_by_itself_at_every_rate() {
    for rate in [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000] {
        let speech = speech_like(4.0, rate, 5);
        let quiet: Vec<f32> = speech.iter().map(|x| x * 0.1).collect();
        let (loud, quiet) = (
            measured(&floats(&speech, 1, rate)),
            measured(&floats(&quiet, 1, rate)),
        );
        for quantity in LEVELS {
            let shift = figure(&loud, 0, quantity) - figure(&quiet, 0, quantity);
            // the speech level is read to a tenth of a dB
            let bound = if quantity == "active_speech_level" {
                0.1
            } else {
                2e-3
            };
            assert!((shift - 20.0).abs() < bound, "{rate} {quantity}: {shift}");
        }
    }
}

#[test]
fn resampling_changes_figures_by_less_than_their_bound() {
    let speech = speech_like(6.0, 16_000, 8);
    let native = measured(&floats(&speech, 1, 16_000));
    for rate in [32_000, 44_100, 48_000, 96_000] {
        let record = measured(&floats(&converted(&speech, 16_000, rate), 1, rate));
        for (quantity, bound) in [
            ("rms_level", 0.02),
            ("active_speech_level", 0.1),
            ("a_weighted_level", 0.05),
            ("c_weighted_level", 0.05),
            // the shelf of the K weighting is warped at 16 kHz
            ("integrated_loudness", 0.15),
            ("true_peak", 0.2),
        ] {
            let change = figure(&record, 0, quantity) - figure(&native, 0, quantity);
            assert!(change.abs() < bound, "{rate} {quantity}: {change}");
        }
    }
}

#[test]
fn word_lengths_and_channels_change_nothing() {
    let speech = speech_like(3.0, 16_000, 6);
    let float = measured(&floats(&speech, 1, 16_000));
    let deep: Vec<u8> = speech
        .iter()
        .flat_map(|x| ((f64::from(*x) * 8_388_608.0) as i32).to_le_bytes()[..3].to_vec())
        .collect();
    let deep = measured(&riff(&[fmt(1, 1, 16_000, 24), chunk(b"data", &deep)]));
    let short = measured(&wave16(&sixteen(&speech), 1, 16_000));
    for quantity in LEVELS {
        let value = figure(&float, 0, quantity);
        assert!((figure(&deep, 0, quantity) - value).abs() < 1e-3, "{quantity}");
        assert!((figure(&short, 0, quantity) - value).abs() < 0.02, "{quantity}");
    }
    for channels in 1..=8u16 {
        let interleaved: Vec<f32> = speech
            .iter()
            .flat_map(|x| (1..=channels).map(move |n| x / f32::from(n)))
            .collect();
        let record = measured(&floats(&interleaved, channels, 16_000));
        assert_eq!(record.channels.len(), usize::from(channels));
        for channel in 0..usize::from(channels) {
            let lower = 20.0 * (channel as f64 + 1.0).log10();
            let shift = figure(&float, 0, "rms_level") - figure(&record, channel, "rms_level");
            assert!((shift - lower).abs() < 1e-4, "{channels} {channel}: {shift}");
        }
    }
}

#[test]
fn an_identical_pair_has_the_best_of_everything() {
    for rate in [8000, 16_000, 48_000] {
        let speech = speech_like(4.0, rate, 9);
        let record = compared(&speech, &speech, rate);
        assert!(of_pair(&record, "delay").abs() < 1e-3 && of_pair(&record, "gain").abs() < 1e-3);
        assert_eq!(of_pair(&record, "intact_share"), 100.0);
        assert!(of_pair(&record, "signal_to_noise_and_distortion") >= 90.0);
        assert!((of_pair(&record, "segmental_snr") - 35.0).abs() < 1e-9);
        assert!((of_pair(&record, "delay_confidence") - 1.0).abs() < 1e-6);
    }
}

#[test]
fn swapping_the_two_turns_delay_and_gain_around() {
    let rate = 16_000;
    let speech = speech_like(6.0, rate, 10);
    let mut late = vec![0.0; 800];
    late.extend(speech.iter().map(|x| x * 0.5));
    let (there, back) = (compared(&speech, &late, rate), compared(&late, &speech, rate));
    for quantity in [
        "delay",
        "gain",
        "speech_level_difference",
        "length_difference",
        "clock_drift",
    ] {
        let sum = of_pair(&there, quantity) + of_pair(&back, quantity);
        assert!(sum.abs() < 0.02, "{quantity}: {sum}");
    }
}

#[test]
fn delay_and_gain_are_what_was_put_in_at_every_rate() {
    for rate in [8000, 11_025, 16_000, 44_100, 96_000] {
        let speech = speech_like(3.0, rate, 12);
        let mut late = vec![0.0; rate as usize / 20];
        late.extend(speech.iter().map(|x| x * 0.25));
        let record = compared(&speech, &late, rate);
        let truth = f64::from(rate / 20) / f64::from(rate) * 1e3;
        assert!(
            (of_pair(&record, "delay") - truth).abs() < 0.02,
            "{rate}: {}",
            of_pair(&record, "delay")
        );
        assert!((of_pair(&record, "gain") + 12.04).abs() < 0.05, "{rate}");
    }
}

#[test]
fn a_slip_a_lost_packet_drift_quiet_and_noise_do_not_break_the_alignment() {
    let rate = 8000;
    let speech = speech_like(9.0, rate, 14);
    let half = speech.len() / 2;
    // a jitter buffer drops 30 ms
    let mut slipped = speech.clone();
    slipped.drain(half..half + 240);
    let record = compared(&speech, &slipped, rate);
    assert_eq!(of_pair(&record, "delay_steps"), 1.0);
    assert!((of_pair(&record, "delay_spread") - 30.0).abs() < 0.1);
    // 20 ms are silent in the middle of a loud stretch
    let loud = (half..speech.len() - 160)
        .max_by(|a, b| {
            let power = |at: usize| speech[at..at + 160].iter().map(|x| x * x).sum::<f32>();
            power(*a).total_cmp(&power(*b))
        })
        .expect("samples");
    let mut lost = speech.clone();
    lost[loud..loud + 160].fill(0.0);
    let record = compared(&speech, &lost, rate);
    assert_eq!(of_pair(&record, "delay_steps"), 0.0);
    assert!((0.01..=0.03).contains(&of_pair(&record, "missing_time")));
    // 200 ppm
    let drifting: Vec<f32> = (0..speech.len())
        .map(|n| {
            let at = n as f64 * (1.0 - 200e-6);
            let (index, part) = (at as usize, at.fract() as f32);
            let next = speech.get(index + 1).copied().unwrap_or(0.0);
            speech[index] * (1.0 - part) + next * part
        })
        .collect();
    let record = compared(&speech, &drifting, rate);
    assert!(
        (of_pair(&record, "clock_drift") - 200.0).abs() < 10.0,
        "{}",
        of_pair(&record, "clock_drift")
    );
    assert_eq!(of_pair(&record, "delay_steps"), 0.0);
    // 40 dB quieter
    let quiet: Vec<f32> = speech.iter().map(|x| x * 0.01).collect();
    let record = compared(&speech, &quiet, rate);
    assert!(of_pair(&record, "delay").abs() < 0.05 && (of_pair(&record, "gain") + 40.0).abs() < 0.2);
    // noise as loud as the speech
    let noise = white_noise(DbOv(-26.0), 9.0, rate, 3);
    let mut late = vec![0.0; 400];
    late.extend(&speech);
    let noisy: Vec<f32> = late.iter().zip(&noise).map(|(a, b)| a + b).collect();
    let record = compared(&speech, &noisy, rate);
    assert!(
        (of_pair(&record, "delay") - 50.0).abs() < 0.1,
        "{}",
        of_pair(&record, "delay")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_recording_has_figures_or_reasons(
        samples in proptest::collection::vec(prop_oneof![any::<f32>(), -1.0f32..1.0], 0..4000),
        channels in 1..=8u16, rate in prop_oneof![8000..=96_000u32, Just(8000)],
    ) {
        let whole = samples.len() / usize::from(channels) * usize::from(channels);
        let bytes = floats(&samples[..whole], channels, rate);
        let reader = SoundReader::open(Cursor::new(&bytes), &ReadOptions::default()).expect("a sound file");
        let also = ["dtmf", "progress", "glitches"].map(str::to_owned);
        let selection = Selection::of_words(Subject::File, &[], &also, &[]).expect("groups");
        let record = measure("x.wav", reader, &MeasureOptions::of(selection)).expect("it can be read");
        prop_assert_eq!(record.channels.len(), usize::from(channels));
        for result in record.channels.iter().flat_map(|channel| &channel.results) {
            prop_assert!(result.value.is_none_or(f64::is_finite));
            prop_assert_eq!(result.value.is_none(), result.not_measured.is_some(), "{}", result.quantity);
        }
    }

    #[test]
    fn any_pair_has_figures_or_reasons(
        samples in proptest::collection::vec(-1.0f32..1.0, 0..6000), seed: u64, seconds in 0.0f64..0.8,
    ) {
        let also = ["echo", "distortion", "rating", "glitches", "jitter-buffer"].map(str::to_owned);
        let selection = Selection::of_words(Subject::Pair, &[], &also, &[]).expect("groups");
        let (first, second) = (sound("r.wav", &samples, 8000), sound("d.wav", &speech_like(seconds, 8000, seed), 8000));
        for (reference, recording) in [(&first, &second), (&second, &first)] {
            let record = analyze(reference, recording, &PairOptions::of(selection.clone()));
            for result in &record.results {
                prop_assert!(result.value.is_none_or(f64::is_finite));
                prop_assert_eq!(result.value.is_none(), result.not_measured.is_some(), "{}", result.quantity);
            }
        }
    }
}
