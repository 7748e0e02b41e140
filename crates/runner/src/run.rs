//! A whole run: folder, journal, lanes, end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use voxproof_device::{Device, NoLink, Operator, SipLink, Workplace};
use voxproof_judge::{ANALYZER_VERSION, designations};
use voxproof_net::Net;
use voxproof_record::{
    DeviceSummary, Event, EvidenceObject, EvidenceStore, JOURNAL_FORMAT, JournalWriter, Manifest,
    RecordError, Run, RunFinished, RunStarted, SuiteSummary, read_wav,
};
use voxproof_spec::{DeviceIdentity, Ixit, LoadedCase, MediaProfile};

use crate::folders::{Scratch, create_folder, host};
use crate::guests::Building;
use crate::interrupt::Interrupt;
use crate::lane::{Lane, Stock};
use crate::options::{DeviceChoice, Guests, RunOptions};
use crate::plan::{Plan, plan};
use crate::progress::{Progress, ProgressSink};
use crate::signals::Signals;
use crate::worker::{Shared, Worker, lock};
use crate::{RunError, control};

/// Carries a run out.
pub struct Runner {
    options: RunOptions,
    operator: Arc<dyn Operator>,
    progress: ProgressSink,
    interrupt: Interrupt,
    net: Net,
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

    /// The network of the run. In virtual time a phone that no driver starts is put there.
    pub const fn network(&self) -> &Net {
        &self.net
    }

    fn media(&self) -> MediaProfile {
        match &self.options.device {
            DeviceChoice::Sim(_) => MediaProfile::default(),
            DeviceChoice::File(_, file) => file.media.clone(),
        }
    }

    fn ixit(&self) -> Ixit {
        match &self.options.device {
            DeviceChoice::Sim(_) => Ixit::default(),
            DeviceChoice::File(_, file) => file.ixit.clone(),
        }
    }

    /// The device of a lane; `link` is its way to it by SIP.
    fn device(&self, lane: u64, scratch: &Path, link: Arc<dyn SipLink>) -> Result<Box<dyn Device>, RunError> {
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
            DeviceChoice::File(_, file) => {
                let place = Workplace {
                    net: self.net.clone(),
                    speech,
                    operator: Arc::clone(&self.operator),
                    link,
                    scratch: scratch.to_owned(),
                };
                voxproof_device::create(file, &place)?
            }
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
        let device = self.device(0, &std::env::temp_dir(), Arc::new(NoLink))?;
        let claimed = match &self.options.device {
            DeviceChoice::Sim(_) => sim_claims(&self.options.suite.suite),
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
            // every guest has a device of its own
            DeviceChoice::File(..) if self.options.guests.is_some() => self.options.jobs.max(1),
            // one device, one call at a time
            DeviceChoice::File(..) => 1,
        }
    }

