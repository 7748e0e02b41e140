//! Counts and findings.

use std::time::Duration;

use crate::catalogue::{Id, RULES};
use crate::rule::Rule;

/// How many findings of one rule are kept; further ones are only counted.
const KEPT: u64 = 5;

/// A rule that was broken once.
#[derive(Debug, Clone)]
pub struct RuleFinding {
    /// The rule.
    pub rule: &'static Rule,
    /// When the message or packet was seen, since the lab's epoch; for something that did not come, when it was due to.
    pub at: Duration,
    /// Number of the message or packet in the capture.
    pub packet: u32,
    /// What was seen and what is expected.
    pub message: String,
}

/// How often a rule had something to judge.
#[derive(Debug, Clone, Copy)]
pub struct RuleCount {
    /// The rule.
    pub rule: &'static Rule,
    /// How often it was applicable; 0 means not exercised.
    pub applicable: u64,
    /// How often it was broken, with those whose finding was not kept.
    pub broken: u64,
}

/// Where in the traffic something is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) at: Duration,
    pub(crate) packet: u32,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    counts: Vec<(u64, u64)>,
    findings: Vec<RuleFinding>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![(0, 0); RULES.len()],
            findings: Vec::new(),
        }
    }

    /// Counts that the rule applied and keeps a finding when it does not hold.
    #[inline]
    pub(crate) fn check(&mut self, id: Id, spot: Spot, holds: bool, message: impl FnOnce() -> String) {
        let index = id as usize;
        let (Some(count), Some(rule)) = (self.counts.get_mut(index), RULES.get(index)) else {
            return;
        };
        count.0 += 1;
        if holds {
            return;
        }
        count.1 += 1;
        if count.1 <= KEPT {
            self.findings.push(RuleFinding {
                rule,
                at: spot.at,
                packet: spot.packet,
                message: message(),
            });
        }
    }

    pub(crate) fn findings(&self) -> &[RuleFinding] {
        &self.findings
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = RuleCount> {
        RULES
            .iter()
            .zip(&self.counts)
            .map(|(rule, &(applicable, broken))| RuleCount {
                rule,
                applicable,
                broken,
            })
    }
}
