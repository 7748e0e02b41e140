//! Why a file is not read.

use std::io;

/// A file that is not read as sound.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system did not give the bytes.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is no byte in it.
    #[error("is empty")]
    Empty,
    /// The bytes are not those of a sound file of a form known here.
    #[error("is no sound file of a known form: {found}")]
    NotSound {
        /// What it looks like instead.
        found: String,
    },
    /// A sound file in a coding that is not decoded here.
    #[error("holds {coding}, which is not decoded here; convert it to WAV or FLAC first")]
    Coding {
        /// Name of the coding.
        coding: String,
    },
    /// The bytes contradict their own form.
    #[error("is damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// The form is kept, with values that make no sense or are beyond the limits here.
    #[error("{reason}")]
    Unusable {
        /// What is wrong.
        reason: String,
    },
}

impl ReadError {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged {
            reason: reason.into(),
        }
    }

    pub(crate) fn unusable(reason: impl Into<String>) -> Self {
        Self::Unusable {
            reason: reason.into(),
        }
    }

    /// Whether the trouble is with the file system and not with the contents.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}
