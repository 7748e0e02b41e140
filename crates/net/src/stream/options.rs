//! What a listener or a connection is to do above TCP.

use std::time::Duration;

use crate::tls::{TlsClient, TlsServer};

/// A peer that has not finished its handshake by then is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether a listener does TLS.
#[derive(Clone, Debug, Default)]
pub enum StreamSecurity {
    /// TCP as it is.
    #[default]
    Plain,
    /// TLS (`sips`, or `wss` with [`Framing::WebSocket`]).
    Tls(TlsServer),
}

/// Whether a connection does TLS.
#[derive(Clone, Debug, Default)]
pub enum ClientSecurity {
    /// TCP as it is.
    #[default]
    Plain,
    /// TLS.
    Tls(TlsClient),
}

/// What marks the bounds of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Nothing: a segment is what one read returned, and messages are found in the stream by their Content-Length
    /// (RFC 3261 18.3).
    #[default]
    Raw,
    /// WebSocket with the sub-protocol `sip` (RFC 7118): a segment is a message.
    WebSocket,
}

/// How a listener takes connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    /// What marks the bounds of a message.
    pub framing: Framing,
    /// How long the handshakes of one connection may take together.
    pub handshake_timeout: Duration,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            framing: Framing::default(),
            handshake_timeout: HANDSHAKE_TIMEOUT,
        }
    }
}

impl From<Framing> for ListenOptions {
    fn from(framing: Framing) -> Self {
        Self {
            framing,
            ..Self::default()
        }
    }
}

/// How a connection is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// What marks the bounds of a message.
    pub framing: Framing,
    /// How long the connection and its handshakes may take together.
    pub handshake_timeout: Duration,
    /// The resource that a WebSocket client asks for.
    pub websocket_target: String,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            framing: Framing::default(),
            handshake_timeout: HANDSHAKE_TIMEOUT,
            websocket_target: "/".to_owned(),
        }
    }
}

impl From<Framing> for ConnectOptions {
    fn from(framing: Framing) -> Self {
        Self {
            framing,
            ..Self::default()
        }
    }
}
