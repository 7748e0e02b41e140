//! Files made on the spot.

use std::io::Cursor;

use voxproof_analysis::{Note, NoteKind, ReadError, ReadOptions, SoundFormat, SoundReader};

/// Everything that a reader gave.
pub(crate) struct Sound {
    pub(crate) format: SoundFormat,
    pub(crate) samples: Vec<f32>,
    pub(crate) notes: Vec<Note>,
}

impl Sound {
    pub(crate) fn has(&self, kind: NoteKind) -> bool {
        self.notes.iter().any(|note| note.kind == kind)
    }
}

/// Reads a file to its end.
pub(crate) fn read_as(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Sound, ReadError> {
    let mut reader = SoundReader::open(Cursor::new(bytes), options)?;
    let (mut samples, mut block) = (Vec::new(), Vec::new());
    while reader.next_block(&mut block)? {
        samples.extend_from_slice(&block);
    }
    assert_eq!(
        reader.frames_read(),
        samples.len() as u64 / u64::from(reader.format().channels)
    );
    Ok(Sound {
        format: reader.format().clone(),
        samples,
        notes: reader.notes().to_vec(),
    })
}

pub(crate) fn read(bytes: &[u8]) -> Result<Sound, ReadError> {
    read_as(bytes, &ReadOptions::default())
}

/// A chunk of a RIFF file.
pub(crate) fn chunk(name: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend((contents.len() as u32).to_le_bytes());
    bytes.extend(contents);
    if contents.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

/// A `fmt` chunk of a sample form.
pub(crate) fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let align = channels * bits.div_ceil(8);
    let mut contents = Vec::new();
    contents.extend(tag.to_le_bytes());
    contents.extend(channels.to_le_bytes());
    contents.extend(rate.to_le_bytes());
    contents.extend((rate.wrapping_mul(align.into())).to_le_bytes());
    contents.extend(align.to_le_bytes());
    contents.extend(bits.to_le_bytes());
    chunk(b"fmt ", &contents)
}

/// A RIFF file of chunks.
pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((body.len() as u32 + 4).to_le_bytes());
    bytes.extend(b"WAVE");
    bytes.extend(body);
    bytes
}

/// A 16-bit wave file.
pub(crate) fn wave16(samples: &[i16], channels: u16, rate: u32) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    riff(&[fmt(1, channels, rate, 16), chunk(b"data", &data)])
}

/// To 16 bits.
pub(crate) fn sixteen(samples: &[f32]) -> Vec<i16> {
    voxproof_audio::sample::to_i16(samples)
}
