//! The station: socket, transactions, log, and the loop that lets time pass.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use voxproof_net::tls::TestAuthority;
use voxproof_net::{Clock, Net};
use voxproof_record::{CapturedPacket, PacketDirection, Timeline, TimelineEvent};
use voxproof_sip::{
    Hop, IdSource, Message, Timers, TransactionEvent, TransactionId, Transactions, Transport,
};

use crate::CallError;
use crate::authentication::Guard;
use crate::connections::{Change, TlsManner};
use crate::control::Control;
use crate::events::Notifier;
use crate::media::PeerMedia;
use crate::outgoing::Outgoing;
use crate::peer::Call;
use crate::registrar::{Binding, Registrar, RegistrarBehaviour};
use crate::repeat::Repeated;
use crate::script::Script;
use crate::tap::{Tap, carrier};
use crate::trap::{InTransit, Passage, Trap, TrapAction, Traps, Way};
use crate::wire::{Arrival, Incoming, Sent, Wire};

/// Where the lab listens and which account it gives to the device.
#[derive(Debug, Clone)]
pub struct StationConfig {
    /// Address of the server; port 0 takes a free one.
    pub server: SocketAddr,
    /// User part of the device's address of record.
    pub username: String,
    /// Password of the device's account.
    pub password: String,
    /// Realm of the challenges.
    pub realm: String,
    /// Where the device can be called when it does not register.
    pub device_address: Option<SocketAddr>,
    /// Seed of all identifiers and stream starts.
    pub seed: u64,
}

/// A SIP message of the case, in either direction.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Packet number in the capture, from 1.
    pub packet: u32,
    /// Time since the lab's epoch.
    pub at: Duration,
    /// From the device.
    pub from_device: bool,
    /// The message.
    pub message: Message,
}

/// The lab's end of the wire.
pub struct Station {
    pub(crate) net: Net,
    pub(crate) config: StationConfig,
    pub(crate) wire: Wire,
    pub(crate) transactions: Transactions,
    pub(crate) registrar: Registrar,
    pub(crate) ids: IdSource,
    pub(crate) tap: Tap,
    /// Running and ended calls of the case, latest last.
    pub(crate) calls: Vec<Call>,
    pub(crate) outgoing: BTreeMap<TransactionId, Outgoing>,
    pub(crate) log: Vec<Seen>,
    pub(crate) traps: Traps,
    pub(crate) scripts: Vec<Script>,
    pub(crate) notifiers: Vec<Notifier>,
    /// Orders to the device, latest last.
    pub(crate) controls: VecDeque<Control>,
    /// Where the device was when its binding was dropped: an order to restart still has to reach it.
    pub(crate) last_target: Option<(String, Hop)>,
    /// What the next INVITE of the device is held against.
    pub(crate) guards: Vec<Guard>,
    /// INVITE requests sent as bytes: nobody else answers for what becomes of them.
    pub(crate) raw_invites: Vec<(Message, Hop)>,
    pub(crate) credentials: Vec<(u32, bool)>,
    /// Whether pings on streams are answered.
    pub(crate) pongs: bool,
    pub(crate) loop_lag: Duration,
    pub(crate) media_lag: Duration,
    pub(crate) media_drops: u64,
    pub(crate) socket_drops_before: u64,
    pub(crate) began: Duration,
    timeline: Timeline,
}

impl Station {
    /// Binds the server's socket.
    pub async fn open(net: Net, config: StationConfig) -> Result<Self, CallError> {
        let wire = Wire::open(net.clone(), config.server, None).await?;
        let ids = IdSource::new(config.seed);
        let registrar = Registrar::new(&config.username, &config.password, &config.realm);
        let config = StationConfig {
            server: wire.server(),
            ..config
        };
        Ok(Self {
            net,
            config,
            wire,
            transactions: Transactions::new(Timers::default()),
            registrar,
            ids,
            tap: Tap::default(),
            calls: vec![],
            outgoing: BTreeMap::new(),
            log: vec![],
            traps: Traps::default(),
            scripts: vec![],
            notifiers: vec![],
            controls: VecDeque::new(),
            last_target: None,
            guards: vec![],
            raw_invites: vec![],
            credentials: vec![],
            pongs: true,
            loop_lag: Duration::ZERO,
            media_lag: Duration::ZERO,
            media_drops: 0,
            socket_drops_before: 0,
            began: Duration::ZERO,
            timeline: Timeline::default(),
        })
    }

