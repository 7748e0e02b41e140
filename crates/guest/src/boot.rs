//! Booting a guest for one script.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::{GuestError, Kernel, Room};

const INIT: &str = include_str!("../image/init.sh");

/// A guest gets this long to end when it is told to.
const GRACE: Duration = Duration::from_secs(2);
/// How often the host looks whether a guest has ended.
const LOOK: Duration = Duration::from_millis(10);
/// A guest that does nothing is up and down in a second on an idle machine.
const TRIAL: Duration = Duration::from_secs(60);
/// Console output that is kept.
const CONSOLE: usize = 256 * 1024;

/// A guest to be booted once.
#[derive(Debug, Clone)]
pub struct Guest<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// Folder that the guest sees under the same path and may write to: its results. Part of the guest's randomness.
    pub folder: &'a Path,
    /// What it runs, for bash.
    pub script: &'a str,
    /// Seed of the guest's randomness.
    pub seed: u64,
    /// The host's processor that it is bound to: unbound, its processes wander and everything takes twice as long.
    pub processor: Option<usize>,
    /// Time on the host's clock after which it is ended. A program that spins without looking at the clock stops virtual time.
    pub limit: Duration,
}

/// How a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Its script came to its end with this status.
    Script(i32),
    /// It ended without a word of its script; what the host saw.
    Died(String),
    /// It was ended because it took too long.
    Limit(Duration),
    /// It was ended because somebody asked for it.
    Stopped,
}

/// A guest that has been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booted {
    /// How it ended.
    pub ended: Ended,
    /// What it printed, the last part of it when it was much.
    pub console: Vec<u8>,
    /// Time on the host's clock.
    pub took: Duration,
}

impl Guest<'_> {
    /// Boots the guest and waits for its end. `stop` is asked every few milliseconds whether it should end now.
    ///
    /// # Errors
    /// When it cannot be started at all.
    pub fn boot(&self, stop: &dyn Fn() -> bool) -> Result<Booted, GuestError> {
        let began = Instant::now();
        let write = |name: &str, text: &str| {
            let path = self.folder.join(name);
            fs::write(&path, text).map_err(GuestError::file(path))
        };
        write("init.sh", INIT)?;
        write("script.sh", self.script)?;
        let memory = self.folder.join("memory");
        fs::create_dir_all(&memory).map_err(GuestError::file(&memory))?;
        let console = self.folder.join("console.log");
        let output = fs::File::create(&console).map_err(GuestError::file(&console))?;
        let errors = output.try_clone().map_err(GuestError::file(&console))?;

        let mut command = Command::new("setarch");
        // the addresses of the guest's programs would differ from run to run
        command.arg("--addr-no-randomize");
        if let Some(processor) = self.processor {
            command.args(["taskset", "--cpu-list", &processor.to_string()]);
        }
        let folder = self.folder.display();
        command
            .arg(&self.kernel.path)
            .args([
                "time-travel=inf-cpu",
                "time-travel-start=1800000000000000000",
                "norandmaps",
                "mem=768M",
                "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "con=null",
                "con0=null,fd:1",
                "quiet",
                "loglevel=1",
            ])
            .arg(format!("seed={}", self.seed))
            .arg(format!("out={folder}"))
            .args(["init=/bin/bash", "--"])
            .arg(format!("{folder}/init.sh"))
            // the guest's memory is a file: /dev/shm is too small for it in many containers
            .env("TMPDIR", &memory)
            .env("HOME", &memory)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let mut child = command.spawn().map_err(|error| GuestError::Start {
            program: "setarch".to_owned(),
            error,
        })?;
        let ended = self.wait(&mut child, began, stop);
        let _ = fs::remove_dir_all(&memory);
        let mut console = fs::read(&console).unwrap_or_default();
        console.drain(..console.len().saturating_sub(CONSOLE));
        Ok(Booted {
            ended,
            console,
            took: began.elapsed(),
        })
    }

    /// Whether guests run on this machine at all: boots one that does nothing. It cannot where ptrace is forbidden, for instance.
    ///
    /// # Errors
    /// Why not.
    pub fn trial(kernel: &Kernel) -> Result<(), String> {
        let booted = || -> Result<Booted, GuestError> {
            let room = Room::take()?;
            Guest {
                kernel,
                folder: &room.folder("trial")?,
                script: "exit 0\n",
                seed: 1,
                processor: None,
                limit: TRIAL,
            }
            .boot(&|| false)
        };
        let booted = booted().map_err(|error| error.to_string())?;
        match booted.ended {
            Ended::Script(0) => Ok(()),
            ended => Err(format!(
                "a guest that does nothing ended with {ended:?}: {}",
                String::from_utf8_lossy(&booted.console).trim()
            )),
        }
    }

    fn wait(&self, child: &mut Child, began: Instant, stop: &dyn Fn() -> bool) -> Ended {
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.to_string(),
                Ok(None) => {}
                Err(error) => break error.to_string(),
            }
            if stop() {
                end(child);
                return Ended::Stopped;
            }
            if began.elapsed() >= self.limit {
                end(child);
                return Ended::Limit(self.limit);
            }
            std::thread::sleep(LOOK);
        };
        // what its processes left behind, should the guest have crashed
        let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
        // the guest's own status says nothing about the script's
        let left = fs::read_to_string(self.folder.join("status"));
        match left.ok().and_then(|text| text.trim().parse().ok()) {
            Some(status) => Ended::Script(status),
            None => Ended::Died(status),
        }
    }
}

/// Ends a guest and everything in it.
fn end(child: &mut Child) {
    let group = Pid::from_raw(child.id() as i32);
    let _ = killpg(group, Signal::SIGTERM);
    let asked = Instant::now();
    while asked.elapsed() < GRACE {
        if !matches!(child.try_wait(), Ok(None)) {
            break;
        }
        std::thread::sleep(LOOK);
    }
    let _ = killpg(group, Signal::SIGKILL);
    let _ = child.wait();
}
