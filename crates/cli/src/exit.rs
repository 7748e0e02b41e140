//! Exit codes: a public contract, see `docs/cli.md`.

use std::process::ExitCode;

use voxproof_record::Counts;
use voxproof_runner::RunError;

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All applicable cases passed; or the command did what it was told.
    Pass = 0,
    /// A case failed or a rule that a device must keep was broken; or a judgement differs from the recorded one.
    Fail = 1,
    /// The command line is wrong. (clap's own code)
    Usage = 2,
    /// A specification, an ICS or a configuration is invalid.
    Specification = 3,
    /// No case was selected.
    NothingSelected = 4,
    /// Inconclusive, in error or not run.
    Incomplete = 5,
    /// The device or the rig could not be reached before the start.
    Unreachable = 6,
    /// Record or evidence could not be written or read.
    Record = 7,
    /// A bug of this program.
    Internal = 70,
    /// Stopped by the user.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The code of a finished run. Precedence: failed before incomplete.
    pub(crate) fn of_counts(counts: Counts) -> Self {
        if counts.fail > 0 {
            Self::Fail
        } else if counts.error + counts.inconc + counts.not_run > 0 {
            Self::Incomplete
        } else {
            Self::Pass
        }
    }

    /// The code of a run that could not be carried out.
    pub(crate) fn of_error(error: &RunError) -> Self {
        match error {
            RunError::Expression(_) | RunError::Judge(_) => Self::Specification,
            RunError::NothingSelected(_) => Self::NothingSelected,
            RunError::Unreachable(_) => Self::Unreachable,
            RunError::Record(_) => Self::Record,
            RunError::Internal(_) => Self::Internal,
        }
    }
}