    /// The server's address.
    pub fn server(&self) -> SocketAddr {
        self.config.server
    }

    /// The clock of all times.
    pub fn clock(&self) -> Clock {
        self.net.clock()
    }

    /// Time since the lab's epoch.
    pub fn now(&self) -> Duration {
        self.net.clock().now()
    }

    /// The address of record of an actor, for the device to call.
    pub fn uri_of(&self, actor: &str) -> String {
        format!("sip:{actor}@{}", self.config.server)
    }

    /// The contact of an actor, reached by the transport of a hop: not the address of record, so that a device that
    /// mixes the two up is seen.
    pub(crate) fn contact_of(&self, actor: &str, hop: Hop) -> String {
        let local = self.wire.local(hop.transport);
        match hop.transport {
            Transport::Udp => format!("sip:{actor}-contact@{local}"),
            transport => format!("sip:{actor}-contact@{local};transport={}", transport.parameter()),
        }
    }

    /// The device's binding, if it is registered now.
    pub fn binding(&self) -> Option<&Binding> {
        self.registrar.bound(self.now())
    }

    /// Drops the binding, so that a new registration can be waited for.
    pub fn forget_binding(&mut self) {
        self.last_target = self.device().ok().or_else(|| self.last_target.take());
        self.registrar.binding = None;
    }

    /// Sets how the registrar behaves from now on.
    pub fn set_registrar(&mut self, behaviour: RegistrarBehaviour) {
        self.registrar.behave(behaviour);
    }

    /// Request-URI of the device and the hop to it.
    pub(crate) fn device(&self) -> Result<(String, Hop), CallError> {
        if let Some(binding) = self.binding() {
            return Ok((binding.contact.clone(), binding.source));
        }
        let address = self.config.device_address.ok_or(CallError::DeviceUnknown)?;
        Ok((format!("sip:{}@{address}", self.config.username), address.into()))
    }

    /// The transport by which the device is reached now.
    pub fn transport(&self) -> Transport {
        self.device().map_or(Transport::Udp, |(_, hop)| hop.transport)
    }

    /// The messages of the case so far.
    pub fn log(&self) -> &[Seen] {
        &self.log
    }

    /// A message of the case by its packet number.
    pub fn seen(&self, packet: u32) -> Option<&Seen> {
        self.log.iter().find(|seen| seen.packet == packet)
    }

    /// Notes something on the timeline of the case, now.
    pub fn note(&mut self, event: TimelineEvent) {
        let now = self.now();
        self.note_at(now, event);
    }

    /// Notes something that happened at another moment.
    pub fn note_at(&mut self, at: Duration, event: TimelineEvent) {
        self.timeline.push(at, event);
    }

    pub(crate) fn take_timeline(&mut self) -> Timeline {
        std::mem::take(&mut self.timeline)
    }

    /// Lets time pass until `until`, or until `done` holds; returns whether it does.
    pub async fn pump(&mut self, until: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        loop {
            self.run_timers();
            if done(self) {
                return true;
            }
            let now = self.now();
            if now >= until {
                return false;
            }
            let wake = self
                .next_deadline()
                .map_or(until, |deadline| deadline.min(until))
                .max(now);
            let clock = self.net.clock();
            tokio::select! {
                biased;
                incoming = self.wire.next() => match incoming {
                    Incoming::Pieces(pieces) => {
                        for piece in pieces {
                            self.receive(piece);
                        }
                    }
                    Incoming::Changed(change) => self.note_change(change),
                    Incoming::Nothing => {}
                },
                () = clock.sleep_until(wake) => {
                    self.loop_lag = self.loop_lag.max(self.now().saturating_sub(wake));
                }
            }
        }
    }

    /// Lets this much time pass.
    pub async fn pass(&mut self, length: Duration) {
        let until = self.now() + length;
        self.pump(until, |_| false).await;
    }

    /// Lets time pass until `until`, or until something else has happened.
    pub async fn pump_until<F: Future>(&mut self, until: Duration, event: F) -> Option<F::Output> {
        let mut event = pin!(event);
        tokio::select! {
            biased;
            output = &mut event => Some(output),
            _ = self.pump(until, |_| false) => None,
        }
    }

