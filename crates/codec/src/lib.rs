//! Speech codecs frame by frame: G.711, G.722, Opus, L16, comfort noise; sans-IO.
//!
//! * [`CodecSpec`], [`Codec`]: codecs by rtpmap and by static payload type, and the arithmetic of their packets.
//! * [`Encoder`], [`Decoder`]: the trait pair. A coder is made by [`CodecSpec::encoder`] and [`CodecSpec::decoder`]
//!   and keeps the state of one stream.
//! * [`SilenceDescriptor`], [`NoiseGenerator`], [`describe`]: comfort noise (RFC 3389).
//! * [`OpusFormat`], [`OpusPacket`]: the format parameters of Opus (RFC 7587 6.1) and the framing of its packets
//!   (RFC 6716 3).
//!
//! Everything is deterministic and a function of what was given in: no socket, no clock. Payloads come from the
//! network and never panic.
//!
//! # Why there is no G.729
//!
//! Looked for in November 2026. `g729-sys` 0.3 is labelled MIT, but its own first release called itself bindings to
//! bcg729 under GPL-3.0, and its files are those of bcg729 renamed: a translation of a GPL work. `oxideav-g729`
//! 0.0.8 (MIT) states for itself that at most 34 % of the decoded samples of any ITU test vector are exact, takes
//! its tables out of the ITU's source distribution, and had an earlier version withdrawn over copied tables.
//! `rvoip_g729ab` is not on crates.io and credits bcg729. A test lab must neither ship the first nor judge a device
//! by the second, so
//! [`CodecSpec::from_rtpmap`] refuses the encoding with [`CodecError::G729`].

mod coder;
mod comfort_noise;
mod conceal;
mod error;
mod g722;
mod opus;
mod pcm;
mod spec;

pub use coder::{Concealment, Decoder, DecoderOptions, Encoder, EncoderOptions};
pub use comfort_noise::{
    ComfortNoiseDecoder, ComfortNoiseEncoder, MAX_ORDER, NoiseGenerator, SilenceDescriptor, describe,
};
pub use conceal::Concealed;
pub use error::CodecError;
pub use g722::{G722Decoder, G722Encoder, G722Mode};
pub use opus::{OpusBandwidth, OpusDecoder, OpusEncoder, OpusFormat, OpusMode, OpusOptions, OpusPacket};
pub use pcm::{G711, L16};
pub use spec::{Codec, CodecSpec};
