//! Spectrum of an echo against a mask.

use std::ops::RangeInclusive;

use crate::mask::{Mask, MaskResult};
use crate::measurement::Unmeasurable;
use crate::transfer::Response;
use crate::transfer::welch::spectra;

/// Lines of what was played further below the strongest than this say nothing, dB.
const DYNAMIC_DB: f64 = 60.0;

/// Upper limit of the spectral echo attenuation in wideband (Hz, dB), P.1110 clause 11.11.3, and in TS 103 740. Read in
/// secondary sources: for information, not for verdicts.
const WIDEBAND: [(f64, f64); 6] = [
    (100.0, -41.0),
    (1300.0, -41.0),
    (3450.0, -46.0),
    (5200.0, -46.0),
    (7500.0, -37.0),
    (8000.0, -37.0),
];
/// The same in narrowband, P.1100 clause 11.11.3.
const NARROWBAND: [(f64, f64); 7] = [
    (100.0, -20.0),
    (200.0, -30.0),
    (300.0, -38.0),
    (800.0, -34.0),
    (1500.0, -33.0),
    (2600.0, -24.0),
    (4000.0, -24.0),
];

/// The spectral masks that secondary sources give, wideband and narrowband; unverified.
#[must_use]
pub fn spectral_masks() -> [Mask; 2] {
    [
        ("P.1110 spectral echo, unverified", WIDEBAND.to_vec()),
        ("P.1100 spectral echo, unverified", NARROWBAND.to_vec()),
    ]
    .map(|(name, upper)| Mask::new(name, upper, Vec::new(), false).expect("the tables rise"))
}

/// Gain from what was played to what came back in lines of about 3 Hz, dB, as the ratio of their power densities.
///
/// # Errors
/// Nothing to measure, silence.
pub fn spectral_echo(
    played: &[f32],
    returned: &[f32],
    rate: u32,
    range: RangeInclusive<f64>,
) -> Result<Response, Unmeasurable> {
    let spectra = spectra(played, returned, rate)?;
    let strongest = spectra.input.iter().copied().fold(0.0, f64::max);
    let least = strongest * 10f64.powf(-DYNAMIC_DB / 10.0);
    let response = Response::new(
        spectra
            .input
            .iter()
            .zip(&spectra.output)
            .enumerate()
            .map(|(line, (input, output))| (line as f64 * spectra.step, input, output))
            .filter(|(hz, input, _)| range.contains(hz) && **input > least)
            .map(|(hz, input, output)| (hz, 10.0 * (output / input).log10())),
    );
    if response.points().is_empty() {
        return Err(Unmeasurable::Silent);
    }
    Ok(response)
}

/// [`spectral_echo`] against a mask, within the range of the mask.
///
/// # Errors
/// As [`spectral_echo`], and no line within the mask.
pub fn spectral_echo_margin(
    played: &[f32],
    returned: &[f32],
    rate: u32,
    mask: &Mask,
) -> Result<MaskResult, Unmeasurable> {
    let points = mask
        .upper()
        .into_iter()
        .chain(mask.lower())
        .flat_map(|curve| curve.points());
    let (low, high) = points.fold((f64::INFINITY, 0.0f64), |(low, high), point| {
        (low.min(point.0), high.max(point.0))
    });
    mask.check(&spectral_echo(played, returned, rate, low..=high)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::mask::Limit;
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn a_flat_echo_has_a_known_margin() {
        let played = white_noise(DbOv(-20.0), 4.0, 48000, 1);
        let returned: Vec<f32> = played.iter().map(|x| x * 0.001).collect();
        let [wideband, narrowband] = spectral_masks();
        assert!(!wideband.is_verified() && !narrowband.is_verified());
        // -60 dB, and the deepest limit is -46 dB
        let found = spectral_echo_margin(&played, &returned, 48000, &wideband).expect("an echo");
        assert!(
            (found.margin.value.0 - 14.0).abs() < 1e-3 && found.limit == Limit::Upper,
            "{found:?}"
        );
        assert!((3450.0..=5200.0).contains(&found.worst_hz));
        let found = spectral_echo_margin(&played, &returned, 48000, &narrowband).expect("an echo");
        assert!((found.margin.value.0 - 22.0).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn a_single_line_is_found() {
        let played = white_noise(DbOv(-20.0), 4.0, 48000, 1);
        let tone = sine(2000.0, DbOv(-60.0), 4.0, 48000);
        let returned: Vec<f32> = played.iter().zip(&tone).map(|(x, t)| x * 0.001 + t).collect();
        let found = spectral_echo_margin(&played, &returned, 48000, &spectral_masks()[0]).expect("an echo");
        assert!(
            (found.worst_hz - 2000.0).abs() < 6.0 && !found.is_kept(),
            "{found:?}"
        );
        assert_eq!(
            spectral_echo(&[0.0; 4000], &returned, 48000, 100.0..=8000.0),
            Err(Unmeasurable::Silent)
        );
    }
}
