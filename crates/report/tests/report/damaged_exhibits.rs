//! A picture that cannot be shown is stated in its place.

use crate::markup::{page, skeleton};
use crate::synthetic::full_run;

#[test]
fn changed_and_missing_exhibits_are_named_without_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let run = full_run(folder.path());
    let path = |case: usize| {
        folder
            .path()
            .join(&run.cases[case].attempts[0].exhibits.as_ref().unwrap().path)
    };
    std::fs::write(path(0), b"{}").unwrap();
    std::fs::remove_file(path(7)).unwrap();
    let page = page(&run);
    skeleton(&page);
    assert!(page.contains("exhibits.json was changed after the run"));
    assert!(page.contains("the file cannot be read"));
    assert!(!page.contains(&folder.path().display().to_string()));
    assert!(page.contains("Ladder diagram"), "the other cases have theirs");
}
