//! Everything done to this repository by command: set-up, demo, test, generated files.

mod packages;
mod tasks;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Tasks of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build in release and run the IP-phone suite against the simulated phone.
    Demo,
    /// Install what tests need; formatting, lints, all tests, documentation, generated files.
    Test,
    /// Install what tests need, and nothing else.
    Setup,
    /// Write the generated files again: schemas/ and docs/fault-matrix.md.
    Generate,
    /// Run the fuzz targets, this many seconds each (needs cargo-fuzz and a nightly toolchain).
    Fuzz {
        /// Seconds a target.
        #[arg(default_value_t = 60)]
        seconds: u64,
    },
}

fn main() -> Result<()> {
    match Xtask::parse().task {
        Task::Demo => tasks::demo(),
        Task::Test => tasks::test(),
        Task::Setup => packages::install(packages::FOR_TESTS),
        Task::Generate => tasks::generate(),
        Task::Fuzz { seconds } => tasks::fuzz(seconds),
    }
}
