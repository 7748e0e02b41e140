//! Codecs by the names that SDP and RTP know them by.

use std::fmt;
use std::time::Duration;

use voxproof_rtp::g711::Law;

use crate::comfort_noise::{ComfortNoiseDecoder, ComfortNoiseEncoder};
use crate::error::excerpt;
use crate::opus::{OpusDecoder, OpusEncoder};
use crate::{
    CodecError, Concealed, Concealment, Decoder, DecoderOptions, Encoder, EncoderOptions, G711, G722Decoder,
    G722Encoder, L16,
};

/// Sample rate of every Opus coder here, Hz; also the RTP clock rate of Opus (RFC 7587 4.1).
const OPUS_RATE: u32 = 48_000;

/// A coding of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 mu-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus.
    Opus {
        /// Channels to code and to play, 1 or 2. The rtpmap says 2 always; what is wanted is in the format
        /// parameters (RFC 7587 7, `stereo` and `sprop-stereo`).
        channels: u8,
    },
    /// 16-bit linear samples.
    L16 {
        /// Sample rate and RTP clock rate, Hz.
        sample_rate: u32,
        /// Interleaved channels.
        channels: u8,
    },
    /// Comfort noise (RFC 3389). Its samples are taken to come at the clock rate; beside G.722, whose samples come
    /// twice as fast, ask the decoder for twice as many.
    ComfortNoise {
        /// RTP clock rate of the speech codec that it goes with, Hz (RFC 3389 4).
        clock_rate: u32,
    },
}

/// A codec as a media description names it, with the arithmetic of its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodecSpec {
    codec: Codec,
}

impl CodecSpec {
    /// PCMU/8000, payload type 0.
    pub const PCMU: Self = Self { codec: Codec::Pcmu };
    /// PCMA/8000, payload type 8.
    pub const PCMA: Self = Self { codec: Codec::Pcma };
    /// G722/8000, payload type 9.
    pub const G722: Self = Self { codec: Codec::G722 };
    /// opus/48000/2, coded and played as one channel.
    pub const OPUS: Self = Self {
        codec: Codec::Opus { channels: 1 },
    };
    /// opus/48000/2 in stereo.
    pub const OPUS_STEREO: Self = Self {
        codec: Codec::Opus { channels: 2 },
    };
    /// CN/8000, payload type 13.
    pub const COMFORT_NOISE: Self = Self {
        codec: Codec::ComfortNoise { clock_rate: 8000 },
    };

