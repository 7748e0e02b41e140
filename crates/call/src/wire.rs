//! What the lab sends and receives through: datagram sockets and connections.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_net::{Endpoint, Net, NetError};
use voxproof_sip::{Hop, Transport};

/// A piece that arrived.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Duration,
    pub(crate) local: SocketAddr,
    pub(crate) source: Hop,
    pub(crate) dscp: Option<u8>,
    pub(crate) bytes: Vec<u8>,
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
}

impl Wire {
    pub(crate) async fn open(net: Net, server: SocketAddr) -> Result<Self, NetError> {
        let server = net.bind(server).await?;
        Ok(Self {
            net,
            server,
            stranger: None,
        })
    }

    pub(crate) fn server(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Where the lab is reached by a transport.
    pub(crate) fn local(&self, _transport: Transport) -> SocketAddr {
        self.server.local_addr()
    }

    /// The address of the stranger, who gets one when it is first asked for.
    pub(crate) async fn stranger(&mut self) -> Result<SocketAddr, NetError> {
        if let Some(endpoint) = &self.stranger {
            return Ok(endpoint.local_addr());
        }
        let endpoint = self.net.bind(SocketAddr::new(self.server().ip(), 0)).await?;
        let address = endpoint.local_addr();
        self.stranger = Some(endpoint);
        Ok(address)
    }

    pub(crate) fn socket_drops(&self) -> u64 {
        self.server.socket_drops() + self.stranger.as_ref().map_or(0, Endpoint::socket_drops)
    }

    /// The next piece. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Option<Arrival> {
        let stranger = async {
            match &self.stranger {
                Some(endpoint) => (endpoint.local_addr(), endpoint.recv().await),
                None => std::future::pending().await,
            }
        };
        let (local, datagram) = tokio::select! {
            biased;
            datagram = self.server.recv() => (self.server.local_addr(), datagram),
            received = stranger => received,
        };
        match datagram {
            Ok(datagram) => Some(Arrival {
                at: datagram.at,
                local,
                source: Hop::new(Transport::Udp, datagram.source),
                dscp: datagram.dscp,
                bytes: datagram.bytes,
            }),
            // an unreachable port comes back as an error of the next receive: nothing was received
            Err(_) => {
                tokio::task::yield_now().await;
                None
            }
        }
    }

    /// Sends a message.
    pub(crate) fn send(&self, to: Hop, bytes: &[u8]) -> Result<Sent, NetError> {
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
