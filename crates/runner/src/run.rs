//! A whole run: folder, journal, lanes, end.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use voxproof_device::{Device, Operator};
use voxproof_judge::{ANALYZER_VERSION, designations};
use voxproof_net::Net;
use voxproof_record::{
    DeviceSummary, Event, EvidenceObject, EvidenceStore, JOURNAL_FORMAT, JournalWriter, Manifest,
    RecordError, Run, RunFinished, RunStarted, StepOutcome, SuiteSummary, read_wav,
};
use voxproof_simphone::Fault;
use voxproof_spec::{DeviceFile, DeviceIdentity, Ixit, LoadedCase, LoadedSuite, Tier};

use crate::RunError;
use crate::drive::StepListener;
use crate::evidence::store_and_judge;
use crate::interrupt::Interrupt;
use crate::lane::Lane;
use crate::plan::{Plan, plan};
use crate::progress::{Progress, ProgressSink};

/// The rules a run is held under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A vendor's own run before the laboratory's.
    Precert,
    /// The rules of a certification run: no selection of cases.
    Certification,
}

impl Profile {
    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Precert => "precert",
            Self::Certification => "certification",
        }
    }
}

/// The device of a run.
#[derive(Debug, Clone)]
pub enum DeviceChoice {
    /// The simulated phone with faults.
    Sim(Vec<Fault>),
    /// A device file: its path, its content, and its text with secrets removed.
    File(PathBuf, Box<DeviceFile>),
}

/// Everything a run is told.
#[derive(Clone)]
pub struct RunOptions {
    /// The suite.
    pub suite: Arc<LoadedSuite>,
    /// The device.
    pub device: DeviceChoice,
    /// Folder for run folders.
    pub out: PathBuf,
    /// Profile.
    pub profile: Profile,
    /// `--only`.
    pub only: Option<String>,
    /// Cases at the same time.
    pub jobs: usize,
    /// Time is virtual: the runtime's clock is paused and the network is in memory.
    pub virtual_time: bool,
    /// The designation aimed at.
    pub target: Tier,
    /// Seed of identifiers.
    pub seed: u64,
}

/// Carries a run out.
pub struct Runner {
    options: RunOptions,
    operator: Arc<dyn Operator>,
    progress: ProgressSink,
    interrupt: Interrupt,
    net: Net,
}

struct Shared {
    run: PathBuf,
    evidence: Vec<EvidenceObject>,
    journal: Mutex<JournalWriter>,
    queue: Mutex<VecDeque<LoadedCase>>,
    /// A record that cannot be written ends the run; the first problem is kept.
    broken: Mutex<Option<RunError>>,
    attempts: BTreeMap<String, u32>,
    virtual_time: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn append(&self, event: Event) -> Result<(), RecordError> {
        lock(&self.journal).append(event)
    }

    fn fail(&self, error: RunError) {
        lock(&self.broken).get_or_insert(error);
    }

