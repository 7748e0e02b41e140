//! The phone's task: datagrams, commands and time come in, each is worked off before the next.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use voxproof_net::{Clock, Endpoint, Net};
use voxproof_sip::{
    Builder, Dialog, Hop, IdSource, Message, Timers, TransactionEvent, TransactionId, Transactions,
    Transport, Uri,
};
use voxproof_srtp::dtls::Certificate;

use crate::authentication::{Authentication, realms, with_credentials};
use crate::call::{Acknowledgement, Call, CallKey, OpenMedia, Stage};
use crate::handle::{Action, CallState, Command, LastMedia, PhoneError};
use crate::keys::Protection;
use crate::lookup::servers;
use crate::messages::{Inbox, package};
use crate::register::Registration;
use crate::session::{Capabilities, Session};
use crate::streams::{StreamEvent, Streams};
use crate::subscribe::{WatchKey, Watches};
use crate::wire::{Arrival, Wire};
use crate::{CheckSync, Fault, MediaSecurity, SimPhoneConfig};

/// A longer request goes over a connection (RFC 3261 18.1.1, for a path whose MTU is not known).
const LONGEST_DATAGRAM: usize = 1300;

/// The longest datagram that a phone with a short buffer reads.
const SHORT_BUFFER: usize = 2500;

/// How long [`crate::SimPhone::stop`] waits for the server.
const STOP_PATIENCE: Duration = Duration::from_secs(4);

/// What the phone says it is.
pub(crate) const USER_AGENT: &str = concat!("voxproof-simphone/", env!("CARGO_PKG_VERSION"));

/// Everything the phone knows.
#[derive(Debug)]
pub(crate) struct Phone {
    pub(crate) net: Net,
    pub(crate) clock: Clock,
    pub(crate) endpoint: Endpoint,
    pub(crate) streams: Streams,
    pub(crate) config: SimPhoneConfig,
    pub(crate) contact: SocketAddr,
    pub(crate) ids: IdSource,
    pub(crate) timers: Timers,
    pub(crate) transactions: Transactions,
    pub(crate) requests: HashMap<TransactionId, ClientRequest>,
    pub(crate) authentication: Authentication,
    pub(crate) registration: Registration,
    pub(crate) calls: Vec<Call>,
    /// The ACKs of 2xx whose call was ended at once, with its Call-ID: they may be asked for again.
    pub(crate) ended_forks: VecDeque<(String, Acknowledgement)>,
    pub(crate) inbox: Inbox,
    pub(crate) watches: Watches,
    pub(crate) calls_made: u64,
    pub(crate) last: LastMedia,
    /// Media that a fault keeps alive after its call, and until when.
    pub(crate) afterglow: Vec<(Duration, OpenMedia)>,
    pub(crate) loopback: bool,
    pub(crate) dies_at: Option<Duration>,
    /// Its connection to the server has been lost.
    pub(crate) flow_lost: bool,
    /// Sessions in which its server gives orders.
    pub(crate) csta: Vec<Dialog>,
    /// It has been told to begin anew.
    pub(crate) restarting: bool,
    auto_answer: Option<Duration>,
    /// For DTLS-SRTP, of this phone alone (RFC 5763 5).
    certificate: Option<Certificate>,
    wire: Wire,
    stopping: Option<Stopping>,
    /// What the lookup has found, the one in use first.
    servers: VecDeque<SocketAddr>,
    /// How many of them a failed registration may still go to.
    untried: usize,
}

#[derive(Debug)]
struct Stopping {
    deadline: Duration,
    reply: Option<oneshot::Sender<Result<(), PhoneError>>>,
}

/// A request of ours and what it is for.
#[derive(Debug, Clone)]
pub(crate) struct ClientRequest {
    pub(crate) purpose: Purpose,
    pub(crate) message: Message,
    pub(crate) destination: Hop,
    /// The realms whose challenges it has answered.
    pub(crate) answered: Vec<String>,
}

/// What a request of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Register,
    Invite(CallKey),
    Change(CallKey),
    Bye,
    Cancel,
    Refer(CallKey),
    Notify(CallKey),
    Info(CallKey),
    Prack(CallKey),
    Refresh(CallKey),
    Subscribe(WatchKey),
    Publish,
}

