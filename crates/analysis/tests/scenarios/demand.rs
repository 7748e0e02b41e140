//! What is measured only on demand, of signals of which everything is known.

use voxproof_analysis::{
    FileRecord, Loaded, MeasureOptions, PairOptions, PairRecord, QuantityResult, Rating, ReadOptions,
    Selection, SoundReader, Stimulus, Subject, analyze, measure,
};
use voxproof_audio::calibration::read_calibrations;
use voxproof_audio::curve::Curve;
use voxproof_audio::level::{DbOv, Plane};
use voxproof_audio::quality::external;
use voxproof_audio::stimulus::{Description, named, pink_noise, sine, speech_like, white_noise};

use crate::pairs::sound;
use crate::support::{sixteen, wave16};

fn options(group: &str) -> PairOptions {
    PairOptions::of(Selection::of_words(Subject::Pair, &[group.to_owned()], &[], &[]).expect("a group"))
}

fn result<'a>(results: &'a [QuantityResult], quantity: &str) -> &'a QuantityResult {
    let found = results.iter().find(|result| result.quantity == quantity);
    found.unwrap_or_else(|| panic!("no {quantity}"))
}

fn value(record: &PairRecord, quantity: &str) -> f64 {
    let result = result(&record.results, quantity);
    result
        .value
        .unwrap_or_else(|| panic!("{quantity}: {}", result.text()))
}

fn text(record: &PairRecord, quantity: &str) -> String {
    result(&record.results, quantity).text()
}

fn has_curve(record: &PairRecord, name: &str) -> bool {
    record
        .curves
        .iter()
        .any(|curve| curve.curve == name && curve.points.len() > 2)
}

fn measured(samples: &[f32], rate: u32, only: &[&str], plane: Option<Plane>) -> FileRecord {
    let only: Vec<String> = only.iter().map(|word| (*word).to_owned()).collect();
    let options = MeasureOptions {
        plane,
        ..MeasureOptions::of(Selection::of_words(Subject::File, &only, &[], &[]).expect("groups"))
    };
    let bytes = wave16(&sixteen(samples), 1, rate);
    let reader =
        SoundReader::open(std::io::Cursor::new(bytes), &ReadOptions::default()).expect("a sound file");
    measure("x.wav", reader, &options).expect("it can be read")
}

fn late(samples: &[f32], count: usize, gain: f32) -> Vec<f32> {
    let mut recording = vec![0.0; count];
    recording.extend(samples.iter().map(|sample| sample * gain));
    recording
}

fn description(name: &str, rate: u32) -> Description {
    named(name, rate).expect("a name of the list")
}

#[test]
fn an_echo_has_its_loss_its_level_and_its_delay() {
    let rate = 48_000;
    let played = description("css", rate).samples().expect("a signal");
    let returned = late(&played, 2400, 0.01);
    let options = PairOptions {
        plane: Some(Plane::ALaw),
        ..options("echo")
    };
    let record = analyze(
        &sound("r.wav", &played, rate),
        &sound("d.wav", &returned, rate),
        &options,
    );
    for quantity in [
        "coupling_loss_narrowband",
        "coupling_loss_wideband",
        "coupling_loss_hands_free",
    ] {
        assert!(
            (value(&record, quantity) - 40.0).abs() < 0.15,
            "{quantity}: {}",
            value(&record, quantity)
        );
    }
    assert!((value(&record, "stability_loss") - 40.0).abs() < 1.0);
    assert!((value(&record, "echo_delay") - 50.0).abs() < 0.1);
    assert!((value(&record, "echo_return_loss") - 40.0).abs() < 0.2);
    assert!(value(&record, "echo_degradation") < 0.5);
    let (level, on_plane) = (value(&record, "echo_level"), value(&record, "echo_level_dbm0"));
    assert!(
        (on_plane - level - 6.15).abs() < 1e-9 && (-70.0..-55.0).contains(&level),
        "{level}"
    );
    for curve in [
        "echo_level_against_time",
        "echo_loss_against_time",
        "echo_response",
    ] {
        assert!(has_curve(&record, curve), "{curve}");
    }
    // a rate that does not reach says so
    let narrow = analyze(
        &sound("r.wav", &speech_like(4.0, 8000, 1), 8000),
        &sound("d.wav", &speech_like(4.0, 8000, 1), 8000),
        &options,
    );
    assert!(text(&narrow, "coupling_loss_wideband").contains("does not reach"));
    assert!(value(&narrow, "coupling_loss_narrowband").abs() < 0.1);
}

