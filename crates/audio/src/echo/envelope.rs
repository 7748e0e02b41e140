//! Level over time as a meter with exponential integration shows it.

use crate::measurement::Unmeasurable;
use crate::sample::clean;

/// Distance of the points of a curve, s.
pub(crate) const HOP_S: f64 = 0.001;

/// Power over time: the squared samples through a first-order low-pass with the time constant `integration_s`; one value
/// each millisecond, the first after the first millisecond.
pub(crate) fn power_curve(samples: &[f32], rate: u32, integration_s: f64) -> Vec<f64> {
    let rate_hz = f64::from(rate.max(1));
    let keep = (-1.0 / (integration_s.max(1e-6) * rate_hz)).exp();
    let mut power = 0.0;
    let mut curve = Vec::new();
    let mut next = HOP_S * rate_hz;
    for (n, &sample) in samples.iter().enumerate() {
        let sample = clean(sample);
        power = keep * power + (1.0 - keep) * sample * sample;
        if (n + 1) as f64 >= next {
            curve.push(power);
            next += HOP_S * rate_hz;
        }
    }
    curve
}

/// Refuses recordings of which a curve has no value each millisecond.
pub(crate) fn check(samples: &[f32], rate: u32) -> Result<(), Unmeasurable> {
    if samples.is_empty() {
        return Err(Unmeasurable::NothingToMeasure);
    }
    let needed_hz = 1.0 / HOP_S;
    if f64::from(rate) < needed_hz {
        return Err(Unmeasurable::RateTooLow { rate, needed_hz });
    }
    Ok(())
}

/// Decibels of a power.
pub(crate) fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// Time of a point of a curve, s.
pub(crate) fn time_of(index: usize) -> f64 {
    (index + 1) as f64 * HOP_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_rises_with_the_time_constant() {
        for rate in [8000, 44100, 48000] {
            let curve = power_curve(&vec![0.1; rate as usize], rate, 0.035);
            assert!((curve.len() as i64 - 1000).abs() <= 1, "{}", curve.len());
            let expected = 0.01 * (1.0 - (-1.0f64).exp());
            assert!((curve[34] / expected - 1.0).abs() < 0.02, "{rate}: {}", curve[34]);
            assert!((db(curve[990]) + 20.0).abs() < 1e-3);
        }
        assert!(power_curve(&[], 0, 0.0).is_empty());
        assert!(check(&[0.0], 999).is_err() && check(&[], 8000).is_err() && check(&[0.0], 8000).is_ok());
    }
}
