//! What a sound file is.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ReadError;

/// Highest sample rate that is read, Hz.
const HIGHEST_RATE: u32 = 768_000;
/// Most channels that are read.
const MOST_CHANNELS: u32 = 64;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// RIFF/WAVE, RF64 or BW64.
    Wav,
    /// Native FLAC (RFC 9639).
    Flac,
    /// Opus in Ogg (RFC 7845).
    OggOpus,
    /// Codes without any header.
    Raw,
}

impl Container {
    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wav => "WAV",
            Self::Flac => "FLAC",
            Self::OggOpus => "Ogg Opus",
            Self::Raw => "raw",
        }
    }
}

/// How one sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Coding {
    /// Linear, unsigned, 8 bits.
    Pcm8,
    /// Linear, signed, 16 bits.
    Pcm16,
    /// Linear, signed, 24 bits.
    Pcm24,
    /// Linear, signed, 32 bits.
    Pcm32,
    /// IEEE 754 binary32, full scale 1.0.
    Float32,
    /// IEEE 754 binary64, full scale 1.0.
    Float64,
    /// G.711 A-law.
    Pcma,
    /// G.711 mu-law.
    Pcmu,
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus.
    Opus,
    /// FLAC.
    Flac,
}

impl Coding {
    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcm8 => "8 bit",
            Self::Pcm16 => "16 bit",
            Self::Pcm24 => "24 bit",
            Self::Pcm32 => "32 bit",
            Self::Float32 => "32 bit float",
            Self::Float64 => "64 bit float",
            Self::Pcma => "A-law",
            Self::Pcmu => "mu-law",
            Self::G722 => "G.722",
            Self::Opus => "Opus",
            Self::Flac => "FLAC",
        }
    }

    /// Octets of a sample where that is a fixed number.
    pub(crate) const fn octets(self) -> Option<usize> {
        match self {
            Self::Pcm8 | Self::Pcma | Self::Pcmu => Some(1),
            Self::Pcm16 => Some(2),
            Self::Pcm24 => Some(3),
            Self::Pcm32 | Self::Float32 => Some(4),
            Self::Float64 => Some(8),
            Self::G722 | Self::Opus | Self::Flac => None,
        }
    }
}

/// What a sound file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SoundFormat {
    /// The form of the file.
    pub container: Container,
    /// How a sample is written.
    pub coding: Coding,
    /// Bits of a sample where it is linear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u16>,
    /// Frames a second, Hz.
    pub sample_rate_hz: u32,
    /// Samples of a frame.
    pub channels: u16,
    /// Frames in the file, where that is known before reading it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
}

/// Refuses what no sound has.
pub(crate) fn check(sample_rate: u32, channels: u32) -> Result<u16, ReadError> {
    if channels == 0 {
        return Err(ReadError::unusable("has no channels"));
    }
    if channels > MOST_CHANNELS {
        return Err(ReadError::unusable(format!(
            "has {channels} channels; at most {MOST_CHANNELS} are read"
        )));
    }
    if sample_rate == 0 {
        return Err(ReadError::unusable("has a sample rate of zero"));
    }
    if sample_rate > HIGHEST_RATE {
        return Err(ReadError::unusable(format!(
            "has a sample rate of {sample_rate} Hz; at most {HIGHEST_RATE} Hz are read"
        )));
    }
    Ok(channels as u16)
}

/// Something about a file that its reader must know to trust the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// Which kind.
    pub kind: NoteKind,
    /// In words.
    pub text: String,
}

/// Kinds of [`Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// The file ends before its header says; the figures are of the part that is there.
    Truncated,
    /// The header does not say how long the sound is, as in a stream; everything to the end of the file is taken.
    LengthUnknown,
    /// The name of the file promises another form than the contents have; the contents count.
    NameDiffers,
    /// The contents look as if they were read in the wrong coding, scale, rate or order.
    Suspicious,
    /// Something was done to the sound before it was measured.
    Converted,
}

impl Note {
    pub(crate) fn new(kind: NoteKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }
}
