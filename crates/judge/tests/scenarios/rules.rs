//! Rules on every message: findings with packet numbers, counts, and what they decide.

use crate::lab::{Lab, OPTIONS, SUITE, answer};
use voxproof_judge::designations;
use voxproof_record::{
    CaseFinished, CaseRecord, Judgement, PlannedCase, RuleSeverity, Selection, rule_totals,
};
use voxproof_spec::{Verdict, parse_case};

/// The device answers; its answer is changed first.
fn run(suite: &str, spoil: impl Fn(String) -> String) -> Judgement {
    let mut lab = Lab::new();
    lab.suite = suite.to_owned();
    let question = lab.sip(10, false, OPTIONS);
    let reply = lab.sip(20, true, &spoil(answer(OPTIONS, "200 OK")));
    lab.mark(10, "question", question);
    lab.mark(20, "answer", reply);
    lab.ask(r#"message = { at = "answer", expect = 'msg.status == 200' }"#);
    lab.judged().judgement
}

fn record(judgement: Judgement) -> Vec<CaseRecord> {
    let lab = Lab::new();
    let source = lab.evidence().case_source;
    let case =
        parse_case(std::path::Path::new("case.toml"), &source).unwrap_or_else(|error| panic!("{error}"));
    vec![CaseRecord {
        planned: PlannedCase::new(&case, Selection::Run),
        attempts: vec![CaseFinished {
            case: "T-1".to_owned(),
            rev: 1,
            attempt: 1,
            judgement,
            evidence: vec![],
            exhibits: None,
            recovered: None,
            wall_s: 0.0,
        }],
    }]
}

/// A response without the tag of RFC 3261 8.2.6.2.
fn tagless(reply: String) -> String {
    reply.replace(";tag=device81", "")
}

#[test]
fn a_right_answer_breaks_nothing() {
    let judged = run(SUITE, |reply| reply);
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    let broken: Vec<_> = judged
        .rules
        .iter()
        .filter(|rule| rule.violated > 0 && rule.severity != RuleSeverity::Note)
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
    assert!(judged.rules.len() > 10, "{}", judged.rules.len());
    let designations = designations(&[], &record(judged));
    assert!(
        designations.certified.meets,
        "{:?}",
        designations.certified.reasons
    );
}

#[test]
fn a_broken_must_is_found_and_blocks_but_the_case_keeps_its_verdict() {
    let judged = run(SUITE, tagless);
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    let finding = judged
        .findings
        .iter()
        .find(|finding| finding.rule == "SIP-TAG-002")
        .unwrap_or_else(|| panic!("{:?}", judged.findings));
    assert_eq!(
        (finding.clause.as_str(), finding.evidence.as_slice()),
        ("RFC 3261 8.2.6.2", &[2][..])
    );
    let cases = record(judged);
    let totals = rule_totals(&cases);
    let total = totals
        .iter()
        .find(|total| total.rule == "SIP-TAG-002")
        .expect("it applied");
    assert!(total.is_broken_must());
    assert_eq!(
        (total.violated, total.cases.as_slice()),
        (1, &["T-1".to_owned()][..])
    );
    let designations = designations(&[], &cases);
    for designation in [&designations.certified, &designations.works_with] {
        assert!(!designation.meets);
        assert!(
            designation.reasons[0].contains("SIP-TAG-002"),
            "{:?}",
            designation.reasons
        );
    }
}

#[test]
fn a_suite_excepts_rules_or_lets_none_decide() {
    for policy in ["except = [\"SIP-TAG-002\"]", "decide = \"none\""] {
        let suite = format!("{SUITE}\n[rules]\n{policy}\n");
        let judged = run(&suite, tagless);
        let cases = record(judged);
        let totals = rule_totals(&cases);
        let total = totals
            .iter()
            .find(|total| total.rule == "SIP-TAG-002")
            .expect("it applied");
        assert_eq!((total.violated, total.decisive), (1, 0), "{policy}");
        let designations = designations(&[], &cases);
        assert!(
            designations.works_with.meets,
            "{policy}: {:?}",
            designations.works_with.reasons
        );
    }
}

#[test]
fn nothing_is_held_against_the_device_while_the_lab_was_unfit() {
    let suite = SUITE.replace("send_lag = \"100 ms\"", "send_lag = \"0 ms\"");
    let mut lab = Lab::new();
    lab.suite = suite;
    lab.note(
        30,
        voxproof_record::TimelineEvent::Health {
            send_lag: 5_000_000,
            loop_lag: 0,
            host_lag: 0,
            socket_drops: 0,
        },
    );
    lab.sip(10, false, OPTIONS);
    lab.sip(20, true, &tagless(answer(OPTIONS, "200 OK")));
    let judged = lab.judged().judgement;
    let rule = judged
        .rules
        .iter()
        .find(|rule| rule.rule == "SIP-TAG-002")
        .expect("it applied");
    assert_eq!((rule.violated, rule.decides), (1, false));
}

#[test]
fn judging_again_says_the_same() {
    assert_eq!(run(SUITE, tagless), run(SUITE, tagless));
}
