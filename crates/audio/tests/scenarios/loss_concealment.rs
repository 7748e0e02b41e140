//! Concealment evaluated where the gaps are known.

use std::ops::Range;

use voxproof_audio::concealment::{Report, click, evaluate, excess};
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::stimulus::{silence, speech_like};

const RATE: u32 = 8000;
const PACKET: usize = 160;

/// Every tenth packet.
fn gaps(count: usize) -> Vec<Range<usize>> {
    (5..count / PACKET - 5)
        .step_by(10)
        .map(|n| n * PACKET..(n + 1) * PACKET)
        .collect()
}

/// The recording is 100 ms later and 6 dB quieter, and in each gap there is what `fill` makes of the samples before.
fn concealed(fill: impl Fn(&[f32]) -> Vec<f32>) -> Report {
    let reference = speech_like(10.0, RATE, 600);
    let gaps = gaps(reference.len());
    let mut recording = reference.clone();
    for gap in &gaps {
        let filled = fill(&reference[gap.start - PACKET..gap.start]);
        recording[gap.clone()].copy_from_slice(&filled);
    }
    let recording: Vec<f32> = recording.iter().map(|x| 0.5 * x).collect();
    let recording = [silence(0.1, RATE), recording].concat();
    evaluate(&reference, &recording, RATE, 800.0, &gaps).expect("gaps with speech")
}

#[test]
fn silence_in_the_gaps_is_told_and_clicks() {
    let report = concealed(|_| vec![0.0; PACKET]);
    assert!(report.gaps.len() > 20 && report.silent.0 == 100.0, "{report:?}");
    assert!(report.energy.as_ref().expect("an energy").value.0 < -50.0);
    assert!(
        report.gaps.iter().all(|gap| gap.correlation.abs() < 0.1),
        "{report:?}"
    );
}

#[test]
fn a_repeated_packet_keeps_the_energy_but_not_the_waveform() {
    let report = concealed(<[f32]>::to_vec);
    let energy = report.energy.as_ref().expect("an energy").value.0;
    assert!(energy.abs() < 6.0, "{energy}");
    assert!(report.silent.0 < 30.0, "{:?}", report.silent);
}

#[test]
fn a_perfect_concealment_is_perfect() {
    let reference = speech_like(10.0, RATE, 601);
    let report = evaluate(&reference, &reference, RATE, 0.0, &gaps(reference.len())).expect("gaps");
    assert!(report.energy.expect("an energy").value.0.abs() < 1e-9);
    assert!(report.gaps.iter().all(|gap| gap.correlation > 0.999_999));
    assert_eq!(
        (report.silent.0, report.clicks.0),
        (0.0, 0.0),
        "{:?}",
        report.gaps
    );
}

#[test]
fn inverted_paths_and_gaps_in_pauses_do_no_harm() {
    let reference = [silence(1.0, RATE), speech_like(4.0, RATE, 602)].concat();
    let recording: Vec<f32> = reference.iter().map(|x| -x).collect();
    let places = gaps(reference.len());
    let report = evaluate(&reference, &recording, RATE, 0.0, &places).expect("gaps");
    assert!(report.empty.0 >= 4.0 && report.gaps.len() > 8, "{report:?}");
    assert_eq!(report.empty.0 as usize + report.gaps.len(), places.len());
    assert!(
        report
            .gaps
            .iter()
            .all(|gap| gap.correlation > 0.999_999 && gap.energy.0.abs() < 1e-9)
    );
}

#[test]
fn a_step_clicks_and_speech_does_not() {
    let speech = speech_like(6.0, RATE, 603);
    let clicking = |samples: &[f32]| {
        (1000..47_000)
            .step_by(997)
            .filter(|&at| click(samples, RATE, at).is_some_and(|above| above.0 >= 6.0))
            .count()
    };
    let natural = clicking(&speech);
    assert!(natural <= 2, "{natural}");
    let mut stepped = speech;
    for at in (1000..47_000).step_by(997) {
        stepped[at] += 0.5;
    }
    assert!(clicking(&stepped) > 35, "{}", clicking(&stepped));
}

#[test]
fn nothing_to_evaluate_is_said() {
    let speech = speech_like(2.0, RATE, 604);
    assert_eq!(
        evaluate(&speech, &speech, RATE, 0.0, &[]),
        Err(Unmeasurable::NothingToMeasure)
    );
    let beyond = [90_000..90_160, 100_000..100_160];
    assert_eq!(
        evaluate(&speech, &speech, RATE, 0.0, &beyond),
        Err(Unmeasurable::NothingToMeasure)
    );
    assert_eq!(
        evaluate(&speech, &[0.0; 8000], RATE, 0.0, &gaps(speech.len())),
        Err(Unmeasurable::Silent)
    );
    assert!(evaluate(&speech, &speech, RATE, f64::NAN, &gaps(speech.len())).is_err());
    assert_eq!(click(&[], RATE, 0), None);
    assert_eq!(click(&speech, RATE, usize::MAX / 2), None);
}

#[test]
fn a_bang_in_a_gap_stands_out_and_silence_or_repetition_does_not() {
    let reference = speech_like(4.0, RATE, 602);
    let heard = |fill: &dyn Fn(&[f32]) -> Vec<f32>| {
        let mut recording = reference.clone();
        for gap in gaps(reference.len()) {
            let filled = fill(&reference[gap.start - PACKET..gap.start]);
            recording[gap].copy_from_slice(&filled);
        }
        let recording: Vec<f32> = recording.iter().map(|x| 0.5 * x).collect();
        // what has been cut does not count
        excess(&reference, &recording[2 * PACKET..], RATE, -6.02)
            .expect("speech")
            .value
            .0
    };
    let silent = heard(&|_| vec![0.0; PACKET]);
    let repeated = heard(&<[f32]>::to_vec);
    let bang = heard(&|before| {
        before
            .iter()
            .enumerate()
            .map(|(n, _)| if n % 2 == 0 { 0.98 } else { -0.98 })
            .collect()
    });
    assert!(silent.abs() < 1.0 && repeated.abs() < 1.0, "{silent} {repeated}");
    assert!(bang > 6.0, "{bang}");
    assert_eq!(
        excess(&reference, &[0.0; 800], RATE, 0.0),
        Err(Unmeasurable::Silent)
    );
    assert!(excess(&[0.0; 800], &reference, RATE, 0.0).is_err());
}
