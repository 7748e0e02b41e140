//! Power of one frequency in a piece of signal.

use std::f64::consts::TAU;

/// Squared amplitude of the sine wave of `frequency` in the samples (Goertzel's algorithm); a full-scale one has 1.
pub(super) fn power(samples: &[i16], frequency: f64, sample_rate: f64) -> f64 {
    let angle = TAU * frequency / sample_rate;
    let coefficient = 2.0 * angle.cos();
    let (mut one, mut two) = (0.0, 0.0);
    for &sample in samples {
        let next = f64::from(sample) + coefficient * one - two;
        two = one;
        one = next;
    }
    let energy = one * one + two * two - coefficient * one * two;
    let amplitude = 2.0 * energy.max(0.0).sqrt() / samples.len().max(1) as f64 / 32_768.0;
    amplitude * amplitude
}

/// Mean square of the samples; a full-scale sine wave has 1/2.
pub(super) fn mean_square(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    sum / samples.len().max(1) as f64 / 32_768f64.powi(2)
}

/// Frequency and squared amplitude of the strongest sine wave within `range` (a share) of a nominal frequency: a coarse
/// grid, then the best place between its neighbours.
pub(super) fn peak(samples: &[i16], nominal: f64, range: f64, sample_rate: f64) -> (f64, f64) {
    const STEPS: i32 = 10;
    let at = |share: f64| {
        let frequency = nominal * (1.0 + share);
        (frequency, power(samples, frequency, sample_rate))
    };
    let stronger = |a: (f64, (f64, f64)), b: (f64, (f64, f64))| if b.1.1 > a.1.1 { b } else { a };
    let mut step = range / f64::from(STEPS);
    let mut best = (-STEPS..=STEPS)
        .map(|n| f64::from(n) * step)
        .map(|share| (share, at(share)))
        .fold((0.0, at(0.0)), stronger);
    for _ in 0..4 {
        step /= 2.0;
        for share in [best.0 - step, best.0 + step] {
            best = stronger(best, (share, at(share)));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(frequency: f64, count: u32) -> Vec<i16> {
        (0..count)
            .map(|n| (16_384.0 * (TAU * frequency * f64::from(n) / 8000.0).sin()) as i16)
            .collect()
    }

    #[test]
    fn power_and_frequency_of_a_sine_wave() {
        let samples = sine(852.0, 800);
        // half of full scale
        assert!((power(&samples, 852.0, 8000.0) - 0.25).abs() < 0.005);
        assert!(power(&samples, 1000.0, 8000.0) < 0.001);
        assert!((mean_square(&samples) - 0.125).abs() < 0.001);
        let (frequency, level) = peak(&sine(852.0 * 1.018, 800), 852.0, 0.04, 8000.0);
        assert!((frequency - 852.0 * 1.018).abs() < 1.0, "{frequency}");
        assert!((level - 0.25).abs() < 0.005);
        assert_eq!(power(&[], 852.0, 8000.0), 0.0);
    }
}
