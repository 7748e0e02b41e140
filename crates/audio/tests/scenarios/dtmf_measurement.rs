//! Digits measured as they were sent, and the sweep that receivers are tested with.

use voxproof_audio::dtmf::{Expectation, Property, SendLimits, measure, sweep};
use voxproof_audio::level::{DbOv, Plane};
use voxproof_audio::sample::to_i16;
use voxproof_audio::stimulus::{dtmf, silence, speech_like};
use voxproof_rtp::g711::Law;
use voxproof_rtp::inband;

use crate::signals::{coded, noisy};

/// Digits with their tones and pauses in ms, 200 ms of silence around.
fn keyed(digits: &[(char, f64, f64)], low: f64, high: f64, rate: u32) -> Vec<f32> {
    let mut signal = silence(0.2, rate);
    for (digit, on, off) in digits {
        signal.extend(dtmf(*digit, DbOv(low), DbOv(high), on / 1e3, rate).expect("a digit"));
        signal.extend(silence(off / 1e3, rate));
    }
    signal.extend(silence(0.2, rate));
    signal
}

#[test]
fn every_digit_is_measured_as_it_was_sent() {
    for rate in [8000, 16_000, 44_100, 48_000] {
        let all: Vec<(char, f64, f64)> = "1234567890*#ABCD"
            .chars()
            .map(|digit| (digit, 70.0, 90.0))
            .collect();
        let digits = measure(&keyed(&all, -17.0, -15.0, rate), rate).expect("a rate");
        let read: String = digits.iter().map(|digit| digit.digit).collect();
        assert_eq!(read, "1234567890*#ABCD", "{rate}");
        for (index, digit) in digits.iter().enumerate() {
            assert!(
                digit.low.deviation.0.abs() < 0.01 && digit.high.deviation.0.abs() < 0.01,
                "{digit:?}"
            );
            assert!((digit.low.level.0 + 17.0).abs() < 0.05, "{digit:?}");
            assert!((digit.high.level.0 + 15.0).abs() < 0.05, "{digit:?}");
            assert!((digit.twist.0 - 2.0).abs() < 0.05, "{digit:?}");
            assert!((digit.duration.0 - 70.0).abs() < 1.0, "{digit:?}");
            assert!(
                (digit.start.0 - 0.2 - 0.16 * index as f64).abs() < 0.001,
                "{digit:?}"
            );
            assert!(
                digit.pause.is_none_or(|pause| (pause.0 - 90.0).abs() < 1.5),
                "{digit:?}"
            );
            assert!(digit.rise.0 < 3.0 && digit.fall.0 < 3.0, "{digit:?}");
            assert!(digit.distortion.0 < -40.0, "{digit:?}");
        }
        assert_eq!(digits.last().and_then(|digit| digit.pause), None);
        assert!(SendLimits::as_ca_s002().findings(&digits).is_empty(), "{rate}");
    }
}

#[test]
fn what_is_out_of_the_limits_is_found() {
    let limits = SendLimits::as_ca_s002();
    let properties = |signal: &[f32]| -> Vec<(usize, Property)> {
        let digits = measure(signal, 8000).expect("a rate");
        assert_eq!(digits.len(), 3);
        let findings = limits.findings(&digits);
        findings
            .iter()
            .map(|finding| (finding.index, finding.property))
            .collect()
    };
    let keys = |on, off| [('5', 70.0, 90.0), ('0', on, off), ('7', 70.0, 90.0)];
    assert_eq!(properties(&keyed(&keys(70.0, 90.0), -17.0, -15.0, 8000)), []);
    assert_eq!(
        properties(&keyed(&keys(45.0, 60.0), -17.0, -15.0, 8000)),
        [(1, Property::Duration), (1, Property::Pause)]
    );
    let twisted = properties(&keyed(&keys(70.0, 90.0), -15.0, -17.0, 8000));
    assert_eq!(twisted, [0, 1, 2].map(|index| (index, Property::Twist)));
    let hissing = noisy(
        &keyed(&keys(70.0, 90.0), -17.0, -15.0, 8000),
        DbOv(-32.0),
        8000,
        1,
    );
    let distorted = properties(&hissing);
    assert!(
        distorted
            .iter()
            .all(|(_, property)| *property == Property::Distortion),
        "{distorted:?}"
    );
    assert_eq!(distorted.len(), 3);
    // a level in dBm0 is judged where limits are set: -16 - 6.15 dBov is -16 dBm0 in A-law
    let levels = SendLimits {
        levels_dbm0: Some((Plane::ALaw, -13.0..=-9.0, -11.0..=-7.0)),
        ..limits.clone()
    };
    let digits = measure(&keyed(&keys(70.0, 90.0), -17.15, -15.15, 8000), 8000).expect("a rate");
    assert!(levels.findings(&digits).is_empty());
    let quiet = measure(&keyed(&keys(70.0, 90.0), -27.15, -25.15, 8000), 8000).expect("a rate");
    assert_eq!(levels.findings(&quiet).len(), 6);
}

