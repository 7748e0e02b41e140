//! The site on the network.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use voxproof_net::tls::{IdentityName, TlsInfo, certificate_identities};
use voxproof_net::{Accepted, Clock, Net, NetError, StreamConnection, StreamListener, StreamSecurity};

use super::response::Writing;
use super::site::refused;
use super::{HttpFault, HttpReply, HttpRequest, Parser, Progress, Requester, Site};
use crate::event::{ConnectionEvent, EventLog, HttpEvent, ServiceEvent};

const MAX_CONNECTIONS: usize = 256;
/// A connection on which nothing comes, or nothing can be sent, for so long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// How long a client is read on after the last response, so that it is not destroyed by a reset (RFC 9112 9.6).
const LINGER: Duration = Duration::from_secs(1);
/// After an error of the socket, so that one that stays does not keep a core busy.
const RECOVERY: Duration = Duration::from_millis(10);

/// An HTTP server on one port. Dropping it ends it.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    tasks: JoinSet<()>,
}

#[derive(Clone, Debug)]
struct Shared {
    clock: Clock,
    site: Arc<Mutex<Site>>,
    log: EventLog,
    transport: &'static str,
}

/// One connection's part of the events.
struct Client {
    local: SocketAddr,
    peer: SocketAddr,
    from: Requester,
    certificate: Option<String>,
}

/// Whether the connection goes on.
#[derive(PartialEq, Eq)]
enum Afterwards {
    GoOn,
    Close,
    Reset,
}

