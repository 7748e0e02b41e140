//! Running a model: the one place of this crate that has a clock and a process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::Description;
use crate::measurement::Unmeasurable;

/// Most that is read of what a program prints, bytes.
const MAX_OUTPUT: u64 = 1 << 20;
/// Most that is kept of a version or an error message, characters.
const MAX_LINE: usize = 200;
/// How often a running program is looked after.
const INTERVAL: Duration = Duration::from_millis(5);

/// What a model outside this program said of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalScores {
    /// Name of the model.
    pub model: String,
    /// The scores by name.
    pub scores: BTreeMap<String, f64>,
    /// First line that the program prints about its version.
    pub version: String,
    /// SHA-256 of the program's file, in hexadecimal digits.
    pub program_sha256: String,
}

impl Description {
    /// Runs the model on two WAV files.
    ///
    /// # Errors
    /// The program cannot be read or started, fails, takes too long, or does not print the scores.
    pub fn score(&self, reference: &Path, degraded: &Path) -> Result<ExternalScores, Unmeasurable> {
        let outside = |what: String| Unmeasurable::Outside(format!("{} {what}", self.name));
        let program_sha256 = File::open(&self.program)
            .and_then(sha256)
            .map_err(|error| outside(format!("cannot be read ({}): {error}", self.program.display())))?;
        for recording in [reference, degraded] {
            if !recording.is_file() {
                return Err(outside(format!("has no recording {}", recording.display())));
            }
        }
        let (reference, degraded) = (reference.to_string_lossy(), degraded.to_string_lossy());
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|one| {
                one.replace("{reference}", &reference)
                    .replace("{degraded}", &degraded)
            })
            .collect();
        let version = self.run(&self.version_arguments)?;
        let answer = self.run(&arguments)?;
        Ok(ExternalScores {
            model: self.name.clone(),
            scores: self.scores_in(&answer)?,
            version: first_line(&version),
            program_sha256,
        })
    }

    /// What the program prints with these arguments.
    fn run(&self, arguments: &[String]) -> Result<Vec<u8>, Unmeasurable> {
        let outside = |what: String| Unmeasurable::Outside(format!("{} {what}", self.name));
        let failed = |error: io::Error| outside(format!("cannot be run: {error}"));
        // files, as a pipe that nobody reads blocks a program that prints much
        let (mut printed, mut complaints) = (
            tempfile::tempfile().map_err(failed)?,
            tempfile::tempfile().map_err(failed)?,
        );
        let mut child = Command::new(&self.program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(printed.try_clone().map_err(failed)?)
            .stderr(complaints.try_clone().map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        let started = Instant::now();
        let status: ExitStatus = loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status;
            }
            if started.elapsed().as_secs_f64() > self.time_limit_s {
                // it may have ended just now: nothing else can go wrong here
                let _ = child.kill();
                let _ = child.wait();
                return Err(outside(format!("did not end within {} s", self.time_limit_s)));
            }
            sleep(INTERVAL);
        };
        if !status.success() {
            let complaint = first_line(&read_back(&mut complaints).map_err(failed)?);
            return Err(outside(format!("failed ({status}): {complaint}")));
        }
        read_back(&mut printed).map_err(failed)
    }
}

fn read_back(file: &mut File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(MAX_OUTPUT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(MAX_LINE).collect()
}

fn sha256(mut file: File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = [0u8; 1 << 14];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
