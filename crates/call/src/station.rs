//! The station: socket, transactions, log, and the loop that lets time pass.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use voxproof_net::{Clock, Endpoint, Net};
use voxproof_record::{PacketDirection, Timeline, TimelineEvent};
use voxproof_sip::{IdSource, Message, Timers, TransactionEvent, TransactionId, Transactions};

use crate::CallError;
use crate::outgoing::Outgoing;
use crate::peer::Call;
use crate::registrar::{Binding, Registrar, RegistrarBehaviour};
use crate::tap::Tap;

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
    pub(crate) endpoint: Endpoint,
    pub(crate) transactions: Transactions,
    pub(crate) registrar: Registrar,
    pub(crate) ids: IdSource,
    pub(crate) tap: Tap,
    /// Running and ended calls of the case, latest last.
    pub(crate) calls: Vec<Call>,
    pub(crate) outgoing: BTreeMap<TransactionId, Outgoing>,
    pub(crate) log: Vec<Seen>,
    pub(crate) credentials: Vec<(u32, bool)>,
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
        let endpoint = net.bind(config.server).await?;
        let mut ids = IdSource::new(config.seed);
        let registrar = Registrar::new(&config.username, &config.password, &config.realm, &mut ids);
        let config = StationConfig {
            server: endpoint.local_addr(),
            ..config
        };
        Ok(Self {
            net,
            config,
            endpoint,
            transactions: Transactions::new(Timers::default()),
            registrar,
            ids,
            tap: Tap::default(),
            calls: vec![],
            outgoing: BTreeMap::new(),
            log: vec![],
            credentials: vec![],
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

    /// The contact of an actor: not the address of record, so that a device that mixes the two up is seen.
    pub(crate) fn contact_of(&self, actor: &str) -> String {
        format!("sip:{actor}-contact@{}", self.config.server)
    }

    /// The device's binding, if it is registered now.
    pub fn binding(&self) -> Option<&Binding> {
        self.registrar.bound(self.now())
    }

    /// Drops the binding, so that a new registration can be waited for.
    pub fn forget_binding(&mut self) {
        self.registrar.binding = None;
    }

    /// Sets how the registrar behaves from now on.
    pub fn set_registrar(&mut self, behaviour: RegistrarBehaviour) {
        self.registrar.behaviour = behaviour;
    }

    /// Request-URI and transport address of the device.
    pub(crate) fn device(&self) -> Result<(String, SocketAddr), CallError> {
        if let Some(binding) = self.binding() {
            return Ok((binding.contact.clone(), binding.source));
        }
        let address = self.config.device_address.ok_or(CallError::DeviceUnknown)?;
        Ok((format!("sip:{}@{address}", self.config.username), address))
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
                datagram = self.endpoint.recv() => match datagram {
                    Ok(datagram) => self.receive(datagram.at, &datagram.bytes, datagram.source),
                    // an unreachable port comes back as an error of the next receive: nothing was received
                    Err(_) => tokio::task::yield_now().await,
                },
                () = clock.sleep_until(wake) => {
                    self.loop_lag = self.loop_lag.max(self.now().saturating_sub(wake));
                }
            }
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
            .filter_map(|call| call.repeat.as_ref().map(|repeat| repeat.next));
        self.transactions.poll_timeout().into_iter().chain(repeats).min()
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
        self.settle();
    }

    fn receive(&mut self, at: Duration, bytes: &[u8], source: SocketAddr) {
        let packet = self
            .tap
            .push(at, PacketDirection::Inbound, source, self.config.server, bytes);
        if !bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            self.log.push(Seen {
                packet,
                at,
                from_device: true,
                message: Message::parse(bytes),
            });
        }
        let now = self.now();
        self.transactions.receive(now, bytes, source);
        self.settle_for(packet);
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
                    self.on_request(id, message, source.address, packet);
                }
                TransactionEvent::Ack { message, id, .. } => self.on_ack(&message, id, packet),
                TransactionEvent::Response { id, message, .. } => self.on_response(id, message, packet),
                // every message is in the log and the capture already; whoever waits for it looks there
                TransactionEvent::Timeout { .. }
                | TransactionEvent::Terminated { .. }
                | TransactionEvent::Stray { .. } => {}
            }
        }
    }

    /// Sends everything queued; returns the packet number of the first datagram sent, 0 when there was none.
    pub(crate) fn flush(&mut self) -> u32 {
        let mut first = 0;
        while let Some(transmit) = self.transactions.poll_transmit() {
            // a send that fails is a packet that is not in the capture
            let Ok(at) = self.endpoint.send(transmit.destination.address, &transmit.bytes) else {
                continue;
            };
            let packet = self.tap.push(
                at,
                PacketDirection::Outbound,
                self.config.server,
                transmit.destination.address,
                &transmit.bytes,
            );
            self.log.push(Seen {
                packet,
                at,
                from_device: false,
                message: Message::parse(&transmit.bytes),
            });
            if first == 0 {
                first = packet;
            }
        }
        first
    }
}
