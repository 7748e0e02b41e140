//! The strongest tone of a recording.

use voxproof_audio::level::{DbOv, rms};
use voxproof_audio::tone::{dominant_frequency, tone_level};

use crate::QuantityResult;
use crate::quantity::{TONE_FREQUENCY, TONE_LEVEL, TONE_SHARE};

/// Stretch that is looked at, s.
const STRETCH_S: f64 = 5.0;
/// Magnitude from which the stretch begins: -60 dB of full scale.
const AUDIBLE: f32 = 1e-3;
/// A tone further below everything else is none, dB.
const LEAST_SHARE_DB: f64 = -10.0;

/// Keeps the stretch.
pub(crate) struct ToneMeter {
    rate: u32,
    most: usize,
    stretch: Vec<f32>,
}

impl ToneMeter {
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            rate,
            most: (f64::from(rate) * STRETCH_S) as usize,
            stretch: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, samples: &[f32]) {
        let begun = !self.stretch.is_empty();
        let start = if begun {
            Some(0)
        } else {
            samples.iter().position(|sample| sample.abs() >= AUDIBLE)
        };
        let room = self.most.saturating_sub(self.stretch.len());
        let part = start.and_then(|start| samples.get(start..)).unwrap_or_default();
        self.stretch.extend(part.iter().take(room));
    }

    pub(crate) fn finish(&self) -> [QuantityResult; 3] {
        let quantities = [&TONE_FREQUENCY, &TONE_LEVEL, &TONE_SHARE];
        let Some(hertz) = dominant_frequency(&self.stretch, self.rate) else {
            return quantities.map(|quantity| {
                QuantityResult::because(
                    quantity,
                    "no-such-part",
                    "nothing in it is louder than -60 dB of full scale",
                )
            });
        };
        let tone = tone_level(&self.stretch, self.rate, hertz);
        let (all, own) = (rms(&self.stretch).powi(2), tone.to_rms().powi(2));
        // a perfect tone leaves nothing but rounding
        let rest = (all - own).max(all * 1e-12);
        let share = DbOv::from_rms((own / rest).sqrt()).0;
        if share < LEAST_SHARE_DB {
            return quantities.map(|quantity| {
                QuantityResult::because(quantity, "no-such-part", "no tone stands out of the rest")
            });
        }
        [
            QuantityResult::single(&TONE_FREQUENCY, hertz),
            QuantityResult::single(&TONE_LEVEL, tone.0),
            QuantityResult::single(&TONE_SHARE, share),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voxproof_audio::stimulus::{sine, white_noise};

    #[test]
    fn a_tone_in_noise_has_its_ratio() {
        let mut meter = ToneMeter::new(8000);
        meter.push(&[0.0; 9000]);
        let noise = white_noise(DbOv(-40.0), 8.0, 8000, 1);
        let tone = sine(1004.0, DbOv(-20.0), 8.0, 8000);
        let both: Vec<f32> = noise.iter().zip(&tone).map(|(a, b)| a + b).collect();
        both.chunks(1000).for_each(|piece| meter.push(piece));
        let values = meter.finish().map(|result| result.value.expect("a tone"));
        assert!(
            (values[0] - 1004.0).abs() < 0.05 && (values[1] + 20.0).abs() < 0.05,
            "{values:?}"
        );
        assert!((values[2] - 20.0).abs() < 0.5, "{values:?}");
    }

    #[test]
    fn noise_and_silence_have_no_tone() {
        for samples in [white_noise(DbOv(-20.0), 3.0, 8000, 2), vec![0.0; 8000], vec![]] {
            let mut meter = ToneMeter::new(8000);
            meter.push(&samples);
            assert!(meter.finish().iter().all(|result| result.value.is_none()));
        }
    }
}
