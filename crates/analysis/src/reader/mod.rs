//! Sound files, read block by block.

mod flac;
mod identify;
mod ogg_opus;
mod raw;
mod wave;

use std::io::{Read, Seek, SeekFrom};

use crate::format::{Note, NoteKind};
use crate::{ReadError, SoundFormat};

pub use raw::{RawCoding, RawFormat, UnknownRawCoding};

use identify::Identity;

/// Samples of a block, all channels counted: small enough for the second-level cache.
const BLOCK_SAMPLES: usize = 32_768;

/// Where samples come from.
pub(crate) trait Source {
    /// Appends about `frames` frames, interleaved, full scale 1.0; nothing at the end of the sound.
    fn read(&mut self, frames: usize, out: &mut Vec<f32>, notes: &mut Vec<Note>) -> Result<(), ReadError>;
}

/// A sound file that is open.
pub struct SoundReader<'a> {
    format: SoundFormat,
    notes: Vec<Note>,
    source: Box<dyn Source + 'a>,
    frames_read: u64,
}

impl std::fmt::Debug for SoundReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoundReader")
            .field("format", &self.format)
            .field("notes", &self.notes)
            .field("frames_read", &self.frames_read)
            .finish_non_exhaustive()
    }
}

/// What is known of a file beside its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// Name of the file. Its ending tells the coding of a file without a header, and is held against the contents.
    pub name: &'a str,
    /// The bytes are codes without a header, of this form.
    pub raw: Option<RawFormat>,
}

impl<'a> SoundReader<'a> {
    /// Opens a file by its contents: WAV, FLAC and Ogg Opus tell themselves; G.711 and G.722 without a header need an
    /// ending (`.al`, `.pcma`, `.ul`, `.pcmu`, `.g722`) or [`ReadOptions::raw`].
    ///
    /// # Errors
    /// [`ReadError`], for anything else.
    pub fn open<R: Read + Seek + 'a>(mut input: R, options: &ReadOptions<'_>) -> Result<Self, ReadError> {
        let size = input.seek(SeekFrom::End(0))?;
        input.rewind()?;
        let mut head = Vec::with_capacity(64);
        input.by_ref().take(64).read_to_end(&mut head)?;
        input.rewind()?;
        if head.is_empty() {
            return Err(ReadError::Empty);
        }
        let identity = identify::identify(&head);
        let ending = options.name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let mut notes = Vec::new();
        if let Some(raw) = options.raw {
            if let Some(name) = identity.name() {
                return Err(ReadError::unusable(format!(
                    "has the header of {name}, so it is not raw; leave the raw coding out"
                )));
            }
            return Ok(Self::of(raw::open(input, size, raw)?, notes));
        }
        let (format, source): (SoundFormat, Box<dyn Source + 'a>) = match identity {
            Identity::Wave(form) => wave::open(input, size, form, &mut notes)?,
            Identity::Flac => flac::open(input, &mut notes)?,
            Identity::Ogg => ogg_opus::open(input)?,
            Identity::Other(found) => {
                return Err(ReadError::NotSound {
                    found: found.to_owned(),
                });
            }
            Identity::Unknown => match RawFormat::of_ending(ending) {
                Some(raw) => raw::open(input, size, raw)?,
                None => {
                    return Err(ReadError::NotSound {
                        found: "no header that is known here; for codes without a header say which coding"
                            .to_owned(),
                    });
                }
            },
        };
        if let Some(promised) = identify::promised(ending).filter(|form| *form != format.container) {
            notes.push(Note::new(
                NoteKind::NameDiffers,
                format!(
                    "the name ends as that of a {} file, the contents are {}",
                    promised.name(),
                    format.container.name()
                ),
            ));
        }
        Ok(Self::of((format, source), notes))
    }

    fn of((format, source): (SoundFormat, Box<dyn Source + 'a>), notes: Vec<Note>) -> Self {
        Self {
            format,
            notes,
            source,
            frames_read: 0,
        }
    }

    /// What the file says of itself.
    #[must_use]
    pub fn format(&self) -> &SoundFormat {
        &self.format
    }

    /// What there is to know about the file; complete at its end.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Frames read so far.
    #[must_use]
    pub fn frames_read(&self) -> u64 {
        self.frames_read
    }

    /// The next block into `out`, which is emptied before: whole frames, channels interleaved, full scale 1.0. Whether
    /// there was one.
    ///
    /// # Errors
    /// [`ReadError`] if the file cannot be read on.
    pub fn next_block(&mut self, out: &mut Vec<f32>) -> Result<bool, ReadError> {
        out.clear();
        let channels = usize::from(self.format.channels);
        self.source
            .read((BLOCK_SAMPLES / channels).max(1), out, &mut self.notes)?;
        self.frames_read += (out.len() / channels) as u64;
        Ok(!out.is_empty())
    }
}

/// One channel of interleaved samples, appended.
pub fn pick_channel(interleaved: &[f32], channels: u16, channel: u16, out: &mut Vec<f32>) {
    if channels <= 1 {
        out.extend_from_slice(interleaved);
    } else {
        let stride = usize::from(channels);
        out.extend(interleaved.iter().skip(usize::from(channel)).step_by(stride));
    }
}
