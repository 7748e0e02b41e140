//! The time of one run, and what a time stamp of the kernel is in it.

use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

/// Time since the run began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    epoch: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            epoch: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// What turns the kernel's wall time stamps into times of the run. Taken anew for each batch, because wall time steps.
    pub(crate) fn stamps(&self) -> Stamps {
        Stamps {
            now: self.now(),
            wall: clock_gettime(ClockId::CLOCK_REALTIME).map(Duration::from).ok(),
        }
    }
}

/// The two clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamps {
    now: Duration,
    wall: Option<Duration>,
}

impl Stamps {
    /// The time of a kernel stamp; now when there is none or wall time stepped by seconds in between.
    pub(crate) fn at(&self, stamp: Option<TimeSpec>) -> Duration {
        let age = self
            .wall
            .zip(stamp)
            .and_then(|(wall, stamp)| wall.checked_sub(Duration::from(stamp)))
            .filter(|age| *age < Duration::from_secs(5));
        age.map_or(self.now, |age| self.now.saturating_sub(age))
    }
}