#[test]
fn an_echo_that_gets_worse_has_its_degradation() {
    let rate = 16_000;
    let played = white_noise(DbOv(-20.0), 6.0, rate, 3);
    let returned: Vec<f32> = (0..)
        .zip(&played)
        .map(|(n, sample)| sample * if n < 48_000 { 0.01 } else { 0.02 })
        .collect();
    let record = analyze(
        &sound("r.wav", &played, rate),
        &sound("d.wav", &late(&returned, 320, 1.0), rate),
        &options("echo"),
    );
    assert!(
        (value(&record, "echo_degradation") - 6.0).abs() < 0.7,
        "{}",
        value(&record, "echo_degradation")
    );
    assert!((value(&record, "echo_delay") - 20.0).abs() < 0.1);
}

#[test]
fn a_tone_has_the_distortion_of_the_limiter() {
    let rate = 16_000;
    let tone = sine(1020.0, DbOv(-9.03), 3.0, rate);
    let limited: Vec<f32> = tone.iter().map(|sample| sample.clamp(-0.25, 0.25)).collect();
    let (reference, clean) = (
        sound("r.wav", &tone, rate),
        sound("c.wav", &late(&tone, 500, 0.5), rate),
    );
    let hard = analyze(
        &reference,
        &sound("d.wav", &late(&limited, 500, 1.0), rate),
        &options("distortion"),
    );
    let soft = analyze(&reference, &clean, &options("distortion"));
    // cut at half the amplitude: harmonics 3, 5 and 7 lie in the band
    assert!(
        (20.0..25.0).contains(&value(&hard, "thd")),
        "{}",
        value(&hard, "thd")
    );
    assert!(value(&hard, "signal_to_distortion") < 14.0);
    assert!(value(&soft, "thd") < 0.05 && value(&soft, "signal_to_distortion") > 70.0);
    assert!((value(&soft, "signal_to_distortion_at") - 1020.0).abs() < 0.1);
    let unweighted = result(&hard.results, "signal_to_distortion").caveat.clone();
    assert!(unweighted.expect("a caveat").contains("unweighted"));
    let options = PairOptions {
        weighting: Some(Curve::new(vec![(20.0, -6.0), (8000.0, -6.0)]).expect("a curve")),
        ..options("distortion")
    };
    let weighted = analyze(
        &reference,
        &sound("d.wav", &late(&limited, 500, 1.0), rate),
        &options,
    );
    let gained = value(&weighted, "signal_to_distortion") - value(&hard, "signal_to_distortion");
    assert!((gained - 6.0).abs() < 0.05, "{gained}");
    let speech = sound("s.wav", &speech_like(3.0, rate, 2), rate);
    assert!(
        analyze(&speech, &speech, &options)
            .results
            .iter()
            .all(|result| result.quantity != "sdr_margin")
    );
}

