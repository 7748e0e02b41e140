//! Bands of a fraction of an octave on the base-10 system of IEC 61260-1, centred on 1 kHz.

/// Preferred numbers R10 as the bands are named by.
const R10: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0];
/// Preferred numbers R40, for the names of twelfth-octave bands.
const R40: [f64; 40] = [
    1.0, 1.06, 1.12, 1.18, 1.25, 1.32, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.12, 2.24, 2.36, 2.5, 2.65, 2.8,
    3.0, 3.15, 3.35, 3.55, 3.75, 4.0, 4.25, 4.5, 4.75, 5.0, 5.3, 5.6, 6.0, 6.3, 6.7, 7.1, 7.5, 8.0, 8.5, 9.0,
    9.5,
];

/// Width of the bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fraction {
    /// A whole octave, ten bands to the thousandfold.
    Octave,
    /// A third of an octave: the bands named by R.10.
    Third,
    /// A twelfth of an octave: the bands named by R.40, as telephonometry uses them. IEC 61260-1 puts bands of even
    /// fractions beside 1 kHz, half a band away from these.
    Twelfth,
}

impl Fraction {
    /// Bands in a factor of ten.
    const fn per_decade(self) -> f64 {
        match self {
            Self::Octave => 10.0 / 3.0,
            Self::Third => 10.0,
            Self::Twelfth => 40.0,
        }
    }
}

/// One band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// The name it goes by in Hz: 31.5, 1000, 3150.
    pub nominal_hz: f64,
    /// Exact centre in Hz.
    pub centre_hz: f64,
    /// Lower edge in Hz.
    pub low_hz: f64,
    /// Upper edge in Hz.
    pub high_hz: f64,
}

impl Band {
    /// Band number `index`, 0 being the one at 1 kHz.
    #[must_use]
    pub fn new(fraction: Fraction, index: i32) -> Self {
        let steps = fraction.per_decade();
        let centre_hz = 1000.0 * 10f64.powf(f64::from(index) / steps);
        let half = 10f64.powf(0.5 / steps);
        Self {
            nominal_hz: nominal(fraction, index, centre_hz),
            centre_hz,
            low_hz: centre_hz / half,
            high_hz: centre_hz * half,
        }
    }
}

fn nominal(fraction: Fraction, index: i32, centre_hz: f64) -> f64 {
    let named = |names: &[f64], index: i32| {
        let count = names.len() as i32;
        let decade = 10f64.powi(3 + index.div_euclid(count));
        let name = names.get(index.rem_euclid(count) as usize);
        // to a hundredth, since 1.6 times ten is not quite 16
        name.map_or(centre_hz, |name| (name * decade * 100.0).round() / 100.0)
    };
    match fraction {
        Fraction::Octave => named(&R10, index.saturating_mul(3)),
        Fraction::Third => named(&R10, index),
        Fraction::Twelfth => named(&R40, index),
    }
}

/// The bands whose nominal frequencies are from `low_hz` to `high_hz`, ascending; none for frequencies that are no
/// numbers. At most 1 Hz to 1 MHz.
#[must_use]
pub fn bands(fraction: Fraction, low_hz: f64, high_hz: f64) -> Vec<Band> {
    let steps = fraction.per_decade();
    let index = |hz: f64| (steps * (hz.clamp(1.0, 1e6) / 1000.0).log10()).round() as i32;
    if low_hz.is_nan() || high_hz.is_nan() || high_hz < low_hz {
        return Vec::new();
    }
    // the name and the exact centre differ by less than a hundredth
    (index(low_hz) - 1..=index(high_hz) + 1)
        .map(|index| Band::new(fraction, index))
        .filter(|band| band.nominal_hz >= low_hz && band.nominal_hz <= high_hz)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn third_octaves_have_their_names_and_edges() {
        let bands = bands(Fraction::Third, 25.0, 20_000.0);
        let names: Vec<f64> = bands.iter().map(|band| band.nominal_hz).collect();
        assert_eq!(names[..5], [25.0, 31.5, 40.0, 50.0, 63.0]);
        assert_eq!(names[26..], [10_000.0, 12_500.0, 16_000.0, 20_000.0]);
        for pair in bands.windows(2) {
            assert!((pair[0].high_hz - pair[1].low_hz).abs() < 1e-9);
        }
        let at_1_khz = bands
            .iter()
            .find(|band| band.nominal_hz == 1000.0)
            .expect("a band");
        assert!((at_1_khz.low_hz - 891.25).abs() < 0.01 && (at_1_khz.high_hz - 1122.02).abs() < 0.01);
    }

    #[test]
    fn twelfths_are_those_of_r40_and_octaves_every_third_band() {
        let twelfths = bands(Fraction::Twelfth, 1000.0, 2000.0);
        assert_eq!(twelfths.len(), 13);
        assert_eq!(twelfths[1].nominal_hz, 1060.0);
        assert_eq!(twelfths[12].nominal_hz, 2000.0);
        for band in &twelfths {
            assert!((band.nominal_hz / band.centre_hz - 1.0).abs() < 0.013, "{band:?}");
        }
        let octaves: Vec<f64> = bands(Fraction::Octave, 31.0, 17_000.0)
            .iter()
            .map(|band| band.nominal_hz)
            .collect();
        assert_eq!(
            octaves,
            [
                31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0
            ]
        );
    }

    #[test]
    fn no_range_is_no_band() {
        assert!(bands(Fraction::Third, 2000.0, 1000.0).is_empty());
        assert!(bands(Fraction::Third, f64::NAN, 1000.0).is_empty());
        assert!(bands(Fraction::Third, f64::NEG_INFINITY, f64::INFINITY).len() < 100);
    }
}
