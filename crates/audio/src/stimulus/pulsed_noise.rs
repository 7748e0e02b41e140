//! Pulses of third-octave noise.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::level::DbOv;
use crate::stimulus::length;
use crate::stimulus::noise::band_noise;
use crate::stimulus::synthesis::fade;

/// Duration of the fade at the ends of a pulse, s.
const FADE_S: f64 = 0.01;
/// Most bands: those of 10 Hz to 100 kHz.
const MOST_BANDS: i32 = 41;

/// For each third-octave band a number of equal pulses of noise, flat within the band. The band's noise is Gaussian.
///
/// It is meant for the signal-to-distortion-and-noise ratio of IEEE 269-2010 Annex L, whose text was not available: the
/// times are this project's own, so results are method-equivalent, not signal-exact.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PulsedNoise {
    /// Nominal centre of the lowest band, Hz.
    pub low_hz: f64,
    /// Nominal centre of the highest band, Hz.
    pub high_hz: f64,
    /// Duration of a pulse, s.
    pub pulse_s: f64,
    /// Silence after a pulse, s.
    pub pause_s: f64,
    /// Pulses in each band.
    pub pulses: u32,
    /// Seed of the noise.
    pub seed: u64,
}

/// One pulse of a [`PulsedNoise`].
#[derive(Debug, Clone, PartialEq)]
pub struct Pulse {
    /// Exact centre of the band, Hz.
    pub hz: f64,
    /// Its samples, without the pause.
    pub range: Range<usize>,
}

impl PulsedNoise {
    /// Exact centres of the bands, base ten (IEC 61260-1), Hz.
    #[must_use]
    pub fn centres(&self) -> Vec<f64> {
        let index = |hz: f64| (10.0 * hz.log10()).round() as i32;
        if !(self.low_hz > 0.0 && self.high_hz >= self.low_hz) {
            return Vec::new();
        }
        let first = index(self.low_hz);
        (first..=index(self.high_hz).min(first.saturating_add(MOST_BANDS - 1)))
            .map(|band| 10f64.powf(f64::from(band) / 10.0))
            .collect()
    }

    /// The pulses in the order of play.
    #[must_use]
    pub fn pulse_ranges(&self, rate: u32) -> Vec<Pulse> {
        let (on, off) = (length(self.pulse_s, rate), length(self.pause_s, rate));
        let pulses = self.pulses as usize;
        let mut found = Vec::new();
        for (band, hz) in self.centres().into_iter().enumerate() {
            for pulse in 0..pulses {
                let start = (band.saturating_mul(pulses) + pulse).saturating_mul(on + off);
                found.push(Pulse {
                    hz,
                    range: start..start.saturating_add(on),
                });
            }
        }
        found
    }

    /// The samples at a rate in Hz: each pulse has rms level `dbov` before its ends are faded.
    #[must_use]
    pub fn samples(&self, dbov: DbOv, rate: u32) -> Vec<f32> {
        let half_band = 10f64.powf(0.05);
        let pause = length(self.pause_s, rate);
        let edge = length(FADE_S.min(self.pulse_s / 8.0), rate);
        let mut samples = Vec::new();
        for (index, pulse) in (0u64..).zip(self.pulse_ranges(rate)) {
            let seed = self.seed.wrapping_add(index);
            let noise = band_noise(
                pulse.hz / half_band,
                pulse.hz * half_band,
                dbov,
                self.pulse_s,
                rate,
                seed,
            );
            let mut noise: Vec<f64> = noise.into_iter().map(f64::from).collect();
            fade(&mut noise, edge);
            samples.extend(noise.into_iter().map(|x| x as f32));
            samples.resize(samples.len() + pause, 0.0);
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;

    #[test]
    fn pulses_are_where_they_say() {
        let noise = PulsedNoise {
            low_hz: 315.0,
            high_hz: 5000.0,
            pulse_s: 0.25,
            pause_s: 0.15,
            pulses: 2,
            seed: 4,
        };
        assert_eq!(noise.centres().len(), 13);
        let samples = noise.samples(DbOv(-20.0), 16000);
        let pulses = noise.pulse_ranges(16000);
        assert_eq!((pulses.len(), samples.len()), (26, 26 * 6400));
        for pulse in pulses {
            let level = rms_dbov(&samples[pulse.range.clone()]).0;
            assert!((-20.8..-19.9).contains(&level), "{pulse:?}: {level}");
            assert!(
                samples[pulse.range.end..pulse.range.end + 2400]
                    .iter()
                    .all(|x| *x == 0.0)
            );
        }
        assert!(
            PulsedNoise {
                low_hz: -1.0,
                ..noise
            }
            .samples(DbOv(0.0), 8000)
            .is_empty()
        );
    }
}