#[test]
fn tones_one_after_the_other_are_held_against_their_limits() {
    let rate = 16_000;
    for (name, limited_below) in [("sdr-levels", 30.0), ("sdr-frequencies", 28.0)] {
        let description = description(name, rate);
        let played = description.samples().expect("a signal");
        let noise = white_noise(DbOv(-75.0), 20.0, rate, 9);
        let add = |noise_gain: f32| -> Vec<f32> {
            late(&played, 700, 1.0)
                .iter()
                .zip(&noise)
                .map(|(a, b)| a + b * noise_gain)
                .collect()
        };
        let options = PairOptions {
            stimulus: Some(Stimulus::Named(name.to_owned())),
            ..options("distortion")
        };
        let of = |recording: &[f32]| {
            analyze(
                &sound("r.wav", &played, rate),
                &sound("d.wav", recording, rate),
                &options,
            )
        };
        let (good, bad) = (of(&add(1.0)), of(&add(60.0)));
        assert!(
            value(&good, "sdr_margin") > 5.0,
            "{name}: {}",
            value(&good, "sdr_margin")
        );
        assert!(
            value(&bad, "sdr_margin") < 0.0,
            "{name}: {}",
            value(&bad, "sdr_margin")
        );
        assert!(value(&bad, "signal_to_distortion") < limited_below);
        for curve in ["signal_to_distortion", "signal_to_distortion_limit"] {
            assert!(has_curve(&good, curve), "{name} {curve}");
        }
    }
}

#[test]
fn a_sweep_and_pulsed_noise_have_their_distortion() {
    let rate = 16_000;
    for (name, clean, dirty) in [
        ("log-sweep", "sweep_thd_largest", "sweep_distortion"),
        ("pulsed-noise", "sdnr_least", "signal_to_distortion_and_noise"),
    ] {
        let description = description(name, rate);
        let played = description.samples().expect("a signal");
        let options = PairOptions {
            stimulus: Some(Stimulus::Described(Box::new(description))),
            ..options("distortion")
        };
        // a second harmonic: x + x^2 / 4
        let bent: Vec<f32> = played.iter().map(|x| x + 0.25 * x * x).collect();
        let of = |recording: &[f32]| {
            analyze(
                &sound("r.wav", &played, rate),
                &sound("d.wav", &late(recording, 333, 1.0), rate),
                &options,
            )
        };
        let (good, bad) = (of(&played), of(&bent));
        let (good_value, bad_value) = (value(&good, clean), value(&bad, clean));
        if name == "log-sweep" {
            // the amplitude at -16 dBov is 0.2241: the second harmonic is an eighth of that, 2.80 %
            assert!(
                good_value < 0.1 && (2.7..4.0).contains(&bad_value),
                "{good_value} {bad_value}"
            );
            let curve = bad
                .curves
                .iter()
                .find(|curve| curve.curve == dirty)
                .expect("a curve");
            let at_1_khz = curve
                .points
                .iter()
                .find(|point| point.0 > 1000.0)
                .and_then(|point| point.1);
            assert!((at_1_khz.expect("a value") - 2.80).abs() < 0.05, "{at_1_khz:?}");
            assert!(has_curve(&bad, "sweep_response"));
        } else {
            assert!(
                good_value > 45.0 && bad_value < good_value - 5.0,
                "{good_value} {bad_value}"
            );
        }
        assert!(has_curve(&bad, dirty), "{name}");
    }
}

fn calibrations(reference: f64, recording: f64) -> String {
    [("reference", reference), ("recording", recording)]
        .map(|(name, factor)| {
            format!(
                "[[channel]]\nname = \"{name}\"\npascal_per_full_scale = {factor:?}\ninstrument = \"calibrator\"\n\
                 date = \"2026-11-20\"\nuncertainty_db = 0.3\n\
                 [channel.before]\ndate = \"2026-11-21\"\npascal_per_full_scale = {factor:?}\n\
                 [channel.after]\ndate = \"2026-11-21\"\npascal_per_full_scale = {factor:?}\n"
            )
        })
        .concat()
}