    fn is_broken(&self) -> bool {
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

impl Runner {
    /// A run that can be started once.
    pub fn new(
        options: RunOptions,
        operator: Arc<dyn Operator>,
        progress: ProgressSink,
        interrupt: Interrupt,
    ) -> Self {
        let net = if options.virtual_time {
            Net::virtual_network()
        } else {
            Net::os()
        };
        Self {
            options,
            operator,
            progress,
            interrupt,
            net,
        }
    }

    fn ixit(&self) -> Ixit {
        match &self.options.device {
            DeviceChoice::Sim(_) => Ixit::default(),
            DeviceChoice::File(_, file) => file.ixit.clone(),
        }
    }

    fn device(&self, lane: u64, scratch: &Path) -> Result<Box<dyn Device>, RunError> {
        let suite = &self.options.suite;
        let signal = suite
            .signals
            .get("speech-m1")
            .or_else(|| suite.signals.values().next());
        let signal = signal.ok_or_else(|| {
            RunError::Unreachable("the suite has no signal for the device to speak".to_owned())
        })?;
        let speech = read_wav("the device's speech", &signal.bytes)?;
        Ok(match &self.options.device {
            DeviceChoice::Sim(faults) => {
                voxproof_device::sim(&self.net, faults, speech, self.options.seed ^ (lane << 32))
            }
            DeviceChoice::File(_, file) => voxproof_device::create(
                file,
                &self.net,
                speech,
                Arc::clone(&self.operator),
                scratch.to_owned(),
            )?,
        })
    }

    fn identity(&self) -> DeviceIdentity {
        match &self.options.device {
            DeviceChoice::Sim(faults) => DeviceIdentity {
                manufacturer: "Voxproof".to_owned(),
                model: if faults.is_empty() {
                    "simulated phone".to_owned()
                } else {
                    let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
                    format!("simulated phone with {}", names.join(", "))
                },
                firmware: env!("CARGO_PKG_VERSION").to_owned(),
            },
            DeviceChoice::File(_, file) => file.device.clone(),
        }
    }

    /// The device as the command line names it.
    fn argument(&self) -> String {
        match &self.options.device {
            DeviceChoice::Sim(faults) if faults.is_empty() => "sim".to_owned(),
            DeviceChoice::Sim(faults) => {
                let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
                format!("sim:{}", names.join(","))
            }
            DeviceChoice::File(path, _) => path.display().to_string(),
        }
    }

    /// The plan for the device, without touching it.
    pub fn plan(&self) -> Result<Plan, RunError> {
        let device = self.device(0, &std::env::temp_dir())?;
        let claimed = match &self.options.device {
            DeviceChoice::Sim(_) => sim_claims(),
            DeviceChoice::File(_, file) => file.ics.clone(),
        };
        Ok(plan(
            &self.options.suite,
            &claimed,
            &device.capabilities(),
            self.options.only.as_deref(),
        )?)
    }

    fn jobs(&self) -> usize {
        match &self.options.device {
            DeviceChoice::Sim(_) => self.options.jobs.max(1),
            // one device, one call at a time
            DeviceChoice::File(..) => 1,
        }
    }

    async fn lanes(&self, count: usize, scratch: &Path) -> Result<Vec<Lane>, RunError> {
        let mut signals = BTreeMap::new();
        for (id, signal) in &self.options.suite.signals {
            signals.insert(id.clone(), Arc::from(read_wav(id, &signal.bytes)?.samples));
        }
        let signals = Arc::new(signals);
        let mut lanes: Vec<Lane> = Vec::new();
        for index in 0..count as u64 {
            let device = self.device(index, &scratch.join(format!("lane-{index}")))?;
            let seed = self.options.seed.wrapping_add(index.wrapping_mul(0x9e37_79b9));
            match Lane::open(self.net.clone(), &self.ixit(), device, Arc::clone(&signals), seed).await {
                Ok(lane) => lanes.push(lane),
                Err(error) => {
                    for lane in &mut lanes {
                        lane.close().await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(lanes)
    }

    /// Runs the whole plan. Nothing is written before the device is there.
    pub async fn run(&self) -> Result<Run, RunError> {
        let plan = self.plan()?;
        let selected: Vec<LoadedCase> = plan
            .selected()
            .filter_map(|planned| self.options.suite.cases.get(&planned.id).cloned())
            .collect();
        if selected.is_empty() {
            return Err(RunError::NothingSelected(self.options.only.as_ref().map_or_else(
                || "the device's ICS and driver leave no case".to_owned(),
                |only| format!("no applicable case satisfies `{only}`"),
            )));
        }
        let scratch = Scratch::new()?;
        let jobs = self.jobs().min(selected.len());
        let mut lanes = self.lanes(jobs, scratch.path()).await?;

        let mut identity = self.identity();
        if identity.firmware == "auto"
            && let Some(lane) = lanes.first_mut()
        {
            identity.firmware = lane.firmware().await;
        }
        let capabilities = self.device(0, scratch.path())?.capabilities();
        let (run, run_id) = match create_folder(&self.options.out, &self.options.suite.suite.id) {
            Ok(created) => created,
            Err(error) => return self.give_up(lanes, error.into()).await,
        };
        let started = self.store_specification(&run).map(|evidence| RunStarted {
            format: JOURNAL_FORMAT.to_owned(),
            run_id: run_id.clone(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            analyzer_version: ANALYZER_VERSION.to_owned(),
            suite: SuiteSummary {
                id: self.options.suite.suite.id.to_string(),
                title: self.options.suite.suite.title.clone(),
                release: self.options.suite.suite.release.clone(),
                sha256: self.options.suite.sha256.clone(),
                derived_from: self.options.suite.suite.derived_from.clone(),
                decision_rule: self.options.suite.suite.decision_rule,
                path: self.options.suite.root.display().to_string(),
            },
            device: DeviceSummary {
                manufacturer: identity.manufacturer,
                model: identity.model,
                firmware: identity.firmware,
                driver: match &self.options.device {
                    DeviceChoice::Sim(_) => "sim".to_owned(),
                    DeviceChoice::File(_, file) => file.driver.name().to_owned(),
                },
                capabilities: capabilities.iter().map(|one| one.name().to_owned()).collect(),
                argument: self.argument(),
            },
            ics: plan.ics.clone(),
            profile: self.options.profile.name().to_owned(),
            // only a laboratory's own signed set-up makes a run official; this release has none
            official: false,
            target: self.options.target,
            virtual_time: self.options.virtual_time,
            only: self.options.only.clone(),
            host: host(),
            evidence,
            plan: plan.cases.clone(),
        });
        let journal = started.and_then(|started| {
            let mut journal = JournalWriter::create(&run.join("journal.jsonl"))?;
            let evidence = started.evidence.clone();
            journal.append(Event::RunStarted(Box::new(started)))?;
            Ok((journal, evidence))
        });
        let (journal, evidence) = match journal {
            Ok(made) => made,
            Err(error) => return self.give_up(lanes, error.into()).await,
        };
        (self.progress)(Progress::RunStarted {
            run_id,
            path: run.clone(),
            selected: selected.len(),
            total: plan.cases.len(),
            expected_s: plan.expected().as_secs_f64(),
            jobs,
        });
        self.carry_out(run, lanes, journal, evidence, selected, BTreeMap::new())
            .await
    }

    /// Goes on with a run: the cases without a verdict, or the given ones once more.
    pub async fn resume(&self, run: &Run, again: &[String]) -> Result<Run, RunError> {
        let mut attempts = BTreeMap::new();
        let mut selected = Vec::new();
        for case in &run.cases {
            attempts.insert(case.planned.id.clone(), case.attempts.len() as u32);
            let wanted = case.planned.selection == voxproof_record::Selection::Run
                && (case.attempts.is_empty() || again.contains(&case.planned.id));
            if wanted && let Some(loaded) = self.options.suite.cases.get(&case.planned.id) {
                selected.push(loaded.clone());
            }
        }
        if selected.is_empty() {
            return Err(RunError::NothingSelected(
                "every selected case of the run has a verdict".to_owned(),
            ));
        }
        let scratch = Scratch::new()?;
        let jobs = self.jobs().min(selected.len());
        let lanes = self.lanes(jobs, scratch.path()).await?;
        let journal = JournalWriter::resume(&run.path.join("journal.jsonl")).and_then(|mut journal| {
            journal.append(Event::RunResumed {
                tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            })?;
            Ok(journal)
        });
        let journal = match journal {
            Ok(journal) => journal,
            Err(error) => return self.give_up(lanes, error.into()).await,
        };
        (self.progress)(Progress::RunStarted {
            run_id: run.started.run_id.clone(),
            path: run.path.clone(),
            selected: selected.len(),
            total: run.cases.len(),
            expected_s: selected
                .iter()
                .map(|loaded| loaded.case.duration.0.as_secs_f64())
                .sum(),
            jobs,
        });
        self.carry_out(
            run.path.clone(),
            lanes,
            journal,
            run.started.evidence.clone(),
            selected,
            attempts,
        )
        .await
    }

    async fn give_up(&self, mut lanes: Vec<Lane>, error: RunError) -> Result<Run, RunError> {
        for lane in &mut lanes {
            lane.close().await;
        }
        Err(error)
    }

    async fn carry_out(
        &self,
        run: PathBuf,
        lanes: Vec<Lane>,
        journal: JournalWriter,
        evidence: Vec<EvidenceObject>,
        mut selected: Vec<LoadedCase>,
        attempts: BTreeMap<String, u32>,
    ) -> Result<Run, RunError> {
        let began = self.net.clock().now();
        if lanes.len() > 1 {
            // the longest first, so that it does not run alone at the end
            selected.sort_by(|a, b| {
                b.case
                    .duration
                    .0
                    .cmp(&a.case.duration.0)
                    .then(a.case.id.cmp(&b.case.id))
            });
        }
        let shared = Arc::new(Shared {
            run: run.clone(),
            evidence,
            journal: Mutex::new(journal),
            queue: Mutex::new(selected.into()),
            broken: Mutex::new(None),
            attempts,
            virtual_time: self.options.virtual_time,
        });
        let mut tasks = tokio::task::JoinSet::new();
        for lane in lanes {
            let worker = Worker {
                shared: Arc::clone(&shared),
                progress: Arc::clone(&self.progress),
                interrupt: self.interrupt.clone(),
                target: self.options.target,
            };
            tasks.spawn(worker.work(lane));
        }
        let mut noted = 0;
        loop {
            let presses = self.interrupt.presses().min(2);
            if presses > noted {
                noted = presses;
                if let Err(error) = shared.append(Event::Interrupted { presses }) {
                    shared.fail(error.into());
                }
            }
            tokio::select! {
                joined = tasks.join_next() => match joined {
                    None => break,
                    Some(Ok(())) => {}
                    Some(Err(panic)) => shared.fail(RunError::Internal(panic.to_string())),
                },
                () = self.interrupt.pressed_more_than(noted) => {}
            }
        }
        if let Some(error) = lock(&shared.broken).take() {
            return Err(error);
        }
        let wall_s = self.net.clock().now().saturating_sub(began).as_secs_f64();
        let so_far = Run::read(&run)?;
        let finished = RunFinished {
            counts: so_far.counts(),
            designation: designations(&so_far.cases),
            wall_s,
        };
        let interrupted = self.interrupt.presses() > 0;
        if !interrupted {
            shared.append(Event::RunFinished(Box::new(finished.clone())))?;
        }
        let whole = Run::read(&run)?;
        Manifest::write(&run, &whole.started.run_id)?;
        (self.progress)(Progress::RunFinished {
            path: run,
            counts: finished.counts,
            designation: finished.designation,
            wall_s,
            interrupted,
        });
        Ok(whole)
    }

    /// Stores suite, limits, signals and the device file without its secrets.
    fn store_specification(&self, run: &Path) -> Result<Vec<EvidenceObject>, RecordError> {
        let store = EvidenceStore::new(run);
        let suite = &self.options.suite;
        let mut objects = vec![store.put("suite.toml", suite.source.as_bytes())?];
        for (name, text) in &suite.limit_sources {
            objects.push(store.put(&format!("limits/{name}"), text.as_bytes())?);
        }
        for (id, signal) in &suite.signals {
            objects.push(store.put(&format!("signal/{id}.wav"), &signal.bytes)?);
        }
        if let DeviceChoice::File(_, file) = &self.options.device {
            let mut redacted = (**file).clone();
            redacted.ixit.password = "***".to_owned();
            let text = serde_json::to_string_pretty(&redacted).unwrap_or_default();
            objects.push(store.put("device.json", text.as_bytes())?);
        }
        Ok(objects)
    }
}

struct Worker {
    shared: Arc<Shared>,
    progress: ProgressSink,
    interrupt: Interrupt,
    target: Tier,
}

impl Worker {
    async fn work(self, mut lane: Lane) {
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

/// A folder for the device programs' own files, gone when the run is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, RecordError> {
        let unique = format!(
            "voxproof-{}-{:08x}",
            std::process::id(),
            jiff::Timestamp::now().as_nanosecond() as u32
        );
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).map_err(|error| RecordError::Write {
            path: path.clone(),
            error,
        })?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes the run folder: time, suite, and a number when that second is taken.
fn create_folder(out: &Path, suite: &str) -> Result<(PathBuf, String), RecordError> {
    std::fs::create_dir_all(out).map_err(|error| RecordError::Write {
        path: out.to_owned(),
        error,
    })?;
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    for number in 1.. {
        let id = if number == 1 {
            format!("{stamp}-{suite}")
        } else {
            format!("{stamp}-{suite}-{number}")
        };
        let path = out.join(&id);
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok((path, id)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1000 => {}
            Err(error) => return Err(RecordError::Write { path, error }),
        }
    }
    Err(RecordError::NotARun {
        path: out.to_owned(),
        reason: "no free name for a run folder".to_owned(),
    })
}

fn host() -> String {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{} {}, {cores} cores",
        read("/proc/sys/kernel/ostype"),
        read("/proc/sys/kernel/osrelease")
    )
}

/// The simulated phone claims everything, its loopback included.
fn sim_claims() -> BTreeMap<voxproof_spec::Located<String>, bool> {
    BTreeMap::from([(voxproof_spec::Located::synthetic("loopback".to_owned()), true)])
}
