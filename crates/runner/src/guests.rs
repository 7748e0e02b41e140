//! The second launcher: every case in a guest of its own, whose clock is virtual.
//!
//! The guest runs `voxproof run` with this one case, as on any machine: it does not know that its clock is virtual. What it
//! recorded is taken over into the record of the run. A guest that dies is the lab's error, never the device's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use voxproof_call::CaseCapture;
use voxproof_guest::{Booted, Ended, Guest, Room};
use voxproof_record::{CaseFinished, Event, EvidenceStore, Journal, Run, Timeline, TimelineEvent};
use voxproof_spec::{LoadedCase, Tier};

use crate::RunError;
use crate::evidence::{Left, store_and_judge};
use crate::options::{Guests, RunOptions};
use crate::progress::Progress;
use crate::worker::{Worker, lock};

/// Time on the host's clock that any guest may take: booting and starting a phone on a machine with much else to do.
const LEAST: Duration = Duration::from_secs(120);
/// A guest may take so many times the expected duration of its case on top.
const SLOWER: u32 = 4;
/// Lines of the guest's console in the reason of an error.
const LAST_WORDS: usize = 4;

/// The place where guests are booted.
pub(crate) struct Building {
    guests: Guests,
    room: Room,
    processors: Vec<usize>,
    suite: PathBuf,
    device: String,
    seed: u64,
    directory: PathBuf,
}

impl Building {
    pub(crate) fn new(guests: Guests, options: &RunOptions, device: String) -> Result<Self, RunError> {
        let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
        Ok(Self {
            guests,
            room: Room::take()?,
            processors: (0..CpuSet::count())
                .filter(|processor| allowed.is_set(*processor).unwrap_or(false))
                .collect(),
            suite: options.suite.root.clone(),
            device,
            seed: options.seed,
            directory: std::env::current_dir().unwrap_or_default(),
        })
    }

    /// Takes cases from the queue until it is empty; `job` says which processor.
    pub(crate) async fn work(self: Arc<Self>, worker: Worker, job: usize) {
        let processor = self.processors.get(job % self.processors.len().max(1)).copied();
        let worker = Arc::new(worker);
        while worker.interrupt.presses() == 0 && !worker.shared.is_broken() {
            let Some(case) = lock(&worker.shared.queue).pop_front() else {
                break;
            };
            let (building, at_work) = (Arc::clone(&self), Arc::clone(&worker));
            let done = tokio::task::spawn_blocking(move || building.one(&at_work, &case, processor)).await;
            let done = done.unwrap_or_else(|panic| Err(RunError::Internal(panic.to_string())));
            if let Err(error) = done {
                worker.shared.fail(error);
            }
        }
    }

    fn script(&self, case: &str, folder: &Path, target: Tier) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let target = match target {
            Tier::Certified | Tier::Informative => "certified",
            Tier::WorksWith => "works-with",
        };
        format!(
            "export PATH={}\ncd {}\nexec {} --color never run {} --device {} --only {} --out {} --target {target} --seed {}\n",
            quoted(&std::env::var("PATH").unwrap_or_default()),
            path(&self.directory),
            path(&self.guests.program),
            path(&self.suite),
            quoted(&self.device),
            quoted(&format!("id == \"{case}\"")),
            path(&folder.join("runs")),
            self.seed,
        )
    }

    fn one(&self, worker: &Worker, loaded: &LoadedCase, processor: Option<usize>) -> Result<(), RunError> {
        let id = loaded.case.id.to_string();
        let shared = &worker.shared;
        let attempt = shared.attempts.get(&id).copied().unwrap_or(0) + 1;
        shared.append(Event::CaseStarted {
            case: id.clone(),
            attempt,
        })?;
        (worker.progress)(Progress::CaseStarted {
            case: id.clone(),
            title: loaded.case.title.clone(),
        });
        let folder = self.room.folder(&id)?;
        let guest = Guest {
            kernel: &self.guests.kernel,
            folder: &folder,
            script: &self.script(&id, &folder, worker.target),
            seed: self.seed,
            processor,
            limit: LEAST + loaded.case.duration.0 * SLOWER,
        };
        let booted = guest.boot(&|| worker.interrupt.presses() > 1)?;
        if booted.ended == Ended::Stopped {
            return Ok(());
        }
        let finished = match inner_run(&folder) {
            Some(run) => take_over(worker, &run, &id, attempt)?,
            None => None,
        };
        let finished = match finished {
            Some(finished) => finished,
            None => {
                let left = not_carried_out(loaded, attempt, booted);
                store_and_judge(&shared.run, &shared.evidence, left, worker.target)?
            }
        };
        shared.append(Event::CaseFinished(Box::new(finished.clone())))?;
        (worker.progress)(Progress::CaseFinished {
            case: id,
            title: loaded.case.title.clone(),
            verdict: finished.judgement.verdict,
            reason: finished.judgement.reason,
            wall_s: finished.wall_s,
        });
        let _ = std::fs::remove_dir_all(&folder);
        Ok(())
    }
}