#[test]
fn flat_paths_have_the_loudness_ratings_of_p79() {
    let rate = 16_000;
    let noise = pink_noise(DbOv(-20.0), 10.0, rate, 5);
    // 0 dBov on the A-law plane is 6.15 dBm0, 3.93 dBV
    let volt = 6.15 - 2.2185;
    let gain = |db: f64| 10f64.powf(db / 20.0) as f32;
    let of = |rating, gain_db: f64, pascals: (f64, f64)| {
        let recording: Vec<f32> = noise.iter().map(|x| x * gain(gain_db)).collect();
        let options = PairOptions {
            rating: Some(rating),
            plane: Some(Plane::ALaw),
            calibrations: read_calibrations(&calibrations(pascals.0, pascals.1)).expect("calibrations"),
            ..options("rating")
        };
        analyze(
            &sound("r.wav", &noise, rate),
            &sound("d.wav", &recording, rate),
            &options,
        )
    };
    let send = of(Rating::Send, -13.55 - volt, (1.0, 1.0));
    assert!(
        (value(&send, "send_loudness_rating") - 8.0).abs() < 0.05,
        "{}",
        text(&send, "send_loudness_rating")
    );
    let found = result(&send.results, "send_loudness_rating");
    assert!((found.uncertainty.expect("a budget").expanded - 0.3).abs() < 1e-9);
    assert!(found.caveat.clone().expect("a caveat").contains("P.79 table 1"));
    assert!(has_curve(&send, "sensitivity"));
    // ten times the pascals at full scale is 20 dB less sensitive
    let louder = of(Rating::Send, -13.55 - volt + 20.0, (10.0, 1.0));
    assert!((value(&louder, "send_loudness_rating") - 8.0).abs() < 0.05);
    let receive = of(Rating::Receive, 8.13 + volt - 20.0, (1.0, 10.0));
    assert!((value(&receive, "receive_loudness_rating") - 2.0).abs() < 0.05);
    let sidetone = of(Rating::Sidetone, -20.0, (1.0, 1.0));
    assert!(text(&sidetone, "sidetone_masking_rating").contains("was not given"));
}

#[test]
fn without_calibration_there_is_no_rating() {
    let noise = sound("r.wav", &pink_noise(DbOv(-20.0), 4.0, 16_000, 5), 16_000);
    let none = analyze(&noise, &noise, &options("rating"));
    assert!(text(&none, "send_loudness_rating").contains("--rating"));
    let uncalibrated = PairOptions {
        rating: Some(Rating::Send),
        plane: Some(Plane::ALaw),
        ..options("rating")
    };
    assert!(text(&analyze(&noise, &noise, &uncalibrated), "send_loudness_rating").contains("no calibration"));
    let unchecked = "[[channel]]\nname = \"reference\"\npascal_per_full_scale = 1.0\ninstrument = \"x\"\ndate = \"2026-11-20\"\n";
    let unchecked = PairOptions {
        calibrations: read_calibrations(unchecked).expect("calibrations"),
        ..uncalibrated
    };
    assert!(
        text(&analyze(&noise, &noise, &unchecked), "send_loudness_rating").contains("was not checked before")
    );
    let no_plane = PairOptions {
        plane: None,
        calibrations: read_calibrations(&calibrations(1.0, 1.0)).expect("calibrations"),
        ..unchecked
    };
    assert!(text(&analyze(&noise, &noise, &no_plane), "send_loudness_rating").contains("--plane"));
}

#[test]
fn glitches_are_counted_alone_and_in_pairs() {
    let rate = 48_000;
    let mut samples = description("counter", rate).samples().expect("a signal");
    samples.truncate(5 * 48_000);
    let whole = sound("r.wav", &samples, rate);
    samples.drain(100_000..100_960);
    let file = measured(&samples, rate, &["glitches"], None);
    let results = &file.channels[0].results;
    assert_eq!(result(results, "glitches").value, Some(1.0));
    assert_eq!(result(results, "samples_lost").value, Some(960.0));
    let event = &file.channels[0].events[0];
    assert_eq!((event.event, event.at_s), ("lost", 100_000.0 / 48_000.0));
    let pair = analyze(&whole, &sound("d.wav", &samples, rate), &options("glitches"));
    assert_eq!(value(&pair, "samples_lost"), 960.0);
    assert_eq!(pair.events.len(), 1);
}

