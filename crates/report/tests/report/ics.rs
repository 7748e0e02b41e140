//! What the vendor declared beside what was observed, in every format.

use quick_junit::{Report as Junit, TestCase, TestCaseStatus};
use voxproof_record::{IcsOutcome, Run};
use voxproof_report::{Format, Report, render};

use crate::markup::{page, skeleton};
use crate::synthetic::full_run;

fn junit_case(run: &Run, item: &str) -> TestCase {
    let bytes = render(run, Format::Junit).unwrap();
    let junit = Junit::deserialize(bytes.as_slice()).unwrap();
    let suites = junit.test_suites.into_iter();
    let mut ics = suites.filter(|suite| suite.name.as_str() == "ics");
    let cases = ics.next().unwrap().test_cases;
    cases
        .into_iter()
        .find(|case| case.name.as_str().starts_with(item))
        .unwrap()
}

#[test]
fn each_item_has_an_outcome_with_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::from_run(&full_run(folder.path()));
    let found: Vec<_> = report
        .ics_results
        .iter()
        .map(|result| {
            (
                result.declaration.item.as_str(),
                result.outcome,
                result.seen,
                result.chances,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("dtmf", IcsOutcome::NotObservable, 0, 0),
            ("hold", IcsOutcome::NotSeen, 0, 1),
            ("transfer", IcsOutcome::NoOccasion, 0, 0),
            ("update", IcsOutcome::Contradicted, 2, 3),
        ]
    );
    let update = report.ics_results.last().unwrap();
    assert_eq!(update.case.as_deref(), Some("IPP-OPT-001"));
    assert_eq!(update.first.as_ref().unwrap().packet, Some(2));
}

#[test]
fn the_page_shows_what_stands_against_a_designation_and_all_items() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(&full_run(folder.path()));
    skeleton(&page);
    for text in [
        "Declared and observed",
        "1 mandatory item is denied; 1 item was seen though denied",
        "<caption>Mandatory and denied</caption>",
        "<caption>Seen though denied</caption>",
        "mandatory, denied</b>: every office needs it",
        "<a href=\"#IPP-OPT-001\">IPP-OPT-001</a>, packet 2",
        "UPDATE in Allow in 200 (OPTIONS)",
        "not in 1 chance",
        "declared, not seen",
        "not observable",
        "Certified where <code>ics.dtmf</code>",
    ] {
        assert!(page.contains(text), "{text} is missing");
    }
}

#[test]
fn a_denied_mandatory_item_fails_a_run_of_the_whole_suite() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = full_run(folder.path());
    let success = |case: &TestCase| matches!(case.status, TestCaseStatus::Success { .. });
    assert!(
        success(&junit_case(&run, "transfer")),
        "some cases were left out by --only"
    );
    run.started.only = None;
    assert!(!success(&junit_case(&run, "transfer")));
    let update = junit_case(&run, "update");
    assert!(
        success(&update),
        "it blocks a designation and is no requirement of the run"
    );
    let said = update.system_out.unwrap();
    assert!(
        said.as_str().contains("IPP-OPT-001, packet 2"),
        "{}",
        said.as_str()
    );
    run.started.target = voxproof_spec::Tier::WorksWith;
    assert!(
        success(&junit_case(&run, "transfer")),
        "it is mandatory for Certified alone"
    );
}
