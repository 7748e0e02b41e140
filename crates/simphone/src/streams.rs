//! The phone's connections: TCP, TLS and WebSocket (RFC 3261 18, RFC 7118), made when they are needed and kept.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use voxproof_net::tls::TlsServer;
use voxproof_net::{
    Accepted, ClientSecurity, Framing, Net, NetError, StreamConnection, StreamListener, StreamSecurity,
};
use voxproof_sip::{Framer, Hop, Transport};

/// The longest message that a phone with a short buffer reads.
const SHORT_BUFFER: usize = 4096;

/// What the connections tell the phone.
#[derive(Debug)]
pub(crate) enum StreamEvent {
    Message {
        at: Duration,
        bytes: Vec<u8>,
        source: Hop,
    },
    /// Empty lines, which say only that the other end is there.
    Alive(SocketAddr),
    /// Somebody has connected to the phone's own port.
    Accepted(Transport, Box<StreamConnection>),
    /// A configuration that was asked for.
    Configuration(Vec<u8>),
    Closed {
        peer: SocketAddr,
        number: u64,
    },
}

/// What a connection of the phone does wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamFaults {
    /// Of several messages in one segment only the first is read.
    pub(crate) second_message_lost: bool,
    /// A message that is longer than [`SHORT_BUFFER`] is not read.
    pub(crate) long_message_lost: bool,
}

/// Every connection of the phone.
pub(crate) struct Streams {
    net: Net,
    /// Of the connections that it makes.
    transport: Transport,
    security: ClientSecurity,
    faults: StreamFaults,
    connections: HashMap<SocketAddr, (u64, mpsc::UnboundedSender<Vec<u8>>)>,
    made: u64,
    events: mpsc::UnboundedSender<StreamEvent>,
    received: mpsc::UnboundedReceiver<StreamEvent>,
    listening: Option<JoinHandle<()>>,
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("transport", &self.transport)
            .field("peers", &self.connections.keys())
            .finish_non_exhaustive()
    }
}

impl Streams {
    pub(crate) fn new(
        net: &Net,
        transport: Transport,
        security: ClientSecurity,
        faults: StreamFaults,
    ) -> Self {
        let (events, received) = mpsc::unbounded_channel();
        // a phone that speaks by datagrams answers on connections that others make, and makes plain ones if it must
        let transport = match transport {
            Transport::Udp => Transport::Tcp,
            other => other,
        };
        Self {
            net: net.clone(),
            transport,
            security,
            faults,
            connections: HashMap::new(),
            made: 0,
            events,
            received,
            listening: None,
        }
    }

    /// Takes connections on the phone's own port (RFC 3261 18.2.1): of TCP, also when it registers by datagrams, or of
    /// TLS when it has a certificate to show. Nobody connects to a phone by WebSocket (RFC 7118 4).
    pub(crate) async fn listen(
        &mut self,
        local: SocketAddr,
        server: Option<&TlsServer>,
    ) -> Result<(), NetError> {
        let transport = self.transport;
        let security = match (transport, server) {
            (Transport::Tcp, _) => StreamSecurity::Plain,
            (Transport::Tls, Some(server)) => StreamSecurity::Tls(server.clone()),
            _ => return Ok(()),
        };
        let mut listener: StreamListener = self.net.listen(local, security).await?;
        let events = self.events.clone();
        self.listening = Some(tokio::spawn(async move {
            while let Ok(accepted) = listener.accept().await {
                if let Accepted::Connection(connection) = accepted
                    && events
                        .send(StreamEvent::Accepted(transport, Box::new(connection)))
                        .is_err()
                {
                    return;
                }
            }
        }));
        Ok(())
    }

    /// For others who have something to tell the phone.
    pub(crate) fn sender(&self) -> mpsc::UnboundedSender<StreamEvent> {
        self.events.clone()
    }

    /// The next event; never for a phone without connections.
    pub(crate) async fn next(&mut self) -> Option<StreamEvent> {
        self.received.recv().await
    }

