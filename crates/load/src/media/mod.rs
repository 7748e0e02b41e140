//! RTP of all calls of a run.

pub(crate) mod pacer;
pub(crate) mod ports;
pub(crate) mod session;
pub(crate) mod statistics;

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use voxproof_rtp::g711::{self, Law};
use voxproof_rtp::{Packet, is_rtcp};

use crate::clock::Clock;
use crate::histogram::Histogram;
use crate::options::{MediaMode, MediaOptions};
use crate::report::MediaReport;
use crate::sip_socket::Receiver;
use pacer::Pacer;
use ports::Ports;
use session::{LocalMedia, RemoteMedia};
use statistics::ReceiveStatistics;

/// Datagrams a system call on a port of one call: more than come between two looks, or a second call would be needed.
const PORT_BATCH: usize = 12;
/// Packet times between two looks at a port: the kernel holds and times what comes, so one look takes several packets.
/// With 16 the kernel's buffers no longer fit the caches, and nothing is won.
const RECEIVE_EVERY: u64 = 8;
/// Datagrams a system call on a shared port.
const SHARED_BATCH: usize = 64;
/// Batches taken from one port before the others have their turn.
const MOST_BATCHES: usize = 64;
/// Longer than any packet of G.711; what is longer is no audio of ours.
const LONGEST: usize = 2048;
/// How often the RTCP port of a call is emptied, in packet times.
const RTCP_EVERY: u64 = 50;
/// How often a port is looked at for what does not come from where the far end said, in packet times, while nothing does.
const ELSEWHERE_EVERY: u64 = 48;
/// Samples a millisecond (RFC 3551 table 4).
const SAMPLES_A_MS: u64 = 8;

/// A stream of one call.
#[derive(Debug)]
struct Stream {
    port: u32,
    /// The place on the wheel, while it turns.
    slot: Option<usize>,
    remote: Option<RemoteMedia>,
    /// The packet to be sent next: header and room for the payload is in the scratch buffer of [`Media`].
    sending: bool,
    /// Whether both ends were to send: silence is then worth counting.
    expected: bool,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    first: bool,
    position: usize,
    ticks: u64,
    /// What came before the far end had a socket of its own has been taken.
    settled: bool,
    /// The far end was heard from another address than the one it gave.
    elsewhere: bool,
    statistics: ReceiveStatistics,
}

/// Which socket of a port.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The one for all sources.
    Anyone,
    /// The one connected to the far end.
    Peer,
}

/// The media side of a run.
#[derive(Debug)]
pub(crate) struct Media {
    options: MediaOptions,
    address: IpAddr,
    clock: Clock,
    ports: Ports,
    shared: Option<u32>,
    /// With a shared port: which stream an announced SSRC or a source address belongs to.
    by_ssrc: HashMap<u32, u32>,
    by_source: HashMap<SocketAddr, u32>,
    streams: Vec<Option<Stream>>,
    free: Vec<u32>,
    pacer: Pacer,
    /// Coded signal, longer than one turn by one packet so that each packet is one piece.
    signals: [Vec<u8>; 2],
    cycle: usize,
    scratch: Vec<u8>,
    receiver: Receiver,
    lateness: Histogram,
    jitter: Histogram,
    longest_gap: Histogram,
    totals: MediaReport,
    send_errors: u64,
    next_ssrc: u32,
}

impl Media {
    pub(crate) fn new(options: MediaOptions, address: IpAddr, clock: Clock, seed: u32) -> io::Result<Self> {
        let packet = packet_octets(options.ptime);
        let mut samples = if options.signal.is_empty() {
            vec![0; packet]
        } else {
            options.signal.clone()
        };
        let cycle = samples.len();
        for index in 0..packet {
            samples.push(samples.get(index).copied().unwrap_or_default());
        }
        let mut ports = Ports::new(address);
        let shared = if options.shared_port {
            Some(ports.open_shared()?)
        } else {
            None
        };
        let receiver = if shared.is_some() {
            Receiver::new(SHARED_BATCH, LONGEST)
        } else {
            Receiver::new(PORT_BATCH, LONGEST)
        };
        Ok(Self {
            pacer: Pacer::new(clock.now(), options.ptime),
            signals: [g711::encode(Law::A, &samples), g711::encode(Law::Mu, &samples)],
            cycle,
            scratch: Vec::with_capacity(12 + packet),
            address,
            clock,
            ports,
            shared,
            by_ssrc: HashMap::new(),
            by_source: HashMap::new(),
            streams: Vec::new(),
            free: Vec::new(),
            receiver,
            lateness: Histogram::default(),
            jitter: Histogram::default(),
            longest_gap: Histogram::default(),
            totals: MediaReport::default(),
            send_errors: 0,
            next_ssrc: seed,
            options,
        })
    }

