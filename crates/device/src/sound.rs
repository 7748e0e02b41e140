//! Sound files as the devices need and leave them.

use std::f64::consts::PI;
use std::fs;
use std::io;
use std::path::Path;

use voxproof_record::{Wav, read_wav};

/// The rate of everything this crate hands over, in hertz.
pub(crate) const RATE: u32 = 8000;

/// The sound at 8 kHz.
pub(crate) fn to_8khz(wav: Wav) -> Wav {
    to_rate(wav, RATE)
}

/// The sound at another rate.
pub(crate) fn to_rate(wav: Wav, rate: u32) -> Wav {
    if wav.sample_rate == rate || wav.sample_rate == 0 || rate == 0 {
        return wav;
    }
    // a sinc with a Hann window over 16 zero crossings each side, cut off at the lower of the two Nyquist frequencies
    let step = f64::from(wav.sample_rate) / f64::from(rate);
    let cutoff = (1.0 / step).min(1.0) * 0.95;
    let reach = (16.0 / cutoff).ceil();
    let length = (wav.samples.len() as f64 / step) as usize;
    let samples = (0..length)
        .map(|index| {
            let centre = index as f64 * step;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize + 1).min(wav.samples.len());
            let around = wav.samples.get(first..last).unwrap_or_default();
            let sum: f64 = around
                .iter()
                .enumerate()
                .map(|(offset, sample)| {
                    let distance = (first + offset) as f64 - centre;
                    let angle = PI * distance * cutoff;
                    let sinc = if angle.abs() < 1e-9 {
                        1.0
                    } else {
                        angle.sin() / angle
                    };
                    f64::from(*sample) * cutoff * sinc * 0.5 * (1.0 + (PI * distance / reach).cos())
                })
                .sum();
            sum.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
        })
        .collect();
    Wav {
        sample_rate: rate,
        samples,
    }
}

