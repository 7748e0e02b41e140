//! A safe front to the encoder of `unsafe-libopus`, the machine translation of libopus 1.3.1 to Rust.
//!
//! The only unsafe code of the crate. It sees samples of our own and never an octet from the network; packets are
//! decoded by `opus-rs` behind a safe interface.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use unsafe_libopus as unsafe_opus;

use crate::CodecError;

/// Numbers of the parameters that are set (opus_defines.h of libopus 1.3.1).
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
pub(super) enum Setting {
    BitRate = 4002,
    MaximumBandwidth = 4004,
    VariableBitRate = 4006,
    Bandwidth = 4008,
    Complexity = 4010,
    InBandFec = 4012,
    PacketLoss = 4014,
    Discontinuous = 4016,
    Signal = 4024,
}

/// The value of [`Setting::Signal`] for speech.
pub(super) const SIGNAL_VOICE: i32 = 3001;

/// One encoder of the library at 48 kHz.
pub(super) struct Library {
    state: NonNull<unsafe_opus::OpusEncoder>,
    channels: usize,
}

// SAFETY: the state is one allocation that nobody else points to, without thread-local or global mutable data
// (the library's `static mut` are tables that are only read).
unsafe impl Send for Library {}

impl Library {
    /// An encoder for speech with 1 or 2 channels.
    pub(super) fn new(channels: u8) -> Result<Self, CodecError> {
        let mut status = 0;
        // SAFETY: the library checks the arguments and writes the status through a valid pointer.
        let state = unsafe {
            unsafe_opus::opus_encoder_create(
                48_000,
                i32::from(channels),
                unsafe_opus::OPUS_APPLICATION_VOIP,
                &raw mut status,
            )
        };
        match NonNull::new(state) {
            Some(state) if status == unsafe_opus::OPUS_OK => Ok(Self {
                state,
                channels: usize::from(channels),
            }),
            _ => Err(failure(status)),
        }
    }

    /// Sets a parameter.
    pub(super) fn set(&mut self, setting: Setting, value: i32) -> Result<(), CodecError> {
        // SAFETY: the state is valid until drop, and each of these settings takes exactly one i32.
        let status = unsafe { unsafe_opus::opus_encoder_ctl!(self.state.as_ptr(), setting as i32, value) };
        if status == unsafe_opus::OPUS_OK {
            Ok(())
        } else {
            Err(failure(status))
        }
    }

    /// Codes `samples` into `packet` and gives the number of octets. The library refuses lengths that are no frame.
    pub(super) fn encode(&mut self, samples: &[i16], packet: &mut [u8]) -> Result<usize, CodecError> {
        let frames =
            i32::try_from(samples.len() / self.channels).map_err(|_| failure(unsafe_opus::OPUS_BAD_ARG))?;
        let room = i32::try_from(packet.len()).map_err(|_| failure(unsafe_opus::OPUS_BAD_ARG))?;
        // SAFETY: the library reads frames * channels samples, which the slice has, and writes at most `room` octets.
        let written = unsafe {
            unsafe_opus::opus_encode(
                self.state.as_ptr(),
                samples.as_ptr(),
                frames,
                packet.as_mut_ptr(),
                room,
            )
        };
        usize::try_from(written).map_err(|_| failure(written))
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: created by opus_encoder_create and destroyed once.
        unsafe { unsafe_opus::opus_encoder_destroy(self.state.as_ptr()) };
    }
}

/// The library's own words for a status.
fn failure(status: i32) -> CodecError {
    CodecError::Library {
        codec: "opus",
        reason: unsafe_opus::opus_strerror(status),
    }
}
