//! Marks: named moments and intervals of a case.

use std::time::Duration;

/// A named moment or interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) start: Duration,
    pub(crate) end: Duration,
    pub(crate) packet: Option<u32>,
}
