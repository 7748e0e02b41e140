//! The maps from a raw P.862 score to MOS-LQO: ITU-T P.862.1 (narrowband) and P.862.2 (wideband).
//!
//! The constants were read in two independent secondary sources, not in the Recommendations.

use super::MosLqo;

/// Raw score of ITU-T P.862: about -0.5 to 4.5.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct RawScore(pub f64);

/// Steepness and offset of the narrowband map.
const NARROWBAND: (f64, f64) = (1.4945, 4.6607);
/// Steepness and offset of the wideband map.
const WIDEBAND: (f64, f64) = (1.3669, 3.8224);

impl RawScore {
    /// The narrowband map (P.862.1): at most 4.549, which a raw score of 4.5 reads.
    #[must_use]
    pub fn narrowband_mos(self) -> MosLqo {
        logistic(self.0, NARROWBAND)
    }

    /// The wideband map (P.862.2) as published in 2005: at most 4.644, which a raw score of 4.5 reads.
    #[must_use]
    pub fn wideband_mos(self) -> MosLqo {
        logistic(self.0, WIDEBAND)
    }

    /// The raw score that the narrowband map takes to `mos`; `None` outside its range of 0.999 to 4.999.
    #[must_use]
    pub fn from_narrowband_mos(mos: MosLqo) -> Option<Self> {
        let odds = 4.0 / (mos.0 - 0.999) - 1.0;
        let score = (NARROWBAND.1 - odds.ln()) / NARROWBAND.0;
        (odds > 0.0 && score.is_finite()).then_some(Self(score))
    }
}

fn logistic(score: f64, (steepness, offset): (f64, f64)) -> MosLqo {
    MosLqo(0.999 + 4.0 / (1.0 + (offset - steepness * score).exp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_end_where_the_recommendations_say() {
        assert!((RawScore(4.5).narrowband_mos().0 - 4.549).abs() < 5e-4);
        assert!((RawScore(4.5).wideband_mos().0 - 4.644).abs() < 5e-4);
        assert!((RawScore(-0.5).narrowband_mos().0 - 1.017).abs() < 5e-4);
    }

    #[test]
    fn the_narrowband_map_can_be_undone() {
        for raw in [-0.5, 1.0, 2.5, 4.5] {
            let back = RawScore::from_narrowband_mos(RawScore(raw).narrowband_mos()).unwrap();
            assert!((back.0 - raw).abs() < 1e-9, "{back:?}");
        }
        for outside in [0.999, 0.5, 5.0, f64::NAN, f64::INFINITY] {
            assert_eq!(RawScore::from_narrowband_mos(MosLqo(outside)), None, "{outside}");
        }
    }
}
