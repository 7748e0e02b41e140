//! A run in, a report out.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use voxproof_record::Run;

use crate::{Format, Report, ReportError, html, junit};

/// Renders one format.
pub fn render(run: &Run, format: Format) -> Result<Vec<u8>, ReportError> {
    let report = Report::from_run(run);
    match format {
        Format::Html => html::render(run, &report),
        Format::Json => {
            let mut bytes = serde_json::to_vec_pretty(&report)?;
            bytes.push(b'\n');
            Ok(bytes)
        }
        Format::Junit => junit::render(&report),
    }
}

/// Renders every format into the run folder and returns the files. Each file is whole or not there: it is written
/// beside its place and renamed.
pub fn write_all(run: &Run) -> Result<Vec<PathBuf>, ReportError> {
    let mut paths = Vec::new();
    for format in Format::ALL {
        let path = run.path.join(format.file_name());
        write_whole(&path, &render(run, format)?)?;
        paths.push(path);
    }
    Ok(paths)
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let write = || {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|error| {
        // the half-written file is of no use to anybody, and a second failure here adds nothing to the first
        let _ = fs::remove_file(&partial);
        ReportError::Write {
            path: path.to_owned(),
            error,
        }
    })
}
