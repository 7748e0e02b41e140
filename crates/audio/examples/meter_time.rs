//! CPU time of the meters over ten minutes of 48 kHz, as seconds of audio per CPU second:
//! `cargo run --release -p voxproof-audio --example meter_time [FILE.s16]`, raw little-endian 16-bit mono at 48 kHz.

use std::hint::black_box;
use std::time::Duration;

use voxproof_audio::level_meter::LevelMeter;
use voxproof_audio::loudness::LoudnessMeter;
use voxproof_audio::p56::SpeechLevelMeter;
use voxproof_audio::sample::{from_i16, to_i16};
use voxproof_audio::signal_meter::{SignalMeter, SignalOptions};
use voxproof_audio::spectrum::SpectrumMeter;
use voxproof_audio::stimulus::speech_like;
use voxproof_audio::true_peak::TruePeakMeter;

const RATE: u32 = 48_000;
const BLOCK: usize = 4096;

/// CPU time of this process so far: user and system, in ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<u64>().ok())
            .unwrap_or(0)
    };
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn main() {
    let samples = match std::env::args().nth(1) {
        Some(path) => {
            let bytes = std::fs::read(path).expect("a readable file");
            bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|pair| i16::from_le_bytes(*pair))
                .collect()
        }
        None => to_i16(&speech_like(30.0, RATE, 1).repeat(20)),
    };
    let wide = from_i16(&samples);
    let seconds = samples.len() as f64 / f64::from(RATE);
    println!("{seconds:.0} s at {RATE} Hz");
    let timed = |name: &str, rounds: u32, work: &dyn Fn() -> String| {
        let start = cpu_time();
        let mut said = String::new();
        for _ in 0..rounds {
            said = black_box(work());
        }
        let spent = (cpu_time() - start).as_secs_f64() / f64::from(rounds);
        println!("{name:<34} {:>8.0} x   {said}", seconds / spent);
    };
    timed("levels, 16 bits", 40, &|| {
        let mut meter = LevelMeter::new(RATE);
        samples.chunks(BLOCK).for_each(|block| meter.push_i16(block));
        format!("{}", meter.finish().expect("samples").rms)
    });
    timed("levels, floats", 20, &|| {
        let mut meter = LevelMeter::new(RATE);
        wide.chunks(BLOCK).for_each(|block| meter.push(block));
        format!("{}", meter.finish().expect("samples").rms)
    });
    timed("active speech level", 5, &|| {
        let mut meter = SpeechLevelMeter::new(RATE);
        wide.chunks(BLOCK).for_each(|block| meter.push(block));
        meter
            .finish()
            .map_or_else(|reason| reason.to_string(), |level| level.active.to_string())
    });
    timed("loudness", 5, &|| {
        let mut meter = LoudnessMeter::new(RATE, 1).expect("a rate that fits");
        wide.chunks(BLOCK).for_each(|block| meter.push(block));
        format!("{:?}", meter.finish().integrated)
    });
    timed("true peak", 5, &|| {
        let mut meter = TruePeakMeter::new(RATE);
        wide.chunks(BLOCK).for_each(|block| meter.push(block));
        meter.finish().to_string()
    });
    for (name, length) in [
        ("spectrum 2048", 2048),
        ("spectrum 4096", 4096),
        ("spectrum 16384", 16_384),
    ] {
        timed(name, 5, &|| {
            let mut meter = SpectrumMeter::with_length(RATE, length);
            wide.chunks(BLOCK).for_each(|block| meter.push(block));
            meter.finish().expect("samples").level().to_string()
        });
    }
    for spectrum in [false, true] {
        let name = if spectrum {
            "everything, with spectrum"
        } else {
            "everything, without spectrum"
        };
        timed(name, 5, &|| {
            let mut meter = SignalMeter::new(RATE, SignalOptions { band: None, spectrum });
            wide.chunks(BLOCK).for_each(|block| meter.push(block));
            meter.finish().expect("samples").a.to_string()
        });
    }
}
