//! The trait pair that every codec implements, and what a caller chooses for it.

use crate::{CodecError, G722Mode, OpusOptions};

/// Turns samples into the payload of one RTP packet.
pub trait Encoder: Send {
    /// Appends the payload for `samples` (16-bit linear at the codec's sample rate, channels interleaved) to `out`.
    ///
    /// # Errors
    /// [`CodecError::FrameLength`] for a number of samples that the codec cannot code; `out` is then unchanged.
    fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<(), CodecError>;
}

/// Turns the payloads of consecutive RTP packets into samples.
pub trait Decoder: Send {
    /// Appends the samples of one payload (16-bit linear at the codec's sample rate, channels interleaved) to `out`.
    ///
    /// # Errors
    /// [`CodecError::Payload`] if the octets are no packet of the codec; `out` is then unchanged and the caller
    /// should [`conceal`](Self::conceal) instead.
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError>;

    /// Appends exactly `samples` samples (all channels counted) in place of a packet that did not come.
    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>);

    /// Like [`conceal`](Self::conceal), with the packet *after* the lost one at hand: codecs with in-band forward
    /// error correction (Opus) rebuild the loss from it. `next` is not consumed; decode it afterwards.
    fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<i16>) {
        let _ = next;
        self.conceal(samples, out);
    }
}

/// What a decoder puts in place of lost packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Concealment {
    /// Zeros: a loss is audible and measurable as what it is.
    #[default]
    Silence,
    /// A continuation of what was heard last: the codec's own concealment where it has one (Opus), else repetition of
    /// the last pitch period, fading out within 60 ms. Informative; no standard's bit-exact method.
    Repeat,
}

/// What [`CodecSpec::decoder`](crate::CodecSpec::decoder) is to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DecoderOptions {
    /// In place of lost packets.
    pub concealment: Concealment,
    /// Which bits are speech, for G.722 only.
    pub g722_mode: G722Mode,
    /// Seed of the noise generator, for comfort noise only.
    pub seed: u64,
}

/// What [`CodecSpec::encoder`](crate::CodecSpec::encoder) is to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderOptions {
    /// For Opus only.
    pub opus: OpusOptions,
    /// Number of reflection coefficients, for comfort noise only (0 to 12).
    pub comfort_noise_order: usize,
}

impl Default for EncoderOptions {
    fn default() -> Self {
        Self {
            opus: OpusOptions::default(),
            comfort_noise_order: 10,
        }
    }
}
