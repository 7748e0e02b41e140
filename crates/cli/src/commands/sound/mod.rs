//! `measure`, `analyze`, `stimulus`: sound files, without any device.

pub(crate) mod analyze;
mod files;
mod jobs;
pub(crate) mod measure;
mod output;
pub(crate) mod stimulus;
