//! What the rules on every message came to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CaseRecord;

/// Cases that a total names at most.
const NAMED_CASES: usize = 5;

/// How binding a rule is (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleSeverity {
    /// Legal, but worth knowing.
    Note,
    /// Against a recommendation.
    Should,
    /// Against a requirement.
    Must,
}

impl RuleSeverity {
    /// `note`, `should` or `must`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Should => "should",
            Self::Must => "must",
        }
    }
}

/// One rule in one attempt at a case. Rules that had nothing to judge are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleResult {
    /// Its id.
    pub rule: String,
    /// What it requires.
    pub title: String,
    /// The clause.
    pub clause: String,
    /// How binding it is.
    pub severity: RuleSeverity,
    /// How often it had something to judge.
    pub applied: u64,
    /// How often it was broken.
    pub violated: u64,
    /// A violation weighs on the designations: the suite does not except the rule, and the lab was fit.
    pub decides: bool,
}

/// One rule over a whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleTotal {
    /// Its id.
    pub rule: String,
    /// What it requires.
    pub title: String,
    /// The clause.
    pub clause: String,
    /// How binding it is.
    pub severity: RuleSeverity,
    /// How often it had something to judge.
    pub applied: u64,
    /// How often it was broken.
    pub violated: u64,
    /// How often it was broken where that weighs on the designations.
    pub decisive: u64,
    /// The first cases in which it was broken.
    pub cases: Vec<String>,
}

impl RuleTotal {
    /// A requirement was broken where that decides: the run does not meet its requirements, whatever its cases say.
    pub const fn is_broken_must(&self) -> bool {
        self.decisive > 0 && matches!(self.severity, RuleSeverity::Must)
    }
}

/// The rules of all attempts of all cases, by id.
pub fn rule_totals(cases: &[CaseRecord]) -> Vec<RuleTotal> {
    let mut totals: std::collections::BTreeMap<&str, RuleTotal> = std::collections::BTreeMap::new();
    for case in cases {
        for result in case.attempts.iter().flat_map(|attempt| &attempt.judgement.rules) {
            let total = totals.entry(&result.rule).or_insert_with(|| RuleTotal {
                rule: result.rule.clone(),
                title: result.title.clone(),
                clause: result.clause.clone(),
                severity: result.severity,
                applied: 0,
                violated: 0,
                decisive: 0,
                cases: vec![],
            });
            total.applied += result.applied;
            total.violated += result.violated;
            total.decisive += if result.decides { result.violated } else { 0 };
            if result.violated > 0
                && total.cases.len() < NAMED_CASES
                && total.cases.last() != Some(&case.planned.id)
            {
                total.cases.push(case.planned.id.clone());
            }
        }
    }
    totals.into_values().collect()
}
