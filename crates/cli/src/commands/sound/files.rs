//! Files named on the command line, folders and patterns among them.

use std::fs::File;
use std::path::{Path, PathBuf};

use voxproof_analysis::{RawCoding, RawFormat, ReadError, ReadOptions, SoundReader};

use crate::Failure;
use crate::args::RawArgs;
use crate::exit::Exit;

/// Endings of the files that a folder is searched for.
const ENDINGS: [&str; 12] = [
    "wav", "wave", "flac", "opus", "ogg", "al", "pcma", "alaw", "ul", "pcmu", "ulaw", "g722",
];
/// Deepest folder that is searched.
const DEEPEST: usize = 32;

/// Every file of what was named: a file as it is, a folder's sound files down to the last folder, a pattern's matches.
/// Order is that of the command line, sorted within a folder or pattern.
pub(super) fn collect(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for input in inputs {
        let before = files.len();
        if input.is_dir() {
            walk(input, 0, &mut files)?;
            if files.len() == before {
                return Err(Failure::new(
                    Exit::NothingSelected,
                    format!("there are no sound files in {}", input.display()),
                ));
            }
        } else if !input.exists() && is_pattern(input) {
            files.extend(matches(input)?);
            if files.len() == before {
                return Err(Failure::new(
                    Exit::NothingSelected,
                    format!("no file matches {}", input.display()),
                ));
            }
        } else {
            // one that does not exist fails when it is opened, and the others are measured all the same
            files.push(input.clone());
        }
    }
    Ok(files)
}

pub(super) fn is_pattern(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains(['*', '?', '[']))
}

fn matches(pattern: &Path) -> Result<Vec<PathBuf>, Failure> {
    let text = pattern.to_string_lossy();
    let paths = glob::glob(&text)
        .map_err(|error| Failure::new(Exit::Usage, format!("{text} is no pattern: {error}")))?;
    let mut files = paths
        .filter(|path| path.as_ref().map_or(true, |path| path.is_file()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::new(Exit::Record, error))?;
    files.sort();
    Ok(files)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error| Failure::new(Exit::Record, format!("cannot read {}: {error}", folder.display()));
    let mut entries = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(unreadable)?;
        // a link to a folder may lead back up
        if kind.is_dir() && depth < DEEPEST {
            walk(&path, depth + 1, files)?;
        } else if !kind.is_dir() && has_sound_ending(&path) && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn has_sound_ending(path: &Path) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// The form of files without a header, as the command line says.
pub(super) fn raw_format(args: &RawArgs) -> Result<Option<RawFormat>, Failure> {
    let Some(word) = &args.codec else {
        if args.rate.is_some() || args.channels.is_some() {
            return Err(Failure::new(
                Exit::Usage,
                "--raw-rate and --raw-channels describe files without a header; they need --codec",
            ));
        }
        return Ok(None);
    };
    let coding = word
        .parse::<RawCoding>()
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    let own = RawFormat::of_coding(coding);
    Ok(Some(RawFormat {
        coding,
        sample_rate_hz: args.rate.unwrap_or(own.sample_rate_hz),
        channels: args.channels.unwrap_or(own.channels),
    }))
}

/// Opens a file.
pub(super) fn open(path: &Path, raw: Option<RawFormat>) -> Result<SoundReader<'static>, ReadError> {
    // before it is opened: a pipe would wait for its writer, a device has no end to read to
    if !std::fs::metadata(path)?.is_file() {
        return Err(ReadError::NotSound {
            found: "not a regular file".to_owned(),
        });
    }
    let file = File::open(path)?;
    SoundReader::open(
        file,
        &ReadOptions {
            name: &path.to_string_lossy(),
            raw,
        },
    )
}

/// A file for people, such as a mask or a description of a signal; a mistyped path must not fill the memory.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::new(Exit::Record, format!("cannot read {}: {error}", path.display()));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > 1 << 20 {
        return Err(Failure::new(
            Exit::Specification,
            format!("{} is too large for what is written by hand", path.display()),
        ));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_patterns_matched() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("deep")).expect("a folder");
        for name in ["b.wav", "a.FLAC", "deep/c.opus", "notes.txt"] {
            std::fs::write(at(name), b"x").expect("a file");
        }
        let names = |inputs: &[PathBuf]| -> Vec<String> {
            collect(inputs)
                .ok()
                .expect("files")
                .iter()
                .map(|path| {
                    path.strip_prefix(folder.path())
                        .unwrap_or(path)
                        .display()
                        .to_string()
                })
                .collect()
        };
        assert_eq!(
            names(&[folder.path().to_owned()]),
            ["a.FLAC", "b.wav", "deep/c.opus"]
        );
        assert_eq!(
            names(&[at("*.wav"), at("notes.txt"), at("gone.wav")]),
            ["b.wav", "notes.txt", "gone.wav"]
        );
        let code = |inputs: &[PathBuf]| collect(inputs).err().map(|failure| failure.exit);
        assert_eq!(code(&[at("*.mp3")]), Some(Exit::NothingSelected));
        std::fs::create_dir(at("empty")).expect("a folder");
        assert_eq!(code(&[at("empty")]), Some(Exit::NothingSelected));
    }
}
