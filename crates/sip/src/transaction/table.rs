//! All transactions of one user agent.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::client::{Client, Received};
use super::key::{ClientKey, ServerKey};
use super::server::{Acknowledged, Server};
use super::{Fired, Timers, TransactionEvent, TransactionId, Transmit};
use crate::hop::Hop;
use crate::message::Message;

#[derive(Debug)]
enum Transaction {
    Client(Box<Client>),
    Server(Box<Server>),
}

/// The transaction layer: takes messages and the time, gives datagrams, events and the next deadline.
///
/// After every call the user drains [`Transactions::poll_transmit`] and [`Transactions::poll_event`] and waits until
/// [`Transactions::poll_timeout`], then calls [`Transactions::handle_timeout`].
#[derive(Debug, Default)]
pub struct Transactions {
    timers: Timers,
    next: u64,
    table: BTreeMap<TransactionId, Transaction>,
    clients: HashMap<ClientKey, TransactionId>,
    servers: HashMap<ServerKey, TransactionId>,
    deadlines: BTreeSet<(Duration, TransactionId)>,
    due: HashMap<TransactionId, Duration>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<TransactionEvent>,
}

impl Transactions {
    /// An empty layer with these base intervals.
    pub fn new(timers: Timers) -> Self {
        Self {
            timers,
            ..Self::default()
        }
    }

    /// Sends a request and starts its client transaction; the branch is that of the top Via in `bytes`. An ACK is sent
    /// without a transaction: the identifier is then that of a terminated one.
    ///
    /// On a reliable transport timers A, E and G are not started and D, I, J and K are zero (RFC 3261 17).
    pub fn request(&mut self, now: Duration, bytes: Vec<u8>, destination: impl Into<Hop>) -> TransactionId {
        let destination = destination.into();
        let id = self.new_id();
        let request = Message::parse(&bytes);
        self.send(bytes, destination);
        if request.method() == Some("ACK") {
            return id;
        }
        let client = Client::new(now, &self.timers, request, destination);
        self.clients.insert(client.key.clone(), id);
        self.table.insert(id, Transaction::Client(Box::new(client)));
        self.reschedule(id);
        id
    }

    /// Sends a response in a server transaction. `received` and `rport` are written into its top Via when they are
    /// due. A 2xx to INVITE is sent once per call: repeating it is the user's job (RFC 3261 13.3.1.4). Ignored after a
    /// final response and for a transaction that is gone.
    pub fn respond(&mut self, now: Duration, id: TransactionId, bytes: Vec<u8>) {
        if let Some(Transaction::Server(server)) = self.table.get_mut(&id)
            && let Some(bytes) = server.respond(now, &self.timers, bytes)
        {
            self.transmits.push_back(Transmit {
                destination: server.destination(),
                bytes,
            });
            self.reschedule(id);
        }
    }

    /// Sends bytes as they are, outside any transaction (the ACK to a 2xx, deliberate junk).
    pub fn send(&mut self, bytes: Vec<u8>, destination: impl Into<Hop>) {
        let destination = destination.into();
        self.transmits.push_back(Transmit { destination, bytes });
    }

