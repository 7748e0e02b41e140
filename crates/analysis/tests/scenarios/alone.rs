//! Files measured alone.

use voxproof_analysis::{
    DrawnFile, FileRecord, Group, MeasureOptions, QuantityResult, ReadOptions, Selection, SoundReader,
    Subject, file_table, measure, measure_and_draw, measure_page,
};
use voxproof_audio::level::DbOv;
use voxproof_audio::stimulus::{sine, speech_like};

use crate::support::{chunk, fmt, riff, sixteen, wave16};

pub(crate) fn record(bytes: &[u8]) -> FileRecord {
    let reader =
        SoundReader::open(std::io::Cursor::new(bytes), &ReadOptions::default()).expect("a sound file");
    measure(
        "x.wav",
        reader,
        &MeasureOptions::of(Selection::usual(Subject::File)),
    )
    .expect("it can be read")
}

fn find<'a>(record: &'a FileRecord, quantity: &str) -> &'a QuantityResult {
    record.channels[0]
        .results
        .iter()
        .find(|result| result.quantity == quantity)
        .unwrap_or_else(|| panic!("no {quantity}"))
}

fn value(record: &FileRecord, quantity: &str) -> f64 {
    let result = find(record, quantity);
    result
        .value
        .unwrap_or_else(|| panic!("{quantity}: {}", result.text()))
}

#[test]
fn a_tone_has_the_levels_of_a_tone() {
    let record = record(&wave16(
        &sixteen(&sine(1000.0, DbOv(-23.0), 2.0, 16_000)),
        1,
        16_000,
    ));
    assert!((value(&record, "rms_level") + 23.0).abs() < 0.01);
    assert!((value(&record, "peak_level") + 19.99).abs() < 0.02);
    assert!((value(&record, "crest_factor") - 3.01).abs() < 0.02);
    assert_eq!(value(&record, "clipped_runs"), 0.0);
    assert!(value(&record, "dc_offset").abs() < 1e-5);
    assert_eq!(record.seconds, 2.0);
}

#[test]
fn channels_are_measured_each_by_itself() {
    let left = sixteen(&sine(500.0, DbOv(-20.0), 1.0, 8000));
    let samples: Vec<i16> = left.iter().flat_map(|sample| [*sample, 0, sample / 2]).collect();
    let record = record(&wave16(&samples, 3, 8000));
    let level = |channel: usize| record.channels[channel].results[0].value;
    assert!((level(0).expect("a level") + 20.0).abs() < 0.01);
    assert_eq!(level(1), None, "silence has no level in dB");
    assert!((level(2).expect("a level") + 26.02).abs() < 0.02);
    assert_eq!(record.channels[2].channel, 3);
}

#[test]
fn silence_says_that_it_is_silence() {
    let record = record(&wave16(&[0; 16_000], 1, 8000));
    let text = find(&record, "rms_level").text();
    assert_eq!(text, "cannot be measured because the signal is silent");
    assert!(
        record.channels[0]
            .results
            .iter()
            .all(|result| result.value.is_none_or(f64::is_finite))
    );
}

#[test]
fn samples_that_are_no_numbers_give_no_figures() {
    let mut samples = sine(1000.0, DbOv(-20.0), 1.0, 8000);
    samples[4000] = f32::NAN;
    for samples in [samples, vec![f32::NAN; 8000], vec![f32::INFINITY; 8000]] {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let record = record(&riff(&[fmt(3, 1, 8000, 32), chunk(b"data", &data)]));
        for result in &record.channels[0].results {
            assert_eq!(result.value, None, "{}", result.quantity);
            assert!(result.text().contains("not numbers"), "{}", result.text());
        }
    }
}

#[test]
fn floats_on_the_scale_of_integers_give_no_figures() {
    let samples = sine(1000.0, DbOv(-20.0), 1.0, 8000);
    let data: Vec<u8> = samples
        .iter()
        .flat_map(|sample| (sample * 1e6).to_le_bytes())
        .collect();
    let record = record(&riff(&[fmt(3, 1, 8000, 32), chunk(b"data", &data)]));
    assert!(find(&record, "rms_level").text().contains("not scaled"));
    assert!(
        record.channels[0]
            .results
            .iter()
            .all(|result| result.value.is_none())
    );
}

#[test]
fn one_sample_and_none() {
    let one = record(&wave16(&[16_384], 1, 8000));
    assert!((value(&one, "rms_level") + 6.02).abs() < 0.01);
    assert!(find(&one, "rms_peak_level").text().contains("needs 0.050 s"));
    let none = record(&wave16(&[], 1, 8000));
    assert!(find(&none, "rms_level").text().contains("nothing to measure"));
}

#[test]
fn clipping_is_counted() {
    let hot: Vec<i16> = sine(400.0, DbOv(3.0), 1.0, 8000)
        .iter()
        .map(|x| (x * 32768.0) as i16)
        .collect();
    assert!((value(&record(&wave16(&hot, 1, 8000)), "clipped_runs") - 800.0).abs() <= 1.0);
}

