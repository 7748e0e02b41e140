//! Reading suites, cases, limits and device files, all mistakes at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lint;
use crate::{Case, DeviceFile, Limit, Suite, sweep_points};

/// A case with the file it came from.
#[derive(Debug, Clone)]
pub struct LoadedCase {
    /// The case.
    pub case: Case,
    /// Its file.
    pub path: PathBuf,
    /// Its text, kept as evidence with each run.
    pub source: Arc<str>,
}

/// A signal with its bytes.
#[derive(Debug, Clone)]
pub struct LoadedSignal {
    /// The file as it is, a WAV.
    pub bytes: Arc<[u8]>,
    /// What it is.
    pub about: String,
}

/// A suite, complete and without errors.
#[derive(Debug, Clone)]
pub struct LoadedSuite {
    /// `suite.toml`.
    pub suite: Suite,
    /// Its text.
    pub source: Arc<str>,
    /// The cases by id.
    pub cases: BTreeMap<String, LoadedCase>,
    /// The limits by id.
    pub limits: BTreeMap<String, Limit>,
    /// The texts of the limit files, in order of their names.
    pub limit_sources: Vec<(String, Arc<str>)>,
    /// The signals by id.
    pub signals: BTreeMap<String, LoadedSignal>,
    /// The files that cases send, by the name the cases give them; nothing for one of a collection that is not there.
    pub files: BTreeMap<String, Option<Arc<[u8]>>>,
    /// SHA-256 over names and contents of all files of the suite.
    pub sha256: String,
    /// Its folder.
    pub root: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitFile {
    limit: Vec<Limit>,
}

fn read(path: &Path) -> Result<Arc<str>, Diagnostic> {
    fs::read_to_string(path).map(Arc::from).map_err(|error| {
        Diagnostic::error(
            "E0124",
            path,
            &Arc::from(""),
            0..0,
            format!("cannot read {}: {error}", path.display()),
        )
        .help("check the path; a suite is a folder with suite.toml, cases/ and limits/")
    })
}

pub(crate) fn parse_toml<T: DeserializeOwned>(path: &Path, source: &Arc<str>) -> Result<T, Diagnostic> {
    toml::from_str(source).map_err(|error| {
        let message = error.message().to_owned();
        let span = error.span().unwrap_or(0..0);
        let (code, help) = if message.contains("unknown field") || message.contains("unknown variant") {
            let help = message.split('`').nth(1).and_then(|wrong| {
                let known: Vec<&str> = message
                    .split("expected")
                    .nth(1)?
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .collect();
                crate::expression::near_miss(wrong, known.into_iter())
            });
            ("E0102", help)
        } else if message.contains("missing field") {
            let help = if message.contains("`applies`") {
                Some("write applies = \"true\" when the case always applies".to_owned())
            } else {
                None
            };
            ("E0103", help)
        } else if message.contains("has no unit")
            || message.contains("unit of time")
            || message.contains("length of time")
        {
            ("E0104", None)
        } else {
            ("E0101", None)
        };
        let mut diagnostic = Diagnostic::error(code, path, source, span, message);
        diagnostic.help = help;
        diagnostic
    })
}

/// Reads one case from its text; semantic checks against a suite are done by [`load_suite`].
pub fn parse_case(path: &Path, source: &Arc<str>) -> Result<Case, Diagnostics> {
    parse_toml(path, source).map_err(|one| Diagnostics(vec![one]))
}

/// Reads a limit file from its text.
pub fn parse_limits(path: &Path, source: &Arc<str>) -> Result<Vec<Limit>, Diagnostics> {
    parse_toml::<LimitFile>(path, source)
        .map(|file| file.limit)
        .map_err(|one| Diagnostics(vec![one]))
}

fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let entries = fs::read_dir(folder).map_err(|error| {
        Diagnostic::error(
            "E0124",
            folder,
            &Arc::from(""),
            0..0,
            format!("cannot list {}: {error}", folder.display()),
        )
        .help("a suite is a folder with suite.toml, cases/ and limits/")
    })?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    Ok(files)
}

