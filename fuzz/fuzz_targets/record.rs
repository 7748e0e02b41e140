//! Any bytes as a file of a run folder.
#![no_main]

use std::path::Path;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use voxproof_record::{Journal, Timeline, read_capture, read_wav};

fuzz_target!(|bytes: &[u8]| {
    let _ = Journal::parse(Path::new("journal.jsonl"), bytes);
    let _ = Timeline::from_json_lines(bytes);
    let _ = read_capture(bytes, Duration::ZERO);
    let _ = read_wav("wave file", bytes);
});
