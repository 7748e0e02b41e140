//! Fuzzing with libFuzzer on the stable toolchain: the coverage that `cargo fuzz` asks a nightly compiler for is a pass
//! of LLVM, which any rustc runs.
//!
//! `fuzz/seeds/TARGET.hex` is what a target starts from, an input a line: the smallest inputs that reach what was ever
//! reached, so that a run goes on where the last one stopped. `docs/fuzzing.md` counts the processor time of all runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::tasks::{cargo, must, root};

/// What `cargo fuzz --sanitizer none` hands to rustc (cargo-fuzz 0.13, `src/project.rs`), without its nightly options.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
                     --cfg fuzzing -Clink-dead-code -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

/// Most characters of a file of seeds.
const SEEDS: usize = 48 * 1024;

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

fn seeds(name: &str) -> PathBuf {
    folder().join("seeds").join(format!("{name}.hex"))
}

/// Lays the seeds out as the files that libFuzzer reads.
fn unpack(name: &str, corpus: &Path) -> Result<()> {
    let text = match fs::read_to_string(seeds(name)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for (number, line) in text.lines().enumerate() {
        let digits = line.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let bytes = bytes
            .with_context(|| format!("{} line {}: not hexadecimal", seeds(name).display(), number + 1))?;
        fs::write(corpus.join(format!("seed-{number}")), bytes)?;
    }
    Ok(())
}

/// Keeps the smallest inputs that reach all that the corpus reaches.
fn pack(name: &str, program: &Path, corpus: &Path) -> Result<()> {
    let small = folder().join("corpus").join(format!("{name}.small"));
    if small.exists() {
        fs::remove_dir_all(&small)?;
    }
    fs::create_dir_all(&small)?;
    let status = Command::new(program)
        .arg("-merge=1")
        .args([&small, corpus])
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("{name}: the corpus cannot be merged ({status})");
    }
    let mut inputs = Vec::new();
    for entry in fs::read_dir(&small)? {
        inputs.push(fs::read(entry?.path())?);
    }
    inputs.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
    let mut text = String::new();
    for input in inputs.iter().filter(|input| !input.is_empty()) {
        if text.len() + 2 * input.len() >= SEEDS {
            break;
        }
        for byte in input {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    fs::create_dir_all(folder().join("seeds"))?;
    fs::write(seeds(name), text)?;
    fs::remove_dir_all(&small)?;
    Ok(())
}

/// Adds a run to the table of docs/fuzzing.md.
fn count(name: &str, used: Duration, inputs: u64) -> Result<()> {
    let path = root().join("docs").join("fuzzing.md");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = text
        .split_once("<!-- table -->\n")
        .context("docs/fuzzing.md has no table")?;
    let (table, after) = rest
        .split_once("<!-- end -->")
        .context("docs/fuzzing.md has no end of the table")?;
    let mut rows: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    for line in table.lines().skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [target, minutes, total] = cells.as_slice() {
            let minutes = minutes.parse().unwrap_or_default();
            rows.insert(
                target.trim_matches('`').to_owned(),
                (minutes, total.parse().unwrap_or_default()),
            );
        }
    }
    let row = rows.entry(name.to_owned()).or_default();
    row.0 += used.as_secs_f64() / 60.0;
    row.1 += inputs;
    let mut table = "| target | processor minutes | inputs |\n|---|---:|---:|\n".to_owned();
    for (target, (minutes, total)) in rows {
        let _ = writeln!(table, "| `{target}` | {minutes:.1} | {total} |");
    }
    fs::write(
        &path,
        format!("{before}<!-- table -->\n{table}<!-- end -->{after}"),
    )?;
    Ok(())
}

fn run(name: &str, processor_seconds: u64) -> Result<bool> {
    let corpus = folder().join("corpus").join(name);
    let artifacts = folder().join("artifacts").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    unpack(name, &corpus)?;
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
    let inputs = last
        .trim_start_matches('#')
        .split_whitespace()
        .next()
        .and_then(|number| number.parse().ok());
    println!("{name}: {:.0} processor seconds, {last}", used.as_secs_f64());
    pack(name, &program, &corpus)?;
    count(name, used, inputs.unwrap_or_default())?;
    if !healthy {
        println!("{name}: STOPPED, read {}/log", artifacts.display());
    }
    Ok(healthy)
}

/// In the order they are named; one that is named twice runs twice.
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
    let order = if chosen.is_empty() { &names } else { chosen };
    for name in order {
        if !run(name, processor_seconds)? {
            stopped.push(name.as_str());
        }
    }
    if stopped.is_empty() {
        return Ok(());
    }
    bail!("inputs that stop a target were found: {}", stopped.join(", "))
}
