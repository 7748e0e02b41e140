//! Programs whose processor time is measured.

use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::Value;

/// What a program used and wrote.
#[derive(Debug)]
pub(crate) struct Finished {
    /// User and system time, in seconds.
    pub(crate) processor_s: f64,
    pub(crate) output: Output,
}

impl Finished {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        if !self.output.status.success() {
            bail!(
                "a measured program failed: {}",
                String::from_utf8_lossy(&self.output.stderr)
            );
        }
        serde_json::from_slice(&self.output.stdout).context("a measured program wrote no JSON")
    }
}

/// Starts a program with everything piped or ignored.
pub(crate) fn start(command: &mut Command) -> Result<Child> {
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    Ok(child)
}

/// A far end that listens for the life of this value.
#[derive(Debug)]
pub(crate) struct Listener(Option<Child>);

impl Listener {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        thread::sleep(Duration::from_millis(400));
        Ok(Self(Some(child)))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits for a program. No other child may end in between: the system only tells the sum over all ended children.
pub(crate) fn finish(child: Child) -> Result<Finished> {
    let before = children_s()?;
    let output = child.wait_with_output()?;
    Ok(Finished {
        processor_s: children_s()? - before,
        output,
    })
}

fn children_s() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(micros as f64 / 1e6)
}

/// Runs a program, and prints the peak of its resident memory as JSON.
pub(crate) fn peak_memory(words: &[String]) -> Result<()> {
    let (program, arguments) = words.split_first().context("no program is named")?;
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    // a status that tells of a finding is fine; a signal is not
    if status.code().is_none() {
        bail!("{program} was ended: {status}");
    }
    let kibibytes = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    println!("{}", serde_json::json!({ "octets": kibibytes * 1024 }));
    Ok(())
}