    /// Takes a datagram or one framed message. Keep-alives (only CR and LF, or empty) are swallowed.
    pub fn receive(&mut self, now: Duration, bytes: &[u8], source: impl Into<Hop>) {
        if bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
            self.receive_message(now, Message::parse(bytes), source);
        }
    }

    /// Takes a message that is parsed already.
    pub fn receive_message(&mut self, now: Duration, message: Message, source: impl Into<Hop>) {
        let source = source.into();
        if message.is_request() {
            self.receive_request(now, message, source);
        } else if message.is_response() {
            self.receive_response(now, message, source);
        } else {
            self.events.push_back(TransactionEvent::Stray { message, source });
        }
    }

    /// Whether the ACK to a non-2xx response is sent by the layer (it is, unless a test withholds it).
    pub fn set_auto_ack(&mut self, id: TransactionId, on: bool) {
        if let Some(Transaction::Client(client)) = self.table.get_mut(&id) {
            client.auto_ack = on;
        }
    }

    /// Forgets a transaction without an event; later messages that belong to it are new or stray.
    pub fn drop_transaction(&mut self, id: TransactionId) {
        match self.table.remove(&id) {
            Some(Transaction::Client(client)) if self.clients.get(&client.key) == Some(&id) => {
                self.clients.remove(&client.key);
            }
            Some(Transaction::Server(server)) => {
                self.servers.remove(&server.key);
            }
            _ => {}
        }
        self.reschedule(id);
    }

    /// When [`Transactions::handle_timeout`] is to be called next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Fires every timer that is due, in the order of their due times.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some((at, id)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            let fired = match self.table.get_mut(&id) {
                Some(Transaction::Client(client)) => match client.fire(now, &self.timers) {
                    Fired::Retransmit => {
                        let bytes = client.request.bytes().to_vec();
                        self.transmits.push_back(Transmit {
                            destination: client.destination,
                            bytes,
                        });
                        Fired::Nothing
                    }
                    fired => fired,
                },
                Some(Transaction::Server(server)) => match server.fire(now, &self.timers) {
                    Fired::Retransmit => {
                        if let Some(bytes) = server.repeated().map(<[u8]>::to_vec) {
                            self.transmits.push_back(Transmit {
                                destination: server.destination(),
                                bytes,
                            });
                        }
                        Fired::Nothing
                    }
                    fired => fired,
                },
                None => {
                    self.deadlines.remove(&(at, id));
                    continue;
                }
            };
            if matches!(fired, Fired::Timeout) {
                self.events.push_back(TransactionEvent::Timeout { id });
            }
            if matches!(fired, Fired::Timeout | Fired::Terminated) {
                self.events.push_back(TransactionEvent::Terminated { id });
                self.drop_transaction(id);
            }
            self.reschedule(id);
        }
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<TransactionEvent> {
        self.events.pop_front()
    }

    /// Where requests of a client transaction or responses of a server transaction go; `None` when it is gone.
    pub fn destination(&self, id: TransactionId) -> Option<Hop> {
        match self.table.get(&id)? {
            Transaction::Client(client) => Some(client.destination),
            Transaction::Server(server) => Some(server.destination()),
        }
    }

    /// The request that started the transaction; `None` when it is gone.
    pub fn request_of(&self, id: TransactionId) -> Option<&Message> {
        match self.table.get(&id)? {
            Transaction::Client(client) => Some(&client.request),
            Transaction::Server(server) => Some(&server.request),
        }
    }

    /// The INVITE server transaction a CANCEL is about (RFC 3261 9.2).
    pub fn cancelled_by(&self, cancel: &Message) -> Option<TransactionId> {
        let via = cancel.top_via()?;
        self.servers
            .get(&ServerKey::with_method(cancel, &via, "INVITE"))
            .copied()
    }

    fn receive_request(&mut self, now: Duration, message: Message, source: Hop) {
        let Some(via) = message.top_via() else {
            self.events.push_back(TransactionEvent::Stray { message, source });
            return;
        };
        let key = ServerKey::of(&message, &via);
        let known = self.servers.get(&key).copied();
        if message.method() == Some("ACK") {
            self.receive_ack(now, message, source, known);
            return;
        }
        if let Some(Transaction::Server(server)) = known.and_then(|id| self.table.get(&id)) {
            if let Some(bytes) = server.repeated().map(<[u8]>::to_vec) {
                self.transmits.push_back(Transmit {
                    destination: server.destination(),
                    bytes,
                });
            }
            return;
        }
        let id = self.new_id();
        let server = Server::new(key.clone(), message.clone(), via, source);
        self.servers.insert(key, id);
        self.table.insert(id, Transaction::Server(Box::new(server)));
        self.events
            .push_back(TransactionEvent::Request { id, message, source });
    }

    fn receive_ack(&mut self, now: Duration, message: Message, source: Hop, known: Option<TransactionId>) {
        let outcome = match known.and_then(|id| self.table.get_mut(&id)) {
            Some(Transaction::Server(server)) => server.ack(now, &self.timers),
            _ => Acknowledged::PassUp,
        };
        let id = match outcome {
            Acknowledged::Confirmed => known,
            Acknowledged::PassUp => None,
            Acknowledged::Absorb => return,
        };
        self.events
            .push_back(TransactionEvent::Ack { message, source, id });
        if let Some(id) = id {
            self.reschedule(id);
        }
    }

    fn receive_response(&mut self, now: Duration, message: Message, source: Hop) {
        let known = self.clients.get(&ClientKey::of(&message)).copied();
        let Some((id, Transaction::Client(client))) =
            known.and_then(|id| Some((id, self.table.get_mut(&id)?)))
        else {
            self.events.push_back(TransactionEvent::Stray { message, source });
            return;
        };
        let destination = client.destination;
        match client.response(now, &self.timers, &message) {
            Received::PassUp => self
                .events
                .push_back(TransactionEvent::Response { id, message, source }),
            Received::PassUpAndAck(bytes) => {
                self.transmits.push_back(Transmit { destination, bytes });
                self.events
                    .push_back(TransactionEvent::Response { id, message, source });
            }
            Received::AckAgain(bytes) => self.transmits.push_back(Transmit { destination, bytes }),
            Received::Absorb => {}
            Received::Stray => self.events.push_back(TransactionEvent::Stray { message, source }),
        }
        self.reschedule(id);
    }

    const fn new_id(&mut self) -> TransactionId {
        self.next += 1;
        TransactionId(self.next)
    }

    /// Brings the deadline index in line with the transaction.
    fn reschedule(&mut self, id: TransactionId) {
        let deadline = match self.table.get(&id) {
            Some(Transaction::Client(client)) => client.deadline(),
            Some(Transaction::Server(server)) => server.deadline(),
            None => None,
        };
        if let Some(old) = self.due.remove(&id) {
            self.deadlines.remove(&(old, id));
        }
        if let Some(at) = deadline {
            self.due.insert(id, at);
            self.deadlines.insert((at, id));
        }
    }
}
