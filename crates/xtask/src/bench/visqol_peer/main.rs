//! The crate `visqol-rs` (ViSQOL v3.1) over pairs of WAV files: a peer that is measured and linked into nothing of ours.

use visqol_rs::constants::{DEFAULT_WINDOW_SIZE, NUM_BANDS_SPEECH};
use visqol_rs::variant::Variant;
use visqol_rs::visqol_manager::VisqolManager;

fn main() {
    let variant = Variant::Wideband {
        use_unscaled_mos_mapping: false,
    };
    let mut manager = VisqolManager::<NUM_BANDS_SPEECH>::new(variant, DEFAULT_WINDOW_SIZE);
    let files: Vec<String> = std::env::args().skip(1).collect();
    let scores: Vec<String> = files
        .chunks_exact(2)
        .map(|pair| {
            let found = manager.run(&pair[0], &pair[1]);
            found.map_or("null".to_owned(), |found| found.moslqo.to_string())
        })
        .collect();
    println!("[{}]", scores.join(", "));
}