/// Writes a wave file of one channel or more, all the same, with the sound again and again until it lasts at least so
/// long: for players that do not loop by themselves. Silence where there is no sound.
pub(crate) fn save_looped(wav: &Wav, channels: u32, seconds: u32, path: &Path) -> io::Result<()> {
    let second = wav.sample_rate as usize;
    let silence = vec![0; second];
    let round = if wav.samples.is_empty() {
        &silence
    } else {
        &wav.samples
    };
    let block: Vec<i16> = round
        .iter()
        .flat_map(|sample| std::iter::repeat_n(*sample, channels as usize))
        .collect();
    let spec = hound::WavSpec {
        channels: u16::try_from(channels).map_err(io::Error::other)?,
        sample_rate: wav.sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    // block by block: minutes of sound are not to be held in memory
    let mut writer = hound::WavWriter::create(path, spec).map_err(io::Error::other)?;
    for _ in 0..(second * seconds as usize).div_ceil(round.len()).max(1) {
        let mut samples = writer.get_i16_writer(u32::try_from(block.len()).map_err(io::Error::other)?);
        block.iter().for_each(|sample| samples.write_sample(*sample));
        samples.flush().map_err(io::Error::other)?;
    }
    writer.finalize().map_err(io::Error::other)
}

/// Reads a recording of a device, at 8 kHz. `None` when there is no sound in it.
pub(crate) fn load(path: &Path) -> Option<Wav> {
    let mut bytes = fs::read(path).ok()?;
    complete_header(&mut bytes);
    let wav = read_wav(&path.to_string_lossy(), &bytes).ok()?;
    Some(to_8khz(wav)).filter(|wav| !wav.samples.is_empty())
}

/// A program that is still recording, or was killed, has not filled in the two lengths of the header.
fn complete_header(bytes: &mut [u8]) {
    const HEADER: usize = 44;
    let Some(sound) = bytes.len().checked_sub(HEADER) else {
        return;
    };
    if bytes.get(36..40) != Some(b"data") {
        return;
    }
    let frame = bytes
        .get(32..34)
        .map_or(2, |two| usize::from(u16::from_le_bytes([two[0], two[1]])))
        .max(1);
    let sound = sound - sound % frame;
    for (at, value) in [(4, sound + HEADER - 8), (40, sound)] {
        let Ok(value) = u32::try_from(value) else { return };
        if let Some(field) = bytes.get_mut(at..at + 4) {
            field.copy_from_slice(&value.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use voxproof_record::write_wav;

    use super::*;

    fn tone(rate: u32, hertz: f64, seconds: f64) -> Wav {
        let samples = (0..(f64::from(rate) * seconds) as usize)
            .map(|n| (10_000.0 * (2.0 * PI * hertz * n as f64 / f64::from(rate)).sin()) as i16)
            .collect();
        Wav {
            sample_rate: rate,
            samples,
        }
    }

    fn rms(samples: &[i16]) -> f64 {
        (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_survives_and_an_alias_does_not() {
        for rate in [16_000, 44_100, 48_000] {
            let kept = to_8khz(tone(rate, 1000.0, 0.5));
            assert_eq!(kept.sample_rate, 8000);
            assert!(
                (kept.samples.len() as i64 - 4000).abs() <= 1,
                "{rate} {}",
                kept.samples.len()
            );
            let reference = tone(8000, 1000.0, 0.5);
            let error: Vec<i16> = kept
                .samples
                .iter()
                .zip(&reference.samples)
                .map(|(a, b)| a - b)
                .skip(100)
                .take(3800)
                .collect();
            assert!(rms(&error) < 20.0, "{rate} {}", rms(&error));
            let gone = to_8khz(tone(rate, 5500.0, 0.5));
            assert!(
                rms(&gone.samples[100..3900]) < 50.0,
                "{rate} {}",
                rms(&gone.samples[100..3900])
            );
        }
    }

    #[test]
    fn a_tone_is_the_same_at_higher_rates() {
        for rate in [16_000, 48_000] {
            let raised = to_rate(tone(8000, 1000.0, 0.5), rate);
            let reference = tone(rate, 1000.0, 0.5);
            let error: Vec<i16> = raised
                .samples
                .iter()
                .zip(&reference.samples)
                .map(|(a, b)| a - b)
                .skip(1000)
                .take(6000)
                .collect();
            assert!(rms(&error) < 20.0, "{rate} {}", rms(&error));
        }
    }

    #[test]
    fn two_channels_are_read_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        let wav = tone(8000, 440.0, 0.1);
        save_looped(&wav, 2, 0, &path).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(
            (bytes.len(), bytes[22], bytes[32]),
            (44 + 4 * wav.samples.len(), 2, 4)
        );
        assert_eq!(load(&path).unwrap(), wav);
    }

    #[test]
    fn looping_covers_the_time() {
        let wav = Wav {
            sample_rate: 8000,
            samples: vec![1, 2, 3],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        save_looped(&wav, 1, 2, &path).unwrap();
        let long = load(&path).unwrap();
        assert!(long.samples.len() >= 16_000);
        assert_eq!(long.samples[..6], [1, 2, 3, 1, 2, 3]);
        let nothing = Wav {
            sample_rate: 8000,
            samples: vec![],
        };
        save_looped(&nothing, 1, 1, &path).unwrap();
        assert_eq!(load(&path).unwrap().samples, vec![0; 8000]);
    }

    #[test]
    fn an_unfinished_recording_is_readable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        let wav = tone(8000, 440.0, 0.1);
        let mut bytes = write_wav(&wav).unwrap();
        bytes[40..44].fill(0);
        bytes[4..8].copy_from_slice(&128u32.to_le_bytes());
        bytes.push(7); // half a sample
        fs::write(&path, &bytes).unwrap();
        assert_eq!(load(&path).unwrap(), wav);
        assert_eq!(load(&folder.path().join("none.wav")), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_header_is_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), riff in any::<bool>()) {
            if riff && bytes.len() > 40 {
                bytes[36..40].copy_from_slice(b"data");
            }
            complete_header(&mut bytes);
        }
    }
}
