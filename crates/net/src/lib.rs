//! UDP endpoints, streams with TLS and WebSocket, and paced media ports, on the operating system's network or on a
//! virtual one with a virtual clock.
//!
//! [`Net`] is chosen once, at the start of a run. Everything above it (the call driver, the simulated phone) binds
//! [`Endpoint`]s, listens for and makes [`StreamConnection`]s and opens [`MediaPort`]s without knowing which network, and
//! so which clock, it has:
//!
//! - [`Net::os`] uses real sockets. Signalling goes through tokio; every media session has a thread of its own for
//!   sending, paced by absolute deadlines, and one for receiving, with the kernel's receive time.
//! - [`Net::virtual_network`] is a hub in memory for a current-thread tokio runtime with a paused clock: a minute of
//!   speech takes milliseconds and every run is the same.

mod clock;
mod dscp;
mod endpoint;
mod error;
mod health;
mod host_watch;
mod hub;
mod media;
mod network;
mod os_media;
mod os_socket;
mod stream;
pub mod tls;
mod virtual_media;

pub use clock::Clock;
use dscp::Dscp;
pub use endpoint::{Datagram, Endpoint};
pub use error::NetError;
pub use health::MediaHealth;
pub use media::{MediaPort, MediaSession, Reception};
pub use network::Net;
pub use stream::{
    Accepted, ClientSecurity, ConnectOptions, Framing, HandshakeError, ListenOptions, Segment,
    StreamConnection, StreamListener, StreamReader, StreamSecurity, StreamWriter, WebSocketInfo,
};