#[test]
fn gain_shifts_levels_by_itself_and_rate_and_depth_shift_nothing() {
    let speech = speech_like(3.0, 16_000, 5);
    let of = |samples: &[f32]| {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        record(&riff(&[fmt(3, 1, 16_000, 32), chunk(b"data", &data)]))
    };
    let loud = of(&speech);
    let quiet = of(&speech.iter().map(|x| x * 0.1).collect::<Vec<_>>());
    for quantity in ["rms_level", "peak_level", "rms_peak_level"] {
        assert!(
            (value(&loud, quantity) - value(&quiet, quantity) - 20.0).abs() < 1e-3,
            "{quantity}"
        );
    }
    assert!((value(&loud, "crest_factor") - value(&quiet, "crest_factor")).abs() < 1e-3);
}

#[test]
fn the_table_and_the_page_say_the_same_and_foreign_names_do_no_harm() {
    let bytes = wave16(&sixteen(&speech_like(2.0, 8000, 3)), 1, 8000);
    let reader =
        SoundReader::open(std::io::Cursor::new(bytes), &ReadOptions::default()).expect("a sound file");
    let name = "<script>\u{1b}[2J.wav";
    let drawn = measure_and_draw(
        name,
        reader,
        &MeasureOptions::of(Selection::usual(Subject::File)),
        16_000,
    )
    .expect("it can be read");
    let level = find(&drawn.record, "rms_level").number().expect("a level");
    let table = file_table(&drawn.record);
    assert!(table.contains(&level) && !table.contains('\u{1b}'), "{table}");
    let page = measure_page(
        &[
            drawn,
            DrawnFile::undrawn(FileRecord::unreadable("bad.wav", "is empty".to_owned())),
        ],
        "test",
    )
    .expect("a page");
    assert!(page.contains(&level) && page.contains("&lt;script&gt;") && !page.contains("<script"));
    assert!(page.contains("is empty") && page.contains("<svg") && page.contains("data:image/png;base64,"));
    assert!(page.contains("prefers-color-scheme: dark"));
    // nothing comes from anywhere else
    assert!(!page.contains("http://") && !page.contains("https://"));
}

#[test]
fn every_group_gives_its_figures_for_speech_in_noise() {
    let rate = 16_000;
    let mut samples = voxproof_audio::stimulus::white_noise(DbOv(-65.0), 10.0, rate, 9);
    for (place, sample) in samples[rate as usize..].iter_mut().zip(speech_like(4.0, rate, 6)) {
        *place += sample;
    }
    let record = record(&wave16(&sixteen(&samples), 1, rate));
    for result in &record.channels[0].results {
        let tone = result.group == Group::Tone;
        assert!(
            result.value.is_some() || tone,
            "{}: {}",
            result.quantity,
            result.text()
        );
    }
    assert!((value(&record, "active_speech_level") + 26.0).abs() < 0.5);
    assert!((30.0..50.0).contains(&value(&record, "speech_activity")));
    assert!((value(&record, "noise_level") + 65.0).abs() < 0.5);
    assert!((value(&record, "speech_to_noise") - 39.0).abs() < 1.0);
    assert!(value(&record, "true_peak") >= value(&record, "peak_level"));
    assert!(value(&record, "a_weighted_level") < value(&record, "rms_level"));
    let spectrum = &record.channels[0].curves[0];
    assert_eq!(spectrum.curve, "third_octave_spectrum");
    let known = |hz: f64| spectrum.points.iter().any(|(x, y)| *x == hz && y.is_some());
    assert!(known(1000.0) && known(6300.0) && !known(10_000.0));
}

#[test]
fn a_tone_is_found_with_its_frequency_and_its_weighting() {
    let record = record(&wave16(
        &sixteen(&sine(1004.0, DbOv(-20.0), 4.0, 48_000)),
        1,
        48_000,
    ));
    assert!((value(&record, "tone_frequency") - 1004.0).abs() < 0.05);
    assert!((value(&record, "tone_level") + 20.0).abs() < 0.01);
    assert!(value(&record, "tone_share") > 30.0);
    assert!((value(&record, "a_weighted_level") + 20.0).abs() < 0.1);
    assert!((value(&record, "single_frequency_at") - 1004.0).abs() < 20.0);
    // a mono sine of 1 kHz: its rms, with the weighting of BS.1770 at most 0.05 dB from -0.691 + 0.65
    assert!((value(&record, "integrated_loudness") + 20.0).abs() < 0.2);
    assert!(find(&record, "noise_level").text().contains("there is no pause"));
}

#[test]
fn groups_are_left_out_and_the_rest_is_the_same() {
    let bytes = wave16(&sixteen(&speech_like(4.0, 8000, 3)), 1, 8000);
    let whole = record(&bytes);
    for group in Subject::File.usual().iter().copied() {
        let only = MeasureOptions::of(
            Selection::of_words(Subject::File, &[group.to_string()], &[], &[]).expect("a group"),
        );
        let reader =
            SoundReader::open(std::io::Cursor::new(&bytes), &ReadOptions::default()).expect("a sound file");
        let part = measure("x.wav", reader, &only).expect("it can be read");
        let wanted: Vec<_> = whole.channels[0]
            .results
            .iter()
            .filter(|result| result.group == group)
            .map(|result| (result.quantity, result.number(), result.not_measured.clone()))
            .collect();
        let got: Vec<_> = part.channels[0]
            .results
            .iter()
            .map(|result| (result.quantity, result.number(), result.not_measured.clone()))
            .collect();
        if group != Group::Weighted {
            assert_eq!(got, wanted, "{group}");
        } else {
            // their spectrum is coarser when nothing else needs it
            assert_eq!(got.len(), wanted.len());
        }
    }
}
