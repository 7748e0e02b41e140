//! What a network does to datagrams.

use serde::{Deserialize, Serialize};

/// Longest delay of one kind, in ms.
const LONGEST_MS: f64 = 60_000.0;

/// Why a specification makes no network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// A probability outside 0..=1.
    #[error("{field} is {value}, a probability is 0 to 1")]
    Probability {
        /// Field.
        field: &'static str,
        /// Value.
        value: f64,
    },
    /// A time that is negative or above one minute.
    #[error("{field} is {value} ms, 0 to 60000 ms are possible")]
    Time {
        /// Field.
        field: &'static str,
        /// Value in ms.
        value: f64,
    },
    /// A shape, size or distance that is out of range.
    #[error("{field} is {value}, {expected}")]
    Value {
        /// Field.
        field: &'static str,
        /// Value.
        value: f64,
        /// What is possible.
        expected: &'static str,
    },
}

/// Delay on top of the fixed one, drawn for each datagram.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Jitter {
    /// None.
    #[default]
    None,
    /// Any delay up to a maximum with the same probability.
    Uniform {
        /// Longest delay in ms.
        maximum_ms: f64,
    },
    /// Normal distribution, drawn again outside 0 to the maximum.
    Normal {
        /// Mean before the cut, in ms.
        mean_ms: f64,
        /// Standard deviation before the cut, in ms.
        deviation_ms: f64,
        /// Longest delay in ms.
        maximum_ms: f64,
    },
    /// Gamma distribution, which measured queueing delays are close to.
    Gamma {
        /// Shape; 1 is the exponential distribution.
        shape: f64,
        /// Scale in ms; the mean is shape times scale.
        scale_ms: f64,
        /// Longest delay in ms; what is drawn above it becomes it.
        maximum_ms: f64,
    },
    /// Pareto distribution moved to start at zero: mostly little delay and a heavy tail.
    Pareto {
        /// Tail index; the smaller, the heavier the tail.
        index: f64,
        /// Scale in ms; the mean is scale / (index - 1) for an index above 1.
        scale_ms: f64,
        /// Longest delay in ms; what is drawn above it becomes it.
        maximum_ms: f64,
    },
}

/// Which datagrams are lost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each one independently of the others.
    Random {
        /// Probability.
        probability: f64,
    },
    /// Gilbert and Elliott's two states, a good and a bad one; the state changes before each datagram.
    GilbertElliott {
        /// Probability of a change from good to bad.
        p: f64,
        /// Probability of a change from bad to good.
        r: f64,
        /// Probability of delivery in the bad state; 0 is Gilbert's simple model.
        h: f64,
        /// Probability of delivery in the good state; 1 is no loss there.
        k: f64,
    },
}

impl Loss {
    /// The two-state model with all losses in the bad state: `mean_loss` is the share lost (below 1) and `mean_burst` the mean
    /// number of losses in a row (from 1 on).
    ///
    /// # Errors
    /// [`SpecError`] when there is no such process: a loss of 90 % cannot come in bursts of one.
    pub fn bursts(mean_loss: f64, mean_burst: f64) -> Result<Self, SpecError> {
        if !(0.0..1.0).contains(&mean_loss) {
            return Err(SpecError::Probability {
                field: "mean loss",
                value: mean_loss,
            });
        }
        let r = 1.0 / mean_burst;
        let p = r * mean_loss / (1.0 - mean_loss);
        if !(mean_burst >= 1.0 && mean_burst.is_finite() && p <= 1.0) {
            return Err(SpecError::Value {
                field: "mean burst",
                value: mean_burst,
                expected: "at least 1 and at least loss / (1 - loss)",
            });
        }
        Ok(Self::GilbertElliott { p, r, h: 0.0, k: 1.0 })
    }

    /// Share of datagrams lost in the long run.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::Random { probability } => probability,
            Self::GilbertElliott { p, r, h, k } => {
                let bad = if p + r > 0.0 { p / (p + r) } else { 0.0 };
                bad * (1.0 - h) + (1.0 - bad) * (1.0 - k)
            }
        }
    }
}

/// Datagrams that are overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reorder {
    /// Probability that a datagram is held back.
    pub probability: f64,
    /// How many later datagrams overtake it, 1..=100. When fewer come within 500 ms, it goes on without.
    pub distance: u32,
}

/// Datagrams that arrive with one bit changed. On a real path the UDP checksum drops them; here they reach the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corruption {
    /// Probability for a datagram.
    pub probability: f64,
    /// Octets at the start that stay whole, 12 for the RTP header.
    #[serde(default)]
    pub protected_octets: usize,
}

/// A bottleneck: a token bucket with a queue that drops from its tail.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Rate in bit/s of UDP payload.
    pub bits_per_second: f64,
    /// Octets that pass at once after a pause.
    pub burst_octets: u32,
    /// Octets that wait at most; a datagram that does not fit is dropped.
    pub queue_octets: u32,
}

/// What a network does to the datagrams of one direction. The default does nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImpairmentSpec {
    /// Fixed delay in ms.
    pub delay_ms: f64,
    /// Delay variation.
    pub jitter: Jitter,
    /// Jitter never reorders: a datagram waits for the one before, as behind a queue.
    pub keep_order: bool,
    /// Loss.
    pub loss: Loss,
    /// Probability that a datagram arrives twice; each copy has a jitter of its own.
    pub duplication: f64,
    /// Reordering apart from that by jitter.
    pub reorder: Option<Reorder>,
    /// Bit errors.
    pub corruption: Option<Corruption>,
    /// Bottleneck.
    pub rate: Option<Rate>,
}

fn probability(field: &'static str, value: f64) -> Result<(), SpecError> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(SpecError::Probability { field, value })
    }
}

