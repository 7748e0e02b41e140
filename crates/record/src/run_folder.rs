//! A run folder, read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use voxproof_spec::Verdict;

use crate::{
    CapturedPacket, CaseFinished, Counts, Event, EvidenceObject, EvidenceStore, Exhibits, Journal,
    PlannedCase, RecordError, RunFinished, RunStarted, Selection, Timeline, TimelineEvent, Wav, read_capture,
    read_wav,
};

/// A run as its journal tells it.
#[derive(Debug, Clone)]
pub struct Run {
    /// The folder.
    pub path: PathBuf,
    /// How it began.
    pub started: RunStarted,
    /// Wall-clock time of its first line.
    pub started_at: String,
    /// Wall-clock time of its last line.
    pub last_at: String,
    /// The cases in the order of the plan.
    pub cases: Vec<CaseRecord>,
    /// How it ended, once it has.
    pub finished: Option<RunFinished>,
    /// Whether it is whole.
    pub state: RunState,
}

/// A planned case and its attempts.
#[derive(Debug, Clone)]
pub struct CaseRecord {
    /// The plan.
    pub planned: PlannedCase,
    /// Its attempts, in order.
    pub attempts: Vec<CaseFinished>,
}

impl CaseRecord {
    /// The verdict that counts: the last attempt's; a case that both passed and failed is inconclusive.
    pub fn verdict(&self) -> Option<Verdict> {
        let verdicts: Vec<Verdict> = self
            .attempts
            .iter()
            .map(|attempt| attempt.judgement.verdict)
            .collect();
        if verdicts.contains(&Verdict::Pass) && verdicts.contains(&Verdict::Fail) {
            return Some(Verdict::Inconc);
        }
        verdicts.last().copied()
    }
}

/// Whether a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It did.
    Finished,
    /// Somebody stopped it.
    Interrupted,
    /// It stopped without a word (crash, power loss) or still runs.
    Open,
}

/// The evidence of one attempt, loaded.
#[derive(Debug, Clone)]
pub struct CaseEvidence {
    /// The case's text as it was when it ran.
    pub case_source: Arc<str>,
    /// Limit files: name and text.
    pub limit_sources: Vec<(String, Arc<str>)>,
    /// `suite.toml`.
    pub suite_source: Arc<str>,
    /// Every datagram.
    pub packets: Vec<CapturedPacket>,
    /// What the lab did.
    pub timeline: Timeline,
    /// Signals by id.
    pub signals: BTreeMap<String, Wav>,
    /// Recordings of the case by name (`device-speech.wav`, `device-recording.wav`).
    pub recordings: BTreeMap<String, Wav>,
}

impl Run {
    /// Reads a run folder.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let journal = Journal::read(&path.join("journal.jsonl"))?;
        let not_a_run = |reason: &str| RecordError::NotARun {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let first = journal
            .entries
            .first()
            .ok_or_else(|| not_a_run("its journal is empty"))?;
        let Event::RunStarted(started) = &first.event else {
            return Err(not_a_run("its journal does not begin with the start of a run"));
        };
        if started.format != crate::JOURNAL_FORMAT {
            return Err(not_a_run(&format!(
                "its journal has format {}, this tool reads {}",
                started.format,
                crate::JOURNAL_FORMAT
            )));
        }
        let mut run = Self {
            path: path.to_owned(),
            started: (**started).clone(),
            started_at: first.time.clone(),
            last_at: journal
                .entries
                .last()
                .map(|entry| entry.time.clone())
                .unwrap_or_default(),
            cases: started
                .plan
                .iter()
                .map(|planned| CaseRecord {
                    planned: planned.clone(),
                    attempts: vec![],
                })
                .collect(),
            finished: None,
            state: RunState::Open,
        };
        for entry in &journal.entries {
            match &entry.event {
                Event::CaseFinished(finished) => {
                    if let Some(case) = run.cases.iter_mut().find(|case| case.planned.id == finished.case) {
                        case.attempts.push((**finished).clone());
                    }
                }
                Event::RunFinished(finished) => {
                    run.finished = Some((**finished).clone());
                    run.state = RunState::Finished;
                }
                Event::Interrupted { .. } => run.state = RunState::Interrupted,
                Event::RunResumed { .. } => run.state = RunState::Open,
                _ => {}
            }
        }
        Ok(run)
    }

