//! One established connection and its halves.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::line::{AnyStream, Line};
use super::websocket::{self, WebSocketInfo};
use crate::tls::{TlsFault, TlsInfo};
use crate::{Clock, NetError};

/// The longest segment, and the longest WebSocket message that is taken.
pub(super) const MAX_SEGMENT: usize = 64 * 1024;
/// What one read of a raw stream returns at most: as much as a TLS record holds (RFC 8446 5.1).
const READ_SIZE: usize = 16 * 1024;

/// Bytes that arrived together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The lab time of arrival of the last of them; on the operating system's network the kernel's.
    pub at: Duration,
    /// The bytes, never none with [`Framing::Raw`](crate::Framing::Raw); with
    /// [`Framing::WebSocket`](crate::Framing::WebSocket) one message.
    pub bytes: Vec<u8>,
}

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Established {
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) at: Duration,
    pub(super) tls: Option<TlsInfo>,
    pub(super) websocket: Option<WebSocketInfo>,
}

/// A connection that is ready for messages.
#[derive(Debug)]
pub struct StreamConnection {
    reader: StreamReader,
    writer: StreamWriter,
}

/// The half that reads.
pub struct StreamReader {
    about: Arc<Established>,
    line: Line,
    clock: Clock,
    source: Source,
}

/// The half that writes.
pub struct StreamWriter {
    about: Arc<Established>,
    line: Line,
    clock: Clock,
    sink: Sink,
}

enum Source {
    Raw(ReadHalf<AnyStream>),
    WebSocket(SplitStream<websocket::Connection>),
}

enum Sink {
    Raw(WriteHalf<AnyStream>),
    WebSocket(SplitSink<websocket::Connection, Message>),
}

/// What the handshakes have led to.
pub(super) enum Channel {
    Raw(AnyStream),
    WebSocket(Box<websocket::Connection>),
}

impl StreamConnection {
    pub(super) fn new(about: Established, clock: Clock, line: Line, channel: Channel) -> Self {
        let (source, sink) = match channel {
            Channel::Raw(stream) => {
                let (read, write) = tokio::io::split(stream);
                (Source::Raw(read), Sink::Raw(write))
            }
            Channel::WebSocket(connection) => {
                let (write, read) = (*connection).split();
                (Source::WebSocket(read), Sink::WebSocket(write))
            }
        };
        let about = Arc::new(about);
        Self {
            reader: StreamReader {
                about: Arc::clone(&about),
                line: line.clone(),
                clock,
                source,
            },
            writer: StreamWriter {
                about,
                line,
                clock,
                sink,
            },
        }
    }

    /// The own address.
    pub fn local_addr(&self) -> SocketAddr {
        self.reader.about.local
    }

    /// The peer's address.
    pub fn peer_addr(&self) -> SocketAddr {
        self.reader.about.peer
    }

    /// The lab time at which the last handshake was completed.
    pub fn established_at(&self) -> Duration {
        self.reader.about.at
    }

    /// What was seen of the TLS handshake; nothing without TLS.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.reader.about.tls.as_ref()
    }

    /// What was seen of the WebSocket handshake; nothing without WebSocket.
    pub fn websocket(&self) -> Option<&WebSocketInfo> {
        self.reader.about.websocket.as_ref()
    }

    /// The next bytes; `None` when the peer has ended its direction in order. Safe to cancel: nothing is lost.
    ///
    /// # Errors
    /// [`NetError::ConnectionReset`], [`NetError::Truncated`], [`NetError::Tls`], [`NetError::WebSocket`],
    /// [`NetError::Stream`].
    pub async fn recv(&mut self) -> Result<Option<Segment>, NetError> {
        self.reader.recv().await
    }

    /// Sends bytes, with WebSocket as one message, and returns the lab time just before they were handed over. A peer that
    /// does not read makes it wait; a send that is given up may have sent a part.
    ///
    /// # Errors
    /// [`NetError::ConnectionReset`], [`NetError::Tls`], [`NetError::WebSocket`], [`NetError::Stream`].
    pub async fn send(&mut self, bytes: &[u8]) -> Result<Duration, NetError> {
        self.writer.send(bytes).await
    }

    /// The two halves, for two tasks. The connection is closed when both are gone.
    pub fn split(self) -> (StreamReader, StreamWriter) {
        (self.reader, self.writer)
    }

    /// Ends the connection in order, each layer with its own farewell, whether or not the peer has anything left to say.
    pub async fn close(self) {
        self.writer.close().await;
    }

    /// Ends the connection with a reset (TCP RST), without a farewell.
    pub fn reset(self) {
        self.writer.reset();
    }
}

