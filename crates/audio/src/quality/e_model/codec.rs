//! Impairment by codecs (ITU-T G.113 Appendix I).

use super::Parameters;

/// What the receiver does for a packet that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concealment {
    /// Nothing.
    None,
    /// It conceals the loss.
    Concealed,
}

/// Impairment of narrowband speech by a codec.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CodecImpairment {
    /// Name of the codec.
    pub codec: &'static str,
    /// What the value of Bpl presumes of the receiver.
    pub concealment: Concealment,
    /// Equipment impairment factor Ie at no loss.
    pub equipment_impairment: f64,
    /// Packet-loss robustness factor Bpl.
    pub loss_robustness: f64,
    /// Where the two figures were read.
    pub source: &'static str,
}

/// Where all values were read; the tables themselves were not at hand.
const SOURCE: &str =
    "ITU-T G.113 Appendix I, as cited by an open E-model implementation (bgrewell/loom 7f2dba0)";

/// The codecs whose figures have a source. Opus has none in G.113; neither do the wideband codecs here.
pub const CODECS: [CodecImpairment; 3] = [
    CodecImpairment {
        codec: "G.711",
        concealment: Concealment::Concealed,
        equipment_impairment: 0.0,
        loss_robustness: 25.1,
        source: SOURCE,
    },
    CodecImpairment {
        codec: "G.711",
        concealment: Concealment::None,
        equipment_impairment: 0.0,
        loss_robustness: 4.3,
        source: SOURCE,
    },
    CodecImpairment {
        codec: "G.729A with VAD",
        concealment: Concealment::Concealed,
        equipment_impairment: 11.0,
        loss_robustness: 19.0,
        source: SOURCE,
    },
];

impl CodecImpairment {
    /// A connection with this codec.
    #[must_use]
    pub const fn applied_to(&self, mut parameters: Parameters) -> Parameters {
        parameters.equipment_impairment = self.equipment_impairment;
        parameters.loss_robustness = self.loss_robustness;
        parameters
    }
}