impl Phone {
    pub(crate) fn new(
        net: Net,
        endpoint: Endpoint,
        streams: Streams,
        config: SimPhoneConfig,
        last: LastMedia,
    ) -> Self {
        let contact = endpoint.local_addr();
        let mut ids = IdSource::new(seed(&config, contact));
        Self {
            clock: net.clock(),
            contact,
            timers: Timers::default(),
            transactions: Transactions::new(transaction_timers(&config)),
            requests: HashMap::new(),
            authentication: Authentication::new(&config.username, &config.password, &config.faults),
            registration: Registration::new(&config, contact, &mut ids),
            calls: Vec::new(),
            ended_forks: VecDeque::new(),
            inbox: Inbox::default(),
            watches: Watches::default(),
            calls_made: 0,
            last,
            afterglow: Vec::new(),
            loopback: false,
            dies_at: None,
            flow_lost: false,
            csta: Vec::new(),
            restarting: false,
            auto_answer: config.auto_answer,
            wire: Wire::new(&config.faults),
            stopping: None,
            servers: VecDeque::new(),
            untried: 0,
            certificate: certificate(&config, contact),
            ids,
            net,
            endpoint,
            streams,
            config,
        }
    }

    pub(crate) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        self.provision().await;
        self.locate().await;
        self.register(self.clock.now());
        loop {
            self.work_off(self.clock.now());
            if std::mem::take(&mut self.restarting) {
                self.provision().await;
                self.locate().await;
                self.register(self.clock.now());
                continue;
            }
            if self.is_finished(self.clock.now()) {
                break;
            }
            let deadline = self.deadline();
            tokio::select! {
                // always in this order, so that a run in virtual time takes the same steps
                biased;
                datagram = self.endpoint.recv() => match datagram {
                    Ok(datagram) if datagram.bytes.len() > SHORT_BUFFER && self.has(Fault::LongDatagramLost) => {}
                    Ok(datagram) => self.arrived(datagram.at, &datagram.bytes, Hop::from(datagram.source)),
                    // what the kernel reports here is gone with the report; the pause keeps a broken socket from
                    // taking all the time
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(event) = self.streams.next() => self.on_stream(event),
                command = commands.recv() => match command {
                    Some(command) => self.command(self.clock.now(), command),
                    None => break,
                },
                () = self.clock.sleep_until(deadline) => self.due(self.clock.now()),
            }
        }
        let reply = self.stopping.take().and_then(|stopping| stopping.reply);
        // whoever waits for the end finds the ports free
        drop(self);
        if let Some(reply) = reply {
            let _ = reply.send(Ok(()));
        }
    }

