//! Connections of stream transports: TCP, TLS and WebSocket, made by either end.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use voxproof_net::tls::{
    CertificateRequest, ClientCertificates, IdentityName, Roots, Signer, TestAuthority, TlsClient, TlsError,
    TlsInfo, TlsServer, TlsVersions, Validity, Verification,
};
use voxproof_net::{
    Accepted, ClientSecurity, Framing, Net, NetError, StreamConnection, StreamSecurity, StreamWriter,
};
use voxproof_sip::{Framer, Hop, Transport};

/// The certificate that the lab shows to devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShownCertificate {
    /// A right one: the device has to take it.
    #[default]
    Right,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// For another name.
    WrongName,
    /// Signed by itself.
    SelfSigned,
    /// Signed by an authority the device was never told of.
    UnknownAuthority,
}

impl ShownCertificate {
    /// What to ask the authority for, for a server at this address.
    pub fn request(self, ip: IpAddr) -> CertificateRequest {
        let names = match self {
            Self::WrongName => vec![IdentityName::Dns("another.example".to_owned())],
            _ => vec![IdentityName::Ip(ip), IdentityName::Uri(format!("sip:{ip}"))],
        };
        CertificateRequest {
            validity: match self {
                Self::Expired => Validity::Expired,
                Self::NotYetValid => Validity::NotYetValid,
                _ => Validity::Valid,
            },
            signer: match self {
                Self::SelfSigned => Signer::SelfSigned,
                Self::UnknownAuthority => Signer::OtherAuthority,
                _ => Signer::Authority,
            },
            ..CertificateRequest::new(names)
        }
    }
}

/// How the lab does TLS as a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TlsManner {
    /// The certificate it shows.
    pub certificate: ShownCertificate,
    /// Only this version, `1.2` or `1.3`, as a number of ten times it.
    pub only: Option<u8>,
    /// Whether it asks the device for a certificate.
    pub ask: bool,
    /// Whether it refuses a device without one of the lab's authority.
    pub require: bool,
}

/// What happened on connections.
#[derive(Debug)]
pub(crate) enum StreamEvent {
    /// The device connected, or tried to.
    Accepted(Transport, SocketAddr, Box<Accepted>),
    /// The lab connected, or tried to.
    Connected(Hop, Box<Result<StreamConnection, NetError>>),
    /// Bytes came.
    Segment { hop: Hop, at: Duration, bytes: Vec<u8> },
    /// The other end closed, or the connection broke.
    Closed { hop: Hop, why: String },
}

struct Link {
    local: SocketAddr,
    outbox: mpsc::UnboundedSender<Vec<u8>>,
    framer: Framer,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Link {
    fn drop(&mut self) {
        // the writer ends by itself when its outbox is gone, so that what was sent still goes out
        self.tasks[0].abort();
    }
}

/// What a case has to know of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) transport: Transport,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) state: &'static str,
    pub(crate) detail: String,
    pub(crate) key_log: Vec<String>,
}

/// A piece of a stream and the message it completes, if it does.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) message: Option<Vec<u8>>,
}

/// What one read brought: the hop, the lab's end, the time and the pieces.
pub(crate) type Arrived = (Hop, SocketAddr, Duration, Vec<Piece>);

/// All listeners and connections.
pub(crate) struct Connections {
    net: Net,
    authority: Arc<TestAuthority>,
    manner: TlsManner,
    ip: IpAddr,
    addresses: BTreeMap<Transport, SocketAddr>,
    listeners: Vec<JoinHandle<()>>,
    links: HashMap<Hop, Link>,
    waiting: HashMap<Hop, Vec<Vec<u8>>>,
    sender: mpsc::UnboundedSender<StreamEvent>,
    events: mpsc::UnboundedReceiver<StreamEvent>,
}

