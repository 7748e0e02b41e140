//! Who listens on the virtual network, and the way to it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::pipe::{PipeEnd, pipe};
use crate::{Clock, NetError};

/// As many connections wait for the listener's attention as with TCP.
const BACKLOG: usize = 128;
const FIRST_PORT: u16 = 49_152;

/// The stream ports of a virtual network.
#[derive(Debug, Default)]
pub(crate) struct StreamHub {
    ports: Mutex<Ports>,
}

#[derive(Debug, Default)]
struct Ports {
    listening: HashMap<SocketAddr, Sender<Incoming>>,
    next: HashMap<IpAddr, u16>,
}

/// A connection that reached a listener.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) pipe: PipeEnd,
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// A port that is listened on; dropping it frees the port.
#[derive(Debug)]
pub(crate) struct HubListener {
    hub: Arc<StreamHub>,
    local: SocketAddr,
    incoming: Receiver<Incoming>,
}

impl StreamHub {
    pub(crate) fn listen(self: &Arc<Self>, local: SocketAddr) -> Result<HubListener, NetError> {
        let mut ports = lock(&self.ports);
        let local = ports.or_free(local)?;
        if ports.listening.contains_key(&local) {
            return Err(NetError::StreamPortInUse { addr: local });
        }
        let (sender, incoming) = channel(BACKLOG);
        ports.listening.insert(local, sender);
        Ok(HubListener {
            hub: Arc::clone(self),
            local,
            incoming,
        })
    }

    /// Connects as TCP does: the answer takes a way there and a way back.
    pub(crate) async fn connect(
        &self,
        clock: Clock,
        delay: Duration,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<(PipeEnd, SocketAddr), NetError> {
        let unspecified = SocketAddr::new(loopback(remote), 0);
        let local = lock(&self.ports).or_free(local.unwrap_or(unspecified))?;
        clock.sleep_until(clock.now() + delay).await;
        let listener = lock(&self.ports).listener(remote);
        let (client, server) = pipe(clock, delay);
        let reached = match listener {
            Some(listener) => listener
                .send(Incoming {
                    pipe: server,
                    local: remote,
                    peer: local,
                })
                .await
                .is_ok(),
            None => false,
        };
        clock.sleep_until(clock.now() + delay).await;
        if reached {
            Ok((client, local))
        } else {
            Err(NetError::ConnectionRefused { remote })
        }
    }
}

impl Ports {
    fn or_free(&mut self, addr: SocketAddr) -> Result<SocketAddr, NetError> {
        if addr.port() != 0 {
            return Ok(addr);
        }
        let next = self.next.entry(addr.ip()).or_insert(FIRST_PORT);
        for _ in FIRST_PORT..=u16::MAX {
            let free = SocketAddr::new(addr.ip(), *next);
            *next = next.checked_add(1).unwrap_or(FIRST_PORT);
            if !self.listening.contains_key(&free) {
                return Ok(free);
            }
        }
        Err(NetError::StreamPortInUse { addr })
    }

    fn listener(&self, to: SocketAddr) -> Option<Sender<Incoming>> {
        let any: IpAddr = if to.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        self.listening
            .get(&to)
            .or_else(|| self.listening.get(&SocketAddr::new(any, to.port())))
            .cloned()
    }
}

impl HubListener {
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The next connection. Cancelling loses nothing.
    pub(crate) async fn accept(&mut self) -> Incoming {
        match self.incoming.recv().await {
            Some(incoming) => incoming,
            // the hub keeps a sender as long as the listener lives
            None => std::future::pending().await,
        }
    }
}

impl Drop for HubListener {
    fn drop(&mut self) {
        lock(&self.hub.ports).listening.remove(&self.local);
        // nobody will ever answer those who wait: as TCP does, they are reset
        self.incoming.close();
        while let Ok(incoming) = self.incoming.try_recv() {
            incoming.pipe.line().abort();
        }
    }
}

fn loopback(like: SocketAddr) -> IpAddr {
    if like.is_ipv4() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        Ipv6Addr::LOCALHOST.into()
    }
}

/// A panic elsewhere leaves the table whole: every change under this lock is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