    /// Whether the phone has a fault.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.config.faults.contains(&fault)
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        Capabilities {
            codecs: self.config.codecs.clone(),
            ptime: self.config.ptime.clamp(10, 60) / 10 * 10,
            protection: Protection {
                security: self.config.media_security,
                certificate: self.certificate.clone(),
                passive: self.config.dtls_passive,
            },
            rtcp_mux: self.shares_rtcp_port(),
            extended_reports: self.config.extended_reports,
            comfort_noise: self.config.comfort_noise,
            faults: self.config.faults.clone(),
        }
    }

    /// Whether RTCP may come on the RTP port. A handshake gives the keys of one port, so its calls have no other.
    pub(crate) fn shares_rtcp_port(&self) -> bool {
        self.config.rtcp_mux || self.config.media_security == MediaSecurity::Dtls
    }

    pub(crate) fn auto_answer(&self) -> Option<Duration> {
        self.auto_answer
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    pub(crate) fn call(&self, key: CallKey) -> Option<&Call> {
        self.calls.iter().find(|call| call.key == key)
    }

    pub(crate) fn call_mut(&mut self, key: CallKey) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.key == key)
    }

    /// The newest call the user can do something with.
    pub(crate) fn current(&self) -> Option<&Call> {
        self.calls.iter().rev().find(|call| call.is_active())
    }

    /// The newest call that is up.
    pub(crate) fn established(&self) -> Result<CallKey, PhoneError> {
        let up = self
            .calls
            .iter()
            .rev()
            .find(|call| call.stage == Stage::Established);
        up.map(|call| call.key).ok_or(PhoneError::NotEstablished)
    }

    pub(crate) fn new_call(&mut self, stage: Stage) -> Call {
        self.calls_made += 1;
        Call::new(CallKey(self.calls_made), stage)
    }

    /// Sends a request in a transaction of its own.
    pub(crate) fn request(
        &mut self,
        now: Duration,
        bytes: Vec<u8>,
        destination: Hop,
        purpose: Purpose,
        answered: Vec<String>,
    ) -> TransactionId {
        let (bytes, destination) = self.fitting(bytes, destination);
        let message = Message::parse(&bytes);
        let id = self.transactions.request(now, bytes, destination);
        self.requests.insert(
            id,
            ClientRequest {
                purpose,
                message,
                destination,
                answered,
            },
        );
        id
    }

    /// A request that is too long for a datagram goes over a connection, and its Via says so (RFC 3261 18.1.1).
    pub(crate) fn fitting(&self, bytes: Vec<u8>, destination: Hop) -> (Vec<u8>, Hop) {
        const DATAGRAM: &[u8] = b"Via: SIP/2.0/UDP ";
        const CONNECTION: &[u8] = b"Via: SIP/2.0/TCP ";
        let fits = destination.transport != Transport::Udp || bytes.len() <= LONGEST_DATAGRAM;
        if fits || self.has(Fault::LongRequestsOverUdp) {
            return (bytes, destination);
        }
        let Some(via) = bytes
            .windows(DATAGRAM.len())
            .position(|window| window == DATAGRAM)
        else {
            return (bytes, destination);
        };
        let mut bytes = bytes;
        bytes.splice(via..via + DATAGRAM.len(), CONNECTION.iter().copied());
        (bytes, Hop::new(Transport::Tcp, destination.address))
    }

    /// Sends a request in the dialog of a call. `None` when it has none.
    pub(crate) fn request_in_dialog(
        &mut self,
        now: Duration,
        key: CallKey,
        method: &str,
        purpose: Purpose,
        finish: impl FnOnce(Builder) -> Builder,
    ) -> Option<TransactionId> {
        let call = self.calls.iter_mut().find(|call| call.key == key)?;
        let dialog = call.dialog.as_mut()?;
        let builder = dialog
            .request(method, &mut self.ids)
            .header("User-Agent", USER_AGENT);
        let next_hop = dialog.next_hop();
        let bytes = finish(builder).build();
        let destination = self.resolve(&next_hop);
        Some(self.request(now, bytes, destination, purpose, Vec::new()))
    }

    /// Sends the request of a transaction again with credentials. `None` when that makes no sense.
    pub(crate) fn authenticate(
        &mut self,
        now: Duration,
        id: TransactionId,
        refusal: &Message,
    ) -> Option<TransactionId> {
        let request = self.requests.get(&id)?.clone();
        let answers =
            self.authentication
                .answer(&request.message, refusal, &request.answered, &mut self.ids)?;
        let dialog = match request.purpose {
            Purpose::Invite(_) => None,
            Purpose::Subscribe(key) => self.watches.dialog_of(key),
            _ => self
                .calls
                .iter_mut()
                .find_map(|call| call.own_dialog_of(&request.message)),
        };
        let cseq = match dialog {
            Some(dialog) => {
                dialog.local_cseq += 1;
                dialog.local_cseq
            }
            None => request.message.cseq()?.number + 1,
        };
        let bytes = with_credentials(&request.message, cseq, &self.ids.branch(), &answers);
        self.requests.remove(&id);
        Some(self.request(
            now,
            bytes,
            request.destination,
            request.purpose,
            realms(&request.answered, &answers),
        ))
    }

    /// Answers a request, with a new To tag where it has none.
    pub(crate) fn respond(
        &mut self,
        now: Duration,
        id: TransactionId,
        request: &Message,
        status: u16,
        finish: impl FnOnce(Builder) -> Builder,
    ) {
        let tag = self.ids.tag();
        self.respond_tagged(now, id, request, status, &tag, finish);
    }

    /// Answers a request with this To tag where it has none, and returns what was given to the transaction layer.
    pub(crate) fn respond_tagged(
        &mut self,
        now: Duration,
        id: TransactionId,
        request: &Message,
        status: u16,
        tag: &str,
        finish: impl FnOnce(Builder) -> Builder,
    ) -> Vec<u8> {
        let builder = Builder::response_to(request, status, voxproof_sip::default_reason(status));
        let bytes = finish(builder.to_tag(tag).header("User-Agent", USER_AGENT)).build();
        self.transactions.respond(now, id, bytes.clone());
        bytes
    }

    /// The address a URI leads to. The phone asks no name server: names are its outbound proxy's business.
    pub(crate) fn resolve(&self, uri: &str) -> Hop {
        let found = Uri::parse(uri).ok().and_then(|uri| {
            let said = uri.params.value("transport").and_then(|name| name.parse().ok());
            // the phone has connections of its own kind only; where nothing is said it stays with that kind
            let transport = said
                .filter(|said| *said == Transport::Udp)
                .unwrap_or(self.config.transport);
            let port = uri.port.unwrap_or_else(|| transport.default_port());
            Some(Hop::new(transport, SocketAddr::new(uri.host.parse().ok()?, port)))
        });
        found.unwrap_or_else(|| self.server_hop())
    }

    /// The way of requests outside dialogs: the routes the registrar has prescribed (RFC 3608 5), else the server.
    pub(crate) fn way_out(&self) -> (Vec<String>, Hop) {
        let routes = self.registration.service_route();
        match routes.first() {
            Some(first) if !self.has(Fault::ServiceRouteIgnored) => {
                let uri = first
                    .trim_start_matches('<')
                    .split('>')
                    .next()
                    .unwrap_or_default();
                (routes.to_vec(), self.resolve(uri))
            }
            _ => (Vec::new(), self.server_hop()),
        }
    }

    /// The server, over the transport of the configuration.
    pub(crate) fn server_hop(&self) -> Hop {
        Hop::new(self.config.transport, self.server())
    }

    /// The server that was found by its name, else the one of the configuration.
    fn server(&self) -> SocketAddr {
        self.servers.front().copied().unwrap_or(self.config.server)
    }

    /// Asks where the server is.
    async fn locate(&mut self) {
        let Some(lookup) = self.config.lookup.clone() else {
            return;
        };
        let way = (self.config.local, self.config.transport);
        let wrong_order = self.has(Fault::SrvOrderIgnored);
        let found = servers(
            &self.net,
            lookup.name_server,
            &lookup.domain,
            way,
            wrong_order,
            &mut self.ids,
        )
        .await;
        self.untried = found.len().saturating_sub(1);
        self.servers = found.into();
    }

    /// Registers at the next server when one has failed (RFC 3263 4.3). `false` when all have.
    pub(crate) fn fail_over(&mut self, now: Duration) -> bool {
        if self.servers.len() < 2 || self.has(Fault::NoFailover) {
            return false;
        }
        self.servers.rotate_left(1);
        if self.untried == 0 {
            // from the first one again, after a pause
            self.untried = self.servers.len() - 1;
            return false;
        }
        self.untried -= 1;
        self.register(now);
        true
    }

    /// The phone's Contact.
    pub(crate) fn contact_header(&self) -> String {
        let transport = match self.config.transport {
            Transport::Udp => String::new(),
            other => format!(";transport={}", other.parameter()),
        };
        format!("<sip:{}@{}{transport}>", self.config.username, self.contact)
    }

    /// The phone's address of record.
    pub(crate) fn address_of_record(&self) -> String {
        format!("sip:{}@{}", self.config.username, self.config.server)
    }

    /// A Via with a new branch; rport, because answers shall find their way back through anything (RFC 3581).
    pub(crate) fn via(&mut self) -> String {
        let transport = self.config.transport.via_token();
        let rport = if self.has(Fault::NoRport) { "" } else { ";rport" };
        format!(
            "SIP/2.0/{transport} {};branch={}{rport}",
            self.contact,
            self.ids.branch()
        )
    }

    fn on_stream(&mut self, event: StreamEvent) {
        match event {
            StreamEvent::Message { at, bytes, source } => {
                self.alive(source.address);
                self.arrived(at, &bytes, source);
            }
            StreamEvent::Alive(peer) => self.alive(peer),
            StreamEvent::Accepted(transport, connection) => self.streams.adopt(transport, *connection),
            StreamEvent::Configuration(text) => self.on_configuration(self.clock.now(), &text),
            StreamEvent::Closed { peer, number } => {
                let lost = self.streams.forget(peer, number);
                // RFC 5626 4.5: without its flow nobody reaches the phone
                let flow = self.config.transport != Transport::Udp && peer == self.server();
                self.flow_lost |= lost && flow;
                if lost && flow && !self.is_stopping() && !self.has(Fault::NoReconnect) {
                    self.registration.reconnect(self.clock.now());
                }
            }
        }
    }

    fn alive(&mut self, peer: SocketAddr) {
        if peer == self.server() {
            self.registration.server_alive();
        }
    }

    /// Whether this is an order to fetch the configuration that did not come from the phone's server, and is taken
    /// from nobody else.
    fn is_strangers_order(&self, message: &Message, source: Hop) -> bool {
        self.config.check_sync == CheckSync::FromServer
            && message.method() == Some("NOTIFY")
            && package(message) == "check-sync"
            && !self.is_server(source)
    }

    /// Whether this is a call that did not come through the phone's server, and its user wants none of that kind.
    fn is_strangers_call(&self, message: &Message, source: Hop) -> bool {
        self.config.server_only
            && message.method() == Some("INVITE")
            && !self.is_server(source)
            && !self.has(Fault::StrangerRings)
    }

    fn is_server(&self, source: Hop) -> bool {
        let server = self.config.server;
        // a connection that the server makes comes from any port of it
        source.address == server || (source.transport != Transport::Udp && source.address.ip() == server.ip())
    }

    fn arrived(&mut self, at: Duration, bytes: &[u8], source: Hop) {
        let unasked = self
            .has(Fault::RportIgnored)
            .then(|| String::from_utf8_lossy(bytes).replacen(";rport\r\n", "\r\n", 1));
        let bytes = unasked.as_deref().map_or(bytes, str::as_bytes);
        let message = Message::parse(bytes);
        if self.is_strangers_call(&message, source) {
            let refusal = Builder::response_to(&message, 403, voxproof_sip::default_reason(403))
                .to_tag(&self.ids.tag())
                .build();
            return self.transactions.send(refusal, source);
        }
        match self.wire.arriving(&message, &mut self.ids) {
            Arrival::Pass => self.transactions.receive(at, bytes, source),
            Arrival::Drop => {}
            Arrival::Answer(bytes) => self.transactions.send(bytes, source),
        }
    }

    /// Works off the transaction layer's events and sends what there is to send.
    fn work_off(&mut self, now: Duration) {
        loop {
            while let Some(transmit) = self.transactions.poll_transmit() {
                if self.wire.departs(&transmit.bytes) {
                    let address = transmit.destination.address;
                    if transmit.destination.transport == Transport::Udp {
                        // a datagram that cannot be sent is like one that is lost: the timers deal with it
                        let _ = self.endpoint.send(address, &transmit.bytes);
                    } else {
                        self.streams.send(address, transmit.bytes);
                    }
                }
            }
            match self.transactions.poll_event() {
                Some(event) => self.event(now, event),
                None => return,
            }
        }
    }

    fn event(&mut self, now: Duration, event: TransactionEvent) {
        match event {
            TransactionEvent::Request { id, message, source }
                if self.is_strangers_order(&message, source)
                    || (self.is_order(&message) && !self.is_server(source)) =>
            {
                self.respond(now, id, &message, 403, |builder| builder);
            }
            TransactionEvent::Request { id, message, .. } => self.on_request(now, id, &message),
            TransactionEvent::Ack {
                message, id: None, ..
            } => self.on_ack(now, &message),
            TransactionEvent::Response { id, message, .. } => self.on_response(now, id, &message),
            TransactionEvent::Timeout { id } => self.on_timeout(now, id),
            TransactionEvent::Terminated { id } => {
                self.requests.remove(&id);
            }
            TransactionEvent::Ack { .. } | TransactionEvent::Stray { .. } => {}
        }
    }

    fn on_response(&mut self, now: Duration, id: TransactionId, message: &Message) {
        let (Some(request), Some(status)) = (self.requests.get(&id), message.status()) else {
            return;
        };
        let purpose = request.purpose;
        match purpose {
            Purpose::Register => return self.on_register_response(now, id, message),
            Purpose::Invite(key) => return self.on_invite_response(now, key, id, message),
            Purpose::Change(key) => return self.on_change_response(now, key, id, message),
            _ => {}
        }
        if status < 200 || (matches!(status, 401 | 407) && self.authenticate(now, id, message).is_some()) {
            return;
        }
        let sent = self.requests.remove(&id).map(|request| request.message);
        match purpose {
            Purpose::Subscribe(key) => {
                if let Some(sent) = sent {
                    self.on_subscribe_response(now, key, &sent, message);
                }
            }
            Purpose::Refer(key) => self.on_refer_response(now, key, status, Some(message)),
            Purpose::Notify(key) if matches!(status, 408 | 481) => self.end_referral(key),
            Purpose::Refresh(key) => self.on_refresh_response(now, key, message),
            _ => {}
        }
    }

    fn on_timeout(&mut self, now: Duration, id: TransactionId) {
        let Some(request) = self.requests.remove(&id) else {
            return;
        };
        match request.purpose {
            Purpose::Register => self.on_register_timeout(now),
            Purpose::Invite(key) => self.on_call_failed(now, key, 408, "Request Timeout"),
            Purpose::Change(key) => self.on_change_timeout(now, key),
            Purpose::Refer(key) => self.on_refer_response(now, key, 408, None),
            Purpose::Notify(key) => self.end_referral(key),
            Purpose::Refresh(key) => self.send_bye(now, key),
            Purpose::Subscribe(key) => self.on_subscribe_timeout(now, key),
            Purpose::Bye | Purpose::Cancel | Purpose::Info(_) | Purpose::Prack(_) | Purpose::Publish => {}
        }
    }

    fn command(&mut self, now: Duration, command: Command) {
        match command {
            Command::Act(Action::Stop, reply) => self.stop(now, reply),
            // whoever asked may have stopped waiting for the answer
            Command::Act(action, reply) => drop(reply.send(self.act(now, action))),
            Command::Registered(reply) => drop(reply.send(self.registration.is_bound(now))),
            Command::State(reply) => drop(reply.send(self.state())),
            Command::Inbox(reply) => drop(reply.send(self.inbox_contents())),
        }
    }

    pub(crate) fn act(&mut self, now: Duration, action: Action) -> Result<(), PhoneError> {
        match action {
            Action::Dial(uri, options) => self.dial(now, &uri, options),
            Action::Answer => self.user_answers(now),
            Action::Reject => self.user_rejects(now),
            Action::Hangup => self.user_hangs_up(now),
            Action::Hold => self.user_changes(now, true),
            Action::Resume => self.user_changes(now, false),
            Action::Dtmf(digits) => self.user_presses(&digits),
            Action::DtmfByInfo(digits) => self.user_presses_by_info(now, &digits),
            Action::Transfer(uri, subscription) => self.user_transfers(now, &uri, subscription),
            Action::CompleteTransfer => self.user_completes_transfer(now),
            Action::SetAutoAnswer(after) => {
                self.auto_answer = after;
                Ok(())
            }
            Action::SetLoopback(on) => {
                self.loopback = on;
                for media in self.calls.iter().filter_map(|call| call.media.as_ref()) {
                    crate::media::lock(&media.media).set_loopback(on);
                }
                Ok(())
            }
            Action::Reregister => self.user_reregisters(now),
            // taken care of by the caller, which has the reply
            Action::Stop => Err(PhoneError::Stopped),
        }
    }

    fn stop(&mut self, now: Duration, reply: oneshot::Sender<Result<(), PhoneError>>) {
        if self.stopping.is_some() {
            let _ = reply.send(Err(PhoneError::Stopped));
            return;
        }
        self.stopping = Some(Stopping {
            deadline: now + STOP_PATIENCE,
            reply: Some(reply),
        });
        for key in self
            .calls
            .iter()
            .filter(|call| call.is_active())
            .map(|call| call.key)
            .collect::<Vec<_>>()
        {
            self.hang_up(now, key, 480);
        }
        self.unsubscribe_all(now);
        if !self.has(Fault::NoUnregister) {
            self.unregister(now);
        }
    }

    fn state(&self) -> CallState {
        match self.current() {
            None => CallState::Idle,
            Some(call) => match call.stage {
                Stage::Ringing => CallState::Ringing,
                Stage::Dialing => CallState::Dialing,
                _ if call.held => CallState::Held,
                _ if call.session.as_ref().is_some_and(Session::is_held_by_peer) => CallState::HeldByPeer,
                _ => CallState::Established,
            },
        }
    }

    /// Whether the task is over: dead by its fault, or stopped with everything said.
    fn is_finished(&self, now: Duration) -> bool {
        if self.dies_at.is_some_and(|at| at <= now) {
            return true;
        }
        let Some(stopping) = &self.stopping else {
            return false;
        };
        let talking = self.requests.values().any(|request| {
            matches!(
                request.purpose,
                Purpose::Register | Purpose::Bye | Purpose::Cancel | Purpose::Subscribe(_) | Purpose::Publish
            )
        });
        let unfinished = self.calls.iter().any(|call| {
            call.stage == Stage::Cancelling || call.unacknowledged.as_ref().is_some_and(|ok| ok.hang_up)
        });
        stopping.deadline <= now || (!talking && !unfinished && self.afterglow.is_empty())
    }

    fn deadline(&self) -> Duration {
        let calls = self.calls.iter().filter_map(Call::deadline);
        let afterglow = self.afterglow.iter().map(|(until, _)| *until);
        let single = [
            self.transactions.poll_timeout(),
            self.registration.deadline(),
            self.registration.keep_alive_deadline(),
            self.watches.deadline(),
            self.dies_at,
            self.stopping.as_ref().map(|stopping| stopping.deadline),
        ];
        calls
            .chain(afterglow)
            .chain(single.into_iter().flatten())
            .min()
            .unwrap_or(Duration::MAX)
    }

    fn due(&mut self, now: Duration) {
        self.transactions.handle_timeout(now);
        self.registration_due(now);
        self.keep_alive_due(now);
        self.subscriptions_due(now);
        for key in self.calls.iter().map(|call| call.key).collect::<Vec<_>>() {
            self.received_call_due(now, key);
            self.reliable_due(now, key);
            self.acknowledgement_due(now, key);
            self.placed_call_due(now, key);
            self.change_due(now, key);
            self.session_timer_due(now, key);
        }
        self.afterglow_due(now);
    }
}

