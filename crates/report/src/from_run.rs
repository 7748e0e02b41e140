//! From the record to the report.

use std::collections::{BTreeMap, BTreeSet};

use voxproof_record::{
    CaseFinished, CaseRecord, Designation, MeasurementResult, Run, RunState, Selection, ics_results,
    rule_totals,
};
use voxproof_spec::{Tier, Verdict};

use crate::{
    AttemptReport, CaseReport, DesignationReport, DesignationReports, DeviceReport, MeasurementReport,
    NOT_FINISHED, Outcome, Report, SCHEMA_VERSION, State, SuiteReport, UNOFFICIAL_NOTICE, designation_text,
};

impl Report {
    /// Reads a run. Designations are those of the journal; a run without an end meets none.
    pub fn from_run(run: &Run) -> Self {
        let started = &run.started;
        let finished = run.finished.as_ref();
        let designation = |tier, of: fn(&voxproof_record::DesignationResults) -> &Designation| {
            let open;
            let found = match finished {
                Some(finished) => of(&finished.designation),
                None => {
                    open = Designation {
                        meets: false,
                        granted: false,
                        reasons: vec![NOT_FINISHED.to_owned()],
                    };
                    &open
                }
            };
            DesignationReport {
                meets: found.meets,
                granted: found.meets && found.granted && started.official,
                text: designation_text(tier, found, started.official),
                reasons: found.reasons.clone(),
            }
        };
        Self {
            schema_version: SCHEMA_VERSION,
            notice: (!started.official).then(|| UNOFFICIAL_NOTICE.to_owned()),
            run_id: started.run_id.clone(),
            state: match run.state {
                RunState::Finished => State::Finished,
                RunState::Interrupted => State::Interrupted,
                RunState::Open => State::Open,
            },
            started: run.started_at.clone(),
            finished: finished.map(|_| run.last_at.clone()),
            last_event: run.last_at.clone(),
            wall_s: finished.map(|finished| finished.wall_s),
            tool_version: started.tool_version.clone(),
            analyzer_version: started.analyzer_version.clone(),
            host: started.host.clone(),
            virtual_time: started.virtual_time,
            profile: started.profile.clone(),
            official: started.official,
            target: started.target,
            only: started.only.clone(),
            suite: SuiteReport {
                id: started.suite.id.clone(),
                title: started.suite.title.clone(),
                release: started.suite.release.clone(),
                sha256: started.suite.sha256.clone(),
                derived_from: started.suite.derived_from.clone(),
                decision_rule: started.suite.decision_rule,
            },
            device: DeviceReport {
                manufacturer: started.device.manufacturer.clone(),
                model: started.device.model.clone(),
                firmware: started.device.firmware.clone(),
                driver: started.device.driver.clone(),
                capabilities: started.device.capabilities.clone(),
            },
            ics: started.ics.clone(),
            ics_results: ics_results(&started.proforma, &run.cases),
            designation: DesignationReports {
                certified: designation(Tier::Certified, |both| &both.certified),
                works_with: designation(Tier::WorksWith, |both| &both.works_with),
            },
            counts: run.counts(),
            cases: run.cases.iter().map(|case| case_report(run, case)).collect(),
            rules: rule_totals(&run.cases),
            evidence: started.evidence.clone(),
        }
    }
}

fn case_report(run: &Run, case: &CaseRecord) -> CaseReport {
    let planned = &case.planned;
    let attempts: Vec<AttemptReport> = case
        .attempts
        .iter()
        .map(|attempt| attempt_report(attempt, run.started.target))
        .collect();
    let (verdict, reason) = match case.verdict() {
        Some(verdict) => (verdict.into(), attempts_reason(verdict, &attempts)),
        None => missing(run, &planned.selection),
    };
    let last = attempts.last().cloned();
    CaseReport {
        id: planned.id.clone(),
        rev: planned.rev,
        title: planned.title.clone(),
        purpose: planned.purpose.clone(),
        catalogue: planned.catalogue.clone(),
        level: planned.level,
        severity: planned.severity,
        tiers: planned.tiers.clone(),
        verdict,
        reason,
        tier_verdicts: tier_verdicts(&attempts),
        requirement: planned.requirement.clone(),
        wall_s: attempts.iter().map(|attempt| attempt.wall_s).sum(),
        checks: last.as_ref().map(|last| last.checks.clone()).unwrap_or_default(),
        measurements: last
            .as_ref()
            .map(|last| last.measurements.clone())
            .unwrap_or_default(),
        findings: last.map(|last| last.findings).unwrap_or_default(),
        attempts,
    }
}

