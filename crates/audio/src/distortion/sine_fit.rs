//! A sine fitted by least squares, and what is left without it.

use crate::measurement::Unmeasurable;
use crate::sample::clean;
use crate::tone::dominant_frequency;

/// How far from its nominal frequency a tone may be found.
const TOLERANCE: f64 = 0.05;
/// Refinements of the frequency.
const REFINEMENTS: usize = 6;
/// Periods of the tone that must be there.
const PERIODS: f64 = 8.0;

/// The fundamental of a recorded tone.
#[derive(Debug, Clone)]
pub(crate) struct SineFit {
    /// Frequency, Hz.
    pub(crate) hz: f64,
    /// Amplitude, full scale 1.
    pub(crate) amplitude: f64,
    /// Phase of the cosine at the first sample.
    pub(crate) phase: f64,
    /// Mean value.
    pub(crate) offset: f64,
}

impl SineFit {
    /// Mean square of the sine.
    pub(crate) fn power(&self) -> f64 {
        self.amplitude * self.amplitude / 2.0
    }

    /// The samples without the sine and without their mean.
    pub(crate) fn residual(&self, samples: &[f32], rate: u32) -> Vec<f32> {
        let step = std::f64::consts::TAU * self.hz / f64::from(rate);
        samples
            .iter()
            .enumerate()
            .map(|(n, &sample)| {
                let sine = self.amplitude * (step * n as f64 + self.phase).cos();
                (clean(sample) - self.offset - sine) as f32
            })
            .collect()
    }
}

/// Finds a tone near a nominal frequency. Its frequency is refined by the turn of its phase from the first half to the
/// second, so that a device whose clock is off does not look distorted.
pub(crate) fn fit(samples: &[f32], rate: u32, nominal_hz: f64) -> Result<SineFit, Unmeasurable> {
    if samples.is_empty() {
        return Err(Unmeasurable::NothingToMeasure);
    }
    if !(nominal_hz > 0.0 && nominal_hz < f64::from(rate) / 2.0) {
        return Err(Unmeasurable::RateTooLow {
            rate,
            needed_hz: nominal_hz,
        });
    }
    let seconds = samples.len() as f64 / f64::from(rate);
    if seconds * nominal_hz < PERIODS {
        return Err(Unmeasurable::TooShort {
            needed_s: PERIODS / nominal_hz,
            got_s: seconds,
        });
    }
    let found = dominant_frequency(samples, rate).ok_or(Unmeasurable::Silent)?;
    if (found / nominal_hz - 1.0).abs() > TOLERANCE {
        return Err(Unmeasurable::NoSuchPart("tone at the nominal frequency"));
    }
    let half = samples.len() / 2;
    let mut hz = found;
    for _ in 0..REFINEMENTS {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        let first = three_parameters(&samples[..half], step, 0);
        let second = three_parameters(&samples[half..2 * half], step, half);
        let turn = (second.1 - first.1 + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU)
            - std::f64::consts::PI;
        let change = turn / std::f64::consts::TAU * f64::from(rate) / half as f64;
        if !change.is_finite() || ((hz + change) / nominal_hz - 1.0).abs() > TOLERANCE {
            break;
        }
        hz += change;
    }
    let (amplitude, phase, offset) =
        three_parameters(samples, std::f64::consts::TAU * hz / f64::from(rate), 0);
    if !(amplitude.is_finite() && phase.is_finite() && offset.is_finite()) {
        return Err(Unmeasurable::NotANumber);
    }
    if amplitude == 0.0 {
        return Err(Unmeasurable::Silent);
    }
    Ok(SineFit {
        hz,
        amplitude,
        phase,
        offset,
    })
}

/// Amplitude, phase and offset by least squares at a known frequency (IEEE Std 1057, three-parameter fit); `start` is the
/// time of the first sample.
fn three_parameters(samples: &[f32], step: f64, start: usize) -> (f64, f64, f64) {
    let count = samples.len() as f64;
    let (mut cc, mut ss, mut cs, mut c1, mut s1) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut xc, mut xs, mut x1) = (0.0, 0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let (s, c) = (step * (start + n) as f64).sin_cos();
        let x = clean(sample);
        cc += c * c;
        ss += s * s;
        cs += c * s;
        c1 += c;
        s1 += s;
        xc += x * c;
        xs += x * s;
        x1 += x;
    }
    let (cc, ss, cs) = (cc - c1 * c1 / count, ss - s1 * s1 / count, cs - c1 * s1 / count);
    let (xc, xs) = (xc - x1 * c1 / count, xs - x1 * s1 / count);
    let determinant = cc * ss - cs * cs;
    let cosine = (xc * ss - xs * cs) / determinant;
    let sine = (xs * cc - xc * cs) / determinant;
    let offset = (x1 - cosine * c1 - sine * s1) / count;
    (cosine.hypot(sine), (-sine).atan2(cosine), offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{DbOv, rms_dbov};
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn a_pure_tone_leaves_nothing() {
        for (hz, rate) in [(1020.0, 8000), (1020.13, 16000), (315.0, 48000), (3400.7, 8000)] {
            let mut samples = sine(hz, DbOv(-10.0), 1.0, rate);
            for sample in &mut samples {
                *sample += 0.05;
            }
            let fitted = fit(&samples, rate, hz).expect("a tone");
            let left = rms_dbov(&fitted.residual(&samples, rate)).0;
            assert!(left < -120.0, "{hz}: {left}");
            assert!(
                (fitted.hz - hz).abs() < 1e-4 && (fitted.offset - 0.05).abs() < 1e-6,
                "{fitted:?}"
            );
        }
    }

    #[test]
    fn a_clock_that_is_off_and_noise_do_not_matter() {
        // 300 ppm
        let tone = sine(1020.3, DbOv(-10.0), 2.0, 8000);
        let noise = white_noise(DbOv(-40.0), 2.0, 8000, 1);
        let samples: Vec<f32> = tone.iter().zip(&noise).map(|(a, b)| a + b).collect();
        let fitted = fit(&samples, 8000, 1020.0).expect("a tone");
        assert!((rms_dbov(&fitted.residual(&samples, 8000)).0 + 40.0).abs() < 0.1);
    }

    #[test]
    fn no_tone_is_a_reason() {
        assert_eq!(fit(&[0.0; 8000], 8000, 1000.0).err(), Some(Unmeasurable::Silent));
        let wrong = sine(500.0, DbOv(-10.0), 1.0, 8000);
        assert!(matches!(
            fit(&wrong, 8000, 1000.0),
            Err(Unmeasurable::NoSuchPart(_))
        ));
        assert!(matches!(
            fit(&wrong, 8000, 5000.0),
            Err(Unmeasurable::RateTooLow { .. })
        ));
        assert!(matches!(
            fit(&wrong[..20], 8000, 500.0),
            Err(Unmeasurable::TooShort { .. })
        ));
        assert!(fit(&[f32::NAN; 8000], 8000, 1000.0).is_err());
        assert!(fit(&wrong, 0, 1000.0).is_err());
    }
}
