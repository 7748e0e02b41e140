//! Opus in Ogg (RFC 7845).

use std::io::{ErrorKind, Read, Seek};

use ogg::PacketReader;
use voxproof_codec::{CodecSpec, Decoder, DecoderOptions};

use super::Source;
use crate::format::{Coding, Note, NoteKind, check};
use crate::{Container, ReadError, SoundFormat};

/// Opus in Ogg counts time at this rate, and is decoded at it, whatever went into the encoder (RFC 7845 4).
const RATE: u32 = 48_000;
/// Longest packet of two streams that makes sense, octets (RFC 7845 6).
const LARGEST_PACKET: usize = 61_440;

pub(super) fn open<'a, R: Read + Seek + 'a>(
    input: R,
) -> Result<(SoundFormat, Box<dyn Source + 'a>), ReadError> {
    let mut packets = PacketReader::new(input);
    let first = packets
        .read_packet()
        .map_err(ogg_error)?
        .ok_or_else(|| ReadError::damaged("it holds no packet"))?;
    let head = Head::parse(&first.data)?;
    let serial = first.stream_serial();
    let channels = check(RATE, head.channels.into())?;
    let decoder = CodecSpec::OPUS
        .with_channels(head.channels)
        .decoder(&DecoderOptions::default())
        .map_err(|error| ReadError::damaged(error.to_string()))?;
    let format = SoundFormat {
        container: Container::OggOpus,
        coding: Coding::Opus,
        bits: None,
        sample_rate_hz: RATE,
        channels,
        frames: None,
    };
    let source = OggOpus {
        packets,
        decoder,
        serial,
        channels: channels.into(),
        skip: head.pre_skip.into(),
        pre_skip: head.pre_skip.into(),
        // RFC 7845 5.1: Q7.8 in dB
        gain: 10f32.powf(f32::from(head.output_gain) / 256.0 / 20.0),
        tags_seen: false,
        decoded: 0,
        ended: false,
        samples: Vec::new(),
    };
    Ok((format, Box::new(source)))
}

/// The identification header (RFC 7845 5.1).
struct Head {
    channels: u8,
    pre_skip: u16,
    output_gain: i16,
}

impl Head {
    fn parse(data: &[u8]) -> Result<Self, ReadError> {
        if data.starts_with(b"\x01vorbis") {
            return Err(ReadError::Coding {
                coding: "Vorbis".to_owned(),
            });
        }
        if data.starts_with(b"\x7fFLAC") {
            return Err(ReadError::Coding {
                coding: "FLAC in Ogg".to_owned(),
            });
        }
        if data.starts_with(b"Speex   ") {
            return Err(ReadError::Coding {
                coding: "Speex".to_owned(),
            });
        }
        let Some(rest) = data.strip_prefix(b"OpusHead") else {
            return Err(ReadError::Coding {
                coding: "something in Ogg that is not Opus".to_owned(),
            });
        };
        let [version, channels, p0, p1, _, _, _, _, g0, g1, family, ..] = rest else {
            return Err(ReadError::damaged("its Opus header is cut off"));
        };
        if version >> 4 != 0 {
            return Err(ReadError::unusable(format!(
                "has an Opus header of version {version}"
            )));
        }
        if *family != 0 {
            return Err(ReadError::unusable(format!(
                "has {channels} Opus channels of mapping family {family}; mono and stereo are read"
            )));
        }
        if !(1..=2).contains(channels) {
            return Err(ReadError::unusable(if *channels == 0 {
                "has no channels"
            } else {
                "has more channels than its mapping allows"
            }));
        }
        Ok(Self {
            channels: *channels,
            pre_skip: u16::from_le_bytes([*p0, *p1]),
            output_gain: i16::from_le_bytes([*g0, *g1]),
        })
    }
}

struct OggOpus<R: Read + Seek> {
    packets: PacketReader<R>,
    decoder: Box<dyn Decoder>,
    serial: u32,
    channels: usize,
    /// Frames to leave out at the beginning, still.
    skip: usize,
    pre_skip: u64,
    gain: f32,
    tags_seen: bool,
    /// Frames decoded, those left out included.
    decoded: u64,
    ended: bool,
    samples: Vec<i16>,
}

impl<R: Read + Seek> Source for OggOpus<R> {
    fn read(&mut self, frames: usize, out: &mut Vec<f32>, notes: &mut Vec<Note>) -> Result<(), ReadError> {
        while out.len() < frames * self.channels && !self.ended {
            let packet = match self.packets.read_packet() {
                Ok(packet) => packet,
                Err(ogg::OggReadError::ReadError(error)) if error.kind() == ErrorKind::UnexpectedEof => None,
                Err(error) => return Err(ogg_error(error)),
            };
            let Some(packet) = packet else {
                self.ended = true;
                notes.push(Note::new(
                    NoteKind::Truncated,
                    "the last page of the Opus stream is missing; the figures are of what is there",
                ));
                break;
            };
            if packet.stream_serial() != self.serial {
                continue;
            }
            if !self.tags_seen {
                if !packet.data.starts_with(b"OpusTags") {
                    return Err(ReadError::damaged("its second packet is no Opus comment header"));
                }
                self.tags_seen = true;
                continue;
            }
            if packet.data.len() > LARGEST_PACKET {
                return Err(ReadError::damaged("a packet is larger than Opus packets are"));
            }
            self.samples.clear();
            self.decoder
                .decode(&packet.data, &mut self.samples)
                .map_err(|error| {
                    ReadError::damaged(format!("at {} s: {error}", self.decoded as f64 / f64::from(RATE)))
                })?;
            let mut end = self.samples.len() / self.channels;
            self.decoded += end as u64;
            if packet.last_in_stream() {
                self.ended = true;
                // RFC 7845 4.4: the position of the last page counts the frames that are to be played, pre-skip included
                let position = packet.absgp_page().max(self.pre_skip);
                let beyond = self.decoded.saturating_sub(position);
                end -= usize::try_from(beyond).unwrap_or(end).min(end);
            }
            let start = self.skip.min(end);
            self.skip -= start;
            let kept = self
                .samples
                .get(start * self.channels..end * self.channels)
                .unwrap_or_default();
            let scale = self.gain / 32768.0;
            out.extend(kept.iter().map(|sample| f32::from(*sample) * scale));
        }
        Ok(())
    }
}

fn ogg_error(error: ogg::OggReadError) -> ReadError {
    match error {
        ogg::OggReadError::ReadError(error) if error.kind() != ErrorKind::UnexpectedEof => {
            ReadError::Io(error)
        }
        ogg::OggReadError::ReadError(_) => ReadError::damaged("it ends within an Ogg page"),
        other => ReadError::damaged(other.to_string()),
    }
}