impl StreamReader {
    /// The own address.
    pub fn local_addr(&self) -> SocketAddr {
        self.about.local
    }

    /// The peer's address.
    pub fn peer_addr(&self) -> SocketAddr {
        self.about.peer
    }

    /// As [`StreamConnection::recv`].
    ///
    /// # Errors
    /// As [`StreamConnection::recv`].
    pub async fn recv(&mut self) -> Result<Option<Segment>, NetError> {
        let peer = self.about.peer;
        let bytes = match &mut self.source {
            Source::Raw(stream) => poll_fn(|cx| poll_bytes(stream, cx))
                .await
                .map_err(|error| failure(peer, error))?,
            Source::WebSocket(stream) => next_message(stream, peer).await?,
        };
        Ok(bytes.map(|bytes| Segment {
            // bytes can have been decrypted in the same step as earlier ones, never later than now
            at: self.line.last_arrival().min(self.clock.now()),
            bytes,
        }))
    }
}

/// Reads into the stack: an idle connection has no buffer.
fn poll_bytes(stream: &mut ReadHalf<AnyStream>, cx: &mut Context<'_>) -> Poll<io::Result<Option<Vec<u8>>>> {
    let mut space = [const { MaybeUninit::uninit() }; READ_SIZE];
    let mut buffer = ReadBuf::uninit(&mut space);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    let bytes = buffer.filled();
    Poll::Ready(Ok((!bytes.is_empty()).then(|| bytes.to_vec())))
}

async fn next_message(
    stream: &mut SplitStream<websocket::Connection>,
    peer: SocketAddr,
) -> Result<Option<Vec<u8>>, NetError> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => return Ok(Some(text.as_bytes().to_vec())),
            Some(Ok(Message::Binary(bytes))) => return Ok(Some(bytes.to_vec())),
            Some(Ok(Message::Close(_))) | None => return Ok(None),
            // pings are answered by the protocol as it reads on (RFC 6455 5.5.2)
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(websocket_failure(peer, error)),
        }
    }
}

impl StreamWriter {
    /// The own address.
    pub fn local_addr(&self) -> SocketAddr {
        self.about.local
    }

    /// The peer's address.
    pub fn peer_addr(&self) -> SocketAddr {
        self.about.peer
    }

    /// As [`StreamConnection::send`].
    ///
    /// # Errors
    /// As [`StreamConnection::send`].
    pub async fn send(&mut self, bytes: &[u8]) -> Result<Duration, NetError> {
        let at = self.clock.now();
        let peer = self.about.peer;
        match &mut self.sink {
            Sink::Raw(stream) => {
                let sent = async {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                };
                sent.await.map_err(|error| failure(peer, error))?;
            }
            Sink::WebSocket(sink) => sink
                .send(websocket::message(bytes))
                .await
                .map_err(|error| websocket_failure(peer, error))?,
        }
        Ok(at)
    }

    /// Asks a WebSocket peer for a sign of life (RFC 6455 5.5.2); the answer is not reported. Nothing happens on other
    /// connections.
    ///
    /// # Errors
    /// As [`StreamConnection::send`].
    pub async fn ping(&mut self) -> Result<(), NetError> {
        match &mut self.sink {
            Sink::Raw(_) => Ok(()),
            Sink::WebSocket(sink) => sink
                .send(Message::Ping(Vec::new().into()))
                .await
                .map_err(|error| websocket_failure(self.about.peer, error)),
        }
    }

    /// Ends this direction in order: WebSocket close, TLS `close_notify`, TCP FIN. What the peer still says can be read.
    pub async fn close(mut self) {
        // a connection that the peer has broken is as closed as it can be
        match &mut self.sink {
            Sink::Raw(stream) => {
                let _ = stream.shutdown().await;
            }
            Sink::WebSocket(sink) => {
                let _ = sink.close().await;
            }
        }
    }

    /// Turns the end of the connection into a reset. It happens when the reader is gone too.
    pub fn reset(self) {
        self.line.abort();
    }
}

fn failure(peer: SocketAddr, error: io::Error) -> NetError {
    if let Some(source) = TlsFault::within(&error) {
        return NetError::Tls { peer, source };
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => NetError::Truncated { peer },
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            NetError::ConnectionReset { peer }
        }
        _ => NetError::Stream { peer, source: error },
    }
}

fn websocket_failure(peer: SocketAddr, error: Error) -> NetError {
    match error {
        Error::Io(error) => failure(peer, error),
        Error::ConnectionClosed | Error::AlreadyClosed => NetError::ConnectionReset { peer },
        other => NetError::WebSocket {
            peer,
            reason: other.to_string(),
        },
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter")
            .field("peer", &self.about.peer)
            .finish_non_exhaustive()
    }
}
