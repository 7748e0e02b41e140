//! The composite source signal (CSS) of ITU-T P.501 clause 7.2.1: a voiced sound, noise of flat spectrum, a pause.

use realfft::num_complex::Complex;
use serde::{Deserialize, Serialize};

use crate::curve::Curve;
use crate::level::DbOv;
use crate::stimulus::random::Random;
use crate::stimulus::synthesis::{inverse, resample_period, rms, scaled_by};
use crate::stimulus::voiced_sound::{DOUBLE_TALK, NATIVE_HZ, SINGLE_TALK};

/// Length of the pseudo-noise block, samples at 44.1 kHz.
const NOISE_BLOCK: usize = 8192;
/// Length of the noise part: 200 ms at 44.1 kHz.
const NOISE_PART: usize = 8820;
/// Crest factor of the noise: 11 dB with a tolerance of 1 dB.
const CREST_DB: f64 = 12.0;
/// Sets of phases that are tried for it.
const MOST_DRAWS: usize = 200;
/// Speech-like shaping of the noise part (Hz, dB), P.501 figure 7-10 as read in a public transcription.
const SPEECH_SHAPING: [(f64, f64); 12] = [
    (50.0, -0.8),
    (100.0, 9.2),
    (200.0, 19.6),
    (215.0, 18.8),
    (500.0, 13.1),
    (1000.0, 8.0),
    (2850.0, 0.4),
    (3600.0, -1.3),
    (5000.0, -3.5),
    (7690.0, -6.6),
    (7800.0, -7.8),
    (8700.0, -20.0),
];

/// Which of the two signals; they are not correlated, so that both can be on the line at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// 48.62 ms voiced sound, 200 ms pseudo noise, 101.38 ms pause: a period of 350 ms.
    SingleTalk,
    /// 72.69 ms voiced sound, 200 ms Gaussian noise, 127.31 ms pause: a period of 400 ms.
    DoubleTalk,
}

/// Spectrum of the noise part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shaping {
    /// Flat.
    #[default]
    Flat,
    /// That of speech, up to 8.7 kHz (P.501 figure 7-10).
    Speech,
}

/// A composite source signal; the polarity changes from period to period.
///
/// The voiced sounds are those of the tables; the noise is made as the clause says, but its random phases are this
/// project's, so results are method-equivalent, not signal-exact. It is made at 44.1 kHz and brought to other rates by an
/// ideal low-pass (P.501 7.2.1.2 note 2); above half the rate it has nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompositeSource {
    /// Single talk or double talk.
    pub variant: Variant,
    /// Periods that are played.
    pub periods: u32,
    /// Spectrum of the noise part of single talk.
    #[serde(default)]
    pub shaping: Shaping,
    /// Seed of the noise.
    pub seed: u64,
}

impl CompositeSource {
    /// Duration of a period, s.
    #[must_use]
    pub fn period_s(&self) -> f64 {
        match self.variant {
            Variant::SingleTalk => 0.350,
            Variant::DoubleTalk => 0.400,
        }
    }

    /// Duration of the part of a period before the pause, s.
    #[must_use]
    pub fn active_s(&self) -> f64 {
        let voiced = match self.variant {
            Variant::SingleTalk => SINGLE_TALK.len() * 16,
            Variant::DoubleTalk => DOUBLE_TALK.len() * 14,
        };
        (voiced + NOISE_PART) as f64 / f64::from(NATIVE_HZ)
    }

    /// The samples at a rate in Hz. The rms level without the pauses is `dbov`, of what the rate holds; with them it is
    /// 1.49 dB lower for single talk and 1.66 dB for double talk.
    #[must_use]
    pub fn samples(&self, dbov: DbOv, rate: u32) -> Vec<f32> {
        let native = self.native_pair();
        let length = (2.0 * self.period_s() * f64::from(rate)).round() as usize;
        let pair = resample_period(&native, length);
        let active = rms(&pair) * (self.period_s() / self.active_s()).sqrt();
        let period = (self.period_s() * f64::from(rate)).round() as usize;
        let wanted = period.saturating_mul(self.periods as usize);
        scaled_by(&pair, dbov.to_rms() / active)
            .into_iter()
            .cycle()
            .take(if length == 0 { 0 } else { wanted })
            .collect()
    }

