use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use thiserror::Error;
use turn_client_proto::api::{TransmitBuild, TurnClientApi, TurnConfig, TurnPollRet, TurnRecvRet};
use turn_client_proto::stun::Instant;
use turn_client_proto::stun::agent::Transmit as Outgoing;
use turn_client_proto::types::{AddressFamily, TransportType, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

use crate::agent::Transmit;
use crate::message::{Class, StunMessage};

/// Something that happened to an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEvent {
    /// The server gave this relayed address.
    Allocated(SocketAddr),
    /// The server refused, or did not answer.
    AllocationFailed,
    /// Datagrams of this address pass.
    PermissionCreated(IpAddr),
    /// The server refused the permission.
    PermissionFailed(IpAddr),
    /// Datagrams of this peer travel with four bytes of header.
    ChannelBound(SocketAddr),
    /// The server refused the channel.
    ChannelFailed(SocketAddr),
}

/// What became of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnInput {
    /// Not from the server, or not TURN.
    Ignored,
    /// Belonged to the client's own transactions.
    Consumed,
    /// A peer sent this through the relay; hand it to the agent with the relayed address as the local one.
    Data {
        /// The peer as the server saw it.
        peer: SocketAddr,
        /// What it sent.
        bytes: Vec<u8>,
    },
}

/// Why an order to a TURN client failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TurnError {
    /// There is no allocation, not yet or not any more.
    #[error("no allocation at the TURN server")]
    NoAllocation,
    /// The peer has no permission.
    #[error("no permission for the peer")]
    NoPermission,
    /// It is already there, and kept alive.
    #[error("already there")]
    AlreadyExists,
}

/// A TURN client over UDP (RFC 8656) with one UDP allocation: refreshes allocation, permissions and channels itself.
#[derive(Debug)]
pub struct TurnClient {
    client: TurnClientUdp,
    deadline: Option<Duration>,
    challenged: bool,
    refused: bool,
    /// The refusal is still to be told.
    tell_refusal: bool,
}

