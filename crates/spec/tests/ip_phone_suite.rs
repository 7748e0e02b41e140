//! The IP-phone suite of this repository is valid and complete.

use std::collections::BTreeSet;

use voxproof_spec::{Case, Level, LoadedSuite, Severity, Step, Tier, load_suite};

use support::{SuiteCopy, repository};

mod support;

fn suite() -> LoadedSuite {
    load_suite(&repository().join("test-specs/ip-phone")).unwrap_or_else(|problems| panic!("{problems}"))
}

fn steps(case: &Case) -> impl Iterator<Item = &Step> {
    case.setup
        .iter()
        .chain(&case.step)
        .chain(&case.teardown)
        .map(|step| &**step)
}

#[test]
fn the_suite_has_no_mistakes() {
    let suite = suite();
    assert!(suite.cases.len() >= 30, "{} cases", suite.cases.len());
    for (id, loaded) in &suite.cases {
        let stem = loaded
            .path
            .file_stem()
            .expect("a case is a file")
            .to_string_lossy();
        // the points of a sweep are named behind a dot
        let own = id.split('.').next().unwrap_or_default();
        assert_eq!(stem, own, "a case file has the name of its case");
    }
}

#[test]
fn every_case_says_what_it_stands_on_and_asks_something() {
    for (id, loaded) in &suite().cases {
        let case = &loaded.case;
        assert!(!case.requirement.is_empty(), "{id} stands on no clause");
        assert!(case.catalogue.is_some(), "{id} names no row of the catalogue");
        assert!(
            case.purpose.split_whitespace().count() >= 8,
            "{id}: what does the user of a bad phone suffer?"
        );
        assert!(!case.purpose.contains('\n'), "{id}: the purpose is one paragraph");
        let asked = case.check.len() + case.measure.len();
        assert!(asked > 0, "{id} asks nothing of the evidence");
        let duration = case.duration.0.as_secs();
        // two minutes and what follows, for keep-alive (RFC 5626 4.4.1); a device that claims long calls has asked for more
        let most = if loaded.source.contains("ics.long_call") {
            1500
        } else {
            150
        };
        assert!((1..=most).contains(&duration), "{id} takes {duration} s");
    }
}

#[test]
fn the_stringent_designation_asks_for_everything_and_the_other_for_what_nobody_can_do_without() {
    for (id, loaded) in &suite().cases {
        let case = &loaded.case;
        // what a standard only recommends, or leaves open, is shown and decides nothing
        if case.tiers == [Tier::Informative] {
            continue;
        }
        assert!(case.tiers.contains(&Tier::Certified), "{id}");
        assert!(!case.tiers.contains(&Tier::Informative), "{id}");
        let minimum = case.tiers.contains(&Tier::WorksWith);
        assert!(!minimum || case.level == Level::Core, "{id} is extended");
        assert!(minimum || case.severity != Severity::Ko, "{id} is a knock-out");
    }
}

#[test]
fn nothing_is_declared_in_vain() {
    let suite = suite();
    let sources: Vec<&str> = suite.cases.values().map(|loaded| &*loaded.source).collect();
    for item in suite.suite.ics.keys() {
        let name = format!("ics.{item}");
        assert!(
            sources.iter().any(|text| text.contains(&name)),
            "no case depends on {name}"
        );
    }
    for limit in suite.limits.keys() {
        let used = suite
            .cases
            .values()
            .any(|loaded| loaded.case.measure.iter().any(|one| **one.limit == *limit));
        assert!(used, "no case is held against the limit {limit}");
    }
    for signal in suite.signals.keys() {
        let used = suite.cases.values().any(|loaded| {
            steps(&loaded.case).any(|step| matches!(step, Step::Play(play) if **play.signal == *signal))
        });
        assert!(used, "no case plays {signal}");
    }
}

#[test]
fn what_is_mandatory_is_asked_about_and_most_of_the_proforma_can_be_seen() {
    let suite = suite();
    for (item, about) in &suite.suite.ics {
        let name = format!("ics.{item}");
        for tier in &about.mandatory {
            let asked = suite
                .cases
                .values()
                .any(|loaded| loaded.case.applies.contains(&name) && loaded.case.tiers.contains(tier));
            assert!(
                asked,
                "{item} is mandatory for {tier:?}, and no case of it depends on it"
            );
        }
    }
    let mandatory = |tier: Tier| {
        let items = suite.suite.ics.values();
        items
            .filter(|item| item.mandatory.iter().any(|one| **one == tier))
            .count()
    };
    assert!(mandatory(Tier::WorksWith) >= 3 && mandatory(Tier::Certified) >= 10);
    let observed = suite
        .suite
        .ics
        .values()
        .filter(|item| item.observed.is_some())
        .count();
    assert!(
        observed * 10 > suite.suite.ics.len() * 7,
        "{observed} of {} can be seen",
        suite.suite.ics.len()
    );
}

#[test]
fn a_case_that_lets_a_call_ring_does_not_have_it_answered_automatically() {
    use voxproof_spec::Capability::{Answer, ManualAnswer};
    for (id, loaded) in &suite().cases {
        let needs: BTreeSet<_> = loaded.case.needs.iter().map(|needed| **needed).collect();
        assert_eq!(needs.len(), loaded.case.needs.len(), "{id} needs something twice");
        assert!(
            !(needs.contains(&Answer) && needs.contains(&ManualAnswer)),
            "{id}"
        );
        let called = steps(&loaded.case).any(|step| matches!(step, Step::Call(_)));
        assert_eq!(
            called,
            needs.contains(&Answer) || needs.contains(&ManualAnswer),
            "{id}"
        );
    }
}

#[test]
fn the_suite_is_the_same_wherever_it_lies() {
    let copy = SuiteCopy::of(&repository().join("test-specs/ip-phone"));
    let moved = load_suite(&copy.root()).expect("the copy is valid");
    assert_eq!(moved.sha256, suite().sha256);
}
