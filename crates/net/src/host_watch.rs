//! Whether the machine itself keeps its time, as an ordinary program sees it.
//!
//! The media threads of the lab have real-time priority where the system permits it, so their own lateness says nothing
//! about a phone program that runs beside them as an ordinary process. One thread without priority sleeps to a grid
//! of absolute times and notes how late it was woken.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Clock;

const GRID: Duration = Duration::from_millis(10);
/// Shorter lateness is the ordinary life of a scheduler.
const WORTH_KEEPING: Duration = Duration::from_millis(5);
/// Entries kept; the oldest go first. A stall every grid point for ten minutes.
const KEPT: usize = 60_000;

type Lags = Arc<Mutex<VecDeque<(Duration, Duration)>>>;

/// A thread that notes how late an ordinary program is woken.
#[derive(Debug)]
pub(crate) struct HostWatch {
    lags: Lags,
    stop: Arc<AtomicBool>,
}

impl HostWatch {
    pub(crate) fn start(clock: Clock) -> Self {
        let lags: Lags = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, ended) = (Arc::clone(&lags), Arc::clone(&stop));
        // without the thread there is no figure, which is no worse than before
        let _ = thread::Builder::new()
            .name("host-watch".to_owned())
            .spawn(move || {
                let mut due = Instant::now() + GRID;
                while !ended.load(Ordering::Relaxed) {
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let lag = Instant::now().saturating_duration_since(due);
                    if lag >= WORTH_KEEPING {
                        let mut lags = seen.lock().unwrap_or_else(PoisonError::into_inner);
                        if lags.len() == KEPT {
                            lags.pop_front();
                        }
                        lags.push_back((clock.now(), lag));
                    }
                    // a stall is counted once
                    due = (due + GRID).max(Instant::now());
                }
            });
        Self { lags, stop }
    }

    /// The longest lateness that ended after `since`, on the lab's clock.
    pub(crate) fn longest_since(&self, since: Duration) -> Duration {
        let lags = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        lags.iter()
            .rev()
            .take_while(|(at, _)| *at >= since)
            .map(|(_, lag)| *lag)
            .max()
            .unwrap_or_default()
    }
}

impl Drop for HostWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