fn time(field: &'static str, value: f64) -> Result<(), SpecError> {
    if (0.0..=LONGEST_MS).contains(&value) {
        Ok(())
    } else {
        Err(SpecError::Time { field, value })
    }
}

fn positive(field: &'static str, value: f64) -> Result<(), SpecError> {
    if value.is_finite() && value >= 0.01 {
        Ok(())
    } else {
        Err(SpecError::Value {
            field,
            value,
            expected: "0.01 is the smallest",
        })
    }
}

impl ImpairmentSpec {
    /// Whether all values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), SpecError> {
        time("delay_ms", self.delay_ms)?;
        probability("duplication", self.duplication)?;
        match self.jitter {
            Jitter::None => {}
            Jitter::Uniform { maximum_ms } => time("jitter.maximum_ms", maximum_ms)?,
            Jitter::Normal {
                mean_ms,
                deviation_ms,
                maximum_ms,
            } => {
                time("jitter.mean_ms", mean_ms)?;
                time("jitter.deviation_ms", deviation_ms)?;
                time("jitter.maximum_ms", maximum_ms)?;
            }
            Jitter::Gamma {
                shape,
                scale_ms,
                maximum_ms,
            } => {
                positive("jitter.shape", shape)?;
                time("jitter.scale_ms", scale_ms)?;
                time("jitter.maximum_ms", maximum_ms)?;
            }
            Jitter::Pareto {
                index,
                scale_ms,
                maximum_ms,
            } => {
                positive("jitter.index", index)?;
                time("jitter.scale_ms", scale_ms)?;
                time("jitter.maximum_ms", maximum_ms)?;
            }
        }
        match self.loss {
            Loss::None => {}
            Loss::Random { probability: value } => probability("loss.probability", value)?,
            Loss::GilbertElliott { p, r, h, k } => {
                for (field, value) in [("loss.p", p), ("loss.r", r), ("loss.h", h), ("loss.k", k)] {
                    probability(field, value)?;
                }
            }
        }
        if let Some(reorder) = self.reorder {
            probability("reorder.probability", reorder.probability)?;
            if !(1..=100).contains(&reorder.distance) {
                return Err(SpecError::Value {
                    field: "reorder.distance",
                    value: f64::from(reorder.distance),
                    expected: "1 to 100 are possible",
                });
            }
        }
        if let Some(corruption) = self.corruption {
            probability("corruption.probability", corruption.probability)?;
        }
        if let Some(rate) = self.rate
            && !(rate.bits_per_second >= 100.0 && rate.bits_per_second.is_finite())
        {
            return Err(SpecError::Value {
                field: "rate.bits_per_second",
                value: rate.bits_per_second,
                expected: "100 is the smallest",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named() {
        let field = |spec: ImpairmentSpec| match spec.validate() {
            Ok(()) => "",
            Err(
                SpecError::Probability { field, .. }
                | SpecError::Time { field, .. }
                | SpecError::Value { field, .. },
            ) => field,
        };
        let sound = ImpairmentSpec::default;
        assert_eq!(field(sound()), "");
        assert_eq!(
            field(ImpairmentSpec {
                delay_ms: -1.0,
                ..sound()
            }),
            "delay_ms"
        );
        assert_eq!(
            field(ImpairmentSpec {
                delay_ms: f64::NAN,
                ..sound()
            }),
            "delay_ms"
        );
        assert_eq!(
            field(ImpairmentSpec {
                duplication: 1.1,
                ..sound()
            }),
            "duplication"
        );
        let jitter = Jitter::Gamma {
            shape: 0.0,
            scale_ms: 1.0,
            maximum_ms: 1.0,
        };
        assert_eq!(field(ImpairmentSpec { jitter, ..sound() }), "jitter.shape");
        let loss = Loss::GilbertElliott {
            p: 0.1,
            r: 2.0,
            h: 0.0,
            k: 1.0,
        };
        assert_eq!(field(ImpairmentSpec { loss, ..sound() }), "loss.r");
        let reorder = Some(Reorder {
            probability: 0.1,
            distance: 0,
        });
        assert_eq!(field(ImpairmentSpec { reorder, ..sound() }), "reorder.distance");
        let rate = Some(Rate {
            bits_per_second: 0.0,
            burst_octets: 0,
            queue_octets: 0,
        });
        assert_eq!(field(ImpairmentSpec { rate, ..sound() }), "rate.bits_per_second");
    }

    #[test]
    fn a_burst_process_has_the_loss_that_was_asked_for() {
        let loss = Loss::bursts(0.05, 4.0).expect("possible");
        assert!((loss.mean() - 0.05).abs() < 1e-12);
        assert!(Loss::bursts(0.9, 1.0).is_err() && Loss::bursts(1.0, 4.0).is_err());
        assert!(Loss::bursts(0.1, 0.5).is_err() && Loss::bursts(0.1, f64::NAN).is_err());
    }

    #[test]
    fn a_specification_is_read_from_text() {
        let text = r#"{"delay_ms": 40, "jitter": {"model": "uniform", "maximum_ms": 10},
            "loss": {"model": "gilbert-elliott", "p": 0.01, "r": 0.3, "h": 0, "k": 1},
            "reorder": {"probability": 0.01, "distance": 2}}"#;
        let spec: ImpairmentSpec = serde_json::from_str(text).expect("sound");
        assert_eq!(spec.jitter, Jitter::Uniform { maximum_ms: 10.0 });
        let again = serde_json::to_string(&spec).expect("numbers and names");
        assert_eq!(
            serde_json::from_str::<ImpairmentSpec>(&again).expect("own text"),
            spec
        );
        assert!(serde_json::from_str::<ImpairmentSpec>(r#"{"delay": 40}"#).is_err());
    }
}
