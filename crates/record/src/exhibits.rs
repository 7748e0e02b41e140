//! Pictures of the evidence, as data: drawn by the report, never judged on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the report draws for a case. Derived from the evidence by the judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exhibits {
    /// SIP messages in order.
    pub ladder: Vec<LadderRow>,
    /// Audio of each stream.
    pub levels: Vec<LevelPlot>,
}

/// One row of the ladder diagram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LadderRow {
    /// Packet number in the capture, from 1; absent for a note between messages (RTP, DTMF, device actions).
    pub packet: Option<u32>,
    /// Milliseconds since the case began.
    pub at_ms: f64,
    /// True when the device sent it.
    pub from_device: bool,
    /// The lab's end of the message.
    pub actor: String,
    /// One line: `INVITE`, `200 OK (INVITE) sendonly`.
    pub label: String,
    /// Kind: `sip`, `rtp`, `rtcp`, `connection`, `action`.
    pub kind: String,
    /// The whole message as text, for SIP.
    pub detail: String,
    /// A mark that names this message.
    pub mark: Option<String>,
    /// A copy of an earlier message.
    pub retransmission: bool,
    /// What the lab did with the message on its way, as a bad network would: `dropped`, `held`, `doubled`.
    #[serde(default)]
    pub intercepted: Option<String>,
}

/// Waveform envelope and level of a stream over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LevelPlot {
    /// `device -> peer_a`, or the name of a recording.
    pub stream: String,
    /// Seconds of the first sample after the case's start.
    pub start_s: f64,
    /// Length in seconds.
    pub duration_s: f64,
    /// Smallest and largest sample a column, full scale 1.
    pub envelope: Vec<(f32, f32)>,
    /// Level in dBov a column, floor -100.
    pub level_dbov: Vec<f32>,
    /// Evidence object with the sound.
    pub wav: Option<String>,
}
