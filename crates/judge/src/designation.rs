//! Whether a run meets the requirements of a designation.

use voxproof_record::{
    CaseRecord, Designation, DesignationResults, IcsResult, RuleSeverity, RuleTotal, Selection, ics_results,
    rule_totals,
};
use voxproof_spec::{IcsDeclaration, Severity, Tier, Verdict};

/// Holds the declared features, all cases, and the rules on every message against both designations. Without an official run nothing is
/// ever granted.
pub fn designations(declarations: &[IcsDeclaration], cases: &[CaseRecord]) -> DesignationResults {
    let ics = ics_results(declarations, cases);
    let rules = rule_totals(cases);
    DesignationResults {
        certified: designation(&ics, cases, &rules, Tier::Certified),
        works_with: designation(&ics, cases, &rules, Tier::WorksWith),
    }
}

/// Why the declaration of the vendor blocks a designation: a mandatory item is denied, whatever the cases on what is left say; for the
/// stringent designation also a denied feature that the device shows, because the cases on it were left out.
fn declared(ics: &[IcsResult], tier: Tier) -> Vec<String> {
    let denied = ics
        .iter()
        .filter(|result| result.declaration.is_missing_for(tier))
        .filter_map(|result| result.declaration.denial());
    let contradicted = ics
        .iter()
        .filter(|_| tier == Tier::Certified)
        .filter_map(IcsResult::contradiction);
    denied.chain(contradicted).collect()
}

/// Why a broken rule blocks a designation: a requirement blocks both, a recommendation the stringent one.
fn broken(rule: &RuleTotal, tier: Tier) -> Option<String> {
    let blocks = match rule.severity {
        RuleSeverity::Must => true,
        RuleSeverity::Should => tier == Tier::Certified,
        RuleSeverity::Note => false,
    };
    (blocks && rule.decisive > 0).then(|| {
        format!(
            "rule {} ({}, {}) was broken {} times of {}, first in {}: {}",
            rule.rule,
            rule.severity.as_str(),
            rule.clause,
            rule.decisive,
            rule.applied,
            rule.cases.first().map_or("-", String::as_str),
            rule.title
        )
    })
}

fn designation(ics: &[IcsResult], cases: &[CaseRecord], rules: &[RuleTotal], tier: Tier) -> Designation {
    let mut reasons = declared(ics, tier);
    let mut judged = 0;
    for case in cases.iter().filter(|case| case.planned.tiers.contains(&tier)) {
        let id = &case.planned.id;
        match (&case.planned.selection, case.attempts.last()) {
            (Selection::NotApplicable { .. }, None) => {}
            (_, None) => reasons.push(format!("{id} was not run")),
            (_, Some(attempt)) => {
                judged += 1;
                let mixed = case.attempts.len() > 1 && case.verdict() == Some(Verdict::Inconc);
                let verdict = if mixed {
                    Verdict::Inconc
                } else {
                    attempt
                        .judgement
                        .tiers
                        .get(&tier)
                        .copied()
                        .unwrap_or(Verdict::None)
                };
                if verdict != Verdict::Pass && case.planned.severity != Severity::Optional {
                    reasons.push(format!("{id} {}: {}", verdict.word(), attempt.judgement.reason));
                }
            }
        }
    }
    reasons.extend(rules.iter().filter_map(|rule| broken(rule, tier)));
    if judged == 0 {
        reasons.push("no case of this designation was judged".to_owned());
    }
    Designation {
        meets: reasons.is_empty(),
        granted: false,
        reasons,
    }
}