#[test]
fn digits_and_levels_are_told_on_the_plane() {
    let samples = description("dtmf", 8000).samples().expect("a signal");
    let file = measured(&samples, 8000, &["levels", "dtmf"], Some(Plane::MuLaw));
    let of = |id: &str| {
        result(&file.channels[0].results, id)
            .value
            .unwrap_or_else(|| panic!("no {id}"))
    };
    assert_eq!(of("dtmf_digits"), 16.0);
    assert!(
        (of("dtmf_low_level_dbm0") + 10.97).abs() < 0.05,
        "{}",
        of("dtmf_low_level_dbm0")
    );
    assert!((of("rms_level_dbm0") - of("rms_level") - 6.18).abs() < 1e-9);
    let keyed: String = file.channels[0]
        .events
        .iter()
        .map(|event| event.what.as_str())
        .collect();
    assert_eq!(keyed, "1234567890*#ABCD");
    let without = measured(&samples, 8000, &["levels", "dtmf"], None);
    assert!(
        without.channels[0]
            .results
            .iter()
            .all(|result| !result.quantity.ends_with("dbm0"))
    );
}

#[test]
fn a_buffer_at_work_has_its_delays_and_its_loss_of_quality() {
    let rate = 16_000;
    let speech = speech_like(10.0, rate, 31);
    let calm = late(&speech, 1600, 1.0);
    // a fifth of the packets of the second half is lost
    let mut lost = calm.clone();
    let half = lost.len() / 2;
    for (number, packet) in lost[half..].chunks_mut(320).enumerate() {
        if number % 5 == 0 {
            packet.fill(0.0);
        }
    }
    let of = |recording: &[f32]| {
        let options = PairOptions {
            undisturbed: Some(sound("u.wav", &calm, rate)),
            ..options("jitter-buffer")
        };
        analyze(
            &sound("r.wav", &speech, rate),
            &sound("d.wav", recording, rate),
            &options,
        )
    };
    let (same, worse) = (of(&calm), of(&lost));
    assert!((value(&same, "delay_of_first_sentence") - 100.0).abs() < 0.1);
    assert_eq!(value(&same, "quality_loss_largest"), 0.0);
    assert!(
        value(&worse, "quality_loss_largest") > 0.3,
        "{}",
        value(&worse, "quality_loss_largest")
    );
    assert!(value(&worse, "sentence_mos") < value(&same, "sentence_mos"));
    assert!(
        worse
            .curves
            .iter()
            .any(|curve| curve.curve == "quality_loss_histogram")
    );
    let without = analyze(
        &sound("r.wav", &speech, rate),
        &sound("d.wav", &calm, rate),
        &options("jitter-buffer"),
    );
    assert!(text(&without, "quality_loss_median").contains("--undisturbed"));
}

#[test]
fn a_noise_reduction_is_held_against_its_input_and_the_clean_speech() {
    let rate = 16_000;
    let clean = [speech_like(6.0, rate, 5), vec![0.0; 16_000]].concat();
    let noise = white_noise(DbOv(-50.0), 8.0, rate, 6);
    let mixed = |late_by: usize, speech_gain: f32, noise_gain: f32| -> Vec<f32> {
        let speech = late(&clean, late_by, 1.0);
        let pairs = speech.iter().zip(&noise);
        pairs
            .map(|(speech, noise)| speech * speech_gain + noise * noise_gain)
            .collect()
    };
    // 20 ms through the device, which takes 12 dB off the noise and 1 dB off the speech
    let (input, output) = (mixed(160, 1.0, 1.0), mixed(480, 0.891, 0.251));
    let of = |clean: Option<Loaded>| {
        let options = PairOptions {
            clean,
            ..options("noise-reduction")
        };
        analyze(
            &sound("in.wav", &input, rate),
            &sound("out.wav", &output, rate),
            &options,
        )
    };
    let found = of(Some(sound("clean.wav", &clean, rate)));
    assert!((value(&found, "noise_level_change") + 12.0).abs() < 0.2);
    assert!((value(&found, "speech_level_change") + 1.0).abs() < 0.1);
    assert!((value(&found, "signal_to_noise_change") - 11.0).abs() < 0.3);
    assert!(text(&of(None), "noise_level_change").contains("--clean"));
    let stranger = of(Some(sound(
        "other.wav",
        &white_noise(DbOv(-20.0), 7.0, rate, 9),
        rate,
    )));
    assert!(text(&stranger, "noise_level_change").contains("cannot be measured"));
}

