//! Stopping a run in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

/// Counts the presses of Ctrl-C: one finishes the step in hand and tears down, two abort.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<(AtomicU32, Notify)>);

impl Interrupt {
    /// One more press.
    pub fn press(&self) -> u32 {
        let presses = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.notify_waiters();
        presses
    }

    /// Presses so far.
    pub fn presses(&self) -> u32 {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Waits for the second press.
    pub async fn aborted(&self) {
        self.pressed_more_than(1).await;
    }

    /// Waits until there were more presses than `count`.
    pub async fn pressed_more_than(&self, count: u32) {
        loop {
            let notified = self.0.1.notified();
            if self.presses() > count {
                return;
            }
            notified.await;
        }
    }
}
