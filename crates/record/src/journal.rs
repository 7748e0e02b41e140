//! The journal: what happened in a run, one JSON line an event.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voxproof_spec::{Case, DecisionRule, IcsDeclaration, Level, Severity, Tier};

use crate::{Counts, DesignationResults, EvidenceObject, Judgement, RecordError};

/// Name and version of the journal format.
pub const JOURNAL_FORMAT: &str = "voxproof-journal/1";

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Counts from 0 without gaps.
    pub seq: u64,
    /// Wall-clock time, RFC 3339.
    pub time: String,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The run began; always the first line.
    RunStarted(Box<RunStarted>),
    /// The run went on after an interruption.
    RunResumed {
        /// Version of the tool that went on.
        tool_version: String,
    },
    /// A case began.
    CaseStarted {
        /// Its id.
        case: String,
        /// Attempt, from 1.
        attempt: u32,
    },
    /// A step of a case ended.
    StepEnded {
        /// The case.
        case: String,
        /// Step in words.
        step: String,
        /// How it ended, in words.
        outcome: String,
    },
    /// A case was driven and judged.
    CaseFinished(Box<CaseFinished>),
    /// The device was recovered between cases.
    DeviceRecovered {
        /// Why.
        reason: String,
    },
    /// Somebody stopped the run.
    Interrupted {
        /// 1: finish the case in hand; 2: stop at once.
        presses: u32,
    },
    /// The run came to its end.
    RunFinished(Box<RunFinished>),
}

/// How a run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// [`JOURNAL_FORMAT`].
    pub format: String,
    /// Run id.
    pub run_id: String,
    /// Version of the tool.
    pub tool_version: String,
    /// Version of the analyser; a judge of another version may differ.
    pub analyzer_version: String,
    /// The suite.
    pub suite: SuiteSummary,
    /// The device.
    pub device: DeviceSummary,
    /// Claimed features, resolved.
    pub ics: BTreeMap<String, bool>,
    /// The suite's ICS proforma with the device's answers.
    #[serde(default)]
    pub proforma: Vec<IcsDeclaration>,
    /// `precert` or `certification`.
    pub profile: String,
    /// Whether the run can lead to a designation.
    pub official: bool,
    /// The designation aimed at.
    pub target: Tier,
    /// Time was virtual.
    pub virtual_time: bool,
    /// Kernel of the guests that the cases ran in, each in one of its own; none when they ran in the lab's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_kernel: Option<String>,
    /// The `--only` expression.
    pub only: Option<String>,
    /// The host.
    pub host: String,
    /// Texts of suite, limits and device file and the signals, as evidence.
    pub evidence: Vec<EvidenceObject>,
    /// Every case of the suite and what becomes of it.
    pub plan: Vec<PlannedCase>,
}

/// Which suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteSummary {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Date of the release.
    pub release: String,
    /// SHA-256 over its files.
    pub sha256: String,
    /// What it is derived from.
    pub derived_from: String,
    /// Decision rule.
    pub decision_rule: DecisionRule,
    /// Folder it was read from.
    pub path: String,
}

/// Which device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceSummary {
    /// Maker.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Firmware, as declared or read back.
    pub firmware: String,
    /// Driver.
    pub driver: String,
    /// Capabilities of the driver.
    pub capabilities: Vec<String>,
    /// How the run was told to reach it, for `resume` (`sim:no-audio` or a file).
    pub argument: String,
}

/// A case as planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedCase {
    /// Id.
    pub id: String,
    /// Revision.
    pub rev: u32,
    /// Title.
    pub title: String,
    /// Purpose.
    pub purpose: String,
    /// Catalogue row.
    pub catalogue: Option<String>,
    /// Clauses.
    pub requirement: Vec<String>,
    /// Core or extended.
    pub level: Level,
    /// Weight.
    pub severity: Severity,
    /// Designations its failure blocks.
    pub tiers: Vec<Tier>,
    /// Expected duration in seconds.
    pub duration_s: f64,
    /// What becomes of it.
    pub selection: Selection,
}

impl PlannedCase {
    /// The part of a case that reports need.
    pub fn new(case: &Case, selection: Selection) -> Self {
        Self {
            id: case.id.to_string(),
            rev: case.rev,
            title: case.title.clone(),
            purpose: case.purpose.clone(),
            catalogue: case.catalogue.clone(),
            requirement: case.requirement.clone(),
            level: case.level,
            severity: case.severity,
            tiers: case.tiers.clone(),
            duration_s: case.duration.0.as_secs_f64(),
            selection,
        }
    }
}

/// Whether a case runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// It runs.
    Run,
    /// The device does not claim the feature, or cannot be driven to show it.
    NotApplicable {
        /// Why.
        reason: String,
    },
    /// `--only` left it out.
    NotSelected,
}