    /// The evidence store.
    pub fn store(&self) -> EvidenceStore {
        EvidenceStore::new(&self.path)
    }

    /// Cases by outcome, counted from the attempts.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for case in &self.cases {
            match (&case.planned.selection, case.verdict()) {
                (_, Some(verdict)) => counts.add(verdict),
                (Selection::NotApplicable { .. }, None) => counts.not_applicable += 1,
                (Selection::Run | Selection::NotSelected, None) => counts.not_run += 1,
            }
        }
        counts
    }

    /// Loads the evidence of an attempt; every object is held against its hash.
    pub fn evidence(&self, attempt: &CaseFinished) -> Result<CaseEvidence, RecordError> {
        CaseEvidence::load(&self.store(), &self.started.evidence, &attempt.evidence)
    }

    /// The pictures of an attempt.
    pub fn exhibits(&self, attempt: &CaseFinished) -> Result<Exhibits, RecordError> {
        let Some(object) = &attempt.exhibits else {
            return Ok(Exhibits::default());
        };
        let bytes = self.store().get(object)?;
        serde_json::from_slice(&bytes).map_err(|error| RecordError::Damaged {
            what: object.name.clone(),
            reason: error.to_string(),
        })
    }
}

impl CaseEvidence {
    /// Loads the evidence from the objects of the run and of the attempt.
    pub fn load(
        store: &EvidenceStore,
        run: &[EvidenceObject],
        attempt: &[EvidenceObject],
    ) -> Result<Self, RecordError> {
        let mut evidence = Self {
            case_source: Arc::from(""),
            limit_sources: vec![],
            suite_source: Arc::from(""),
            packets: vec![],
            timeline: Timeline::default(),
            signals: BTreeMap::new(),
            recordings: BTreeMap::new(),
        };
        let text = |object: &EvidenceObject, bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .map(Arc::<str>::from)
                .map_err(|error| RecordError::Damaged {
                    what: object.name.clone(),
                    reason: error.to_string(),
                })
        };
        let mut capture = None;
        let mut signals = vec![];
        for object in run.iter().chain(attempt) {
            let bytes = store.get(object)?;
            match object.name.as_str() {
                "suite.toml" => evidence.suite_source = text(object, bytes)?,
                "case.toml" => evidence.case_source = text(object, bytes)?,
                "capture.pcapng" => capture = Some(bytes),
                "timeline.jsonl" => evidence.timeline = Timeline::from_json_lines(&bytes)?,
                name => {
                    if let Some(file) = name.strip_prefix("limits/") {
                        evidence
                            .limit_sources
                            .push((file.to_owned(), text(object, bytes)?));
                    } else if let Some(id) = name
                        .strip_prefix("signal/")
                        .and_then(|name| name.strip_suffix(".wav"))
                    {
                        signals.push((id.to_owned(), bytes));
                    } else if name.ends_with(".wav") {
                        evidence
                            .recordings
                            .insert(name.to_owned(), read_wav(name, &bytes)?);
                    }
                }
            }
        }
        // the suite's signals are evidence of the whole run; a case plays one or two of them
        let played = evidence.played();
        for (id, bytes) in signals {
            if played.contains(&id) {
                evidence
                    .signals
                    .insert(id.clone(), read_wav(&format!("signal/{id}.wav"), &bytes)?);
            }
        }
        if let Some(bytes) = capture {
            evidence.packets = read_capture(&bytes, evidence.epoch())?;
        }
        Ok(evidence)
    }

    /// Signals that were played in the case.
    fn played(&self) -> BTreeSet<String> {
        self.timeline
            .entries
            .iter()
            .filter_map(|entry| match &entry.event {
                TimelineEvent::Signal(played) => Some(played.signal.clone()),
                _ => None,
            })
            .collect()
    }

    /// Wall-clock time of the lab's epoch.
    pub fn epoch(&self) -> Duration {
        self.timeline
            .entries
            .iter()
            .find_map(|entry| match entry.event {
                TimelineEvent::Epoch { unix_ns, .. } => Some(Duration::from_nanos(unix_ns)),
                _ => None,
            })
            .unwrap_or_default()
    }
}
