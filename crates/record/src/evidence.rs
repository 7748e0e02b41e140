//! Evidence objects, named by what they are.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::RecordError;

/// Files that were begun by this process.
static PARTIAL: AtomicU64 = AtomicU64::new(0);

/// A stored object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceObject {
    /// What it is within its case or run: `capture.pcapng`, `timeline.jsonl`, `sent-peer_a.wav`.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Path inside the run folder.
    pub path: String,
}

/// SHA-256 as hexadecimal text.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The `evidence/` folder of a run.
#[derive(Debug, Clone)]
pub struct EvidenceStore {
    run: PathBuf,
}

impl EvidenceStore {
    /// The store of a run folder.
    pub fn new(run: &Path) -> Self {
        Self { run: run.to_owned() }
    }

    /// Stores an object and has it on disk before it returns. The file's name is its hash, with the ending of `name` so
    /// that Wireshark and players open it.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<EvidenceObject, RecordError> {
        let sha256 = sha256_hex(bytes);
        let ending = name.rsplit_once('.').map_or("bin", |(_, ending)| ending);
        let path = format!("evidence/{sha256}.{ending}");
        let target = self.run.join(&path);
        if !target.exists() {
            let error = |path: &Path| {
                let path = path.to_owned();
                move |error| RecordError::Write { path, error }
            };
            let folder = self.run.join("evidence");
            fs::create_dir_all(&folder).map_err(error(&folder))?;
            // cases that run at the same time may leave the same object: each writes a file of its own
            let number = PARTIAL.fetch_add(1, Ordering::Relaxed);
            let partial = folder.join(format!(".{sha256}.{}-{number}.partial", std::process::id()));
            let mut file = File::create(&partial).map_err(error(&partial))?;
            file.write_all(bytes).map_err(error(&partial))?;
            file.sync_all().map_err(error(&partial))?;
            fs::rename(&partial, &target).map_err(error(&target))?;
        }
        Ok(EvidenceObject {
            name: name.to_owned(),
            sha256,
            bytes: bytes.len() as u64,
            path,
        })
    }

    /// Reads an object and makes sure that it is what was recorded.
    pub fn get(&self, object: &EvidenceObject) -> Result<Vec<u8>, RecordError> {
        let path = self.run.join(&object.path);
        let bytes = fs::read(&path).map_err(|error| RecordError::Read {
            path: path.clone(),
            error,
        })?;
        let actual = sha256_hex(&bytes);
        if actual == object.sha256 {
            Ok(bytes)
        } else {
            Err(RecordError::Tampered {
                name: object.name.clone(),
                path,
                expected: object.sha256.clone(),
                actual,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let store = EvidenceStore::new(folder.path());
        let object = store.put("capture.pcapng", b"packets").unwrap();
        assert_eq!(store.get(&object).unwrap(), b"packets");
        assert!(object.path.ends_with(".pcapng"));
        fs::write(folder.path().join(&object.path), b"packetz").unwrap();
        assert!(matches!(store.get(&object), Err(RecordError::Tampered { .. })));
    }

    /// Two cases of virtual time that do the same leave the same bytes, and may end at the same moment.
    #[test]
    fn the_same_object_may_be_stored_by_many_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = EvidenceStore::new(folder.path());
        let start = std::sync::Barrier::new(8);
        for round in 0..20 {
            let bytes = vec![round; 100_000];
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            store.put("recording.wav", &bytes)
                        })
                    })
                    .collect();
                for one in all {
                    let object = one.join().unwrap().unwrap();
                    assert_eq!(store.get(&object).unwrap(), bytes);
                }
            });
        }
        let left = fs::read_dir(folder.path().join("evidence")).unwrap().count();
        assert_eq!(left, 20, "nothing half-written stays");
    }
}
