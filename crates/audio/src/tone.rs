//! Levels and frequencies of single tones.

use realfft::RealFftPlanner;

use crate::level::DbOv;
use crate::sample::{centred, clean};

/// Level of the tone of `hz` in a signal, by least squares under a Hann window: exact for any number of periods, and
/// selective against other tones more than two periods a recording away. Minus infinity when there are too few samples
/// or the frequency is not between 0 and half the rate.
#[must_use]
pub fn tone_level(samples: &[f32], rate: u32, hz: f64) -> DbOv {
    let count = samples.len();
    if count < 4 || !(hz > 0.0 && hz < f64::from(rate) / 2.0) {
        return DbOv::SILENCE;
    }
    let step = std::f64::consts::TAU * hz / f64::from(rate);
    // sums of the products of cosine, sine and constant with each other and with the signal
    let (mut cc, mut ss, mut cs, mut c1, mut s1, mut one) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut xc, mut xs, mut x1) = (0.0, 0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let weight = hann(n, count);
        let (s, c) = (step * n as f64).sin_cos();
        let x = clean(sample);
        cc += weight * c * c;
        ss += weight * s * s;
        cs += weight * c * s;
        c1 += weight * c;
        s1 += weight * s;
        one += weight;
        xc += weight * x * c;
        xs += weight * x * s;
        x1 += weight * x;
    }
    // the constant eliminated, the two equations that remain by Cramer's rule
    let (cc, ss, cs) = (cc - c1 * c1 / one, ss - s1 * s1 / one, cs - c1 * s1 / one);
    let (xc, xs) = (xc - x1 * c1 / one, xs - x1 * s1 / one);
    let determinant = cc * ss - cs * cs;
    // less than a fraction of a period: the tone cannot be told from the constant
    if determinant.abs() < 1e-9 * one * one {
        return DbOv::SILENCE;
    }
    let cosine = (xc * ss - xs * cs) / determinant;
    let sine = (xs * cc - xc * cs) / determinant;
    DbOv::from_rms(((cosine * cosine + sine * sine) / 2.0).sqrt())
}

/// Frequency of the strongest tone in Hz; `None` for silence and for fewer than 16 samples.
#[must_use]
pub fn dominant_frequency(samples: &[f32], rate: u32) -> Option<f64> {
    let count = samples.len();
    if count < 16 || rate == 0 {
        return None;
    }
    let mut windowed = centred(samples);
    for (n, sample) in windowed.iter_mut().enumerate() {
        *sample *= hann(n, count);
    }
    // at least twofold padding makes the interpolation between bins accurate
    let length = (2 * count).next_power_of_two();
    windowed.resize(length, 0.0);
    let forward = RealFftPlanner::<f64>::new().plan_fft_forward(length);
    let mut bins = forward.make_output_vec();
    forward.process(&mut windowed, &mut bins).ok()?;
    let power: Vec<f64> = bins.iter().map(|bin| bin.norm_sqr()).collect();
    let best = (1..power.len().saturating_sub(1)).max_by(|&a, &b| power[a].total_cmp(&power[b]))?;
    if power[best] <= 1e-20 * (count * count) as f64 {
        return None;
    }
    let log = |bin: usize| power[bin].max(f64::MIN_POSITIVE).ln();
    let offset = crate::statistics::vertex(log(best - 1), log(best), log(best + 1));
    Some((best as f64 + offset) * f64::from(rate) / length as f64)
}

fn hann(n: usize, count: usize) -> f64 {
    0.5 - 0.5 * (std::f64::consts::TAU * (n as f64 + 0.5) / count as f64).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::{dtmf, sine};

    #[test]
    fn the_level_of_a_tone_does_not_depend_on_whole_periods() {
        for hz in [50.3, 697.0, 1004.0, 3399.9] {
            let samples = sine(hz, DbOv(-20.0), 0.2, 8000);
            assert!((tone_level(&samples, 8000, hz).0 + 20.0).abs() < 0.01, "{hz}");
        }
    }

    #[test]
    fn an_offset_is_not_a_tone() {
        let samples: Vec<f32> = sine(100.0, DbOv(-40.0), 0.05, 8000)
            .iter()
            .map(|x| x + 0.5)
            .collect();
        assert!((tone_level(&samples, 8000, 100.0).0 + 40.0).abs() < 0.01);
    }

    #[test]
    fn the_two_tones_of_a_digit_are_told_apart() {
        let samples = dtmf('5', DbOv(-15.0), DbOv(-13.0), 0.1, 8000).expect("a digit");
        assert!((tone_level(&samples, 8000, 770.0).0 + 15.0).abs() < 0.05);
        assert!((tone_level(&samples, 8000, 1336.0).0 + 13.0).abs() < 0.05);
        assert!(tone_level(&samples, 8000, 941.0).0 < -60.0);
    }

    #[test]
    fn the_strongest_frequency_is_found_between_bins() {
        for hz in [101.3, 440.0, 997.0, 3333.3] {
            let samples = sine(hz, DbOv(-30.0), 1.0, 8000);
            let found = dominant_frequency(&samples, 8000).expect("a tone");
            assert!((found - hz).abs() < 0.02, "{found} {hz}");
        }
        assert_eq!(dominant_frequency(&[0.0; 800], 8000), None);
        assert_eq!(dominant_frequency(&[0.3; 800], 8000), None);
    }

    #[test]
    fn frequencies_outside_the_band_have_no_level() {
        let samples = sine(1000.0, DbOv(-20.0), 0.1, 8000);
        for hz in [0.0, -1.0, 4000.0, f64::NAN, f64::INFINITY] {
            assert_eq!(tone_level(&samples, 8000, hz), DbOv::SILENCE);
        }
        assert_eq!(tone_level(&[1.0; 3], 8000, 1000.0), DbOv::SILENCE);
    }
}