/// Outcome and reason of a case without an attempt.
fn missing(run: &Run, selection: &Selection) -> (Outcome, String) {
    match selection {
        Selection::NotApplicable { reason } => (Outcome::NotApplicable, reason.clone()),
        Selection::NotSelected => (
            Outcome::NotRun,
            run.started.only.as_ref().map_or_else(
                || "not selected".to_owned(),
                |only| format!("left out by --only {only}"),
            ),
        ),
        Selection::Run => (
            Outcome::NotRun,
            match run.state {
                RunState::Finished => "the run ended without it",
                RunState::Interrupted => "the run was interrupted before it",
                RunState::Open => "the run has not come to it",
            }
            .to_owned(),
        ),
    }
}

/// The reason of the verdict that counts. Attempts that disagree are named, each with its own reason.
fn attempts_reason(verdict: Verdict, attempts: &[AttemptReport]) -> String {
    let disagree = attempts.iter().any(|attempt| attempt.verdict == Verdict::Pass)
        && attempts.iter().any(|attempt| attempt.verdict == Verdict::Fail);
    if disagree {
        let list: Vec<String> = attempts
            .iter()
            .map(|attempt| {
                let reason = if attempt.reason.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", attempt.reason)
                };
                format!("attempt {} {}{reason}", attempt.attempt, attempt.verdict)
            })
            .collect();
        return format!("the attempts disagree: {}", list.join("; "));
    }
    match attempts.last() {
        Some(last) if !last.reason.is_empty() => last.reason.clone(),
        _ if verdict == Verdict::None => "nothing was judged".to_owned(),
        _ => String::new(),
    }
}

/// The verdict a designation over all attempts, by the rule of `CaseRecord::verdict`.
fn tier_verdicts(attempts: &[AttemptReport]) -> BTreeMap<Tier, Verdict> {
    let tiers: BTreeSet<Tier> = attempts
        .iter()
        .flat_map(|attempt| attempt.tier_verdicts.keys().copied())
        .collect();
    tiers
        .into_iter()
        .filter_map(|tier| {
            let verdicts: Vec<Verdict> = attempts
                .iter()
                .filter_map(|attempt| attempt.tier_verdicts.get(&tier).copied())
                .collect();
            if verdicts.contains(&Verdict::Pass) && verdicts.contains(&Verdict::Fail) {
                return Some((tier, Verdict::Inconc));
            }
            verdicts.last().map(|verdict| (tier, *verdict))
        })
        .collect()
}

fn attempt_report(attempt: &CaseFinished, target: Tier) -> AttemptReport {
    let judgement = &attempt.judgement;
    AttemptReport {
        attempt: attempt.attempt,
        rev: attempt.rev,
        verdict: judgement.verdict,
        reason: judgement.reason.clone(),
        tier_verdicts: judgement.tiers.clone(),
        recovered: attempt.recovered.clone(),
        checks: judgement.checks.clone(),
        measurements: judgement
            .measurements
            .iter()
            .map(|result| measurement_report(result, target))
            .collect(),
        findings: judgement.findings.clone(),
        evidence: attempt.evidence.clone(),
        wall_s: attempt.wall_s,
    }
}

fn measurement_report(result: &MeasurementResult, target: Tier) -> MeasurementReport {
    let aimed = result
        .bounds
        .iter()
        .find(|bound| bound.tier == target)
        .or_else(|| result.bounds.first());
    MeasurementReport {
        quantity: result.quantity.clone(),
        stream: result.stream.clone(),
        value: result.value,
        unit: result.unit.clone(),
        lower: aimed.and_then(|bound| bound.lower),
        upper: aimed.and_then(|bound| bound.upper),
        margin: aimed.and_then(|bound| bound.margin),
        uncertainty: result.uncertainty,
        tier: aimed.map(|bound| bound.tier),
        source: result.source,
        limit: result.limit.clone(),
        clause: result.clause.clone(),
        verdict: result.verdict,
        n: result.n,
        note: result.note.clone(),
        bounds: result.bounds.clone(),
    }
}