    /// Lets time pass while something else (a device driver) is at work.
    pub async fn pump_while<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            let slice = self.now() + Duration::from_secs(3600);
            tokio::select! {
                biased;
                output = &mut work => return output,
                _ = self.pump(slice, |_| false) => {}
            }
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        let repeats = self
            .calls
            .iter()
            .filter_map(|call| call.repeat.as_ref().map(Repeated::deadline));
        self.transactions
            .poll_timeout()
            .into_iter()
            .chain(repeats)
            .chain(self.traps.deadline())
            .min()
    }

    fn run_timers(&mut self) {
        let now = self.now();
        if self
            .transactions
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            self.transactions.handle_timeout(now);
        }
        self.repeat_answers(now);
        for transit in self.traps.due(now) {
            self.proceed(transit);
        }
        self.settle();
    }

    fn receive(&mut self, arrival: Arrival) {
        let Arrival {
            at,
            local,
            source,
            dscp,
            bytes,
            message,
        } = arrival;
        let packet = self.tap.push(CapturedPacket {
            at,
            direction: PacketDirection::Inbound,
            carrier: carrier(source.transport),
            source: source.address,
            destination: local,
            dscp,
            payload: bytes,
        });
        let Some(bytes) = message else { return };
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            // a ping on a stream is answered by a single CRLF (RFC 5626 3.5.1)
            if self.pongs && source.transport.is_reliable() && bytes.len() >= 4 {
                self.keep_alive(source);
            }
            return;
        }
        let message = Message::parse(&bytes);
        let caught = self.caught(Way::FromDevice, source, &bytes, packet, &message);
        self.log.push(Seen {
            packet,
            at,
            from_device: true,
            message,
        });
        let times = match caught {
            Passage::Caught => 0,
            Passage::Free => 1,
            Passage::Twice => 2,
        };
        for _ in 0..times {
            let transit = InTransit {
                way: Way::FromDevice,
                hop: source,
                bytes: bytes.clone(),
                packet,
            };
            self.proceed(transit);
        }
    }

    fn keep_alive(&mut self, to: Hop) {
        const PONG: &[u8] = b"\r\n";
        if let Ok(sent) = self.wire.send(to, PONG) {
            self.tap.push(CapturedPacket {
                at: sent.at,
                direction: PacketDirection::Outbound,
                carrier: carrier(to.transport),
                source: sent.local,
                destination: to.address,
                dscp: None,
                payload: PONG.to_vec(),
            });
        }
    }

    pub(crate) fn note_change(&mut self, change: Change) {
        self.note(TimelineEvent::Connection {
            transport: change.transport.to_string(),
            local: change.local,
            remote: change.remote,
            state: change.state.to_owned(),
            detail: change.detail,
            key_log: change.key_log,
        });
    }

    /// Closes the connections that there are.
    pub fn close_connections(&mut self) {
        for change in self.wire.connections.close_all() {
            self.note_change(change);
        }
    }

    /// Answers pings on streams from now on, or leaves them without a pong for the rest of the case.
    pub const fn answer_pings(&mut self, on: bool) {
        self.pongs = on;
    }

    /// Whether the sequence numbers of what the device sends to the actor have started over in this call.
    pub fn rolled_over(&self, actor: &str) -> bool {
        self.calls
            .iter()
            .rev()
            .find(|call| call.actor == actor && call.media.is_some())
            .and_then(|call| call.media.as_ref())
            .is_some_and(PeerMedia::rolled_over)
    }

    /// Takes new connections from now on, or refuses them.
    pub async fn accept_connections(&mut self, on: bool) -> Result<(), CallError> {
        Ok(self.wire.connections.accept(on).await?)
    }

    /// Does TLS in this manner from now on.
    pub async fn set_tls(&mut self, manner: TlsManner) -> Result<(), CallError> {
        Ok(self.wire.connections.behave(manner).await?)
    }

    /// The lab's authority.
    pub fn authority(&self) -> &TestAuthority {
        self.wire.connections.authority()
    }

    /// Certificate of the lab's authority in PEM, for devices to trust.
    pub fn authority_pem(&self) -> String {
        self.wire.connections.authority().certificate_pem()
    }

    /// Where the lab is reached by a transport.
    pub fn address(&self, transport: Transport) -> SocketAddr {
        self.wire.local(transport)
    }

    /// Catches the next messages of a kind.
    pub fn set_trap(&mut self, trap: Trap) {
        self.traps.set(trap);
    }

    /// Lets the held messages go.
    pub fn release(&mut self) {
        for transit in self.traps.release() {
            self.proceed(transit);
        }
    }

    fn caught(&mut self, way: Way, hop: Hop, bytes: &[u8], packet: u32, message: &Message) -> Passage {
        if self.traps.is_idle() || self.is_control(message) {
            return Passage::Free;
        }
        let transit = InTransit {
            way,
            hop,
            bytes: bytes.to_vec(),
            packet,
        };
        let (passage, action) = self.traps.pass(self.net.clock().now(), transit, message);
        if let Some(action) = action {
            self.note(TimelineEvent::Intercepted {
                message: message.summary(),
                to_device: way == Way::ToDevice,
                packet: (packet != 0).then_some(packet),
                action: match action {
                    TrapAction::Drop => "dropped".to_owned(),
                    TrapAction::Hold => "held".to_owned(),
                    TrapAction::Duplicate => "doubled".to_owned(),
                    TrapAction::Delay(delay) => format!("delayed by {} ms", delay.as_millis()),
                },
            });
        }
        passage
    }

    /// A message goes on as if nothing had been in its way.
    fn proceed(&mut self, transit: InTransit) {
        match transit.way {
            Way::FromDevice => {
                let now = self.now();
                self.transactions.receive(now, &transit.bytes, transit.hop);
                self.settle_for(transit.packet);
            }
            Way::ToDevice => {
                self.transmit(transit.hop, &transit.bytes);
            }
        }
    }

    /// Sends what is due and treats what happened.
    pub(crate) fn settle(&mut self) {
        self.settle_for(0);
    }

    fn settle_for(&mut self, packet: u32) {
        loop {
            self.flush();
            let Some(event) = self.transactions.poll_event() else {
                break;
            };
            match event {
                TransactionEvent::Request { id, message, source } => {
                    self.on_request(id, message, source, packet);
                }
                TransactionEvent::Ack { message, id, .. } => self.on_ack(&message, id, packet),
                TransactionEvent::Response { id, message, .. } => self.on_response(id, message, packet),
                TransactionEvent::Stray { message, .. } => self.on_stray(&message),
                // every message is in the log and the capture already; whoever waits for it looks there
                TransactionEvent::Timeout { .. } | TransactionEvent::Terminated { .. } => {}
            }
        }
    }

    /// Sends everything queued; returns the packet number of the first message sent, 0 when there was none.
    pub(crate) fn flush(&mut self) -> u32 {
        let mut first = 0;
        while let Some(transmit) = self.transactions.poll_transmit() {
            let message = Message::parse(&transmit.bytes);
            let times = match self.caught(Way::ToDevice, transmit.destination, &transmit.bytes, 0, &message) {
                Passage::Caught => 0,
                Passage::Free => 1,
                Passage::Twice => 2,
            };
            for _ in 0..times {
                let packet = self.transmit(transmit.destination, &transmit.bytes);
                if first == 0 {
                    first = packet;
                }
            }
        }
        first
    }

    /// Sends a message; returns its packet number, 0 when it could not be sent: then it is not in the capture.
    pub(crate) fn transmit(&mut self, to: Hop, bytes: &[u8]) -> u32 {
        match self.wire.send(to, bytes) {
            Ok(sent) => self.keep(sent, to, bytes),
            Err(_) => 0,
        }
    }

    /// Keeps a message of ours.
    pub(crate) fn keep(&mut self, sent: Sent, to: Hop, bytes: &[u8]) -> u32 {
        let packet = self.tap.push(CapturedPacket {
            at: sent.at,
            direction: PacketDirection::Outbound,
            carrier: carrier(to.transport),
            source: sent.local,
            destination: to.address,
            dscp: None,
            payload: bytes.to_vec(),
        });
        self.log.push(Seen {
            packet,
            at: sent.at,
            from_device: false,
            message: Message::parse(bytes),
        });
        packet
    }
}
