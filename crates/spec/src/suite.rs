//! A suite: a dated release of cases, its ICS proforma and its signals.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{IcsItem, Located, Span};

/// `suite.toml`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Short name, `ip-phone`.
    pub id: Located<String>,
    /// Title for reports.
    pub title: String,
    /// Date of this release, `2026-11-21`.
    pub release: String,
    /// What the release is derived from.
    pub derived_from: String,
    /// How values near a limit are decided; fixed before a run.
    pub decision_rule: DecisionRule,
    /// When the rig is fit to judge.
    pub guard: Guard,
    /// What the rules on every message decide.
    #[serde(default)]
    pub rules: RulePolicy,
    /// ICS proforma: the features a device may claim.
    pub ics: BTreeMap<String, IcsItem>,
    /// Signals that cases play.
    #[serde(default)]
    pub signal: Vec<SignalEntry>,
    /// Folders of files that a lab may have and that are not part of the suite.
    #[serde(default)]
    pub collection: Vec<Collection>,
}

/// A folder of files that do not come with the suite; `send` steps name them `id:file`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// Name in the cases.
    pub id: Located<String>,
    /// The environment variable that holds the folder. Where it is not set, the cases that want the files do not apply.
    pub environment: String,
    /// What the files are and where they can be had.
    pub about: String,
}

/// How a measured value is held against a limit (ILAC-G8:09/2019 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionRule {
    /// Binary, simple acceptance: the value itself is compared.
    Simple,
}

/// Bounds on the lab's own behaviour: a case in which they are passed is inconclusive, whatever the device did.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Largest lateness of a packet of ours.
    pub send_lag: Span,
    /// Largest time the call driver was kept from running.
    pub loop_lag: Span,
    /// Largest time an ordinary program of the lab's machine was kept waiting; held only against cases that judge a stream or times, because the
    /// device may be such a program.
    pub host_lag: Span,
    /// Datagrams that the lab's own sockets dropped.
    pub socket_drops: u64,
}

/// What follows when a device breaks a rule that every message of every case is held against. The verdict of the case in which it was
/// seen stays what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulePolicy {
    /// Which rules weigh on the designations.
    #[serde(default)]
    pub decide: RuleDecision,
    /// Rules that are shown and do not decide, by id.
    #[serde(default)]
    pub except: Vec<Located<String>>,
}

/// Which rules weigh on the designations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleDecision {
    /// A broken requirement blocks both designations, a neglected recommendation the stringent one.
    #[default]
    Must,
    /// None: they are shown.
    None,
}

impl RulePolicy {
    /// Whether a violation of this rule weighs on the designations.
    pub fn decides(&self, rule: &str) -> bool {
        self.decide == RuleDecision::Must && !self.except.iter().any(|one| one.as_str() == rule)
    }
}

/// A signal in a file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalEntry {
    /// Name that cases use.
    pub id: Located<String>,
    /// Wave file, mono, 16 bit, 8 kHz; relative to the suite's folder.
    pub file: Located<String>,
    /// What it is and how it was made.
    pub about: String,
}
