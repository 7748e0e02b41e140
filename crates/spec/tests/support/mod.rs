//! The suites of this repository, and copies of them in which mistakes can be made.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate is two folders below the root")
        .to_owned()
}

/// A copy of a suite, as deep in its folder as suites are in the repository.
pub(crate) struct SuiteCopy {
    folder: tempfile::TempDir,
}

impl SuiteCopy {
    pub(crate) fn of(suite: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let copy = Self { folder };
        for part in ["", "cases", "limits"] {
            copy_files(&suite.join(part), &copy.root().join(part));
        }
        copy_files(
            &repository().join("fixtures/wav"),
            &copy.folder.path().join("fixtures/wav"),
        );
        copy
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("test-specs/suite")
    }
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folders can be made");
    for entry in fs::read_dir(from).expect("the suite is there").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("files can be copied");
        }
    }
}
