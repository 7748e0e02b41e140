//! Active speech level (ITU-T P.56 method B).
//!
//! The level of speech without its pauses: the power during the time in which a smoothed envelope, held for 200 ms, is
//! above a threshold 15.9 dB below the very level that is looked for. Noisy signals read too much activity; the signal
//! is not band-limited here.

use crate::level::DbOv;
use crate::sample::clean;

/// Time constant of each of the two smoothing stages, in s.
const TIME_CONSTANT_S: f64 = 0.03;
/// Hangover: pauses shorter than this are speech, in s.
const HANGOVER_S: f64 = 0.2;
/// Distance of the threshold from the active level, in dB.
const MARGIN_DB: f64 = 15.9;
/// Thresholds are octaves of the 16-bit scale, from one unit to half of full scale.
const THRESHOLDS: usize = 15;

/// Result of [`speech_level`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeechLevel {
    /// Level while speech is active.
    pub active: DbOv,
    /// Level over the whole time, offset included.
    pub rms: DbOv,
    /// Share of the time in which speech is active, 0..=1.
    pub activity: f64,
}

/// Measures the active speech level of a recording.
///
/// `None` when there is nothing to measure: no samples, no rate, or a signal below about -74 dBov, where the lowest
/// threshold of the method no longer reaches 15.9 dB below the signal.
#[must_use]
pub fn speech_level(samples: &[f32], rate: u32) -> Option<SpeechLevel> {
    if samples.is_empty() || rate == 0 {
        return None;
    }
    let smoothing = (-1.0 / (f64::from(rate) * TIME_CONSTANT_S)).exp();
    let hangover = (f64::from(rate) * HANGOVER_S).ceil() as u64;
    let thresholds: [f64; THRESHOLDS] = std::array::from_fn(|octave| 2f64.powi(octave as i32) / 32768.0);
    let mut active = [0u64; THRESHOLDS];
    // the hangover must not count before the first activity
    let mut since = [hangover; THRESHOLDS];
    let (mut first, mut envelope, mut energy) = (0.0, 0.0, 0.0);
    for &sample in samples {
        let sample = clean(sample);
        energy += sample * sample;
        first = smoothing * first + (1.0 - smoothing) * sample.abs();
        envelope = smoothing * envelope + (1.0 - smoothing) * first;
        for ((threshold, active), since) in thresholds.iter().zip(&mut active).zip(&mut since) {
            if envelope >= *threshold {
                *active += 1;
                *since = 0;
            } else if *since < hangover {
                *active += 1;
                *since += 1;
            }
        }
    }
    // Active level for each threshold, with its distance from the threshold: the distance falls with the threshold, and
    // the result is where it is the margin.
    let mut above: Option<(f64, f64)> = None;
    for (threshold, &active) in thresholds.iter().zip(&active) {
        if active == 0 {
            return None;
        }
        let level = 10.0 * (energy / active as f64).log10();
        let distance = level - 20.0 * threshold.log10();
        if distance <= MARGIN_DB {
            let (level_above, distance_above) = above?;
            let share = (distance_above - MARGIN_DB) / (distance_above - distance);
            let active_level = level_above + share * (level - level_above);
            let rms = 10.0 * (energy / samples.len() as f64).log10();
            return Some(SpeechLevel {
                active: DbOv(active_level),
                rms: DbOv(rms),
                activity: 10f64.powf((rms - active_level) / 10.0).min(1.0),
            });
        }
        above = Some((level, distance));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::sine;

    #[test]
    fn a_steady_tone_is_active_all_the_time() {
        // 60 s, so that the envelope's rise is a negligible share
        let level = speech_level(&sine(1000.0, DbOv(-26.0), 60.0, 8000), 8000).expect("a tone");
        assert!((level.rms.0 + 26.0).abs() < 0.001);
        assert!((level.active.0 + 26.0).abs() < 0.01);
        assert!(level.activity > 0.998);
    }

    /// A tone of one second on, one second off. The two smoothing stages give the envelope m(1 - (1+t/T)e^(-t/T)) on
    /// the way up and m(1+t/T)e^(-t/T) on the way down with m the tone's mean magnitude, so the time above a threshold
    /// is known, and the level follows from the condition that the threshold is 15.9 dB below it.
    fn gated_level(on_dbov: f64, on_s: f64, period_s: f64) -> (f64, f64) {
        let rms = 10f64.powf(on_dbov / 20.0);
        let mean_magnitude = rms * 2.0 * 2f64.sqrt() / std::f64::consts::PI;
        // t/T at which (1+u)e^(-u) falls to the share
        let falls_to = |share: f64| {
            let (mut low, mut high) = (0.0, 50.0);
            for _ in 0..100 {
                let middle: f64 = (low + high) / 2.0;
                if (1.0 + middle) * (-middle).exp() > share {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            low
        };
        let mut active = on_dbov;
        let mut activity = 1.0;
        for _ in 0..100 {
            let share = 10f64.powf((active - MARGIN_DB) / 20.0) / mean_magnitude;
            let rise = TIME_CONSTANT_S * falls_to(1.0 - share);
            let fall = TIME_CONSTANT_S * falls_to(share);
            let active_s = on_s - rise + fall + HANGOVER_S;
            activity = active_s / period_s;
            active = on_dbov + 10.0 * (on_s / active_s).log10();
        }
        (active, activity)
    }

    #[test]
    fn a_gated_tone_has_the_level_that_the_definition_gives() {
        for rate in [8000, 16000, 48000] {
            let mut samples = Vec::new();
            for _ in 0..20 {
                samples.extend(sine(1000.0, DbOv(-20.0), 1.0, rate));
                samples.extend(vec![0.0; rate as usize]);
            }
            let level = speech_level(&samples, rate).expect("a tone");
            let (active, activity) = gated_level(-20.0, 1.0, 2.0);
            // the thresholds are octaves and the level between them is interpolated
            assert!(
                (level.active.0 - active).abs() < 0.03,
                "{rate}: {} {active}",
                level.active
            );
            assert!(
                (level.activity - activity).abs() < 0.005,
                "{rate}: {} {activity}",
                level.activity
            );
            assert!((level.rms.0 + 23.0103).abs() < 0.001);
        }
    }

    #[test]
    fn activity_does_not_depend_on_the_level() {
        let mut samples = sine(300.0, DbOv(-10.0), 2.0, 8000);
        samples.extend(vec![0.0; 16000]);
        let loud = speech_level(&samples, 8000).expect("loud");
        let quiet: Vec<f32> = samples.iter().map(|x| x * 0.01).collect();
        let quiet = speech_level(&quiet, 8000).expect("quiet");
        assert!((loud.active.0 - quiet.active.0 - 40.0).abs() < 0.1);
        assert!((loud.activity - quiet.activity).abs() < 0.01);
    }

    #[test]
    fn nothing_to_measure_is_none() {
        assert_eq!(speech_level(&[], 8000), None);
        assert_eq!(speech_level(&[0.0; 8000], 8000), None);
        assert_eq!(speech_level(&[0.5; 8000], 0), None);
        assert_eq!(speech_level(&sine(1000.0, DbOv(-85.0), 1.0, 8000), 8000), None);
        assert_eq!(speech_level(&[f32::NAN; 100], 8000), None);
    }
}
