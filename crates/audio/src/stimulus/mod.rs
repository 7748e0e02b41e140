//! Signals to play, all computed: nothing here is a recording, and the same arguments give the same samples.
//!
//! Functions make the simple ones; the others are structs whose fields are their parameters, so that an analysis can be
//! given what was played. [`Description`] writes any of them down as text and reads it back.

mod activation;
mod am_fm;
mod basic;
mod catalogue;
mod composite_source;
mod description;
mod description_change;
mod description_check;
mod keyed;
mod log_sweep;
mod maximum_length;
mod noise;
mod pulsed_noise;
mod random;
mod speech_like;
mod stepped_sine;
mod synthesis;
mod voiced_sound;

pub use activation::ActivationSequence;
pub use am_fm::{AmFm, Carrier, Direction};
pub use basic::{dtmf, silence, sine, white_noise};
pub use catalogue::{named, names};
pub use composite_source::{CompositeSource, Shaping, Variant};
pub use description::{
    BandNoise, Description, DescriptionError, MAXIMUM_SAMPLES, Noise, Signal, SpeechLike, Tone,
};
pub use keyed::{Counter, Digits};
pub use log_sweep::LogSweep;
pub use maximum_length::MaximumLength;
pub use noise::{band_noise, hoth_noise, pink_noise};
pub use pulsed_noise::{Pulse, PulsedNoise};
pub use speech_like::{level_to, speech_like};
pub use stepped_sine::{Step, SteppedSine};

/// Longest signal that is made, in s; a mistyped duration must not exhaust memory.
const LONGEST_S: f64 = 3600.0;

/// Samples of a duration; NaN and negative durations have none.
pub(crate) fn length(seconds: f64, rate: u32) -> usize {
    // NaN passes the limits and becomes zero
    (seconds.clamp(0.0, LONGEST_S) * f64::from(rate)).round() as usize
}
