//! What happened at the services, for evidence.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::dns::{DnsQuery, DnsTransport};
use crate::http::{HttpRequest, HttpTreatment};

/// More events than this that nobody asks for are counted, not kept.
const MAX_EVENTS: usize = 10_000;
/// The same for the octets in them.
const MAX_OCTETS: usize = 32 * 1024 * 1024;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceEvent {
    /// A DNS query.
    Dns(DnsEvent),
    /// An HTTP request.
    Http(HttpEvent),
    /// A connection to one of the services was opened, failed in its handshake, or was closed.
    Connection(ConnectionEvent),
    /// Events were lost because nobody asked for them in time.
    Lost {
        /// How many.
        count: u64,
    },
}

/// A DNS query and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsEvent {
    /// Lab time of arrival.
    pub at: Duration,
    /// Lab time at which the answer was handed over; none without one.
    pub answered_at: Option<Duration>,
    /// The server's address.
    pub local: SocketAddr,
    /// The client's address.
    pub peer: SocketAddr,
    /// How it came.
    pub transport: DnsTransport,
    /// What was asked and answered.
    pub query: DnsQuery,
    /// The query's bytes, without the length of TCP.
    pub asked: Vec<u8>,
    /// The answer's bytes.
    pub answered: Option<Vec<u8>>,
}

/// An HTTP request and its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpEvent {
    /// Lab time at which its last octet had arrived.
    pub at: Duration,
    /// Lab time at which the response was handed over; none without one.
    pub answered_at: Option<Duration>,
    /// The server's address.
    pub local: SocketAddr,
    /// The client's address.
    pub peer: SocketAddr,
    /// It came over TLS.
    pub tls: bool,
    /// The names in the client's certificate, the common name first. None when it presented none.
    pub client_certificate: Option<String>,
    /// The request. None when what came was not one.
    pub request: Option<HttpRequest>,
    /// What was made of it.
    pub treatment: HttpTreatment,
}

/// A change in the life of a connection. The fields are those of a connection in the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionEvent {
    /// Lab time.
    pub at: Duration,
    /// `TCP` or `TLS`.
    pub transport: &'static str,
    /// The server's address.
    pub local: SocketAddr,
    /// The client's address.
    pub peer: SocketAddr,
    /// `opened by the device`, `closed`, `failed`.
    pub state: &'static str,
    /// TLS version, cipher suite, server name and names of the client's certificate, or the reason of the failure.
    pub detail: String,
    /// Secrets in the format of NSS key logs.
    pub key_log: Vec<String>,
}

impl ServiceEvent {
    /// Lab time.
    pub fn at(&self) -> Option<Duration> {
        match self {
            Self::Dns(event) => Some(event.at),
            Self::Http(event) => Some(event.at),
            Self::Connection(event) => Some(event.at),
            Self::Lost { .. } => None,
        }
    }

    /// `dns`, `http`, or what else it is about.
    pub fn service(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Http(_) => "http",
            Self::Connection(_) => "connection",
            Self::Lost { .. } => "lost",
        }
    }

    /// What is told of it in words, for the timeline. Header fields that carry credentials are left out.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Dns(event) => event.fields(),
            Self::Http(event) => event.fields(),
            Self::Connection(event) => vec![
                ("transport", event.transport.to_owned()),
                ("local", event.local.to_string()),
                ("peer", event.peer.to_string()),
                ("state", event.state.to_owned()),
                ("detail", event.detail.clone()),
            ],
            Self::Lost { count } => vec![("count", count.to_string())],
        }
    }

    fn octets(&self) -> usize {
        match self {
            Self::Dns(event) => event.asked.len() + event.answered.as_ref().map_or(0, Vec::len),
            Self::Http(event) => event.request.as_ref().map_or(0, HttpRequest::octets),
            Self::Connection(_) | Self::Lost { .. } => 0,
        }
    }
}

impl DnsEvent {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let query = &self.query;
        let mut fields = vec![
            ("peer", self.peer.to_string()),
            ("transport", self.transport.to_string()),
            ("id", query.id.to_string()),
            ("name", query.name.clone()),
            ("type", query.kind.clone()),
            ("outcome", query.outcome.clone()),
            ("answers", query.answers.join("; ")),
        ];
        fields.extend(query.edns.map(|size| ("edns", size.to_string())));
        fields.extend(
            self.answered_at
                .map(|at| ("answered_at", at.as_nanos().to_string())),
        );
        fields
    }
}

impl HttpEvent {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("peer", self.peer.to_string()),
            ("scheme", if self.tls { "https" } else { "http" }.to_owned()),
            ("outcome", self.treatment.outcome.clone()),
        ];
        fields.extend(self.treatment.status.map(|status| ("status", status.to_string())));
        if self.treatment.authenticated {
            fields.push(("authenticated", "true".to_owned()));
        }
        if let Some(request) = &self.request {
            fields.push(("method", request.method.clone()));
            fields.push(("target", request.target.clone()));
            fields.push(("body_octets", request.body.len().to_string()));
            fields.extend(
                request
                    .header("User-Agent")
                    .map(|agent| ("user_agent", agent.to_owned())),
            );
            let told = request.headers.iter().filter(|(name, _)| {
                !name.eq_ignore_ascii_case("Authorization") && !name.eq_ignore_ascii_case("Cookie")
            });
            let headers: Vec<_> = told.map(|(name, value)| format!("{name}: {value}")).collect();
            fields.push(("headers", headers.join("\n")));
        }
        fields.extend(
            self.client_certificate
                .clone()
                .map(|names| ("client_certificate", names)),
        );
        fields.extend(
            self.answered_at
                .map(|at| ("answered_at", at.as_nanos().to_string())),
        );
        fields
    }
}

/// Where all tasks of the services put their events.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventLog(Arc<Log>);

#[derive(Debug, Default)]
struct Log {
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    events: Vec<ServiceEvent>,
    octets: usize,
    lost: u64,
}

impl EventLog {
    pub(crate) fn put(&self, event: ServiceEvent) {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let octets = queue.octets + event.octets();
        if queue.events.len() >= MAX_EVENTS || octets > MAX_OCTETS {
            queue.lost += 1;
        } else {
            queue.octets = octets;
            queue.events.push(event);
        }
        drop(queue);
        self.0.arrived.notify_one();
    }

    pub(crate) fn drain(&self) -> Vec<ServiceEvent> {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Queue { mut events, lost, .. } = std::mem::take(&mut *queue);
        if lost > 0 {
            events.push(ServiceEvent::Lost { count: lost });
        }
        events
    }

    pub(crate) async fn arrived(&self) {
        self.0.arrived.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted() {
        let log = EventLog::default();
        for count in 0..MAX_EVENTS as u64 + 7 {
            log.put(ServiceEvent::Lost { count });
        }
        let events = log.drain();
        assert_eq!(events.len(), MAX_EVENTS + 1);
        assert_eq!(events.last(), Some(&ServiceEvent::Lost { count: 7 }));
        assert!(log.drain().is_empty());
    }
}
