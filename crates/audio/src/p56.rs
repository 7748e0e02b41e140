//! Active speech level (ITU-T P.56 method B).
//!
//! The level of speech without its pauses: the power during the time in which a smoothed envelope, held for 200 ms, is
//! above a threshold 15.9 dB below the very level that is looked for. Noisy signals read too much activity. The
//! signal is limited to a band of speech only when one is asked for.

use crate::filter::{BandLimit, SpeechBand};
use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::sample::clean;

/// Time constant of each of the two smoothing stages, in s.
const TIME_CONSTANT_S: f64 = 0.03;
/// Hangover: pauses shorter than this are speech, in s.
const HANGOVER_S: f64 = 0.2;
/// Distance of the threshold from the active level, in dB.
const MARGIN_DB: f64 = 15.9;
/// Thresholds are octaves of the 16-bit scale, from one unit to half of full scale.
const THRESHOLDS: usize = 15;
/// Samples that are converted at a time.
const PIECE: usize = 512;
/// Level below which the lowest threshold no longer reaches 15.9 dB below the signal, about.
const LOWEST_DBOV: f64 = -74.4;

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

/// Measures the active speech level of a recording, without limiting its band.
///
/// `None` when there is nothing to measure: no samples, no rate, or a signal below about -74 dBov, where the lowest
/// threshold of the method no longer reaches 15.9 dB below the signal. [`SpeechLevelMeter`] says which it is.
#[must_use]
pub fn speech_level(samples: &[f32], rate: u32) -> Option<SpeechLevel> {
    let mut meter = SpeechLevelMeter::new(rate);
    meter.push(samples);
    meter.finish().ok()
}

/// As [`speech_level`], within a band.
///
/// # Errors
/// As [`SpeechLevelMeter::finish`] and [`BandLimit::new`].
pub fn speech_level_in(samples: &[f32], rate: u32, band: SpeechBand) -> Result<SpeechLevel, Unmeasurable> {
    let mut meter = SpeechLevelMeter::in_band(rate, band)?;
    meter.push(samples);
    meter.finish()
}

/// How long the envelope has been above one threshold, hangover included.
#[derive(Debug, Clone, Copy, Default)]
struct Activity {
    /// Active samples up to `since`.
    counted: u64,
    /// When the envelope last crossed the threshold.
    since: u64,
    /// It has been above at some time: the hangover must not count before.
    ever: bool,
}

/// Measures the active speech level of samples that come piece by piece.
#[derive(Debug, Clone)]
pub struct SpeechLevelMeter {
    rate: u32,
    smoothing: f64,
    hangover: u64,
    band: Option<BandLimit>,
    samples: u64,
    energy: f64,
    first: f64,
    envelope: f64,
    /// Thresholds that the envelope is at or above.
    above: usize,
    activities: [Activity; THRESHOLDS],
}