#[test]
fn frequencies_are_measured_through_g711_and_noise() {
    let nominal = sweep()
        .into_iter()
        .find(|point| point.name == "frequency -1.5 %")
        .expect("in the sweep");
    let signal = noisy(
        &coded(&nominal.signal(Plane::ALaw, 8000, 1), Law::A),
        DbOv(-45.0),
        8000,
        3,
    );
    let digits = measure(&signal, 8000).expect("a rate");
    assert_eq!(digits.len(), nominal.digits.len());
    for digit in digits {
        assert!((digit.low.deviation.0 + 1.5).abs() < 0.05, "{digit:?}");
        assert!((digit.high.deviation.0 + 1.5).abs() < 0.05, "{digit:?}");
    }
}

#[test]
fn a_slow_edge_is_measured() {
    let mut signal = keyed(&[('5', 100.0, 100.0)], -17.0, -15.0, 8000);
    // 10 ms linear rise: 8 ms from 10 to 90 %
    for n in 0..80 {
        signal[1600 + n] *= n as f32 / 80.0;
    }
    let digits = measure(&signal, 8000).expect("a rate");
    assert!((digits[0].rise.0 - 8.0).abs() < 2.0, "{digits:?}");
    assert!(digits[0].fall.0 < 3.0, "{digits:?}");
}

#[test]
fn speech_and_silence_hold_no_digits() {
    for seed in 0..6 {
        let digits = measure(&speech_like(6.0, 8000, 300 + seed), 8000).expect("a rate");
        assert_eq!(digits, [], "{seed}");
    }
    assert_eq!(measure(&[0.0; 8000], 8000), Ok(vec![]));
    assert_eq!(measure(&[], 8000), Ok(vec![]));
    assert!(measure(&[0.0; 800], 2000).is_err());
}

#[test]
fn our_own_receiver_passes_the_sweep() {
    let points = sweep();
    let mut names: Vec<&str> = points.iter().map(|point| point.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), points.len());
    let count = |expectation| {
        points
            .iter()
            .filter(|point| point.expectation == expectation)
            .count()
    };
    assert!(count(Expectation::Accept) > 20 && count(Expectation::Refuse) >= 6);
    for point in &points {
        let samples = to_i16(&point.signal(Plane::ALaw, 8000, 7));
        let reported: String = inband::detect(&samples, 8000)
            .iter()
            .map(|digit| digit.digit)
            .collect();
        assert!(point.is_met(&reported), "{}: {reported}", point.name);
    }
}

#[test]
fn the_signals_of_the_sweep_are_what_they_say() {
    for point in sweep()
        .iter()
        .filter(|point| point.snr_db.is_none() && point.on_ms >= 40.0)
    {
        // quieter than any tone, and further off than the digits are apart
        if point.low_dbm0 < -50.0 || point.deviation_percent.abs() > 4.0 {
            continue;
        }
        let digits = measure(&point.signal(Plane::MuLaw, 16_000, 1), 16_000).expect("a rate");
        assert_eq!(digits.len(), point.digits.len(), "{}", point.name);
        for digit in digits {
            let low = digit.low.level.to_dbm0(Plane::MuLaw).value;
            assert!((low - point.low_dbm0).abs() < 0.1, "{}: {digit:?}", point.name);
            assert!(
                (digit.twist.0 - point.twist_db).abs() < 0.1,
                "{}: {digit:?}",
                point.name
            );
            assert!(
                (digit.low.deviation.0 - point.deviation_percent).abs() < 0.05,
                "{}: {digit:?}",
                point.name
            );
            assert!(
                (digit.duration.0 - point.on_ms).abs() < 1.5,
                "{}: {digit:?}",
                point.name
            );
        }
    }
}
