//! From a line to a connection: the handshakes of both roles.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::connection::{Channel, Established};
use super::handshake::{ClientTls, Failure, Seen, ServerTls};
use super::hub::StreamHub;
use super::line::{AnyStream, Line};
use super::os::{self, TimedTcp};
use super::{
    ClientSecurity, ConnectOptions, Framing, HandshakeError, ListenOptions, StreamConnection, WebSocketInfo,
    websocket,
};
use crate::tls::{ClientHello, TlsInfo};
use crate::{Clock, NetError};

/// How long a refused peer is read on, so that the close does not destroy the alert that is on its way to it.
const FAREWELL: Duration = Duration::from_secs(1);

/// What came to a listener.
#[derive(Debug)]
pub enum Accepted {
    /// A connection, ready for messages.
    Connection(StreamConnection),
    /// A peer connected but its handshake failed: evidence, as when a device refuses the lab's certificate.
    Failed {
        /// The peer's address.
        peer: SocketAddr,
        /// The lab time of the failure.
        at: Duration,
        /// Why.
        error: HandshakeError,
        /// What the client asked for, if it came that far.
        client_hello: Option<ClientHello>,
        /// The secrets so far in the NSS key log format.
        key_log: Vec<String>,
    },
}

/// A line that has just been made.
pub(super) struct Raw {
    pub(super) stream: AnyStream,
    pub(super) ends: Ends,
}

/// What stays the same of a line, whatever is put on top of it.
pub(super) struct Ends {
    pub(super) line: Line,
    pub(super) clock: Clock,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
}

impl Ends {
    fn connection(
        self,
        channel: Channel,
        tls: Option<TlsInfo>,
        websocket: Option<WebSocketInfo>,
    ) -> StreamConnection {
        let about = Established {
            local: self.local,
            peer: self.peer,
            at: self.clock.now(),
            tls,
            websocket,
        };
        StreamConnection::new(about, self.clock, self.line, channel)
    }
}

impl Raw {
    /// A connection without handshakes.
    pub(super) fn plain(self) -> StreamConnection {
        self.ends.connection(Channel::Raw(self.stream), None, None)
    }

    /// The server's side of the handshakes; a stream that is left over from a failed one is read to its end afterwards.
    pub(super) async fn accept(
        self,
        tls: Option<&ServerTls>,
        options: &ListenOptions,
    ) -> (Accepted, Option<AnyStream>) {
        let (peer, clock) = (self.ends.peer, self.ends.clock);
        let seen = Seen::default();
        let failure = match timeout(
            options.handshake_timeout,
            self.accept_layers(tls, options.framing, &seen),
        )
        .await
        {
            Ok(Ok(connection)) => return (Accepted::Connection(connection), None),
            Ok(Err(failure)) => failure,
            Err(_) => Failure {
                error: HandshakeError::TimedOut {
                    timeout: options.handshake_timeout,
                },
                stream: None,
            },
        };
        let (client_hello, key_log) = seen.evidence();
        let failed = Accepted::Failed {
            peer,
            at: clock.now(),
            error: failure.error.explained(client_hello.as_ref()),
            client_hello,
            key_log,
        };
        (failed, failure.stream)
    }

    async fn accept_layers(
        self,
        tls: Option<&ServerTls>,
        framing: Framing,
        seen: &Seen,
    ) -> Result<StreamConnection, Failure> {
        let (stream, tls) = match tls {
            None => (self.stream, None),
            Some(tls) => {
                let (stream, info) = tls.accept(self.stream, seen).await?;
                (stream, Some(info))
            }
        };
        match framing {
            Framing::Raw => Ok(self.ends.connection(Channel::Raw(stream), tls, None)),
            Framing::WebSocket => {
                let (connection, info) = websocket::accept(stream)
                    .await
                    .map_err(|error| Failure { error, stream: None })?;
                let channel = Channel::WebSocket(Box::new(connection));
                Ok(self.ends.connection(channel, tls, Some(info)))
            }
        }
    }

