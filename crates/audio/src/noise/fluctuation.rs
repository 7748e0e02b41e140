//! How much a noise that should be steady moves: fluctuation over time, and pumping around bursts of speech.

use std::ops::Range;

use crate::level::{DbOv, rms_dbov};
use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::noise::Span;
use crate::statistics::median;
use crate::unit::Db;
use crate::weighting::{Weighting, weighted};

/// Movement of a noise level over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fluctuation {
    /// Median level of the windows.
    pub median: DbOv,
    /// Highest window above the median.
    pub up: Db,
    /// Lowest window below the median, a negative number; minus infinity when the noise was cut off.
    pub down: Db,
    /// Standard deviation of the levels of the windows that are not silent.
    pub deviation: Db,
    /// Windows.
    pub n: usize,
}

/// Levels of successive windows of `window_ms` in the stretches given (the pauses, or the whole recording) against their
/// median. A weighting, when there is one, hears the whole recording first. The level of a window of noise varies by
/// itself: by a standard deviation of about 4.3 dB over the root of bandwidth times window.
///
/// # Errors
/// Fewer than four windows, or a noise whose median window is silent.
pub fn fluctuation(
    samples: &[f32],
    rate: u32,
    weighting: Option<Weighting>,
    window_ms: f64,
    spans: &[Span],
) -> Result<Fluctuation, Unmeasurable> {
    let window = (f64::from(rate) * window_ms / 1000.0).round() as usize;
    if window == 0 || rate == 0 {
        return Err(Unmeasurable::OutOfRange {
            name: "window in ms",
            value: window_ms,
            range: "at least one sample",
        });
    }
    let heard = weighting.map(|weighting| weighted(samples, rate, weighting));
    let samples = heard.as_deref().unwrap_or(samples);
    let windows = spans.iter().filter_map(|span| samples.get(span.clone()));
    let levels: Vec<f64> = windows
        .flat_map(|part| part.chunks_exact(window))
        .map(|window| rms_dbov(window).0)
        .collect();
    if levels.len() < 4 {
        return Err(Unmeasurable::TooShort {
            needed_s: 4.0 * window_ms / 1000.0,
            got_s: levels.len() as f64 * window_ms / 1000.0,
        });
    }
    let middle = median(levels.clone()).filter(|level| level.is_finite());
    let middle = middle.ok_or(Unmeasurable::Silent)?;
    let most = levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = levels.iter().copied().fold(f64::INFINITY, f64::min);
    let heard: Vec<f64> = levels.iter().copied().filter(|level| level.is_finite()).collect();
    let mean = heard.iter().sum::<f64>() / heard.len() as f64;
    let squares: f64 = heard.iter().map(|level| (level - mean).powi(2)).sum();
    Ok(Fluctuation {
        median: DbOv(middle),
        up: Db(most - middle),
        down: Db(least - middle),
        deviation: Db((squares / (heard.len() as f64 - 1.0)).sqrt()),
        n: levels.len(),
    })
}

/// Change of the noise level by bursts of speech: the level in a window after each burst minus the level in the same
/// window before it, windows given in s from the end and before the beginning of the burst. A burst whose windows are
/// not within the recording, or are silent, does not count.
///
/// # Errors
/// No burst that counts.
pub fn around_bursts(samples: &[f32], rate: u32, bursts: &[Span], window_s: Range<f64>) -> Measured<Db> {
    let at = |seconds: f64| (seconds * f64::from(rate)).round().max(0.0) as usize;
    let (near, far) = (at(window_s.start), at(window_s.end));
    let level = |from: Option<usize>, to: Option<usize>| {
        let part = samples.get(from?..to?).filter(|part| !part.is_empty())?;
        Some(rms_dbov(part).0).filter(|level| level.is_finite())
    };
    let changes: Vec<Db> = bursts
        .iter()
        .filter_map(|burst| {
            let before = level(burst.start.checked_sub(far), burst.start.checked_sub(near))?;
            let after = level(burst.end.checked_add(near), burst.end.checked_add(far))?;
            Some(Db(after - before))
        })
        .collect();
    if changes.is_empty() {
        return Err(Unmeasurable::NoSuchPart("burst with noise before and after it"));
    }
    Measurement::of(&changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn a_steady_noise_hardly_moves_and_a_pumping_one_does() {
        let noise = white_noise(DbOv(-50.0), 10.0, 8000, 1);
        let whole = 0..noise.len();
        let spans = std::slice::from_ref(&whole);
        let steady = fluctuation(&noise, 8000, None, 125.0, spans).expect("noise");
        assert!(
            steady.up.0 < 1.0 && steady.down.0 > -1.0 && steady.n == 80,
            "{steady:?}"
        );
        assert!(
            (steady.deviation.0 - 4.34 / (4000f64 * 0.125).sqrt()).abs() < 0.1,
            "{steady:?}"
        );
        let pumping: Vec<f32> = noise
            .iter()
            .enumerate()
            .map(|(n, x)| if n / 8000 % 3 == 0 { x * 2.0 } else { *x })
            .collect();
        for weighting in [None, Some(Weighting::A)] {
            let found = fluctuation(&pumping, 8000, weighting, 125.0, spans).expect("noise");
            assert!((found.up.0 - 6.0).abs() < 1.0, "{found:?}");
        }
    }

    #[test]
    fn the_noise_after_a_burst_is_compared_with_the_noise_before() {
        let mut samples = white_noise(DbOv(-60.0), 6.0, 8000, 2);
        let bursts: Vec<Span> = vec![8000..12_000, 24_000..28_000, 47_900..48_000];
        for burst in &bursts {
            let tone = sine(500.0, DbOv(-20.0), 1.0, 8000);
            samples[burst.clone()].copy_from_slice(&tone[..burst.len()]);
            for sample in samples.iter_mut().skip(burst.end).take(1600) {
                *sample *= 0.5;
            }
        }
        let found = around_bursts(&samples, 8000, &bursts, 0.01..0.2).expect("two bursts");
        assert_eq!(found.n, 2);
        assert!((found.value.0 + 6.02).abs() < 0.5, "{found}");
        assert!(around_bursts(&samples, 8000, &[], 0.01..0.2).is_err());
        let burst = 4000..5000;
        let bursts = std::slice::from_ref(&burst);
        assert!(around_bursts(&[0.0; 8000], 8000, bursts, 0.01..f64::NAN).is_err());
    }

    #[test]
    fn too_little_and_silence_are_refused() {
        let whole = 0..8000;
        let spans = std::slice::from_ref(&whole);
        assert!(fluctuation(&[0.0; 8000], 8000, None, 125.0, spans).is_err());
        assert!(fluctuation(&[0.1; 100], 8000, None, 125.0, spans).is_err());
        assert!(fluctuation(&[0.1; 8000], 8000, None, f64::NAN, spans).is_err());
    }
}
