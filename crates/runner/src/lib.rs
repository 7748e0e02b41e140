//! Plan, drive, judge, record: runs a suite against a device.
//!
//! [`plan`] says what applies and why; [`Runner`] carries the plan out. Each lane owns a station (the lab's end of the
//! wire) and a device; a case is driven by the steps of its file, its evidence is stored, and the stored evidence is
//! judged by the same function that `voxproof judge` calls later.

mod control;
mod drive;
mod error;
mod evidence;
mod folders;
mod fuzzing;
mod guests;
mod interrupt;
mod lane;
mod options;
mod orders;
mod plan;
mod progress;
mod run;
mod services;
mod signals;
mod steps;
mod worker;

pub use error::RunError;
pub use interrupt::Interrupt;
pub use options::{DeviceChoice, Guests, Profile, RunOptions};
pub use plan::{Plan, PlanError, plan};
pub use progress::{Progress, ProgressSink};
pub use run::Runner;
