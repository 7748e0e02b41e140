//! `measure`: one file by itself.

use voxproof_audio::curve::Curve;
use voxproof_audio::level::Plane;

use crate::channel::Channel;
use crate::picture::Picture;
use crate::plane::of_coding;
use crate::reader::pick_channel;
use crate::{FileRecord, ReadError, Selection, SoundReader};

/// What to find out about a file.
#[derive(Debug, Clone, Default)]
pub struct MeasureOptions {
    /// Groups of quantities.
    pub selection: Selection,
    /// The codec whose zero level point levels refer to; a file in G.711 or G.722 says it by itself.
    pub plane: Option<Plane>,
    /// How the distortion of a tone is weighted, dB over frequency: ITU-T G.223, from a file that the lab owns.
    pub weighting: Option<Curve>,
}

impl MeasureOptions {
    /// Nothing but groups.
    #[must_use]
    pub fn of(selection: Selection) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }
}

/// Measures a file, in memory that does not grow with it.
///
/// # Errors
/// [`ReadError`] if the file cannot be read to its end; what it holds up to there is not claimed.
pub fn measure(
    file: &str,
    reader: SoundReader<'_>,
    options: &MeasureOptions,
) -> Result<FileRecord, ReadError> {
    Ok(run(file, reader, options, None)?.0)
}

/// A measured file with what is needed to draw it.
#[derive(Debug, Clone)]
pub struct DrawnFile {
    /// The results.
    pub record: FileRecord,
    /// A picture a channel.
    pub(crate) pictures: Vec<Picture>,
}

impl DrawnFile {
    /// A file without pictures: one that could not be read.
    #[must_use]
    pub fn undrawn(record: FileRecord) -> Self {
        Self {
            record,
            pictures: Vec::new(),
        }
    }
}

/// As [`measure`], and draws; `frames` is how many there are, as a first reading found.
///
/// # Errors
/// As [`measure`].
pub fn measure_and_draw(
    file: &str,
    reader: SoundReader<'_>,
    options: &MeasureOptions,
    frames: u64,
) -> Result<DrawnFile, ReadError> {
    let (record, pictures) = run(file, reader, options, Some(frames))?;
    Ok(DrawnFile { record, pictures })
}

fn run(
    file: &str,
    mut reader: SoundReader<'_>,
    options: &MeasureOptions,
    draw: Option<u64>,
) -> Result<(FileRecord, Vec<Picture>), ReadError> {
    let format = reader.format().clone();
    let plane = options.plane.or_else(|| of_coding(format.coding));
    let mut channels: Vec<Channel> = (1..=format.channels)
        .map(|number| Channel::new(number, format.sample_rate_hz, options, plane, draw))
        .collect();
    let (mut block, mut samples) = (Vec::new(), Vec::new());
    while reader.next_block(&mut block)? {
        if let [only] = channels.as_mut_slice() {
            only.push(&block);
            continue;
        }
        for (index, channel) in (0..).zip(&mut channels) {
            samples.clear();
            pick_channel(&block, format.channels, index, &mut samples);
            channel.push(&samples);
        }
    }
    let frames = reader.frames_read();
    let (channels, pictures): (Vec<_>, Vec<_>) = channels.into_iter().map(Channel::finish).unzip();
    let record = FileRecord {
        file: file.to_owned(),
        frames,
        seconds: frames as f64 / f64::from(format.sample_rate_hz),
        problem: None,
        notes: reader.notes().to_vec(),
        format: Some(format),
        channels,
    };
    Ok((record, pictures.into_iter().flatten().collect()))
}
