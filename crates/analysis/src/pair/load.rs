//! A channel of a file, whole in memory.

use crate::format::Note;
use crate::reader::pick_channel;
use crate::{ReadError, SoundFormat, SoundReader};

/// Most samples that are held: more than the longest comparison at 192 kHz needs.
const MOST_SAMPLES: usize = 800_000_000;

/// One channel of a file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Name of the file as given.
    pub name: String,
    /// What the file says of itself.
    pub format: SoundFormat,
    /// What there is to know about it.
    pub notes: Vec<Note>,
    /// The samples of the channel, full scale 1.0.
    pub samples: Vec<f32>,
    /// Samples that are NaN or infinite.
    pub non_finite: u64,
}

impl Loaded {
    /// Reads a channel, numbered from 1, to the end of the file.
    ///
    /// # Errors
    /// [`ReadError`] if the file cannot be read, has no such channel, or is too long to be held.
    pub fn read(name: &str, mut reader: SoundReader<'_>, channel: u16) -> Result<Self, ReadError> {
        let format = reader.format().clone();
        let Some(index) = channel.checked_sub(1).filter(|index| *index < format.channels) else {
            return Err(ReadError::unusable(format!(
                "has no channel {channel}: its channels are 1 to {}",
                format.channels
            )));
        };
        let (mut block, mut samples) = (Vec::new(), Vec::new());
        if let Some(frames) = format.frames {
            // a promise is not a reason to take memory without bound
            samples.reserve(usize::try_from(frames).unwrap_or(0).min(1 << 24));
        }
        while reader.next_block(&mut block)? {
            pick_channel(&block, format.channels, index, &mut samples);
            if samples.len() > MOST_SAMPLES {
                return Err(ReadError::unusable("is too long to be compared; cut it first"));
            }
        }
        let non_finite = samples.iter().filter(|sample| !sample.is_finite()).count() as u64;
        Ok(Self {
            name: name.to_owned(),
            notes: reader.notes().to_vec(),
            format,
            samples,
            non_finite,
        })
    }

    /// Length, s.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.format.sample_rate_hz)
    }
}
