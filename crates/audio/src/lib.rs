//! Levels, active speech level, delay, alignment and comparison of speech: pure functions over samples.
//!
//! Samples are `f32` with full scale 1.0, one channel, at a rate in Hz. Samples that are not finite count as zero and
//! absurdly large ones are limited, so that no recording can make a measurement panic; [`sample::non_finite`] tells
//! how many there were. Results are computed in `f64`.
//!
//! * [`measurement`], [`unit`](mod@unit), [`uncertainty`]: the form of every result: value, unit, spread, uncertainty, or the reason why
//!   there is none.
//! * [`level`]: dBov, dBm0 and their planes, rms, peak, offset, clipping.
//! * [`level_meter`], [`clipping`], [`bit_depth`]: all about the level in one pass.
//! * [`p56`]: active speech level (ITU-T P.56 method B), in a [`SpeechBand`] or without limits.
//! * [`loudness`], [`true_peak`] (ITU-R BS.1770); [`weighting`], [`spectrum`], [`octave`]: A, C, psophometric, bands.
//! * [`noise`], [`interference`]: idle channel noise, signal to noise, fluctuation, comfort noise, voice activity detection.
//! * [`calibration`], [`correction`]: what ties levels to sound pressure; tables a laboratory owns.
//! * [`signal_meter`]: all of these of one recording in one pass.
//! * [`delay`], [`align`], [`alignment`], [`comparison`]: did this speech come through, when, how loud and how clean.
//! * [`quality`]: opinion scores, from parameters and from recordings.
//! * [`delay_track`], [`drift`], [`jitter_buffer`]: delay against time, its jumps, the drift of clocks.
//! * [`counter_signal`], [`glitch`], [`concealment`]: samples lost, repeated, replaced, and what is played instead.
//! * [`dtmf`], [`call_progress`], [`echo_return`]: digits, network tones and echo measured.
//! * [`tone`], [`stimulus`]: tones measured, signals made.
//! * [`transfer`], [`mask`], [`curve`]: gain over frequency, and its limits; [`loudness_rating`]: how loud that is.
//! * [`distortion`], [`linearity`]: what is not the signal; gain over level and time.
//! * [`echo`], [`double_talk`]: what comes back of the far end, and what is left of either while both talk.
//! * [`resample`]: sample rate conversion.
//! * [`sample`], [`waveform`]: 16-bit samples in and out, curves for plots.

pub use filter::{BandLimit, SpeechBand};

pub mod align;
mod align_path;
mod aligner;
pub mod alignment;
pub mod bit_depth;
pub mod calibration;
pub mod call_progress;
pub mod clipping;
pub mod comparison;
pub mod concealment;
pub mod correction;
pub mod counter_signal;
pub mod curve;
pub mod delay;
mod delay_spectrum;
mod delay_steps;
pub mod delay_track;
pub mod distortion;
pub mod double_talk;
pub mod drift;
pub mod dtmf;
pub mod echo;
pub mod echo_return;
mod extreme;
mod filter;
mod flags;
pub mod glitch;
pub mod interference;
pub mod jitter_buffer;
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
mod tone_fit;
pub mod transfer;
pub mod true_peak;
pub mod uncertainty;
pub mod unit;
pub mod waveform;
pub mod weighting;
