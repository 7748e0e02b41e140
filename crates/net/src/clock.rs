//! The lab's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The lab's clock: time since its epoch. One epoch serves sockets, media threads and evidence.
///
/// It follows tokio's clock, so it stands still with it when a test pauses the runtime.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
    unix_epoch: Duration,
}

impl Clock {
    /// A clock whose epoch is now.
    pub fn start() -> Self {
        // a host set before 1970 has no usable wall time; zero says so without stopping the run
        let unix_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            epoch: Instant::now(),
            unix_epoch,
        }
    }

    /// The time since the epoch.
    pub fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.epoch)
    }

    /// The tokio instant of a lab time.
    pub fn instant(&self, at: Duration) -> Instant {
        // about 30 years, what tokio itself uses for "never": a far deadline must not overflow the platform's clock
        self.epoch + at.min(Duration::from_secs(86_400 * 365 * 30))
    }

    /// The wall time of the epoch, as time since 1970-01-01T00:00:00Z.
    pub fn unix_epoch(&self) -> Duration {
        self.unix_epoch
    }

    /// Waits until a lab time; returns at once when it has passed.
    pub async fn sleep_until(&self, at: Duration) {
        tokio::time::sleep_until(self.instant(at)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_follows_the_paused_clock() {
        let clock = Clock::start();
        assert_eq!(clock.now(), Duration::ZERO);
        clock.sleep_until(Duration::from_secs(32)).await;
        assert_eq!(clock.now(), Duration::from_secs(32));
        clock.sleep_until(Duration::from_secs(1)).await;
        assert_eq!(clock.now(), Duration::from_secs(32));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_of_never_does_not_overflow() {
        let clock = Clock::start();
        assert!(clock.instant(Duration::MAX) > clock.instant(Duration::from_secs(3600)));
    }
}
