//! ViSQOL v3.3: how alike two recordings sound, by their spectro-temporal patterns.
//!
//! The method of Hines, Skoglund, Kokaram and Harte ("ViSQOL: an objective speech quality model", EURASIP Journal on
//! Audio, Speech, and Music Processing 2015:13) as revised by Chinen et al. ("ViSQOL v3", QoMEX 2020) and fixed in
//! the published implementation, version 3.3.3, whose conformance values this one meets:
//!
//! 1. the recording is aligned as a whole by its envelope and brought to the level of the reference;
//! 2. both become gammatone spectrograms in dB (`gammatone`), floored 45 dB under the louder one of each frame;
//! 3. the reference is cut into patches of 0.4 s (audio: 0.6 s), each is found in the recording (`selection`) and aligned
//!    to the sample;
//! 4. patches are compared by the neurogram similarity index (`nsim`), averaged by band;
//! 5. a map takes the similarities to MOS-LQO: an exponential one for speech, a support vector model for audio.
//!
//! The method was published under the Apache License 2.0 (google/visqol, copyright 2019 Google LLC, Andrew Hines). See
//! NOTICE in the root of this repository.

mod align;
mod gammatone;
mod nsim;
mod patches;
mod score;
mod selection;
mod spectrogram;
mod support_vector;

pub use score::{BandSimilarity, PatchMatch, Visqol, audio, speech};
pub use support_vector::{ModelError, SupportVectorModel};
