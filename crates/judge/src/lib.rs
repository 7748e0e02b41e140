//! Pure verdicts: case and evidence in, checks, measurements and a verdict out.
//!
//! The same function judges a running test and a stored run, so `voxproof judge` can derive every verdict again from
//! the evidence alone. Nothing here reads a clock, a socket or a file.

mod checks;
mod connections;
mod designation;
mod exhibits;
mod facts;
mod fuzz;
mod guard;
mod ics;
mod impairment;
mod judgement;
mod measures;
mod media_checks;
mod messages;
mod moments;
mod pair;
mod pattern;
mod rtcp;
mod rules;
mod security;
mod services;
mod sound;
mod speech_path;
mod steps;
mod streams;
mod view;

pub use designation::designations;
pub use exhibits::{sip_log, tracks};

pub use judgement::{JudgeError, Judged, judge};
pub use pattern::{StatusPattern, matches_await};

/// Version of everything that turns evidence into verdicts; a run names it, because another version may measure
/// differently.
pub const ANALYZER_VERSION: &str = concat!("voxproof-judge ", env!("CARGO_PKG_VERSION"), " (2026-11-22, 4)");
