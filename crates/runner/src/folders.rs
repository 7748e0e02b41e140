//! Folders of a run, and the machine it ran on.

use std::path::{Path, PathBuf};

use voxproof_record::RecordError;

/// A folder for the device programs' own files, gone when the run is over.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Result<Self, RecordError> {
        let unique = format!(
            "voxproof-{}-{:08x}",
            std::process::id(),
            jiff::Timestamp::now().as_nanosecond() as u32
        );
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).map_err(|error| RecordError::Write {
            path: path.clone(),
            error,
        })?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes the run folder: time, suite, and a number when that second is taken.
pub(crate) fn create_folder(out: &Path, suite: &str) -> Result<(PathBuf, String), RecordError> {
    std::fs::create_dir_all(out).map_err(|error| RecordError::Write {
        path: out.to_owned(),
        error,
    })?;
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    for number in 1.. {
        let id = if number == 1 {
            format!("{stamp}-{suite}")
        } else {
            format!("{stamp}-{suite}-{number}")
        };
        let path = out.join(&id);
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok((path, id)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1000 => {}
            Err(error) => return Err(RecordError::Write { path, error }),
        }
    }
    Err(RecordError::NotARun {
        path: out.to_owned(),
        reason: "no free name for a run folder".to_owned(),
    })
}

pub(crate) fn host() -> String {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{} {}, {cores} cores",
        read("/proc/sys/kernel/ostype"),
        read("/proc/sys/kernel/osrelease")
    )
}
