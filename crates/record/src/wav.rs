//! Wave files of evidence and signals: mono, 16 bit.

use std::io::Cursor;

use crate::RecordError;

/// Sound of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second.
    pub sample_rate: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

impl Wav {
    /// Samples with full scale 1.0.
    pub fn to_f32(&self) -> Vec<f32> {
        self.samples
            .iter()
            .map(|sample| f32::from(*sample) / 32768.0)
            .collect()
    }
}

/// Reads a 16-bit PCM wave file; of several channels the first.
pub fn read_wav(what: &str, bytes: &[u8]) -> Result<Wav, RecordError> {
    let damaged = |reason: String| RecordError::Damaged {
        what: what.to_owned(),
        reason,
    };
    let mut reader = hound::WavReader::new(Cursor::new(bytes)).map_err(|error| damaged(error.to_string()))?;
    let spec = reader.spec();
    if spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int {
        return Err(damaged(format!(
            "{} bit {:?}; 16 bit PCM is needed",
            spec.bits_per_sample, spec.sample_format
        )));
    }
    if spec.channels == 0 || spec.sample_rate == 0 {
        return Err(damaged("no channels or no sample rate".to_owned()));
    }
    let samples = reader
        .samples::<i16>()
        .step_by(usize::from(spec.channels))
        .collect::<Result<_, _>>()
        .map_err(|error| damaged(error.to_string()))?;
    Ok(Wav {
        sample_rate: spec.sample_rate,
        samples,
    })
}

/// Writes a mono 16-bit wave file.
pub fn write_wav(wav: &Wav) -> Result<Vec<u8>, RecordError> {
    let damaged = |error: hound::Error| RecordError::Damaged {
        what: "wave file".to_owned(),
        reason: error.to_string(),
    };
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: wav.sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).map_err(damaged)?;
    let length = u32::try_from(wav.samples.len()).map_err(|_| damaged(hound::Error::TooWide))?;
    let mut samples = writer.get_i16_writer(length);
    wav.samples
        .iter()
        .for_each(|sample| samples.write_sample(*sample));
    samples.flush().map_err(damaged)?;
    writer.finalize().map_err(damaged)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_bad_input() {
        let wav = Wav {
            sample_rate: 8000,
            samples: vec![0, 1, -1, i16::MAX, i16::MIN],
        };
        let bytes = write_wav(&wav).unwrap();
        assert_eq!(read_wav("x", &bytes).unwrap(), wav);
        assert!(read_wav("x", &bytes[..20]).is_err());
        assert!(read_wav("x", b"").is_err());
        assert!(read_wav("x", b"RIFF....WAVE").is_err());
    }
}
