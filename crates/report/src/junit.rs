//! `junit.xml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestRerun, TestSuite, XmlString,
};
use voxproof_record::{IcsResult, RuleTotal};
use voxproof_spec::Verdict;

use crate::display::{bounds, number, signed, unit, visible};
use crate::{AttemptReport, CaseReport, Outcome, Report, ReportError};

/// Renders the report for build servers. A fail is a `<failure>`; error and inconc are an `<error>` whose type says
/// which; a case that did not run is `<skipped>` with its reason.
pub(crate) fn render(report: &Report) -> Result<Vec<u8>, ReportError> {
    let mut junit = JunitReport::new(xml(&format!("voxproof {} {}", report.suite.id, report.run_id)));
    junit.timestamp = report.started.parse().ok();
    junit.time = report.wall_s.and_then(seconds);
    // the map only finds the group: groups stand in the order of the plan
    let mut groups: Vec<(&str, Vec<&CaseReport>)> = Vec::new();
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &report.cases {
        let group = case
            .id
            .rsplit_once('-')
            .map_or(case.id.as_str(), |(group, _)| group);
        let at = *index.entry(group).or_insert_with(|| {
            groups.push((group, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, cases)) = groups.get_mut(at) {
            cases.push(case);
        }
    }
    for (group, cases) in groups {
        let mut suite = TestSuite::new(xml(group));
        suite.timestamp = report.started.parse().ok();
        suite.time = seconds(cases.iter().map(|case| case.wall_s).sum());
        for (name, value) in properties(report) {
            suite.add_property((xml(name), xml(&value)));
        }
        suite.add_test_cases(cases.into_iter().map(|case| test_case(report, group, case)));
        junit.add_test_suite(suite);
    }
    if !report.ics_results.is_empty() {
        let mut suite = TestSuite::new(xml("ics"));
        suite.timestamp = report.started.parse().ok();
        suite.add_test_cases(report.ics_results.iter().map(|result| ics_case(report, result)));
        junit.add_test_suite(suite);
    }
    if !report.rules.is_empty() {
        let mut suite = TestSuite::new(xml("rules"));
        suite.timestamp = report.started.parse().ok();
        suite.add_test_cases(report.rules.iter().map(|rule| rule_case(report, rule)));
        junit.add_test_suite(suite);
    }
    let mut bytes = Vec::new();
    junit.serialize(&mut bytes)?;
    Ok(bytes)
}

fn properties(report: &Report) -> Vec<(&'static str, String)> {
    let mut list = vec![
        ("run_id", report.run_id.clone()),
        ("suite", report.suite.id.clone()),
        ("suite_release", report.suite.release.clone()),
        ("suite_sha256", report.suite.sha256.clone()),
        ("manufacturer", report.device.manufacturer.clone()),
        ("device", report.device.model.clone()),
        ("firmware", report.device.firmware.clone()),
        ("driver", report.device.driver.clone()),
        ("profile", report.profile.clone()),
        ("official", report.official.to_string()),
        ("tool_version", report.tool_version.clone()),
        ("analyzer_version", report.analyzer_version.clone()),
        ("virtual_time", report.virtual_time.to_string()),
        ("designation.certified", report.designation.certified.text.clone()),
        (
            "designation.works_with",
            report.designation.works_with.text.clone(),
        ),
    ];
    if let Some(notice) = &report.notice {
        list.push(("notice", notice.clone()));
    }
    list
}

/// An item of the ICS proforma as a test case: a mandatory one that is denied fails where the whole suite ran, as the run does; what
/// the device shows though it is denied is told in its output.
fn ics_case(report: &Report, result: &IcsResult) -> TestCase {
    let declaration = &result.declaration;
    let denial = declaration.denial();
    let status = match &denial {
        Some(denial) if declaration.is_missing_for(report.target) && report.only.is_none() => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("fail");
            status.set_message(xml(denial));
            status
        }
        _ => TestCaseStatus::success(),
    };
    let mut junit = TestCase::new(
        xml(&format!("{} {}", declaration.item, declaration.question)),
        status,
    );
    junit.set_classname(xml(&format!("{}.ics", report.suite.id)));
    junit.set_assertions(1);
    junit.add_property((xml("status"), xml(declaration.status())));
    let declared = if declaration.declared { "yes" } else { "no" };
    junit.add_property((xml("declared"), xml(declared)));
    junit.add_property((xml("observed"), xml(result.outcome.as_str())));
    let said: Vec<String> = denial.into_iter().chain(result.contradiction()).collect();
    if !said.is_empty() {
        junit.set_system_out(xml(&(said.join("\n") + "\n")));
    }
    junit
}

/// A rule as a test case: a broken requirement fails, as the run does; what is neglected or excepted is told in its output.
fn rule_case(report: &Report, rule: &RuleTotal) -> TestCase {
    let status = if rule.is_broken_must() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("fail");
        let message = format!("{} violations of {}: {}", rule.violated, rule.clause, rule.title);
        status.set_message(xml(&message));
        status.set_description(xml(&format!("in {}", rule.cases.join(", "))));
        status
    } else {
        TestCaseStatus::success()
    };
    let mut junit = TestCase::new(xml(&format!("{} {}", rule.rule, rule.title)), status);
    junit.set_classname(xml(&format!("{}.rules", report.suite.id)));
    junit.set_assertions(usize::try_from(rule.applied).unwrap_or(usize::MAX));
    junit.add_property((xml("severity"), xml(rule.severity.as_str())));
    junit.add_property((xml("requirement"), xml(&rule.clause)));
    if rule.violated > 0 {
        let text = format!(
            "violated {} times of {}, {} of them decide; in {}\n",
            rule.violated,
            rule.applied,
            rule.decisive,
            rule.cases.join(", ")
        );
        junit.set_system_out(xml(&text));
    }
    junit
}

