//! What a device's vendor declared, and what the device was seen to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voxproof_spec::IcsDeclaration;

use crate::CaseRecord;

/// What one attempt at a case showed of one item of the ICS proforma.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IcsSighting {
    /// Name of the item.
    pub item: String,
    /// Occasions on which it could have shown: messages of the kind, or the case as a whole.
    pub chances: u64,
    /// How often it showed.
    pub seen: u64,
    /// Where it showed first.
    pub first: Option<IcsSight>,
}

/// One sight of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IcsSight {
    /// Packet number in the case's capture, from 1; none where it is an entry of the timeline.
    pub packet: Option<u32>,
    /// What was seen, in words.
    pub what: String,
}

/// One item of the proforma over a whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IcsResult {
    /// The item and the answer.
    #[serde(flatten)]
    pub declaration: IcsDeclaration,
    /// Whether what was seen agrees with the answer.
    pub outcome: IcsOutcome,
    /// Occasions on which it could have shown.
    pub chances: u64,
    /// How often it showed.
    pub seen: u64,
    /// The case in which it showed first.
    pub case: Option<String>,
    /// Where in the evidence of that case.
    pub first: Option<IcsSight>,
}

/// Whether a claim agrees with what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IcsOutcome {
    /// Claimed and seen, or denied and not seen.
    Agrees,
    /// Claimed and not seen: worth knowing, and no contradiction.
    NotSeen,
    /// Denied and seen: the cases on it were left out for a wrong reason.
    Contradicted,
    /// Denied, and nothing in the run could have shown it.
    NoOccasion,
    /// The suite does not say how it would show.
    NotObservable,
}

impl IcsOutcome {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::NotSeen => "declared, not seen",
            Self::Contradicted => "seen though denied",
            Self::NoOccasion => "denied, no occasion to show",
            Self::NotObservable => "not observable",
        }
    }
}

impl IcsResult {
    /// What has to be said of an item that was seen though it is denied.
    pub fn contradiction(&self) -> Option<String> {
        if self.outcome != IcsOutcome::Contradicted {
            return None;
        }
        let what = self.first.as_ref().map_or("it was seen", |sight| &sight.what);
        let packet = self
            .first
            .as_ref()
            .and_then(|sight| sight.packet)
            .map(|packet| format!(", packet {packet}"))
            .unwrap_or_default();
        Some(format!(
            "the ICS has to be corrected: it denies {}, but the device shows it ({what} in {}{packet}); the cases on it were left out",
            self.declaration.item,
            self.case.as_deref().unwrap_or("-")
        ))
    }
}

/// The declarations of a run beside what all attempts at its cases showed, in order of the items.
pub fn ics_results(declarations: &[IcsDeclaration], cases: &[CaseRecord]) -> Vec<IcsResult> {
    declarations
        .iter()
        .map(|declaration| {
            let mut result = IcsResult {
                declaration: declaration.clone(),
                outcome: IcsOutcome::Agrees,
                chances: 0,
                seen: 0,
                case: None,
                first: None,
            };
            for case in cases {
                for attempt in &case.attempts {
                    let sightings = attempt.judgement.ics.iter();
                    for sighting in sightings.filter(|one| one.item == declaration.item) {
                        result.chances += sighting.chances;
                        result.seen += sighting.seen;
                        if result.first.is_none() && sighting.first.is_some() {
                            result.first.clone_from(&sighting.first);
                            result.case = Some(case.planned.id.clone());
                        }
                    }
                }
            }
            result.outcome = match (declaration.observable, declaration.declared, result.seen > 0) {
                (false, ..) => IcsOutcome::NotObservable,
                (true, false, false) if result.chances == 0 => IcsOutcome::NoOccasion,
                (true, true, false) => IcsOutcome::NotSeen,
                (true, false, true) => IcsOutcome::Contradicted,
                (true, ..) => IcsOutcome::Agrees,
            };
            result
        })
        .collect()
}
