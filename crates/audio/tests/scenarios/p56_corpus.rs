//! The active speech level of the ITU's own test recording.

use std::path::Path;

use voxproof_audio::p56::speech_level;
use voxproof_audio::sample::from_i16;

#[test]
fn the_test_recording_of_the_itu_reads_the_values_of_its_reference_tool() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/p56/voice.src");
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return;
    };
    let samples: Vec<i16> = bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let level = speech_level(&from_i16(&samples), 16000).expect("speech");
    assert!((level.rms.0 + 25.478).abs() < 0.001, "{}", level.rms);
    assert!((level.active.0 + 25.329).abs() < 0.05, "{}", level.active);
    assert!(
        (level.activity * 100.0 - 96.625).abs() < 0.2,
        "{}",
        level.activity
    );
}
