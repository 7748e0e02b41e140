//! Harmonic distortion, and everything that is not the tone.

use std::ops::RangeInclusive;

use crate::curve::Curve;
use crate::distortion::sine_fit::fit;
use crate::level::DbOv;
use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::stimulus::{Step, SteppedSine};
use crate::tone::tone_level;
use crate::transfer::steady;
use crate::transfer::welch::{band_power, power_spectrum};
use crate::unit::{Db, Percent};

/// Highest harmonic that counts.
const HARMONICS: u32 = 10;

/// Distortion of a tone.
#[derive(Debug, Clone, PartialEq)]
pub struct HarmonicDistortion {
    /// Frequency of the tone as found, Hz.
    pub hz: f64,
    /// Level of the fundamental.
    pub fundamental: DbOv,
    /// Level of harmonics 2 to 10, as far as they lie in the band, relative to the fundamental, dB.
    pub harmonics_db: Vec<(u32, f64)>,
    /// Root of the sum of their powers over the fundamental.
    pub thd: Measurement<Percent>,
    /// Root of the power of all but the fundamental, within the band, over the fundamental.
    pub thd_and_noise: Measurement<Percent>,
}

/// Total harmonic distortion, without and with noise, of the recording of a tone near `nominal_hz`. The recording must be
/// steady: no beginning or end of the tone in it.
///
/// # Errors
/// Nothing to measure, no tone there, fewer than eight periods.
pub fn harmonic_distortion(
    samples: &[f32],
    rate: u32,
    nominal_hz: f64,
    band: RangeInclusive<f64>,
) -> Result<HarmonicDistortion, Unmeasurable> {
    let tone = fit(samples, rate, nominal_hz)?;
    let rest = tone.residual(samples, rate);
    let fundamental = DbOv(10.0 * tone.power().log10());
    let highest = band.end().min(f64::from(rate) / 2.0);
    let harmonics_db: Vec<(u32, f64)> = (2..=HARMONICS)
        .map(|harmonic| (harmonic, tone.hz * f64::from(harmonic)))
        .filter(|(_, hz)| *hz >= *band.start() && *hz < highest)
        .map(|(harmonic, hz)| (harmonic, tone_level(&rest, rate, hz).0 - fundamental.0))
        .collect();
    let power: f64 = harmonics_db.iter().map(|(_, db)| 10f64.powf(db / 10.0)).sum();
    let (spectrum, step) = power_spectrum(&rest, rate)?;
    let other = band_power(&spectrum, step, *band.start(), *band.end());
    Ok(HarmonicDistortion {
        hz: tone.hz,
        fundamental,
        harmonics_db,
        thd: Measurement::single(Percent(100.0 * power.sqrt()))?,
        thd_and_noise: Measurement::single(Percent(100.0 * (other / tone.power()).sqrt()))?,
    })
}

/// Signal-to-total-distortion ratio: the power of the tone over the power of everything else in the band, weighted.
///
/// The tone is taken out by a least-squares fit, which notches nothing else. `weighting` is in dB; where it has no value
/// nothing counts. TS 26.131 asks for the weighting of ITU-T G.223 table 4, which is not built in, as its text was not
/// available: load it with [`Curve::from_csv`]. Infinite when nothing else is there.
///
/// # Errors
/// As [`harmonic_distortion`].
pub fn signal_to_distortion(
    samples: &[f32],
    rate: u32,
    nominal_hz: f64,
    band: RangeInclusive<f64>,
    weighting: Option<&Curve>,
) -> Measured<Db> {
    let tone = fit(samples, rate, nominal_hz)?;
    let (mut spectrum, step) = power_spectrum(&tone.residual(samples, rate), rate)?;
    if let Some(curve) = weighting {
        for (line, power) in spectrum.iter_mut().enumerate() {
            *power *= curve
                .at(line as f64 * step)
                .map_or(0.0, |db| 10f64.powf(db / 10.0));
        }
    }
    let other = band_power(&spectrum, step, *band.start(), *band.end());
    Measurement::single(Db(10.0 * (tone.power() / other).log10()))
}

