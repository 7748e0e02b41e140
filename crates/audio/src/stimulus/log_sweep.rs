//! Logarithmic sine sweep (A. Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine
//! technique", AES 108th convention, 2000).

use serde::{Deserialize, Serialize};

use crate::level::DbOv;
use crate::stimulus::length;
use crate::stimulus::synthesis::fade;

/// A sine whose frequency rises exponentially: the same time for every octave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSweep {
    /// First frequency, Hz.
    pub low_hz: f64,
    /// Last frequency, Hz.
    pub high_hz: f64,
    /// Duration, s.
    pub seconds: f64,
    /// Duration of the raised-cosine fade at either end, s.
    pub fade_s: f64,
    /// Silence after the sweep, s, for the tail of the response.
    pub silence_s: f64,
}

impl LogSweep {
    /// Natural logarithm of the ratio of the last and the first frequency.
    fn octaves(&self) -> f64 {
        (self.high_hz / self.low_hz).ln()
    }

    /// Whether the frequencies and times make a sweep at a rate.
    #[must_use]
    pub fn is_possible(&self, rate: u32) -> bool {
        self.low_hz > 0.0
            && self.high_hz > self.low_hz
            && self.high_hz <= f64::from(rate) / 2.0
            && self.seconds > 0.0
            && self.fade_s >= 0.0
            && self.silence_s >= 0.0
    }

    /// The sweep, its sine at rms level `dbov`, then the silence; empty when it is not possible at the rate, Hz.
    #[must_use]
    pub fn samples(&self, dbov: DbOv, rate: u32) -> Vec<f32> {
        let mut samples: Vec<f32> = self
            .sweep(dbov.to_rms() * std::f64::consts::SQRT_2, rate)
            .into_iter()
            .map(|x| x as f32)
            .collect();
        if !samples.is_empty() {
            samples.resize(samples.len() + length(self.silence_s, rate), 0.0);
        }
        samples
    }

    /// The sweep alone with a given amplitude.
    fn sweep(&self, amplitude: f64, rate: u32) -> Vec<f64> {
        if !self.is_possible(rate) || !amplitude.is_finite() {
            return Vec::new();
        }
        let growth = self.octaves() / self.seconds;
        let phase_scale = std::f64::consts::TAU * self.low_hz / growth;
        let mut samples: Vec<f64> = (0..length(self.seconds, rate))
            .map(|n| {
                let t = n as f64 / f64::from(rate);
                amplitude * (phase_scale * ((t * growth).exp() - 1.0)).sin()
            })
            .collect();
        fade(&mut samples, length(self.fade_s, rate));
        samples
    }

    /// The inverse filter: the sweep backwards, its amplitude falling by 6 dB an octave. The convolution of a sweep of
    /// rms level `dbov` with it is an impulse of unit gain in the band, at the last sample of the sweep.
    #[must_use]
    pub fn inverse(&self, dbov: DbOv, rate: u32) -> Vec<f64> {
        let mut inverse = self.sweep(1.0, rate);
        let amplitude = dbov.to_rms() * std::f64::consts::SQRT_2;
        let growth = self.octaves() / self.seconds;
        // by stationary phase the transform of a sweep has magnitude rate * amplitude / (2 sqrt(growth f)), and that of
        // the inverse rate * (f / high) / (2 sqrt(growth f)): the product does not depend on f
        let scale = 4.0 * growth * self.high_hz / (amplitude * f64::from(rate).powi(2));
        inverse.reverse();
        for (n, sample) in inverse.iter_mut().enumerate() {
            *sample *= scale * (-growth * n as f64 / f64::from(rate)).exp();
        }
        inverse
    }

    /// How much earlier than the linear response the response of a harmonic appears, s: harmonic 2 is the octave.
    #[must_use]
    pub fn harmonic_lead_s(&self, harmonic: u32) -> f64 {
        self.seconds * f64::from(harmonic.max(1)).ln() / self.octaves()
    }

    /// When the sweep passes a frequency, s from its beginning.
    #[must_use]
    pub fn time_of(&self, hz: f64) -> f64 {
        self.seconds * (hz / self.low_hz).ln() / self.octaves()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;

    const SWEEP: LogSweep = LogSweep {
        low_hz: 50.0,
        high_hz: 7000.0,
        seconds: 1.0,
        fade_s: 0.01,
        silence_s: 0.25,
    };

    #[test]
    fn level_and_length() {
        let samples = SWEEP.samples(DbOv(-12.0), 16000);
        assert_eq!(samples.len(), 20000);
        assert!((rms_dbov(&samples[400..15600]).0 + 12.0).abs() < 0.05);
        assert!(samples[16000..].iter().all(|x| *x == 0.0));
        assert!(SWEEP.samples(DbOv(-12.0), 8000).is_empty());
        assert!(
            LogSweep {
                low_hz: f64::NAN,
                ..SWEEP
            }
            .samples(DbOv(-12.0), 16000)
            .is_empty()
        );
    }

    #[test]
    fn harmonics_lead_by_the_time_of_their_interval() {
        assert!((SWEEP.time_of(7000.0) - 1.0).abs() < 1e-12);
        let octave = SWEEP.time_of(2000.0) - SWEEP.time_of(1000.0);
        assert!((SWEEP.harmonic_lead_s(2) - octave).abs() < 1e-12);
        assert_eq!(SWEEP.harmonic_lead_s(1), 0.0);
    }

    #[test]
    fn the_inverse_filter_makes_an_impulse_of_unit_gain() {
        let rate = 16000;
        let sweep = SWEEP.sweep(10f64.powf(-12.0 / 20.0) * std::f64::consts::SQRT_2, rate);
        let inverse = SWEEP.inverse(DbOv(-12.0), rate);
        // gain at 1 kHz of the convolution: the product of the two transforms
        let transform = |samples: &[f64]| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, x) in samples.iter().enumerate() {
                let angle = std::f64::consts::TAU * 1000.0 * n as f64 / f64::from(rate);
                re += x * angle.cos();
                im -= x * angle.sin();
            }
            (re * re + im * im).sqrt()
        };
        let gain_db = 20.0 * (transform(&sweep) * transform(&inverse)).log10();
        assert!(gain_db.abs() < 0.1, "{gain_db}");
    }
}