    /// Sends on the connection to this address, which is made when there is none.
    pub(crate) fn send(&mut self, address: SocketAddr, bytes: Vec<u8>) {
        let bytes = match self.connections.get(&address) {
            Some((_, queue)) => match queue.send(bytes) {
                Ok(()) => return,
                Err(refused) => refused.0,
            },
            None => bytes,
        };
        let (queue, waiting) = mpsc::unbounded_channel();
        // the receiver is right here
        let _ = queue.send(bytes);
        let line = self.line(self.transport, address, queue);
        let (net, security) = (self.net.clone(), self.security.clone());
        let framing = match self.transport {
            Transport::Ws | Transport::Wss => Framing::WebSocket,
            _ => Framing::Raw,
        };
        tokio::spawn(async move {
            match net.connect_with(None, address, security, framing).await {
                Ok(connection) => line.serve(connection, waiting).await,
                Err(_) => line.closed(),
            }
        });
    }

    /// Uses a connection that somebody else has made.
    pub(crate) fn adopt(&mut self, transport: Transport, connection: StreamConnection) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let line = self.line(transport, connection.peer_addr(), queue);
        tokio::spawn(line.serve(connection, waiting));
    }

    /// Gives up a connection whose other end does not answer. Whether there was one.
    pub(crate) fn give_up(&mut self, peer: SocketAddr) -> bool {
        // its task ends with its queue
        self.connections.remove(&peer).is_some()
    }

    /// Forgets a connection that is over. Whether it was the one in use.
    pub(crate) fn forget(&mut self, peer: SocketAddr, number: u64) -> bool {
        let current = self
            .connections
            .get(&peer)
            .is_some_and(|(known, _)| *known == number);
        if current {
            self.connections.remove(&peer);
        }
        current
    }

    fn line(
        &mut self,
        transport: Transport,
        peer: SocketAddr,
        queue: mpsc::UnboundedSender<Vec<u8>>,
    ) -> Line {
        self.made += 1;
        self.connections.insert(peer, (self.made, queue));
        Line {
            hop: Hop::new(transport, peer),
            number: self.made,
            faults: self.faults,
            events: self.events.clone(),
        }
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

/// One connection's task.
struct Line {
    hop: Hop,
    number: u64,
    faults: StreamFaults,
    events: mpsc::UnboundedSender<StreamEvent>,
}

impl Line {
    /// Reads and writes until the connection, or the phone, is over.
    async fn serve(self, connection: StreamConnection, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) {
        let whole = matches!(self.hop.transport, Transport::Ws | Transport::Wss);
        let (mut reader, mut writer) = connection.split();
        let mut framer = Framer::new();
        loop {
            tokio::select! {
                biased;
                segment = reader.recv() => {
                    let Ok(Some(segment)) = segment else { break };
                    let messages = if whole {
                        vec![segment.bytes]
                    } else {
                        framer.push(&segment.bytes);
                        std::iter::from_fn(|| framer.next_message()).collect()
                    };
                    let kept = if self.faults.second_message_lost { 1 } else { messages.len() };
                    for bytes in messages.into_iter().take(kept) {
                        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                            // RFC 5626 3.5.1: a ping is answered by a pong
                            if bytes.len() >= 4 && writer.send(b"\r\n").await.is_err() {
                                break;
                            }
                            let _ = self.events.send(StreamEvent::Alive(self.hop.address));
                            continue;
                        }
                        if self.faults.long_message_lost && bytes.len() > SHORT_BUFFER {
                            continue;
                        }
                        let event = StreamEvent::Message { at: segment.at, bytes, source: self.hop };
                        if self.events.send(event).is_err() {
                            return writer.close().await;
                        }
                    }
                }
                bytes = queue.recv() => match bytes {
                    Some(bytes) => {
                        if writer.send(&bytes).await.is_err() {
                            break;
                        }
                    }
                    None => return writer.close().await,
                },
            }
        }
        self.closed();
    }

    fn closed(self) {
        // a phone that is gone does not care
        let _ = self.events.send(StreamEvent::Closed {
            peer: self.hop.address,
            number: self.number,
        });
    }
}
