//! Any text as a model of ViSQOL.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_audio::quality::visqol::SupportVectorModel;

fuzz_target!(|text: &str| {
    if let Ok(model) = SupportVectorModel::parse(text) {
        let _ = model.predict(&[0.9; 32]);
    }
});
