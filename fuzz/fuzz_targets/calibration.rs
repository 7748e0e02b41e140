//! Any calibration record, any correction table.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_audio::calibration::read_calibrations;
use voxproof_audio::correction::Correction;
use voxproof_audio::level::DbOv;

fuzz_target!(|text: &str| {
    for record in read_calibrations(text).unwrap_or_default() {
        let level = record.to_dbpa(DbOv(-20.0));
        assert!((record.to_dbov(level).0 + 20.0).abs() < 1e-6);
        let _ = record.checked();
    }
    if let Ok(table) = Correction::read(text) {
        for &(hz, db) in table.points() {
            assert_eq!(table.gain_db(hz), Some(db));
        }
    }
});
