//! Every rule's examples: the passing one exercises and keeps the rule, the failing one breaks it.

use voxproof_rules::RULES;

#[test]
fn each_rule_holds_in_its_passing_example_and_is_broken_in_its_failing_one() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let pass = crate::common::count(&crate::common::play(rule.example_pass), rule.id);
        if pass.applicable == 0 || pass.broken > 0 {
            wrong.push(format!(
                "{} pass: applicable {} broken {}",
                rule.id, pass.applicable, pass.broken
            ));
        }
        let engine = crate::common::play(rule.example_fail);
        let fail = crate::common::count(&engine, rule.id);
        if fail.broken == 0 {
            wrong.push(format!(
                "{} fail: applicable {} broken 0",
                rule.id, fail.applicable
            ));
        }
        let kept = engine
            .findings()
            .iter()
            .filter(|finding| finding.rule.id == rule.id);
        assert!(
            kept.clone().count() <= 5,
            "{}: at most five findings are kept",
            rule.id
        );
        assert!(
            kept.clone().all(|finding| !finding.message.is_empty()),
            "{}: no message",
            rule.id
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_passing_example_breaks_no_other_binding_rule_unless_it_is_a_fragment() {
    // fragments of a call (an ACK without its INVITE ...) are judged only for what they show
    for rule in RULES {
        let engine = crate::common::play(rule.example_pass);
        let other: Vec<_> = engine
            .findings()
            .iter()
            .filter(|finding| finding.rule.severity == voxproof_rules::Severity::Must)
            .map(|finding| format!("{} {}", finding.rule.id, finding.message))
            .collect();
        assert!(other.is_empty(), "{}: {other:?}", rule.id);
    }
}

#[test]
fn there_are_at_least_ninety_rules() {
    assert!(RULES.len() >= 90, "{}", RULES.len());
}
