//! `run`, `resume` and `rerun`.

use std::path::Path;
use std::sync::Arc;

use voxproof_device::TerminalOperator;
use voxproof_record::{RuleTotal, Run, RunState, rule_totals};
use voxproof_runner::{DeviceChoice, Interrupt, Profile, ProgressSink, RunError, RunOptions, Runner};
use voxproof_spec::{Driver, IcsDeclaration, Tier, Verdict};

use crate::args::{MessageFormat, ProfileArg, RerunArgs, ResumeArgs, RunArgs, TargetArg, WhatToRun};
use crate::commands::{device, lab};
use crate::exit::Exit;
use crate::{Failure, Outcome, terminal};

/// Cases at the same time against the simulated phone.
const SIM_JOBS: usize = 8;

pub(crate) fn sink(format: MessageFormat, colour: bool) -> ProgressSink {
    match format {
        MessageFormat::Human => terminal::human(colour),
        MessageFormat::JsonLines => terminal::json_lines(),
    }
}

fn failure(error: RunError) -> Failure {
    Failure::new(Exit::of_error(&error), error)
}

/// Whether it is the simulated phone, named or in a device file: time may be virtual then.
fn is_simulated(choice: &DeviceChoice) -> bool {
    match choice {
        DeviceChoice::Sim(_) => true,
        DeviceChoice::File(_, file) => file
            .driver
            .iter()
            .any(|driver| matches!(**driver, Driver::Sim(_))),
    }
}

/// Reads what a run is told; time is the system's and the cases run in this process.
pub(crate) fn options(what: &WhatToRun, colour: bool) -> Result<RunOptions, Failure> {
    if what.profile == ProfileArg::Certification && what.only.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "the certification profile runs every applicable case; leave --only out",
        ));
    }
    let suite = device::suite(&what.suite, colour)?;
    let choice = device::device(&what.device, Some(&suite.suite), colour)?;
    Ok(RunOptions {
        suite: Arc::new(suite),
        device: choice,
        out: what.out.clone(),
        profile: match what.profile {
            ProfileArg::Precert => Profile::Precert,
            ProfileArg::Certification => Profile::Certification,
        },
        only: what.only.clone(),
        jobs: 1,
        virtual_time: false,
        guests: None,
        target: match what.target {
            TargetArg::Certified => Tier::Certified,
            TargetArg::WorksWith => Tier::WorksWith,
        },
        seed: what.seed,
    })
}

/// What `--jobs` says, or the default.
pub(crate) fn jobs(told: Option<usize>, otherwise: usize) -> Result<usize, Failure> {
    match told {
        Some(0) => Err(Failure::new(Exit::Usage, "--jobs 0 would run nothing")),
        Some(jobs) => Ok(jobs),
        None => Ok(otherwise),
    }
}

pub(crate) fn run(args: &RunArgs, colour: bool) -> Outcome {
    let mut options = options(&args.what, colour)?;
    if args.virtual_time && !is_simulated(&options.device) {
        return Err(Failure::new(
            Exit::Usage,
            "--virtual-time works with the simulated phone only; `voxproof lab run` has a virtual clock for any program",
        ));
    }
    options.virtual_time = args.virtual_time;
    options.jobs = jobs(args.jobs, if args.virtual_time { 1 } else { SIM_JOBS })?;
    carry_out(options, sink(args.what.message_format, colour), None)
}

pub(crate) fn resume(args: &ResumeArgs, colour: bool) -> Outcome {
    again(&args.run, args.message_format, colour, |run| {
        if run.state == RunState::Finished {
            return Err(Failure::new(
                Exit::NothingSelected,
                "the run is finished; `voxproof rerun` runs cases once more",
            ));
        }
        Ok(vec![])
    })
}

