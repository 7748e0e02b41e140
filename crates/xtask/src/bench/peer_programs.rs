//! Other people's programs that the analyzer is compared with, and ours: built or installed by name, under `target`.
//! They are oracles and peers of this comparison alone; nothing of them is linked into or shipped with the product.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::process::{finish, start};
use crate::packages::{self, FOR_PEERS};
use crate::tasks::{cargo, must, root};

/// What the oracle uses, by name and version, in the order in which it can be installed.
const INSTALLED: [&[&str]; 3] = [
    &["numpy<3", "scipy", "cython", "setuptools<80", "wheel"],
    // its build takes the numpy that is there
    &["--no-build-isolation", "pesq==0.0.4"],
    &["visqol-python==3.8.0"],
];
const ORACLE: &str = include_str!("oracle.py");
const PEER_MANIFEST: &str = include_str!("visqol_peer/Cargo.toml.in");
const PEER_PROGRAM: &str = include_str!("visqol_peer/main.rs");

/// The programs of the comparison.
pub(crate) struct Programs {
    /// The product.
    pub(crate) voxproof: PathBuf,
    /// The example `peers` of `voxproof-audio`.
    pub(crate) peers: PathBuf,
    /// The crate `visqol-rs`, if it could be built.
    pub(crate) visqol_peer: Option<PathBuf>,
    python: PathBuf,
    script: PathBuf,
}

impl Programs {
    /// Builds ours in release and installs the others.
    pub(crate) fn prepare(with_visqol_peer: bool) -> Result<Self> {
        packages::install(FOR_PEERS)?;
        let voxproof = built(&["--package", "voxproof-cli"], "voxproof")?;
        let peers = built(
            &[
                "--package",
                "voxproof-audio",
                "--example",
                "peers",
                "--features",
                "pesq",
            ],
            "peers",
        )?;
        let python = python()?;
        let script = target().join("oracle.py");
        fs::write(&script, ORACLE)?;
        let visqol_peer = if with_visqol_peer { visqol_peer() } else { None };
        Ok(Self {
            voxproof,
            peers,
            visqol_peer,
            python,
            script,
        })
    }

    /// The oracle with a task, on one thread.
    pub(crate) fn oracle<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).args(arguments);
        for threads in [
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NUMBA_NUM_THREADS",
        ] {
            command.env(threads, "1");
        }
        command
    }

    /// What the oracle answers.
    pub(crate) fn ask<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Value> {
        finish(start(&mut self.oracle(arguments))?)?.json()
    }

    /// What a program of ours answers on standard output; statuses that tell of a finding are no failure.
    pub(crate) fn ours<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Value> {
        let done = finish(start(Command::new(&self.voxproof).args(arguments))?)?;
        serde_json::from_slice(&done.output.stdout).with_context(|| {
            format!(
                "voxproof wrote no JSON: {}",
                String::from_utf8_lossy(&done.output.stderr)
            )
        })
    }
}

/// Where builds go.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Builds a program of this workspace in release.
pub(crate) fn built(arguments: &[&str], name: &str) -> Result<PathBuf> {
    let output = cargo()
        .args(["build", "--release", "--message-format=json"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("the release build of {name} failed");
    }
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo did not say where {name} is"))
}

/// An environment of Python with the oracle's packages.
fn python() -> Result<PathBuf> {
    let room = target().join("oracle-venv");
    let python = room.join("bin/python");
    let whole = room.join("installed");
    let wanted = INSTALLED.concat().join(" ");
    if fs::read_to_string(&whole).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    must(
        "environment of the oracle",
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&room),
    )?;
    for packages in INSTALLED {
        let mut command = Command::new(&python);
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        must("packages of the oracle", command.args(packages))?;
    }
    fs::write(whole, wanted)?;
    Ok(python)
}

/// A program around the crate of ViSQOL v3.1, in a workspace of its own; `None`, with the reason printed, if it does not
/// build, as without a network.
fn visqol_peer() -> Option<PathBuf> {
    let room = target().join("visqol-peer");
    let program = room.join("target/release/visqol-peer");
    if program.exists() {
        return Some(program);
    }
    let build = |room: &Path| -> Result<()> {
        fs::create_dir_all(room.join("src"))?;
        fs::write(room.join("Cargo.toml"), PEER_MANIFEST)?;
        fs::write(room.join("src/main.rs"), PEER_PROGRAM)?;
        must(
            "the crate visqol-rs",
            cargo()
                .current_dir(room)
                .env("CARGO_TARGET_DIR", room.join("target"))
                .args(["build", "--release", "--quiet"]),
        )
    };
    match build(&room) {
        Ok(()) => Some(program),
        Err(error) => {
            eprintln!("without the crate visqol-rs: {error}");
            None
        }
    }
}
