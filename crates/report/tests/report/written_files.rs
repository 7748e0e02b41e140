//! Files appear whole beside the journal.

use voxproof_report::{Format, ReportError, render, write_all};

use crate::synthetic::full_run;

#[test]
fn every_format_is_in_the_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    let run = full_run(folder.path());
    std::fs::write(folder.path().join("report.json"), b"an old one").unwrap();
    let paths = write_all(&run).unwrap();
    assert_eq!(
        paths,
        ["report.html", "report.json", "junit.xml"].map(|name| folder.path().join(name))
    );
    for (path, format) in paths.iter().zip(Format::ALL) {
        assert_eq!(std::fs::read(path).unwrap(), render(&run, format).unwrap());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_folder_that_is_gone_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = full_run(folder.path());
    run.path = folder.path().join("gone");
    let error = write_all(&run).unwrap_err();
    assert!(
        matches!(&error, ReportError::Write { path, .. } if path.ends_with("report.html")),
        "{error}"
    );
}
