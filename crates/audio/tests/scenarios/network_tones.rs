//! Call-progress tones recognised by frequency and cadence.

use voxproof_audio::call_progress::{ProgressTone, Pulse, TonePlan, bursts, detect, generate};
use voxproof_audio::level::DbOv;
use voxproof_audio::stimulus::{dtmf, silence, sine, speech_like};
use voxproof_rtp::g711::Law;

use crate::signals::{coded, noisy};

fn named<'a>(plan: &'a TonePlan, name: &str) -> &'a ProgressTone {
    plan.tones
        .iter()
        .find(|tone| tone.name == name)
        .expect("a tone of the plan")
}

#[test]
fn every_tone_of_both_plans_is_recognised_as_itself() {
    for plan in [TonePlan::europe(), TonePlan::north_america()] {
        for tone in &plan.tones {
            for rate in [8000, 16_000, 48_000] {
                let signal = generate(tone, DbOv(-20.0), 15.0, rate);
                let found = detect(&signal, rate, &plan);
                assert_eq!(found.len(), 1, "{} at {rate}: {found:?}", tone.name);
                assert_eq!(found[0].name, tone.name);
                let wanted = -20.0 + 10.0 * (tone.frequencies_hz.len() as f64).log10();
                assert!(
                    (found[0].level.0 - wanted).abs() < 0.3,
                    "{}: {}",
                    tone.name,
                    found[0].level
                );
            }
        }
    }
}

#[test]
fn times_and_frequencies_are_measured() {
    let plan = TonePlan::north_america();
    let signal = generate(named(&plan, "ringing"), DbOv(-24.0), 14.0, 8000);
    let found = bursts(&signal, 8000);
    assert_eq!(found.len(), 3, "{found:?}");
    let second = &found[1];
    assert!((second.interval_s.start - 6.0).abs() < 0.015, "{second:?}");
    assert!((second.interval_s.end - 8.0).abs() < 0.015, "{second:?}");
    assert!((second.frequencies_hz[0] - 440.0).abs() < 0.1, "{second:?}");
    assert!((second.frequencies_hz[1] - 480.0).abs() < 0.1, "{second:?}");
    assert!(!second.cut && found[0].cut);
}

#[test]
fn tones_in_a_row_are_told_apart() {
    let plan = TonePlan::europe();
    let signal = [
        generate(named(&plan, "dial"), DbOv(-20.0), 2.0, 8000),
        silence(3.0, 8000),
        generate(named(&plan, "ringing"), DbOv(-20.0), 11.0, 8000),
        silence(2.0, 8000),
        generate(named(&plan, "busy"), DbOv(-20.0), 3.0, 8000),
    ]
    .concat();
    let names: Vec<String> = detect(&signal, 8000, &plan)
        .into_iter()
        .map(|found| found.name)
        .collect();
    assert_eq!(names, ["dial", "ringing", "busy"]);
}

#[test]
fn codec_noise_and_detuning_are_tolerated_to_a_degree() {
    let plan = TonePlan::europe();
    let busy = named(&plan, "busy");
    let signal = generate(busy, DbOv(-20.0), 5.0, 8000);
    let hard = noisy(&coded(&signal, Law::A), DbOv(-40.0), 8000, 2);
    assert_eq!(detect(&hard, 8000, &plan)[0].name, "busy");
    for (share, heard) in [(1.02, true), (0.98, true), (1.06, false), (0.94, false)] {
        let detuned = ProgressTone {
            frequencies_hz: vec![425.0 * share],
            ..busy.clone()
        };
        let found = detect(&generate(&detuned, DbOv(-20.0), 5.0, 8000), 8000, &plan);
        assert_eq!(!found.is_empty(), heard, "{share}: {found:?}");
    }
}

#[test]
fn a_recording_may_begin_and_end_in_the_middle_of_a_burst() {
    let plan = TonePlan::europe();
    let signal = generate(named(&plan, "busy"), DbOv(-20.0), 6.0, 8000);
    let found = detect(&signal[1500..41_000], 8000, &plan);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].name.as_str(), found[0].bursts.len()), ("busy", 6));
}

#[test]
fn a_plan_of_ones_own_with_a_double_ring() {
    let ringing = ProgressTone {
        name: "ringing".to_owned(),
        frequencies_hz: vec![400.0, 450.0],
        cadence: vec![
            Pulse {
                on_s: 0.4,
                off_s: 0.2,
            },
            Pulse {
                on_s: 0.4,
                off_s: 2.0,
            },
        ],
    };
    let plan = TonePlan {
        tones: vec![ringing.clone()],
        frequency_tolerance: 0.02,
        time_tolerance: 0.1,
    };
    let found = detect(&generate(&ringing, DbOv(-20.0), 9.0, 8000), 8000, &plan);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].bursts.len(), 6);
}

#[test]
fn speech_digits_other_tones_and_silence_are_none() {
    for plan in [TonePlan::europe(), TonePlan::north_america()] {
        for seed in 0..3 {
            assert_eq!(detect(&speech_like(8.0, 8000, 400 + seed), 8000, &plan), []);
        }
        let digits = [
            dtmf('1', DbOv(-20.0), DbOv(-20.0), 2.0, 8000).expect("a digit"),
            silence(1.0, 8000),
        ]
        .concat();
        assert_eq!(detect(&digits, 8000, &plan), []);
        assert_eq!(detect(&sine(1000.0, DbOv(-20.0), 5.0, 8000), 8000, &plan), []);
        assert_eq!(detect(&[0.0; 8000], 8000, &plan), []);
        assert_eq!(detect(&[], 8000, &plan), []);
        assert_eq!(detect(&[0.5; 100], 0, &plan), []);
    }
}