impl SpeechLevelMeter {
    /// A meter for samples at `rate` Hz in their own band.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        Self {
            rate,
            smoothing: (-1.0 / (f64::from(rate) * TIME_CONSTANT_S)).exp(),
            hangover: (f64::from(rate) * HANGOVER_S).ceil() as u64,
            band: None,
            samples: 0,
            energy: 0.0,
            first: 0.0,
            envelope: 0.0,
            above: 0,
            activities: [Activity::default(); THRESHOLDS],
        }
    }

    /// A meter that limits the samples to a band of speech first.
    ///
    /// # Errors
    /// As [`BandLimit::new`].
    pub fn in_band(rate: u32, band: SpeechBand) -> Result<Self, Unmeasurable> {
        Ok(Self {
            band: Some(BandLimit::new(band, rate)?),
            ..Self::new(rate)
        })
    }

    /// The next samples, full scale 1.0.
    pub fn push(&mut self, samples: &[f32]) {
        let mut wide = [0.0; PIECE];
        for piece in samples.chunks(PIECE) {
            let wide = &mut wide[..piece.len()];
            for (wide, &sample) in wide.iter_mut().zip(piece) {
                *wide = clean(sample);
            }
            self.push_wide(wide);
        }
    }

    /// As [`Self::push`] for finite samples; `wide` is filtered in place.
    pub(crate) fn push_wide(&mut self, wide: &mut [f64]) {
        if let Some(band) = &mut self.band {
            band.apply(wide);
        }
        let (mut first, mut envelope, mut energy) = (self.first, self.envelope, 0.0);
        let (keep, take) = (self.smoothing, 1.0 - self.smoothing);
        let (mut low, mut high) = limits(self.above);
        for (n, &sample) in wide.iter().enumerate() {
            energy += sample * sample;
            first = keep * first + take * sample.abs();
            envelope = keep * envelope + take * first;
            // the thresholds are octaves apart and the envelope is slow: a crossing is rare
            if envelope < low || envelope >= high {
                self.cross(envelope, self.samples + n as u64);
                (low, high) = limits(self.above);
            }
        }
        // a long silence must not end in numbers that processors are slow with
        self.first = if first < 1e-60 { 0.0 } else { first };
        self.envelope = if envelope < 1e-60 { 0.0 } else { envelope };
        self.energy += energy;
        self.samples += wide.len() as u64;
    }

    fn cross(&mut self, envelope: f64, now: u64) {
        let above = (0..THRESHOLDS)
            .take_while(|octave| envelope >= threshold(*octave))
            .count();
        for (octave, activity) in self.activities.iter_mut().enumerate() {
            let (was, is) = (octave < self.above, octave < above);
            if was != is {
                *activity = Activity {
                    counted: activity.active(now, was, self.hangover),
                    since: now,
                    ever: true,
                };
            }
        }
        self.above = above;
    }

    /// The level of everything seen so far.
    ///
    /// # Errors
    /// No samples, no rate, silence, or less than the method can measure.
    pub fn finish(&self) -> Result<SpeechLevel, Unmeasurable> {
        if self.samples == 0 {
            return Err(Unmeasurable::NothingToMeasure);
        }
        if self.rate == 0 {
            return Err(Unmeasurable::RateTooLow {
                rate: 0,
                needed_hz: 1.0,
            });
        }
        if self.energy <= 0.0 {
            return Err(Unmeasurable::Silent);
        }
        let rms = 10.0 * (self.energy / self.samples as f64).log10();
        let too_quiet = Unmeasurable::TooQuiet {
            level_dbov: rms,
            needed_dbov: LOWEST_DBOV,
        };
        // Active level for each threshold, with its distance from the threshold: the distance falls with the threshold,
        // and the result is where it is the margin.
        let mut last: Option<(f64, f64)> = None;
        for (octave, activity) in self.activities.iter().enumerate() {
            let active = activity.active(self.samples, octave < self.above, self.hangover);
            if active == 0 {
                return Err(too_quiet);
            }
            let level = 10.0 * (self.energy / active as f64).log10();
            let distance = level - 20.0 * threshold(octave).log10();
            if distance <= MARGIN_DB {
                let Some((last_level, last_distance)) = last else {
                    return Err(too_quiet);
                };
                let share = (last_distance - MARGIN_DB) / (last_distance - distance);
                let active_level = last_level + share * (level - last_level);
                return Ok(SpeechLevel {
                    active: DbOv(active_level),
                    rms: DbOv(rms),
                    activity: 10f64.powf((rms - active_level) / 10.0).min(1.0),
                });
            }
            last = Some((level, distance));
        }
        // 15.9 dB above half of full scale: beyond any sample of full scale 1.0
        Err(Unmeasurable::OutOfRange {
            name: "level in dBov",
            value: rms,
            range: "up to 9",
        })
    }
}

impl Activity {
    /// Active samples up to `now`.
    fn active(&self, now: u64, above: bool, hangover: u64) -> u64 {
        let time = now - self.since;
        match (above, self.ever) {
            (true, _) => self.counted + time,
            (false, true) => self.counted + time.min(hangover),
            (false, false) => 0,
        }
    }
}

fn threshold(octave: usize) -> f64 {
    2f64.powi(octave as i32) / 32768.0
}

/// Between which values the envelope is above just so many thresholds.
fn limits(above: usize) -> (f64, f64) {
    let low = above.checked_sub(1).map_or(f64::NEG_INFINITY, threshold);
    let high = if above < THRESHOLDS {
        threshold(above)
    } else {
        f64::INFINITY
    };
    (low, high)
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

    #[test]
    fn pieces_and_reasons() {
        let samples = crate::stimulus::speech_like(3.0, 16_000, 5);
        let whole = speech_level(&samples, 16_000).expect("speech");
        let mut meter = SpeechLevelMeter::new(16_000);
        samples.chunks(77).for_each(|piece| meter.push(piece));
        let pieces = meter.finish().expect("speech");
        assert!((pieces.active.0 - whole.active.0).abs() < 1e-9, "{pieces:?}");
        assert!((pieces.activity - whole.activity).abs() < 1e-9, "{pieces:?}");
        assert_eq!(
            SpeechLevelMeter::new(8000).finish(),
            Err(Unmeasurable::NothingToMeasure)
        );
        let mut silent = SpeechLevelMeter::new(8000);
        silent.push(&[0.0; 100]);
        assert_eq!(silent.finish(), Err(Unmeasurable::Silent));
        silent.push(&[1e-5; 8000]);
        assert!(matches!(silent.finish(), Err(Unmeasurable::TooQuiet { .. })));
        let mut loud = SpeechLevelMeter::new(8000);
        loud.push(&[9000.0; 8000]);
        assert!(matches!(loud.finish(), Err(Unmeasurable::OutOfRange { .. })));
    }

    #[test]
    fn the_band_takes_away_what_is_no_speech() {
        let speech = crate::stimulus::speech_like(4.0, 8000, 6);
        let hum = sine(50.0, DbOv(-20.0), 4.0, 8000);
        let both: Vec<f32> = speech.iter().zip(&hum).map(|(a, b)| a + b).collect();
        let clean = speech_level_in(&speech, 8000, SpeechBand::Narrow).expect("speech");
        let limited = speech_level_in(&both, 8000, SpeechBand::Narrow).expect("speech");
        assert!(
            (clean.active.0 - limited.active.0).abs() < 0.05,
            "{clean:?} {limited:?}"
        );
        assert!(speech_level(&both, 8000).expect("both").active.0 > limited.active.0 + 4.0);
    }
}
