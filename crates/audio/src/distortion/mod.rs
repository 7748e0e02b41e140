//! Distortion: of tones, of pairs of tones, of pulsed noise, and by sampling.

mod harmonic;
mod intermodulation;
mod limits;
mod out_of_band;
mod pulsed;
mod sine_fit;

pub use harmonic::{HarmonicDistortion, harmonic_distortion, signal_to_distortion, stepped_distortion};
pub use intermodulation::{Intermodulation, intermodulation};
pub use limits::{LevelLimits, SEND_DISTORTION_1020_HZ, SEND_DISTORTION_NOMINAL};
pub use out_of_band::{Rejection, alias_frequency, alias_rejection, image_frequencies, image_rejection};
pub use pulsed::signal_to_distortion_and_noise;