    async fn connect_layers(
        self,
        tls: Option<ClientTls>,
        options: &ConnectOptions,
    ) -> Result<StreamConnection, NetError> {
        let peer = self.ends.peer;
        let failed = |source| NetError::Handshake { peer, source };
        let host = tls.as_ref().and_then(ClientTls::host);
        let (stream, tls) = match tls {
            None => (self.stream, None),
            Some(tls) => match tls.connect(self.stream).await {
                Ok((stream, info)) => (stream, Some(info)),
                Err(Failure { error, stream }) => {
                    if let Some(stream) = stream {
                        // the caller has its answer; the peer gets its alert in the meantime
                        tokio::spawn(farewell(stream));
                    }
                    return Err(failed(error));
                }
            },
        };
        match options.framing {
            Framing::Raw => Ok(self.ends.connection(Channel::Raw(stream), tls, None)),
            Framing::WebSocket => {
                let host = host.map_or_else(|| peer.to_string(), |host| format!("{host}:{}", peer.port()));
                let (connection, info) =
                    websocket::connect(stream, tls.is_some(), &host, &options.websocket_target)
                        .await
                        .map_err(failed)?;
                let channel = Channel::WebSocket(Box::new(connection));
                Ok(self.ends.connection(channel, tls, Some(info)))
            }
        }
    }
}

/// Ends a failed connection so that the peer gets the alert: a close with bytes unread would be a reset, which discards
/// what the peer has not read yet.
pub(super) async fn farewell(mut stream: AnyStream) {
    let last_words = async {
        let _ = stream.shutdown().await;
        let mut rest = [0; 1024];
        while matches!(stream.read(&mut rest).await, Ok(length) if length > 0) {}
    };
    let _ = timeout(FAREWELL, last_words).await;
}

/// Connects on the operating system's network.
pub(crate) async fn connect_os(
    clock: Clock,
    local: Option<SocketAddr>,
    remote: SocketAddr,
    security: &ClientSecurity,
    options: &ConnectOptions,
) -> Result<StreamConnection, NetError> {
    // what cannot work is said before anybody is bothered
    let tls = ClientTls::wanted(security)?;
    within(remote, options, async {
        let tcp = os::connect(local, remote).await?;
        let local = tcp.local_addr().map_err(|source| NetError::Setup {
            what: "read the address of a TCP socket",
            source,
        })?;
        let stream = TimedTcp::new(tcp, clock);
        let raw = Raw {
            ends: Ends {
                line: stream.line(),
                clock,
                local,
                peer: remote,
            },
            stream: Box::new(stream),
        };
        raw.connect_layers(tls, options).await
    })
    .await
}

/// Connects on the virtual network.
pub(crate) async fn connect_virtual(
    hub: &Arc<StreamHub>,
    delay: Duration,
    clock: Clock,
    addresses: (Option<SocketAddr>, SocketAddr),
    security: &ClientSecurity,
    options: &ConnectOptions,
) -> Result<StreamConnection, NetError> {
    let (local, remote) = addresses;
    // what cannot work is said before anybody is bothered
    let tls = ClientTls::wanted(security)?;
    within(remote, options, async {
        let (pipe, local) = hub.connect(clock, delay, local, remote).await?;
        let raw = Raw {
            ends: Ends {
                line: pipe.line(),
                clock,
                local,
                peer: remote,
            },
            stream: Box::new(pipe),
        };
        raw.connect_layers(tls, options).await
    })
    .await
}

async fn within(
    peer: SocketAddr,
    options: &ConnectOptions,
    work: impl Future<Output = Result<StreamConnection, NetError>>,
) -> Result<StreamConnection, NetError> {
    match timeout(options.handshake_timeout, work).await {
        Ok(result) => result,
        Err(_) => Err(NetError::Handshake {
            peer,
            source: HandshakeError::TimedOut {
                timeout: options.handshake_timeout,
            },
        }),
    }
}
