//! Levels, active speech level, delay, alignment and comparison of speech: pure functions over samples.
//!
//! Samples are `f32` with full scale 1.0, one channel, at a rate in Hz. Samples that are not finite count as zero and
//! absurdly large ones are limited, so that no recording can make a measurement panic; [`sample::non_finite`] tells
//! how many there were. Results are computed in `f64`.
//!
//! * [`measurement`], [`unit`], [`uncertainty`]: the form of every result: value, unit, spread, uncertainty, or the reason why
//!   there is none.
//! * [`level`]: dBov, dBm0 and their planes, rms, peak, offset, clipping.
//! * [`level_meter`], [`clipping`], [`bit_depth`]: all about the level in one pass.
//! * [`p56`]: active speech level (ITU-T P.56 method B), in a [`SpeechBand`] or without limits.
//! * [`loudness`], [`true_peak`] (ITU-R BS.1770); [`weighting`], [`spectrum`], [`octave`]: A, C, psophometric, bands.
//! * [`noise`], [`interference`]: idle channel noise, signal to noise, fluctuation, comfort noise, voice activity detection.
//! * [`calibration`], [`correction`]: what ties levels to sound pressure; tables a laboratory owns.
//! * [`signal_meter`]: all of these of one recording in one pass.
//! * [`delay`], [`align`], [`comparison`]: did this speech come through, when, how loud and how clean.
//! * [`quality`]: opinion scores, from parameters and from recordings.
//! * [`tone`], [`stimulus`]: tones measured, signals made.
//! * [`transfer`], [`mask`], [`curve`]: gain over frequency, and its limits.
//! * [`resample`]: sample rate conversion.
//! * [`sample`], [`waveform`]: 16-bit samples in and out, curves for plots.

pub mod align;
mod aligner;
pub mod bit_depth;
pub mod calibration;
pub mod clipping;
pub mod comparison;
pub mod correction;
pub mod curve;
pub mod delay;
pub mod distortion;
pub mod double_talk;
pub mod echo;
mod extreme;
mod filter;
pub mod interference;
pub mod level;
pub mod level_meter;
pub mod linearity;
pub mod loudness;
pub mod loudness_rating;
pub mod mask;
pub mod measurement;
pub mod noise;
pub mod octave;
pub mod p56;
pub mod quality;
pub mod resample;
pub mod sample;
pub mod signal_meter;
pub mod spectrum;
mod statistics;
pub mod stimulus;
mod table;
pub mod tone;
pub mod transfer;
pub mod true_peak;
pub mod uncertainty;
pub mod unit;
pub mod waveform;
pub mod weighting;

pub use filter::{BandLimit, SpeechBand};
