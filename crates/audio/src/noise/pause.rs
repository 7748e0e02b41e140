//! Noise in the pauses of speech.

use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::noise::activity::{Span, pauses, spurts};
use crate::spectrum::power_spectrum;
use crate::weighting::{Weighted, Weighting};

/// Samples of a pause nearer to speech than this are left out, in s: release of the speech, and a buffer that moves.
const MARGIN_S: f64 = 0.1;
/// Shortest noise that is measured, in s, all pauses together.
const SHORTEST_S: f64 = 0.2;

/// The noise that is heard while nobody speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseNoise {
    /// Weighted level; minus infinity for digital silence.
    pub level: Weighted<DbOv>,
    /// Noise that was measured, in s.
    pub seconds: f64,
}

/// Measures the noise of a recording where `marker` pauses: the clean speech that was played, aligned with the recording.
/// The pauses between its spurts, before the first and after the last are taken together. For a channel on which nobody
/// speaks at all there is [`crate::noise::idle_noise`].
///
/// # Errors
/// A marker without speech, pauses of less than 200 ms together, or no rate.
pub fn pause_noise(
    recording: &[f32],
    marker: &[f32],
    rate: u32,
    weighting: Weighting,
) -> Result<PauseNoise, Unmeasurable> {
    let length = recording.len().min(marker.len());
    let spurts = spurts(marker.get(..length).unwrap_or_default(), rate);
    if spurts.is_empty() {
        return Err(Unmeasurable::NoSuchPart("speech"));
    }
    let margin = (f64::from(rate) * MARGIN_S) as usize;
    let quiet: Vec<f32> = pauses(&spurts, length, margin)
        .into_iter()
        .filter_map(|pause: Span| recording.get(pause))
        .flatten()
        .copied()
        .collect();
    let seconds = quiet.len() as f64 / f64::from(rate.max(1));
    if seconds < SHORTEST_S {
        return Err(Unmeasurable::NoSuchPart("pause of 200 ms"));
    }
    Ok(PauseNoise {
        level: power_spectrum(&quiet, rate)?.weighted(weighting),
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::{silence, speech_like, white_noise};

    fn speech() -> Vec<f32> {
        let rate = 8000;
        [
            silence(0.5, rate),
            speech_like(2.0, rate, 3),
            silence(1.0, rate),
            speech_like(1.0, rate, 4),
            silence(1.0, rate),
        ]
        .concat()
    }

    #[test]
    fn the_noise_reads_as_loud_beside_speech_as_alone() {
        let speech = speech();
        let noise = white_noise(DbOv(-50.0), 5.5, 8000, 1);
        let noisy: Vec<f32> = speech
            .iter()
            .zip(&noise)
            .map(|(speech, noise)| speech + noise)
            .collect();
        let alone = power_spectrum(&noise, 8000)
            .expect("samples")
            .weighted(Weighting::Psophometric);
        let found = pause_noise(&noisy, &speech, 8000, Weighting::Psophometric).expect("pauses");
        assert!((found.level.level.0 - alone.level.0).abs() < 0.5, "{found:?}");
        assert!((1.5..4.0).contains(&found.seconds), "{found:?}");
    }

    #[test]
    fn silence_is_a_level_and_no_pause_is_none() {
        let speech = speech();
        let found = pause_noise(&speech, &speech, 8000, Weighting::Psophometric).expect("pauses");
        assert_eq!(found.level.level, DbOv::SILENCE);
        assert!(pause_noise(&speech, &[0.0; 16_000], 8000, Weighting::A).is_err());
        assert!(pause_noise(&[], &speech, 8000, Weighting::A).is_err());
        let steady = white_noise(DbOv(-20.0), 2.0, 8000, 5);
        assert!(pause_noise(&steady, &steady, 8000, Weighting::A).is_err());
        assert!(pause_noise(&speech, &speech, 0, Weighting::A).is_err());
    }
}
