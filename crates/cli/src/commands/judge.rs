//! `judge`: every verdict again, from the evidence alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use voxproof_judge::{ANALYZER_VERSION, designations};
use voxproof_record::{Judgement, Manifest, RecordError, Run, RunState};
use voxproof_spec::{Limit, parse_limits};

use crate::args::JudgeArgs;
use crate::exit::Exit;
use crate::terminal::say;
use crate::{Failure, Outcome};

pub(crate) fn judge(args: &JudgeArgs) -> Outcome {
    let run = Run::read(&args.run).map_err(|error| Failure::new(Exit::Record, error))?;
    let limits = match &args.limits {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::new(
                    Exit::Specification,
                    format!("cannot read {}: {error}", path.display()),
                )
            })?;
            let list = parse_limits(path, &Arc::from(text))
                .map_err(|error| Failure::new(Exit::Specification, error))?;
            Some(
                list.into_iter()
                    .map(|limit| (limit.id.to_string(), limit))
                    .collect::<BTreeMap<String, Limit>>(),
            )
        }
    };
    let mut differences = 0;
    if run.started.analyzer_version != ANALYZER_VERSION {
        eprintln!(
            "note: the run was judged by {}, this is {ANALYZER_VERSION}",
            run.started.analyzer_version
        );
    }
    if let Some(manifest) = Manifest::read(&run.path).map_err(|error| Failure::new(Exit::Record, error))? {
        for problem in manifest.problems(&run.path) {
            say!("DIFFERS  {}: {}", problem.path, problem.problem);
            differences += 1;
        }
    }
    let mut judged = 0;
    let mut whole = true;
    let mut cases = run.cases.clone();
    for case in &mut cases {
        for attempt in &mut case.attempts {
            let id = format!("{} attempt {}", attempt.case, attempt.attempt);
            let evidence = match run.evidence(attempt) {
                Ok(evidence) => evidence,
                Err(
                    error @ (RecordError::Tampered { .. }
                    | RecordError::Read { .. }
                    | RecordError::Damaged { .. }),
                ) => {
                    say!("DIFFERS  {id}: {error}");
                    differences += 1;
                    whole = false;
                    continue;
                }
                Err(error) => return Err(Failure::new(Exit::Record, error)),
            };
            let again = voxproof_judge::judge(&evidence, run.started.target, limits.as_ref())
                .map_err(|error| Failure::new(Exit::Specification, error))?
                .judgement;
            judged += 1;
            let found = compare(&attempt.judgement, &again);
            if found.is_empty() {
                say!("same     {id}: {}", again.verdict);
            }
            for difference in found {
                say!("DIFFERS  {id}: {difference}");
                differences += 1;
            }
            attempt.judgement = again;
        }
    }
    // an interrupted rerun has attempts that its last end knew nothing of
    if let (true, RunState::Finished, Some(finished)) = (whole, run.state, &run.finished) {
        let again = designations(&run.started.proforma, &cases);
        for (name, then, now) in [
            ("Certified", &finished.designation.certified, &again.certified),
            ("Works with", &finished.designation.works_with, &again.works_with),
        ] {
            if then != now {
                say!(
                    "DIFFERS  {name} was {} with {} reasons, is {} with {}",
                    met(then.meets),
                    then.reasons.len(),
                    met(now.meets),
                    now.reasons.len()
                );
                differences += 1;
            }
        }
    }
    say!("{judged} judgements derived again from evidence, {differences} differences");
    Ok(if differences == 0 { Exit::Pass } else { Exit::Fail })
}

const fn met(meets: bool) -> &'static str {
    if meets { "met" } else { "not met" }
}

fn compare(recorded: &Judgement, again: &Judgement) -> Vec<String> {
    let mut found = vec![];
    if recorded.verdict != again.verdict {
        found.push(format!(
            "verdict was {}, is {} ({})",
            recorded.verdict, again.verdict, again.reason
        ));
    }
    for (then, now) in recorded.checks.iter().zip(&again.checks) {
        if then != now {
            found.push(format!(
                "check {} was {} ({}), is {} ({})",
                then.id, then.verdict, then.actual, now.verdict, now.actual
            ));
        }
    }
    for (then, now) in recorded.measurements.iter().zip(&again.measurements) {
        if then != now {
            found.push(format!(
                "{} of {} was {:?} {} {}, is {:?} {} {}",
                then.quantity,
                then.stream,
                then.value,
                then.unit,
                then.verdict,
                now.value,
                now.unit,
                now.verdict
            ));
        }
    }
    if found.is_empty() && recorded != again {
        found
            .push("the number of checks, measurements or findings, a reason or a finding differs".to_owned());
    }
    found
}