impl Connections {
    /// Listens beside a datagram socket: TCP on its port, the others on the ports after it, or on any where the lab
    /// did not ask for one.
    pub(crate) async fn open(
        net: Net,
        authority: Arc<TestAuthority>,
        server: SocketAddr,
        fixed: bool,
    ) -> Result<Self, NetError> {
        let (sender, events) = mpsc::unbounded_channel();
        let port = |offset: u16| {
            if fixed {
                server.port().saturating_add(offset)
            } else {
                0
            }
        };
        let wanted = [
            (Transport::Tcp, server.port()),
            (Transport::Tls, port(1)),
            (Transport::Ws, port(2)),
            (Transport::Wss, port(3)),
        ];
        let mut connections = Self {
            net,
            authority,
            manner: TlsManner::default(),
            ip: server.ip(),
            addresses: wanted
                .into_iter()
                .map(|(transport, port)| (transport, SocketAddr::new(server.ip(), port)))
                .collect(),
            listeners: vec![],
            links: HashMap::new(),
            waiting: HashMap::new(),
            sender,
            events,
        };
        connections.listen().await?;
        Ok(connections)
    }

    /// Where a transport is listened for.
    pub(crate) fn local(&self, transport: Transport) -> Option<SocketAddr> {
        self.addresses.get(&transport).copied()
    }

    pub(crate) fn authority(&self) -> &TestAuthority {
        &self.authority
    }

    fn server(&self) -> Result<TlsServer, TlsError> {
        let request = self.manner.certificate.request(self.ip);
        let mut server = TlsServer::new(self.authority.issue(&request)?);
        server.versions = match self.manner.only {
            Some(12) => TlsVersions::Tls12,
            Some(13) => TlsVersions::Tls13,
            _ => TlsVersions::default(),
        };
        server.client_certificates = if self.manner.require {
            ClientCertificates::Require(Roots::from(&*self.authority))
        } else if self.manner.ask {
            ClientCertificates::Request
        } else {
            ClientCertificates::None
        };
        Ok(server)
    }

    async fn listen(&mut self) -> Result<(), NetError> {
        let server = self.server()?;
        for (transport, address) in self.addresses.clone() {
            let security = if transport.is_secure() {
                StreamSecurity::Tls(server.clone())
            } else {
                StreamSecurity::Plain
            };
            let mut listener = self
                .net
                .listen_with(address, security, framing(transport))
                .await?;
            let local = listener.local_addr();
            self.addresses.insert(transport, local);
            let sender = self.sender.clone();
            self.listeners.push(tokio::spawn(async move {
                while let Ok(accepted) = listener.accept().await {
                    if sender
                        .send(StreamEvent::Accepted(transport, local, Box::new(accepted)))
                        .is_err()
                    {
                        return;
                    }
                }
            }));
        }
        Ok(())
    }

    /// Takes new connections, or none; the ports stay the same.
    pub(crate) async fn accept(&mut self, on: bool) -> Result<(), NetError> {
        for listener in self.listeners.drain(..) {
            listener.abort();
            // a listener that is being dropped still holds its port
            let _ = listener.await;
        }
        if on {
            self.listen().await?;
        }
        Ok(())
    }

    /// Does TLS in this manner with connections that come from now on.
    pub(crate) async fn behave(&mut self, manner: TlsManner) -> Result<(), NetError> {
        if self.manner != manner {
            self.manner = manner;
            self.accept(true).await?;
        }
        Ok(())
    }

