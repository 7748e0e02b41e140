//! The strongest tone of a recording.

use voxproof_audio::curve::Curve;
use voxproof_audio::distortion::{harmonic_distortion, signal_to_distortion};
use voxproof_audio::level::{DbOv, Plane, rms};
use voxproof_audio::measurement::{Measurement, Unmeasurable};
use voxproof_audio::tone::{dominant_frequency, tone_level};

use crate::plane::on_plane;
use crate::quantity::*;
use crate::steady::steady;
use crate::{Quantity, QuantityResult};

/// Stretch that is looked at, s.
const STRETCH_S: f64 = 5.0;
/// Magnitude from which the stretch begins: -60 dB of full scale.
const AUDIBLE: f32 = 1e-3;
/// A tone further below everything else is none, dB.
const LEAST_SHARE_DB: f64 = -10.0;
/// A tone has its distortion measured from this much above everything else on, dB.
const DISTORTED_SHARE_DB: f64 = 3.0;
/// Lowest frequency that counts as distortion, Hz: below is the offset.
pub(crate) const LOWEST_HZ: f64 = 20.0;

/// Keeps the stretch.
pub(crate) struct ToneMeter {
    rate: u32,
    most: usize,
    stretch: Vec<f32>,
    plane: Option<Plane>,
    weighting: Option<Curve>,
}

