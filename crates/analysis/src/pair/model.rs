//! Models outside this program on a pair.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::quality::external::{Description, ExternalScores};
use voxproof_audio::sample::to_i16;

use super::{Pair, PairOptions};
use crate::{ModelRecord, NotMeasured, PairRecord};

/// Most octets of samples in a WAV file.
const MOST_OCTETS: usize = u32::MAX as usize - 36;

pub(super) fn measure(
    pair: &Pair<'_>,
    related: &Result<(), Unmeasurable>,
    options: &PairOptions,
    record: &mut PairRecord,
) {
    if options.models.is_empty() {
        return;
    }
    let folder = related.clone().and_then(|()| written(pair).map_err(outside));
    record.models = options
        .models
        .iter()
        .map(|model| {
            let folder = folder.as_ref().map_err(Clone::clone);
            let scored = folder.and_then(|folder| {
                model.score(
                    &folder.path().join("reference.wav"),
                    &folder.path().join("degraded.wav"),
                )
            });
            told(model, scored)
        })
        .collect();
}

/// Models of a pair that cannot be compared.
pub(super) fn none(options: &PairOptions, code: &'static str, because: &str) -> Vec<ModelRecord> {
    let models = options.models.iter();
    models
        .map(|model| refused(model, code, because.to_owned()))
        .collect()
}

fn told(model: &Description, scored: Result<ExternalScores, Unmeasurable>) -> ModelRecord {
    match scored {
        Ok(found) => ModelRecord {
            model: found.model,
            version: Some(found.version),
            program_sha256: Some(found.program_sha256),
            scores: found.scores,
            not_measured: None,
        },
        Err(reason) => refused(model, reason.code(), reason.to_string()),
    }
}

fn refused(model: &Description, code: &'static str, because: String) -> ModelRecord {
    ModelRecord {
        model: model.name.clone(),
        version: None,
        program_sha256: None,
        scores: std::collections::BTreeMap::new(),
        not_measured: Some(NotMeasured { code, because }),
    }
}

fn outside(error: io::Error) -> Unmeasurable {
    Unmeasurable::Outside(format!("the recordings for the model cannot be written: {error}"))
}

/// Both recordings as they are compared, one channel of 16 bits, in a folder that goes with the value.
fn written(pair: &Pair<'_>) -> io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, samples) in [
        ("reference.wav", &pair.reference),
        ("degraded.wav", &pair.degraded),
    ] {
        write_wave(&folder.path().join(name), samples, pair.rate)?;
    }
    Ok(folder)
}

fn write_wave(path: &Path, samples: &[f32], rate: u32) -> io::Result<()> {
    let octets = samples.len() * 2;
    if octets > MOST_OCTETS {
        return Err(io::Error::other("they are too long for a WAV file"));
    }
    let mut file = BufWriter::new(File::create(path)?);
    let (octets, of_fmt, linear, channels, align, bits) = (octets as u32, 16u32, 1u16, 1u16, 2u16, 16u16);
    file.write_all(b"RIFF")?;
    file.write_all(&(octets + 36).to_le_bytes())?;
    file.write_all(b"WAVEfmt ")?;
    file.write_all(&of_fmt.to_le_bytes())?;
    file.write_all(&linear.to_le_bytes())?;
    file.write_all(&channels.to_le_bytes())?;
    file.write_all(&rate.to_le_bytes())?;
    file.write_all(&(rate.saturating_mul(2)).to_le_bytes())?;
    file.write_all(&align.to_le_bytes())?;
    file.write_all(&bits.to_le_bytes())?;
    file.write_all(b"data")?;
    file.write_all(&octets.to_le_bytes())?;
    for sample in to_i16(samples) {
        file.write_all(&sample.to_le_bytes())?;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadOptions, SoundReader};

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.wav");
        write_wave(&path, &[0.5, -0.25, 1.5], 16_000).expect("a file");
        let file = File::open(&path).expect("it is there");
        let mut reader = SoundReader::open(file, &ReadOptions::default()).expect("a sound file");
        let mut block = Vec::new();
        assert!(reader.next_block(&mut block).expect("samples"));
        assert_eq!(
            (reader.format().sample_rate_hz, reader.format().frames),
            (16_000, Some(3))
        );
        assert_eq!(block, [0.5, -0.25, 32_767.0 / 32_768.0]);
    }
}
