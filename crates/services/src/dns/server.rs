//! The zone on the network.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use voxproof_net::{
    Accepted, Clock, Endpoint, Net, NetError, StreamConnection, StreamListener, StreamSecurity,
};

use super::{DnsOrder, DnsReply, DnsTransport, Framer, Zone, framed, respond};
use crate::event::{DnsEvent, EventLog, ServiceEvent};

/// A free UDP port is tried this often until its number is free for TCP too.
const PORT_ATTEMPTS: usize = 16;
/// Answers that wait at the same time; further queries are answered when there is room.
const MAX_WAITING: usize = 1024;
const MAX_CONNECTIONS: usize = 256;
/// A connection on which nothing comes for so long is closed (RFC 7766 6.2.3 leaves the time to the server).
const IDLE: Duration = Duration::from_secs(20);
/// After an error of the socket, so that one that stays does not keep a core busy.
const RECOVERY: Duration = Duration::from_millis(10);

/// A DNS server over UDP and TCP. Dropping it ends it.
#[derive(Debug)]
pub struct DnsServer {
    address: SocketAddr,
    shared: Shared,
    _tasks: JoinSet<()>,
}

#[derive(Clone, Debug)]
struct Shared {
    clock: Clock,
    zone: Arc<Mutex<Zone>>,
    log: EventLog,
}

impl DnsServer {
    /// Serves a zone on one port of UDP and TCP; port 0 picks one that is free for both.
    pub(crate) async fn open(
        net: &Net,
        local: SocketAddr,
        zone: Zone,
        log: EventLog,
    ) -> Result<Self, NetError> {
        let (endpoint, listener) = ports(net, local).await?;
        let shared = Shared {
            clock: net.clock(),
            zone: Arc::new(Mutex::new(zone)),
            log,
        };
        let address = endpoint.local_addr();
        let mut tasks = JoinSet::new();
        tasks.spawn(shared.clone().datagrams(Arc::new(endpoint)));
        tasks.spawn(shared.clone().connections(listener));
        Ok(Self {
            address,
            shared,
            _tasks: tasks,
        })
    }

    /// The address of both transports.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Carries out an order: it holds for the next query that arrives.
    pub fn apply(&self, order: DnsOrder) {
        self.shared.zone().apply(order);
    }
}

async fn ports(net: &Net, local: SocketAddr) -> Result<(Endpoint, StreamListener), NetError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let endpoint = net.bind(local).await?;
        match net.listen(endpoint.local_addr(), StreamSecurity::Plain).await {
            Ok(listener) => return Ok((endpoint, listener)),
            Err(NetError::StreamPortInUse { .. }) if local.port() == 0 && attempt < PORT_ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
}

impl Shared {
    /// A panic elsewhere leaves the zone whole enough to answer from.
    fn zone(&self) -> std::sync::MutexGuard<'_, Zone> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, query: &[u8], transport: DnsTransport, at: Duration) -> DnsReply {
        respond(query, transport, &mut self.zone(), at)
    }

    async fn datagrams(self, endpoint: Arc<Endpoint>) {
        let mut waiting = JoinSet::new();
        loop {
            let datagram = tokio::select! {
                Some(_) = waiting.join_next() => continue,
                datagram = endpoint.recv(), if waiting.len() < MAX_WAITING => datagram,
            };
            let Ok(datagram) = datagram else {
                tokio::time::sleep(RECOVERY).await;
                continue;
            };
            let reply = self.respond(&datagram.bytes, DnsTransport::Udp, datagram.at);
            let event = DnsEvent {
                at: datagram.at,
                answered_at: None,
                local: endpoint.local_addr(),
                peer: datagram.source,
                transport: DnsTransport::Udp,
                query: reply.query,
                asked: datagram.bytes,
                answered: reply.bytes,
            };
            let (delay, log) = (reply.delay, self.log.clone());
            if delay.is_zero() {
                answer_datagram(&endpoint, event, &log);
                continue;
            }
            let (clock, endpoint) = (self.clock, Arc::clone(&endpoint));
            waiting.spawn(async move {
                clock.sleep_until(event.at + delay).await;
                answer_datagram(&endpoint, event, &log);
            });
        }
    }

    async fn connections(self, mut listener: StreamListener) {
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = running.join_next() => {}
                accepted = listener.accept(), if running.len() < MAX_CONNECTIONS => match accepted {
                    Ok(Accepted::Connection(connection)) => {
                        running.spawn(self.clone().connection(connection));
                    }
                    // there is no handshake to fail
                    Ok(Accepted::Failed { .. }) => {}
                    Err(_) => tokio::time::sleep(RECOVERY).await,
                },
            }
        }
    }

    async fn connection(self, mut connection: StreamConnection) {
        let (local, peer) = (connection.local_addr(), connection.peer_addr());
        let mut framer = Framer::new();
        while let Ok(Ok(Some(segment))) = timeout(IDLE, connection.recv()).await {
            framer.push(&segment.bytes);
            while let Some(query) = framer.next_message() {
                let reply = self.respond(&query, DnsTransport::Tcp, segment.at);
                self.clock.sleep_until(segment.at + reply.delay).await;
                let mut event = DnsEvent {
                    at: segment.at,
                    answered_at: None,
                    local,
                    peer,
                    transport: DnsTransport::Tcp,
                    query: reply.query,
                    asked: query,
                    answered: reply.bytes,
                };
                let frame = event.answered.as_deref().and_then(framed);
                let mut alive = true;
                if let Some(frame) = frame {
                    match timeout(IDLE, connection.send(&frame)).await {
                        Ok(Ok(at)) => event.answered_at = Some(at),
                        _ => alive = false,
                    }
                }
                self.log.put(ServiceEvent::Dns(event));
                if !alive {
                    return;
                }
            }
        }
        connection.close().await;
    }
}

/// Hands the answer over, if there is one, and records both. A client that is gone is no event of its own.
fn answer_datagram(endpoint: &Endpoint, mut event: DnsEvent, log: &EventLog) {
    event.answered_at = event
        .answered
        .as_ref()
        .and_then(|bytes| endpoint.send(event.peer, bytes).ok());
    log.put(ServiceEvent::Dns(event));
}
