//! Signs that a pair is not what it was meant to be: swapped, or labelled with a wrong rate.

use voxproof_audio::delay::estimate;
use voxproof_audio::resample::resample;

use super::{Loaded, Pair};
use crate::format::{Note, NoteKind};

/// A recording cannot be ahead of what it is a recording of by more than this, s.
const AHEAD_S: f64 = 0.002;
/// Stretch that is looked at for a wrong rate, s.
const STRETCH_S: f64 = 15.0;
/// Correlation that a guess must reach to be told.
const CONVINCING: f64 = 0.5;
/// Rates that files are labelled with.
const RATES: [u32; 8] = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// What looks wrong with a pair; `delay` is in s, if the two belong together.
pub(super) fn notes(pair: &Pair<'_>, reference: &Loaded, degraded: &Loaded, delay: Option<f64>) -> Vec<Note> {
    let mut notes = Vec::new();
    match delay {
        Some(delay) if delay < -AHEAD_S => notes.push(Note::new(
            NoteKind::Suspicious,
            format!(
                "the recording is {:.1} ms ahead of the reference: are the two files swapped, or is its beginning cut off?",
                -delay * 1000.0
            ),
        )),
        Some(_) => {}
        None => notes.extend(wrong_rate(pair, reference, degraded)),
    }
    notes
}

/// Whether the two belong together once the recording is given another rate.
fn wrong_rate(pair: &Pair<'_>, reference: &Loaded, degraded: &Loaded) -> Option<Note> {
    let stretch = |loaded: &Loaded, rate: u32| -> Option<Vec<f32>> {
        let count = (f64::from(rate) * STRETCH_S) as usize;
        let samples = loaded.samples.iter().take(count);
        let wide: Vec<f64> = samples.map(|sample| f64::from(*sample)).collect();
        let converted = resample(&wide, rate, 8000).ok()?;
        Some(converted.into_iter().map(|sample| sample as f32).collect())
    };
    let label = degraded.format.sample_rate_hz;
    let still = stretch(reference, reference.format.sample_rate_hz)?;
    let (rate, correlation) = RATES
        .into_iter()
        .filter(|rate| *rate != label)
        .filter_map(|rate| {
            let delay = estimate(&still, &stretch(degraded, rate)?, 8000, -5.0..5.0)?;
            Some((rate, delay.confidence))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (correlation >= CONVINCING && pair.rate > 0).then(|| {
        Note::new(
            NoteKind::Suspicious,
            format!(
                "the recording says {label} Hz, but matches the reference at {rate} Hz (correlation {correlation:.2}): is it labelled with a wrong rate?"
            ),
        )
    })
}
