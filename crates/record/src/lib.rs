//! The append-only journal, the evidence store, captures and the manifest.
//!
//! The journal is the only truth of a run: one JSON line an event, on disk before the next step starts. Everything
//! else in a run folder is either evidence (named by its SHA-256) or derived and can be deleted and rebuilt.

mod capture;
mod error;
mod evidence;
mod exhibits;
mod frames;
mod ics;
mod journal;
mod manifest;
mod result;
mod rules;
mod run_folder;
mod timeline;
mod wav;

pub use capture::{CapturedPacket, Carrier, PacketDirection, read_capture, write_capture};
pub use error::RecordError;
pub use evidence::{EvidenceObject, EvidenceStore, sha256_hex};
pub use exhibits::{Exhibits, LadderRow, LevelPlot};
pub use ics::{IcsOutcome, IcsResult, IcsSight, IcsSighting, ics_results};
pub use journal::{
    CaseFinished, DeviceSummary, Entry, Event, JOURNAL_FORMAT, Journal, JournalWriter, PlannedCase,
    RunFinished, RunStarted, Selection, SuiteSummary,
};
pub use manifest::{Manifest, ManifestProblem};
pub use result::{
    BoundResult, CheckResult, Counts, Designation, DesignationResults, FindingResult, Judgement,
    MeasurementResult,
};
pub use rules::{RuleResult, RuleSeverity, RuleTotal, rule_totals};
pub use run_folder::{CaseEvidence, CaseRecord, Run, RunState};
pub use timeline::{Phase, SignalPlayed, StepOutcome, Timeline, TimelineEntry, TimelineEvent};
pub use wav::{Wav, read_wav, write_wav};
