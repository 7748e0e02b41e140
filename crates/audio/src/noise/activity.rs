//! Where a recording speaks and where it pauses.

use std::ops::Range;

use crate::p56::speech_level;
use crate::sample::clean;

/// Length of the frames that activity is judged in, in s.
const FRAME_S: f64 = 0.005;
/// Distance of the threshold below the active speech level in dB: the margin of ITU-T P.56.
const MARGIN_DB: f64 = 15.9;
/// A gap shorter than this is within speech, in s: the hangover of ITU-T P.56.
const GAP_S: f64 = 0.2;
/// Sound shorter than this is a click, in s.
const SHORTEST_S: f64 = 0.02;

/// A stretch of samples.
pub type Span = Range<usize>;

/// Stretches in which a clean recording speaks: frames of 5 ms within 15.9 dB of its active speech level, joined over
/// gaps below 200 ms, clicks below 20 ms left out. Empty without measurable speech. On strongly noisy recordings the
/// noise counts as speech.
#[must_use]
pub fn spurts(samples: &[f32], rate: u32) -> Vec<Span> {
    let Some(level) = speech_level(samples, rate) else {
        return Vec::new();
    };
    let threshold = 10f64.powf((level.active.0 - MARGIN_DB) / 10.0);
    let length = |seconds: f64| ((f64::from(rate) * seconds).round() as usize).max(1);
    let frame = length(FRAME_S);
    let mut spurts: Vec<Span> = Vec::new();
    for (number, samples) in samples.chunks(frame).enumerate() {
        let power = samples.iter().map(|&sample| clean(sample).powi(2)).sum::<f64>() / samples.len() as f64;
        if power < threshold {
            continue;
        }
        let here = number * frame..number * frame + samples.len();
        match spurts.last_mut() {
            Some(last) if here.start - last.end < length(GAP_S) => last.end = here.end,
            _ => spurts.push(here),
        }
    }
    spurts.retain(|spurt| spurt.len() >= length(SHORTEST_S));
    spurts
}

/// Stretches between the spurts, before the first and after the last, each shortened by `margin` samples where it
/// borders on speech; what is left of less than one sample is left out.
#[must_use]
pub fn pauses(spurts: &[Span], total: usize, margin: usize) -> Vec<Span> {
    let mut pauses = Vec::new();
    let mut start = 0;
    for spurt in spurts {
        pauses.push(start..spurt.start.saturating_sub(margin));
        start = spurt.end.saturating_add(margin);
    }
    pauses.push(start..total);
    pauses.retain(|pause| pause.start < pause.end && pause.end <= total);
    pauses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::{silence, sine};

    #[test]
    fn spurts_are_found_to_a_frame_and_short_gaps_do_not_part_them() {
        let rate = 8000;
        let tone = |seconds| sine(500.0, DbOv(-20.0), seconds, rate);
        let samples = [
            silence(0.5, rate),
            tone(1.0),
            silence(0.1, rate),
            tone(0.4),
            silence(0.7, rate),
            tone(0.3),
            silence(0.4, rate),
            tone(0.01),
            silence(0.5, rate),
        ]
        .concat();
        let spurts = spurts(&samples, rate);
        assert_eq!(spurts, [4000..16_000, 21_600..24_000]);
        assert_eq!(
            pauses(&spurts, samples.len(), 100),
            [0..3900, 16_100..21_500, 24_100..samples.len()]
        );
    }

    #[test]
    fn no_speech_is_one_pause() {
        assert!(spurts(&[0.0; 8000], 8000).is_empty() && spurts(&[], 0).is_empty());
        let whole = 0..10;
        assert_eq!(pauses(&[], 10, 3), std::slice::from_ref(&whole));
        assert!(pauses(&[], 0, 3).is_empty());
        assert!(pauses(std::slice::from_ref(&whole), 10, usize::MAX).is_empty());
    }
}
