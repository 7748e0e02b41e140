//! A paced two-way media session and its port.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::health::LagRecord;
use crate::{Dscp, MediaHealth, NetError};

/// A paced two-way media session: what is sent and received on one RTP port.
///
/// Its methods are called under its lock, from threads that must not wait: they compute and return.
pub trait MediaSession: Send {
    /// The time to the next tick. Read after every tick; at least 1 ms is used.
    fn interval(&self) -> Duration;

    /// The grid's next point has come: pushes the datagrams to send onto `out`.
    ///
    /// `deadline` is the sum of the intervals since the start, `now` the time it really is. A late session gets its missed ticks one
    /// after the other, each once.
    fn tick(&mut self, deadline: Duration, now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>);

    /// A datagram of the tick at `deadline` was handed to the network at `at`.
    fn sent(&mut self, deadline: Duration, at: Duration, to: SocketAddr, bytes: &[u8]);

    /// A datagram was received at `at`.
    fn received(&mut self, at: Duration, source: SocketAddr, bytes: &[u8]);

    /// A datagram was received on the RTP port, with all that is known about it. This is what the port calls; a session
    /// that has no use for the DSCP leaves it to [`MediaSession::received`].
    fn reception(&mut self, reception: Reception<'_>) {
        self.received(reception.at, reception.source, reception.bytes);
    }

    /// The grid's point of [`MediaSession::tick`] again, on a port pair: pushes the datagrams to send from the odd port,
    /// after those of the even one. With RTP and RTCP on one port (RFC 5761) `tick` pushes both.
    fn tick_rtcp(&mut self, _deadline: Duration, _now: Duration, _out: &mut Vec<(SocketAddr, Vec<u8>)>) {}

    /// A datagram of [`MediaSession::tick_rtcp`] was handed to the network at `at`.
    fn sent_rtcp(&mut self, _deadline: Duration, _at: Duration, _to: SocketAddr, _bytes: &[u8]) {}

    /// A datagram was received on the odd port of a pair. Ignored unless the session says otherwise.
    fn received_rtcp(&mut self, _reception: Reception<'_>) {}
}

/// A datagram as a media session receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reception<'a> {
    /// The lab time of reception; on the operating system's network the kernel's.
    pub at: Duration,
    /// The sender.
    pub source: SocketAddr,
    /// The payload.
    pub bytes: &'a [u8],
    /// The differentiated services code point it came with (RFC 2474), where the kernel says so.
    pub dscp: Option<u8>,
}

/// What a media port of either network can be asked.
pub(crate) struct Handle {
    pub(crate) local: SocketAddr,
    pub(crate) rtcp: Option<SocketAddr>,
    pub(crate) record: Arc<Mutex<LagRecord>>,
    pub(crate) mark: Box<dyn Fn(Dscp) -> Result<(), NetError> + Send + Sync>,
    pub(crate) stop: Box<dyn FnOnce() + Send + Sync>,
}

/// An open RTP port. Dropping it stops its session.
pub struct MediaPort {
    local: SocketAddr,
    rtcp: Option<SocketAddr>,
    record: Arc<Mutex<LagRecord>>,
    mark: Box<dyn Fn(Dscp) -> Result<(), NetError> + Send + Sync>,
    stop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl MediaPort {
    pub(crate) fn new(handle: Handle) -> Self {
        Self {
            local: handle.local,
            rtcp: handle.rtcp,
            record: handle.record,
            mark: handle.mark,
            stop: Some(handle.stop),
        }
    }

    /// The local address, with the even port that was picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The address of the odd port, if the port was opened as a pair.
    pub fn rtcp_addr(&self) -> Option<SocketAddr> {
        self.rtcp
    }

    /// Marks what is sent from now on, RTP and RTCP, with a code point, 0 to 63 (RFC 2474).
    ///
    /// # Errors
    /// [`NetError::InvalidDscp`], or the operating system's reason.
    pub fn set_dscp(&self, dscp: u8) -> Result<(), NetError> {
        (self.mark)(Dscp::new(dscp)?)
    }

    /// How well the port has kept its time so far.
    pub fn health(&self) -> MediaHealth {
        lock(&self.record).health()
    }

    /// Stops the session and frees the port. After the return no method of the session is called any more.
    ///
    /// In real time it joins the threads, which takes up to one interval. The caller must not hold the session's lock.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}

impl Drop for MediaPort {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for MediaPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaPort")
            .field("local", &self.local)
            .field("rtcp", &self.rtcp)
            .field("health", &self.health())
            .finish()
    }
}

/// The absolute grid of a session: exact sums of intervals, so that it does not drift.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    deadline: Duration,
}

impl Grid {
    pub(crate) const fn new(start: Duration) -> Self {
        Self { deadline: start }
    }

    /// The time of the current point.
    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Moves on to the next point.
    pub(crate) fn advance(&mut self, interval: Duration) {
        self.deadline += interval.max(Duration::from_millis(1));
    }
}

/// A session that panicked is not called again by its own thread; others may still read what it holds.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_does_not_drift() {
        let mut grid = Grid::new(Duration::from_micros(300));
        for _ in 0..1_000_000 {
            grid.advance(Duration::from_millis(20));
        }
        assert_eq!(
            grid.deadline(),
            Duration::from_micros(300) + Duration::from_secs(20_000)
        );
    }

    #[test]
    fn an_interval_of_nothing_does_not_spin() {
        let mut grid = Grid::new(Duration::ZERO);
        grid.advance(Duration::ZERO);
        assert_eq!(grid.deadline(), Duration::from_millis(1));
    }
}
