//! A worker takes cases from the queue of a run and puts them through its lane.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use voxproof_record::{Event, EvidenceObject, JournalWriter, RecordError, StepOutcome};
use voxproof_spec::{LoadedCase, Tier};

use crate::RunError;
use crate::drive::StepListener;
use crate::evidence::store_and_judge;
use crate::interrupt::Interrupt;
use crate::lane::Lane;
use crate::progress::{Progress, ProgressSink};

/// What the workers of a run share.
pub(crate) struct Shared {
    pub(crate) run: PathBuf,
    pub(crate) evidence: Vec<EvidenceObject>,
    pub(crate) journal: Mutex<JournalWriter>,
    pub(crate) queue: Mutex<VecDeque<LoadedCase>>,
    /// A record that cannot be written ends the run; the first problem is kept.
    pub(crate) broken: Mutex<Option<RunError>>,
    pub(crate) attempts: BTreeMap<String, u32>,
    pub(crate) virtual_time: bool,
    /// How long the steps of each case took, in any order.
    pub(crate) in_steps: Mutex<Vec<Duration>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn append(&self, event: Event) -> Result<(), RecordError> {
        lock(&self.journal).append(event)
    }

    pub(crate) fn fail(&self, error: RunError) {
        lock(&self.broken).get_or_insert(error);
    }

    pub(crate) fn is_broken(&self) -> bool {
        lock(&self.broken).is_some()
    }
}

/// Disk work beside the lab's own: on another thread in real time, at once in virtual time, where nothing may depend on
/// how fast a disk is.
fn aside<T: Send + 'static>(
    virtual_time: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, RunError>> {
    let (now, later) = if virtual_time {
        (Some(work()), None)
    } else {
        (None, Some(tokio::task::spawn_blocking(work)))
    };
    async move {
        match (now, later) {
            (Some(done), _) => Ok(done),
            (None, Some(task)) => task.await.map_err(|error| RunError::Internal(error.to_string())),
            (None, None) => Err(RunError::Internal("no work".to_owned())),
        }
    }
}

struct Listener {
    case: String,
    shared: Arc<Shared>,
    progress: ProgressSink,
}

impl StepListener for Listener {
    fn started(&mut self, step: &str) {
        (self.progress)(Progress::Step {
            case: self.case.clone(),
            step: step.to_owned(),
        });
    }

    fn ended(&mut self, step: String, outcome: &StepOutcome) -> Option<tokio::task::JoinHandle<()>> {
        let outcome = match outcome {
            StepOutcome::Done => "done".to_owned(),
            StepOutcome::NotSeen { awaited, within_ms } => {
                format!("not seen within {within_ms} ms: {awaited}")
            }
            StepOutcome::Driver { reason } => format!("the driver could not: {reason}"),
            StepOutcome::Precondition { reason } | StepOutcome::Rig { reason } => reason.clone(),
            StepOutcome::Aborted => "aborted".to_owned(),
        };
        let event = Event::StepEnded {
            case: self.case.clone(),
            step,
            outcome,
        };
        let shared = Arc::clone(&self.shared);
        let write = move || {
            if let Err(error) = shared.append(event) {
                shared.fail(error.into());
            }
        };
        if self.shared.virtual_time {
            write();
            return None;
        }
        Some(tokio::task::spawn_blocking(write))
    }
}

/// One lane at work.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) progress: ProgressSink,
    pub(crate) interrupt: Interrupt,
    pub(crate) target: Tier,
}

impl Worker {
    pub(crate) async fn work(self, mut lane: Lane) {
        while self.interrupt.presses() == 0 && !self.shared.is_broken() && !lane.has_lost_its_device() {
            let Some(case) = lock(&self.shared.queue).pop_front() else {
                break;
            };
            if let Err(error) = self.one(&mut lane, &case).await {
                self.shared.fail(error);
            }
        }
        lane.close().await;
    }

    async fn one(&self, lane: &mut Lane, loaded: &LoadedCase) -> Result<(), RunError> {
        let id = loaded.case.id.to_string();
        let attempt = self.shared.attempts.get(&id).copied().unwrap_or(0) + 1;
        let recovering = lane.unfit();
        let shared = Arc::clone(&self.shared);
        let case = id.clone();
        let begun = aside(self.shared.virtual_time, move || {
            if let Some(reason) = recovering {
                shared.append(Event::DeviceRecovered { reason })?;
            }
            shared.append(Event::CaseStarted { case, attempt })
        });
        lane.idle_while(begun).await??;
        (self.progress)(Progress::CaseStarted {
            case: id.clone(),
            title: loaded.case.title.clone(),
        });
        let mut listener = Listener {
            case: id.clone(),
            shared: Arc::clone(&self.shared),
            progress: Arc::clone(&self.progress),
        };
        let Some(left) = lane
            .drive(loaded, attempt, &self.interrupt, &mut listener)
            .await?
        else {
            return Ok(());
        };
        lock(&self.shared.in_steps).push(left.in_steps);
        let shared = Arc::clone(&self.shared);
        let target = self.target;
        let judged = aside(self.shared.virtual_time, move || {
            let finished = store_and_judge(&shared.run, &shared.evidence, left, target)?;
            shared.append(Event::CaseFinished(Box::new(finished.clone())))?;
            Ok::<_, RunError>(finished)
        });
        let finished = lane.idle_while(judged).await??;
        (self.progress)(Progress::CaseFinished {
            case: id,
            title: loaded.case.title.clone(),
            verdict: finished.judgement.verdict,
            reason: finished.judgement.reason.clone(),
            wall_s: finished.wall_s,
        });
        Ok(())
    }
}
