//! RIFF/WAVE and its 64-bit forms, and linear samples as such.
//!
//! Chunks are walked here and not by a library, because what is wrong with a header is a finding of its own: sizes that
//! promise more than there is, sizes that say nothing because a stream was written, codings that are not PCM.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use voxproof_rtp::g711::{Law, decode};

use super::Source;
use super::identify::WaveForm;
use crate::format::{Coding, Note, NoteKind, check};
use crate::{Container, ReadError, SoundFormat};

/// Chunks before the samples that are looked at.
const MOST_CHUNKS: usize = 1000;
/// Largest `fmt` chunk that makes sense, octets; the extensible one has 40.
const LARGEST_FMT: u64 = 4096;
/// Last 14 octets of the sub-format of WAVE_FORMAT_EXTENSIBLE; the first two are the format tag.
const SUBFORMAT_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// Reads until the buffer is full or the input ends; how many octets there were.
pub(super) fn read_fully<R: Read>(input: &mut R, buffer: &mut [u8]) -> Result<usize, ReadError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

/// Samples of a fixed size, one after the other.
pub(super) struct Linear<R> {
    input: R,
    coding: Coding,
    frame_octets: usize,
    /// Octets of sound that are still to come.
    remaining: u64,
    table: Vec<f32>,
    octets: Vec<u8>,
    /// Said once at the end.
    truncated: Option<Note>,
}

impl<R> Linear<R> {
    pub(super) fn new(input: R, coding: Coding, channels: u16, octets: u64, truncated: Option<Note>) -> Self {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let table = match coding {
            Coding::Pcma => decode(Law::A, &all),
            Coding::Pcmu => decode(Law::Mu, &all),
            _ => Vec::new(),
        };
        Self {
            input,
            coding,
            frame_octets: coding.octets().unwrap_or(1) * usize::from(channels),
            remaining: octets,
            table: table
                .into_iter()
                .map(|sample| f32::from(sample) / 32768.0)
                .collect(),
            octets: Vec::new(),
            truncated,
        }
    }

    pub(super) fn frame_octets(&self) -> usize {
        self.frame_octets
    }
}

impl<R: Read> Source for Linear<R> {
    fn read(&mut self, frames: usize, out: &mut Vec<f32>, notes: &mut Vec<Note>) -> Result<(), ReadError> {
        notes.extend(self.truncated.take());
        let wanted = self.remaining.min((frames * self.frame_octets) as u64) as usize;
        self.octets.resize(wanted, 0);
        let got = read_fully(&mut self.input, &mut self.octets)?;
        if got < wanted {
            // the file became shorter while it was read
            self.remaining = 0;
            notes.push(Note::new(
                NoteKind::Truncated,
                "the file became shorter while it was read; the figures are of the part that was there",
            ));
        } else {
            self.remaining -= got as u64;
        }
        let whole = got - got % self.frame_octets;
        let octets = self.octets.get(..whole).unwrap_or_default();
        match self.coding {
            Coding::Pcm8 => out.extend(octets.iter().map(|octet| (f32::from(*octet) - 128.0) / 128.0)),
            Coding::Pcm16 => out.extend(
                octets
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|octets| f32::from(i16::from_le_bytes(*octets)) * (1.0 / 32_768.0)),
            ),
            Coding::Pcm24 => out.extend(octets.as_chunks::<3>().0.iter().map(|[low, middle, high]| {
                // into the upper three octets, so that the sign is where it belongs
                i32::from_le_bytes([0, *low, *middle, *high]) as f32 * (1.0 / 2_147_483_648.0)
            })),
            Coding::Pcm32 => out.extend(
                octets
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|octets| i32::from_le_bytes(*octets) as f32 * (1.0 / 2_147_483_648.0)),
            ),
            Coding::Float32 => {
                out.extend(
                    octets
                        .as_chunks::<4>()
                        .0
                        .iter()
                        .map(|octets| f32::from_le_bytes(*octets)),
                );
            }
            Coding::Float64 => out.extend(
                octets
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .map(|octets| f64::from_le_bytes(*octets) as f32),
            ),
            _ => out.extend(
                octets
                    .iter()
                    .map(|octet| self.table.get(usize::from(*octet)).copied().unwrap_or(0.0)),
            ),
        }
        Ok(())
    }
}

/// What a `fmt` chunk says.
struct Fmt {
    coding: Coding,
    channels: u16,
    sample_rate: u32,
}