    async fn lanes(&self, count: usize, scratch: &Path) -> Result<Vec<Lane>, RunError> {
        let files = self.options.suite.files.iter();
        let stock = Stock {
            signals: Arc::new(Signals::of(&self.options.suite)?),
            files: Arc::new(
                files
                    .filter_map(|(name, bytes)| Some((name.clone(), Arc::clone(bytes.as_ref()?))))
                    .collect(),
            ),
        };
        let mut lanes: Vec<Lane> = Vec::new();
        for index in 0..count as u64 {
            let (link, requests) = control::link();
            let device = self.device(index, &scratch.join(format!("lane-{index}")), Arc::new(link))?;
            let seed = self.options.seed.wrapping_add(index.wrapping_mul(0x9e37_79b9));
            match Lane::open(
                self.net.clone(),
                &self.ixit(),
                self.media(),
                (device, requests),
                stock.clone(),
                seed,
            )
            .await
            {
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
        for text in plan.denials() {
            (self.progress)(Progress::Note { text });
        }
        let scratch = Scratch::new()?;
        let jobs = self.jobs().min(selected.len());
        let mut place = self.place(jobs, &scratch).await?;

        let mut identity = self.identity();
        if identity.firmware == "auto" {
            identity.firmware = match &mut place {
                Place::Lanes(lanes) => match lanes.first_mut() {
                    Some(lane) => lane.firmware().await,
                    None => String::new(),
                },
                Place::Guests(..) => self.device(0, scratch.path(), Arc::new(NoLink))?.firmware().await,
            };
        }
        let (journal, started) = match self.begin(&plan, identity, scratch.path()) {
            Ok(begun) => begun,
            Err(error) => return give_up(place, error).await,
        };
        let path = self.options.out.join(&started.run_id);
        (self.progress)(Progress::RunStarted {
            run_id: started.run_id,
            path: path.clone(),
            selected: selected.len(),
            total: plan.cases.len(),
            expected_s: plan.expected().as_secs_f64(),
            jobs,
        });
        self.carry_out(path, place, journal, started.evidence, selected, BTreeMap::new())
            .await
    }

    /// Where the cases are carried out.
    async fn place(&self, jobs: usize, scratch: &Scratch) -> Result<Place, RunError> {
        Ok(match &self.options.guests {
            Some(guests) => Place::Guests(guests.clone(), jobs),
            None => Place::Lanes(self.lanes(jobs, scratch.path()).await?),
        })
    }

    /// Makes the run folder with its first journal line.
    fn begin(
        &self,
        plan: &Plan,
        identity: DeviceIdentity,
        scratch: &Path,
    ) -> Result<(JournalWriter, RunStarted), RunError> {
        let suite = &self.options.suite;
        let capabilities = self.device(0, scratch, Arc::new(NoLink))?.capabilities();
        let (run, run_id) = create_folder(&self.options.out, &suite.suite.id)?;
        let started = RunStarted {
            format: JOURNAL_FORMAT.to_owned(),
            run_id,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            analyzer_version: ANALYZER_VERSION.to_owned(),
            suite: SuiteSummary {
                id: suite.suite.id.to_string(),
                title: suite.suite.title.clone(),
                release: suite.suite.release.clone(),
                sha256: suite.sha256.clone(),
                derived_from: suite.suite.derived_from.clone(),
                decision_rule: suite.suite.decision_rule,
                path: suite.root.display().to_string(),
            },
            device: DeviceSummary {
                manufacturer: identity.manufacturer,
                model: identity.model,
                firmware: identity.firmware,
                driver: match &self.options.device {
                    DeviceChoice::Sim(_) => "sim".to_owned(),
                    DeviceChoice::File(_, file) => file.driver.name(),
                },
                capabilities: capabilities.iter().map(|one| one.name().to_owned()).collect(),
                argument: self.argument(),
            },
            ics: plan.ics.clone(),
            proforma: plan.proforma.clone(),
            profile: self.options.profile.name().to_owned(),
            // only a laboratory's own signed set-up makes a run official; this release has none
            official: false,
            target: self.options.target,
            virtual_time: self.options.virtual_time || self.options.guests.is_some(),
            guest_kernel: self
                .options
                .guests
                .as_ref()
                .map(|guests| guests.kernel.version.clone()),
            only: self.options.only.clone(),
            host: match &self.options.guests {
                Some(guests) => format!(
                    "{}; every case in a User Mode Linux guest of its own, kernel {}",
                    host(),
                    guests.kernel.version
                ),
                None => host(),
            },
            evidence: self.store_specification(&run)?,
            plan: plan.cases.clone(),
        };
        let mut journal = JournalWriter::create(&run.join("journal.jsonl"))?;
        journal.append(Event::RunStarted(Box::new(started.clone())))?;
        Ok((journal, started))
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
        let place = self.place(jobs, &scratch).await?;
        let journal = JournalWriter::resume(&run.path.join("journal.jsonl")).and_then(|mut journal| {
            journal.append(Event::RunResumed {
                tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            })?;
            Ok(journal)
        });
        let journal = match journal {
            Ok(journal) => journal,
            Err(error) => return give_up(place, error.into()).await,
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
            place,
            journal,
            run.started.evidence.clone(),
            selected,
            attempts,
        )
        .await
    }

    async fn carry_out(
        &self,
        run: PathBuf,
        place: Place,
        journal: JournalWriter,
        evidence: Vec<EvidenceObject>,
        mut selected: Vec<LoadedCase>,
        attempts: BTreeMap<String, u32>,
    ) -> Result<Run, RunError> {
        let began = self.net.clock().now();
        if place.jobs() > 1 {
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
            in_steps: Mutex::default(),
        });
        let jobs = place.jobs();
        let mut tasks = tokio::task::JoinSet::new();
        let worker = || Worker {
            shared: Arc::clone(&shared),
            progress: Arc::clone(&self.progress),
            interrupt: self.interrupt.clone(),
            target: self.options.target,
        };
        match place {
            Place::Lanes(lanes) => {
                for lane in lanes {
                    tasks.spawn(worker().work(lane));
                }
            }
            Place::Guests(guests, jobs) => {
                let building = Arc::new(Building::new(guests, &self.options, self.argument())?);
                for job in 0..jobs {
                    tasks.spawn(Arc::clone(&building).work(worker(), job));
                }
            }
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
            designation: designations(&so_far.started.proforma, &so_far.cases),
            wall_s,
            waiting_s: waiting(&lock(&shared.in_steps), jobs),
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
            waiting_s: finished.waiting_s,
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
            let text = serde_json::to_string_pretty(&file.without_secrets()).unwrap_or_default();
            objects.push(store.put("device.json", text.as_bytes())?);
        }
        Ok(objects)
    }
}

/// Where the cases of a run are carried out.
enum Place {
    /// In this process, each lane with a device.
    Lanes(Vec<Lane>),
    /// In guests, so many at a time.
    Guests(Guests, usize),
}

impl Place {
    fn jobs(&self) -> usize {
        match self {
            Self::Lanes(lanes) => lanes.len(),
            Self::Guests(_, jobs) => *jobs,
        }
    }
}

async fn give_up(place: Place, error: RunError) -> Result<Run, RunError> {
    if let Place::Lanes(mut lanes) = place {
        for lane in &mut lanes {
            lane.close().await;
        }
    }
    Err(error)
}

/// The waiting that a run on so many lanes cannot do without: its cases' steps spread evenly, or its longest case. `None`
/// where no case was driven here, as in guests.
fn waiting(in_steps: &[Duration], lanes: usize) -> Option<f64> {
    let longest = in_steps.iter().max()?.as_secs_f64();
    let all: f64 = in_steps.iter().map(Duration::as_secs_f64).sum();
    Some(longest.max(all / lanes.max(1) as f64))
}

/// What the simulated phone needs another configuration for than the one without a file: `devices/sim-tls.toml` has it.
/// The others are in `fixtures/devices/sim`.
const NOT_OUT_OF_THE_BOX: [&str; 21] = [
    "srtp",
    "g722",
    "opus",
    "dtls",
    "stream_transport",
    "tls",
    "outbound",
    "keep_alive",
    "mailbox",
    "unsolicited_mailbox",
    "presence_watch",
    "dialog_watch",
    "quality_report",
    "rtcp_mux",
    "rtcp_xr",
    "comfort_noise",
    "dscp",
    "long_call",
    "srv_lookup",
    "provisioning",
    "check_sync",
];

/// The simulated phone claims everything that it can do as it is.
fn sim_claims(suite: &voxproof_spec::Suite) -> BTreeMap<voxproof_spec::Located<String>, bool> {
    suite
        .ics
        .keys()
        .filter(|item| !NOT_OUT_OF_THE_BOX.contains(&item.as_str()))
        .map(|item| (voxproof_spec::Located::synthetic(item.clone()), true))
        .collect()
}
