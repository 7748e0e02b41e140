//! Transfer functions: gain, and where it can be had phase, over frequency.
//!
//! * [`level_difference`]: levels in third or twelfth octaves, for speech and composite source signals.
//! * [`h1`]: complex, from the cross spectrum; [`channel_match`] and [`crosstalk`] between channels.
//! * [`sweep_response`]: linear response and harmonics from a logarithmic sweep.
//! * [`pulsed_response`]: from pulses of third-octave noise.

mod bands;
mod h1;
mod pulsed;
mod response;
mod sweep;
pub(crate) mod welch;

pub use bands::{Bands, band_levels, level_difference};
pub use h1::{ChannelMatch, ComplexBand, ComplexResponse, channel_match, crosstalk, h1};
pub(crate) use pulsed::delayed;
pub use pulsed::pulsed_response;
pub use response::Response;
pub use sweep::{SweepResponse, sweep_response};
