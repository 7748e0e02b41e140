//! The E-model: conversational quality of a connection from its parameters (ITU-T G.107, wideband G.107.1).
//!
//! A planning model: it says what a caller would say of a connection with these loudness ratings, delays, echo and
//! losses, not what was heard in one call. [`Parameters::default`] is the reference connection, R = 93.2.

mod burst;
mod codec;
mod narrowband;
mod parameters;
mod rating;
mod wideband;

pub use burst::{burst_ratio, markov_burst_ratio};
pub use codec::{CODECS, CodecImpairment, Concealment};
pub use parameters::{ParameterError, Parameters};
pub use rating::{Rating, Terms, WidebandRating, narrowband, wideband};
