//! What a run tells its user while it runs.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use voxproof_sip::Message;

use crate::report::Progress;

/// Sees every SIP message of a run, as [`RuleInspection`](crate::RuleInspection) and [`SipCapture`](crate::SipCapture) do. Called on the loop's thread, so its cost
/// is the run's cost and shows in the loop's lag. Times are since the run began.
pub trait Observer {
    /// A datagram was received; `at` is the kernel's time.
    fn received(&mut self, at: Duration, source: SocketAddr, message: &Message);

    /// A message is handed to the network.
    fn sent(&mut self, at: Duration, destination: SocketAddr, bytes: &[u8]);
}

/// Both see everything, the first one first.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn received(&mut self, at: Duration, source: SocketAddr, message: &Message) {
        self.0.received(at, source, message);
        self.1.received(at, source, message);
    }

    fn sent(&mut self, at: Duration, destination: SocketAddr, bytes: &[u8]) {
        self.0.sent(at, destination, bytes);
        self.1.sent(at, destination, bytes);
    }
}

/// What a run is watched and stopped with.
pub struct Hooks<'a> {
    /// Set by anyone: no new calls, the present ones are cancelled or released, then the run ends.
    pub stop: &'a AtomicBool,
    /// Called about once a second.
    pub progress: &'a mut dyn FnMut(&Progress),
    /// Sees every SIP message.
    pub observer: Option<&'a mut dyn Observer>,
}

impl<'a> Hooks<'a> {
    /// Hooks without an observer.
    pub fn new(stop: &'a AtomicBool, progress: &'a mut dyn FnMut(&Progress)) -> Self {
        Self {
            stop,
            progress,
            observer: None,
        }
    }
}

impl std::fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks")
            .field("stop", self.stop)
            .field("observer", &self.observer.is_some())
            .finish_non_exhaustive()
    }
}