pub(crate) fn rerun(args: &RerunArgs, colour: bool) -> Outcome {
    again(&args.run, args.message_format, colour, |run| {
        let wanted = |word: &str, id: &str, verdict: Option<Verdict>| match word {
            "failed" => verdict == Some(Verdict::Fail),
            "inconc" => verdict == Some(Verdict::Inconc),
            "error" => verdict == Some(Verdict::Error),
            other => other == id,
        };
        Ok(run
            .cases
            .iter()
            .filter(|case| {
                args.only
                    .iter()
                    .any(|word| wanted(word, &case.planned.id, case.verdict()))
            })
            .map(|case| case.planned.id.clone())
            .collect())
    })
}

/// Goes on with a run under the very specification it was begun with.
fn again(
    path: &Path,
    format: MessageFormat,
    colour: bool,
    choose: impl Fn(&Run) -> Result<Vec<String>, Failure>,
) -> Outcome {
    let run = Run::read(path).map_err(|error| Failure::new(Exit::Record, error))?;
    let chosen = choose(&run)?;
    let suite = device::suite(Path::new(&run.started.suite.path), colour)?;
    if suite.sha256 != run.started.suite.sha256 {
        return Err(Failure::new(
            Exit::Specification,
            format!(
                "the suite in {} was changed since the run was begun; one run has one suite: begin a new run",
                run.started.suite.path
            ),
        ));
    }
    let choice = device::device(&run.started.device.argument, Some(&suite.suite), colour)?;
    let sim = is_simulated(&choice);
    let guests = match run.started.guest_kernel {
        Some(_) => Some(lab::guests()?),
        None => None,
    };
    let options = RunOptions {
        suite: Arc::new(suite),
        device: choice,
        out: path.parent().unwrap_or_else(|| Path::new(".")).to_owned(),
        profile: if run.started.profile == "certification" {
            Profile::Certification
        } else {
            Profile::Precert
        },
        only: run.started.only.clone(),
        jobs: match &guests {
            Some(_) => lab::processors(),
            None if sim && !run.started.virtual_time => SIM_JOBS,
            None => 1,
        },
        virtual_time: run.started.virtual_time && guests.is_none(),
        guests,
        target: run.started.target,
        seed: 1,
    };
    carry_out(options, sink(format, colour), Some((run, chosen)))
}

pub(crate) fn carry_out(
    options: RunOptions,
    progress: ProgressSink,
    again: Option<(Run, Vec<String>)>,
) -> Outcome {
    let mut builder = if options.virtual_time {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.start_paused(true);
        builder
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        // more than the cores: a lane that is kept waiting by the system must not keep the others waiting
        builder.worker_threads(4);
        builder
    };
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, error))?;
    let interrupt = Interrupt::default();
    watch_ctrl_c(interrupt.clone());
    let result = runtime.block_on(async {
        let runner = Runner::new(options, Arc::new(TerminalOperator), progress, interrupt.clone());
        match &again {
            None => runner.run().await,
            Some((run, chosen)) => runner.resume(run, chosen).await,
        }
    });
    let run = result.map_err(failure)?;
    let written = voxproof_report::write_all(&run).map_err(|error| Failure::new(Exit::Record, error))?;
    if let Some(html) = written
        .iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "html"))
    {
        eprintln!("report: {}", html.display());
    }
    if interrupt.presses() > 0 {
        return Ok(Exit::Interrupted);
    }
    // a rule that a device must keep counts like a case that it must pass, and so does a feature that it must have; a run of some
    // cases asks for no more than those
    let target = run.started.target;
    let lacks = |one: &IcsDeclaration| one.is_missing_for(target);
    if rule_totals(&run.cases).iter().any(RuleTotal::is_broken_must)
        || (run.started.only.is_none() && run.started.proforma.iter().any(lacks))
    {
        return Ok(Exit::Fail);
    }
    Ok(Exit::of_counts(run.counts()))
}

/// Ctrl-C once finishes the step in hand, twice aborts; a thread of its own, so that a paused clock does not matter.
fn watch_ctrl_c(interrupt: Interrupt) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                match interrupt.press() {
                    1 => eprintln!("\nstopping after this step; press Ctrl-C again to abort"),
                    2 => eprintln!("\naborting"),
                    _ => std::process::exit(Exit::Interrupted as i32),
                }
            }
        });
    });
}
