//! The virtual network: a hub in memory on tokio's (paused) clock.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::stream::StreamHub;
use crate::{Clock, Datagram, Dscp, NetError};

const FIRST_MEDIA_PORT: u16 = 16_384;
const FIRST_ENDPOINT_PORT: u16 = 49_152;
const PAIR_ATTEMPTS: usize = 64;

/// All ports of the virtual network.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    delay: Duration,
    ports: Mutex<Ports>,
    streams: Arc<StreamHub>,
}

#[derive(Debug, Default)]
struct Ports {
    bound: HashMap<SocketAddr, Arc<Inbox>>,
    next_media: HashMap<IpAddr, u16>,
    next_endpoint: HashMap<IpAddr, u16>,
}

#[derive(Debug, Default)]
struct Inbox {
    queue: Mutex<VecDeque<Datagram>>,
    arrived: Notify,
}

/// One bound port of the hub; dropping it frees the port.
#[derive(Debug)]
pub(crate) struct HubPort {
    hub: Arc<Hub>,
    clock: Clock,
    local: SocketAddr,
    inbox: Arc<Inbox>,
    marking: Marking,
}

/// The DSCP that a virtual port marks what it sends with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marking(Arc<AtomicU8>);

impl Marking {
    pub(crate) fn set(&self, dscp: Dscp) {
        self.0.store(dscp.value(), Ordering::Relaxed);
    }
}

/// Whether a free port must be even (RTP, RFC 3550 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FreePort {
    Any,
    Even,
}

impl Hub {
    pub(crate) fn new(delay: Duration) -> Self {
        Self {
            delay,
            ports: Mutex::default(),
            streams: Arc::default(),
        }
    }

    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }

    pub(crate) fn streams(&self) -> &Arc<StreamHub> {
        &self.streams
    }

    /// An even port and the odd one above it (RFC 3550 11), marked alike.
    pub(crate) fn bind_pair(
        self: &Arc<Self>,
        clock: Clock,
        local: IpAddr,
    ) -> Result<(HubPort, HubPort), NetError> {
        for _ in 0..PAIR_ATTEMPTS {
            let rtp = self.bind(clock, SocketAddr::new(local, 0), FreePort::Even)?;
            let odd = SocketAddr::new(local, rtp.local.port() + 1);
            match self.bind(clock, odd, FreePort::Any) {
                Ok(mut rtcp) => {
                    rtcp.share_marking(rtp.marking());
                    return Ok((rtp, rtcp));
                }
                Err(NetError::PortInUse { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(NetError::NoFreePort { ip: local })
    }

    pub(crate) fn bind(
        self: &Arc<Self>,
        clock: Clock,
        local: SocketAddr,
        free: FreePort,
    ) -> Result<HubPort, NetError> {
        let mut ports = lock(&self.ports);
        let local = if local.port() == 0 {
            ports.free(local.ip(), free)?
        } else {
            local
        };
        if ports.bound.contains_key(&local) {
            return Err(NetError::PortInUse { addr: local });
        }
        let inbox = Arc::new(Inbox::default());
        ports.bound.insert(local, Arc::clone(&inbox));
        Ok(HubPort {
            hub: Arc::clone(self),
            clock,
            local,
            inbox,
            marking: Marking::default(),
        })
    }
}

impl Ports {
    fn free(&mut self, ip: IpAddr, free: FreePort) -> Result<SocketAddr, NetError> {
        let (next, first, last, step) = match free {
            FreePort::Even => (&mut self.next_media, FIRST_MEDIA_PORT, FIRST_ENDPOINT_PORT - 2, 2),
            FreePort::Any => (&mut self.next_endpoint, FIRST_ENDPOINT_PORT, u16::MAX - 1, 1),
        };
        let next = next.entry(ip).or_insert(first);
        for _ in 0..=(last - first) / step {
            let addr = SocketAddr::new(ip, *next);
            *next = if *next >= last { first } else { *next + step };
            if !self.bound.contains_key(&addr) {
                return Ok(addr);
            }
        }
        Err(NetError::NoFreePort { ip })
    }

    fn inbox_of(&self, to: SocketAddr) -> Option<&Arc<Inbox>> {
        let any: IpAddr = if to.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        self.bound
            .get(&to)
            .or_else(|| self.bound.get(&SocketAddr::new(any, to.port())))
    }
}

impl HubPort {
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn marking(&self) -> &Marking {
        &self.marking
    }

    /// Marks what is sent from here on together with another port.
    pub(crate) fn share_marking(&mut self, marking: &Marking) {
        self.marking = marking.clone();
    }

    /// Delivers to whoever has the port; as with UDP, a datagram to nobody vanishes.
    pub(crate) fn send(&self, to: SocketAddr, bytes: &[u8]) -> Duration {
        let now = self.clock.now();
        let inbox = lock(&self.hub.ports).inbox_of(to).map(Arc::clone);
        if let Some(inbox) = inbox {
            let datagram = Datagram {
                at: now + self.hub.delay,
                source: self.source(),
                bytes: bytes.to_vec(),
                dscp: Some(self.marking.0.load(Ordering::Relaxed)),
            };
            lock(&inbox.queue).push_back(datagram);
            inbox.arrived.notify_one();
        }
        now
    }

    /// The next datagram, at its time of arrival. Cancelling loses nothing.
    pub(crate) async fn recv(&self) -> Datagram {
        loop {
            let arrival = {
                let mut queue = lock(&self.inbox.queue);
                match queue.front().map(|datagram| datagram.at) {
                    Some(at) if at <= self.clock.now() => {
                        if let Some(datagram) = queue.pop_front() {
                            return datagram;
                        }
                        None
                    }
                    arrival => arrival,
                }
            };
            // the delay is the same for all, so the first in the queue is always the next to arrive
            match arrival {
                Some(at) => self.clock.sleep_until(at).await,
                None => self.inbox.arrived.notified().await,
            }
        }
    }

    fn source(&self) -> SocketAddr {
        let ip = match self.local.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.local.port())
    }
}

impl Drop for HubPort {
    fn drop(&mut self) {
        lock(&self.hub.ports).bound.remove(&self.local);
    }
}

/// A panic elsewhere leaves the queues whole: every change under these locks is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