/// A judged case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseFinished {
    /// Its id.
    pub case: String,
    /// Its revision.
    pub rev: u32,
    /// Attempt, from 1.
    pub attempt: u32,
    /// What the evidence came to.
    pub judgement: Judgement,
    /// The evidence.
    pub evidence: Vec<EvidenceObject>,
    /// Pictures of the evidence, derived.
    pub exhibits: Option<EvidenceObject>,
    /// Why the device had to be recovered before this case.
    pub recovered: Option<String>,
    /// Seconds it took.
    pub wall_s: f64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunFinished {
    /// Cases by outcome.
    pub counts: Counts,
    /// Designations.
    pub designation: DesignationResults,
    /// Seconds the run took.
    pub wall_s: f64,
    /// Seconds of them that its cases had to wait in their steps: spread over the lanes, or the longest case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_s: Option<f64>,
}

/// Appends to a journal; each line is on disk before the call returns.
#[derive(Debug)]
pub struct JournalWriter {
    file: File,
    path: PathBuf,
    next: u64,
}

impl JournalWriter {
    /// Starts a new journal; an existing one is never overwritten.
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|error| RecordError::Write {
                path: path.to_owned(),
                error,
            })?;
        Ok(Self {
            file,
            path: path.to_owned(),
            next: 0,
        })
    }

    /// Goes on with an existing journal; a last line that was cut off in writing is dropped.
    pub fn resume(path: &Path) -> Result<Self, RecordError> {
        let journal = Journal::read(path)?;
        let error = |error| RecordError::Write {
            path: path.to_owned(),
            error,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(error)?;
        file.set_len(journal.intact_bytes).map_err(error)?;
        file.seek(SeekFrom::End(0)).map_err(error)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            next: journal.entries.len() as u64,
        })
    }

    /// Appends an event.
    pub fn append(&mut self, event: Event) -> Result<(), RecordError> {
        let entry = Entry {
            seq: self.next,
            time: jiff::Timestamp::now().to_string(),
            event,
        };
        let mut line = serde_json::to_string(&entry).map_err(|error| RecordError::Damaged {
            what: "journal entry".to_owned(),
            reason: error.to_string(),
        })?;
        line.push('\n');
        let error = |error| RecordError::Write {
            path: self.path.clone(),
            error,
        };
        self.file.write_all(line.as_bytes()).map_err(error)?;
        self.file.sync_data().map_err(error)?;
        self.next += 1;
        Ok(())
    }
}

/// A journal as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal {
    /// Its lines.
    pub entries: Vec<Entry>,
    /// Length of the part that is whole lines.
    pub intact_bytes: u64,
    /// A last line was cut off in writing (crash or power loss).
    pub truncated: bool,
}

impl Journal {
    /// Reads a journal. A cut-off last line is tolerated, damage anywhere else is an error with its line.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| RecordError::Read {
                path: path.to_owned(),
                error,
            })?;
        Self::parse(path, &bytes)
    }

    /// Reads a journal from its bytes.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, RecordError> {
        let intact = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut entries = Vec::new();
        for (index, line) in bytes
            .get(..intact)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n')
            .enumerate()
        {
            if line.is_empty() && index == entries.len() && entries.len() as u64 > 0 {
                continue;
            }
            let problem = |reason: String| RecordError::Journal {
                path: path.to_owned(),
                line: index + 1,
                reason,
            };
            let entry: Entry = serde_json::from_slice(line).map_err(|error| problem(error.to_string()))?;
            if entry.seq != entries.len() as u64 {
                return Err(problem(format!(
                    "sequence number {} where {} belongs",
                    entry.seq,
                    entries.len()
                )));
            }
            entries.push(entry);
        }
        Ok(Self {
            entries,
            intact_bytes: intact as u64,
            truncated: intact < bytes.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_last_line_is_dropped_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut writer = JournalWriter::create(&path).unwrap();
        writer
            .append(Event::CaseStarted {
                case: "A".into(),
                attempt: 1,
            })
            .unwrap();
        writer
            .append(Event::CaseStarted {
                case: "B".into(),
                attempt: 1,
            })
            .unwrap();
        assert!(
            JournalWriter::create(&path).is_err(),
            "an existing journal is never overwritten"
        );

        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let journal = Journal::read(&path).unwrap();
        assert!(journal.truncated);
        assert_eq!(journal.entries.len(), 1);

        let mut writer = JournalWriter::resume(&path).unwrap();
        writer
            .append(Event::CaseStarted {
                case: "C".into(),
                attempt: 1,
            })
            .unwrap();
        let journal = Journal::read(&path).unwrap();
        assert_eq!(journal.entries.len(), 2);
        assert!(!journal.truncated);

        let mut damaged = std::fs::read(&path).unwrap();
        damaged[3] = b'#';
        assert!(matches!(
            Journal::parse(&path, &damaged),
            Err(RecordError::Journal { line: 1, .. })
        ));
    }
}
