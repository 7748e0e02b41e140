//! The verdict lattice.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a check, a measurement or a case came to. Ordered: combining keeps the worst, and the first reason of it.
///
/// `none < pass < inconc < fail < error`. Conditions outside the lattice (not applicable, not run, aborted) are not
/// verdicts; the record states them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing was judged.
    None,
    /// The requirement was seen to be met.
    Pass,
    /// Neither met nor broken can be said: evidence is missing or the rig was not fit.
    Inconc,
    /// The device broke the requirement.
    Fail,
    /// The test itself could not be carried out (rig, harness, operator, specification).
    Error,
}

impl Verdict {
    /// The word printed in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Pass => "PASS",
            Self::Inconc => "INCONC",
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
        }
    }

    /// The worse of two verdicts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
