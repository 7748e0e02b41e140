//! Kinds of mean opinion scores (ITU-T P.800.1).

use std::fmt;

use crate::unit::Unit;

/// Conversational quality, estimated by a network planning model (MOS-CQE): 1 is bad, 4.5 the best the model gives.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct MosCqe(pub f64);

/// Listening quality, predicted by an objective model from recordings (MOS-LQO): 1 is bad, 5 is excellent.
///
/// Figures of different models, bandwidths or calibrations do not compare, though they share this scale.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct MosLqo(pub f64);

macro_rules! scores {
    ($($name:ident $symbol:literal;)*) => {$(
        impl Unit for $name {
            fn number(self) -> f64 {
                self.0
            }

            fn with_number(self, number: f64) -> Self {
                Self(number)
            }

            fn symbol(self) -> &'static str {
                $symbol
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($symbol, " {:.*}"), f.precision().unwrap_or_else(|| self.decimals()), self.0)
            }
        }
    )*};
}

scores! {
    MosCqe "MOS-CQE";
    MosLqo "MOS-LQO";
}
