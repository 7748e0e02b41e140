//! What the lab sends and receives through: datagram sockets and connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use voxproof_net::tls::TestAuthority;
use voxproof_net::{Datagram, Endpoint, Net, NetError};
use voxproof_sip::{Hop, Transport};

use crate::connections::{Change, Connections, StreamEvent};

/// So often another free port is tried when the one of the datagram socket is taken for TCP.
const ATTEMPTS: usize = 16;

/// A piece that arrived, and the message it completes.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Duration,
    pub(crate) local: SocketAddr,
    pub(crate) source: Hop,
    pub(crate) dscp: Option<u8>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) message: Option<Vec<u8>>,
}

/// What came up from the sockets.
#[derive(Debug)]
pub(crate) enum Incoming {
    Pieces(Vec<Arrival>),
    Changed(Change),
    Nothing,
}

/// A piece that was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) local: SocketAddr,
}

/// The lab's sockets.
pub(crate) struct Wire {
    net: Net,
    server: Endpoint,
    /// The socket of whoever is not the lab's server.
    stranger: Option<Endpoint>,
    pub(crate) connections: Connections,
}

enum Source {
    Server(Result<Datagram, NetError>),
    Stranger(SocketAddr, Result<Datagram, NetError>),
    Stream(Option<StreamEvent>),
}

impl Wire {
    /// Binds the server's port for every transport.
    pub(crate) async fn open(
        net: Net,
        address: SocketAddr,
        authority: Option<Arc<TestAuthority>>,
    ) -> Result<Self, NetError> {
        let authority = match authority {
            Some(authority) => authority,
            None => Arc::new(TestAuthority::generate(SystemTime::now())?),
        };
        let mut attempt = 0;
        loop {
            let server = net.bind(address).await?;
            let fixed = address.port() != 0;
            let opened =
                Connections::open(net.clone(), Arc::clone(&authority), server.local_addr(), fixed).await;
            match opened {
                Ok(connections) => {
                    return Ok(Self {
                        net,
                        server,
                        stranger: None,
                        connections,
                    });
                }
                Err(error) if fixed || attempt == ATTEMPTS => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    pub(crate) fn server(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Where the lab is reached by a transport.
    pub(crate) fn local(&self, transport: Transport) -> SocketAddr {
        self.connections
            .local(transport)
            .unwrap_or_else(|| self.server.local_addr())
    }

    /// The address of the stranger, who gets one when it is first asked for.
    pub(crate) async fn stranger(&mut self) -> Result<SocketAddr, NetError> {
        if let Some(endpoint) = &self.stranger {
            return Ok(endpoint.local_addr());
        }
        let ip = self.server().ip();
        // answers to a message whose Via names somebody else come to this port (RFC 3261 18.2.2)
        let endpoint = match self.net.bind(SocketAddr::new(ip, 5060)).await {
            Ok(endpoint) => endpoint,
            Err(_) => self.net.bind(SocketAddr::new(ip, 0)).await?,
        };
        let address = endpoint.local_addr();
        self.stranger = Some(endpoint);
        Ok(address)
    }

    pub(crate) fn socket_drops(&self) -> u64 {
        self.server.socket_drops() + self.stranger.as_ref().map_or(0, Endpoint::socket_drops)
    }

    /// What comes next. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Incoming {
        let stranger = async {
            match &self.stranger {
                Some(endpoint) => (endpoint.local_addr(), endpoint.recv().await),
                None => std::future::pending().await,
            }
        };
        let source = tokio::select! {
            biased;
            datagram = self.server.recv() => Source::Server(datagram),
            (local, datagram) = stranger => Source::Stranger(local, datagram),
            event = self.connections.next() => Source::Stream(event),
        };
        match source {
            Source::Server(Ok(datagram)) => {
                Incoming::Pieces(vec![arrival(self.server.local_addr(), datagram)])
            }
            Source::Stranger(local, Ok(datagram)) => Incoming::Pieces(vec![arrival(local, datagram)]),
            // an unreachable port comes back as an error of the next receive: nothing was received
            Source::Server(Err(_)) | Source::Stranger(_, Err(_)) => {
                tokio::task::yield_now().await;
                Incoming::Nothing
            }
            Source::Stream(None) => Incoming::Nothing,
            Source::Stream(Some(event)) => match self.connections.take(event) {
                (Some(change), _) => Incoming::Changed(change),
                (None, Some((source, local, at, pieces))) => Incoming::Pieces(
                    pieces
                        .into_iter()
                        .map(|piece| Arrival {
                            at,
                            local,
                            source,
                            dscp: None,
                            bytes: piece.bytes,
                            message: piece.message,
                        })
                        .collect(),
                ),
                (None, None) => Incoming::Nothing,
            },
        }
    }

    /// Sends a message, or a piece of one.
    pub(crate) fn send(&mut self, to: Hop, bytes: &[u8]) -> Result<Sent, NetError> {
        if to.transport.is_reliable() {
            let at = self.net.clock().now();
            let local = self.connections.send(to, bytes);
            return Ok(Sent { at, local });
        }
        let at = self.server.send(to.address, bytes)?;
        Ok(Sent {
            at,
            local: self.server(),
        })
    }

    /// Sends a message as the stranger.
    pub(crate) fn send_as_stranger(&self, to: SocketAddr, bytes: &[u8]) -> Result<Sent, NetError> {
        let endpoint = self.stranger.as_ref().unwrap_or(&self.server);
        Ok(Sent {
            at: endpoint.send(to, bytes)?,
            local: endpoint.local_addr(),
        })
    }
}

fn arrival(local: SocketAddr, datagram: Datagram) -> Arrival {
    Arrival {
        at: datagram.at,
        local,
        source: Hop::new(Transport::Udp, datagram.source),
        dscp: datagram.dscp,
        message: Some(datagram.bytes.clone()),
        bytes: datagram.bytes,
    }
}
