//! How long a comparison takes, and what it says: `cargo run --release -p voxproof-audio --example comparison_time`.

use std::time::Instant;

use voxproof_audio::comparison::{compare, compare_looped};
use voxproof_audio::sample::{from_i16, to_i16};
use voxproof_audio::stimulus::speech_like;
use voxproof_rtp::g711::{Law, decode, encode};

fn main() {
    for rate in [8000, 16000, 48000] {
        for law in [Law::A, Law::Mu] {
            let reference = speech_like(4.0, rate, 1);
            let coded = from_i16(&decode(law, &encode(law, &to_i16(&reference))));
            let recording = [&vec![0.0; rate as usize / 5][..], &coded].concat();
            let other = speech_like(4.0, rate, 2);
            let timed = |name: &str, work: &dyn Fn() -> String| {
                let start = Instant::now();
                let result = work();
                println!(
                    "{rate} Hz, {law:?}, {name}: {:.1} ms, {result}",
                    start.elapsed().as_secs_f64() * 1e3
                );
            };
            let shown = |reference: &[f32], recording: &[f32]| {
                compare(reference, recording, rate, -0.5..0.5).map_or(String::new(), |result| {
                    format!(
                        "intact {:.2}, correlation {:.4}, SNR {:.1} dB",
                        result.intact_fraction, result.median_correlation, result.median_snr_db
                    )
                })
            };
            timed("codec", &|| shown(&reference, &recording));
            timed("other speech", &|| shown(&reference, &other));
            timed("loop", &|| {
                compare_looped(&reference, &recording, rate).map_or(String::new(), |result| {
                    format!("intact {:.2}", result.intact_fraction)
                })
            });
        }
    }
}
