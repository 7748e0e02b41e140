//! The `voxproof` command.

mod args;
mod commands;
mod exit;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let colour = terminal::colour(cli.color);
    let exit = match cli.command {
        Command::Run(args) => commands::run::run(&args, colour),
        Command::Resume(args) => commands::run::resume(&args, colour),
        Command::Rerun(args) => commands::run::rerun(&args, colour),
        Command::Lab(args) => commands::lab::lab(&args, colour),
        Command::Plan(args) => commands::plan::plan(&args, colour),
        Command::List(args) => commands::list::list(&args, colour),
        Command::Lint(args) => commands::lint::lint(&args, colour),
        Command::Judge(args) => commands::judge::judge(&args),
        Command::Report(args) => commands::report::report(&args),
        Command::Call(args) => commands::call::call(&args),
        Command::Measure(args) => commands::sound::measure::run(&args),
        Command::Analyze(args) => commands::sound::analyze::run(&args),
        Command::Stimulus(args) => commands::sound::stimulus::run(&args),
        Command::Doctor(args) => commands::doctor::doctor(&args, colour),
        Command::Schema(args) => commands::generated::schema(&args),
        Command::Explain(args) => commands::generated::explain(&args),
        Command::Completions(args) => commands::generated::completions(&args),
        Command::Man => commands::generated::man(),
    };
    match exit {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            failure.exit.into()
        }
    }
}

/// A command that did not come to its end.
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl ToString) -> Self {
        Self {
            exit,
            message: message.to_string(),
        }
    }
}

/// What a command comes to.
pub(crate) type Outcome = Result<Exit, Failure>;
