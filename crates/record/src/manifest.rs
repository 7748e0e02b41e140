//! The manifest: every file of a finished run with its hash.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RecordError, sha256_hex};

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// `voxproof-manifest/1`.
    pub format: String,
    /// Run id.
    pub run_id: String,
    /// Path inside the run folder, and SHA-256.
    pub files: BTreeMap<String, String>,
}

/// A file that is not what the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestProblem {
    /// The file.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

impl Manifest {
    /// Hashes the journal and the evidence of a run folder and writes the manifest.
    pub fn write(run: &Path, run_id: &str) -> Result<Self, RecordError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| RecordError::Read {
                path: path.to_owned(),
                error,
            })
        };
        let mut files = BTreeMap::new();
        files.insert(
            "journal.jsonl".to_owned(),
            sha256_hex(&read(&run.join("journal.jsonl"))?),
        );
        let folder = run.join("evidence");
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                files.insert(format!("evidence/{name}"), sha256_hex(&read(&entry.path())?));
            }
        }
        let manifest = Self {
            format: "voxproof-manifest/1".to_owned(),
            run_id: run_id.to_owned(),
            files,
        };
        let path = run.join("manifest.json");
        let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
        fs::write(&path, text + "\n").map_err(|error| RecordError::Write { path, error })?;
        Ok(manifest)
    }

    /// Reads the manifest of a run folder; none before the run has finished.
    pub fn read(run: &Path) -> Result<Option<Self>, RecordError> {
        let path = run.join("manifest.json");
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| RecordError::Damaged {
                    what: path.display().to_string(),
                    reason: error.to_string(),
                }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(RecordError::Read { path, error }),
        }
    }

    /// Compares every file with its hash.
    pub fn problems(&self, run: &Path) -> Vec<ManifestProblem> {
        self.files
            .iter()
            .filter_map(|(path, expected)| {
                let problem = match fs::read(run.join(path)) {
                    Ok(bytes) if sha256_hex(&bytes) == *expected => return None,
                    Ok(_) => "its content was changed after the run".to_owned(),
                    Err(error) => format!("it cannot be read: {error}"),
                };
                Some(ManifestProblem {
                    path: path.clone(),
                    problem,
                })
            })
            .collect()
    }
}
