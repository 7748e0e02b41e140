//! One module a command.

pub(crate) mod call;
pub(crate) mod device;
pub(crate) mod doctor;
pub(crate) mod generated;
pub(crate) mod judge;
pub(crate) mod lab;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod sound;
