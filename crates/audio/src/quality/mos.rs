//! Kinds of mean opinion scores (ITU-T P.800.1).

use std::fmt;

/// Conversational quality, estimated by a network planning model (MOS-CQE): 1 is bad, 4.5 the best the model gives.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct MosCqe(pub f64);

/// Listening quality, predicted by an objective model from recordings (MOS-LQO): 1 is bad, 5 is excellent.
///
/// Figures of different models, bandwidths or calibrations do not compare, though they share this scale.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct MosLqo(pub f64);

impl fmt::Display for MosCqe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MOS-CQE {:.2}", self.0)
    }
}

impl fmt::Display for MosLqo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MOS-LQO {:.2}", self.0)
    }
}
