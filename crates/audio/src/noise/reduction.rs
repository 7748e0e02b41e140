//! What a noise reduction did to noise and to speech.

use crate::measurement::Unmeasurable;
use crate::noise::activity::{pauses, spurts};
use crate::noise::signal_to_noise::mean_square;
use crate::unit::Db;

/// Samples of a pause nearer to speech than this are left out, in s.
const MARGIN_S: f64 = 0.1;

/// Levels after noise reduction against levels before, from the same speech in the same noise.
///
/// These are the plain ratios of powers. They are not SNRI and TNLR of ITU-T G.160 Appendix II, which weigh frames by
/// classes of level; that text was not available to this project.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseReduction {
    /// Level in the pauses after minus before: negative when noise is reduced, minus infinity when it is gone.
    pub noise_level: Db,
    /// Level of the speech, the noise taken off, after minus before: the harm to speech.
    pub speech_level: Db,
    /// Signal to noise ratio after minus before, infinite when the noise is gone.
    pub signal_to_noise: Db,
}

/// Compares the input of a noise reduction with its output, both aligned with the clean speech that is in them.
///
/// # Errors
/// No speech or no pause, no noise in the input, or speech that is not above the noise in the input or in the output.
pub fn noise_reduction(
    clean: &[f32],
    input: &[f32],
    output: &[f32],
    rate: u32,
) -> Result<NoiseReduction, Unmeasurable> {
    let length = clean.len().min(input.len()).min(output.len());
    let spurts = spurts(clean.get(..length).unwrap_or_default(), rate);
    if spurts.is_empty() {
        return Err(Unmeasurable::NoSuchPart("speech"));
    }
    let pauses = pauses(&spurts, length, (f64::from(rate) * MARGIN_S) as usize);
    if pauses.is_empty() {
        return Err(Unmeasurable::NoSuchPart("pause"));
    }
    let of = |samples: &[f32]| (mean_square(samples, &spurts), mean_square(samples, &pauses));
    let ((speech_in, noise_in), (speech_out, noise_out)) = (of(input), of(output));
    if noise_in <= 0.0 {
        return Err(Unmeasurable::NoSuchPart("noise in the input"));
    }
    if speech_in <= noise_in || speech_out <= noise_out {
        return Err(Unmeasurable::NoSuchPart("speech above the noise"));
    }
    let noise_level = 10.0 * (noise_out / noise_in).log10();
    let speech_level = 10.0 * ((speech_out - noise_out) / (speech_in - noise_in)).log10();
    Ok(NoiseReduction {
        noise_level: Db(noise_level),
        speech_level: Db(speech_level),
        signal_to_noise: Db(speech_level - noise_level),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::{silence, speech_like, white_noise};

    fn mixed(speech: &[f32], noise: &[f32], speech_gain: f32, noise_gain: f32) -> Vec<f32> {
        let pairs = speech.iter().zip(noise);
        pairs.map(|(s, n)| s * speech_gain + n * noise_gain).collect()
    }

    #[test]
    fn gains_of_speech_and_noise_are_found() {
        let speech = [speech_like(5.0, 16_000, 1), silence(1.0, 16_000)].concat();
        let noise = white_noise(DbOv(-50.0), 6.0, 16_000, 2);
        let input = mixed(&speech, &noise, 1.0, 1.0);
        let output = mixed(&speech, &noise, 0.9, 0.25);
        let found = noise_reduction(&speech, &input, &output, 16_000).expect("speech");
        assert!((found.noise_level.0 + 12.04).abs() < 0.1, "{found:?}");
        assert!((found.speech_level.0 + 0.915).abs() < 0.1, "{found:?}");
        assert!((found.signal_to_noise.0 - 11.13).abs() < 0.2, "{found:?}");
        let nothing = noise_reduction(&speech, &input, &input, 16_000).expect("speech");
        assert_eq!((nothing.noise_level, nothing.signal_to_noise), (Db(0.0), Db(0.0)));
        let gone = noise_reduction(&speech, &input, &speech, 16_000).expect("speech");
        assert!(gone.noise_level.0 < -40.0, "{gone:?}");
    }

    #[test]
    fn without_speech_or_noise_there_is_nothing_to_compare() {
        let speech = [speech_like(2.0, 8000, 1), silence(1.0, 8000)].concat();
        assert!(noise_reduction(&[0.0; 8000], &speech, &speech, 8000).is_err());
        assert!(noise_reduction(&speech, &[0.0; 24_000], &speech, 8000).is_err());
        assert!(noise_reduction(&[], &[], &[], 8000).is_err());
    }
}
