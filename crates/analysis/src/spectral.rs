//! What a spectrum of the whole recording tells.

use voxproof_audio::interference::single_frequency;
use voxproof_audio::measurement::Unmeasurable;
use voxproof_audio::octave::Fraction;
use voxproof_audio::spectrum::PowerSpectrum;
use voxproof_audio::weighting::Weighting;

use crate::quantity::{SINGLE_FREQUENCY, SINGLE_FREQUENCY_AT, SPECTRAL_CENTROID, UPPER_BAND_EDGE};
use crate::{Curve, QuantityResult};

/// Width of the bands in which the upper edge is looked for, Hz.
const BAND_HZ: f64 = 100.0;
/// How far below the strongest band the edge is.
const EDGE_DB: f64 = 50.0;
/// Lowest frequency that counts, Hz: below is the offset.
const LOWEST_HZ: f64 = 20.0;

pub(crate) fn results(spectrum: &PowerSpectrum) -> Vec<QuantityResult> {
    let half = f64::from(spectrum.rate()) / 2.0;
    let single = single_frequency(spectrum, Weighting::A, LOWEST_HZ, half);
    vec![
        edge(spectrum, half).map_or_else(
            || QuantityResult::none(&UPPER_BAND_EDGE, &Unmeasurable::Silent),
            |hertz| QuantityResult::single(&UPPER_BAND_EDGE, hertz),
        ),
        centroid(spectrum).map_or_else(
            || QuantityResult::none(&SPECTRAL_CENTROID, &Unmeasurable::Silent),
            |hertz| QuantityResult::single(&SPECTRAL_CENTROID, hertz),
        ),
        match &single {
            Ok(single) => QuantityResult::single(&SINGLE_FREQUENCY, single.level.level.0),
            Err(reason) => QuantityResult::none(&SINGLE_FREQUENCY, reason),
        },
        match &single {
            Ok(single) => QuantityResult::single(&SINGLE_FREQUENCY_AT, single.frequency.0),
            Err(reason) => QuantityResult::none(&SINGLE_FREQUENCY_AT, reason),
        },
    ]
}

fn edge(spectrum: &PowerSpectrum, half: f64) -> Option<f64> {
    let count = ((half - LOWEST_HZ) / BAND_HZ) as u32;
    let powers: Vec<(f64, f64)> = (0..count)
        .map(|band| LOWEST_HZ + f64::from(band) * BAND_HZ)
        .map(|low| (low + BAND_HZ, spectrum.power_between(low, low + BAND_HZ)))
        .collect();
    let strongest = powers.iter().map(|(_, power)| *power).fold(0.0, f64::max);
    let limit = strongest * 10f64.powf(-EDGE_DB / 10.0);
    powers
        .iter()
        .rfind(|(_, power)| strongest > 0.0 && *power >= limit)
        .map(|(high, _)| *high)
}

fn centroid(spectrum: &PowerSpectrum) -> Option<f64> {
    let step = spectrum.step_hz();
    let bins = || {
        let numbered = spectrum.powers().iter().enumerate();
        numbered
            .map(|(bin, power)| (bin as f64 * step, *power))
            .filter(|(hertz, _)| *hertz >= LOWEST_HZ)
    };
    let total: f64 = bins().map(|(_, power)| power).sum();
    (total > 0.0).then(|| bins().map(|(hertz, power)| hertz * power).sum::<f64>() / total)
}

pub(crate) fn curve(spectrum: &PowerSpectrum) -> Curve {
    let bands = spectrum.octave_levels(Fraction::Third, LOWEST_HZ, f64::from(spectrum.rate()) / 2.0);
    Curve::new(
        "third_octave_spectrum",
        "frequency, Hz",
        "level, dBov",
        bands.iter().map(|band| (band.band.nominal_hz, band.level.0)),
    )
}
