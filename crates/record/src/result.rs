//! What judging a case came to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voxproof_spec::{LimitSource, Severity, Tier, Verdict};

use crate::{IcsSighting, RuleResult};

/// Everything that was derived from the evidence of one attempt at one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// The verdict for the tier the run aims at.
    pub verdict: Verdict,
    /// The first reason of that verdict; empty for a pass.
    pub reason: String,
    /// The verdict a designation.
    pub tiers: BTreeMap<Tier, Verdict>,
    /// The checks, in the order of the case.
    pub checks: Vec<CheckResult>,
    /// The measurements, in the order of the case.
    pub measurements: Vec<MeasurementResult>,
    /// What was noticed beside the checks.
    pub findings: Vec<FindingResult>,
    /// The rules on every message that had something to judge.
    #[serde(default)]
    pub rules: Vec<RuleResult>,
    /// What the device showed of the items of the ICS proforma; items without an occasion to show are left out.
    #[serde(default)]
    pub ics: Vec<IcsSighting>,
}

/// A check and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// Identifier inside the case.
    pub id: String,
    /// What is expected, in words.
    pub title: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// The condition.
    pub expected: String,
    /// What was seen.
    pub actual: String,
    /// The clause that asks for it.
    pub clause: String,
    /// Packet numbers in the case's capture, from 1.
    pub evidence: Vec<u32>,
}

/// A measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeasurementResult {
    /// Quantity, snake case.
    pub quantity: String,
    /// Stream it was taken on.
    pub stream: String,
    /// The value; absent when it could not be measured.
    pub value: Option<f64>,
    /// Unit.
    pub unit: String,
    /// What the figure means or why there is none.
    pub note: String,
    /// Number of observations behind the value.
    pub n: u64,
    /// Standard uncertainty, where known.
    pub uncertainty: Option<f64>,
    /// The limit's id.
    pub limit: String,
    /// Where the limit's numbers come from.
    pub clause: String,
    /// How far they can be trusted.
    pub source: LimitSource,
    /// Verdict for the tier the run aims at.
    pub verdict: Verdict,
    /// Bounds, margin and verdict a tier.
    pub bounds: Vec<BoundResult>,
}

/// One tier's bounds and what the value came to against them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoundResult {
    /// The tier.
    pub tier: Tier,
    /// Lower bound.
    pub lower: Option<f64>,
    /// Upper bound.
    pub upper: Option<f64>,
    /// Distance to the nearest bound; negative outside.
    pub margin: Option<f64>,
    /// Verdict.
    pub verdict: Verdict,
}

/// Something noticed that no check of the case asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingResult {
    /// Rule that noticed it.
    pub rule: String,
    /// Weight.
    pub severity: Severity,
    /// The clause.
    pub clause: String,
    /// What was noticed.
    pub message: String,
    /// Packet numbers.
    pub evidence: Vec<u32>,
}

/// Cases by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Passed.
    pub pass: u32,
    /// Failed.
    pub fail: u32,
    /// Inconclusive.
    pub inconc: u32,
    /// In error.
    pub error: u32,
    /// Not applicable to this device.
    pub not_applicable: u32,
    /// Selected but not run.
    pub not_run: u32,
}

impl Counts {
    /// Adds one judged case.
    pub fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::Error => self.error += 1,
            Verdict::Inconc | Verdict::None => self.inconc += 1,
        }
    }
}

/// Whether the run meets a designation. A run of this tool alone never grants one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Designation {
    /// All requirements of the designation were met.
    pub meets: bool,
    /// The designation is granted; only an official run of an approved laboratory can be.
    pub granted: bool,
    /// Why not.
    pub reasons: Vec<String>,
}

/// Both designations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesignationResults {
    /// Most stringent requirements.
    pub certified: Designation,
    /// Minimum requirements.
    pub works_with: Designation,
}