/// The library counts nanoseconds in 63 bits: 292 years of lab.
fn instant(now: Duration) -> Instant {
    Instant::from_nanos(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}

impl TurnClient {
    /// A client at `local` that asks `server` for a relayed address of the family of `relayed_ipv6`.
    pub fn new(
        local: SocketAddr,
        server: SocketAddr,
        username: &str,
        password: &str,
        relayed_ipv6: bool,
    ) -> Self {
        let mut configuration = TurnConfig::new(TurnCredentials::new(username, password));
        configuration.set_address_family(if relayed_ipv6 {
            AddressFamily::IPV6
        } else {
            AddressFamily::IPV4
        });
        Self {
            client: TurnClientUdp::allocate(local, server, configuration),
            deadline: Some(Duration::ZERO),
            challenged: false,
            refused: false,
            tell_refusal: false,
        }
    }

    /// The relayed address, once there is one.
    pub fn relayed_address(&self) -> Option<SocketAddr> {
        self.client.relayed_addresses().next().map(|(_, address)| address)
    }

    /// A datagram that came in at `local` from `source`.
    pub fn handle_datagram(
        &mut self,
        now: Duration,
        local: SocketAddr,
        source: SocketAddr,
        bytes: &[u8],
    ) -> TurnInput {
        // any answer may give the client something to do
        self.deadline = (!self.refused).then_some(now);
        match self.client.recv(
            Outgoing::new(bytes, TransportType::Udp, source, local),
            instant(now),
        ) {
            TurnRecvRet::Handled | TurnRecvRet::PeerIcmp { .. } => {
                // the first thing a server says is its challenge
                self.challenged = true;
                TurnInput::Consumed
            }
            TurnRecvRet::Ignored(_) if self.is_refusal(source, bytes) => TurnInput::Consumed,
            TurnRecvRet::Ignored(_) => TurnInput::Ignored,
            TurnRecvRet::PeerData(data) => TurnInput::Data {
                peer: data.peer,
                bytes: data.data().to_vec(),
            },
        }
    }

    /// A second 401 before there is an allocation means that the password is wrong. It cannot be authenticated, so
    /// the library would go on until its transaction times out; the lab takes the server at its word.
    fn is_refusal(&mut self, source: SocketAddr, bytes: &[u8]) -> bool {
        let unauthenticated = source == self.client.remote_addr()
            && StunMessage::parse(bytes)
                .is_ok_and(|message| message.class() == Class::Error && message.error_code() == Some(401));
        if unauthenticated && self.challenged && !self.refused && self.relayed_address().is_none() {
            self.refused = true;
            self.tell_refusal = true;
            self.deadline = None;
        }
        unauthenticated
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub const fn poll_timeout(&self) -> Option<Duration> {
        self.deadline
    }

    /// Lets time pass: retransmissions, refreshes, expiry.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.refused {
            return;
        }
        self.deadline = match self.client.poll(instant(now)) {
            TurnPollRet::WaitUntil(until) => {
                let wanted = Duration::from_nanos(u64::try_from(until.as_nanos()).unwrap_or(0));
                // the library may name the present when it has something to send; a caller must not spin on it
                Some(wanted.max(now + Duration::from_millis(1)))
            }
            TurnPollRet::Closed => None,
            // only for TCP allocations, which are never asked for
            TurnPollRet::AllocateTcpSocket { .. } | TurnPollRet::TcpClose { .. } => {
                Some(now + Duration::from_secs(1))
            }
        };
    }

    /// The next datagram for the server.
    pub fn poll_transmit(&mut self, now: Duration) -> Option<Transmit> {
        if self.refused {
            return None;
        }
        let out = self.client.poll_transmit(instant(now))?;
        Some(Transmit {
            local: out.from,
            remote: out.to,
            bytes: out.data.to_vec(),
        })
    }

    /// What happened since the last call.
    pub fn poll_event(&mut self) -> Option<TurnEvent> {
        use turn_client_proto::api::TurnEvent as Event;
        if std::mem::take(&mut self.tell_refusal) {
            return Some(TurnEvent::AllocationFailed);
        }
        loop {
            return Some(match self.client.poll_event()? {
                Event::AllocationCreated(_, address) => TurnEvent::Allocated(address),
                Event::AllocationCreateFailed(_) => TurnEvent::AllocationFailed,
                Event::PermissionCreated(_, peer) => TurnEvent::PermissionCreated(peer),
                Event::PermissionCreateFailed(_, peer) => TurnEvent::PermissionFailed(peer),
                Event::ChannelCreated(_, peer) => TurnEvent::ChannelBound(peer),
                Event::ChannelCreateFailed(_, peer) => TurnEvent::ChannelFailed(peer),
                Event::TcpConnected(_) | Event::TcpConnectFailed(_) => continue,
            });
        }
    }

    /// Asks the server to let datagrams of `peer` pass (RFC 8656 9).
    ///
    /// # Errors
    /// Without an allocation, or when the permission is there.
    pub fn create_permission(&mut self, now: Duration, peer: IpAddr) -> Result<(), TurnError> {
        use turn_client_proto::api::CreatePermissionError as Error;
        self.deadline = Some(now);
        self.client
            .create_permission(TransportType::Udp, peer, instant(now))
            .map_err(|error| match error {
                Error::AlreadyExists => TurnError::AlreadyExists,
                _ => TurnError::NoAllocation,
            })
    }

    /// Asks the server for a channel to `peer` (RFC 8656 12).
    ///
    /// # Errors
    /// Without an allocation, or when the channel is there.
    pub fn bind_channel(&mut self, now: Duration, peer: SocketAddr) -> Result<(), TurnError> {
        use turn_client_proto::api::BindChannelError as Error;
        self.deadline = Some(now);
        self.client
            .bind_channel(TransportType::Udp, peer, instant(now))
            .map_err(|error| match error {
                Error::AlreadyExists | Error::ExpiredChannelExists(_) => TurnError::AlreadyExists,
                _ => TurnError::NoAllocation,
            })
    }

    /// The datagram for the server that carries `bytes` to `peer`: ChannelData when a channel is bound.
    ///
    /// # Errors
    /// Without an allocation or a permission.
    pub fn send(
        &mut self,
        now: Duration,
        peer: SocketAddr,
        bytes: &[u8],
    ) -> Result<Option<Transmit>, TurnError> {
        use turn_client_proto::api::SendError as Error;
        let sent = self
            .client
            .send_to(TransportType::Udp, peer, bytes, instant(now))
            .map_err(|error| match error {
                Error::NoPermission => TurnError::NoPermission,
                _ => TurnError::NoAllocation,
            })?;
        Ok(sent.map(TransmitBuild::build).map(|out| Transmit {
            local: out.from,
            remote: out.to,
            bytes: out.data,
        }))
    }

    /// Gives the allocation back (RFC 8656 7: a refresh with lifetime 0).
    ///
    /// # Errors
    /// Without an allocation.
    pub fn delete(&mut self, now: Duration) -> Result<(), TurnError> {
        self.deadline = Some(now);
        self.client
            .delete(instant(now))
            .map_err(|_| TurnError::NoAllocation)
    }
}