impl ToneMeter {
    pub(crate) fn new(rate: u32, plane: Option<Plane>, weighting: Option<Curve>) -> Self {
        Self {
            rate,
            most: (f64::from(rate) * STRETCH_S) as usize,
            stretch: Vec::new(),
            plane,
            weighting,
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

    pub(crate) fn finish(&self) -> Vec<QuantityResult> {
        let Some(hertz) = dominant_frequency(&self.stretch, self.rate) else {
            return self.none(&"nothing in it is louder than -60 dB of full scale");
        };
        let tone = tone_level(&self.stretch, self.rate, hertz);
        let (all, own) = (rms(&self.stretch).powi(2), tone.to_rms().powi(2));
        // a perfect tone leaves nothing but rounding
        let rest = (all - own).max(all * 1e-12);
        let share = DbOv::from_rms((own / rest).sqrt()).0;
        if share < LEAST_SHARE_DB {
            return self.none(&"no tone stands out of the rest");
        }
        let mut results = vec![
            QuantityResult::single(&TONE_FREQUENCY, hertz),
            QuantityResult::single(&TONE_LEVEL, tone.0),
        ];
        results.extend(on_plane(&TONE_DBM0, &Measurement::single(tone), self.plane));
        results.push(QuantityResult::single(&TONE_SHARE, share));
        let quantities = [&TONE_THD, &TONE_THD_NOISE, &TONE_SDR];
        if share < DISTORTED_SHARE_DB {
            let because = "the tone is not what the recording consists of";
            results.extend(
                quantities.map(|quantity| QuantityResult::because(quantity, "no-such-part", because)),
            );
        } else {
            let part = steady(&self.stretch, self.rate);
            results.extend(distortion(
                part,
                self.rate,
                hertz,
                self.weighting.as_ref(),
                quantities,
            ));
        }
        results
    }

    fn none(&self, because: &dyn ToString) -> Vec<QuantityResult> {
        let quantities = [
            &TONE_FREQUENCY,
            &TONE_LEVEL,
            &TONE_DBM0,
            &TONE_SHARE,
            &TONE_THD,
            &TONE_THD_NOISE,
            &TONE_SDR,
        ];
        quantities
            .into_iter()
            .filter(|quantity| self.plane.is_some() || !quantity.is_on_plane())
            .map(|quantity| QuantityResult::because(quantity, "no-such-part", because.to_string()))
            .collect()
    }
}

/// Harmonic distortion, distortion with noise, and the ratio to the weighted rest, of a steady tone near a frequency.
pub(crate) fn distortion(
    part: &[f32],
    rate: u32,
    hertz: f64,
    weighting: Option<&Curve>,
    [thd, thd_and_noise, ratio]: [&Quantity; 3],
) -> [QuantityResult; 3] {
    let band = LOWEST_HZ..=f64::from(rate) / 2.0;
    let found = if part.is_empty() {
        Err(Unmeasurable::NoSuchPart("steady part of the tone"))
    } else {
        harmonic_distortion(part, rate, hertz, band.clone())
    };
    let to_rest = match &found {
        Ok(_) => signal_to_distortion(part, rate, hertz, band, weighting),
        Err(reason) => Err(reason.clone()),
    };
    [
        QuantityResult::of(thd, &found.as_ref().map(|found| found.thd).map_err(Clone::clone)),
        QuantityResult::of(
            thd_and_noise,
            &found
                .as_ref()
                .map(|found| found.thd_and_noise)
                .map_err(Clone::clone),
        ),
        weighted_by(QuantityResult::of(ratio, &to_rest), weighting),
    ]
}

/// Says by what a ratio is weighted.
pub(crate) fn weighted_by(result: QuantityResult, weighting: Option<&Curve>) -> QuantityResult {
    match (result.value, weighting) {
        (None, _) => result,
        (Some(_), Some(_)) => result.with_caveat("weighted by the table that was given"),
        (Some(_), None) => result.with_caveat("unweighted: the table of ITU-T G.223 was not given"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voxproof_audio::stimulus::{sine, white_noise};

    #[test]
    fn a_tone_in_noise_has_its_ratio() {
        let mut meter = ToneMeter::new(8000, None, None);
        meter.push(&[0.0; 9000]);
        let noise = white_noise(DbOv(-40.0), 8.0, 8000, 1);
        let tone = sine(1004.0, DbOv(-20.0), 8.0, 8000);
        let both: Vec<f32> = noise.iter().zip(&tone).map(|(a, b)| a + b).collect();
        both.chunks(1000).for_each(|piece| meter.push(piece));
        let values: Vec<f64> = meter
            .finish()
            .iter()
            .map(|result| result.value.expect("a tone"))
            .collect();
        assert!(
            (values[0] - 1004.0).abs() < 0.05 && (values[1] + 20.0).abs() < 0.05,
            "{values:?}"
        );
        assert!((values[2] - 20.0).abs() < 0.5, "{values:?}");
        // the noise is flat: all of it is in the band
        assert!(
            (values[4] - 10.0).abs() < 0.6 && (values[5] - 20.0).abs() < 0.5,
            "{values:?}"
        );
    }

    #[test]
    fn a_limited_tone_is_distorted() {
        let mut meter = ToneMeter::new(16_000, Some(Plane::G722), None);
        meter.push(&[0.0; 1000]);
        let tone: Vec<f32> = sine(500.0, DbOv(-3.01), 3.0, 16_000)
            .iter()
            .map(|x| x.clamp(-0.5, 0.5))
            .collect();
        meter.push(&tone);
        meter.push(&[0.0; 1000]);
        let results = meter.finish();
        let value = |id: &str| {
            let result = results.iter().find(|result| result.quantity == id);
            result
                .and_then(|result| result.value)
                .unwrap_or_else(|| panic!("no {id}"))
        };
        // Fourier series of a sine that is cut at half its amplitude: the third harmonic is 19.9 % of the first
        assert!((19.0..24.0).contains(&value("tone_thd")), "{}", value("tone_thd"));
        assert!(value("tone_thd_and_noise") >= value("tone_thd"));
        assert!((value("tone_level_dbm0") - value("tone_level") - 12.01).abs() < 1e-9);
    }

    #[test]
    fn noise_and_silence_have_no_tone() {
        for samples in [white_noise(DbOv(-20.0), 3.0, 8000, 2), vec![0.0; 8000], vec![]] {
            let mut meter = ToneMeter::new(8000, None, None);
            meter.push(&samples);
            assert!(meter.finish().iter().all(|result| result.value.is_none()));
        }
    }
}
