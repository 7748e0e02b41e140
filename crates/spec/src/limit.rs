//! Limits with their tiers and where they come from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Located, Quantity, Tier};

/// A limit on one quantity, in up to one bound pair a designation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Identifier that cases refer to.
    pub id: Located<String>,
    /// The quantity it bounds; a case that measures another quantity against it is refused.
    pub quantity: Quantity,
    /// Unit of the bounds; must be the quantity's unit.
    pub unit: Located<String>,
    /// What the limit protects, in words.
    pub title: String,
    /// Where the numbers come from, to the clause.
    pub clause: String,
    /// How far the numbers can be trusted.
    pub source: LimitSource,
    /// Bounds a designation.
    pub tier: Vec<Located<TierLimit>>,
}

/// Bounds for one designation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TierLimit {
    /// The designation.
    pub tier: Tier,
    /// Smallest value that is still good.
    #[serde(default)]
    pub lower: Option<f64>,
    /// Largest value that is still good.
    #[serde(default)]
    pub upper: Option<f64>,
}

/// How far a limit's numbers can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitSource {
    /// Read in the standard itself.
    Verified,
    /// Read in a transcription of the standard.
    Secondary,
    /// This project's proposal.
    Proposal,
    /// Not verified; never decides.
    Unverified,
}

impl LimitSource {
    /// Whether a value outside the limit can fail a device.
    pub fn decides(self) -> bool {
        self != Self::Unverified
    }
    /// Word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Secondary => "secondary",
            Self::Proposal => "proposal",
            Self::Unverified => "unverified",
        }
    }
}
