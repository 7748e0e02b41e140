//! Single-frequency interference: the strongest narrow component of a noise against the whole of it.

use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::spectrum::PowerSpectrum;
use crate::unit::{Db, Hertz};
use crate::weighting::{Weighted, Weighting};

/// Widest band that is a single frequency, in Hz.
const BANDWIDTH_HZ: f64 = 30.0;
/// Half the width, as a factor of frequency, of the surroundings that a tone is compared with: a third of an octave to
/// either side.
const SURROUNDINGS: f64 = 1.26;

/// The strongest single frequency of a noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SingleFrequency {
    /// Centre of the strongest band of 30 Hz.
    pub frequency: Hertz,
    /// Level in it, weighted as asked.
    pub level: Weighted<DbOv>,
    /// Level of the whole noise, weighted the same.
    pub total: Weighted<DbOv>,
    /// How far the single frequency is below the whole: 0 for a pure tone; the recommendation is at least 10 dB below
    /// the limit of the whole noise.
    pub below_total: Db,
    /// How far it stands out of the noise around it (a third of an octave to either side, brought to the same
    /// bandwidth, unweighted): near 0 for a noise without tones.
    pub prominence: Db,
}

/// Finds the strongest band of 30 Hz from one frequency up to another (Hz).
///
/// # Errors
/// A spectrum with bins wider than 10 Hz, a range without a band, or silence.
pub fn single_frequency(
    spectrum: &PowerSpectrum,
    weighting: Weighting,
    low_hz: f64,
    high_hz: f64,
) -> Result<SingleFrequency, Unmeasurable> {
    let step = spectrum.step_hz();
    if step > BANDWIDTH_HZ / 3.0 {
        return Err(Unmeasurable::OutOfRange {
            name: "width of the bins in Hz",
            value: step,
            range: "up to 10",
        });
    }
    let width = (BANDWIDTH_HZ / step) as usize;
    let heard: Vec<f64> = (0..spectrum.powers().len())
        .map(|bin| spectrum.powers()[bin] * weighting.power_gain(bin as f64 * step))
        .collect();
    let total: f64 = heard.iter().sum();
    if total <= 0.0 {
        return Err(Unmeasurable::Silent);
    }
    let inside =
        |first: &usize| *first as f64 * step >= low_hz && (first + width - 1) as f64 * step <= high_hz;
    let power = |first: usize| heard.iter().skip(first).take(width).sum::<f64>();
    let candidates = (1..heard.len().saturating_sub(width)).filter(inside);
    let strongest = candidates
        .map(|first| (first, power(first)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let (first, strongest) = strongest.ok_or(Unmeasurable::NoSuchPart("band of 30 Hz in the range"))?;
    let centre = (first as f64 + (width - 1) as f64 / 2.0) * step;
    let (low, high) = ((first as f64 - 0.5) * step, ((first + width) as f64 - 0.5) * step);
    let own = spectrum.power_between(low, high);
    // at low frequencies a third of an octave may be narrower than the band itself
    let (from, to) = (
        (centre / SURROUNDINGS)
            .min(low - BANDWIDTH_HZ)
            .max(low_hz.max(step)),
        (centre * SURROUNDINGS).max(high + BANDWIDTH_HZ).min(high_hz),
    );
    let around = spectrum.power_between(from, low.max(from)) + spectrum.power_between(high.min(to), to);
    let around_hz = (low - from).max(0.0) + (to - high).max(0.0);
    let weighted = |power: f64| Weighted {
        level: DbOv::from_rms(power.sqrt()),
        weighting,
    };
    Ok(SingleFrequency {
        frequency: Hertz(centre),
        level: weighted(strongest),
        total: weighted(total),
        below_total: Db(10.0 * (total / strongest).log10()),
        prominence: Db(10.0 * (own / (high - low) / (around / around_hz)).log10()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::{SpectrumMeter, power_spectrum};
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn a_whistle_in_noise_is_found_with_its_level() {
        for rate in [8000, 16_000, 48_000] {
            let noise = white_noise(DbOv(-70.0), 8.0, rate, 1);
            let tone = sine(1234.0, DbOv(-75.0), 8.0, rate);
            let both: Vec<f32> = noise.iter().zip(&tone).map(|(a, b)| a + b).collect();
            let spectrum = power_spectrum(&both, rate).expect("samples");
            let found = single_frequency(&spectrum, Weighting::A, 100.0, 3900.0).expect("noise");
            assert!((found.frequency.0 - 1234.0).abs() < 15.0, "{found:?}");
            assert!(
                (found.level.level.0 + 75.0 - Weighting::A.gain_db(1234.0)).abs() < 0.3,
                "{found:?}"
            );
            assert!(found.prominence.0 > 10.0, "{found:?}");
            let without = power_spectrum(&noise, rate).expect("samples");
            let found = single_frequency(&without, Weighting::A, 100.0, 3900.0).expect("noise");
            assert!(
                found.below_total.0 > 15.0 && found.prominence.0.abs() < 3.0,
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_pure_tone_is_all_there_is() {
        let spectrum = power_spectrum(&sine(1000.0, DbOv(-60.0), 4.0, 8000), 8000).expect("samples");
        let found = single_frequency(&spectrum, Weighting::Psophometric, 100.0, 3900.0).expect("a tone");
        assert!(found.below_total.0.abs() < 0.01, "{found:?}");
    }

    #[test]
    fn silence_coarse_bins_and_empty_ranges_are_refused() {
        let silence = power_spectrum(&[0.0; 8000], 8000).expect("samples");
        assert_eq!(
            single_frequency(&silence, Weighting::A, 100.0, 3900.0),
            Err(Unmeasurable::Silent)
        );
        let noise = white_noise(DbOv(-30.0), 1.0, 8000, 2);
        let fine = power_spectrum(&noise, 8000).expect("samples");
        assert!(single_frequency(&fine, Weighting::A, 3000.0, 3010.0).is_err());
        assert!(single_frequency(&fine, Weighting::A, f64::NAN, 3010.0).is_err());
        let mut coarse = SpectrumMeter::with_length(8000, 64);
        coarse.push(&noise);
        let coarse = coarse.finish().expect("samples");
        assert!(single_frequency(&coarse, Weighting::A, 100.0, 3900.0).is_err());
    }
}