#[test]
fn a_model_outside_this_program_is_asked_and_named() {
    let script =
        "head -c 4 \"$0\" | grep -q RIFF && head -c 4 \"$1\" | grep -q RIFF && echo '{\"mos\": 4.25}'";
    let model = |program: &str| {
        let text = format!(
            "name = \"P.863\"\nprogram = \"{program}\"\narguments = [\"-c\", {:?}, \"{{reference}}\", \"{{degraded}}\"]\n\
             version_arguments = [\"-c\", \"echo model 3.0\"]\ntime_limit_s = 60.0\n\
             [scores.MOS-LQO]\npointer = \"/mos\"\nlowest = 1.0\nhighest = 5.0\n",
            script
        );
        external::Description::parse(&text).expect("a description")
    };
    let options = PairOptions {
        models: vec![model("/bin/sh"), model("/no/such/program")],
        ..options("glitches")
    };
    let speech = sound("r.wav", &speech_like(6.0, 8000, 15), 8000);
    let record = analyze(&speech, &speech, &options);
    let [scored, absent] = record.models.as_slice() else {
        panic!("{:?}", record.models);
    };
    assert_eq!(scored.scores["MOS-LQO"], 4.25);
    assert_eq!(scored.version.as_deref(), Some("model 3.0"));
    assert_eq!(scored.program_sha256.as_ref().map(String::len), Some(64));
    let reason = absent.not_measured.as_ref().expect("a reason");
    assert!(
        absent.scores.is_empty() && reason.because.contains("cannot be read"),
        "{reason:?}"
    );
    // what does not belong together has no score
    let other = sound("d.wav", &speech_like(6.0, 8000, 99), 8000);
    let apart = analyze(&speech, &other, &options);
    assert!(apart.models.iter().all(|model| model.scores.is_empty()));
    let silent = analyze(&speech, &sound("s.wav", &[0.0; 32_000], 8000), &options);
    assert_eq!(silent.models.len(), 2);
}

#[cfg(feature = "pesq")]
#[test]
fn pesq_is_best_for_the_same_and_names_its_calibration() {
    let rate = 16_000;
    let speech = speech_like(6.0, rate, 21);
    let noise = white_noise(DbOv(-40.0), 6.0, rate, 4);
    let noisy: Vec<f32> = speech.iter().zip(&noise).map(|(a, b)| a + b).collect();
    let reference = sound("r.wav", &speech, rate);
    let same = analyze(&reference, &reference, &options("pesq"));
    let worse = analyze(&reference, &sound("d.wav", &noisy, rate), &options("pesq"));
    for (quantity, best) in [("pesq_narrowband", 4.549), ("pesq_wideband", 4.644)] {
        assert!((value(&same, quantity) - best).abs() < 1e-3);
        assert!(value(&worse, quantity) < 4.0);
        let caveat = result(&same.results, quantity)
            .caveat
            .clone()
            .expect("a calibration");
        assert_eq!(caveat, "calibration of 2005");
    }
    let short = sound("s.wav", &speech[..rate as usize * 3], rate);
    let short = analyze(&short, &short, &options("pesq"));
    let caveat = result(&short.results, "pesq_wideband").caveat.clone();
    assert!(caveat.expect("a doubt").contains("provisional"));
    let narrow = sound("n.wav", &speech_like(6.0, 8000, 2), 8000);
    let narrow = analyze(&narrow, &narrow, &options("pesq"));
    assert!(text(&narrow, "pesq_wideband").contains("does not reach"));
    assert!(Selection::usual(Subject::Pair).has(voxproof_analysis::Group::Pesq));
}
