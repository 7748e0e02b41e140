//! Any description of a model and any answer of its program.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxproof_audio::quality::external::Description;

const DESCRIPTION: &str = "name = 'm'\nprogram = '/m'\narguments = ['{reference}{degraded}']\nversion_arguments = []\n\
                           time_limit_s = 1\n[scores.s]\npointer = '/a/0'\nlowest = 1\nhighest = 5\n";

fuzz_target!(|input: (&str, &[u8])| {
    let (text, answer) = input;
    let _ = Description::parse(text);
    let description = Description::parse(DESCRIPTION).expect("a description");
    let _ = description.scores_in(answer);
});
