//! TCP of the operating system, with the kernel's receive time.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::line::Line;
use crate::{Clock, NetError, os_socket};

/// Connections that wait for the listener's attention in the kernel.
const BACKLOG: i32 = 128;

/// One TCP connection.
#[derive(Debug)]
pub(crate) struct TimedTcp {
    tcp: TcpStream,
    clock: Clock,
    line: Line,
}

impl TimedTcp {
    pub(crate) fn new(tcp: TcpStream, clock: Clock) -> Self {
        // both are improvements: a send becomes a segment at once, and the kernel says when bytes came
        let _ = tcp.set_nodelay(true);
        let _ = setsockopt(&tcp, sockopt::ReceiveTimestampns, &true);
        Self {
            tcp,
            clock,
            line: Line::default(),
        }
    }

    pub(crate) fn line(&self) -> Line {
        self.line.clone()
    }
}

impl Drop for TimedTcp {
    fn drop(&mut self) {
        if self.line.is_aborted() {
            // a linger of zero turns the close into a reset
            let _ = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for TimedTcp {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            ready!(this.tcp.poll_read_ready(cx))?;
            let space = buffer.initialize_unfilled();
            let read = this.tcp.try_io(Interest::READABLE, || {
                os_socket::receive_stream(&this.tcp, this.clock, space)
            });
            match read {
                Ok((length, at)) => {
                    if length > 0 {
                        this.line.arrived(at);
                    }
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for TimedTcp {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(cx, bytes)
    }

    // a TLS alert and what is queued before it leave together: there is one attempt to write them after a failure
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

/// Listens on a TCP port.
pub(crate) fn listen(local: SocketAddr) -> Result<TcpListener, NetError> {
    let setup = |what| move |source| NetError::Setup { what, source };
    let socket = Socket::new(Domain::for_address(local), Type::STREAM, Some(Protocol::TCP))
        .map_err(setup("open a TCP socket"))?;
    if local.is_ipv6() {
        socket
            .set_only_v6(true)
            .map_err(setup("make a TCP socket IPv6 only"))?;
    }
    // a port whose last connections linger in TIME-WAIT can be listened on again; one with a listener cannot
    socket
        .set_reuse_address(true)
        .map_err(setup("permit the reuse of a TCP port"))?;
    // accepted sockets inherit it, so that what arrives before they are accepted has its time too
    let _ = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
    let binding = |source| NetError::binding_stream(local, source);
    socket.bind(&local.into()).map_err(binding)?;
    socket.listen(BACKLOG).map_err(binding)?;
    socket
        .set_nonblocking(true)
        .map_err(setup("make a TCP socket non-blocking"))?;
    TcpListener::from_std(socket.into()).map_err(setup("watch a TCP socket"))
}

/// Connects from an address, or from any.
pub(crate) async fn connect(local: Option<SocketAddr>, remote: SocketAddr) -> Result<TcpStream, NetError> {
    let setup = |what| move |source| NetError::Setup { what, source };
    let socket = if remote.is_ipv6() {
        TcpSocket::new_v6()
    } else {
        TcpSocket::new_v4()
    }
    .map_err(setup("open a TCP socket"))?;
    if let Some(local) = local {
        // RFC 3261 18.1.1 permits connections from the port that is listened on
        socket
            .set_reuseaddr(true)
            .map_err(setup("permit the reuse of a TCP port"))?;
        socket
            .bind(local)
            .map_err(|source| NetError::binding_stream(local, source))?;
    }
    socket
        .connect(remote)
        .await
        .map_err(|source| NetError::connecting(remote, source))
}