/// The timers of RFC 3261 17, or with the fault T2 so long that it never counts.
fn transaction_timers(config: &SimPhoneConfig) -> Timers {
    let timers = Timers::default();
    if config.faults.contains(&Fault::TimerEUncapped) {
        return Timers {
            t2: timers.t1 * 64,
            ..timers
        };
    }
    timers
}

/// Two phones with one seed must not make the same Call-IDs.
fn seed(config: &SimPhoneConfig, contact: SocketAddr) -> u64 {
    let place = contact.to_string();
    config
        .username
        .bytes()
        .chain(place.bytes())
        .fold(config.seed, |state, byte| {
            IdSource::new(state ^ u64::from(byte)).next_u64()
        })
}

/// The certificate of a phone that protects its media by handshakes.
fn certificate(config: &SimPhoneConfig, contact: SocketAddr) -> Option<Certificate> {
    if config.media_security != MediaSecurity::Dtls {
        return None;
    }
    let mut ids = IdSource::new(seed(config, contact) ^ 0xd715);
    // random bytes that are no private key are as good as never met, and then there are others
    std::iter::repeat_with(|| {
        let mut random = [0; 32];
        for chunk in random.chunks_exact_mut(8) {
            chunk.copy_from_slice(&ids.next_u64().to_be_bytes());
        }
        Certificate::self_signed("voxproof-simphone", &random).ok()
    })
    .take(4)
    .flatten()
    .next()
}