impl HttpServer {
    /// Serves a site on a port; port 0 picks a free one.
    pub(crate) async fn open(
        net: &Net,
        local: SocketAddr,
        security: StreamSecurity,
        site: Arc<Mutex<Site>>,
        log: EventLog,
    ) -> Result<Self, NetError> {
        let transport = match security {
            StreamSecurity::Plain => "TCP",
            StreamSecurity::Tls(_) => "TLS",
        };
        let listener = net.listen(local, security).await?;
        let address = listener.local_addr();
        let shared = Shared {
            clock: net.clock(),
            site,
            log,
            transport,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(shared.connections(listener));
        Ok(Self { address, tasks })
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; the port is free afterwards.
    pub(crate) async fn close(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Shared {
    /// A panic elsewhere leaves the site whole enough to answer from.
    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connections(self, mut listener: StreamListener) {
        let local = listener.local_addr();
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = running.join_next() => {}
                accepted = listener.accept(), if running.len() < MAX_CONNECTIONS => match accepted {
                    Ok(Accepted::Connection(connection)) => {
                        running.spawn(self.clone().connection(connection));
                    }
                    Ok(Accepted::Failed { peer, at, error, key_log, .. }) => {
                        self.tell(ConnectionEvent {
                            at,
                            transport: self.transport,
                            local,
                            peer,
                            state: "failed",
                            detail: error.to_string(),
                            key_log,
                        });
                    }
                    Err(_) => tokio::time::sleep(RECOVERY).await,
                },
            }
        }
    }

    fn tell(&self, event: ConnectionEvent) {
        self.log.put(ServiceEvent::Connection(event));
    }

    async fn connection(self, mut connection: StreamConnection) {
        let tls = connection.tls();
        let certificate = tls
            .and_then(|info| info.peer_certificates.first())
            .map(|certificate| subject(certificate));
        let client = Client {
            local: connection.local_addr(),
            peer: connection.peer_addr(),
            from: Requester {
                tls: tls.is_some(),
                certificate: certificate.is_some(),
            },
            certificate,
        };
        let mut event = ConnectionEvent {
            at: connection.established_at(),
            transport: self.transport,
            local: client.local,
            peer: client.peer,
            state: "opened by the device",
            detail: tls
                .map(|info| described(info, client.certificate.as_deref()))
                .unwrap_or_default(),
            key_log: tls.map(|info| info.key_log.clone()).unwrap_or_default(),
        };
        self.tell(event.clone());
        let (afterwards, reason) = self.serve(&mut connection, &client).await;
        event.at = self.clock.now();
        event.state = "closed";
        event.detail = reason;
        event.key_log.clear();
        self.tell(event);
        match afterwards {
            Afterwards::Reset => connection.reset(),
            _ => farewell(connection).await,
        }
    }

    /// Requests until the connection ends; how, and why.
    async fn serve(&self, connection: &mut StreamConnection, client: &Client) -> (Afterwards, String) {
        let mut parser = Parser::new();
        let mut at = connection.established_at();
        loop {
            let afterwards = match parser.progress() {
                Ok(Progress::More) => match timeout(IDLE, connection.recv()).await {
                    Ok(Ok(Some(segment))) => {
                        at = segment.at;
                        parser.push(&segment.bytes);
                        Afterwards::GoOn
                    }
                    Ok(Ok(None)) => return (Afterwards::Close, "by the device".to_owned()),
                    Ok(Err(error)) => return (Afterwards::Close, error.to_string()),
                    Err(_) if parser.is_inside() => {
                        let reply = refused(408, "the request did not end");
                        self.answer(connection, client, (None, self.clock.now()), reply)
                            .await;
                        return (Afterwards::Close, "the request did not end".to_owned());
                    }
                    Err(_) => return (Afterwards::Close, "idle".to_owned()),
                },
                Ok(Progress::Continue) => {
                    match timeout(IDLE, connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")).await {
                        Ok(Ok(_)) => Afterwards::GoOn,
                        _ => Afterwards::Close,
                    }
                }
                Ok(Progress::Request(request)) => {
                    let reply = self.site().respond(&request, client.from, at);
                    self.answer(connection, client, (Some(request), at), reply).await
                }
                Err(error) => {
                    let reply = refused(error.status(), &error.to_string());
                    self.answer(connection, client, (None, at), reply).await;
                    return (Afterwards::Close, error.to_string());
                }
            };
            if afterwards != Afterwards::GoOn {
                return (afterwards, "by the lab".to_owned());
            }
        }
    }

    /// Sends the response, as far as there is to be one, and records both.
    async fn answer(
        &self,
        connection: &mut StreamConnection,
        client: &Client,
        (request, at): (Option<HttpRequest>, Duration),
        reply: HttpReply,
    ) -> Afterwards {
        self.clock.sleep_until(at + reply.delay).await;
        let keeps_alive = request.as_ref().is_some_and(HttpRequest::keeps_alive);
        let whole = reply.fault == HttpFault::None;
        let writing = Writing {
            unix: self.clock.unix_epoch() + self.clock.now(),
            head_only: request.as_ref().is_some_and(|request| request.method == "HEAD"),
            keep_alive: keeps_alive && whole,
        };
        let (mut octets, head) = reply.response.write(writing);
        let mut afterwards = match reply.fault {
            HttpFault::None if keeps_alive => Afterwards::GoOn,
            HttpFault::None | HttpFault::Close => Afterwards::Close,
            HttpFault::Reset => Afterwards::Reset,
            HttpFault::Silent => Afterwards::GoOn,
            HttpFault::Truncate => {
                octets.truncate(head + (octets.len() - head) / 2);
                Afterwards::Close
            }
        };
        let mut answered_at = None;
        if matches!(reply.fault, HttpFault::None | HttpFault::Truncate) {
            match timeout(IDLE, connection.send(&octets)).await {
                Ok(Ok(at)) => answered_at = Some(at),
                _ => afterwards = Afterwards::Close,
            }
        }
        self.log.put(ServiceEvent::Http(HttpEvent {
            at,
            answered_at,
            local: client.local,
            peer: client.peer,
            tls: client.from.tls,
            client_certificate: client.certificate.clone(),
            request,
            treatment: reply.treatment,
        }));
        afterwards
    }
}

async fn farewell(connection: StreamConnection) {
    let (mut reader, writer) = connection.split();
    let rest = async {
        writer.close().await;
        while let Ok(Some(_)) = reader.recv().await {}
    };
    // a client that goes on sending is cut off
    let _ = timeout(LINGER, rest).await;
}

/// The names of a certificate, the common name first.
fn subject(certificate: &[u8]) -> String {
    let mut names = certificate_identities(certificate);
    names.sort_by_key(|name| !matches!(name, IdentityName::CommonName(_)));
    let names: Vec<_> = names
        .iter()
        .map(|name| match name {
            IdentityName::CommonName(name) => format!("CN={name}"),
            IdentityName::Dns(name) => format!("DNS:{name}"),
            IdentityName::Ip(ip) => format!("IP:{ip}"),
            IdentityName::Uri(uri) => format!("URI:{uri}"),
        })
        .collect();
    names.join(", ")
}

fn described(info: &TlsInfo, certificate: Option<&str>) -> String {
    let version = info
        .version
        .map_or_else(|| "TLS".to_owned(), |version| version.to_string());
    let mut text = format!("{version}, {}", info.cipher_suite);
    if let Some(sni) = &info.sni {
        text.push_str(&format!(", server name {sni}"));
    }
    match certificate {
        Some(names) => text.push_str(&format!(", client certificate {names}")),
        None => text.push_str(", no client certificate"),
    }
    text
}
