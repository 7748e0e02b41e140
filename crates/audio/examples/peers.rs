//! The analyzer's side of the comparison with other people's programs, see `cargo xtask bench`; samples are files of
//! little-endian floats without a header, results are JSON on standard output:
//!
//! ```text
//! peers pesq-nb|pesq-wb|visqol RATE REFERENCE DEGRADED ...   a score a pair
//! peers resample FROM TO IN OUT
//! ```

use std::env;
use std::error::Error;
use std::fs;

use voxproof_audio::quality::pesq::{Band, pesq};
use voxproof_audio::quality::visqol;
use voxproof_audio::resample::resample;

fn read(path: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let (samples, _) = bytes.as_chunks::<4>();
    Ok(samples.iter().map(|octets| f32::from_le_bytes(*octets)).collect())
}

fn score(task: &str, reference: &[f32], degraded: &[f32], rate: u32) -> Result<f64, Box<dyn Error>> {
    Ok(match task {
        "pesq-nb" => pesq(reference, degraded, rate, Band::Narrowband)?.mos.0,
        "pesq-wb" => pesq(reference, degraded, rate, Band::Wideband)?.mos.0,
        "visqol" => visqol::speech(reference, degraded, rate)?.mos.0,
        _ => return Err(format!("no such task: {task}").into()),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["resample", from, to, input, output] => {
            let samples: Vec<f64> = read(input)?.into_iter().map(f64::from).collect();
            let converted = resample(&samples, from.parse()?, to.parse()?)?;
            let bytes: Vec<u8> = converted
                .into_iter()
                .flat_map(|sample| (sample as f32).to_le_bytes())
                .collect();
            fs::write(output, bytes)?;
            println!("null");
        }
        [task, rate, files @ ..] => {
            let rate = rate.parse()?;
            let (pairs, _) = files.as_chunks::<2>();
            let mut scores = Vec::new();
            for [reference, degraded] in pairs {
                scores.push(score(task, &read(reference)?, &read(degraded)?, rate)?.to_string());
            }
            println!("[{}]", scores.join(", "));
        }
        _ => return Err("what to do?".into()),
    }
    Ok(())
}
