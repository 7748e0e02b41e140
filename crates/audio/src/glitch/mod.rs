//! Glitches: samples lost, repeated, inserted or replaced on the way.
//!
//! [`coded`] reads them off the signal of [`crate::counter_signal`], with exact places and counts. [`speech`] finds what
//! can be told from a recording of speech alone: muted and repeated frames.

mod boundary;
pub mod coded;
mod runs;
pub mod speech;
