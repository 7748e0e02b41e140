//! Connections: TCP or a pipe in memory, TLS and WebSocket on top of either.

mod accept;
mod connection;
mod handshake;
mod hub;
mod line;
mod listener;
mod options;
mod os;
mod pipe;
mod recorder;
mod websocket;

pub use accept::Accepted;
pub use connection::{Segment, StreamConnection, StreamReader, StreamWriter};
pub use handshake::HandshakeError;
pub use listener::StreamListener;
pub use options::{ClientSecurity, ConnectOptions, Framing, ListenOptions, StreamSecurity};
pub use websocket::WebSocketInfo;

pub(crate) use accept::{connect_os, connect_virtual};
pub(crate) use hub::StreamHub;
