//! Opus (RFC 6716) over RTP (RFC 7587): framing and format parameters are our own.
//!
//! Decoding is done by the crate `opus-rs` 0.1.40, which reads foreign octets behind a safe interface. Against
//! libopus 1.3.1 on speech: SILK the same to the bit, the other modes within 97 dB; concealed and rebuilt losses within
//! 45 dB; where the mode changes, within 53 dB in mono and 30 dB in stereo.
//!
//! Its *encoder* is not used: asked for 16 kbit/s variable in full band it makes 32 kbit/s; with in-band FEC it
//! divides by zero in the hybrid mode (rate.rs:410) and codes garbage in wideband near 16 kbit/s. Encoding is done
//! by `unsafe-libopus` 0.2.0 (BSD-3-Clause), which is libopus 1.3.1 translated by machine: most packets are the
//! same octets, bit rates within 0.1 %, SNR within 0.03 dB at 20 ms.

mod decoder;
mod encoder;
mod format;
mod library;
mod packet;

pub use decoder::OpusDecoder;
pub use encoder::{OpusEncoder, OpusOptions};
pub use format::OpusFormat;
pub use packet::{OpusBandwidth, OpusMode, OpusPacket};

/// Samples a second and channel, in and out.
const RATE: usize = 48_000;

/// Samples in 2.5 ms, the shortest frame.
const SHORTEST: usize = RATE / 400;

/// Samples in the longest packet, 120 ms (RFC 6716 3.2.5, R5).
const LONGEST: usize = RATE * 120 / 1000;