    /// A port and a place for a call's stream.
    ///
    /// # Errors
    /// When the system has no port or no descriptor left.
    pub(crate) fn open(&mut self, now: Duration) -> io::Result<u32> {
        let port = match self.shared {
            Some(port) => port,
            None => self.ports.take(now)?,
        };
        // odd constant: all values before one comes again
        self.next_ssrc = self.next_ssrc.wrapping_add(0x9e37_79b9);
        let ssrc = self.next_ssrc;
        let stream = Stream {
            port,
            slot: None,
            remote: None,
            sending: false,
            expected: false,
            ssrc,
            // random starts, as RFC 3550 5.1 wants them
            sequence: (ssrc >> 7) as u16,
            timestamp: ssrc.rotate_left(13),
            first: true,
            position: 0,
            ticks: 0,
            settled: false,
            elsewhere: false,
            statistics: ReceiveStatistics::default(),
        };
        self.totals.streams += 1;
        let id = if let Some(id) = self.free.pop() {
            if let Some(place) = self.streams.get_mut(id as usize) {
                *place = Some(stream);
            }
            id
        } else {
            self.streams.push(Some(stream));
            (self.streams.len() - 1) as u32
        };
        // what reached the port while it rested belongs to nobody
        if self.shared.is_none() {
            self.discard(port);
        }
        Ok(id)
    }

    /// Writes the session description of a stream: an offer, or the answer to `offer`.
    pub(crate) fn describe(&self, id: u32, offer: Option<&RemoteMedia>, out: &mut Vec<u8>) {
        let Some(stream) = self.stream(id) else { return };
        let all: Vec<(u8, Law)> = self
            .options
            .laws
            .iter()
            .map(|law| (session::payload_type(*law), *law))
            .collect();
        let chosen = offer.map(|offer| [(offer.payload_type, offer.law)]);
        session::write(
            out,
            &LocalMedia {
                address: self.address,
                port: self.ports.pair(stream.port).map_or(0, |pair| pair.number),
                formats: chosen.as_ref().map_or(all.as_slice(), |one| one.as_slice()),
                direction: offer.map_or("sendrecv", session::answering_direction),
                ptime_ms: self.options.ptime.as_millis() as u64,
                ssrc: self.shared.map(|_| stream.ssrc),
                version: 1,
            },
        );
    }

    pub(crate) fn laws(&self) -> &[Law] {
        &self.options.laws
    }

    /// Sends to and receives from the far end from now on.
    pub(crate) fn start(&mut self, now: Duration, id: u32, remote: RemoteMedia) {
        let send_mode = self.options.mode == MediaMode::Send;
        // a new description in the call: what came by the one before is taken before the far end's socket moves
        if let Some(port) = self
            .stream(id)
            .filter(|one| one.slot.is_some())
            .map(|one| one.port)
        {
            self.receive(id, port, true);
        }
        let Some(Some(stream)) = self.streams.get_mut(id as usize) else {
            return;
        };
        stream.remote = Some(remote);
        stream.sending = remote.receives && send_mode;
        stream.expected = remote.sends;
        stream.settled = false;
        if self.shared.is_some() {
            match remote.ssrc {
                Some(ssrc) => {
                    self.by_ssrc.insert(ssrc, id);
                }
                None => {
                    self.by_source.insert(remote.address, id);
                }
            }
        }
        // 0.0.0.0 is hold as RFC 2543 had it: the far end stays where it was
        if self.shared.is_none() && !remote.address.ip().is_unspecified() {
            self.ports.connect(stream.port, remote.address);
        }
        if stream.slot.is_none() {
            stream.slot = Some(self.pacer.add(now, id));
        }
    }

    /// Sends no more; what comes is still counted.
    pub(crate) fn stop_sending(&mut self, id: u32) {
        if let Some(Some(stream)) = self.streams.get_mut(id as usize) {
            stream.sending = false;
        }
    }

