//! Codes without a header.

use std::fmt;
use std::io::{Read, Seek};
use std::str::FromStr;

use voxproof_codec::{CodecSpec, Decoder, DecoderOptions};

use super::Source;
use super::wave::{Linear, read_fully};
use crate::format::{Coding, Note, NoteKind, check};
use crate::{Container, ReadError, SoundFormat};

/// A coding that a file without a header can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawCoding {
    /// G.711 A-law.
    Pcma,
    /// G.711 mu-law.
    Pcmu,
    /// G.722 at 64 kbit/s.
    G722,
    /// 16-bit linear samples, little-endian.
    S16le,
}

impl RawCoding {
    /// Every coding.
    pub const ALL: [Self; 4] = [Self::Pcma, Self::Pcmu, Self::G722, Self::S16le];

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcma => "pcma",
            Self::Pcmu => "pcmu",
            Self::G722 => "g722",
            Self::S16le => "s16le",
        }
    }
}

impl fmt::Display for RawCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no raw coding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no raw coding; use pcma, pcmu, g722 or s16le")]
pub struct UnknownRawCoding(pub String);

impl FromStr for RawCoding {
    type Err = UnknownRawCoding;

    fn from_str(text: &str) -> Result<Self, UnknownRawCoding> {
        match text.to_ascii_lowercase().as_str() {
            "alaw" | "al" | "g711a" => return Ok(Self::Pcma),
            "ulaw" | "mulaw" | "ul" | "g711u" => return Ok(Self::Pcmu),
            _ => {}
        }
        Self::ALL
            .into_iter()
            .find(|coding| coding.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownRawCoding(text.to_owned()))
    }
}

/// What a file without a header holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFormat {
    /// The coding.
    pub coding: RawCoding,
    /// Frames a second, Hz. G.711 is 8000 unless somebody says otherwise, G.722 is always 16 000.
    pub sample_rate_hz: u32,
    /// Channels, interleaved sample by sample; 1 for G.722.
    pub channels: u16,
}

impl RawFormat {
    /// One channel at the coding's own rate; 8000 Hz for linear samples.
    #[must_use]
    pub const fn of_coding(coding: RawCoding) -> Self {
        Self {
            coding,
            sample_rate_hz: match coding {
                RawCoding::G722 => 16_000,
                _ => 8000,
            },
            channels: 1,
        }
    }

    /// The form that an ending stands for: `al`, `pcma`, `ul`, `pcmu`, `g722`. `raw` says nothing.
    #[must_use]
    pub fn of_ending(ending: &str) -> Option<Self> {
        let coding = match ending.to_ascii_lowercase().as_str() {
            "al" | "pcma" | "alaw" => RawCoding::Pcma,
            "ul" | "pcmu" | "ulaw" => RawCoding::Pcmu,
            "g722" => RawCoding::G722,
            _ => return None,
        };
        Some(Self::of_coding(coding))
    }
}

pub(super) fn open<'a, R: Read + Seek + 'a>(
    input: R,
    size: u64,
    raw: RawFormat,
) -> Result<(SoundFormat, Box<dyn Source + 'a>), ReadError> {
    let channels = check(raw.sample_rate_hz, raw.channels.into())?;
    let coding = match raw.coding {
        RawCoding::Pcma => Coding::Pcma,
        RawCoding::Pcmu => Coding::Pcmu,
        RawCoding::S16le => Coding::Pcm16,
        RawCoding::G722 => {
            if (channels, raw.sample_rate_hz) != (1, 16_000) {
                return Err(ReadError::unusable("G.722 has one channel at 16000 Hz"));
            }
            let decoder = CodecSpec::G722
                .decoder(&DecoderOptions::default())
                .map_err(|error| ReadError::damaged(error.to_string()))?;
            let format = SoundFormat {
                container: Container::Raw,
                coding: Coding::G722,
                bits: None,
                sample_rate_hz: 16_000,
                channels: 1,
                // an octet is two samples
                frames: Some(size.saturating_mul(2)),
            };
            let source = G722 {
                input,
                decoder,
                octets: Vec::new(),
                samples: Vec::new(),
            };
            return Ok((format, Box::new(source)));
        }
    };
    let linear = Linear::new(input, coding, channels, size, None);
    let format = SoundFormat {
        container: Container::Raw,
        coding,
        bits: (coding == Coding::Pcm16).then_some(16),
        sample_rate_hz: raw.sample_rate_hz,
        channels,
        frames: Some(size / linear.frame_octets() as u64),
    };
    let rest = size % linear.frame_octets() as u64;
    Ok((format, Box::new(Whole { linear, rest })))
}

/// Linear samples or G.711 to the end of the file.
struct Whole<R> {
    linear: Linear<R>,
    rest: u64,
}

impl<R: Read> Source for Whole<R> {
    fn read(&mut self, frames: usize, out: &mut Vec<f32>, notes: &mut Vec<Note>) -> Result<(), ReadError> {
        let rest = std::mem::take(&mut self.rest);
        if rest > 0 {
            notes.push(Note::new(
                NoteKind::Suspicious,
                format!("{rest} octets are left after the last whole frame: is it this coding, with this many channels?"),
            ));
        }
        self.linear.read(frames, out, notes)
    }
}

struct G722<R> {
    input: R,
    decoder: Box<dyn Decoder>,
    octets: Vec<u8>,
    samples: Vec<i16>,
}

impl<R: Read> Source for G722<R> {
    fn read(&mut self, frames: usize, out: &mut Vec<f32>, _: &mut Vec<Note>) -> Result<(), ReadError> {
        self.octets.resize(frames.div_ceil(2), 0);
        let got = read_fully(&mut self.input, &mut self.octets)?;
        let octets = self.octets.get(..got).unwrap_or_default();
        if octets.is_empty() {
            return Ok(());
        }
        self.samples.clear();
        self.decoder
            .decode(octets, &mut self.samples)
            .map_err(|error| ReadError::damaged(error.to_string()))?;
        out.extend(self.samples.iter().map(|sample| f32::from(*sample) / 32768.0));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_have_words() {
        for coding in RawCoding::ALL {
            assert_eq!(coding.to_string().parse(), Ok(coding));
        }
        assert_eq!("alaw".parse(), Ok(RawCoding::Pcma));
        assert!("mp3".parse::<RawCoding>().is_err());
        assert_eq!(
            RawFormat::of_ending("UL").map(|raw| raw.coding),
            Some(RawCoding::Pcmu)
        );
        assert_eq!(RawFormat::of_ending("raw"), None);
    }
}