/// The run that the guest left, if it got as far as that.
fn inner_run(folder: &Path) -> Option<Run> {
    let entry = std::fs::read_dir(folder.join("runs")).ok()?.flatten().next()?;
    Run::read(&entry.path()).ok()
}

/// Takes the case with its steps and its evidence from the guest's run into this one.
fn take_over(worker: &Worker, run: &Run, id: &str, attempt: u32) -> Result<Option<CaseFinished>, RunError> {
    let attempts = run
        .cases
        .iter()
        .find(|case| case.planned.id == *id)
        .map(|case| &case.attempts);
    let Some(mut finished) = attempts.and_then(|attempts| attempts.last()).cloned() else {
        return Ok(None);
    };
    for entry in Journal::read(&run.path.join("journal.jsonl"))?.entries {
        if matches!(
            entry.event,
            Event::StepEnded { .. } | Event::DeviceRecovered { .. }
        ) {
            worker.shared.append(entry.event)?;
        }
    }
    let (from, to) = (run.store(), EvidenceStore::new(&worker.shared.run));
    for object in finished.evidence.iter().chain(&finished.exhibits) {
        to.put(&object.name, &from.get(object)?)?;
    }
    finished.attempt = attempt;
    Ok(Some(finished))
}

/// A case that no guest has brought to its end.
fn not_carried_out(loaded: &LoadedCase, attempt: u32, booted: Booted) -> Left {
    let console = String::from_utf8_lossy(&booted.console).into_owned();
    let lines: Vec<&str> = console.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines
        .get(lines.len().saturating_sub(LAST_WORDS)..)
        .unwrap_or_default();
    let how = match booted.ended {
        Ended::Script(status) => format!("the lab in the guest ended with status {status}"),
        Ended::Died(status) => format!("the guest died ({status})"),
        Ended::Limit(limit) => format!(
            "the guest was ended after {} s: its virtual time stood still, or this machine is too slow",
            limit.as_secs()
        ),
        Ended::Stopped => "the guest was stopped".to_owned(),
    };
    let mut timeline = Timeline::default();
    timeline.push(
        Duration::ZERO,
        TimelineEvent::Epoch {
            unix_ns: jiff::Timestamp::now().as_nanosecond() as u64,
            virtual_time: true,
        },
    );
    timeline.push(
        Duration::ZERO,
        TimelineEvent::NotCarriedOut {
            reason: format!("{how}; {}", last.join(" / ")),
        },
    );
    Left {
        case: loaded.case.id.to_string(),
        rev: loaded.case.rev,
        attempt,
        case_source: Arc::clone(&loaded.source),
        capture: CaseCapture {
            packets: vec![],
            timeline,
            fit: false,
        },
        speech: None,
        recording: None,
        log: Some(booted.console),
        recovered: None,
        wall_s: booted.took.as_secs_f64(),
        in_steps: Duration::ZERO,
    }
}
