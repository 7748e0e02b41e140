//! The receiving side.

use std::fmt;

use super::packet::OpusPacket;
use super::{LONGEST, RATE, SHORTEST};
use crate::{CodecError, Concealment, Decoder};

/// Opus decoder to 48 kHz. Mono and stereo packets may alternate; either is turned into the decoder's channels.
pub struct OpusDecoder {
    inner: opus_rs::OpusDecoder,
    channels: usize,
    concealment: Concealment,
    /// Room for the longest packet.
    buffer: Vec<f32>,
}

impl fmt::Debug for OpusDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpusDecoder")
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

impl OpusDecoder {
    /// A decoder to 1 or 2 channels.
    ///
    /// # Errors
    /// [`CodecError::Library`] for another number of channels.
    pub fn new(channels: u8, concealment: Concealment) -> Result<Self, CodecError> {
        let inner = opus_rs::OpusDecoder::new(RATE as i32, channels.into()).map_err(|reason| {
            CodecError::Library {
                codec: "opus",
                reason,
            }
        })?;
        Ok(Self {
            inner,
            channels: channels.into(),
            concealment,
            buffer: vec![0.0; LONGEST * usize::from(channels)],
        })
    }

    /// Appends `frames` samples a channel out of the buffer.
    fn append(&self, frames: usize, out: &mut Vec<i16>) {
        // a float-to-integer cast saturates
        let played = self.buffer.iter().take(frames * self.channels);
        out.extend(played.map(|sample| (sample * 32768.0).round() as i16));
    }

    /// Fills a gap of `samples` piece by piece; the last piece is rebuilt from `next` if there is one.
    fn fill(&mut self, next: Option<&[u8]>, samples: usize, out: &mut Vec<i16>) {
        let end = out.len() + samples;
        while out.len() < end {
            let missing = (end - out.len()).div_ceil(self.channels);
            // whole multiples of 2.5 ms, as the decoder wants them; what is too much is cut off at the end
            let piece = missing.next_multiple_of(SHORTEST).min(LONGEST);
            let last = piece >= missing;
            let filled = match next {
                Some(next) if last => self.inner.decode_fec(next, piece, &mut self.buffer),
                _ => self.inner.decode(&[], piece, &mut self.buffer),
            };
            if filled.is_err() {
                self.buffer.fill(0.0);
            }
            self.append(piece, out);
        }
        out.truncate(end);
    }
}

impl Decoder for OpusDecoder {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError> {
        // the framing is checked here, so that the library only ever sees packets of at most 120 ms
        OpusPacket::parse(payload)?;
        let frames = self
            .inner
            .decode(payload, LONGEST, &mut self.buffer)
            .map_err(|reason| CodecError::Payload {
                codec: "opus",
                reason,
            })?;
        self.append(frames, out);
        Ok(())
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        match self.concealment {
            Concealment::Silence => out.resize(out.len() + samples, 0),
            Concealment::Repeat => self.fill(None, samples, out),
        }
    }

    /// Rebuilds the end of the loss from the forward error correction in `next`, whatever the concealment: it is
    /// received sound. Without it in `next`, conceals.
    fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<i16>) {
        match OpusPacket::parse(next) {
            Ok(_) => self.fill(Some(next), samples, out),
            Err(_) => self.conceal(samples, out),
        }
    }
}
