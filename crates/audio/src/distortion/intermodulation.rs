//! Products of two tones.

use crate::distortion::sine_fit::fit;
use crate::measurement::{Measurement, Unmeasurable};
use crate::tone::tone_level;
use crate::unit::Percent;

/// Intermodulation of two tones f1 < f2, relative to the sum of their amplitudes (as IEC 60268-3 for the difference
/// frequency).
#[derive(Debug, Clone, PartialEq)]
pub struct Intermodulation {
    /// Products of second order: f2 - f1 and f1 + f2.
    pub second_order: Measurement<Percent>,
    /// Products of third order: 2 f1 - f2, 2 f2 - f1, 2 f1 + f2, 2 f2 + f1.
    pub third_order: Measurement<Percent>,
    /// The products: (Hz, dB relative to the sum of the amplitudes).
    pub products: Vec<(f64, f64)>,
}

/// Measures the products of two tones in a steady recording; products outside 0 Hz to half the rate do not count.
///
/// # Errors
/// Nothing to measure, tones that are not there, tones closer than 20 periods of the recording.
pub fn intermodulation(
    samples: &[f32],
    rate: u32,
    f1_hz: f64,
    f2_hz: f64,
) -> Result<Intermodulation, Unmeasurable> {
    let seconds = samples.len() as f64 / f64::from(rate.max(1));
    if !(f2_hz > f1_hz && f1_hz > 0.0) {
        return Err(Unmeasurable::Mismatch(
            "two rising frequencies are needed".to_owned(),
        ));
    }
    let needed_s = 20.0 / (f2_hz - f1_hz);
    if seconds < needed_s {
        return Err(Unmeasurable::TooShort {
            needed_s,
            got_s: seconds,
        });
    }
    // the stronger tone first: it is what a fit to the whole finds
    let stronger_first = tone_level(samples, rate, f1_hz) >= tone_level(samples, rate, f2_hz);
    let (strong_hz, weak_hz) = if stronger_first {
        (f1_hz, f2_hz)
    } else {
        (f2_hz, f1_hz)
    };
    let strong = fit(samples, rate, strong_hz)?;
    let without_strong = strong.residual(samples, rate);
    let weak = fit(&without_strong, rate, weak_hz)?;
    let rest = weak.residual(&without_strong, rate);
    let (f1, f2) = if stronger_first {
        (strong.hz, weak.hz)
    } else {
        (weak.hz, strong.hz)
    };
    let sum = strong.amplitude + weak.amplitude;
    let mut products = Vec::new();
    let mut order = |frequencies: &[f64]| {
        let mut amplitude = 0.0;
        for hz in frequencies
            .iter()
            .map(|hz| hz.abs())
            .filter(|hz| *hz > 0.0 && *hz < f64::from(rate) / 2.0)
        {
            let level = tone_level(&rest, rate, hz).to_rms() * std::f64::consts::SQRT_2 / sum;
            products.push((hz, 20.0 * level.log10()));
            amplitude += level;
        }
        Measurement::single(Percent(100.0 * amplitude))
    };
    let second_order = order(&[f2 - f1, f1 + f2])?;
    let third_order = order(&[2.0 * f1 - f2, 2.0 * f2 - f1, 2.0 * f1 + f2, 2.0 * f2 + f1])?;
    Ok(Intermodulation {
        second_order,
        third_order,
        products,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::sine;

    #[test]
    fn products_of_a_polynomial() {
        let (a, b) = (
            sine(900.0, DbOv(-12.0), 2.0, 16000),
            sine(1300.0, DbOv(-12.0), 2.0, 16000),
        );
        let (c, d) = (0.1, 0.05);
        let device = |x: f64| x + c * x * x + d * x * x * x;
        let out: Vec<f32> = a
            .iter()
            .zip(&b)
            .map(|(a, b)| device(f64::from(a + b)) as f32)
            .collect();
        let found = intermodulation(&out, 16000, 900.0, 1300.0).expect("two tones");
        let amplitude = DbOv(-12.0).to_rms() * std::f64::consts::SQRT_2;
        // each product of second order has c a^2, each of third order 0.75 d a^3; the tones grow by 9/4 d a^3
        let sum = 2.0 * (amplitude + 2.25 * d * amplitude.powi(3));
        let second = 100.0 * 2.0 * c * amplitude.powi(2) / sum;
        let third = 100.0 * 4.0 * 0.75 * d * amplitude.powi(3) / sum;
        assert!(
            (found.second_order.value.0 - second).abs() < 0.01 * second,
            "{} for {second}",
            found.second_order.value
        );
        assert!(
            (found.third_order.value.0 - third).abs() < 0.01 * third,
            "{} for {third}",
            found.third_order.value
        );
        assert_eq!(found.products.len(), 6);
    }

    #[test]
    fn linear_sums_have_none() {
        let (a, b) = (
            sine(900.0, DbOv(-12.0), 1.0, 16000),
            sine(1300.0, DbOv(-20.0), 1.0, 16000),
        );
        let sum: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        let found = intermodulation(&sum, 16000, 900.0, 1300.0).expect("two tones");
        assert!(
            found.second_order.value.0 < 0.01 && found.third_order.value.0 < 0.01,
            "{found:?}"
        );
        assert!(intermodulation(&sum, 16000, 1300.0, 900.0).is_err());
        assert!(intermodulation(&sum[..100], 16000, 900.0, 1300.0).is_err());
        assert!(intermodulation(&[0.0; 16000], 16000, 900.0, 1300.0).is_err());
    }
}
