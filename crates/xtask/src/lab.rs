//! The guests with a virtual clock: their kernel, their tests, and whether verdicts depend on chance.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use voxproof_guest::Kernel;

use crate::{packages, tasks};

/// A run that has not come to its end by then has no verdict to compare.
const FINISHED: [i32; 3] = [0, 1, 5];

pub(crate) fn build() -> Result<()> {
    if Kernel::find().is_ok() {
        return Ok(());
    }
    packages::install(&packages::for_guests())?;
    let began = Instant::now();
    let kernel = Kernel::build(&mut |step| eprintln!("== kernel of the guests: {step}"))?;
    eprintln!(
        "== kernel of the guests: {} after {:.0} s",
        kernel.path.display(),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

pub(crate) fn test() -> Result<()> {
    packages::install(packages::FOR_TESTS)?;
    build()?;
    for (package, test) in [
        ("voxproof-guest", "scenarios"),
        ("voxproof-cli", "lab"),
        ("voxproof-cli", "real_phones"),
    ] {
        tasks::must(
            test,
            tasks::cargo_once().args([
                "test",
                "--package",
                package,
                "--test",
                test,
                "--locked",
                "--",
                "--test-threads=1",
            ]),
        )?;
    }
    Ok(())
}

/// Verdict of each case that ran, and the seconds that the run took.
fn verdicts(device: &str, seed: u64, out: &Path) -> Result<(BTreeMap<String, String>, f64)> {
    let status = Command::new(tasks::binary("release"))
        .current_dir(tasks::root())
        .args(["lab", "run", "test-specs/ip-phone", "--device", device, "--seed"])
        .arg(seed.to_string())
        .arg("--out")
        .arg(out)
        .stderr(fs::File::create(out.join("log"))?)
        .status()?;
    if !status.code().is_some_and(|code| FINISHED.contains(&code)) {
        bail!("{device} with seed {seed}: {status}, see {}/log", out.display());
    }
    let run = fs::read_dir(out)?
        .flatten()
        .map(|entry| entry.path().join("report.json"))
        .find(|path| path.exists())
        .context("the run left no report")?;
    let report: Value = serde_json::from_str(&fs::read_to_string(run)?)?;
    let mut verdicts = BTreeMap::new();
    for case in report["cases"].as_array().into_iter().flatten() {
        let ran = case["attempts"]
            .as_array()
            .is_some_and(|attempts| !attempts.is_empty());
        if let (true, Some(id), Some(verdict)) = (ran, case["id"].as_str(), case["verdict"].as_str()) {
            verdicts.insert(id.to_owned(), verdict.to_owned());
        }
    }
    Ok((verdicts, report["wall_s"].as_f64().unwrap_or_default()))
}

pub(crate) fn stability(runs: u64, devices: &[String]) -> Result<()> {
    packages::install(packages::FOR_TESTS)?;
    build()?;
    tasks::must(
        "build",
        tasks::cargo().args(["build", "--release", "--package", "voxproof-cli"]),
    )?;
    let mut table = "| device | runs | cases a run | verdicts that changed | inconclusive | in error | seconds a run |\n|---|---:|---:|---|---:|---:|---:|\n".to_owned();
    let mut changed = 0;
    for device in devices {
        let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let (mut cases, mut inconclusive, mut errors, mut seconds) = (0, 0, 0, 0.0);
        for seed in 1..=runs {
            let out = std::env::temp_dir().join(format!("voxproof-stability-{}", std::process::id()));
            fs::create_dir_all(&out)?;
            let (verdicts, wall) = verdicts(device, seed, &out)?;
            fs::remove_dir_all(&out)?;
            println!("{device} seed {seed}: {} cases in {wall:.0} s", verdicts.len());
            cases = verdicts.len();
            seconds += wall;
            for (case, verdict) in verdicts {
                inconclusive += u32::from(verdict == "inconc");
                errors += u32::from(verdict == "error");
                seen.entry(case).or_default().insert(verdict);
            }
        }
        let moved: Vec<String> = seen
            .iter()
            .filter(|(_, verdicts)| verdicts.len() > 1)
            .map(|(case, verdicts)| {
                format!(
                    "{case} ({})",
                    verdicts.iter().cloned().collect::<Vec<_>>().join(", ")
                )
            })
            .collect();
        changed += moved.len();
        writeln!(
            table,
            "| `{device}` | {runs} | {cases} | {} | {inconclusive} | {errors} | {:.0} |",
            if moved.is_empty() {
                "none".to_owned()
            } else {
                moved.join("; ")
            },
            seconds / runs as f64
        )?;
    }
    let page = tasks::root().join("docs").join("stability.md");
    let text = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let (before, rest) = text
        .split_once("<!-- table -->\n")
        .context("docs/stability.md has no table")?;
    let (_, after) = rest
        .split_once("<!-- end -->")
        .context("docs/stability.md has no end of the table")?;
    fs::write(
        &page,
        format!("{before}<!-- table -->\n{table}<!-- end -->{after}"),
    )?;
    if changed > 0 {
        bail!("{changed} verdicts depend on the seed, see docs/stability.md");
    }
    Ok(())
}
