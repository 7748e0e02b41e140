//! `plan`: what applies and why.

use std::sync::Arc;

use serde_json::json;
use voxproof_device::TerminalOperator;
use voxproof_record::Selection;
use voxproof_runner::{Interrupt, Profile, RunOptions, Runner};
use voxproof_spec::Tier;

use crate::args::PlanArgs;
use crate::commands::device;
use crate::exit::Exit;
use crate::terminal::say;
use crate::{Failure, Outcome};

pub(crate) fn plan(args: &PlanArgs, colour: bool) -> Outcome {
    let suite = device::suite(&args.suite, colour)?;
    let choice = device::device(&args.device, Some(&suite.suite), colour)?;
    let options = RunOptions {
        suite: Arc::new(suite),
        device: choice,
        out: "runs".into(),
        profile: Profile::Precert,
        only: args.only.clone(),
        jobs: 1,
        virtual_time: false,
        guests: None,
        target: Tier::Certified,
        seed: 1,
    };
    // the network's clock wants a runtime, nothing is sent
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, error))?;
    let plan = runtime.block_on(async {
        Runner::new(
            options,
            Arc::new(TerminalOperator),
            Arc::new(|_| {}),
            Interrupt::default(),
        )
        .plan()
    });
    let plan = plan.map_err(|error| Failure::new(Exit::of_error(&error), error))?;
    if args.json {
        say!(
            "{}",
            json!({"cases": plan.cases, "ics": plan.ics, "proforma": plan.proforma, "expected_s": plan.expected().as_secs_f64(), "prompts": plan.prompts})
        );
    } else {
        for case in &plan.cases {
            let (word, why) = match &case.selection {
                Selection::Run => ("run", format!("{:.0} s", case.duration_s)),
                Selection::NotApplicable { reason } => ("n/a", reason.clone()),
                Selection::NotSelected => ("left out", "--only does not select it".to_owned()),
            };
            say!("{word:<8}  {}  {}  ({why})", case.id, case.title);
        }
        let selected = plan.selected().count();
        say!(
            "\n{selected} of {} cases run, {:.0} s of test time{}",
            plan.cases.len(),
            plan.expected().as_secs_f64(),
            if plan.prompts > 0 {
                format!(", {} device actions", plan.prompts)
            } else {
                String::new()
            }
        );
        for denial in plan.denials() {
            say!("{denial}");
        }
    }
    Ok(if plan.selected().next().is_none() {
        Exit::NothingSelected
    } else {
        Exit::Pass
    })
}
