//! Signals made from a spectrum, and common finishing steps.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use crate::level::DbOv;
use crate::stimulus::random::Random;

/// Longest period of a noise made from its spectrum, samples; longer noise repeats it.
const LONGEST_PERIOD: usize = 1 << 22;
/// Share of the band, at its upper end, in which a resampled period fades out.
const ROLL_OFF: f64 = 0.04;

/// Gaussian noise with the power density `density_db(hz)`, in dB re any reference; `None` is no power. It is made from
/// random spectral lines, and repeats after 2^22 samples.
pub(crate) fn noise_of_density(
    length: usize,
    rate: u32,
    seed: u64,
    density_db: impl Fn(f64) -> Option<f64>,
) -> Vec<f64> {
    let period = length.next_power_of_two().clamp(1024, LONGEST_PERIOD);
    let mut random = Random::new(seed);
    let step = f64::from(rate) / period as f64;
    let spectrum = (0..=period / 2)
        .map(|line| {
            // drawn for every line, so that a change of the density moves no other line
            let value = Complex::new(random.normal(), random.normal());
            match density_db(line as f64 * step) {
                Some(db) if line > 0 && line < period / 2 => value * 10f64.powf(db / 20.0),
                _ => Complex::ZERO,
            }
        })
        .collect();
    let samples = inverse(spectrum, period);
    samples.into_iter().cycle().take(length).collect()
}

/// The inverse transform of `length / 2 + 1` lines into `length` samples, not normalised. The lines at zero and, for an
/// even length, at half the rate must be real.
pub(crate) fn inverse(mut spectrum: Vec<Complex<f64>>, length: usize) -> Vec<f64> {
    let mut samples = vec![0.0; length];
    RealFftPlanner::new()
        .plan_fft_inverse(length)
        .process(&mut spectrum, &mut samples)
        .expect("the buffers have the sizes of the plan and the end lines are real");
    samples
}

/// One period of a periodic signal as `length` samples: an ideal low-pass without delay, with a short roll-off to a
/// lower rate.
pub(crate) fn resample_period(period: &[f64], length: usize) -> Vec<f64> {
    if period.len() == length || period.is_empty() || length == 0 {
        return period.to_vec();
    }
    let forward = RealFftPlanner::new().plan_fft_forward(period.len());
    let mut spectrum = forward.make_output_vec();
    forward
        .process(&mut period.to_vec(), &mut spectrum)
        .expect("the buffers have the sizes of the plan");
    let kept = (period.len().min(length) / 2) as f64;
    let lines = (0..=length / 2)
        .map(|line| {
            let from_end = 1.0 - line as f64 / kept;
            // a higher rate holds the whole band; a lower one needs a soft end
            let gain = if length > period.len() {
                f64::from(u8::from(from_end > 0.0))
            } else {
                0.5 - 0.5 * (std::f64::consts::PI * (from_end / ROLL_OFF).clamp(0.0, 1.0)).cos()
            };
            let value = spectrum.get(line).copied().unwrap_or_default() * gain / period.len() as f64;
            if line == 0 {
                Complex::new(value.re, 0.0)
            } else {
                value
            }
        })
        .map(|value| if value.norm() == 0.0 { Complex::ZERO } else { value })
        .collect();
    inverse(lines, length)
}

/// Root of the mean square.
pub(crate) fn rms(samples: &[f64]) -> f64 {
    (samples.iter().map(|x| x * x).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

/// Scales so that the rms value over the samples is `level`; silence stays silence.
pub(crate) fn scaled(samples: &[f64], level: DbOv) -> Vec<f32> {
    scaled_by(samples, level.to_rms() / rms(samples))
}

/// Scales by a factor; one that is not finite counts as zero.
pub(crate) fn scaled_by(samples: &[f64], factor: f64) -> Vec<f32> {
    let factor = if factor.is_finite() { factor } else { 0.0 };
    samples.iter().map(|x| (x * factor) as f32).collect()
}

/// Fades the first and last `edge` samples with a raised cosine.
pub(crate) fn fade(samples: &mut [f64], edge: usize) {
    let edge = edge.min(samples.len() / 2);
    let count = samples.len();
    for n in 0..edge {
        let gain = 0.5 - 0.5 * (std::f64::consts::PI * (n as f64 + 0.5) / edge as f64).cos();
        samples[n] *= gain;
        samples[count - 1 - n] *= gain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resampled_period_is_the_same_signal() {
        let tone = |count: usize| -> Vec<f64> {
            (0..count)
                .map(|n| (std::f64::consts::TAU * 30.0 * n as f64 / count as f64 + 0.4).sin())
                .collect()
        };
        for (from, to) in [(882, 960), (882, 320), (441, 160)] {
            let worst = resample_period(&tone(from), to)
                .iter()
                .zip(tone(to))
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            assert!(worst < 1e-12, "{from} to {to}: {worst}");
        }
    }

    #[test]
    fn fades_are_symmetric() {
        let mut samples = vec![1.0; 11];
        fade(&mut samples, 4);
        assert!(samples[0] < 0.1 && samples[5] == 1.0);
        for n in 0..5 {
            assert_eq!(samples[n], samples[10 - n]);
        }
    }
}
