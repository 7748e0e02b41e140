//! A run without an end meets nothing and says so.

use voxproof_record::Selection;
use voxproof_report::{NOT_FINISHED, Outcome, Report, State};
use voxproof_spec::Verdict;

use crate::markup::{page, skeleton};
use crate::synthetic::{Builder, judgement, planned, started};

#[test]
fn an_open_run_lists_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let plan = vec![
        planned("IPP-A-1", "first", "why", &["RFC 3261 8.1"], Selection::Run),
        planned("IPP-A-2", "second", "why", &[], Selection::Run),
    ];
    let mut builder = Builder::new(folder.path(), started(plan));
    builder.attempt("IPP-A-1", 1, judgement(Verdict::Pass, ""), None, None);
    let run = builder.leave();
    let report = Report::from_run(&run);
    assert_eq!(report.state, State::Open);
    assert_eq!((report.finished.as_ref(), report.wall_s), (None, None));
    assert_eq!(report.cases[0].verdict, Outcome::Pass);
    assert_eq!(
        (report.cases[1].verdict, report.cases[1].reason.as_str()),
        (Outcome::NotRun, "the run has not come to it")
    );
    for designation in [&report.designation.certified, &report.designation.works_with] {
        assert!(!designation.meets && !designation.granted);
        assert_eq!(designation.reasons, [NOT_FINISHED]);
        assert!(designation.text.starts_with("does not meet the requirements of"));
    }
    let page = page(&run);
    skeleton(&page);
    assert!(page.contains("The run is not finished.") && page.contains("the run has not come to it"));
}

#[test]
fn an_interrupted_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(
        folder.path(),
        started(vec![planned("A-1", "t", "p", &[], Selection::Run)]),
    );
    builder.interrupt();
    let run = builder.leave();
    assert_eq!(
        Report::from_run(&run).cases[0].reason,
        "the run was interrupted before it"
    );
    assert!(page(&run).contains("Somebody stopped it"));
}

#[test]
fn nothing_judged_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(
        folder.path(),
        started(vec![planned("A-1", "t", "p", &[], Selection::Run)]),
    );
    builder.attempt("A-1", 1, judgement(Verdict::None, ""), None, None);
    let report = Report::from_run(&builder.leave());
    assert_eq!(
        (report.cases[0].verdict, report.cases[0].reason.as_str()),
        (Outcome::Inconc, "nothing was judged")
    );
    assert_eq!(report.counts.inconc, 1);
}

#[test]
fn a_plan_without_cases_is_still_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let run = Builder::new(folder.path(), started(vec![])).leave();
    skeleton(&page(&run));
    assert!(voxproof_report::render(&run, voxproof_report::Format::Junit).is_ok());
}
