//! What a run tells while it goes on; terminal, JSON lines and console listen to the same events.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use voxproof_record::{Counts, DesignationResults};
use voxproof_spec::Verdict;

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The run has its folder and its plan.
    RunStarted {
        /// Run id.
        run_id: String,
        /// Folder.
        path: PathBuf,
        /// Cases that will run.
        selected: usize,
        /// Cases of the suite.
        total: usize,
        /// Sum of their expected durations, seconds.
        expected_s: f64,
        /// Cases that run at the same time.
        jobs: usize,
    },
    /// A case began.
    CaseStarted {
        /// Its id.
        case: String,
        /// Its title.
        title: String,
    },
    /// A step of a case began.
    Step {
        /// The case.
        case: String,
        /// The step in words.
        step: String,
    },
    /// A case was judged.
    CaseFinished {
        /// Its id.
        case: String,
        /// Its title.
        title: String,
        /// Verdict.
        verdict: Verdict,
        /// First reason.
        reason: String,
        /// Seconds.
        wall_s: f64,
    },
    /// Something a person should know.
    Note {
        /// The words.
        text: String,
    },
    /// The run is over.
    RunFinished {
        /// Folder.
        path: PathBuf,
        /// Counts.
        counts: Counts,
        /// Designations.
        designation: DesignationResults,
        /// Seconds.
        wall_s: f64,
        /// Seconds of them that cases of this run have to wait, on as many lanes as there were.
        waiting_s: Option<f64>,
        /// It was stopped before its end.
        interrupted: bool,
    },
}

/// Somebody who listens.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;
