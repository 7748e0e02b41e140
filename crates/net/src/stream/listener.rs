//! A port that takes connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use super::accept::{Accepted, Ends, Raw, farewell};
use super::handshake::ServerTls;
use super::hub::{HubListener, StreamHub};
use super::os::{self, TimedTcp};
use super::{Framing, ListenOptions, StreamSecurity};
use crate::{Clock, NetError};

/// Handshakes that run at the same time; further peers wait in the backlog.
const MAX_HANDSHAKES: usize = 256;

/// A port that takes connections. Dropping it frees the port and gives up the handshakes that are not completed.
pub struct StreamListener {
    local: SocketAddr,
    clock: Clock,
    source: Source,
    handshakes: Arc<Handshakes>,
    running: JoinSet<()>,
    completed: Receiver<Accepted>,
    report: Sender<Accepted>,
}

enum Source {
    Os(TcpListener),
    Virtual(HubListener),
}

struct Handshakes {
    tls: Option<ServerTls>,
    options: ListenOptions,
}

impl StreamListener {
    pub(crate) fn os(
        clock: Clock,
        local: SocketAddr,
        security: &StreamSecurity,
        options: ListenOptions,
    ) -> Result<Self, NetError> {
        let listener = os::listen(local)?;
        let local = listener.local_addr().map_err(|source| NetError::Setup {
            what: "read the address of a TCP socket",
            source,
        })?;
        Self::new(clock, local, Source::Os(listener), security, options)
    }

    pub(crate) fn virtual_port(
        clock: Clock,
        hub: &Arc<StreamHub>,
        local: SocketAddr,
        security: &StreamSecurity,
        options: ListenOptions,
    ) -> Result<Self, NetError> {
        let listener = hub.listen(local)?;
        let local = listener.local_addr();
        Self::new(clock, local, Source::Virtual(listener), security, options)
    }

    fn new(
        clock: Clock,
        local: SocketAddr,
        source: Source,
        security: &StreamSecurity,
        options: ListenOptions,
    ) -> Result<Self, NetError> {
        let tls = match security {
            StreamSecurity::Plain => None,
            StreamSecurity::Tls(server) => Some(ServerTls::new(server)?),
        };
        let (report, completed) = channel(MAX_HANDSHAKES);
        Ok(Self {
            local,
            clock,
            source,
            handshakes: Arc::new(Handshakes { tls, options }),
            running: JoinSet::new(),
            completed,
            report,
        })
    }

    /// The bound address, with the port that was picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The next connection that has completed its handshakes, or has failed in them. Safe to cancel: none is lost.
    ///
    /// Handshakes run in tasks of their own, so a slow peer keeps no other one waiting; new peers are let in while this
    /// is awaited.
    ///
    /// # Errors
    /// [`NetError::Accept`] with the operating system's reason, such as too many open files.
    pub async fn accept(&mut self) -> Result<Accepted, NetError> {
        loop {
            let room = self.running.len() < MAX_HANDSHAKES;
            tokio::select! {
                // what is completed goes first, always in this order
                biased;
                Some(accepted) = self.completed.recv() => return Ok(accepted),
                Some(_) = self.running.join_next() => {}
                raw = self.source.next(self.clock), if room => {
                    let raw = raw.map_err(|source| NetError::Accept { addr: self.local, source })?;
                    if self.handshakes.are_none() {
                        return Ok(Accepted::Connection(raw.plain()));
                    }
                    self.start(raw);
                }
            }
        }
    }

    fn start(&mut self, raw: Raw) {
        let handshakes = Arc::clone(&self.handshakes);
        let report = self.report.clone();
        self.running.spawn(async move {
            let (accepted, rest) = raw.accept(handshakes.tls.as_ref(), &handshakes.options).await;
            // a listener that is gone needs no report
            let _ = report.send(accepted).await;
            if let Some(stream) = rest {
                farewell(stream).await;
            }
        });
    }
}

impl Handshakes {
    fn are_none(&self) -> bool {
        self.tls.is_none() && self.options.framing == Framing::Raw
    }
}

impl Source {
    async fn next(&mut self, clock: Clock) -> io::Result<Raw> {
        match self {
            Self::Virtual(listener) => {
                let incoming = listener.accept().await;
                Ok(Raw {
                    ends: Ends {
                        line: incoming.pipe.line(),
                        clock,
                        local: incoming.local,
                        peer: incoming.peer,
                    },
                    stream: Box::new(incoming.pipe),
                })
            }
            Self::Os(listener) => loop {
                let (tcp, peer) = match listener.accept().await {
                    Ok(accepted) => accepted,
                    // the peer gave up before it was let in
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                    Err(error) => return Err(error),
                };
                let local = tcp.local_addr()?;
                let stream = TimedTcp::new(tcp, clock);
                return Ok(Raw {
                    ends: Ends {
                        line: stream.line(),
                        clock,
                        local,
                        peer,
                    },
                    stream: Box::new(stream),
                });
            },
        }
    }
}

impl fmt::Debug for StreamListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamListener")
            .field("local", &self.local)
            .field("options", &self.handshakes.options)
            .finish_non_exhaustive()
    }
}
