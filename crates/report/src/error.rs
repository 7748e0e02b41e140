//! What can go wrong with a report.

use std::path::PathBuf;

/// A report could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The HTML template refused its data; a bug of this crate.
    #[error("cannot fill in the html report: {0:#}")]
    Template(#[from] minijinja::Error),
    /// The data do not go into JSON.
    #[error("cannot write the json report: {0}")]
    Json(#[from] serde_json::Error),
    /// The data do not go into XML.
    #[error("cannot write the junit report: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    /// The file could not be written.
    #[error("cannot write {path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
}
