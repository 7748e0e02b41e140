//! What can go wrong with a record.

use std::path::PathBuf;

/// The record or the evidence could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Writing failed; nothing may be claimed after this.
    #[error(
        "cannot write {path}: {error}; free space or choose another folder with --out, then `voxproof resume`"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// Reading failed.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// A line of the journal is damaged.
    #[error("{path}:{line}: not a journal line: {reason}")]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// An evidence object is not what was recorded.
    #[error("evidence {name} ({path}) was changed: its SHA-256 is {actual}, recorded was {expected}")]
    Tampered {
        /// What it is.
        name: String,
        /// The file.
        path: PathBuf,
        /// Recorded hash.
        expected: String,
        /// Hash of the file as it is.
        actual: String,
    },
    /// A capture, timeline or wave file is damaged.
    #[error("{what} cannot be read: {reason}")]
    Damaged {
        /// What it is.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The journal lacks something that every run has.
    #[error("{path} is not a run: {reason}")]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
}
