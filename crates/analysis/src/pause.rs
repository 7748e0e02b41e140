//! Noise in the pauses of a recording of speech.

use voxproof_audio::level::DbOv;
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::unit::Db;

/// Length of a block, s.
const BLOCK_S: f64 = 0.05;
/// Share of the blocks that is surely noise.
const QUIETEST: f64 = 0.1;
/// Blocks this much above the quietest tenth are noise too.
const ABOVE: f64 = 2.0;
/// A recording whose speech is not this far above its quiet parts has no pauses, dB.
const LEAST_DISTANCE_DB: f64 = 6.0;
/// Least length, s: ten blocks make a tenth.
const LEAST_S: f64 = 0.5;
/// Blocks that are kept one by one; of longer recordings neighbours are left out evenly.
const MOST_BLOCKS: usize = 1 << 17;

/// Levels of successive blocks.
pub(crate) struct PauseMeter {
    rate: u32,
    length: usize,
    filled: usize,
    energy: f64,
    blocks: Vec<f32>,
    /// Every how many-th block is kept.
    stride: u64,
    seen: u64,
}

impl PauseMeter {
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            rate,
            length: ((f64::from(rate) * BLOCK_S) as usize).max(1),
            filled: 0,
            energy: 0.0,
            blocks: Vec::new(),
            stride: 1,
            seen: 0,
        }
    }

    pub(crate) fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.length - self.filled));
            self.energy += now.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
            self.filled += now.len();
            samples = later;
            if self.filled == self.length {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        if self.seen.is_multiple_of(self.stride) {
            self.blocks.push((self.energy / self.length as f64) as f32);
            if self.blocks.len() == MOST_BLOCKS {
                let mut number = 0;
                self.blocks.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.stride *= 2;
            }
        }
        self.seen += 1;
        self.filled = 0;
        self.energy = 0.0;
    }

    /// Level of the noise, and of the speech (as given) over it.
    pub(crate) fn finish(mut self, speech: &Result<DbOv, Unmeasurable>) -> (Measured<DbOv>, Measured<Db>) {
        let noise = self.noise(speech);
        let ratio = noise.clone().and_then(|noise| {
            if noise.value == DbOv::SILENCE {
                return Err(Unmeasurable::NoSuchPart("noise: the pauses are digital silence"));
            }
            let speech = speech.clone()?;
            Measurement::single(Db(speech.0 - noise.value.0))
        });
        (noise, ratio)
    }

    fn noise(&mut self, speech: &Result<DbOv, Unmeasurable>) -> Measured<DbOv> {
        let got_s = self.seen as f64 * self.length as f64 / f64::from(self.rate.max(1));
        if got_s < LEAST_S {
            return Err(Unmeasurable::TooShort {
                needed_s: LEAST_S,
                got_s,
            });
        }
        self.blocks.sort_by(f32::total_cmp);
        let tenth = ((self.blocks.len() as f64 * QUIETEST) as usize).max(1);
        let limit = self.blocks.get(tenth - 1).copied().unwrap_or(0.0) * ABOVE as f32;
        let quiet: Vec<f64> = self
            .blocks
            .iter()
            .take_while(|block| **block <= limit)
            .map(|block| f64::from(*block))
            .collect();
        let power = quiet.iter().sum::<f64>() / quiet.len().max(1) as f64;
        let level = DbOv::from_rms(power.sqrt());
        let speech = speech.clone()?;
        if speech.0 - level.0 < LEAST_DISTANCE_DB {
            return Err(Unmeasurable::NoSuchPart("pause that is quieter than the rest"));
        }
        Measurement::single(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voxproof_audio::stimulus::{sine, white_noise};

    fn noise_of(samples: &[f32], speech: f64) -> (Measured<DbOv>, Measured<Db>) {
        let mut meter = PauseMeter::new(8000);
        samples.chunks(777).for_each(|piece| meter.push(piece));
        meter.finish(&Ok(DbOv(speech)))
    }

    #[test]
    fn the_noise_between_bursts_is_found() {
        let mut samples = white_noise(DbOv(-60.0), 8.0, 8000, 3);
        for start in [8000, 24_000, 40_000] {
            for (place, sample) in samples[start..]
                .iter_mut()
                .zip(sine(500.0, DbOv(-20.0), 1.0, 8000))
            {
                *place += sample;
            }
        }
        let (noise, ratio) = noise_of(&samples, -20.0);
        assert!((noise.unwrap().value.0 + 60.0).abs() < 0.3);
        assert!((ratio.unwrap().value.0 - 40.0).abs() < 0.3);
    }

    #[test]
    fn without_a_pause_there_is_no_noise_to_measure() {
        let (noise, ratio) = noise_of(&sine(500.0, DbOv(-20.0), 4.0, 8000), -20.0);
        assert!(matches!(noise, Err(Unmeasurable::NoSuchPart(_))) && ratio.is_err());
        assert!(matches!(
            noise_of(&[0.1; 1000], -20.0).0,
            Err(Unmeasurable::TooShort { .. })
        ));
        // digital silence between words is a level of minus infinity
        let mut gated = sine(500.0, DbOv(-20.0), 1.0, 8000);
        gated.extend(vec![0.0; 8000]);
        let (noise, ratio) = noise_of(&gated, -20.0);
        assert_eq!(noise.unwrap().value, DbOv::SILENCE);
        assert!(matches!(ratio, Err(Unmeasurable::NoSuchPart(_))), "{ratio:?}");
    }

    #[test]
    fn days_of_sound_take_bounded_memory() {
        let mut meter = PauseMeter::new(20);
        for _ in 0..300 {
            meter.push(&[0.01; 1000]);
        }
        assert!(meter.blocks.len() < MOST_BLOCKS && meter.seen == 300_000 && meter.stride > 1);
    }
}