    /// Takes what has come, adds the stream to the totals and frees its port.
    pub(crate) fn close(&mut self, now: Duration, id: u32) {
        let Some(port) = self.stream(id).map(|stream| stream.port) else {
            return;
        };
        self.receive(id, port, true);
        self.receive_rtcp(port);
        let Some(stream) = self.streams.get_mut(id as usize).and_then(Option::take) else {
            return;
        };
        self.free.push(id);
        if let Some(slot) = stream.slot {
            self.pacer.remove(slot, id);
        }
        if self.shared.is_none() {
            self.ports.release(now, port);
        } else if let Some(remote) = stream.remote {
            match remote.ssrc {
                Some(ssrc) => self.by_ssrc.remove(&ssrc),
                None => self.by_source.remove(&remote.address),
            };
        }
        let received = stream.statistics.totals();
        self.totals.packets_received += received.received;
        self.totals.lost += received.lost;
        self.totals.duplicates += received.duplicates;
        self.totals.reordered += received.reordered;
        self.totals.source_changes += received.restarts;
        if received.received > 0 {
            self.jitter
                .record(Duration::from_secs_f64(received.jitter_s.max(0.0)));
            self.longest_gap.record(received.longest_gap);
        } else if stream.expected {
            self.totals.silent_streams += 1;
        }
    }