pub(super) fn open<'a, R: Read + Seek + 'a>(
    mut input: R,
    size: u64,
    form: WaveForm,
    notes: &mut Vec<Note>,
) -> Result<(SoundFormat, Box<dyn Source + 'a>), ReadError> {
    let mut at = 12;
    let mut fmt = None;
    let mut wide_data = None;
    for _ in 0..MOST_CHUNKS {
        input.seek(SeekFrom::Start(at))?;
        let mut header = [0; 8];
        if read_fully(&mut input, &mut header)? < header.len() {
            return Err(ReadError::damaged(if fmt.is_none() {
                "it ends before its `fmt` chunk"
            } else {
                "it has no `data` chunk"
            }));
        }
        let [i0, i1, i2, i3, s0, s1, s2, s3] = header;
        let length = u32::from_le_bytes([s0, s1, s2, s3]);
        at += 8;
        match &[i0, i1, i2, i3] {
            b"fmt " => fmt = Some(read_fmt(&mut input, length.into())?),
            b"ds64" if form == WaveForm::Wide => wide_data = read_ds64(&mut input)?,
            b"data" => {
                let fmt = fmt.ok_or_else(|| ReadError::damaged("its samples come before its `fmt` chunk"))?;
                let available = size.saturating_sub(at);
                let empty = length == 0 && chunk_follows(&mut input, available)?;
                input.seek(SeekFrom::Start(at))?;
                let promised = if empty {
                    Some(0)
                } else {
                    promised(length, form, wide_data, available)
                };
                return Ok(sound(input, &fmt, promised, available, notes));
            }
            _ => {}
        }
        // chunks begin at even offsets
        at += u64::from(length) + u64::from(length % 2);
        if at > size {
            return Err(ReadError::damaged(format!(
                "a chunk of {length} octets goes beyond its end, before any samples"
            )));
        }
    }
    Err(ReadError::damaged(format!(
        "no samples within {MOST_CHUNKS} chunks"
    )))
}

/// Whether another chunk, and no sound, comes next: a length of zero is then meant.
fn chunk_follows<R: Read>(input: &mut R, available: u64) -> Result<bool, ReadError> {
    let mut header = [0; 8];
    if read_fully(input, &mut header)? < header.len() {
        return Ok(false);
    }
    let [i0, i1, i2, i3, s0, s1, s2, s3] = header;
    let name = [i0, i1, i2, i3];
    let length = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
    Ok(name
        .iter()
        .all(|octet| octet.is_ascii_alphanumeric() || *octet == b' ')
        && length <= available.saturating_sub(8))
}

/// Octets of samples that the header promises; `None` when it does not say, as a writer to a pipe leaves it.
fn promised(length: u32, form: WaveForm, wide: Option<u64>, available: u64) -> Option<u64> {
    match (form, length, wide) {
        (WaveForm::Wide, u32::MAX, Some(octets)) => Some(octets),
        (_, u32::MAX, _) => None,
        // pipes: sox writes 0x7fffffff less the header, ffmpeg all ones, others zero
        (_, 0, _) if available > 0 => None,
        (_, 0x7fff_f000..=0x7fff_ffff, _) if available < 0x7fff_f000 => None,
        (_, octets, _) => Some(octets.into()),
    }
}

fn sound<'a, R: Read + 'a>(
    input: R,
    fmt: &Fmt,
    promised: Option<u64>,
    available: u64,
    notes: &mut Vec<Note>,
) -> (SoundFormat, Box<dyn Source + 'a>) {
    let frame = fmt.coding.octets().unwrap_or(1) as u64 * u64::from(fmt.channels);
    let seconds = |octets: u64| octets as f64 / frame as f64 / f64::from(fmt.sample_rate);
    let octets = promised.unwrap_or(available).min(available);
    let truncated = match promised {
        None => {
            notes.push(Note::new(
                NoteKind::LengthUnknown,
                "the header does not say how long the sound is; everything to the end of the file is taken",
            ));
            None
        }
        Some(promised) if promised > available => Some(Note::new(
            NoteKind::Truncated,
            format!(
                "the header promises {:.3} s, the file holds {:.3} s; the figures are of what is there",
                seconds(promised),
                seconds(available)
            ),
        )),
        Some(_) => None,
    };
    let bits = match fmt.coding {
        Coding::Pcma | Coding::Pcmu => None,
        coding => coding.octets().map(|octets| octets as u16 * 8),
    };
    let format = SoundFormat {
        container: Container::Wav,
        coding: fmt.coding,
        bits,
        sample_rate_hz: fmt.sample_rate,
        channels: fmt.channels,
        frames: Some(octets / frame),
    };
    let linear = Linear::new(
        input,
        fmt.coding,
        fmt.channels,
        octets - octets % frame,
        truncated,
    );
    (format, Box::new(linear))
}

