//! Glitches in the counter signal: what was done to it is what is reported, to the sample.

use proptest::prelude::*;
use voxproof_audio::counter_signal::counter_signal;
use voxproof_audio::glitch::coded::{Event, Fill, Kind, Report, detect};
use voxproof_audio::level::DbOv;
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::stimulus::{sine, speech_like, white_noise};
use voxproof_rtp::g711::Law;

use crate::signals::{at_gain, coded, noisy};

const LEVEL: DbOv = DbOv(-20.0);
/// Position of the first sample.
const START: u64 = 123_456;

fn signal(count: usize) -> Vec<f32> {
    counter_signal(LEVEL, START, count)
}

fn detected(recording: &[f32]) -> Report {
    detect(recording).expect("the signal is there")
}

/// One event of a kind at a place.
fn assert_one(report: &Report, at: usize, kind: Kind) {
    let position = START + at as u64;
    assert_eq!(report.events, [Event { at, position, kind }]);
}

/// On 16 bits, as every recording is.
fn linear(samples: &[f32]) -> Vec<f32> {
    at_gain(samples, 0.0)
}

#[test]
fn a_signal_without_a_glitch_is_one_stretch() {
    for start in [0, START, (1 << 31) - 20_000] {
        let recording = linear(&counter_signal(LEVEL, start, 40_000));
        let report = detected(&recording);
        assert!(report.events.is_empty(), "{:?}", report.events);
        assert_eq!(report.following.len(), 1);
        assert_eq!(report.following[0].recording, 0..40_000);
        assert_eq!(report.following[0].position, start);
        assert_eq!(report.per_five_minutes(8000), 0.0);
        assert!(!report.inverted && report.snr.0 > 60.0, "{report:?}");
    }
}

#[test]
fn lost_samples_are_counted_from_one_to_a_second() {
    let signal = signal(40_000);
    for count in [1, 2, 7, 160, 8000] {
        let recording = [&signal[..17_011], &signal[17_011 + count..]].concat();
        let report = detected(&linear(&recording));
        assert_one(
            &report,
            17_011,
            Kind::Lost {
                samples: count as u64,
            },
        );
        assert_eq!(
            (report.lost, report.repeated, report.inserted),
            (count as u64, 0, 0)
        );
    }
}

#[test]
fn repeated_samples_are_counted() {
    let signal = signal(40_000);
    for count in [1, 3, 160, 4000] {
        let recording = [&signal[..17_012], &signal[17_012 - count..]].concat();
        let report = detected(&linear(&recording));
        assert_one(
            &report,
            17_012,
            Kind::Repeated {
                samples: count as u64,
            },
        );
        assert_eq!((report.lost, report.repeated), (0, count as u64));
    }
}

#[test]
fn zeros_are_told_from_held_and_foreign_samples_and_shifts_from_replacements() {
    let signal = signal(40_000);
    let noise = white_noise(DbOv(-26.0), 1.0, 8000, 4);
    for fill in [Fill::Zero, Fill::Held, Fill::Other] {
        let foreign = match fill {
            Fill::Zero => vec![0.0; 160],
            Fill::Held => vec![0.07; 160],
            Fill::Other => noise[..160].to_vec(),
        };
        let recording = [&signal[..9000], &foreign[..], &signal[9000..]].concat();
        let inserted = Kind::Inserted { samples: 160, fill };
        assert_one(&detected(&linear(&recording)), 9000, inserted);
        let recording = [&signal[..9000], &foreign[..], &signal[9160..]].concat();
        let replaced = Kind::Replaced { samples: 160, fill };
        assert_one(&detected(&linear(&recording)), 9000, replaced);
        // 160 foreign samples for 200 of the signal
        let recording = [&signal[..9000], &foreign[..], &signal[9200..]].concat();
        let broken = Kind::Broken {
            foreign: 160,
            fill,
            missing: 200,
        };
        assert_one(&detected(&linear(&recording)), 9000, broken);
    }
}

