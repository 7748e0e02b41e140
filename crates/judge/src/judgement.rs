//! From evidence to a verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use voxproof_record::{BoundResult, CaseEvidence, Exhibits, FindingResult, Judgement, Phase, TimelineEvent};
use voxproof_sip::Severity as SipSeverity;
use voxproof_spec::{Case, Diagnostics, Limit, Severity, Suite, Tier, Verdict, parse_case, parse_limits};

use crate::view::View;
use crate::{checks, exhibits, guard, ics, measures, rules, steps};

/// The evidence cannot be judged at all.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The case, suite or limits stored as evidence are not valid for this version.
    #[error("the stored specification cannot be read by this version:\n{0}")]
    Specification(#[from] Diagnostics),
    /// `suite.toml` stored as evidence is not valid.
    #[error("the stored suite.toml cannot be read by this version: {0}")]
    Suite(String),
}

/// What judging gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Checks, measurements and verdict.
    pub judgement: Judgement,
    /// Pictures of the evidence for the report.
    pub exhibits: Exhibits,
}

/// Judges one attempt at one case from its evidence alone; `target` is the tier that gives the case its verdict.
/// `limits` replaces the stored limits, to judge an old run by new ones.
pub fn judge(
    evidence: &CaseEvidence,
    target: Tier,
    limits: Option<&BTreeMap<String, Limit>>,
) -> Result<Judged, JudgeError> {
    let case = parse_case(Path::new("case.toml"), &evidence.case_source)?;
    let suite: Suite =
        toml::from_str(&evidence.suite_source).map_err(|error| JudgeError::Suite(error.to_string()))?;
    let stored: BTreeMap<String, Limit>;
    let limits = match limits {
        Some(limits) => limits,
        None => {
            let mut all = BTreeMap::new();
            for (name, text) in &evidence.limit_sources {
                for limit in parse_limits(Path::new(name), text)? {
                    all.insert(limit.id.to_string(), limit);
                }
            }
            stored = all;
            &stored
        }
    };
    let view = View::new(&case, evidence);
    Ok(Judged {
        judgement: judgement(&view, &case, &suite, limits, target),
        exhibits: exhibits::exhibits(&view),
    })
}

fn judgement(
    view: &View<'_>,
    case: &Case,
    suite: &Suite,
    limits: &BTreeMap<String, Limit>,
    target: Tier,
) -> Judgement {
    let mut results = steps::results(view);
    results.extend(case.check.iter().map(|check| checks::check(view, check)));
    let measurements = measures::measure_all(view, case, limits, target);

    // the lab's own trouble is never blamed on the device, and not credited to it either
    let problem = guard::problem(view, &suite.guard);
    let held = rules::hold(view, &suite.rules, problem.is_none());
    let kept_waiting = guard::kept_waiting(view, &suite.guard);
    let timed: BTreeSet<&str> = case
        .check
        .iter()
        .filter(|check| guard::is_timed(check))
        .map(|check| check.id.as_str())
        .collect();
    // a program that was kept from running is not blamed for what it did too late
    let excused = |verdict: Verdict, is_timed: bool| {
        kept_waiting
            .as_ref()
            .filter(|_| is_timed && verdict == Verdict::Fail)
    };

    let mut tiers = BTreeMap::new();
    let mut reasons: BTreeMap<Tier, String> = BTreeMap::new();
    for tier in [Tier::WorksWith, Tier::Certified] {
        let mut worst = (Verdict::None, String::new());
        let mut weigh = |verdict: Verdict, reason: &dyn Fn() -> String| {
            if verdict > worst.0 {
                worst = (
                    verdict,
                    if verdict == Verdict::Pass {
                        String::new()
                    } else {
                        reason()
                    },
                );
            }
        };
        for check in &results {
            match excused(check.verdict, timed.contains(check.id.as_str())) {
                Some(excuse) => weigh(Verdict::Inconc, &|| {
                    format!("{}: {}; {excuse}", check.title, check.actual)
                }),
                None => weigh(check.verdict, &|| {
                    format!("{}: expected {}; {}", check.title, check.expected, check.actual)
                }),
            }
        }
        for measurement in &measurements {
            let bound: Option<&BoundResult> = measurement.bounds.iter().find(|bound| bound.tier == tier);
            let verdict = bound.map_or(Verdict::None, |bound| bound.verdict);
            match excused(verdict, true) {
                Some(excuse) => weigh(Verdict::Inconc, &|| {
                    format!("{}; {excuse}", measures::reason(measurement, bound))
                }),
                None => weigh(verdict, &|| measures::reason(measurement, bound)),
            }
        }
        let finished = view
            .steps
            .iter()
            .any(|step| step.phase == Phase::Step && step.outcome.is_some());
        if worst.0 == Verdict::None || (worst.0 == Verdict::Pass && !finished) {
            worst = (
                Verdict::Inconc,
                "nothing in the evidence says that the device met the requirement".to_owned(),
            );
        }
        if let Some(problem) = &problem
            && worst.0 != Verdict::Error
        {
            worst = (Verdict::Inconc, problem.clone());
        }
        tiers.insert(tier, worst.0);
        reasons.insert(tier, worst.1);
    }
    Judgement {
        verdict: tiers.get(&target).copied().unwrap_or(Verdict::None),
        reason: reasons.remove(&target).unwrap_or_default(),
        tiers,
        checks: results,
        measurements,
        findings: findings(view, held.findings),
        rules: held.results,
        ics: ics::sightings(view, suite),
    }
}

/// What was noticed beside the checks: broken rules, malformed messages that no rule speaks of, keys that cannot be read, a device
/// not fit after the case.
fn findings(view: &View<'_>, broken: Vec<FindingResult>) -> Vec<FindingResult> {
    let spoken_of: BTreeSet<u32> = broken
        .iter()
        .flat_map(|finding| finding.evidence.iter().copied())
        .collect();
    let rules = broken.len();
    let mut found = broken;
    for record in view.messages.iter().filter(|record| record.from_device) {
        if spoken_of.contains(&record.packet) {
            continue;
        }
        for finding in record.message.findings() {
            if finding.severity() != SipSeverity::Violation {
                continue;
            }
            match found.iter_mut().skip(rules).find(|one| one.rule == finding.code) {
                Some(known) => known.evidence.push(record.packet),
                None => found.push(FindingResult {
                    rule: finding.code.to_owned(),
                    severity: Severity::Important,
                    clause: finding.clause.to_owned(),
                    message: finding.message.clone(),
                    evidence: vec![record.packet],
                }),
            }
        }
    }
    for reason in &view.unreadable_keys {
        found.push(FindingResult {
            rule: "keys".to_owned(),
            severity: Severity::Important,
            clause: "this lab".to_owned(),
            message: format!("recorded keys cannot be read, the media stays encrypted: {reason}"),
            evidence: vec![],
        });
    }
    for entry in &view.evidence.timeline.entries {
        if let TimelineEvent::PostCondition { fit: false, reason } = &entry.event {
            found.push(FindingResult {
                rule: "post-condition".to_owned(),
                severity: Severity::Important,
                clause: "post-condition of every case".to_owned(),
                message: format!("after the case the device was not idle, answering and silent: {reason}"),
                evidence: vec![],
            });
        }
    }
    found
}
