//! What can go wrong on the network.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::HandshakeError;
use crate::tls::{TlsError, TlsFault};

/// Why an endpoint or a media port could not be opened or used, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Another program, or another part of this one, has the port.
    #[error(
        "UDP port {addr} is in use; stop the program that has it (`ss -ulpn`), or give another port (0 picks a free one)"
    )]
    PortInUse {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The address belongs to no interface of this machine.
    #[error(
        "{addr} is not an address of this machine; see `ip address` and set the lab's local address to one of them"
    )]
    AddressNotAvailable {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The operating system forbids it, as for ports below 1024.
    #[error("no permission to use {addr}; take a port above 1023 or run with CAP_NET_BIND_SERVICE")]
    PermissionDenied {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// No even port is free for RTP.
    #[error("no free even UDP port on {ip} for RTP; end other calls or widen net.ipv4.ip_local_port_range")]
    NoFreePort {
        /// The local address.
        ip: IpAddr,
    },
    /// The datagram could not be sent.
    #[error("could not send {length} bytes to {to}: {source}")]
    Send {
        /// The destination.
        to: SocketAddr,
        /// The length of the datagram in bytes.
        length: usize,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Receiving failed.
    #[error("could not receive on {addr}: {source}")]
    Receive {
        /// The local address.
        addr: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A socket or a thread could not be set up.
    #[error("could not {what}: {source}")]
    Setup {
        /// What was being done.
        what: &'static str,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Another program, or another part of this one, listens on the port.
    #[error(
        "TCP port {addr} is in use; stop the program that has it (`ss -tlpn`), or give another port (0 picks a free one)"
    )]
    StreamPortInUse {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// Nobody listens there.
    #[error("{remote} refused the connection; nothing listens on that TCP port")]
    ConnectionRefused {
        /// The address that was asked for.
        remote: SocketAddr,
    },
    /// The connection could not be made.
    #[error("could not connect to {remote}: {source}")]
    Connect {
        /// The address that was asked for.
        remote: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A connection could not be taken.
    #[error("could not accept a connection on {addr}: {source}")]
    Accept {
        /// The local address.
        addr: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The connection was made, but TLS or WebSocket was not agreed on.
    #[error("the handshake with {peer} failed: {source}")]
    Handshake {
        /// The peer.
        peer: SocketAddr,
        /// Why.
        source: HandshakeError,
    },
    /// The peer reset the connection, or closed it while it was being written to.
    #[error("{peer} reset the connection")]
    ConnectionReset {
        /// The peer.
        peer: SocketAddr,
    },
    /// The peer closed TCP without the farewell of TLS (RFC 8446 6.1): whether all of its bytes came cannot be told.
    #[error("{peer} closed the connection without close_notify")]
    Truncated {
        /// The peer.
        peer: SocketAddr,
    },
    /// TLS failed after the handshake, as when a server refuses the client's certificate in TLS 1.3.
    #[error("TLS with {peer} failed: {source}")]
    Tls {
        /// The peer.
        peer: SocketAddr,
        /// What went wrong.
        source: TlsFault,
    },
    /// The peer broke the WebSocket protocol (RFC 6455).
    #[error("WebSocket with {peer} failed: {reason}")]
    WebSocket {
        /// The peer.
        peer: SocketAddr,
        /// What it did.
        reason: String,
    },
    /// A connection could not be read or written.
    #[error("the connection with {peer} broke: {source}")]
    Stream {
        /// The peer.
        peer: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The certificates, keys or names given for TLS cannot be used.
    #[error(transparent)]
    TlsSetup(#[from] TlsError),
    /// A DSCP has six bits (RFC 2474).
    #[error("{value} is not a DSCP; give a number from 0 to 63, such as 46 (EF) for voice")]
    InvalidDscp {
        /// What was given.
        value: u8,
    },
    /// The call needs a tokio runtime around it.
    #[error("no tokio runtime is running here; open endpoints and media ports inside one")]
    NoRuntime,
}

impl NetError {
    pub(crate) fn binding(addr: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { addr },
            io::ErrorKind::AddrNotAvailable => Self::AddressNotAvailable { addr },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { addr },
            _ => Self::Setup {
                what: "bind a UDP socket",
                source,
            },
        }
    }

    pub(crate) fn binding_stream(addr: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::StreamPortInUse { addr },
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::PermissionDenied => Self::binding(addr, source),
            _ => Self::Setup {
                what: "bind a TCP socket",
                source,
            },
        }
    }

    pub(crate) fn connecting(remote: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::ConnectionRefused => Self::ConnectionRefused { remote },
            _ => Self::Connect { remote, source },
        }
    }
}
