//! What is measured, in which unit, on which stream.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Located;

/// A measurement asked of the evidence and the limit it is held against.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The quantity.
    pub quantity: Quantity,
    /// The stream it is taken on, `"device -> peer_a"`.
    pub stream: Located<String>,
    /// The marked interval it is taken over; without it the whole call.
    #[serde(default)]
    pub during: Option<Located<String>>,
    /// The limit, by its id in the suite's `limits/`.
    pub limit: Located<String>,
}

/// A measured quantity; each has one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Active speech level by ITU-T P.56 method B, in dBm0 of the codec's plane.
    ActiveSpeechLevel,
    /// Share of active speech blocks that arrive with their waveform intact, in percent.
    SpeechIntact,
    /// Median signal-to-noise ratio of the aligned speech blocks after gain correction, in dB.
    SpeechSnr,
    /// Delay from sending a sample to hearing it back, in ms.
    RoundTripDelay,
    /// From the acknowledged answer to the first RTP packet, in ms.
    MediaStartDelay,
    /// From the peer's BYE or hold answer to the last RTP packet, in ms.
    MediaStopDelay,
    /// RTP packets missing by sequence number, in percent.
    PacketLoss,
    /// Interarrival jitter by RFC 3550 A.8, in ms.
    Jitter,
    /// Mean of the distances between packets, in ms.
    PacketInterval,
    /// Number of jumps of the delay inside active speech.
    DelaySlips,
    /// Gain from the speech that went in to the speech that came out, both relative to full scale, in dB.
    SpeechGain,
    /// Listening quality as ViSQOL v3.3 in its mode for speech predicts it (MOS-LQO, ITU-T P.800.1).
    MosLqo,
    /// Psophometrically weighted noise (ITU-T O.41) while the speech that went in pauses, in dBm0p of the codec's plane.
    PauseNoise,
    /// Stretches in speech that are muted, or played twice, for 5 ms and more.
    SpeechGlitches,
    /// Drift of the device's RTP clock against the lab's, in ppm; positive when it is fast.
    ClockSkew,
    /// Longest beginning of a stretch of speech that is cut off, in ms.
    FrontEndClipping,
    /// How far the loudest 10 ms that came out are above the loudest 10 ms that went in, the gain taken off, in dB.
    PeakExcess,
    /// How much longer the delay of the last sentence is than that of the first one, in ms.
    DelayGrowth,
}

impl Quantity {
    /// Unit symbol.
    pub fn unit(self) -> &'static str {
        match self {
            Self::ActiveSpeechLevel => "dBm0",
            Self::SpeechIntact | Self::PacketLoss => "%",
            Self::SpeechSnr | Self::SpeechGain | Self::PeakExcess => "dB",
            Self::MosLqo => "MOS-LQO",
            Self::PauseNoise => "dBm0p",
            Self::ClockSkew => "ppm",
            Self::RoundTripDelay
            | Self::MediaStartDelay
            | Self::MediaStopDelay
            | Self::Jitter
            | Self::PacketInterval
            | Self::FrontEndClipping
            | Self::DelayGrowth => "ms",
            Self::DelaySlips | Self::SpeechGlitches => "1",
        }
    }

    /// Name in files and machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::ActiveSpeechLevel => "active_speech_level",
            Self::SpeechIntact => "speech_intact",
            Self::SpeechSnr => "speech_snr",
            Self::RoundTripDelay => "round_trip_delay",
            Self::MediaStartDelay => "media_start_delay",
            Self::MediaStopDelay => "media_stop_delay",
            Self::PacketLoss => "packet_loss",
            Self::Jitter => "jitter",
            Self::PacketInterval => "packet_interval",
            Self::DelaySlips => "delay_slips",
            Self::SpeechGain => "speech_gain",
            Self::MosLqo => "mos_lqo",
            Self::PauseNoise => "pause_noise",
            Self::SpeechGlitches => "speech_glitches",
            Self::ClockSkew => "clock_skew",
            Self::FrontEndClipping => "front_end_clipping",
            Self::PeakExcess => "peak_excess",
            Self::DelayGrowth => "delay_growth",
        }
    }
}

/// Which way audio goes between the device and a peer of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRef {
    /// The lab's actor.
    pub peer: String,
    /// True for what the device sends.
    pub from_device: bool,
}

impl FromStr for StreamRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem =
            || format!("`{text}` is not a stream; write \"device -> peer_a\" or \"peer_a -> device\"");
        let (from, to) = text.split_once("->").ok_or_else(problem)?;
        match (from.trim(), to.trim()) {
            ("device", peer) if !peer.is_empty() && peer != "device" => Ok(Self {
                peer: peer.to_owned(),
                from_device: true,
            }),
            (peer, "device") if !peer.is_empty() => Ok(Self {
                peer: peer.to_owned(),
                from_device: false,
            }),
            _ => Err(problem()),
        }
    }
}

impl fmt::Display for StreamRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from_device {
            write!(f, "device -> {}", self.peer)
        } else {
            write!(f, "{} -> device", self.peer)
        }
    }
}
