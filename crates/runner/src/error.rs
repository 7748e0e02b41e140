//! Why a run cannot be begun or carried on.

use voxproof_device::DeviceError;
use voxproof_record::RecordError;
use voxproof_spec::EvaluationError;

/// A run that cannot be begun or carried on. Each kind has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The `--only` expression or a case's `applies` cannot be evaluated.
    #[error("{0}")]
    Expression(#[from] EvaluationError),
    /// The plan holds no case to run.
    #[error("no case is selected: {0}")]
    NothingSelected(String),
    /// The device or the rig cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The record or the evidence cannot be written.
    #[error("{0}")]
    Record(#[from] RecordError),
    /// What was recorded cannot be judged.
    #[error("{0}")]
    Judge(#[from] voxproof_judge::JudgeError),
    /// A task of the runner ended in a panic: a bug.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<voxproof_guest::GuestError> for RunError {
    fn from(error: voxproof_guest::GuestError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<DeviceError> for RunError {
    fn from(error: DeviceError) -> Self {
        Self::Unreachable(error.to_string())
    }
}
