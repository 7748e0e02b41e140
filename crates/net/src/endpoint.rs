//! One UDP socket for signalling.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::hub::HubPort;
use crate::os_socket::{self, MAX_DATAGRAM, Wait};
use crate::{Clock, Dscp, NetError};

/// A received datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The lab time of reception; on the operating system's network the kernel's.
    pub at: Duration,
    /// The sender.
    pub source: SocketAddr,
    /// The payload.
    pub bytes: Vec<u8>,
    /// The differentiated services code point it came with (RFC 2474), where the kernel says so.
    pub dscp: Option<u8>,
}

/// One UDP socket. Dropping it closes the port.
#[derive(Debug)]
pub struct Endpoint {
    local: SocketAddr,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Os {
        socket: UdpSocket,
        clock: Clock,
        drops: AtomicU64,
    },
    Virtual(HubPort),
}

impl Endpoint {
    pub(crate) fn os(local: SocketAddr, clock: Clock) -> Result<Self, NetError> {
        let socket = os_socket::bind(local)?;
        let setup = |what| move |source| NetError::Setup { what, source };
        socket
            .set_nonblocking(true)
            .map_err(setup("make a UDP socket non-blocking"))?;
        let local = socket
            .local_addr()
            .map_err(setup("read the address of a UDP socket"))?;
        let socket = UdpSocket::from_std(socket).map_err(setup("watch a UDP socket"))?;
        Ok(Self {
            local,
            kind: Kind::Os {
                socket,
                clock,
                drops: AtomicU64::new(0),
            },
        })
    }

    pub(crate) fn virtual_port(port: HubPort) -> Self {
        Self {
            local: port.local_addr(),
            kind: Kind::Virtual(port),
        }
    }

    /// The bound address, with the port that was picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The next datagram. Safe to cancel: none is lost.
    ///
    /// # Errors
    /// [`NetError::Receive`] with the operating system's reason.
    pub async fn recv(&self) -> Result<Datagram, NetError> {
        match &self.kind {
            Kind::Virtual(port) => Ok(port.recv().await),
            Kind::Os { socket, clock, drops } => {
                let mut buffer = vec![0; MAX_DATAGRAM];
                let reception = socket
                    .async_io(Interest::READABLE, || {
                        os_socket::receive(socket, *clock, &mut buffer, Wait::AsTheSocket)
                    })
                    .await
                    .map_err(|source| NetError::Receive {
                        addr: self.local,
                        source,
                    })?;
                if let Some(count) = reception.drops {
                    drops.fetch_max(u64::from(count), Ordering::Relaxed);
                }
                buffer.truncate(reception.length);
                buffer.shrink_to_fit();
                Ok(Datagram {
                    at: reception.at,
                    source: reception.source,
                    bytes: buffer,
                    dscp: reception.dscp,
                })
            }
        }
    }

    /// Sends a datagram and returns the lab time just before it was handed over.
    ///
    /// # Errors
    /// [`NetError::Send`] with the operating system's reason, a full send buffer among them.
    pub fn send(&self, to: SocketAddr, bytes: &[u8]) -> Result<Duration, NetError> {
        match &self.kind {
            Kind::Virtual(port) => Ok(port.send(to, bytes)),
            Kind::Os { socket, clock, .. } => {
                // before the call: on loopback the receiver's kernel time lies before the call's return
                let at = clock.now();
                // straight to the kernel: tokio's own attempt fails until its driver has first seen the socket
                match SockRef::from(socket).send_to(bytes, &to.into()) {
                    Ok(_) => Ok(at),
                    Err(source) => Err(NetError::Send {
                        to,
                        length: bytes.len(),
                        source,
                    }),
                }
            }
        }
    }

    /// Marks what is sent from now on with a code point, 0 to 63 (RFC 2474).
    ///
    /// # Errors
    /// [`NetError::InvalidDscp`], or the operating system's reason.
    pub fn set_dscp(&self, dscp: u8) -> Result<(), NetError> {
        let dscp = Dscp::new(dscp)?;
        match &self.kind {
            Kind::Virtual(port) => port.marking().set(dscp),
            Kind::Os { socket, .. } => dscp.apply(SockRef::from(socket), self.local.is_ipv6())?,
        }
        Ok(())
    }

    /// Datagrams the kernel dropped because the receive buffer was full, as far as it has said so.
    pub fn socket_drops(&self) -> u64 {
        match &self.kind {
            Kind::Virtual(_) => 0,
            Kind::Os { drops, .. } => drops.load(Ordering::Relaxed),
        }
    }
}
