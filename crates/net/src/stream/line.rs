//! What the two halves of a connection share with the line at its bottom, through all layers between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of bytes in both directions.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// A stream whatever it is made of.
pub(crate) type AnyStream = Box<dyn ByteStream>;

/// The state of one line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<State>);

#[derive(Debug, Default)]
struct State {
    arrival: AtomicU64,
    abortive: AtomicBool,
}

impl Line {
    /// Bytes that arrived at this lab time were read.
    pub(crate) fn arrived(&self, at: Duration) {
        // 584 years of nanoseconds
        let nanoseconds = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.0.arrival.store(nanoseconds, Ordering::Relaxed);
    }

    /// The time of arrival of what was read last.
    pub(crate) fn last_arrival(&self) -> Duration {
        Duration::from_nanos(self.0.arrival.load(Ordering::Relaxed))
    }

    /// The line will be reset instead of closed when it is let go of.
    pub(crate) fn abort(&self) {
        self.0.abortive.store(true, Ordering::Release);
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.0.abortive.load(Ordering::Acquire)
    }
}