    /// The next event. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Option<StreamEvent> {
        self.events.recv().await
    }

    /// Sends, on the connection that there is or on a new one.
    pub(crate) fn send(&mut self, hop: Hop, bytes: &[u8]) -> SocketAddr {
        let local = self.local(hop.transport).unwrap_or(hop.address);
        if let Some(link) = self.links.get(&hop) {
            // the reader notices a connection that is gone and says so
            let _ = link.outbox.send(bytes.to_vec());
            return link.local;
        }
        let waiting = self.waiting.entry(hop).or_default();
        waiting.push(bytes.to_vec());
        if waiting.len() > 1 {
            return local;
        }
        let (net, sender) = (self.net.clone(), self.sender.clone());
        let security = if hop.transport.is_secure() {
            let mut client = TlsClient::new(hop.address.ip().to_string(), Roots::from(&*self.authority));
            // a phone as a TLS server seldom has a certificate of the lab's authority; what it shows is evidence
            client.verify = Verification::None;
            ClientSecurity::Tls(client)
        } else {
            ClientSecurity::Plain
        };
        tokio::spawn(async move {
            let made = net
                .connect_with(None, hop.address, security, connect_framing(hop.transport))
                .await;
            let _ = sender.send(StreamEvent::Connected(hop, Box::new(made)));
        });
        local
    }

    /// Takes an event; what there is to note, and the pieces that came.
    pub(crate) fn take(&mut self, event: StreamEvent) -> (Option<Change>, Option<Arrived>) {
        match event {
            StreamEvent::Accepted(transport, local, accepted) => match *accepted {
                Accepted::Connection(connection) => {
                    let hop = Hop::new(transport, connection.peer_addr());
                    (Some(self.connect(hop, connection, "opened by the device")), None)
                }
                Accepted::Failed {
                    peer,
                    error,
                    key_log,
                    client_hello,
                    ..
                } => {
                    let asked = client_hello
                        .and_then(|hello| hello.sni)
                        .map(|name| format!("; it asked for {name}"))
                        .unwrap_or_default();
                    let change = Change {
                        transport,
                        local,
                        remote: peer,
                        state: "failed",
                        detail: format!("{error}{asked}"),
                        key_log,
                    };
                    (Some(change), None)
                }
            },
            StreamEvent::Connected(hop, made) => match *made {
                Ok(connection) => (Some(self.connect(hop, connection, "opened by the lab")), None),
                Err(error) => {
                    self.waiting.remove(&hop);
                    let change = Change {
                        transport: hop.transport,
                        local: self.local(hop.transport).unwrap_or(hop.address),
                        remote: hop.address,
                        state: "failed",
                        detail: error.to_string(),
                        key_log: vec![],
                    };
                    (Some(change), None)
                }
            },
            StreamEvent::Segment { hop, at, bytes } => {
                let Some(link) = self.links.get_mut(&hop) else {
                    return (None, None);
                };
                let pieces = pieces(&mut link.framer, bytes, hop.transport);
                (None, Some((hop, link.local, at, pieces)))
            }
            StreamEvent::Closed { hop, why } => {
                let Some(link) = self.links.remove(&hop) else {
                    return (None, None);
                };
                let change = Change {
                    transport: hop.transport,
                    local: link.local,
                    remote: hop.address,
                    state: "closed",
                    detail: why,
                    key_log: vec![],
                };
                (Some(change), None)
            }
        }
    }

    fn connect(&mut self, hop: Hop, connection: StreamConnection, state: &'static str) -> Change {
        let local = connection.local_addr();
        let (detail, key_log) = connection.tls().map(describe).unwrap_or_default();
        let (mut reader, writer) = connection.split();
        let (outbox, inbox) = mpsc::unbounded_channel();
        for bytes in self.waiting.remove(&hop).unwrap_or_default() {
            let _ = outbox.send(bytes);
        }
        let sender = self.sender.clone();
        let reading = tokio::spawn(async move {
            loop {
                let event = match reader.recv().await {
                    Ok(Some(segment)) => StreamEvent::Segment {
                        hop,
                        at: segment.at,
                        bytes: segment.bytes,
                    },
                    ended => {
                        let why = match ended {
                            Err(error) => error.to_string(),
                            Ok(_) => "by the other end".to_owned(),
                        };
                        let _ = sender.send(StreamEvent::Closed { hop, why });
                        return;
                    }
                };
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let writing = tokio::spawn(write(writer, inbox));
        self.links.insert(
            hop,
            Link {
                local,
                outbox,
                framer: Framer::new(),
                tasks: [reading, writing],
            },
        );
        Change {
            transport: hop.transport,
            local,
            remote: hop.address,
            state,
            detail,
            key_log,
        }
    }

    /// Closes every connection; what there is to note.
    pub(crate) fn close_all(&mut self) -> Vec<Change> {
        let mut hops: Vec<Hop> = self.links.keys().copied().collect();
        hops.sort_unstable();
        hops.into_iter()
            .filter_map(|hop| Some((hop, self.links.remove(&hop)?)))
            .map(|(hop, link)| Change {
                transport: hop.transport,
                local: link.local,
                remote: hop.address,
                state: "closed",
                detail: "by the lab".to_owned(),
                key_log: vec![],
            })
            .collect()
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

async fn write(mut writer: StreamWriter, mut inbox: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = inbox.recv().await {
        if writer.send(&bytes).await.is_err() {
            return;
        }
    }
    writer.close().await;
}

fn framing(transport: Transport) -> Framing {
    match transport {
        Transport::Ws | Transport::Wss => Framing::WebSocket,
        _ => Framing::Raw,
    }
}

fn connect_framing(transport: Transport) -> voxproof_net::ConnectOptions {
    framing(transport).into()
}

fn describe(info: &TlsInfo) -> (String, Vec<String>) {
    let version = info
        .version
        .map_or_else(|| "TLS".to_owned(), |version| version.to_string());
    let name = info
        .sni
        .as_ref()
        .map(|name| format!(", asked for {name}"))
        .unwrap_or_default();
    let certificates = match info.peer_certificates.len() {
        0 => ", without a certificate of the device".to_owned(),
        _ => ", with a certificate of the device".to_owned(),
    };
    (
        format!("{version}, {}{name}{certificates}", info.cipher_suite),
        info.key_log.clone(),
    )
}

/// Cuts what one read returned where messages end, so that each piece completes one message at most.
fn pieces(framer: &mut Framer, bytes: Vec<u8>, transport: Transport) -> Vec<Piece> {
    if framing(transport) == Framing::WebSocket {
        // a WebSocket message is a SIP message (RFC 7118 5)
        return vec![Piece {
            message: Some(bytes.clone()),
            bytes,
        }];
    }
    let before = framer.rest().len();
    framer.push(&bytes);
    let mut pieces = vec![];
    let (mut start, mut taken) = (0, 0_usize);
    while let Some(message) = framer.next_message() {
        taken += message.len();
        let end = taken.saturating_sub(before).clamp(start, bytes.len());
        pieces.push(Piece {
            bytes: bytes.get(start..end).unwrap_or_default().to_vec(),
            message: Some(message),
        });
        start = end;
    }
    if start < bytes.len() {
        pieces.push(Piece {
            bytes: bytes.get(start..).unwrap_or_default().to_vec(),
            message: None,
        });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nxy";
    const SECOND: &[u8] = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";

    fn cut(segments: &[&[u8]]) -> Vec<(usize, Option<usize>)> {
        let mut framer = Framer::new();
        segments
            .iter()
            .flat_map(|segment| pieces(&mut framer, segment.to_vec(), Transport::Tcp))
            .map(|piece| (piece.bytes.len(), piece.message.map(|message| message.len())))
            .collect()
    }

    #[test]
    fn two_messages_in_one_segment_are_two_pieces() {
        let both = [FIRST, SECOND].concat();
        let (first, second) = (FIRST.len(), SECOND.len());
        assert_eq!(cut(&[&both]), [(first, Some(first)), (second, Some(second))]);
    }

    #[test]
    fn a_message_in_three_segments_is_completed_by_the_last() {
        let both = [FIRST, SECOND].concat();
        let (first, second) = (FIRST.len(), SECOND.len());
        assert_eq!(
            cut(&[&both[..10], &both[10..30], &both[30..]]),
            [
                (10, None),
                (20, None),
                (first - 30, Some(first)),
                (second, Some(second))
            ]
        );
    }

    #[test]
    fn every_byte_is_in_one_piece() {
        let both = [b"\r\n\r\n", FIRST, SECOND, b"\r\n"].concat();
        for at in 0..both.len() {
            let (left, right) = both.split_at(at);
            let total: usize = cut(&[left, right]).iter().map(|(length, _)| length).sum();
            assert_eq!(total, both.len(), "cut at {at}");
        }
    }
}
