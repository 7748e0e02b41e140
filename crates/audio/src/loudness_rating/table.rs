//! Weights of loudness ratings.

use serde::Deserialize;

use crate::curve::{Curve, CurveError};

/// Longest text of a table, bytes.
const LONGEST_TEXT: usize = 1 << 16;
/// Exponent of the loudness growth for SLR and RLR (ITU-T P.79).
const GROWTH: f64 = 0.175;

/// Weights over third-octave bands with the growth they belong to.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightTable {
    name: String,
    source: String,
    verified: bool,
    growth: f64,
    weights: Vec<(f64, f64)>,
}

/// Why a text is no table.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WeightTableError {
    /// Not TOML, or not these keys.
    #[error("{0}")]
    Syntax(String),
    /// The weights are no curve.
    #[error("weights: {0}")]
    Weights(#[from] CurveError),
    /// The exponent is not within 0 to 1.
    #[error("m is {0}: a value above 0 and up to 1 is needed")]
    Growth(f64),
    /// The text is too long to be one.
    #[error("{bytes} bytes are too many for a table of weights")]
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
    m: f64,
    weights: Vec<(f64, f64)>,
}

/// Nominal centres of bands 4 to 17, Hz.
const NARROWBAND_HZ: [f64; 14] = [
    200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0, 1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0,
];
/// P.79 table 1, send: 0.3 dB below the values of Annex D.
const SEND: [f64; 14] = [
    76.9, 62.6, 62.0, 44.7, 53.1, 48.5, 47.6, 50.1, 59.1, 56.7, 72.2, 72.6, 89.2, 117.0,
];
/// P.79 table 1, receive.
const RECEIVE: [f64; 14] = [
    85.0, 74.7, 79.0, 63.7, 73.5, 69.1, 68.0, 68.7, 75.1, 70.4, 81.4, 76.5, 93.3, 113.8,
];
/// Loss between an ear sealed by the coupler and a real one (P.79 Annex D), 100 Hz to 8 kHz, dB.
const EAR_LOSS: [(f64, f64); 20] = [
    (100.0, 20.0),
    (125.0, 16.5),
    (160.0, 12.5),
    (200.0, 8.4),
    (250.0, 4.9),
    (315.0, 1.0),
    (400.0, -0.7),
    (500.0, -2.2),
    (630.0, -2.6),
    (800.0, -3.2),
    (1000.0, -2.3),
    (1250.0, -1.2),
    (1600.0, -0.1),
    (2000.0, 3.6),
    (2500.0, 7.4),
    (3150.0, 6.7),
    (4000.0, 8.8),
    (5000.0, 10.0),
    (6300.0, 12.5),
    (8000.0, 15.0),
];

impl WeightTable {
    /// W_S of ITU-T P.79 table 1, bands 4 to 17 (200 Hz to 4 kHz), m = 0.175. The values give the reference system of P.48
    /// a rating of 0.007 dB.
    #[must_use]
    pub fn narrowband_send() -> Self {
        Self::built_in("P.79 table 1, send", &SEND)
    }

    /// W_R of ITU-T P.79 table 1, as [`Self::narrowband_send`].
    #[must_use]
    pub fn narrowband_receive() -> Self {
        Self::built_in("P.79 table 1, receive", &RECEIVE)
    }

    fn built_in(name: &str, weights: &[f64]) -> Self {
        Self {
            name: name.to_owned(),
            source: "ITU-T P.79, checked against the reference system of P.48".to_owned(),
            verified: true,
            growth: GROWTH,
            weights: NARROWBAND_HZ.into_iter().zip(weights.iter().copied()).collect(),
        }
    }

    /// A table from a text in TOML: `name`, `source`, `verified` (false unless said), `m`, and `weights` as a list of
    /// `[Hz, dB]`. The wideband weights (P.79 Annex G), those of STMR and those of the D value come this way from a file
    /// that the lab owns.
    ///
    /// # Errors
    /// A text that is not one.
    pub fn from_toml(text: &str) -> Result<Self, WeightTableError> {
        if text.len() > LONGEST_TEXT {
            return Err(WeightTableError::TooLong { bytes: text.len() });
        }
        let file: File = toml::from_str(text)
            .map_err(|error| WeightTableError::Syntax(error.to_string().trim_end().to_owned()))?;
        Self::new(file.name, file.source, file.verified, file.m, file.weights)
    }

    /// A table from lines of two numbers, Hz and dB ([`Curve::from_csv`]); `growth` is the m it belongs to. It counts as
    /// unverified.
    ///
    /// # Errors
    /// A text that is not one.
    pub fn from_csv(name: &str, growth: f64, text: &str) -> Result<Self, WeightTableError> {
        let weights = Curve::from_csv(text)?.points().to_vec();
        Self::new(name.to_owned(), String::new(), false, growth, weights)
    }

    fn new(
        name: String,
        source: String,
        verified: bool,
        growth: f64,
        weights: Vec<(f64, f64)>,
    ) -> Result<Self, WeightTableError> {
        if !(growth > 0.0 && growth <= 1.0) {
            return Err(WeightTableError::Growth(growth));
        }
        let weights = Curve::new(weights)?.points().to_vec();
        Ok(Self {
            name,
            source,
            verified,
            growth,
            weights,
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

    /// Whether its numbers were checked; a rating by an unverified table is for information.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// The exponent m.
    #[must_use]
    pub fn growth(&self) -> f64 {
        self.growth
    }

    /// The weights: (nominal centre in Hz, dB).
    #[must_use]
    pub fn weights(&self) -> &[(f64, f64)] {
        &self.weights
    }
}

/// L_E of ITU-T P.79 Annex D as a curve (Hz, dB): to be taken from a receive response on a sealed coupler. On an ear
/// simulator of type 3.3 or 3.4 nothing is taken.
#[must_use]
pub fn ear_loss() -> Curve {
    Curve::new(EAR_LOSS.to_vec()).expect("the table rises")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tables_are_read_or_refused() {
        let text = "name = \"W_M\"\nm = 0.225\nweights = [[100, 110.4], [125, 107.7]]\n";
        let table = WeightTable::from_toml(text).expect("a table");
        assert!(!table.is_verified() && table.growth() == 0.225);
        assert_eq!(table.weights().len(), 2);
        assert!(matches!(
            WeightTable::from_csv("n", 0.0, "100,1"),
            Err(WeightTableError::Growth(_))
        ));
        assert!(matches!(
            WeightTable::from_csv("n", f64::NAN, "100,1"),
            Err(WeightTableError::Growth(_))
        ));
        assert!(matches!(
            WeightTable::from_csv("n", 0.175, ""),
            Err(WeightTableError::Weights(_))
        ));
        assert!(matches!(
            WeightTable::from_toml("m = 1"),
            Err(WeightTableError::Syntax(_))
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_text_panics(text in any::<String>(), m: f64, weights in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..5)) {
            let _ = WeightTable::from_toml(&text);
            let _ = WeightTable::from_toml(&format!("name = 'n'\nm = {m:?}\nweights = {weights:?}"));
            let _ = WeightTable::from_csv("n", m, &text);
        }
    }
}
