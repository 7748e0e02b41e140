//! What peers send beside speech, and what the network does to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Located, Span};

/// A peer sends digits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DtmfStep {
    /// The actor.
    pub from: Located<String>,
    /// Digits `0-9`, `*`, `#`, `A-D`.
    pub digits: String,
    /// How.
    #[serde(default)]
    pub by: DtmfMethod,
    /// Length of a digit (default 100 ms).
    #[serde(default)]
    pub duration: Option<Span>,
    /// Pause between digits (default 100 ms).
    #[serde(default)]
    pub pause: Option<Span>,
    /// Mark of the interval.
    #[serde(default)]
    pub mark: Option<Located<String>>,
}

/// How digits are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DtmfMethod {
    /// Telephone-events (RFC 4733).
    #[default]
    TelephoneEvent,
    /// Tones in the speech (ITU-T Q.23).
    InBand,
    /// INFO requests with `application/dtmf-relay`.
    Info,
}

/// A peer sends the device's packets back to it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EchoStep {
    /// The actor.
    pub at: Located<String>,
    /// On or off.
    pub on: bool,
}

/// Which media an impairment meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImpairedWay {
    /// What the device hears.
    #[default]
    ToDevice,
    /// What the device says, before the peer has it (its echo, or the other end of a bridge).
    FromDevice,
    /// Both.
    Both,
}

/// A bad network on a peer's media, from now on; the decisions for each packet are evidence.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImpairStep {
    /// The actor.
    pub at: Located<String>,
    /// Which way.
    #[serde(default)]
    pub way: ImpairedWay,
    /// A named profile; the further fields override it. `"none"` ends the impairment.
    #[serde(default)]
    pub profile: Option<String>,
    /// Delay of every packet.
    #[serde(default)]
    pub delay: Option<Span>,
    /// Variation of the delay, standard deviation.
    #[serde(default)]
    pub jitter: Option<Span>,
    /// Keeps packets in order in spite of the jitter.
    #[serde(default)]
    pub keep_order: bool,
    /// Random loss, percent.
    #[serde(default)]
    pub loss_percent: Option<f64>,
    /// Mean length of a burst of losses, packets; makes the loss bursty (Gilbert-Elliott).
    #[serde(default)]
    pub burst: Option<f64>,
    /// Duplicated packets, percent.
    #[serde(default)]
    pub duplicate_percent: Option<f64>,
    /// Reordered packets, percent.
    #[serde(default)]
    pub reorder_percent: Option<f64>,
    /// Bandwidth, kbit/s.
    #[serde(default)]
    pub rate_kbps: Option<u32>,
    /// Seed of the decisions (default: from the case).
    #[serde(default)]
    pub seed: Option<u64>,
}
