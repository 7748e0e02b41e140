//! The rules on every message, in each format.

use serde_json::Value;
use voxproof_record::{RuleResult, RuleSeverity, Run};
use voxproof_report::{Format, render};

use crate::synthetic::full_run;

fn rule(id: &str, severity: RuleSeverity, violated: u64, decides: bool) -> RuleResult {
    RuleResult {
        rule: id.to_owned(),
        title: format!("Title of {id} <b>"),
        clause: "RFC 3261 8.1.1.7".to_owned(),
        severity,
        applied: 7,
        violated,
        decides,
    }
}

fn run_with_rules(folder: &std::path::Path) -> Run {
    let mut run = full_run(folder);
    for place in [0, 2] {
        run.cases[place].attempts[0].judgement.rules = vec![
            rule("SIP-VIA-002", RuleSeverity::Must, 1, true),
            rule("SIP-VIA-003", RuleSeverity::Must, 0, true),
            rule("SIP-CSEQ-005", RuleSeverity::Should, 2, true),
            rule("SIP-TAG-001", RuleSeverity::Must, 3, false),
        ];
    }
    run
}

fn text(run: &Run, format: Format) -> String {
    String::from_utf8(render(run, format).expect("a report")).expect("text")
}

#[test]
fn the_json_has_totals_over_all_cases() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = run_with_rules(folder.path());
    let value: Value = serde_json::from_str(&text(&run, Format::Json)).expect("JSON");
    let rules = value["rules"].as_array().expect("a list");
    assert_eq!(rules.len(), 4);
    let via = rules
        .iter()
        .find(|one| one["rule"] == "SIP-VIA-002")
        .expect("the rule");
    assert_eq!(via["severity"], "must");
    assert_eq!(
        (via["applied"].as_u64(), via["violated"].as_u64()),
        (Some(14), Some(2))
    );
    assert_eq!(via["cases"].as_array().map(Vec::len), Some(2));
    let excepted = rules
        .iter()
        .find(|one| one["rule"] == "SIP-TAG-001")
        .expect("the rule");
    assert_eq!(
        (excepted["violated"].as_u64(), excepted["decisive"].as_u64()),
        (Some(6), Some(0))
    );
}

#[test]
fn the_page_has_a_section_with_broken_rules_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = run_with_rules(folder.path());
    let page = text(&run, Format::Html);
    let section = page.split("id=\"rules\"").nth(1).expect("the section");
    let section = section.split("</section>").next().unwrap_or_default();
    assert!(section.contains("Broken rules") && section.contains("All rules that applied"));
    assert!(section.contains("Title of SIP-VIA-002 &lt;b&gt;"), "{section}");
    let broken = section.split("All rules that applied").next().unwrap_or_default();
    assert!(broken.contains("SIP-VIA-002") && !broken.contains("SIP-VIA-003"));
    let first = &run.cases[0].planned.id;
    assert!(broken.contains(&format!(">{first}</a>")), "{broken}");
    let other = tempfile::tempdir().expect("a folder");
    let without = text(&full_run(other.path()), Format::Html);
    assert!(without.contains("No rule had anything to judge"));
}

#[test]
fn junit_has_a_suite_in_which_only_a_decisive_must_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let xml = text(&run_with_rules(folder.path()), Format::Junit);
    let suite = xml.split("<testsuite name=\"rules\"").nth(1).expect("the suite");
    assert!(suite.starts_with(" tests=\"4\""), "{}", &suite[..80]);
    assert_eq!(suite.matches("<failure").count(), 1);
    assert!(suite.contains("2 violations of RFC 3261 8.1.1.7"), "{suite}");
    let other = tempfile::tempdir().expect("a folder");
    assert!(!text(&full_run(other.path()), Format::Junit).contains("name=\"rules\""));
}