    /// The codec of an rtpmap (RFC 8866 6.6): `encoding` in any case, the RTP clock rate in Hz, and the number of
    /// channels if it was given. Opus starts as mono; see [`with_channels`](Self::with_channels).
    ///
    /// # Errors
    /// [`CodecError::UnknownEncoding`], [`CodecError::G729`], or [`CodecError::Format`] for a rate or channels
    /// that the encoding is not defined for.
    pub fn from_rtpmap(encoding: &str, clock_rate: u32, channels: Option<u8>) -> Result<Self, CodecError> {
        let is = |name: &str| encoding.eq_ignore_ascii_case(name);
        let mono = channels.unwrap_or(1);
        let checked = |name: &'static str, defined: bool, codec: Codec| {
            if defined {
                Ok(Self { codec })
            } else {
                Err(CodecError::Format {
                    encoding: name,
                    clock_rate,
                    channels: mono,
                })
            }
        };
        if is("PCMU") {
            checked("PCMU", (clock_rate, mono) == (8000, 1), Codec::Pcmu)
        } else if is("PCMA") {
            checked("PCMA", (clock_rate, mono) == (8000, 1), Codec::Pcma)
        } else if is("G722") {
            // 16000 would be the sample rate, but RFC 3551 4.5.2 fixes the clock at 8000 for compatibility
            checked("G722", (clock_rate, mono) == (8000, 1), Codec::G722)
        } else if is("opus") {
            // RFC 7587 7: the rtpmap is always opus/48000/2
            checked(
                "opus",
                clock_rate == OPUS_RATE && channels == Some(2),
                Codec::Opus { channels: 1 },
            )
        } else if is("L16") {
            let defined = (1..=192_000).contains(&clock_rate) && (1..=8).contains(&mono);
            checked(
                "L16",
                defined,
                Codec::L16 {
                    sample_rate: clock_rate,
                    channels: mono,
                },
            )
        } else if is("CN") {
            let defined = (8000..=48_000).contains(&clock_rate) && mono == 1;
            checked("CN", defined, Codec::ComfortNoise { clock_rate })
        } else if encoding
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("G729"))
        {
            Err(CodecError::G729)
        } else {
            Err(CodecError::UnknownEncoding {
                encoding: excerpt(encoding),
            })
        }
    }

    /// The codec of an rtpmap's text, such as `opus/48000/2`.
    ///
    /// # Errors
    /// [`CodecError::Rtpmap`] if the text has another form, else as [`from_rtpmap`](Self::from_rtpmap).
    pub fn parse_rtpmap(text: &str) -> Result<Self, CodecError> {
        let malformed = || CodecError::Rtpmap { text: excerpt(text) };
        let mut parts = text.trim().split('/');
        let encoding = parts
            .next()
            .filter(|name| !name.is_empty())
            .ok_or_else(malformed)?;
        let clock_rate = parts.next().and_then(decimal).ok_or_else(malformed)?;
        let channels = match parts.next() {
            None => None,
            Some(channels) => Some(
                decimal(channels)
                    .and_then(|n| u8::try_from(n).ok())
                    .ok_or_else(malformed)?,
            ),
        };
        if parts.next().is_some() {
            return Err(malformed());
        }
        Self::from_rtpmap(encoding, clock_rate, channels)
    }

    /// The codec that a payload type stands for without an rtpmap (RFC 3551 Table 4), if it is one of this crate's.
    #[must_use]
    pub const fn from_static_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::PCMU),
            8 => Some(Self::PCMA),
            9 => Some(Self::G722),
            10 => Some(Self::l16(44_100, 2)),
            11 => Some(Self::l16(44_100, 1)),
            13 => Some(Self::COMFORT_NOISE),
            _ => None,
        }
    }

    /// The payload type that needs no rtpmap, if the codec has one (RFC 3551 Table 4).
    #[must_use]
    pub const fn static_payload_type(&self) -> Option<u8> {
        match self.codec {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::L16 {
                sample_rate: 44_100,
                channels: 2,
            } => Some(10),
            Codec::L16 {
                sample_rate: 44_100,
                channels: 1,
            } => Some(11),
            Codec::ComfortNoise { clock_rate: 8000 } => Some(13),
            _ => None,
        }
    }

    const fn l16(sample_rate: u32, channels: u8) -> Self {
        Self {
            codec: Codec::L16 {
                sample_rate,
                channels,
            },
        }
    }

    /// The same with `channels` (1 or 2) to code and to play, for Opus; any other codec stays as it is.
    #[must_use]
    pub fn with_channels(self, channels: u8) -> Self {
        match self.codec {
            Codec::Opus { .. } => Self {
                codec: Codec::Opus {
                    channels: channels.clamp(1, 2),
                },
            },
            _ => self,
        }
    }

    /// The coding.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The encoding name of the rtpmap.
    #[must_use]
    pub const fn encoding(&self) -> &'static str {
        match self.codec {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus { .. } => "opus",
            Codec::L16 { .. } => "L16",
            Codec::ComfortNoise { .. } => "CN",
        }
    }

    /// The clock rate of RTP time stamps and of the rtpmap, Hz. Not the sample rate of G.722 (RFC 3551 4.5.2).
    #[must_use]
    pub const fn rtp_clock_rate(&self) -> u32 {
        match self.codec {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8000,
            Codec::Opus { .. } => OPUS_RATE,
            Codec::L16 { sample_rate, .. } => sample_rate,
            Codec::ComfortNoise { clock_rate } => clock_rate,
        }
    }

    /// The rate of the samples that go into the encoder and come out of the decoder, Hz.
    #[must_use]
    pub const fn sample_rate(&self) -> u32 {
        match self.codec {
            Codec::G722 => 16_000,
            _ => self.rtp_clock_rate(),
        }
    }

    /// Channels that are coded and played, interleaved in the samples.
    #[must_use]
    pub const fn channels(&self) -> u8 {
        match self.codec {
            Codec::Opus { channels } | Codec::L16 { channels, .. } => channels,
            _ => 1,
        }
    }

    /// Samples of one packet of `ptime`, all channels counted: the length of the slice for one
    /// [`Encoder::encode`]. A part of a sample is cut off.
    #[must_use]
    pub fn samples_per_packet(&self, ptime: Duration) -> usize {
        ticks(self.sample_rate(), ptime) as usize * usize::from(self.channels())
    }

    /// How far the RTP time stamp advances from one packet of `ptime` to the next (RFC 3550 5.1).
    #[must_use]
    pub fn timestamp_step(&self, ptime: Duration) -> u32 {
        ticks(self.rtp_clock_rate(), ptime)
    }

    /// The ticks of the RTP clock that `samples` samples (all channels counted) last.
    #[must_use]
    pub fn timestamp_step_of_samples(&self, samples: usize) -> u32 {
        let per_channel = samples as u128 / u128::from(self.channels());
        let ticks = per_channel * u128::from(self.rtp_clock_rate()) / u128::from(self.sample_rate());
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    /// A coder in its initial state.
    ///
    /// # Errors
    /// [`CodecError::Library`] or [`CodecError::Parameter`] for options that the codec does not take.
    pub fn encoder(&self, options: &EncoderOptions) -> Result<Box<dyn Encoder>, CodecError> {
        Ok(match self.codec {
            Codec::Pcmu => Box::new(G711::new(Law::Mu)),
            Codec::Pcma => Box::new(G711::new(Law::A)),
            Codec::G722 => Box::new(G722Encoder::new()),
            Codec::Opus { channels } => Box::new(OpusEncoder::new(channels, &options.opus)?),
            Codec::L16 { channels, .. } => Box::new(L16::new(channels)),
            Codec::ComfortNoise { .. } => Box::new(ComfortNoiseEncoder::new(options.comfort_noise_order)),
        })
    }

    /// A decoder in its initial state.
    ///
    /// A comfort noise decoder yields no samples when it decodes, since a CN packet does not say how long it holds;
    /// [`Decoder::conceal`] then makes as much noise as is wanted.
    ///
    /// # Errors
    /// None with the options there are; the type leaves room for them.
    pub fn decoder(&self, options: &DecoderOptions) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(match self.codec {
            Codec::Pcmu => self.concealed(G711::new(Law::Mu), options),
            Codec::Pcma => self.concealed(G711::new(Law::A), options),
            Codec::G722 => self.concealed(G722Decoder::new(options.g722_mode), options),
            Codec::L16 { channels, .. } => self.concealed(L16::new(channels), options),
            Codec::Opus { channels } => Box::new(OpusDecoder::new(channels, options.concealment)?),
            Codec::ComfortNoise { .. } => Box::new(ComfortNoiseDecoder::new(options.seed)),
        })
    }

    fn concealed(&self, decoder: impl Decoder + 'static, options: &DecoderOptions) -> Box<dyn Decoder> {
        match options.concealment {
            Concealment::Silence => Box::new(decoder),
            Concealment::Repeat => Box::new(Concealed::new(decoder, self.sample_rate(), self.channels())),
        }
    }
}