    /// When [`Media::run`] is to be called next.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.pacer.next()
    }

    /// Sends what is due, receives what has come, for at most this many slots; so SIP gets its turn in between.
    pub(crate) fn run(&mut self, most_slots: usize) {
        for _ in 0..most_slots {
            let Some((due, slot, streams)) = self.pacer.take_due(self.clock.now()) else {
                return;
            };
            // all of the slot's packets leave before anything is received: their time is what counts
            for &id in &streams {
                self.send(due, id);
            }
            if let Some(port) = self.shared {
                if let Some(&id) = streams.first() {
                    self.receive(id, port, true);
                }
            } else {
                let every = match self.options.mode {
                    MediaMode::Send => RECEIVE_EVERY,
                    // what is to be sent back must not wait
                    MediaMode::Echo => 1,
                };
                for &id in &streams {
                    let due = |stream: &&Stream| (stream.ticks + u64::from(id)).is_multiple_of(every);
                    if let Some((port, ticks)) = self.stream(id).filter(due).map(|one| (one.port, one.ticks))
                    {
                        self.receive(id, port, ticks % ELSEWHERE_EVERY < every);
                    }
                }
            }
            self.pacer.put_back(slot, streams);
        }
    }

    /// The figures of the streams that have ended.
    pub(crate) fn report(&self) -> MediaReport {
        MediaReport {
            jitter: self.jitter.distribution(),
            longest_gap: self.longest_gap.distribution(),
            ..self.totals.clone()
        }
    }

    /// Packets sent, and packets received by all streams.
    pub(crate) fn packets(&self) -> (u64, u64) {
        let running = self.streams.iter().flatten();
        let received: u64 = running.map(|stream| stream.statistics.totals().received).sum();
        (self.totals.packets_sent, self.totals.packets_received + received)
    }

    pub(crate) const fn lateness(&self) -> &Histogram {
        &self.lateness
    }

    pub(crate) const fn send_errors(&self) -> u64 {
        self.send_errors
    }

    pub(crate) fn port_numbers(&self, into: &mut HashSet<u16>) {
        self.ports.numbers(into);
    }

    fn stream(&self, id: u32) -> Option<&Stream> {
        self.streams.get(id as usize)?.as_ref()
    }

    fn send(&mut self, due: Duration, id: u32) {
        let packet = packet_octets(self.options.ptime);
        let Some(Some(stream)) = self.streams.get_mut(id as usize) else {
            return;
        };
        stream.ticks += 1;
        let (port, rtcp_turn) = (stream.port, stream.ticks.is_multiple_of(RTCP_EVERY));
        if let Some(remote) = stream.remote.filter(|_| stream.sending)
            && let Some(pair) = self.ports.pair(port)
        {
            let [alaw, mulaw] = &self.signals;
            let signal = match remote.law {
                Law::A => alaw,
                Law::Mu => mulaw,
            };
            let payload = signal
                .get(stream.position..stream.position + packet)
                .unwrap_or_default();
            let marker = u8::from(std::mem::take(&mut stream.first)) << 7;
            self.scratch.clear();
            self.scratch
                .extend_from_slice(&[0x80, marker | remote.payload_type & 0x7f]);
            self.scratch.extend_from_slice(&stream.sequence.to_be_bytes());
            self.scratch.extend_from_slice(&stream.timestamp.to_be_bytes());
            self.scratch.extend_from_slice(&stream.ssrc.to_be_bytes());
            self.scratch.extend_from_slice(payload);
            let at = self.clock.now();
            match pair.send(&self.scratch, remote.address) {
                Ok(_) => {
                    self.totals.packets_sent += 1;
                    self.lateness.record(at.saturating_sub(due));
                }
                Err(_) => self.send_errors += 1,
            }
            stream.sequence = stream.sequence.wrapping_add(1);
            stream.timestamp = stream.timestamp.wrapping_add(packet as u32);
            stream.position = (stream.position + packet) % self.cycle;
        }
        if rtcp_turn {
            self.receive_rtcp(port);
        }
    }

    /// Takes what has come to a port. `id` is the stream whose port it is, when it is not shared; `elsewhere` whether to
    /// look for what comes from another address than the far end gave.
    fn receive(&mut self, id: u32, port: u32, elsewhere: bool) {
        let Some((settled, heard)) = self.stream(id).map(|stream| (stream.settled, stream.elsewhere)) else {
            return;
        };
        let connected = self.ports.pair(port).is_some_and(|pair| pair.peer.is_some());
        if !connected {
            self.receive_from(id, port, Way::Anyone);
            return;
        }
        // in the order of time: before the far end had its socket, everything came to the other one
        if settled {
            self.receive_from(id, port, Way::Peer);
        }
        if !settled || heard || elsewhere {
            let count = self.receive_from(id, port, Way::Anyone);
            if let Some(Some(stream)) = self.streams.get_mut(id as usize) {
                stream.elsewhere = settled && count > 0;
                stream.settled = true;
            }
        }
        if !settled {
            self.receive_from(id, port, Way::Peer);
        }
    }

    /// Empties one socket of a port. How many datagrams were in it.
    fn receive_from(&mut self, id: u32, port: u32, way: Way) -> usize {
        let Some(pair) = self.ports.pair(port) else {
            return 0;
        };
        let socket = match way {
            Way::Anyone => Some(&pair.rtp),
            Way::Peer => pair.peer.as_ref(),
        };
        let Some(socket) = socket else { return 0 };
        let mut all = 0;
        // bounded: a flood must not hold the loop
        for _ in 0..MOST_BATCHES {
            // an ICMP error of an earlier packet may be reported instead of what has come, once
            let received = self.receiver.receive(socket, self.clock);
            let count = received
                .or_else(|_| self.receiver.receive(socket, self.clock))
                .unwrap_or(0);
            all += count;
            for (reception, bytes) in self.receiver.datagrams() {
                if is_rtcp(bytes) {
                    self.totals.rtcp_received += 1;
                    continue;
                }
                let Ok(packet) = Packet::parse(bytes) else {
                    self.totals.not_rtp += 1;
                    continue;
                };
                let id = if self.shared.is_some() {
                    let by_source = || self.by_source.get(&reception.source);
                    self.by_ssrc.get(&packet.ssrc).or_else(by_source).copied()
                } else {
                    Some(id)
                };
                let Some(Some(stream)) = id.and_then(|id| self.streams.get_mut(id as usize)) else {
                    self.totals.not_rtp += 1;
                    continue;
                };
                if stream
                    .remote
                    .is_some_and(|remote| remote.payload_type != packet.payload_type)
                {
                    self.totals.wrong_payload_type += 1;
                }
                stream
                    .statistics
                    .packet(reception.at, packet.ssrc, packet.sequence, packet.timestamp);
                if self.options.mode == MediaMode::Echo
                    && let Some(remote) = stream.remote.filter(|remote| remote.receives)
                {
                    match pair.send(bytes, remote.address) {
                        Ok(_) => self.totals.packets_sent += 1,
                        Err(_) => self.send_errors += 1,
                    }
                }
            }
            if count < self.receiver.room() {
                break;
            }
        }
        all
    }

    fn receive_rtcp(&mut self, port: u32) {
        if let Some(pair) = self.ports.pair(port)
            && let Ok(_) = self.receiver.receive(&pair.rtcp, self.clock)
        {
            let packets = self
                .receiver
                .datagrams()
                .filter(|(_, bytes)| is_rtcp(bytes))
                .count();
            self.totals.rtcp_received += packets as u64;
        }
    }

    fn discard(&mut self, port: u32) {
        if let Some(pair) = self.ports.pair(port) {
            for socket in [Some(&pair.rtp), pair.peer.as_ref(), Some(&pair.rtcp)]
                .into_iter()
                .flatten()
            {
                for _ in 0..MOST_BATCHES {
                    if !matches!(self.receiver.receive(socket, self.clock), Ok(count) if count == self.receiver.room())
                    {
                        break;
                    }
                }
            }
        }
    }
}

const fn packet_octets(ptime: Duration) -> usize {
    (ptime.as_millis() as u64 * SAMPLES_A_MS) as usize
}
