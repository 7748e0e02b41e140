//! Where results go.

use std::path::Path;

use voxproof_analysis::{NoteKind, PageError, QuantityResult, ReadError, Selection, Subject};
use voxproof_audio::curve::Curve;
use voxproof_audio::level::Plane;

use super::files;
use crate::args::{PlaneArg, SoundOutputArgs};
use crate::exit::Exit;
use crate::{Failure, Outcome, terminal};

/// What happened to a file or a pair, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It was read to its end and something was measured.
    Measured,
    /// It ends early, or nothing at all could be measured of it.
    Incomplete,
    /// It is no sound that can be read.
    Refused,
    /// The operating system did not give it.
    Unread,
}

impl Fate {
    pub(super) fn of_error(error: &ReadError) -> Self {
        if error.is_io() {
            Self::Unread
        } else {
            Self::Refused
        }
    }

    pub(super) fn of_results<'a>(
        notes: &[voxproof_analysis::Note],
        mut results: impl Iterator<Item = &'a QuantityResult>,
    ) -> Self {
        let cut = notes.iter().any(|note| note.kind == NoteKind::Truncated);
        if cut || !results.any(|result| result.value.is_some()) {
            Self::Incomplete
        } else {
            Self::Measured
        }
    }

    /// The exit code.
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Measured => Exit::Pass,
            Self::Incomplete => Exit::Incomplete,
            Self::Refused => Exit::Specification,
            Self::Unread => Exit::Record,
        }
    }
}

/// The exit code of all of them: the worst decides.
pub(super) fn exit(fates: impl Iterator<Item = Fate>) -> Outcome {
    Ok(fates.max().unwrap_or(Fate::Measured).exit())
}

/// What `--only`, `--also` and `--skip` leave of the groups of a subject.
pub(super) fn selection(subject: Subject, args: &SoundOutputArgs) -> Result<Selection, Failure> {
    let selection = Selection::of_words(subject, &args.only, &args.also, &args.skip)
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    if selection.is_empty() {
        return Err(Failure::new(
            Exit::NothingSelected,
            "--only and --skip leave nothing to measure",
        ));
    }
    Ok(selection)
}

/// The plane that was named.
pub(super) fn plane(args: &SoundOutputArgs) -> Option<Plane> {
    args.plane.map(|plane| match plane {
        PlaneArg::ALaw => Plane::ALaw,
        PlaneArg::MuLaw => Plane::MuLaw,
        PlaneArg::G722 => Plane::G722,
    })
}

/// The weighting of distortion that was named.
pub(super) fn weighting(args: &SoundOutputArgs) -> Result<Option<Curve>, Failure> {
    let Some(path) = &args.weighting else {
        return Ok(None);
    };
    let curve = Curve::from_csv(&files::read_text(path)?)
        .map_err(|error| Failure::new(Exit::Specification, format!("{}: {error}", path.display())))?;
    Ok(Some(curve))
}

/// Everything that was asked for; the tables, when nothing else is on standard output.
pub(super) fn deliver(
    args: &SoundOutputArgs,
    record: &impl serde::Serialize,
    page: impl FnOnce() -> Result<String, PageError>,
    csv: impl FnOnce() -> String,
    text: impl FnOnce() -> Vec<String>,
) -> Result<(), Failure> {
    if let Some(path) = &args.html {
        let page = page().map_err(|error| Failure::new(Exit::Internal, error))?;
        write(path, page.as_bytes())?;
    }
    if let Some(path) = &args.csv {
        write(path, csv().as_bytes())?;
    }
    if args.json {
        json(record)?;
    }
    if tables(args.json, [args.html.as_deref(), args.csv.as_deref()]) {
        terminal::write(text().join("\n").as_bytes());
    }
    Ok(())
}

/// Writes a file; `-` is standard output.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if path == Path::new("-") {
        terminal::write(bytes);
        return Ok(());
    }
    std::fs::write(path, bytes)
        .map_err(|error| Failure::new(Exit::Record, format!("cannot write {}: {error}", path.display())))
}

/// A record as JSON on standard output.
fn json(record: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(record).map_err(|error| Failure::new(Exit::Internal, error))?;
    terminal::write((text + "\n").as_bytes());
    Ok(())
}

/// Whether tables go to standard output, which then nothing else does.
fn tables(json: bool, files: [Option<&Path>; 2]) -> bool {
    !json && !files.into_iter().flatten().any(|path| path == Path::new("-"))
}
