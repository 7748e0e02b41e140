//! Levels, active speech level, delay, alignment and comparison of speech: pure functions over samples.
//!
//! Samples are `f32` with full scale 1.0, one channel, at a rate in Hz. Samples that are not finite count as zero and
//! absurdly large ones are limited, so that no recording can make a measurement panic; [`sample::non_finite`] tells
//! how many there were. Results are computed in `f64`.
//!
//! * [`measurement`], [`unit`], [`uncertainty`]: the form of every result: value, unit, spread, uncertainty, or the reason why
//!   there is none.
//! * [`level`]: dBov, dBm0 and their planes, rms, peak, offset, clipping.
//! * [`p56`]: active speech level (ITU-T P.56 method B).
//! * [`delay`], [`align`], [`comparison`]: did this speech come through, when, how loud and how clean.
//! * [`quality`]: opinion scores, from parameters and from recordings.
//! * [`tone`], [`stimulus`]: tones measured, signals made.
//! * [`transfer`], [`mask`], [`curve`]: gain over frequency, and its limits.
//! * [`resample`]: sample rate conversion.
//! * [`sample`], [`waveform`]: 16-bit samples in and out, curves for plots.

pub mod align;
mod aligner;
pub mod comparison;
pub mod curve;
pub mod delay;
pub mod distortion;
pub mod double_talk;
pub mod echo;
pub mod level;
pub mod linearity;
pub mod loudness_rating;
pub mod mask;
pub mod measurement;
pub mod p56;
pub mod quality;
pub mod resample;
pub mod sample;
mod statistics;
pub mod stimulus;
pub mod tone;
pub mod transfer;
pub mod uncertainty;
pub mod unit;
pub mod waveform;
