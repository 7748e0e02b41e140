//! Fuzzing with libFuzzer on the stable toolchain: the coverage that `cargo fuzz` asks a nightly compiler for is a pass
//! of LLVM, which any rustc runs.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::tasks::{cargo, must, root};

/// What `cargo fuzz --sanitizer none` hands to rustc (cargo-fuzz 0.13, `src/project.rs`), without its nightly options.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
                     --cfg fuzzing -Clink-dead-code -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

/// Named, so that build scripts and macros are built without the flags.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

fn folder() -> PathBuf {
    root().join("fuzz")
}

fn names() -> Result<Vec<String>> {
    let targets = folder().join("fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&targets).with_context(|| format!("cannot list {}", targets.display()))? {
        if let Some(name) = entry?.path().file_stem().and_then(|stem| stem.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Processor time that a process has used, from `/proc/PID/stat` (proc(5): utime and stime, in clock ticks of 10 ms).
fn processor_time(child: &Child) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

fn run(name: &str, processor_seconds: u64) -> Result<bool> {
    let corpus = folder().join("corpus").join(name);
    let artifacts = folder().join("artifacts").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let log = fs::File::create(artifacts.join("log"))?;
    let program = folder().join("target").join(TRIPLE).join("release").join(name);
    let mut child = Command::new(&program)
        .arg(&corpus)
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args([
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-max_len=8192",
            "-print_final_stats=1",
        ])
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let mut used = Duration::ZERO;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        used = processor_time(&child).unwrap_or(used);
        if used >= Duration::from_secs(processor_seconds) {
            // libFuzzer writes its figures and leaves when it is asked to (SIGTERM); it says so with a status of its own
            Command::new("kill").arg(child.id().to_string()).status()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let healthy = status.is_none();
    let log = fs::read_to_string(artifacts.join("log")).unwrap_or_default();
    let last = log
        .lines()
        .rev()
        .find(|line| line.starts_with('#'))
        .unwrap_or_default();
    println!("{name}: {:.0} processor seconds, {last}", used.as_secs_f64());
    if !healthy {
        println!("{name}: STOPPED, read {}/log", artifacts.display());
    }
    Ok(healthy)
}

pub(crate) fn fuzz(processor_seconds: u64, chosen: &[String]) -> Result<()> {
    let names = names()?;
    if let Some(unknown) = chosen.iter().find(|name| !names.contains(name)) {
        bail!(
            "there is no fuzz target {unknown}; there are {}",
            names.join(", ")
        );
    }
    must(
        "fuzz targets",
        cargo()
            .current_dir(folder())
            .args(["build", "--release", "--bins", "--target", TRIPLE])
            .env("CARGO_TARGET_DIR", folder().join("target"))
            .env("RUSTFLAGS", FLAGS),
    )?;
    let mut stopped = Vec::new();
    for name in names
        .iter()
        .filter(|name| chosen.is_empty() || chosen.contains(name))
    {
        if !run(name, processor_seconds)? {
            stopped.push(name.as_str());
        }
    }
    if stopped.is_empty() {
        return Ok(());
    }
    bail!("inputs that stop a target were found: {}", stopped.join(", "))
}
