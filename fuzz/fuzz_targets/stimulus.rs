//! Any bytes as a description of a signal or as a table of a curve.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_audio::curve::Curve;
use voxproof_audio::stimulus::Description;

/// Samples of a signal that is made here: enough for every path, few enough to be fast.
const MADE: f64 = 20_000.0;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(curve) = Curve::from_csv(&text) {
        assert!(curve.at(1000.0).is_none_or(f64::is_finite));
    }
    let Ok(description) = Description::from_toml(&text) else { return };
    let written = description.to_toml().expect("what was read can be written");
    assert_eq!(Description::from_toml(&written).as_ref(), Ok(&description), "{written}");
    if description.seconds() * f64::from(description.rate_hz) < MADE {
        let samples = description.samples().expect("what was read can be made");
        assert!(samples.iter().all(|sample| sample.is_finite()));
    }
});
