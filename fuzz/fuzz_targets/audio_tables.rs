//! Any bytes as a mask or as a table of weights.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_audio::loudness_rating::{WeightTable, sealed, send_loudness_rating};
use voxproof_audio::mask::Mask;
use voxproof_audio::transfer::{Bands, Response};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let response = Response::new(Bands::ThirdOctave.centres(100.0..=8000.0).into_iter().map(|hz| (hz, -10.0)));
    if let Ok(mask) = Mask::from_toml(&text)
        && let Ok(result) = mask.check(&response)
    {
        assert!(!result.margin.value.0.is_nan());
    }
    for table in [WeightTable::from_toml(&text), WeightTable::from_csv("table", 0.175, &text)] {
        if let Ok(table) = table
            && let Ok(rating) = send_loudness_rating(&sealed(&response), &table)
        {
            assert!(!rating.value.0.is_nan());
        }
    }
});
