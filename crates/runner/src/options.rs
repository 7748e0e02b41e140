//! What a run is told.

use std::path::PathBuf;
use std::sync::Arc;

use voxproof_guest::Kernel;
use voxproof_simphone::Fault;
use voxproof_spec::{DeviceFile, LoadedSuite, Tier};

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

/// Cases are carried out in guests with a virtual clock, each in one of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guests {
    /// What they boot.
    pub kernel: Kernel,
    /// The `voxproof` that carries a case out in there: this very program, as a rule.
    pub program: PathBuf,
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
    /// Where cases are carried out, when it is not in this process.
    pub guests: Option<Guests>,
    /// The designation aimed at.
    pub target: Tier,
    /// Seed of identifiers.
    pub seed: u64,
}
