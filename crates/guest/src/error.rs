//! What can go wrong around a guest.

use std::io;
use std::path::PathBuf;

/// A guest that cannot be built or booted. What a guest does once it is up is told by [`crate::Ended`].
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// There is no kernel.
    #[error(
        "there is no kernel for guests in {}: build it once with `voxproof lab build` (some minutes; Debian packages {packages}), or name one in {}",
        .cache.display(),
        crate::KERNEL_VARIABLE
    )]
    NoKernel {
        /// Where it was looked for.
        cache: PathBuf,
        /// What building needs.
        packages: String,
    },
    /// A kernel source is not installed.
    #[error("there is no kernel source in {}: apt-get install {packages}", .source_archive.display())]
    NoSource {
        /// The archive that is missing.
        source_archive: PathBuf,
        /// What building needs.
        packages: String,
    },
    /// The source is not the one that the recipe was made for.
    #[error("{}: `{line}` is not there once; the recipe does not fit this kernel source", .file.display())]
    Unfit {
        /// The file of the source.
        file: PathBuf,
        /// The line looked for.
        line: String,
    },
    /// A step of the build failed.
    #[error("building the kernel failed at `{step}`:\n{tail}")]
    Build {
        /// The command.
        step: String,
        /// The last lines it printed.
        tail: String,
    },
    /// An option of the configuration was refused.
    #[error("the kernel source does not take {options}")]
    Options {
        /// The options.
        options: String,
    },
    /// A program of the host cannot be started.
    #[error("{program} cannot be started: {error}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// A file cannot be written or read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl GuestError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }
}
