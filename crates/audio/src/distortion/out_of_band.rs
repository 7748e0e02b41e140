//! Images and aliases: what a codec's sampling leaves outside its band, or lets in from there.

use crate::level::DbOv;
use crate::measurement::{Measurement, Unmeasurable};
use crate::tone::tone_level;
use crate::unit::Db;

/// Highest multiple of the codec's rate whose images are looked at.
const MULTIPLES: u32 = 6;

/// How far a product of sampling is below the tone it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// Level of the wanted or reference tone less that of the strongest product.
    pub attenuation: Measurement<Db>,
    /// The strongest product, Hz.
    pub hz: f64,
    /// All products: (Hz, level).
    pub products: Vec<(f64, DbOv)>,
}

/// Where the images of a tone are at a codec rate: k times the rate minus and plus the tone, up to `highest_hz`.
#[must_use]
pub fn image_frequencies(tone_hz: f64, codec_rate_hz: f64, highest_hz: f64) -> Vec<f64> {
    (1..=MULTIPLES)
        .flat_map(|k| {
            [
                f64::from(k) * codec_rate_hz - tone_hz,
                f64::from(k) * codec_rate_hz + tone_hz,
            ]
        })
        .filter(|hz| *hz > 0.0 && *hz < highest_hz && (hz - tone_hz).abs() > 1.0)
        .collect()
}

/// Where a tone outside the band of a codec comes back in it: its distance from the nearest multiple of the rate, Hz.
#[must_use]
pub fn alias_frequency(tone_hz: f64, codec_rate_hz: f64) -> f64 {
    (tone_hz - codec_rate_hz * (tone_hz / codec_rate_hz).round()).abs()
}

/// Receive direction: how far the images of a tone within the codec's band are below it, at the device's output.
///
/// # Errors
/// No tone, or a recording at a rate that shows no image.
pub fn image_rejection(
    samples: &[f32],
    rate: u32,
    tone_hz: f64,
    codec_rate_hz: f64,
) -> Result<Rejection, Unmeasurable> {
    let wanted = tone_level(samples, rate, tone_hz);
    if wanted == DbOv::SILENCE {
        return Err(Unmeasurable::Silent);
    }
    let images = image_frequencies(tone_hz, codec_rate_hz, f64::from(rate) / 2.0);
    rejection(samples, rate, wanted, &images)?.ok_or(Unmeasurable::RateTooLow {
        rate,
        needed_hz: 2.0 * (codec_rate_hz - tone_hz),
    })
}

/// Send direction: how far the alias of a tone outside the codec's band is below the level that a tone of the same
/// strength within the band has, `reference`.
///
/// # Errors
/// Frequencies of which the alias is not in the recording.
pub fn alias_rejection(
    samples: &[f32],
    rate: u32,
    tone_hz: f64,
    codec_rate_hz: f64,
    reference: DbOv,
) -> Result<Rejection, Unmeasurable> {
    if samples.is_empty() {
        return Err(Unmeasurable::NothingToMeasure);
    }
    let alias = alias_frequency(tone_hz, codec_rate_hz);
    let products: Vec<f64> = Some(alias)
        .filter(|hz| *hz > 0.0 && *hz < f64::from(rate) / 2.0)
        .into_iter()
        .collect();
    rejection(samples, rate, reference, &products)?.ok_or(Unmeasurable::RateTooLow {
        rate,
        needed_hz: alias,
    })
}

fn rejection(
    samples: &[f32],
    rate: u32,
    reference: DbOv,
    products_hz: &[f64],
) -> Result<Option<Rejection>, Unmeasurable> {
    let products: Vec<(f64, DbOv)> = products_hz
        .iter()
        .map(|hz| (*hz, tone_level(samples, rate, *hz)))
        .collect();
    let Some((hz, strongest)) = products.iter().copied().max_by(|a, b| a.1.0.total_cmp(&b.1.0)) else {
        return Ok(None);
    };
    Ok(Some(Rejection {
        attenuation: Measurement::single(Db(reference.0 - strongest.0))?,
        hz,
        products,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::sine;

    #[test]
    fn samples_repeated_have_images_of_known_level() {
        // each sample twice: an image at 7 kHz with the gain of the hold, tan-like: cos(pi f / 2 fs) at both
        let narrow = sine(1000.0, DbOv(-10.0), 1.0, 8000);
        let held: Vec<f32> = narrow.iter().flat_map(|x| [*x, *x]).collect();
        let found = image_rejection(&held, 16000, 1000.0, 8000.0).expect("a tone");
        let hold = |hz: f64| (std::f64::consts::PI * hz / 16000.0).cos();
        let expected = 20.0 * (hold(1000.0) / hold(7000.0)).log10();
        assert!(
            (found.attenuation.value.0 - expected).abs() < 0.01,
            "{} for {expected}",
            found.attenuation.value
        );
        assert_eq!(found.hz, 7000.0);
        assert!(matches!(
            image_rejection(&narrow, 8000, 1000.0, 8000.0),
            Err(Unmeasurable::RateTooLow { .. })
        ));
        assert_eq!(
            image_rejection(&[0.0; 800], 16000, 1000.0, 8000.0),
            Err(Unmeasurable::Silent)
        );
    }

    #[test]
    fn decimation_without_a_filter_aliases_fully() {
        let wide = sine(5000.0, DbOv(-10.0), 1.0, 16000);
        let narrow: Vec<f32> = wide.iter().step_by(2).map(|x| 0.1 * x).collect();
        let found = alias_rejection(&narrow, 8000, 5000.0, 8000.0, DbOv(-10.0)).expect("a tone");
        assert!(
            (found.attenuation.value.0 - 20.0).abs() < 0.01 && (found.hz - 3000.0).abs() < 1e-9,
            "{found:?}"
        );
        assert_eq!(alias_frequency(17_000.0, 8000.0), 1000.0);
        assert!(alias_rejection(&[], 8000, 5000.0, 8000.0, DbOv(-10.0)).is_err());
        assert!(alias_rejection(&narrow, 8000, 8000.0, 8000.0, DbOv(-10.0)).is_err());
    }
}
