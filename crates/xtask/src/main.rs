//! Everything done to this repository by command: set-up, demo, test, generated files.

mod bench;
mod fuzz;
mod interop;
mod lab;
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
    /// Build the fuzz targets with coverage and run them, each this long. What is found lies in fuzz/artifacts.
    Fuzz {
        /// Processor seconds a target.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Targets to run; all of them when none is named.
        targets: Vec<String>,
    },
    /// The guests with a virtual clock that real phones are tested in.
    #[command(subcommand)]
    Lab(Lab),
    /// Run every combination of other people's programs with the lab, a quarter of an hour, and write docs/interop.md.
    Interop,
    /// Measure the load mode side by side with SIPp and the analyzer side by side with sox, ffmpeg and packages of Python,
    /// and write docs/benchmarks.md (some minutes, on a machine with nothing else to do).
    Bench {
        /// Measure this part alone; the other one stays as it was.
        #[arg(long, value_enum)]
        only: Option<bench::Part>,
        /// Instead: hold the analyzer's figures against those of the others, write docs/accuracy.md, and fail where a
        /// difference is beyond its bound.
        #[arg(long, conflicts_with = "only")]
        accuracy: bool,
        /// Rounds of each measurement.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Calls a round.
        #[arg(long, default_value_t = 10_000)]
        calls: u64,
        /// Calls a second.
        #[arg(long, default_value_t = 1_500)]
        rate: u32,
        /// Streams at a time.
        #[arg(long, default_value_t = 1_500)]
        streams: u64,
        /// Seconds a stream.
        #[arg(long, default_value_t = 10)]
        stream_seconds: u64,
    },
    /// Run a program and print the peak of its memory: a part of `bench`.
    #[command(hide = true)]
    PeakMemory {
        /// The program and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
enum Lab {
    /// Install what building takes, and build the guests' kernel into the cache; once, some minutes.
    Build,
    /// Run the tests that need guests, the whole suite against every real phone among them.
    Test,
    /// Run the whole suite against every real phone with several seeds, compare the verdicts, and write docs/stability.md.
    Stability {
        /// Runs a phone.
        #[arg(long, default_value_t = 20)]
        runs: u64,
        /// Device files.
        #[arg(default_values = ["devices/baresip.toml", "devices/linphone.toml"])]
        devices: Vec<String>,
    },
}

fn main() -> Result<()> {
    match Xtask::parse().task {
        Task::Demo => tasks::demo(),
        Task::Test => tasks::test(),
        Task::Setup => packages::install(packages::FOR_TESTS),
        Task::Generate => tasks::generate(),
        Task::Fuzz { seconds, targets } => fuzz::fuzz(seconds, &targets),
        Task::Lab(Lab::Build) => lab::build(),
        Task::Lab(Lab::Test) => lab::test(),
        Task::Lab(Lab::Stability { runs, devices }) => lab::stability(runs, &devices),
        Task::Interop => interop::interop(),
        Task::Bench { accuracy: true, .. } => bench::accuracy(),
        Task::PeakMemory { words } => bench::peak_memory(&words),
        Task::Bench {
            only,
            accuracy: false,
            rounds,
            calls,
            rate,
            streams,
            stream_seconds,
        } => {
            let extent = bench::Extent {
                rounds,
                calls,
                rate,
                streams,
                stream_seconds,
            };
            bench::bench(extent, only)
        }
    }
}
