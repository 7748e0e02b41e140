//! Noise and what is done against it: idle channel noise, noise in pauses, signal to noise, fluctuation, comfort noise, voice activity
//! detection, noise reduction.

mod activity;
mod comfort;
mod fluctuation;
mod hoth;
mod idle;
mod pause;
mod reduction;
mod signal_to_noise;
mod vad;

pub use activity::{Span, pauses, spurts};
pub use comfort::{BandDifference, ComfortNoiseMatch, comfort_noise_match, informative_band_limit};
pub use fluctuation::{Fluctuation, around_bursts, fluctuation};
pub use hoth::{HOTH, hoth_density};
pub use idle::{IdleNoise, SETTLING_S, SHORTEST_S, idle_noise};
pub use pause::{PauseNoise, pause_noise};
pub use reduction::{NoiseReduction, noise_reduction};
pub use signal_to_noise::{signal_to_noise, speech_to_noise};
pub use vad::{VadTiming, passed, vad_timing};
