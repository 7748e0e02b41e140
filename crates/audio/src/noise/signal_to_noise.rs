//! Signal to noise ratio.

use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::noise::activity::{pauses, spurts};
use crate::sample::clean;
use crate::spectrum::power_spectrum;
use crate::unit::Db;
use crate::weighting::Weighting;

/// Samples of a pause nearer to speech than this are left out, in s: reverberation and release of the speech.
const MARGIN_S: f64 = 0.05;
/// Shortest pause that noise is measured in, in s, all pauses together.
const SHORTEST_PAUSE_S: f64 = 0.2;

/// Ratio of the power of a signal to that of the noise, from a recording of both together (a calibrator or a tone, say)
/// and one of the noise alone: the noise is taken off the first. Offsets do not count.
///
/// # Errors
/// Nothing recorded, a silent noise, or a first recording that is no louder than the second.
pub fn signal_to_noise(
    with_signal: &[f32],
    without: &[f32],
    rate: u32,
    weighting: Option<Weighting>,
) -> Measured<Db> {
    let power = |samples: &[f32]| -> Result<f64, Unmeasurable> {
        let spectrum = power_spectrum(samples, rate)?;
        let level = weighting.map_or_else(
            || spectrum.level(),
            |weighting| spectrum.weighted(weighting).level,
        );
        Ok(level.to_rms().powi(2))
    };
    let (both, noise) = (power(with_signal)?, power(without)?);
    if noise <= 0.0 {
        return Err(Unmeasurable::NoSuchPart(
            "noise to compare with: it is digital silence",
        ));
    }
    if both <= noise {
        return Err(Unmeasurable::NoSuchPart("signal above the noise"));
    }
    Measurement::single(Db(10.0 * ((both - noise) / noise).log10()))
}

/// Ratio of the power while a recording speaks to that in its pauses, the noise taken off the speech. Where it speaks
/// is found in `marker`: the clean speech that was played, aligned with the recording, or the recording itself when it
/// is clean enough.
///
/// # Errors
/// No speech or no pause in the marker, silent pauses, or speech that is not above the noise.
pub fn speech_to_noise(recording: &[f32], marker: &[f32], rate: u32) -> Measured<Db> {
    let length = recording.len().min(marker.len());
    let spurts = spurts(marker.get(..length).unwrap_or_default(), rate);
    if spurts.is_empty() {
        return Err(Unmeasurable::NoSuchPart("speech"));
    }
    let margin = (f64::from(rate) * MARGIN_S) as usize;
    let pauses = pauses(&spurts, length, margin);
    let (speech, noise) = (mean_square(recording, &spurts), mean_square(recording, &pauses));
    let paused: usize = pauses.iter().map(ExactSizeIterator::len).sum();
    if (paused as f64) < SHORTEST_PAUSE_S * f64::from(rate) {
        return Err(Unmeasurable::NoSuchPart("pause of 200 ms"));
    }
    if noise <= 0.0 {
        return Err(Unmeasurable::NoSuchPart(
            "noise in the pauses: they are digital silence",
        ));
    }
    if speech <= noise {
        return Err(Unmeasurable::NoSuchPart("speech above the noise"));
    }
    Measurement::single(Db(10.0 * ((speech - noise) / noise).log10()))
}

/// Mean square of the samples in some stretches, 0 for none.
pub(super) fn mean_square(samples: &[f32], spans: &[super::Span]) -> f64 {
    let parts = spans.iter().filter_map(|span| samples.get(span.clone()));
    let (sum, count) = parts.fold((0.0, 0usize), |(sum, count), part| {
        let energy: f64 = part.iter().map(|&sample| clean(sample).powi(2)).sum();
        (sum + energy, count + part.len())
    });
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::{silence, sine, speech_like, white_noise};

    fn sum(left: &[f32], right: &[f32]) -> Vec<f32> {
        left.iter().zip(right).map(|(a, b)| a + b).collect()
    }

    #[test]
    fn a_tone_over_noise_has_the_ratio_it_was_made_with() {
        let noise = white_noise(DbOv(-60.0), 4.0, 48_000, 1);
        for ratio in [0.0, 10.0, 40.0] {
            let tone = sine(1000.0, DbOv(-60.0 + ratio), 4.0, 48_000);
            let found = signal_to_noise(&sum(&tone, &noise), &noise, 48_000, None).expect("a tone");
            assert!((found.value.0 - ratio).abs() < 0.1, "{ratio}: {found}");
        }
    }

    #[test]
    fn speech_over_noise_has_the_ratio_it_was_made_with() {
        let speech = [
            silence(0.5, 16_000),
            speech_like(4.0, 16_000, 3),
            silence(0.5, 16_000),
        ]
        .concat();
        let spurts = spurts(&speech, 16_000);
        let level = 10.0 * mean_square(&speech, &spurts).log10();
        let mut last = f64::INFINITY;
        for ratio in [30.0, 20.0, 10.0, 3.0] {
            let noise = white_noise(DbOv(level - ratio), 5.0, 16_000, 4);
            let found = speech_to_noise(&sum(&speech, &noise), &speech, 16_000).expect("speech");
            assert!((found.value.0 - ratio).abs() < 0.5, "{ratio}: {found}");
            assert!(found.value.0 < last);
            last = found.value.0;
        }
    }

    #[test]
    fn what_has_no_ratio_says_so() {
        let noise = white_noise(DbOv(-40.0), 1.0, 8000, 5);
        assert!(signal_to_noise(&noise, &noise, 8000, None).is_err());
        assert!(signal_to_noise(&noise, &[0.0; 8000], 8000, None).is_err());
        assert!(signal_to_noise(&[], &noise, 8000, None).is_err());
        assert!(speech_to_noise(&noise, &[0.0; 8000], 8000).is_err());
        assert!(speech_to_noise(&[], &[], 8000).is_err());
        let steady = sine(500.0, DbOv(-20.0), 1.0, 8000);
        assert!(speech_to_noise(&steady, &steady, 8000).is_err());
    }
}
