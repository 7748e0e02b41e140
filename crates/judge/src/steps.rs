//! What the driven steps themselves say: a device that does not act in time, a driver that cannot, a rig that failed.

use std::time::Duration;

use voxproof_record::{CheckResult, Phase, StepOutcome, TimelineEvent};
use voxproof_spec::{Await, Case, Located, Span, Step, Verdict};

use crate::pattern::matches_await;
use crate::view::{DrivenStep, View};

/// One result a step that did not go as meant, and one a device that came to an end.
pub(crate) fn results(view: &View<'_>) -> Vec<CheckResult> {
    let mut results: Vec<CheckResult> = view
        .steps
        .iter()
        .filter(|step| step.phase != Phase::Teardown)
        .filter_map(|step| result(view, step))
        .collect();
    for entry in &view.evidence.timeline.entries {
        if let TimelineEvent::DeviceGone { status, own_fault } = &entry.event {
            results.push(CheckResult {
                id: "device-alive".to_owned(),
                title: "The device keeps running".to_owned(),
                verdict: if *own_fault {
                    Verdict::Fail
                } else {
                    Verdict::Inconc
                },
                expected: "running to the end of the case".to_owned(),
                actual: if *own_fault {
                    status.clone()
                } else {
                    format!("{status}: ended from outside, not by the device")
                },
                clause: "post-condition of every case".to_owned(),
                evidence: vec![],
            });
        }
        if let TimelineEvent::NotCarriedOut { reason } = &entry.event {
            results.push(CheckResult {
                id: "carried-out".to_owned(),
                title: "The case is carried out".to_owned(),
                verdict: Verdict::Error,
                expected: "a device that can be driven".to_owned(),
                actual: reason.clone(),
                clause: "this lab".to_owned(),
                evidence: vec![],
            });
        }
    }
    results
}

fn steps_of(case: &Case, phase: Phase) -> &[Located<Step>] {
    match phase {
        Phase::Setup => &case.setup,
        Phase::Step => &case.step,
        Phase::Teardown => &case.teardown,
    }
}

fn result(view: &View<'_>, driven: &DrivenStep) -> Option<CheckResult> {
    let step = steps_of(view.case, driven.phase).get(driven.index as usize)?;
    let number = driven.index + 1;
    let place = match driven.phase {
        Phase::Setup => format!("set-up step {number}"),
        _ => format!("step {number}"),
    };
    // what the device did not do in a set-up keeps the case from being judged, it is not what the case is about
    let not_done = if driven.phase == Phase::Setup {
        Verdict::Inconc
    } else {
        Verdict::Fail
    };
    let mut result = CheckResult {
        id: format!("{}-{}", place.replace(' ', "-"), step.name()),
        title: format!("{place}: {}", step.name()),
        verdict: Verdict::Error,
        expected: String::new(),
        actual: String::new(),
        clause: clause(step),
        evidence: vec![],
    };
    let outcome = match (&**step, driven.outcome.as_ref()) {
        // the packets decide, not what the driver believed
        (Step::Await(wait), Some(StepOutcome::Done | StepOutcome::NotSeen { .. })) => {
            let expected = awaited(wait);
            let (from, after, until) = window(view, driven, wait);
            let seen = view.messages.iter().find(|record| {
                record.from_device
                    && record.packet > after
                    && record.at >= from
                    && record.at <= until
                    && matches_await(
                        wait,
                        &record.message,
                        wait.to
                            .as_ref()
                            .and_then(|to| view.marked(to))
                            .map(|r| &r.message),
                    )
            });
            if let Some(record) = seen {
                result.verdict = Verdict::Pass;
                result.expected = expected;
                result.actual = format!(
                    "{} after {:.3} s",
                    record.message.summary(),
                    record.at.saturating_sub(from).as_secs_f64()
                );
                result.evidence = vec![record.packet];
            } else {
                result.verdict = not_done;
                result.expected = expected;
                result.actual = "nothing of the kind came".to_owned();
            }
            return Some(result);
        }
        (_, outcome) => outcome,
    };
    match outcome {
        Some(StepOutcome::Done) => return None,
        Some(StepOutcome::NotSeen { awaited, within_ms }) => {
            result.verdict = not_done;
            result.expected = format!("{awaited} within {}", Span(Duration::from_millis(*within_ms)));
            result.actual = "it did not come".to_owned();
        }
        Some(StepOutcome::Driver { reason }) => {
            result.expected = "the device driver has the device do it".to_owned();
            result.actual = reason.clone();
        }
        Some(StepOutcome::Precondition { reason }) => {
            result.verdict = Verdict::Inconc;
            result.expected = "a state in which the step makes sense".to_owned();
            result.actual = reason.clone();
        }
        Some(StepOutcome::Rig { reason }) => {
            result.expected = "the lab carries the step out".to_owned();
            result.actual = reason.clone();
        }
        Some(StepOutcome::Aborted) | None => {
            result.verdict = Verdict::Inconc;
            result.expected = "the step comes to its end".to_owned();
            result.actual = "the case was stopped in this step".to_owned();
        }
    }
    Some(result)
}

/// From when, after which packet, and until when the awaited message counts.
fn window(view: &View<'_>, driven: &DrivenStep, wait: &Await) -> (Duration, u32, Duration) {
    let since = wait.since.as_ref().and_then(|mark| view.marks.get(&**mark));
    let from = since.map_or(driven.started, |moment| moment.end);
    let after = since.and_then(|moment| moment.packet).unwrap_or(0);
    // the time to wait always counts from the start of the step
    (from.min(driven.started), after, driven.started + wait.within.0)
}

fn awaited(wait: &Await) -> String {
    let what = match (&wait.request, &wait.response) {
        (Some(method), _) => format!("{} from the device", **method),
        (None, Some(status)) => format!("response {} from the device", **status),
        (None, None) => "a message".to_owned(),
    };
    let containing = wait
        .containing
        .as_ref()
        .map(|text| format!(" containing `{}`", text.escape_debug()))
        .unwrap_or_default();
    format!("{what}{containing} within {}", wait.within)
}

fn clause(step: &Step) -> String {
    match step {
        Step::Await(wait) => wait.clause.clone(),
        Step::Call(_) => "RFC 3261 13.3.1".to_owned(),
        Step::ReceiveCall(_) => "RFC 3261 13.2".to_owned(),
        _ => "the case's procedure".to_owned(),
    }
}
