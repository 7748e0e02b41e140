//! `lab`: runs in guests whose clock is virtual.

use voxproof_guest::{GuestError, Kernel};
use voxproof_runner::Guests;

use crate::args::{LabCommand, LabRunArgs};
use crate::commands::run;
use crate::exit::Exit;
use crate::{Failure, Outcome};

pub(crate) fn lab(command: &LabCommand, colour: bool) -> Outcome {
    match command {
        LabCommand::Build => build(),
        LabCommand::Run(args) => in_guests(args, colour),
    }
}

fn unreachable(error: GuestError) -> Failure {
    Failure::new(Exit::Unreachable, error)
}

fn build() -> Outcome {
    let kernel = Kernel::build(&mut |step| eprintln!("{step}")).map_err(unreachable)?;
    println!("{}", kernel.path.display());
    Ok(Exit::Pass)
}

/// The guests of this machine: its kernel, and this very program in them.
pub(crate) fn guests() -> Result<Guests, Failure> {
    Ok(Guests {
        kernel: Kernel::find().map_err(unreachable)?,
        program: std::env::current_exe().map_err(|error| Failure::new(Exit::Internal, error))?,
    })
}

/// Guests that this machine runs without one keeping another waiting.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn in_guests(args: &LabRunArgs, colour: bool) -> Outcome {
    let mut options = run::options(&args.what, colour)?;
    options.jobs = run::jobs(args.jobs, processors())?;
    options.guests = Some(guests()?);
    run::carry_out(options, run::sink(args.what.message_format, colour), None)
}