/// Size of the samples in a `ds64` chunk.
fn read_ds64<R: Read>(input: &mut R) -> Result<Option<u64>, ReadError> {
    let mut sizes = [0; 16];
    if read_fully(input, &mut sizes)? < sizes.len() {
        return Err(ReadError::damaged("its `ds64` chunk is cut off"));
    }
    let [.., a, b, c, d, e, f, g, h] = sizes;
    Ok(Some(u64::from_le_bytes([a, b, c, d, e, f, g, h])))
}

fn read_fmt<R: Read>(input: &mut R, length: u64) -> Result<Fmt, ReadError> {
    if !(16..=LARGEST_FMT).contains(&length) {
        return Err(ReadError::damaged(format!("its `fmt` chunk has {length} octets")));
    }
    let mut octets = [0; 40];
    let wanted = (length as usize).min(octets.len());
    let there = octets.get_mut(..wanted).unwrap_or_default();
    if read_fully(input, there)? < wanted {
        return Err(ReadError::damaged("its `fmt` chunk is cut off"));
    }
    let [
        t0,
        t1,
        c0,
        c1,
        r0,
        r1,
        r2,
        r3,
        _,
        _,
        _,
        _,
        a0,
        a1,
        b0,
        b1,
        rest @ ..,
    ] = octets;
    let mut tag = u16::from_le_bytes([t0, t1]);
    let channels = u16::from_le_bytes([c0, c1]);
    let sample_rate = u32::from_le_bytes([r0, r1, r2, r3]);
    let align = u16::from_le_bytes([a0, a1]);
    let bits = u16::from_le_bytes([b0, b1]);
    if tag == 0xfffe {
        // WAVE_FORMAT_EXTENSIBLE: the tag is in the sub-format, after the size, the valid bits and the channel mask
        let [_, _, _, _, _, _, _, _, s0, s1, tail @ ..] = rest;
        if length < 40 || tail != SUBFORMAT_TAIL {
            return Err(ReadError::Coding {
                coding: "a coding of an unknown extensible sub-format".to_owned(),
            });
        }
        tag = u16::from_le_bytes([s0, s1]);
    }
    let channels = check(sample_rate, channels.into())?;
    let coding = match (tag, bits) {
        (1, 8) => Coding::Pcm8,
        (1, 9..=16) => Coding::Pcm16,
        (1, 17..=24) => Coding::Pcm24,
        (1, 25..=32) => Coding::Pcm32,
        (3, 32) => Coding::Float32,
        (3, 64) => Coding::Float64,
        (6, 8) => Coding::Pcma,
        (7, 8) => Coding::Pcmu,
        (1 | 3 | 6 | 7, _) => {
            return Err(ReadError::unusable(format!(
                "has {bits} bits a sample, which its coding does not have"
            )));
        }
        _ => {
            return Err(ReadError::Coding {
                coding: compressed(tag),
            });
        }
    };
    let frame = coding.octets().unwrap_or(1) * usize::from(channels);
    if usize::from(align) != frame {
        return Err(ReadError::damaged(format!(
            "its header says {align} octets a frame, where {channels} channels of {} make {frame}",
            coding.name()
        )));
    }
    Ok(Fmt {
        coding,
        channels,
        sample_rate,
    })
}

/// The name of a coding that is not PCM.
fn compressed(tag: u16) -> String {
    let name = match tag {
        0x0002 => "Microsoft ADPCM",
        0x0011 => "IMA ADPCM",
        0x0014 | 0x0040 | 0x0045 | 0x0064 => "ADPCM (G.726 or G.721)",
        0x0031 => "GSM 06.10",
        0x0050 => "MPEG audio",
        0x0055 => "MP3",
        0x0083 | 0x0133 => "G.729",
        0x0160..=0x0163 => "Windows Media audio",
        0x028f | 0x0065 => "G.722",
        _ => return format!("the coding of format tag 0x{tag:04x}"),
    };
    format!("{name} (format tag 0x{tag:04x})")
}
