//! What the engine is shown.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_sip::Message;

/// How a SIP message travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram a message.
    Udp,
    /// A byte stream.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
}

impl Transport {
    /// The token a Via has for it (RFC 3261 20.42, RFC 7118 5.2.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// Whether the transport itself repeats what is lost.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether only Content-Length tells where a message ends; a WebSocket frame does so itself (RFC 7118 5.1).
    pub const fn is_byte_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }
}

/// One message or packet, either way, in the order of time.
#[derive(Debug, Clone, Copy)]
pub enum Observation<'a> {
    /// A whole SIP message: a datagram, or one that was cut out of a stream.
    Sip {
        /// When it was seen, since the lab's epoch.
        at: Duration,
        /// Its number in the capture.
        packet: u32,
        /// Whether the device sent it; else the lab did.
        from_device: bool,
        /// How it travelled.
        transport: Transport,
        /// Sender's address as the receiver saw it.
        source: SocketAddr,
        /// Receiver's address.
        destination: SocketAddr,
        /// The message.
        message: &'a Message,
    },
    /// A datagram on a media port: RTP, RTCP or anything else that travels there.
    Rtp {
        /// When it was seen, since the lab's epoch.
        at: Duration,
        /// Its number in the capture.
        packet: u32,
        /// Whether the device sent it; else the lab did.
        from_device: bool,
        /// Sender's address as the receiver saw it.
        source: SocketAddr,
        /// Receiver's address.
        destination: SocketAddr,
        /// The UDP payload.
        bytes: &'a [u8],
        /// Differentiated services code point, when the capture has it.
        dscp: Option<u8>,
    },
}