/// [`signal_to_distortion`] of each tone of a recorded stepped sine, without 20 % at either end of the tone. `delay` is that
/// of the recording, in samples. [`crate::distortion::LevelLimits`] has the limit of each.
#[must_use]
pub fn stepped_distortion(
    stepped: &SteppedSine,
    recorded: &[f32],
    rate: u32,
    delay: usize,
    band: &RangeInclusive<f64>,
    weighting: Option<&Curve>,
) -> Vec<(Step, Measured<Db>)> {
    stepped
        .steps(rate)
        .into_iter()
        .map(|step| {
            let ratio = steady(recorded, &step, delay)
                .ok_or(Unmeasurable::NoSuchPart("whole tone in the recording"))
                .and_then(|tone| signal_to_distortion(tone, rate, step.hz, band.clone(), weighting));
            (step, ratio)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn a_square_wave_has_the_distortion_of_the_textbook() {
        // odd harmonics of 1/k; up to the ninth: sqrt(1/9 + 1/25 + 1/49 + 1/81)
        let samples: Vec<f32> = sine(100.0, DbOv(-3.0), 2.0, 48000)
            .iter()
            .map(|x| 0.5 * x.signum())
            .collect();
        let found = harmonic_distortion(&samples, 48000, 100.0, 20.0..=20_000.0).expect("a tone");
        let expected = 100.0 * (1.0f64 / 9.0 + 1.0 / 25.0 + 1.0 / 49.0 + 1.0 / 81.0).sqrt();
        assert!(
            (found.thd.value.0 - expected).abs() < 0.1,
            "{} for {expected}",
            found.thd.value
        );
        assert!(
            (found.harmonics_db[1].1 + 9.54).abs() < 0.02,
            "{:?}",
            found.harmonics_db
        );
        // all of them: the power of a square wave is 1, that of its fundamental 8 / pi^2
        let all = 100.0 * (std::f64::consts::PI.powi(2) / 8.0 - 1.0).sqrt();
        assert!(
            (found.thd_and_noise.value.0 - all).abs() < 0.6,
            "{} for {all}",
            found.thd_and_noise.value
        );
    }

    #[test]
    fn noise_of_known_level_is_the_ratio() {
        let tone = sine(1020.0, DbOv(-10.0), 2.0, 8000);
        let noise = white_noise(DbOv(-45.0), 2.0, 8000, 1);
        let sum: Vec<f32> = tone.iter().zip(&noise).map(|(a, b)| a + b).collect();
        let flat = signal_to_distortion(&sum, 8000, 1020.0, 0.0..=4000.0, None).expect("a tone");
        assert!((flat.value.0 - 35.0).abs() < 0.15, "{}", flat.value);
        // half of the band, or a weighting of -3 dB
        let half = signal_to_distortion(&sum, 8000, 1020.0, 0.0..=2000.0, None).expect("a tone");
        assert!((half.value.0 - 38.0).abs() < 0.3, "{}", half.value);
        let curve = Curve::new(vec![(1.0, -3.0), (4000.0, -3.0)]).expect("a curve");
        let weighted = signal_to_distortion(&sum, 8000, 1020.0, 0.0..=4000.0, Some(&curve)).expect("a tone");
        assert!(
            (weighted.value.0 - flat.value.0 - 3.0).abs() < 0.05,
            "{}",
            weighted.value
        );
        let found = harmonic_distortion(&sum, 8000, 1020.0, 0.0..=4000.0).expect("a tone");
        assert!((found.thd_and_noise.value.0 - 100.0 * 10f64.powf(-35.0 / 20.0)).abs() < 0.05);
        assert!(found.thd.value.0 < 0.2);
    }

    #[test]
    fn gain_changes_no_ratio() {
        let device = |x: &f32| (x + 0.1 * x * x) * 0.5;
        let loud: Vec<f32> = sine(1000.0, DbOv(-6.0), 1.0, 16000).iter().map(device).collect();
        let quiet: Vec<f32> = loud.iter().map(|x| x * 0.01).collect();
        let [a, b] =
            [&loud, &quiet].map(|x| harmonic_distortion(x, 16000, 1000.0, 50.0..=8000.0).expect("a tone"));
        assert!((a.thd.value.0 - b.thd.value.0).abs() < 1e-3);
        // second harmonic of x + c x^2: c a / 2
        let amplitude = DbOv(-6.0).to_rms() * std::f64::consts::SQRT_2;
        assert!(
            (a.thd.value.0 - 100.0 * 0.1 * amplitude / 2.0).abs() < 0.01,
            "{}",
            a.thd.value
        );
    }

    #[test]
    fn a_quantiser_of_known_step_over_levels() {
        // rounding to a step q leaves noise of q^2 / 12: the ratio falls with the level
        let stepped = SteppedSine {
            hz: vec![1020.0],
            levels_db: vec![0.0, -10.0, -20.0],
            tone_s: 1.0,
            pause_s: 0.1,
        };
        let q = 1.0 / 256.0;
        let recorded: Vec<f32> = stepped
            .samples(DbOv(-10.0), 8000)
            .iter()
            .map(|x| ((f64::from(*x) / q).round() * q) as f32)
            .collect();
        let found = stepped_distortion(&stepped, &recorded, 8000, 0, &(0.0..=4000.0), None);
        for (step, ratio) in &found {
            let expected = -10.0 + step.level_db - 10.0 * (q * q / 12.0).log10();
            let ratio = ratio.as_ref().expect("a tone").value.0;
            assert!((ratio - expected).abs() < 1.0, "{step:?}: {ratio} for {expected}");
        }
        assert!(
            stepped_distortion(&stepped, &[], 8000, 0, &(0.0..=4000.0), None)
                .iter()
                .all(|step| step.1.is_err())
        );
    }
}
