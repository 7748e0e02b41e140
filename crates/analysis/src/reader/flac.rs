//! FLAC (RFC 9639).

use std::io::{ErrorKind, Read};

use claxon::{FlacReader, FlacReaderOptions};

use super::Source;
use crate::format::{Coding, Note, NoteKind, check};
use crate::{Container, ReadError, SoundFormat};

pub(super) fn open<'a, R: Read + 'a>(
    input: R,
    notes: &mut Vec<Note>,
) -> Result<(SoundFormat, Box<dyn Source + 'a>), ReadError> {
    let options = FlacReaderOptions {
        metadata_only: false,
        read_vorbis_comment: false,
    };
    let reader = FlacReader::new_ext(input, options).map_err(read_error)?;
    let info = reader.streaminfo();
    let channels = check(info.sample_rate, info.channels)?;
    if !(1..=32).contains(&info.bits_per_sample) {
        return Err(ReadError::damaged(format!(
            "it says {} bits a sample",
            info.bits_per_sample
        )));
    }
    // RFC 9639 8.2: zero stands for unknown
    let frames = info.samples.filter(|frames| *frames > 0);
    if frames.is_none() {
        notes.push(Note::new(
            NoteKind::LengthUnknown,
            "the header does not say how long the sound is; everything to the end of the file is taken",
        ));
    }
    let format = SoundFormat {
        container: Container::Flac,
        coding: Coding::Flac,
        bits: Some(info.bits_per_sample as u16),
        sample_rate_hz: info.sample_rate,
        channels,
        frames,
    };
    let source = Flac {
        reader,
        buffer: Vec::new(),
        channels,
        scale: 1.0 / (1u64 << (info.bits_per_sample - 1)) as f32,
        rate: info.sample_rate,
        promised: frames,
        read: 0,
        ended: false,
    };
    Ok((format, Box::new(source)))
}

struct Flac<R: Read> {
    reader: FlacReader<R>,
    buffer: Vec<i32>,
    channels: u16,
    scale: f32,
    rate: u32,
    promised: Option<u64>,
    read: u64,
    ended: bool,
}

impl<R: Read> Source for Flac<R> {
    fn read(&mut self, frames: usize, out: &mut Vec<f32>, notes: &mut Vec<Note>) -> Result<(), ReadError> {
        let mut got = 0;
        while got < frames && !self.ended {
            let buffer = std::mem::take(&mut self.buffer);
            let block = match self.reader.blocks().read_next_or_eof(buffer) {
                Ok(Some(block)) => block,
                Ok(None) => {
                    self.end(notes);
                    break;
                }
                Err(claxon::Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.end(notes);
                    break;
                }
                Err(error) => return Err(read_error(error)),
            };
            if block.channels() != u32::from(self.channels) {
                return Err(ReadError::damaged("the number of channels changes within it"));
            }
            let length = block.duration() as usize;
            let start = out.len();
            out.resize(start + length * usize::from(self.channels), 0.0);
            let room = out.get_mut(start..).unwrap_or_default();
            for channel in 0..self.channels {
                let places = room.iter_mut().skip(channel.into()).step_by(self.channels.into());
                for (place, sample) in places.zip(block.channel(channel.into())) {
                    *place = *sample as f32 * self.scale;
                }
            }
            got += length;
            self.read += length as u64;
            self.buffer = block.into_buffer();
        }
        Ok(())
    }
}

impl<R: Read> Flac<R> {
    fn end(&mut self, notes: &mut Vec<Note>) {
        self.ended = true;
        let seconds = |frames: u64| frames as f64 / f64::from(self.rate);
        if let Some(promised) = self.promised.filter(|promised| *promised > self.read) {
            notes.push(Note::new(
                NoteKind::Truncated,
                format!(
                    "the header promises {:.3} s, the file holds {:.3} s; the figures are of what is there",
                    seconds(promised),
                    seconds(self.read)
                ),
            ));
        }
    }
}

fn read_error(error: claxon::Error) -> ReadError {
    match error {
        claxon::Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            ReadError::damaged("it ends within its header")
        }
        claxon::Error::IoError(error) => ReadError::Io(error),
        claxon::Error::FormatError(reason) => ReadError::damaged(reason),
        claxon::Error::Unsupported(reason) => {
            ReadError::unusable(format!("is FLAC with a feature not read here: {reason}"))
        }
    }
}