#[test]
fn a_buffer_played_twice_in_the_place_of_the_next_one_is_displaced() {
    let signal = signal(40_000);
    let mut recording = signal.clone();
    recording[16_000..16_480].copy_from_slice(&signal[15_520..16_000]);
    let report = detected(&linear(&recording));
    assert_one(
        &report,
        16_000,
        Kind::Displaced {
            samples: 480,
            by: -480,
        },
    );
    // packets in the wrong order are two displaced ones
    let swapped = [
        &signal[..8000],
        &signal[8160..8320],
        &signal[8000..8160],
        &signal[8320..],
    ]
    .concat();
    let report = detected(&linear(&swapped));
    assert!(
        report.replaced + report.lost + report.repeated >= 320,
        "{report:?}"
    );
    assert_eq!(report.following.len(), 4, "{report:?}");
}

#[test]
fn single_wrong_samples_within_a_stretch_are_found() {
    let mut recording = linear(&signal(20_000));
    recording[7000] = 0.0;
    recording[9000..9003].fill(0.5);
    let report = detected(&recording);
    let kinds: Vec<(usize, Kind)> = report.events.iter().map(|event| (event.at, event.kind)).collect();
    let zero = Kind::Replaced {
        samples: 1,
        fill: Fill::Zero,
    };
    let held = Kind::Replaced {
        samples: 3,
        fill: Fill::Held,
    };
    assert_eq!(kinds, [(7000, zero), (9000, held)]);
}

#[test]
fn many_events_in_a_recording_keep_their_counts() {
    // every 5 s of 60 s something else
    let signal = signal(480_000);
    let mut recording = Vec::new();
    for (number, stretch) in signal.chunks(40_000).enumerate() {
        match number % 4 {
            0 => recording.extend_from_slice(stretch),
            1 => recording.extend_from_slice(&stretch[number..]),
            2 => {
                recording.extend_from_slice(&[0.0; 80]);
                recording.extend_from_slice(stretch);
            }
            _ => {
                let end = recording.len();
                recording.extend_from_within(end - 33..end);
                recording.extend_from_slice(stretch);
            }
        }
    }
    let report = detected(&linear(&recording));
    assert_eq!(report.events.len(), 9, "{:?}", report.events);
    assert_eq!(
        (report.lost, report.repeated, report.inserted),
        (1 + 5 + 9, 3 * 33, 3 * 80)
    );
    assert!((report.per_five_minutes(8000) - 45.0).abs() < 0.1);
}

#[test]
fn g711_keeps_the_count_and_the_place() {
    let signal = signal(40_000);
    for law in [Law::A, Law::Mu] {
        for (at, count) in [(5000, 160), (12_345, 1), (23_457, 37)] {
            let lost = coded(&[&signal[..at], &signal[at + count..]].concat(), law);
            let report = detected(&lost);
            assert_eq!(report.events.len(), 1, "{law:?} {at}: {:?}", report.events);
            assert_eq!(
                report.events[0].kind,
                Kind::Lost {
                    samples: count as u64
                }
            );
            // samples that the law cannot tell apart may lie on either side
            assert!(
                report.events[0].at.abs_diff(at) <= 1,
                "{law:?} {at}: {:?}",
                report.events
            );
            let muted = [&signal[..at], &vec![0.0; 160][..], &signal[at + 160..]].concat();
            let report = detected(&coded(&muted, law));
            let wanted = Kind::Replaced {
                samples: 160,
                fill: Fill::Zero,
            };
            assert_eq!(report.events.len(), 1, "{law:?} {at}: {:?}", report.events);
            assert_eq!((report.events[0].at, report.events[0].kind), (at, wanted));
        }
    }
}

