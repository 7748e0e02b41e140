//! The tasks themselves.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{lab, packages};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .unwrap_or_default()
}

pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

pub(crate) fn must(what: &str, command: &mut Command) -> Result<()> {
    eprintln!("== {what}");
    let began = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("{what}: cannot be started"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    eprintln!("== {what}: done in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

pub(crate) fn binary(profile: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join(profile).join("voxproof")
}

pub(crate) fn demo() -> Result<()> {
    packages::install(packages::FOR_BUILDING)?;
    must(
        "build",
        cargo().args(["build", "--release", "--package", "voxproof-cli"]),
    )?;
    eprintln!("== the IP-phone suite calls the simulated phone over UDP on loopback");
    let status = Command::new(binary("release"))
        .current_dir(root())
        .args(["run", "test-specs/ip-phone", "--device", "sim"])
        .status()
        .context("voxproof cannot be started")?;
    match status.code() {
        Some(0) => Ok(()),
        Some(5) => {
            eprintln!(
                "some cases are inconclusive: this machine was too busy to judge them fairly, the report says which"
            );
            Ok(())
        }
        _ => bail!("the healthy simulated phone did not pass ({status})"),
    }
}

/// Cargo on a checkout that is built once: neither the records for building again nor line tables, which together are
/// more than half of the disk that a build takes.
pub(crate) fn cargo_once() -> Command {
    let mut command = cargo();
    command
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "none");
    command
}

pub(crate) fn test() -> Result<()> {
    packages::install(packages::FOR_TESTS)?;
    if let Err(error) = lab::build() {
        // the tests say once more what they do without
        eprintln!(
            "GUESTS WITH A VIRTUAL CLOCK CANNOT BE BUILT HERE, real phones are tested in real time: {error:#}"
        );
    }
    must("formatting", cargo_once().args(["fmt", "--all", "--check"]))?;
    must(
        "lints",
        cargo_once().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ]),
    )?;
    let nextest = cargo_once()
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if nextest {
        must(
            "tests",
            cargo_once().args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]),
        )?;
    } else {
        must(
            "tests",
            cargo_once().args(["test", "--workspace", "--locked", "--no-fail-fast"]),
        )?;
    }
    must(
        "old TLS",
        cargo_once().args([
            "test",
            "--package",
            "voxproof-net",
            "--features",
            "old-tls",
            "--locked",
            "--test",
            "scenarios",
            "its_old_versions",
        ]),
    )?;
    must(
        "PESQ",
        cargo_once().args([
            "test",
            "--package",
            "voxproof-audio",
            "--package",
            "voxproof-analysis",
            "--features",
            "voxproof-analysis/pesq",
            "--locked",
            "--test",
            "scenarios",
            "pesq",
        ]),
    )?;
    must(
        "examples in the documentation",
        cargo_once().args(["test", "--workspace", "--locked", "--doc", "--quiet"]),
    )?;
    must(
        "documentation",
        cargo_once()
            .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    Ok(())
}

pub(crate) fn generate() -> Result<()> {
    must(
        "generated files",
        cargo()
            .args([
                "test",
                "--package",
                "voxproof-cli",
                "--test",
                "generated_files",
                "--test",
                "fault_matrix",
            ])
            .env("VOXPROOF_GENERATE", "1"),
    )
}
