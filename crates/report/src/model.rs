//! `report.json`, as types.

use std::collections::BTreeMap;

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use voxproof_record::{
    BoundResult, CheckResult, Counts, EvidenceObject, FindingResult, IcsResult, RuleTotal,
};
use voxproof_spec::{DecisionRule, Level, LimitSource, Severity, Tier, Verdict};

/// Version of `report.json`; raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A run as reported to machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What has to be said with every result of this run; absent for an official run.
    pub notice: Option<String>,
    /// Run id.
    pub run_id: String,
    /// Whether the run came to its end.
    pub state: State,
    /// Wall-clock time of the start, RFC 3339.
    pub started: String,
    /// Wall-clock time of the end, RFC 3339; absent while the run is not finished.
    pub finished: Option<String>,
    /// Wall-clock time of the last line of the journal, RFC 3339.
    pub last_event: String,
    /// Seconds the run took; absent while it is not finished.
    pub wall_s: Option<f64>,
    /// Version of the tool that drove the run.
    pub tool_version: String,
    /// Version of the analyser that judged it.
    pub analyzer_version: String,
    /// The host the lab ran on.
    pub host: String,
    /// Time was virtual: durations are those of the lab's clock, not of the host's.
    pub virtual_time: bool,
    /// `precert` or `certification`.
    pub profile: String,
    /// Whether the run can lead to a designation.
    pub official: bool,
    /// The designation aimed at; verdicts are for it.
    pub target: Tier,
    /// The expression that selected cases, if one did.
    pub only: Option<String>,
    /// The suite.
    pub suite: SuiteReport,
    /// The device under test.
    pub device: DeviceReport,
    /// Features the device claims (ICS).
    pub ics: BTreeMap<String, bool>,
    /// The ICS proforma: what is asked, what is declared, and what was observed, by item.
    pub ics_results: Vec<IcsResult>,
    /// Whether the run meets the designations.
    pub designation: DesignationReports,
    /// Cases by outcome.
    pub counts: Counts,
    /// Every case of the plan, in its order.
    pub cases: Vec<CaseReport>,
    /// The rules on every message that had something to judge, by id.
    pub rules: Vec<RuleTotal>,
    /// Evidence of the whole run: texts of the suite, limits, signals.
    pub evidence: Vec<EvidenceObject>,
}

/// Whether a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It did.
    Finished,
    /// Somebody stopped it.
    Interrupted,
    /// It stopped without a word, or still runs.
    Open,
}

/// Which suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteReport {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Date of the release.
    pub release: String,
    /// SHA-256 over its files.
    pub sha256: String,
    /// What it is derived from.
    pub derived_from: String,
    /// How values near a limit are decided.
    pub decision_rule: DecisionRule,
}

/// Which device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceReport {
    /// Maker.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Firmware, as declared or read back.
    pub firmware: String,
    /// How it was driven.
    pub driver: String,
    /// What the driver can have the device do.
    pub capabilities: Vec<String>,
}

/// Both designations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesignationReports {
    /// Most stringent requirements.
    pub certified: DesignationReport,
    /// Minimum requirements.
    pub works_with: DesignationReport,
}

/// Whether the run meets a designation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesignationReport {
    /// All its requirements were met.
    pub meets: bool,
    /// It is granted; never by an unofficial run.
    pub granted: bool,
    /// The sentence that may be said.
    pub text: String,
    /// Why it is not met.
    pub reasons: Vec<String>,
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The requirement was seen to be met.
    Pass,
    /// The device broke the requirement.
    Fail,
    /// Neither can be said.
    Inconc,
    /// The test itself could not be carried out.
    Error,
    /// Not asked of this device.
    NotApplicable,
    /// Asked, but not run.
    NotRun,
}

impl Outcome {
    /// The word printed in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconc => "INCONC",
            Self::Error => "ERROR",
            Self::NotApplicable => "NOT APPLICABLE",
            Self::NotRun => "NOT RUN",
        }
    }
}

impl From<Verdict> for Outcome {
    /// Nothing judged is inconclusive: missing evidence is never a pass.
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::Error => Self::Error,
            Verdict::Inconc | Verdict::None => Self::Inconc,
        }
    }
}

/// A case of the plan. Its checks, measurements and findings are those of the attempt that counts (the last).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseReport {
    /// Id.
    pub id: String,
    /// Revision.
    pub rev: u32,
    /// Title.
    pub title: String,
    /// What is lost for the user of a device that fails.
    pub purpose: String,
    /// Catalogue row.
    pub catalogue: Option<String>,
    /// Core or extended.
    pub level: Level,
    /// How much a failure weighs.
    pub severity: Severity,
    /// Designations its failure blocks.
    pub tiers: Vec<Tier>,
    /// What became of it.
    pub verdict: Outcome,
    /// The first reason; why it is not applicable or was not run; empty for a pass.
    pub reason: String,
    /// The verdict a designation.
    pub tier_verdicts: BTreeMap<Tier, Verdict>,
    /// Clauses.
    pub requirement: Vec<String>,
    /// Every attempt, in order.
    pub attempts: Vec<AttemptReport>,
    /// Checks.
    pub checks: Vec<CheckResult>,
    /// Measurements.
    pub measurements: Vec<MeasurementReport>,
    /// What was noticed beside the checks.
    pub findings: Vec<FindingResult>,
    /// Seconds, all attempts together.
    pub wall_s: f64,
}

/// One attempt at a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptReport {
    /// Counts from 1.
    pub attempt: u32,
    /// Revision of the case that ran.
    pub rev: u32,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its first reason.
    pub reason: String,
    /// The verdict a designation.
    pub tier_verdicts: BTreeMap<Tier, Verdict>,
    /// Why the device had to be recovered before it.
    pub recovered: Option<String>,
    /// Checks.
    pub checks: Vec<CheckResult>,
    /// Measurements.
    pub measurements: Vec<MeasurementReport>,
    /// What was noticed beside the checks.
    pub findings: Vec<FindingResult>,
    /// Its evidence.
    pub evidence: Vec<EvidenceObject>,
    /// Seconds it took.
    pub wall_s: f64,
}

/// A measured value with the bounds of the designation aimed at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeasurementReport {
    /// Quantity, snake case.
    pub quantity: String,
    /// Stream it was taken on.
    pub stream: String,
    /// The value; absent when it could not be measured.
    pub value: Option<f64>,
    /// Unit of the value and of its bounds.
    pub unit: String,
    /// Lower bound.
    pub lower: Option<f64>,
    /// Upper bound.
    pub upper: Option<f64>,
    /// Distance to the nearest bound; negative outside.
    pub margin: Option<f64>,
    /// Standard uncertainty, where known.
    pub uncertainty: Option<f64>,
    /// The designation that bounds and margin belong to.
    pub tier: Option<Tier>,
    /// How far the limit's numbers can be trusted.
    pub source: LimitSource,
    /// The limit's id.
    pub limit: String,
    /// Where the limit's numbers come from.
    pub clause: String,
    /// Verdict for the designation aimed at.
    pub verdict: Verdict,
    /// Number of observations behind the value.
    pub n: u64,
    /// What the figure means or why there is none.
    pub note: String,
    /// Bounds, margin and verdict of every designation.
    pub bounds: Vec<BoundResult>,
}

/// JSON Schema of `report.json`.
pub fn report_schema() -> serde_json::Value {
    schema_for!(Report).to_value()
}

/// The schema as the text of its file in `schemas/`, with a line end: what `cargo xtask` writes and CI compares.
pub fn report_schema_text() -> String {
    format!("{:#}\n", report_schema())
}
