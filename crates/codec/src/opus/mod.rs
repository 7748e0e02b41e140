//! Opus (RFC 6716) over RTP (RFC 7587): framing and format parameters are our own, the coding is done by the crate
//! `opus-rs`.

mod decimate;
mod decoder;
mod encoder;
mod format;
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
