//! Levels against published values, and what must hold for every recording.

use proptest::prelude::*;
use voxproof_audio::calibration::read_calibrations;
use voxproof_audio::correction::Correction;
use voxproof_audio::level::{DbOv, Plane, rms_dbov};
use voxproof_audio::level_meter::LevelMeter;
use voxproof_audio::noise::{idle_noise, passed, spurts, vad_timing};
use voxproof_audio::sample::from_i16;
use voxproof_audio::signal_meter::{SignalMeter, SignalOptions};
use voxproof_audio::stimulus::sine;
use voxproof_audio::{SpeechBand, interference, weighting};
use voxproof_rtp::g711::{Law, decode};

/// ITU-T G.711 Tables 5 and 6: the sequences of octets that are 1 kHz at 0 dBm0.
const MILLIWATT_A: [u8; 8] = [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4];
const MILLIWATT_MU: [u8; 8] = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e];

#[test]
fn the_digital_milliwatt_is_0_dbm0() {
    for (law, octets, plane) in [
        (Law::A, MILLIWATT_A, Plane::ALaw),
        (Law::Mu, MILLIWATT_MU, Plane::MuLaw),
    ] {
        let samples = from_i16(&decode(law, &octets.repeat(1000)));
        let level = rms_dbov(&samples);
        // mu-law samples scaled by 32768 instead of 32636 read 0.035 dB low
        assert!(level.to_dbm0(plane).value.abs() < 0.05, "{law:?}: {level}");
        if law == Law::A {
            assert!(
                (level.to_rms() * 32768.0 - 16_139.0).abs() < 1.0,
                "{}",
                level.to_rms() * 32768.0
            );
            assert!((level.0 + 6.151).abs() < 0.0005, "{level}");
        }
        let mut meter = LevelMeter::new(8000);
        meter.push(&samples);
        assert!((meter.finish().expect("samples").rms.0 - level.0).abs() < 1e-9);
    }
}

#[test]
fn a_sine_at_overload_has_the_overload_level_of_its_plane() {
    let overload = sine(1020.0, DbOv(-3.010_3), 1.0, 8000);
    for (plane, hundredths) in [(Plane::ALaw, 314.0), (Plane::MuLaw, 317.0), (Plane::G722, 900.0)] {
        let level = rms_dbov(&overload).to_dbm0(plane).value;
        assert!((level - hundredths / 100.0).abs() < 0.01, "{plane:?} {level}");
    }
}

#[test]
fn an_hour_streams_in_the_memory_of_a_second() {
    // what the meters hold is in their size and in buffers that the debug form would show; here: the figures stay right
    // over more samples than 32 bits of 16-bit squares could sum
    let mut meter = LevelMeter::new(8000);
    let second = vec![-32768i16; 8000];
    for _ in 0..3600 {
        meter.push_i16(&second);
    }
    let level = meter.finish().expect("samples");
    assert_eq!(
        (level.rms, level.dc, level.samples),
        (DbOv(0.0), -1.0, 28_800_000)
    );
    assert_eq!((level.clipping.runs, level.clipping.longest), (1, 28_800_000));
}

fn samples() -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        proptest::collection::vec(any::<f32>(), 0..400),
        proptest::collection::vec(-1.0f32..1.0, 0..3000),
        (any::<f32>(), 0usize..3000).prop_map(|(value, count)| vec![value; count]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_recording_makes_a_meter_panic(
        samples in samples(),
        rate in prop_oneof![Just(0), 1u32..96_000, Just(8000), any::<u32>().prop_map(|rate| rate / 8)],
        piece in 1usize..700,
        spectrum: bool,
        band in prop_oneof![Just(None), Just(Some(SpeechBand::Narrow)), Just(Some(SpeechBand::Full))],
    ) {
        let mut meter = SignalMeter::new(rate, SignalOptions { band, spectrum });
        samples.chunks(piece).for_each(|piece| meter.push(piece));
        if let Ok(figures) = meter.finish() {
            prop_assert_eq!(figures.levels.samples, samples.len() as u64);
            prop_assert!(figures.levels.minimum <= figures.levels.dc + 1e-9 && figures.levels.dc <= figures.levels.maximum + 1e-9);
            prop_assert!(figures.levels.rms.0 <= figures.levels.peak.0 + 1e-6);
            prop_assert!(figures.levels.crest.0 >= -1e-6 && figures.levels.flat_factor.0 >= 0.0);
            prop_assert!(figures.levels.clipping.samples <= figures.levels.samples);
            prop_assert!(!figures.a.level.0.is_nan() && !figures.psophometric.level.0.is_nan());
            if let Some(spectrum) = figures.spectrum {
                let _ = interference::single_frequency(&spectrum, weighting::Weighting::A, 50.0, 4000.0);
            }
        }
        let _ = idle_noise(&samples, rate);
        let through = passed(&samples, &samples, rate, 0.0, -90.0);
        let _ = vad_timing(&spurts(&samples, rate), &through, samples.len(), rate);
    }
}

/// Lines as such files have them, broken in every way.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("[[channel]]".to_owned()),
        Just("[channel.before]".to_owned()),
        Just("name = \"a\"".to_owned()),
        Just("instrument = \"i\"".to_owned()),
        Just("date = \"2026-01-31\"".to_owned()),
        any::<f64>().prop_map(|value| format!("pascal_per_full_scale = {value}")),
        any::<f64>().prop_map(|value| format!("tolerance_db = {value:e}")),
        Just("# table".to_owned()),
        (any::<f64>(), -400.0..400.0).prop_map(|(hz, db)| format!("{hz},{db}")),
        (1.0..20_000.0, -100.0..100.0).prop_map(|(hz, db)| format!("{hz},{db}")),
        "\\PC{0,12}",
    ];
    proptest::collection::vec(word, 0..12).prop_map(|words| words.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_file_makes_a_reader_panic(text in text()) {
        for record in read_calibrations(&text).unwrap_or_default() {
            prop_assert!(record.pascal_per_full_scale > 0.0);
            let _ = record.checked();
            prop_assert!(record.to_dbpa(DbOv(-20.0)).0.is_finite());
        }
        if let Ok(table) = Correction::read(&text) {
            for &(hz, db) in table.points() {
                prop_assert_eq!(table.gain_db(hz), Some(db));
            }
        }
    }
}
