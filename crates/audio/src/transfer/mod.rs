//! Transfer functions: gain, and where it can be had phase, over frequency.
//!
//! * [`level_difference`]: levels in third or twelfth octaves, for speech and composite source signals.
//! * [`h1`]: complex, from the cross spectrum; [`channel_match`] and [`crosstalk`] between channels.
//! * [`sweep_response`]: linear response and harmonics from a logarithmic sweep.
//! * [`pulsed_response`]: from pulses of third-octave noise; [`stepped_response`]: from tones one after the other;
//!   [`sequence_response`]: from a maximum-length sequence.

mod bands;
mod h1;
mod mls;
mod pulsed;
mod response;
mod stepped;
mod sweep;
pub(crate) mod welch;

pub use bands::{Bands, band_levels, level_difference, level_difference_within};
pub use h1::{ChannelMatch, ComplexBand, ComplexResponse, channel_match, crosstalk, h1};
pub use mls::{SequenceResponse, sequence_response};
pub(crate) use pulsed::delayed;
pub use pulsed::pulsed_response;
pub use response::Response;
pub(crate) use stepped::steady;
pub use stepped::stepped_response;
pub use sweep::{SweepResponse, sweep_response};
