//! Sines one after the other.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::level::DbOv;
use crate::stimulus::length;
use crate::stimulus::synthesis::fade;

/// Duration of the fade at the ends of a tone, s.
const FADE_S: f64 = 0.005;

/// Tones of given frequencies and levels with pauses between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteppedSine {
    /// Frequencies of the tones, Hz.
    pub hz: Vec<f64>,
    /// Levels relative to that of the signal, dB; each frequency is played at each of them. Empty is one of 0 dB.
    #[serde(default)]
    pub levels_db: Vec<f64>,
    /// Duration of a tone, s.
    pub tone_s: f64,
    /// Silence after each tone, s.
    pub pause_s: f64,
}

/// One tone of a [`SteppedSine`] and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Frequency, Hz.
    pub hz: f64,
    /// Level relative to that of the signal, dB.
    pub level_db: f64,
    /// Its samples, without the pause.
    pub range: Range<usize>,
}

impl SteppedSine {
    /// The tones in the order of play: every frequency at the first level, then at the second.
    #[must_use]
    pub fn steps(&self, rate: u32) -> Vec<Step> {
        let levels: &[f64] = if self.levels_db.is_empty() {
            &[0.0]
        } else {
            &self.levels_db
        };
        let (tone, pause) = (length(self.tone_s, rate), length(self.pause_s, rate));
        let order = levels
            .iter()
            .flat_map(|level_db| self.hz.iter().map(move |hz| (*hz, *level_db)));
        (0..)
            .zip(order)
            .map(|(index, (hz, level_db)): (usize, _)| {
                let start = index.saturating_mul(tone + pause);
                Step {
                    hz,
                    level_db,
                    range: start..start.saturating_add(tone),
                }
            })
            .collect()
    }

    /// The samples at a rate in Hz: a tone of 0 dB has rms level `dbov`.
    #[must_use]
    pub fn samples(&self, dbov: DbOv, rate: u32) -> Vec<f32> {
        let pause = length(self.pause_s, rate);
        let edge = length(FADE_S.min(self.tone_s / 8.0), rate);
        let mut samples = Vec::new();
        for step in self.steps(rate) {
            let amplitude = (DbOv(dbov.0 + step.level_db)).to_rms() * std::f64::consts::SQRT_2;
            let angle = std::f64::consts::TAU * step.hz / f64::from(rate.max(1));
            let mut tone: Vec<f64> = (0..step.range.len())
                .map(|n| amplitude * (angle * n as f64).sin())
                .collect();
            fade(&mut tone, edge);
            samples.extend(tone.into_iter().map(|x| x as f32));
            samples.resize(samples.len() + pause, 0.0);
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::tone_level;

    #[test]
    fn each_step_has_its_tone() {
        let stepped = SteppedSine {
            hz: vec![315.0, 1020.0],
            levels_db: vec![0.0, -20.0],
            tone_s: 0.5,
            pause_s: 0.1,
        };
        let samples = stepped.samples(DbOv(-10.0), 8000);
        let steps = stepped.steps(8000);
        assert_eq!((steps.len(), samples.len()), (4, 4 * 4800));
        for step in steps {
            let middle = step.range.start + 200..step.range.end - 200;
            let level = tone_level(&samples[middle], 8000, step.hz).0;
            assert!((level + 10.0 - step.level_db).abs() < 0.01, "{step:?}: {level}");
        }
    }
}
