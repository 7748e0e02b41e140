//! How long a program on this machine was kept from a processor: what it does late then is not its own doing.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How often the threads of the program are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Watches the threads of a process until it ends or this is dropped.
#[derive(Debug)]
pub(crate) struct Waits {
    longest: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Waits {
    /// `None` where nothing can be seen: the kernel keeps no account, or time is virtual and nobody waits.
    pub(crate) fn of(process: u32) -> Option<Self> {
        let time_is_virtual =
            fs::read_to_string("/proc/cmdline").is_ok_and(|line| line.contains("time-travel="));
        if time_is_virtual || of_threads(process).is_none() {
            return None;
        }
        let longest = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let (seen, ended) = (Arc::clone(&longest), Arc::clone(&over));
        thread::Builder::new()
            .name("device-waits".to_owned())
            .spawn(move || {
                let mut before = BTreeMap::new();
                while !ended.load(Ordering::Relaxed) {
                    let Some(now) = of_threads(process) else { break };
                    for (id, waited) in &now {
                        let known = before.get(id).copied().unwrap_or(*waited);
                        seen.fetch_max(waited.saturating_sub(known), Ordering::Relaxed);
                    }
                    before = now;
                    thread::sleep(LOOK);
                }
            })
            .ok()?;
        Some(Self { longest, over })
    }

    /// The longest that one thread had to wait between two looks, a tenth of a second apart, since the last call.
    pub(crate) fn take(&self) -> Duration {
        Duration::from_nanos(self.longest.swap(0, Ordering::Relaxed))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Nanoseconds that each thread was ready to run and did not (`schedstat` of proc(5), the second number).
fn of_threads(process: u32) -> Option<BTreeMap<String, u64>> {
    let mut threads = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten() {
        // a thread may be gone meanwhile
        let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else {
            continue;
        };
        let waited = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
        threads.insert(entry.file_name().to_string_lossy().into_owned(), waited);
    }
    (!threads.is_empty()).then_some(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_this_process_is_read() {
        assert!(of_threads(std::process::id()).is_some_and(|threads| !threads.is_empty()));
        assert_eq!(of_threads(u32::MAX), None);
        assert!(Waits::of(u32::MAX).is_none());
    }

    #[test]
    fn what_was_taken_is_gone() {
        let waits = Waits {
            longest: Arc::new(AtomicU64::new(7)),
            over: Arc::default(),
        };
        assert_eq!(waits.take(), Duration::from_nanos(7));
        assert_eq!(waits.take(), Duration::ZERO);
    }
}