/// Reads a whole suite and checks it; every mistake in every file is reported.
pub fn load_suite(root: &Path) -> Result<LoadedSuite, Diagnostics> {
    let mut problems = Vec::new();
    let suite_path = root.join("suite.toml");
    let source = read(&suite_path).map_err(|one| Diagnostics(vec![one]))?;
    let suite: Suite = parse_toml(&suite_path, &source).map_err(|one| Diagnostics(vec![one]))?;

    problems.extend(lint::proforma(&suite, &suite_path, &source));

    let mut hash = Sha256::new();
    let mut absorb = |name: &str, bytes: &[u8]| {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    absorb("suite.toml", source.as_bytes());

    let mut limits = BTreeMap::new();
    let mut limit_sources = Vec::new();
    for path in collect(toml_files(&root.join("limits")), &mut problems).unwrap_or_default() {
        let Some(text) = collect(read(&path), &mut problems) else {
            continue;
        };
        let name = file_name(&path);
        absorb(&format!("limits/{name}"), text.as_bytes());
        match parse_limits(&path, &text) {
            Ok(list) => {
                for limit in list {
                    problems.extend(lint::limit(
                        &limit,
                        &path,
                        &text,
                        limits.contains_key(&**limit.id),
                    ));
                    limits.insert(limit.id.to_string(), limit);
                }
            }
            Err(more) => problems.extend(more.0),
        }
        limit_sources.push((name, text));
    }

    let mut signals = BTreeMap::new();
    for entry in &suite.signal {
        let path = root.join(&*entry.file);
        match fs::read(&path) {
            Ok(bytes) => {
                absorb(&format!("signal/{}", *entry.id), &bytes);
                if let Some(problem) = wav_problem(&bytes) {
                    problems.push(Diagnostic::error(
                        "E0118",
                        &suite_path,
                        &source,
                        entry.file.span(),
                        format!("signal {} {problem}", *entry.id),
                    ));
                }
                signals.insert(
                    entry.id.to_string(),
                    LoadedSignal {
                        bytes: bytes.into(),
                        about: entry.about.clone(),
                    },
                );
            }
            Err(error) => problems.push(Diagnostic::error(
                "E0118",
                &suite_path,
                &source,
                entry.file.span(),
                format!("cannot read signal {}: {error}", path.display()),
            )),
        }
    }

    let mut files = BTreeMap::new();
    let mut cases: BTreeMap<String, LoadedCase> = BTreeMap::new();
    for path in collect(toml_files(&root.join("cases")), &mut problems).unwrap_or_default() {
        let Some(text) = collect(read(&path), &mut problems) else {
            continue;
        };
        absorb(&format!("cases/{}", file_name(&path)), text.as_bytes());
        let points = match sweep_points(&path, &text) {
            Ok(points) => points,
            Err(more) => {
                problems.extend(more.0);
                continue;
            }
        };
        for text in points {
            let case = match parse_case(&path, &text) {
                Ok(case) => case,
                Err(more) => {
                    problems.extend(more.0);
                    break;
                }
            };
            let found = problems.len();
            if let Some(other) = cases.get(&**case.id) {
                problems.push(
                    Diagnostic::error(
                        "E0113",
                        &path,
                        &text,
                        case.id.span(),
                        format!("case {} exists already", *case.id),
                    )
                    .help(format!("the other one is {}", other.path.display())),
                );
            }
            problems.extend(lint::case(&case, &path, &text, &suite, &limits, &signals));
            for file in sent_files(&case) {
                match read_sent(root, &suite, file) {
                    Ok(bytes) => {
                        absorb(&format!("file/{}", **file), bytes.as_deref().unwrap_or_default());
                        files.insert(file.to_string(), bytes);
                    }
                    Err(message) => {
                        problems.push(Diagnostic::error("E0129", &path, &text, file.span(), message));
                    }
                }
            }
            cases.insert(
                case.id.to_string(),
                LoadedCase {
                    case,
                    path: path.clone(),
                    source: text,
                },
            );
            // the other points of a sweep have the same mistakes
            if problems.len() > found {
                break;
            }
        }
    }

    if problems.is_empty() {
        let sha256 = hex(&hash.finalize());
        Ok(LoadedSuite {
            suite,
            source,
            cases,
            limits,
            limit_sources,
            signals,
            files,
            sha256,
            root: root.to_owned(),
        })
    } else {
        Err(Diagnostics(problems))
    }
}

fn sent_files(case: &Case) -> impl Iterator<Item = &crate::Located<String>> {
    case.setup
        .iter()
        .chain(&case.step)
        .chain(&case.teardown)
        .filter_map(|step| match &**step {
            crate::Step::Send(send) => send.file.as_ref(),
            _ => None,
        })
}

/// A file that a case sends: of a collection (`id:name`), or below the suite's folder.
fn read_sent(root: &Path, suite: &Suite, file: &str) -> Result<Option<Arc<[u8]>>, String> {
    let path = match file.split_once(':') {
        None => root.join(file),
        Some((id, name)) => {
            let Some(collection) = suite.collection.iter().find(|one| one.id.as_str() == id) else {
                return Err(format!("suite.toml has no [[collection]] `{id}`"));
            };
            match std::env::var_os(&collection.environment) {
                Some(folder) => Path::new(&folder).join(name),
                None => return Ok(None),
            }
        }
    };
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// Reads a device file and checks it, against a suite's ICS proforma when one is given.
pub fn load_device(path: &Path, suite: Option<&Suite>) -> Result<DeviceFile, Diagnostics> {
    let source = read(path).map_err(|one| Diagnostics(vec![one]))?;
    let device: DeviceFile = parse_toml(path, &source).map_err(|one| Diagnostics(vec![one]))?;
    let problems = lint::device(&device, path, &source, suite);
    if problems.is_empty() {
        Ok(device)
    } else {
        Err(Diagnostics(problems))
    }
}

/// What keeps a file from being played, if anything: signals are mono, 16 bit PCM, 8 kHz.
fn wav_problem(bytes: &[u8]) -> Option<String> {
    let number = |at: usize, length: usize| {
        let field = bytes.get(at..at + length)?;
        Some(
            field
                .iter()
                .rev()
                .fold(0_u32, |value, byte| value << 8 | u32::from(*byte)),
        )
    };
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Some("is not a WAV file".to_owned());
    }
    // chunks: four letters, length, content padded to an even number of bytes
    let mut at = 12_usize;
    while let (Some(name), Some(length)) = (bytes.get(at..at + 4), number(at + 4, 4)) {
        if name == b"fmt " {
            // PCM, or the extensible form of it
            let pcm = matches!(number(at + 8, 2), Some(1 | 0xfffe));
            let (channels, rate, bits) = (number(at + 10, 2)?, number(at + 12, 4)?, number(at + 22, 2)?);
            let good = pcm && (channels, rate, bits) == (1, 8000, 16);
            return (!good).then(|| {
                let coding = if pcm { "PCM" } else { "not PCM" };
                format!("has {channels} channel(s), {rate} Hz, {bits} bit, {coding}; a signal is mono, 8000 Hz, 16 bit, PCM")
            });
        }
        at = at
            .saturating_add(8)
            .saturating_add(length as usize)
            .saturating_add(length as usize % 2);
        if at > bytes.len() {
            break;
        }
    }
    Some("is a WAV file without a format".to_owned())
}

fn collect<T>(result: Result<T, Diagnostic>, problems: &mut Vec<Diagnostic>) -> Option<T> {
    result.map_err(|one| problems.push(one)).ok()
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