    /// A period and its inverse, at 44.1 kHz; voiced sound and noise have rms 1.
    fn native_pair(&self) -> Vec<f64> {
        let (table, repeats): (&[i16], usize) = match self.variant {
            Variant::SingleTalk => (&SINGLE_TALK, 16),
            Variant::DoubleTalk => (&DOUBLE_TALK, 14),
        };
        let voice: Vec<f64> = table.iter().map(|&x| f64::from(x)).collect();
        let noise = self.noise();
        let (voice_rms, noise_rms) = (rms(&voice), rms(&noise));
        let mut period: Vec<f64> = voice.repeat(repeats).into_iter().map(|x| x / voice_rms).collect();
        period.extend(noise.into_iter().map(|x| x / noise_rms));
        period.resize((self.period_s() * f64::from(NATIVE_HZ)).round() as usize, 0.0);
        let inverted: Vec<f64> = period.iter().map(|x| -x).collect();
        period.extend(inverted);
        period
    }

    fn noise(&self) -> Vec<f64> {
        let mut random = Random::new(self.seed);
        if self.variant == Variant::DoubleTalk {
            return (0..NOISE_PART).map(|_| random.normal()).collect();
        }
        // most phases are good at once; the bound only ends the search
        let block = (0..MOST_DRAWS)
            .map(|_| self.noise_block(&mut random))
            .find(|block| crest_db(block) <= CREST_DB)
            .unwrap_or_else(|| self.noise_block(&mut random));
        block.into_iter().cycle().take(NOISE_PART).collect()
    }

    /// Noise of the wanted spectrum whose lines have random phases of 0 or 180 degrees.
    fn noise_block(&self, random: &mut Random) -> Vec<f64> {
        let shaping = Curve::new(SPEECH_SHAPING.to_vec()).expect("the table rises");
        let step = f64::from(NATIVE_HZ) / NOISE_BLOCK as f64;
        let spectrum = (0..=NOISE_BLOCK / 2)
            .map(|line| {
                let sign = if random.unit() < 0.5 { 1.0 } else { -1.0 };
                let gain = match self.shaping {
                    _ if line == 0 || line == NOISE_BLOCK / 2 => 0.0,
                    Shaping::Flat => 1.0,
                    Shaping::Speech => shaping
                        .at(line as f64 * step)
                        .map_or(0.0, |db| 10f64.powf(db / 20.0)),
                };
                Complex::new(sign * gain, 0.0)
            })
            .collect();
        inverse(spectrum, NOISE_BLOCK)
    }
}

/// Peak over rms value, dB.
fn crest_db(samples: &[f64]) -> f64 {
    let peak = samples.iter().map(|x| x.abs()).fold(0.0, f64::max);
    20.0 * (peak / rms(samples)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;

    const SINGLE: CompositeSource = CompositeSource {
        variant: Variant::SingleTalk,
        periods: 4,
        shaping: Shaping::Flat,
        seed: 501,
    };
    const DOUBLE: CompositeSource = CompositeSource {
        variant: Variant::DoubleTalk,
        ..SINGLE
    };

    #[test]
    fn the_timing_is_that_of_the_clause() {
        assert!((SINGLE.active_s() - 0.24862).abs() < 5e-6);
        assert!((DOUBLE.active_s() - 0.27269).abs() < 1e-5);
        for (rate, single, double) in [
            (44100, 15435, 17640),
            (48000, 16800, 19200),
            (16000, 5600, 6400),
            (8000, 2800, 3200),
        ] {
            assert_eq!(SINGLE.samples(DbOv(-20.0), rate).len(), 4 * single);
            assert_eq!(DOUBLE.samples(DbOv(-20.0), rate).len(), 4 * double);
        }
    }

    #[test]
    fn level_crest_and_polarity() {
        for (signal, active_db) in [(SINGLE, 1.49), (DOUBLE, 1.66)] {
            let samples = signal.samples(DbOv(-20.0), 44100);
            let level = rms_dbov(&samples).0;
            assert!((level + 20.0 + active_db).abs() < 0.01, "{level}");
            let half = samples.len() / 4;
            for n in 0..half {
                assert!((samples[n] + samples[n + half]).abs() < 1e-6);
            }
        }
        for seed in 0..5 {
            let noise = CompositeSource { seed, ..SINGLE }.noise();
            assert!((10.0..=12.0).contains(&crest_db(&noise)), "{}", crest_db(&noise));
        }
    }

    #[test]
    fn other_rates_have_the_same_signal() {
        let samples = SINGLE.samples(DbOv(-20.0), 48000);
        assert!((rms_dbov(&samples).0 + 21.49).abs() < 0.02);
        // the pause stays a pause
        let pause = &samples[12_200..16_600];
        assert!(rms_dbov(pause).0 < -60.0, "{}", rms_dbov(pause));
        let narrow = SINGLE.samples(DbOv(-20.0), 8000);
        assert!((rms_dbov(&narrow).0 + 21.49).abs() < 0.02);
        assert!(SINGLE.samples(DbOv(-20.0), 0).is_empty());
    }
}
