//! `junit.xml` reads back with every case, every attempt and the notice.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus};
use voxproof_report::{Format, render};

use crate::synthetic::full_run;

fn read() -> Junit {
    let folder = tempfile::tempdir().unwrap();
    let run = full_run(folder.path());
    let bytes = render(&run, Format::Junit).unwrap();
    Junit::deserialize(bytes.as_slice()).unwrap()
}

fn case<'a>(junit: &'a Junit, id: &str) -> &'a TestCase {
    junit
        .test_suites
        .iter()
        .flat_map(|suite| &suite.test_cases)
        .find(|case| case.name.as_str().starts_with(id))
        .unwrap()
}

#[test]
fn suites_are_the_groups_and_carry_the_run() {
    let junit = read();
    let names: Vec<&str> = junit
        .test_suites
        .iter()
        .map(|suite| suite.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "IPP-REG", "IPP-CAL", "IPP-HLD", "IPP-DTM", "IPP-TRF", "IPP-OPT", "ics"
        ]
    );
    assert_eq!((junit.tests, junit.failures, junit.errors), (12, 1, 3));
    assert!(junit.timestamp.is_some());
    for suite in junit
        .test_suites
        .iter()
        .filter(|suite| suite.name.as_str() != "ics")
    {
        let property = |name: &str| {
            suite
                .properties
                .iter()
                .find(|property| property.name.as_str() == name)
                .map(|property| property.value.as_str())
        };
        assert_eq!(
            property("notice"),
            Some("unofficial results; not a certification or endorsement")
        );
        assert_eq!(property("run_id"), Some("20261121-131822-7f3a"));
        assert_eq!(property("device"), Some("EX-500"));
        assert_eq!(property("firmware"), Some("4.2.1"));
        assert!(property("suite_sha256").is_some_and(|hash| hash.len() == 64));
        assert_eq!(
            property("designation.certified"),
            Some("does not meet the requirements of Certified")
        );
        assert_eq!(
            property("designation.works_with"),
            Some("meets the requirements of Works with")
        );
    }
}

#[test]
fn outcomes_keep_their_kind_and_their_reason() {
    let junit = read();
    let status = |id: &str| match &case(&junit, id).status {
        TestCaseStatus::Success { .. } => ("success", String::new(), String::new()),
        TestCaseStatus::NonSuccess {
            kind, message, ty, ..
        } => (
            if *kind == NonSuccessKind::Failure {
                "failure"
            } else {
                "error"
            },
            ty.as_ref().unwrap().to_string(),
            message.as_ref().unwrap().to_string(),
        ),
        TestCaseStatus::Skipped { message, ty, .. } => (
            "skipped",
            ty.as_ref().unwrap().to_string(),
            message.as_ref().unwrap().to_string(),
        ),
    };
    assert_eq!(status("IPP-REG-001").0, "success");
    let (element, kind, message) = status("IPP-CAL-002");
    assert_eq!((element, kind.as_str()), ("failure", "fail"));
    assert!(message.starts_with("FAIL: active speech level"));
    let (element, kind, message) = status("IPP-REG-004");
    assert_eq!((element, kind.as_str()), ("error", "inconc"));
    assert!(message.contains("41 ms late"));
    let (element, kind, _) = status("IPP-DTM-001");
    assert_eq!((element, kind.as_str()), ("error", "error"));
    let (element, kind, message) = status("IPP-TRF-001");
    assert_eq!((element, kind.as_str()), ("skipped", "not-applicable"));
    assert!(message.contains("does not claim ics.transfer"));
    let (element, kind, _) = status("IPP-DTM-002");
    assert_eq!((element, kind.as_str()), ("skipped", "not-run"));
}

#[test]
fn every_attempt_is_there() {
    let junit = read();
    let held = case(&junit, "IPP-HLD-003");
    let attempts: Vec<(&str, &str)> = held
        .properties
        .iter()
        .filter(|property| property.name.as_str().starts_with("attempt."))
        .map(|property| (property.name.as_str(), property.value.as_str()))
        .collect();
    assert_eq!(
        attempts,
        [
            (
                "attempt.1",
                "FAIL: the offer at hold has direction sendrecv, expected sendonly or inactive"
            ),
            ("attempt.2", "PASS")
        ]
    );
    let TestCaseStatus::NonSuccess { reruns, .. } = &held.status else {
        panic!("it is inconclusive")
    };
    assert_eq!(reruns.runs.len(), 1);
    assert_eq!(reruns.runs[0].kind, NonSuccessKind::Failure);
    let text = held.system_out.as_ref().unwrap().as_str();
    assert!(
        text.contains("attempt 1: FAIL")
            && text.contains("attempt 2: PASS")
            && text.contains("recovered before it")
    );
    let level = case(&junit, "IPP-CAL-002")
        .system_out
        .as_ref()
        .unwrap()
        .as_str()
        .to_owned();
    assert!(
        level.contains("limit send-level (secondary)") && level.contains("Works with: \u{2212}30 to"),
        "{level}"
    );
}
