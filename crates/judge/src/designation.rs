//! Whether a run meets the requirements of a designation.

use voxproof_record::{CaseRecord, Designation, DesignationResults, Selection};
use voxproof_spec::{Severity, Tier, Verdict};

/// Holds all cases against both designations. Without an official run nothing is ever granted.
pub fn designations(cases: &[CaseRecord]) -> DesignationResults {
    DesignationResults {
        certified: designation(cases, Tier::Certified),
        works_with: designation(cases, Tier::WorksWith),
    }
}

fn designation(cases: &[CaseRecord], tier: Tier) -> Designation {
    let mut reasons = Vec::new();
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
    if judged == 0 {
        reasons.push("no case of this designation was judged".to_owned());
    }
    Designation {
        meets: reasons.is_empty(),
        granted: false,
        reasons,
    }
}
