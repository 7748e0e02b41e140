//! Bursts of rising level, to find the level at which a device opens a direction.

use serde::{Deserialize, Serialize};

use crate::level::DbOv;
use crate::stimulus::composite_source::{CompositeSource, Shaping, Variant};
use crate::stimulus::length;

/// Duration of a burst, s: voiced sound and noise of the composite source signal (ITU-T P.1110 11.11.8.1).
const BURST_S: f64 = 0.248_62;
/// Duration of the pause after it, s.
const PAUSE_S: f64 = 0.451_38;

/// Composite source bursts of 248.62 ms with pauses of 451.38 ms, each louder than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationSequence {
    /// Bursts.
    pub bursts: u32,
    /// Rise from burst to burst, dB; 1 in P.1110.
    pub step_db: f64,
    /// Seed of the noise.
    pub seed: u64,
}

impl ActivationSequence {
    /// Duration of a burst and its pause, s.
    #[must_use]
    pub fn period_s(&self) -> f64 {
        BURST_S + PAUSE_S
    }

    /// Level of a burst relative to the last one, dB, and its samples.
    #[must_use]
    pub fn bursts(&self, rate: u32) -> Vec<(f64, std::ops::Range<usize>)> {
        let (burst, period) = (length(BURST_S, rate), length(BURST_S + PAUSE_S, rate));
        (0..self.bursts)
            .map(|index| {
                let start = (index as usize).saturating_mul(period);
                let below = f64::from(self.bursts - 1 - index) * self.step_db;
                (-below, start..start.saturating_add(burst))
            })
            .collect()
    }

    /// The samples at a rate in Hz; the last burst has rms level `dbov`.
    #[must_use]
    pub fn samples(&self, dbov: DbOv, rate: u32) -> Vec<f32> {
        let source = CompositeSource {
            variant: Variant::SingleTalk,
            periods: 1,
            shaping: Shaping::Flat,
            seed: self.seed,
        };
        let burst = source.samples(dbov, rate);
        let period = length(BURST_S + PAUSE_S, rate);
        let mut samples = Vec::new();
        for (level_db, range) in self.bursts(rate) {
            let gain = 10f64.powf(level_db / 20.0) as f32;
            samples.extend(burst.iter().take(range.len()).map(|x| x * gain));
            samples.resize(range.start.saturating_add(period), 0.0);
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;

    #[test]
    fn bursts_rise_by_the_step() {
        let sequence = ActivationSequence {
            bursts: 5,
            step_db: 1.0,
            seed: 1,
        };
        let samples = sequence.samples(DbOv(-20.0), 48000);
        assert_eq!(samples.len(), 5 * 33600);
        for (level_db, range) in sequence.bursts(48000) {
            let level = rms_dbov(&samples[range.clone()]).0;
            assert!((level + 20.0 - level_db).abs() < 0.05, "{level_db}: {level}");
            assert_eq!(range.len(), 11934);
        }
    }
}
