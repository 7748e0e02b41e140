//! Masks: limits that a frequency response must keep, straight lines over log frequency.

mod check;
mod data;

use serde::Deserialize;

use crate::curve::{Curve, CurveError};

pub use check::{Limit, MaskResult};
pub use data::built_in;

/// Longest text of a mask, bytes.
const LONGEST_TEXT: usize = 1 << 18;

/// Upper and lower limit over frequency. Each may end earlier than the other; where one has no line it limits nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    name: String,
    source: String,
    verified: bool,
    floating: bool,
    upper: Option<Curve>,
    lower: Option<Curve>,
}

/// Why a text is no mask.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MaskError {
    /// Not TOML, or not these keys.
    #[error("{0}")]
    Syntax(String),
    /// A limit that is no curve.
    #[error("{limit} limit: {error}")]
    Limit {
        /// Which one.
        limit: &'static str,
        /// What is wrong.
        error: CurveError,
    },
    /// Neither limit.
    #[error("a mask needs an upper or a lower limit, and both when it floats")]
    NoLimit,
    /// The text is too long to be one.
    #[error("{bytes} bytes are too many for a mask")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    verified: bool,
    #[serde(default)]
    floating: bool,
    #[serde(default)]
    upper: Vec<(f64, f64)>,
    #[serde(default)]
    lower: Vec<(f64, f64)>,
}

impl Mask {
    /// A mask from points (Hz, dB); no points are no limit. Its numbers count as unverified.
    ///
    /// # Errors
    /// Points that are no curve, no limit at all, a floating mask with one limit only.
    pub fn new(
        name: &str,
        upper: Vec<(f64, f64)>,
        lower: Vec<(f64, f64)>,
        floating: bool,
    ) -> Result<Self, MaskError> {
        let curve = |limit, points: Vec<(f64, f64)>| {
            if points.is_empty() {
                return Ok(None);
            }
            Curve::new(points)
                .map(Some)
                .map_err(|error| MaskError::Limit { limit, error })
        };
        let (upper, lower) = (curve("upper", upper)?, curve("lower", lower)?);
        let enough = if floating {
            upper.is_some() && lower.is_some()
        } else {
            upper.is_some() || lower.is_some()
        };
        if !enough {
            return Err(MaskError::NoLimit);
        }
        Ok(Self {
            name: name.to_owned(),
            source: String::new(),
            verified: false,
            floating,
            upper,
            lower,
        })
    }

    /// The same, its numbers read in the text of `source`.
    #[must_use]
    pub fn verified(self, source: &str) -> Self {
        Self {
            source: source.to_owned(),
            verified: true,
            ..self
        }
    }

    /// Reads a mask: `name`, `source`, `verified` (false unless said), `floating`, `upper` and `lower` as lists of
    /// `[Hz, dB]`.
    ///
    /// # Errors
    /// A text that is not one.
    pub fn from_toml(text: &str) -> Result<Self, MaskError> {
        if text.len() > LONGEST_TEXT {
            return Err(MaskError::TooLong { bytes: text.len() });
        }
        let file: File = toml::from_str(text)
            .map_err(|error| MaskError::Syntax(error.to_string().trim_end().to_owned()))?;
        let mask = Self::new(&file.name, file.upper, file.lower, file.floating)?;
        Ok(Self {
            source: file.source,
            verified: file.verified,
            ..mask
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its numbers are from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether its numbers were read in their source; an unverified mask is for information and decides no verdict.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// Whether the response may be shifted as a whole.
    #[must_use]
    pub fn is_floating(&self) -> bool {
        self.floating
    }

    /// Upper limit.
    #[must_use]
    pub fn upper(&self) -> Option<&Curve> {
        self.upper.as_ref()
    }

    /// Lower limit.
    #[must_use]
    pub fn lower(&self) -> Option<&Curve> {
        self.lower.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::Response;
    use proptest::prelude::*;

    fn flat(db: f64) -> Response {
        Response::new((0..=20).map(|k| (100.0 * 10f64.powf(f64::from(k) / 10.0), db)))
    }

    #[test]
    fn a_flat_response_fits_any_floating_mask() {
        for mask in built_in() {
            let results: Vec<MaskResult> = [0.0, -37.0]
                .iter()
                .map(|db| mask.check(&flat(*db)).expect("common points"))
                .collect();
            assert!(results[0].is_kept(), "{}: {:?}", mask.name(), results[0]);
            // a floating mask does not see a gain
            assert!((results[0].margin.value.0 - results[1].margin.value.0).abs() < 1e-9);
            assert!((results[1].offset_db - results[0].offset_db - 37.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_worst_point_is_found() {
        let mask = Mask::new(
            "fixed",
            vec![(100.0, 3.0), (1000.0, 3.0)],
            vec![(200.0, -3.0), (500.0, -6.0)],
            false,
        )
        .expect("a mask");
        let response = Response::new([(100.0, 0.0), (300.0, 5.0), (400.0, 0.0), (10_000.0, 0.0)]);
        let result = mask.check(&response).expect("common points");
        assert_eq!((result.worst_hz, result.limit), (300.0, Limit::Upper));
        assert!((result.margin.value.0 + 2.0).abs() < 1e-12 && result.offset_db == 0.0);
        assert!(!result.is_kept());
        assert_eq!(result.uncovered_octaves, 0.0);
        let narrow = mask
            .check(&Response::new([(200.0, 0.0), (1000.0, 0.0)]))
            .expect("common points");
        assert!((narrow.uncovered_octaves - 1.0).abs() < 1e-12);
        assert!(mask.check(&Response::new([(10.0, 0.0)])).is_err());
    }

    #[test]
    fn the_best_offset_halves_the_margins() {
        let mask = Mask::new(
            "floating",
            vec![(100.0, 5.0), (1000.0, 5.0)],
            vec![(100.0, -5.0), (1000.0, -5.0)],
            true,
        )
        .expect("a mask");
        let result = mask
            .check(&Response::new([(100.0, -20.0), (500.0, -14.0), (1000.0, -18.0)]))
            .expect("common points");
        assert!(
            (result.margin.value.0 - 2.0).abs() < 1e-12 && (result.offset_db - 17.0).abs() < 1e-12,
            "{result:?}"
        );
    }

    #[test]
    fn files_are_read_or_refused() {
        let text = "name = \"n\"\nfloating = true\nupper = [[100, 1], [200, 1.5]]\nlower = [[100, -1]]\n";
        let mask = Mask::from_toml(text).expect("a mask");
        assert!(mask.is_floating() && !mask.is_verified());
        assert_eq!(Mask::from_toml("name = \"n\""), Err(MaskError::NoLimit));
        assert!(matches!(
            Mask::from_toml("name = \"n\"\nupper = [[0, 1]]"),
            Err(MaskError::Limit { limit: "upper", .. })
        ));
        assert!(matches!(Mask::from_toml("upper = 3"), Err(MaskError::Syntax(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_mask_is_checked_without_panic(upper in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..6),
                                             points in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..6), text in any::<String>()) {
            let response = Response::new(points.clone());
            if let Ok(mask) = Mask::new("any", upper.clone(), points, false)
                && let Ok(result) = mask.check(&response)
            {
                prop_assert!(!result.margin.value.0.is_nan());
            }
            let _ = Mask::from_toml(&text);
            let _ = Mask::from_toml(&format!("name = 'n'\nupper = {upper:?}"));
        }
    }
}
