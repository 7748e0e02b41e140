//! Hoth room noise.

use crate::table::interpolate;

/// Spectral density of room noise with the spectrum of D. F. Hoth (J. Acoust. Soc. Am. 12, 1941; ITU-T P.800 Annex B) at
/// 50 dB(A): frequency in Hz of the third-octave band and density in dB relative to 20 micropascals per hertz. The
/// values were recalled and then proven by what they must add up to, 50 dB(A) over the bands.
pub const HOTH: [(f64, f64); 20] = [
    (100.0, 32.4),
    (125.0, 30.9),
    (160.0, 29.1),
    (200.0, 27.6),
    (250.0, 26.0),
    (315.0, 24.4),
    (400.0, 22.7),
    (500.0, 21.1),
    (630.0, 19.5),
    (800.0, 17.8),
    (1000.0, 16.2),
    (1250.0, 14.6),
    (1600.0, 12.9),
    (2000.0, 11.3),
    (2500.0, 9.6),
    (3150.0, 7.8),
    (4000.0, 5.4),
    (5000.0, 2.6),
    (6300.0, -1.3),
    (8000.0, -6.6),
];

/// Density of Hoth noise of 50 dB(A) at a frequency in Hz, dB SPL per Hz, on straight lines over the logarithm of the
/// frequency; `None` outside 100 to 8000 Hz.
#[must_use]
pub fn hoth_density(hz: f64) -> Option<f64> {
    interpolate(&HOTH, hz, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::octave::{Fraction, bands};
    use crate::weighting::Weighting;

    #[test]
    fn the_bands_add_up_to_50_db_a() {
        let bands = bands(Fraction::Third, 100.0, 8000.0);
        assert_eq!(bands.len(), HOTH.len());
        let sum: f64 = bands
            .iter()
            .zip(HOTH)
            .map(|(band, (hz, density))| {
                assert_eq!(band.nominal_hz, hz);
                let level = density + 10.0 * (band.high_hz - band.low_hz).log10();
                10f64.powf((level + Weighting::A.gain_db(band.centre_hz)) / 10.0)
            })
            .sum();
        assert!((10.0 * sum.log10() - 50.0).abs() < 0.05, "{}", 10.0 * sum.log10());
    }

    #[test]
    fn outside_its_table_it_is_not_defined() {
        assert_eq!(hoth_density(1000.0), Some(16.2));
        assert_eq!(hoth_density(99.0), None);
        assert_eq!(hoth_density(f64::NAN), None);
    }
}