#[test]
fn noise_level_polarity_and_offset_do_not_matter() {
    let signal = signal(40_000);
    let cut = [&signal[..20_000], &signal[20_160..]].concat();
    let variants = [
        ("quiet", at_gain(&cut, -40.0)),
        ("20 dB of noise", noisy(&cut, DbOv(-40.0), 8000, 2)),
        ("12 dB of noise", noisy(&cut, DbOv(-32.0), 8000, 3)),
        ("inverted", cut.iter().map(|x| -0.5 * x).collect()),
        ("offset", cut.iter().map(|x| x + 0.02).collect()),
    ];
    for (name, recording) in variants {
        let report = detected(&recording);
        assert_eq!(report.events.len(), 1, "{name}: {:?}", report.events);
        assert_eq!(report.events[0].kind, Kind::Lost { samples: 160 }, "{name}");
        assert!(
            report.events[0].at.abs_diff(20_000) <= 1,
            "{name}: {:?}",
            report.events
        );
        assert_eq!(report.inverted, name == "inverted");
    }
}

#[test]
fn the_level_and_the_noise_are_told() {
    let recording = noisy(&at_gain(&signal(20_000), -6.0), DbOv(-46.0), 8000, 5);
    let report = detected(&recording);
    // the level of the signal at peak 1 is -2.34 dBov
    assert!((report.gain.0 - (-26.0 + 2.34)).abs() < 0.05, "{:?}", report.gain);
    assert!((report.snr.0 - 20.0).abs() < 0.5, "{:?}", report.snr);
}

#[test]
fn silence_around_the_signal_is_no_glitch() {
    let signal = signal(20_000);
    let recording = linear(&[&vec![0.0; 3000][..], &signal, &vec![0.0; 3000]].concat());
    let report = detected(&recording);
    assert!(report.events.is_empty(), "{:?}", report.events);
    assert_eq!(report.following[0].recording, 3000..23_000);
}

#[test]
fn what_is_not_the_signal_is_refused() {
    let not_there = |recording: &[f32]| {
        let result = detect(recording);
        assert!(
            matches!(result, Err(Unmeasurable::NotAligned { .. })),
            "{result:?}"
        );
    };
    not_there(&[0.0; 8000]);
    not_there(&[0.25; 8000]);
    not_there(&sine(997.0, DbOv(-20.0), 2.0, 8000));
    not_there(&white_noise(DbOv(-20.0), 4.0, 8000, 1));
    not_there(&speech_like(4.0, 8000, 1));
    assert!(matches!(detect(&[0.1; 20]), Err(Unmeasurable::TooShort { .. })));
    assert!(matches!(detect(&[]), Err(Unmeasurable::TooShort { .. })));
    let mut poisoned = signal(1000);
    poisoned[500] = f32::NAN;
    assert_eq!(detect(&poisoned), Err(Unmeasurable::NotFinite { count: 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_cut_is_told(at in 200usize..7800, count in 1usize..3000, start in 0u64..1 << 31) {
        let signal = counter_signal(LEVEL, start, 11_000);
        let report = detected(&linear(&[&signal[..at], &signal[at + count..]].concat()));
        prop_assert_eq!(report.events.len(), 1);
        prop_assert_eq!(report.events[0].kind, Kind::Lost { samples: count as u64 });
        prop_assert!(report.events[0].at.abs_diff(at) <= 1);
    }

    #[test]
    fn any_splice_of_the_signal_is_survived(pieces in proptest::collection::vec((0usize..9000, 0usize..900, any::<bool>()), 0..12)) {
        let signal = counter_signal(LEVEL, START, 10_000);
        let mut recording = Vec::new();
        for (from, count, zero) in pieces {
            if zero {
                recording.extend(vec![0.0; count]);
            } else {
                recording.extend_from_slice(&signal[from..from + count]);
            }
        }
        if let Ok(report) = detect(&recording) {
            for pair in report.following.windows(2) {
                prop_assert!(pair[0].recording.end <= pair[1].recording.start, "{report:?}");
            }
        }
    }
}