/// The value of an rtpmap: `PCMU/8000`, `opus/48000/2`. One channel is not written (RFC 8866 6.6).
impl fmt::Display for CodecSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.encoding(), self.rtp_clock_rate())?;
        match self.codec {
            Codec::Opus { .. } => f.write_str("/2"),
            Codec::L16 { channels, .. } if channels > 1 => write!(f, "/{channels}"),
            _ => Ok(()),
        }
    }
}

/// Digits only: `parse` alone would also take a sign.
fn decimal(text: &str) -> Option<u32> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn ticks(rate: u32, duration: Duration) -> u32 {
    let ticks = u128::from(rate) * duration.as_nanos() / 1_000_000_000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS_20: Duration = Duration::from_millis(20);

    #[test]
    fn the_clock_of_rtp_is_not_the_rate_of_the_samples() {
        // spec, sample rate, samples, time stamp step at 20 ms
        for (spec, rate, samples, step) in [
            (CodecSpec::PCMU, 8000, 160, 160),
            (CodecSpec::PCMA, 8000, 160, 160),
            (CodecSpec::G722, 16_000, 320, 160),
            (CodecSpec::OPUS, 48_000, 960, 960),
            (CodecSpec::OPUS_STEREO, 48_000, 1920, 960),
            (CodecSpec::l16(44_100, 2), 44_100, 1764, 882),
        ] {
            assert_eq!(spec.sample_rate(), rate, "{spec}");
            assert_eq!(spec.samples_per_packet(MS_20), samples, "{spec}");
            assert_eq!(spec.timestamp_step(MS_20), step, "{spec}");
            assert_eq!(spec.timestamp_step_of_samples(samples), step, "{spec}");
        }
    }

    #[test]
    fn an_rtpmap_goes_there_and_back() {
        for text in [
            "PCMU/8000",
            "PCMA/8000",
            "G722/8000",
            "opus/48000/2",
            "L16/44100/2",
            "L16/16000",
            "CN/8000",
            "CN/16000",
        ] {
            assert_eq!(CodecSpec::parse_rtpmap(text).expect(text).to_string(), text);
        }
        assert_eq!(CodecSpec::parse_rtpmap("pcmu/8000/1"), Ok(CodecSpec::PCMU));
        assert_eq!(CodecSpec::parse_rtpmap("OPUS/48000/2"), Ok(CodecSpec::OPUS));
    }

    #[test]
    fn what_the_registrations_do_not_allow_is_refused() {
        for text in [
            "G722/16000",
            "opus/48000",
            "opus/48000/1",
            "opus/16000/2",
            "PCMU/16000",
            "CN/0",
            "L16/0",
            "L16/8000/9",
        ] {
            assert!(
                matches!(CodecSpec::parse_rtpmap(text), Err(CodecError::Format { .. })),
                "{text}"
            );
        }
        for text in [
            "",
            "PCMU",
            "PCMU/",
            "PCMU/+8000",
            "PCMU/8000/1/1",
            "/8000",
            "PCMU/99999999999",
            "L16/8000/256",
        ] {
            assert!(
                matches!(CodecSpec::parse_rtpmap(text), Err(CodecError::Rtpmap { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            CodecSpec::parse_rtpmap("GSM/8000"),
            Err(CodecError::UnknownEncoding { .. })
        ));
    }

    #[test]
    fn g729_is_refused_with_the_reason() {
        for text in ["G729/8000", "g729/8000/1", "G729E/8000"] {
            let refusal = CodecSpec::parse_rtpmap(text).expect_err(text);
            assert_eq!(refusal, CodecError::G729);
            assert!(refusal.to_string().contains("GPL"));
        }
    }

    #[test]
    fn static_payload_types_are_those_of_the_table() {
        for payload_type in 0..=127 {
            let spec = CodecSpec::from_static_payload_type(payload_type);
            assert_eq!(
                spec.is_some(),
                [0, 8, 9, 10, 11, 13].contains(&payload_type),
                "{payload_type}"
            );
            if let Some(spec) = spec {
                assert_eq!(spec.static_payload_type(), Some(payload_type));
                assert_eq!(CodecSpec::parse_rtpmap(&spec.to_string()), Ok(spec));
            }
        }
        assert_eq!(CodecSpec::OPUS.static_payload_type(), None);
    }

    #[test]
    fn durations_beyond_reason_saturate() {
        assert_eq!(CodecSpec::PCMU.timestamp_step(Duration::MAX), u32::MAX);
        assert_eq!(CodecSpec::PCMU.timestamp_step(Duration::ZERO), 0);
        assert_eq!(CodecSpec::PCMU.timestamp_step_of_samples(usize::MAX), u32::MAX);
    }
}