fn test_case(report: &Report, group: &str, case: &CaseReport) -> TestCase {
    let mut junit = TestCase::new(xml(&format!("{} {}", case.id, case.title)), status(case));
    junit.set_classname(xml(&format!("{}.{group}", report.suite.id)));
    if !case.attempts.is_empty() {
        junit.time = seconds(case.wall_s);
        junit.set_assertions(case.checks.len() + case.measurements.len());
        let text: String = case.attempts.iter().map(attempt_text).collect();
        junit.set_system_out(xml(&text));
    }
    junit.add_property((xml("verdict"), xml(case.verdict.word())));
    junit.add_property((xml("requirement"), xml(&case.requirement.join(", "))));
    for attempt in &case.attempts {
        let reason = if attempt.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", attempt.reason)
        };
        let name = format!("attempt.{}", attempt.attempt);
        junit.add_property((xml(&name), xml(&format!("{}{reason}", attempt.verdict))));
    }
    junit
}

fn status(case: &CaseReport) -> TestCaseStatus {
    let mut status = match case.verdict {
        Outcome::Pass => TestCaseStatus::success(),
        Outcome::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Inconc | Outcome::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::NotApplicable | Outcome::NotRun => TestCaseStatus::skipped(),
    };
    let kind = match case.verdict {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Inconc => "inconc",
        Outcome::Error => "error",
        Outcome::NotApplicable => "not-applicable",
        Outcome::NotRun => "not-run",
    };
    status.set_type(kind);
    status.set_message(xml(&format!("{}: {}", case.verdict.word(), case.reason)));
    let broken: String = case
        .checks
        .iter()
        .filter(|check| check.verdict != Verdict::Pass)
        .map(|check| {
            format!(
                "{} {}: expected {}; actual {}; {}\n",
                check.verdict, check.id, check.expected, check.actual, check.clause
            )
        })
        .collect();
    if !broken.is_empty() {
        status.set_description(xml(&broken));
    }
    // JUnit has elements for earlier attempts that did not pass; the ones that passed stand in the properties
    let earlier = case
        .attempts
        .split_last()
        .map(|(_, earlier)| earlier)
        .unwrap_or_default();
    status.add_reruns(
        earlier
            .iter()
            .filter(|attempt| attempt.verdict != Verdict::Pass)
            .map(rerun),
    );
    status
}

fn rerun(attempt: &AttemptReport) -> TestRerun {
    let mut rerun = TestRerun::new(match attempt.verdict {
        Verdict::Fail => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    });
    rerun.set_type(xml(&attempt.verdict.word().to_lowercase()));
    rerun.set_message(xml(&format!("attempt {}: {}", attempt.attempt, attempt.reason)));
    rerun.time = seconds(attempt.wall_s);
    rerun
}

/// Everything judged in an attempt, a line each.
fn attempt_text(attempt: &AttemptReport) -> String {
    let mut text = format!("attempt {}: {}", attempt.attempt, attempt.verdict);
    if !attempt.reason.is_empty() {
        text.push_str(": ");
        text.push_str(&attempt.reason);
    }
    text.push('\n');
    // writing to a String has no way to fail
    if let Some(reason) = &attempt.recovered {
        let _ = writeln!(text, "  the device was recovered before it: {reason}");
    }
    for check in &attempt.checks {
        let _ = writeln!(
            text,
            "  {} check {}: {}; expected {}; actual {}; {}{}",
            check.verdict,
            check.id,
            check.title,
            check.expected,
            check.actual,
            check.clause,
            packets(&check.evidence)
        );
    }
    for result in &attempt.measurements {
        let value = result.value.map_or_else(
            || "not measured".to_owned(),
            |value| format!("{}{}", number(value), unit(&result.unit)),
        );
        let _ = write!(
            text,
            "  {} measurement {} {}: {value}",
            result.verdict, result.quantity, result.stream
        );
        for bound in &result.bounds {
            let margin = bound
                .margin
                .map_or_else(String::new, |margin| format!(", margin {}", signed(margin)));
            let _ = write!(
                text,
                "; {}: {}{margin}, {}",
                bound.tier.title(),
                bounds(bound.lower, bound.upper, &result.unit),
                bound.verdict
            );
        }
        let _ = writeln!(
            text,
            "; limit {} ({}), {}",
            result.limit,
            result.source.word(),
            result.clause
        );
    }
    for finding in &attempt.findings {
        let _ = writeln!(
            text,
            "  finding {}: {}; {}{}",
            finding.rule,
            finding.message,
            finding.clause,
            packets(&finding.evidence)
        );
    }
    for object in &attempt.evidence {
        let _ = writeln!(
            text,
            "  evidence {}: {} sha256 {}",
            object.name, object.path, object.sha256
        );
    }
    text
}

fn packets(numbers: &[u32]) -> String {
    if numbers.is_empty() {
        return String::new();
    }
    let list: Vec<String> = numbers.iter().map(u32::to_string).collect();
    format!("; packets {}", list.join(", "))
}

/// Text that can stand in XML 1.0 with nothing of it lost from sight.
fn xml(text: &str) -> XmlString {
    XmlString::new(visible(text))
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}
