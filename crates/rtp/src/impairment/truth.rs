//! What was done to each datagram, as evidence.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a datagram was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropReason {
    /// Independent loss, or loss in the good state.
    Random,
    /// Loss in the bad state of the two-state model.
    Burst,
    /// The queue of the bottleneck was full.
    Queue,
    /// More datagrams under way than the lab holds; a limit of the lab, not of the network it plays.
    Overflow,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Handed over.
    Delivered {
        /// When it was due; the decision's own time is when it was handed over.
        #[serde(rename = "due_ns", with = "nanoseconds")]
        due: Duration,
        /// The packet had been handed over before.
        duplicate: bool,
        /// A packet that was pushed later had been handed over before; never for a duplicate.
        reordered: bool,
    },
    /// Lost.
    Dropped {
        /// Why.
        reason: DropReason,
    },
    /// A second copy is under way.
    Duplicated,
    /// Held back for later packets to overtake.
    Held,
    /// One bit was changed.
    Corrupted {
        /// Place of the bit, 0 being the most significant one of the first octet.
        bit: u64,
    },
}

/// One decision about one datagram; a datagram may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Number of the datagram in the order of pushing, from 0.
    pub packet: u64,
    /// When the decision was made.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    pub at: Duration,
    /// What was done.
    #[serde(flatten)]
    pub action: Action,
}

/// A line of recorded truth that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the recorded truth: {source}")]
pub struct TruthError {
    /// Line, from 1.
    pub line: usize,
    source: serde_json::Error,
}

impl Decision {
    /// One line of JSON without the line end.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("numbers and fixed names are always JSON")
    }
}

/// Reads recorded truth, one decision a line; empty lines are passed over.
///
/// # Errors
/// [`TruthError`] with the first line that is not a decision.
pub fn read_truth(text: &str) -> Result<Vec<Decision>, TruthError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(place, line)| {
            serde_json::from_str(line).map_err(|source| TruthError {
                line: place + 1,
                source,
            })
        })
        .collect()
}

/// Nanoseconds, which in 64 bits last for 584 years.
mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }
}

/// The truth in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Datagrams that were handed over, copies included.
    pub delivered: u64,
    /// Copies among them.
    pub duplicates: u64,
    /// Datagrams that were handed over after one that was pushed later.
    pub reordered: u64,
    /// Independent losses.
    pub dropped_random: u64,
    /// Losses in the bad state.
    pub dropped_burst: u64,
    /// Losses at the bottleneck.
    pub dropped_queue: u64,
    /// Losses at the lab's own limit.
    pub dropped_overflow: u64,
    /// Datagrams with a changed bit.
    pub corrupted: u64,
    /// Number of the first and of the last datagram, in the order of pushing, that were handed over.
    pub range: Option<(u64, u64)>,
}

impl Summary {
    /// Adds a decision, in the order they were made.
    pub fn add(&mut self, decision: &Decision) {
        match decision.action {
            Action::Delivered {
                duplicate, reordered, ..
            } => {
                self.delivered += 1;
                self.duplicates += u64::from(duplicate);
                self.reordered += u64::from(reordered);
                let (low, high) = self.range.unwrap_or((decision.packet, decision.packet));
                self.range = Some((low.min(decision.packet), high.max(decision.packet)));
            }
            Action::Dropped { reason } => {
                *match reason {
                    DropReason::Random => &mut self.dropped_random,
                    DropReason::Burst => &mut self.dropped_burst,
                    DropReason::Queue => &mut self.dropped_queue,
                    DropReason::Overflow => &mut self.dropped_overflow,
                } += 1;
            }
            Action::Corrupted { .. } => self.corrupted += 1,
            Action::Duplicated | Action::Held => {}
        }
    }

    /// Datagrams that were not handed over, for whatever reason.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped_random + self.dropped_burst + self.dropped_queue + self.dropped_overflow
    }

    /// Losses that a receiver can know of: those between the first and the last datagram that it got. Datagrams that
    /// are still under way count as lost until they are handed over.
    #[must_use]
    pub fn lost_inside(&self) -> u64 {
        self.range.map_or(0, |(low, high)| {
            high - low + 1 - (self.delivered - self.duplicates)
        })
    }
}

impl<'a> FromIterator<&'a Decision> for Summary {
    fn from_iter<I: IntoIterator<Item = &'a Decision>>(decisions: I) -> Self {
        let mut summary = Self::default();
        for decision in decisions {
            summary.add(decision);
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back() {
        let at = Duration::from_nanos(1_234_567_890_123);
        let actions = [
            Action::Delivered {
                due: at,
                duplicate: false,
                reordered: true,
            },
            Action::Dropped {
                reason: DropReason::Queue,
            },
            Action::Duplicated,
            Action::Held,
            Action::Corrupted { bit: 1371 },
        ];
        let decisions: Vec<Decision> = actions
            .into_iter()
            .map(|action| Decision {
                packet: 7,
                at,
                action,
            })
            .collect();
        let text: Vec<String> = decisions.iter().map(Decision::to_line).collect();
        assert_eq!(
            text[1],
            r#"{"packet":7,"at_ns":1234567890123,"action":"dropped","reason":"queue"}"#
        );
        assert_eq!(read_truth(&text.join("\n")).expect("own lines"), decisions);
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = read_truth("\n{\"packet\":1}\n").expect_err("no action");
        assert_eq!(error.line, 2);
        assert!(read_truth("{\"packet\":-1,\"at_ns\":0,\"action\":\"held\"}").is_err());
    }
}
