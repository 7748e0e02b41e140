//! The loop: receive, act, send, pace media, sleep.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use voxproof_rtp::g711::Law;
use voxproof_sip::Message;

use crate::clock::Clock;
use crate::error::LoadError;
use crate::histogram::Histogram;
use crate::host;
use crate::media::Media;
use crate::media::session::{self, LocalMedia, RemoteMedia};
use crate::observer::Hooks;
use crate::options::{MediaOptions, OwnBounds};
use crate::outbox::Outbox;
use crate::report::{LoadReport, OwnLimits, Progress, Role, Tally};
use crate::sip_socket::{self, SIP_BUFFER, SipSocket};

/// How soon a stop is noticed.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// From so many events a second on, the loop looks at SIP every two milliseconds instead of waking up for each event: waking
/// up costs more than a message. Receptions are timed by the kernel, so what is measured does not become coarser.
const BUSY: u32 = 1000;
const BUSY_TURN: Duration = Duration::from_millis(2);
/// How often it is decided whether the loop is busy.
const BUSY_WINDOW: Duration = Duration::from_millis(50);
/// RTP slots between two looks at SIP.
const SLOTS_A_TURN: usize = 8;
/// What signalling-only calls describe: any law, nobody listens.
const BOTH_LAWS: [Law; 2] = [Law::A, Law::Mu];

/// What an agent acts with.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) media: Option<Media>,
    pub(crate) tally: Tally,
    pub(crate) lag: Histogram,
    /// The last session description written by [`Core::describe`].
    pub(crate) body: Vec<u8>,
    address: IpAddr,
    sink: u16,
}

impl Core {
    /// Opens a stream where there is media: `Ok(None)` without.
    pub(crate) fn open_stream(&mut self, now: Duration) -> std::io::Result<Option<u32>> {
        self.media.as_mut().map(|media| media.open(now)).transpose()
    }

    /// Writes an offer, or the answer to one, into [`Core::body`].
    pub(crate) fn describe(&mut self, stream: Option<u32>, offer: Option<&RemoteMedia>) {
        self.body.clear();
        if let (Some(media), Some(stream)) = (&self.media, stream) {
            media.describe(stream, offer, &mut self.body);
            return;
        }
        let both = BOTH_LAWS.map(|law| (session::payload_type(law), law));
        let chosen = offer.map(|offer| [(offer.payload_type, offer.law)]);
        session::write(
            &mut self.body,
            &LocalMedia {
                address: self.address,
                port: self.sink,
                formats: chosen.as_ref().map_or(both.as_slice(), |one| one.as_slice()),
                direction: offer.map_or("sendrecv", session::answering_direction),
                ptime_ms: 20,
                ssrc: None,
                version: 1,
            },
        );
    }

    /// Reads the far end's description for the laws of this run.
    pub(crate) fn read_description(&self, body: &[u8]) -> Option<RemoteMedia> {
        let laws = self.media.as_ref().map_or(BOTH_LAWS.as_slice(), Media::laws);
        session::read(body, laws)
    }

    pub(crate) fn start_stream(&mut self, now: Duration, stream: Option<u32>, remote: RemoteMedia) {
        if let (Some(media), Some(stream)) = (&mut self.media, stream) {
            media.start(now, stream, remote);
        }
    }

    pub(crate) fn stop_sending(&mut self, stream: Option<u32>) {
        if let (Some(media), Some(stream)) = (&mut self.media, stream) {
            media.stop_sending(stream);
        }
    }

    pub(crate) fn close_stream(&mut self, now: Duration, stream: Option<u32>) {
        if let (Some(media), Some(stream)) = (&mut self.media, stream) {
            media.close(now, stream);
        }
    }
}

/// One role in the calls.
pub(crate) trait Agent {
    /// A SIP message came; the kernel received it at `at`.
    fn message(&mut self, at: Duration, source: SocketAddr, message: &Message, core: &mut Core);
    /// Does what is due.
    fn turn(&mut self, core: &mut Core);
    /// When something is due next.
    fn next(&mut self) -> Option<Duration>;
    /// No new calls; ends the present ones.
    fn stop(&mut self, core: &mut Core);
    /// Whether no call is left and none will come.
    fn finished(&self, core: &Core) -> bool;
}

/// A bound SIP socket and what the run is to be made with.
#[derive(Debug)]
pub(crate) struct Station {
    socket: UdpSocket,
    local: SocketAddr,
    /// Takes and drops the RTP of signalling-only calls, so that no ICMP error disturbs the far end.
    sink: UdpSocket,
    sink_port: u16,
    media: Option<MediaOptions>,
    seed: u32,
}

impl Station {
    pub(crate) fn bind(
        local: SocketAddr,
        media: Option<&MediaOptions>,
        seed: u32,
    ) -> Result<Self, LoadError> {
        if local.ip().is_unspecified() {
            return Err(LoadError::Options(
                "the local address must be one that the far end can reach, not a wildcard",
            ));
        }
        if let Some(media) = media
            && (media.laws.is_empty()
                || media.ptime < Duration::from_millis(10)
                || media.ptime > Duration::from_millis(60))
        {
            return Err(LoadError::Options(
                "media needs a law and a packet time of 10 to 60 ms",
            ));
        }
        host::raise_descriptor_limit();
        let bind = |source| LoadError::Bind {
            address: local,
            source,
        };
        let socket = sip_socket::bind(local, SIP_BUFFER).map_err(bind)?;
        let sink = sip_socket::bind(SocketAddr::new(local.ip(), 0), 4 << 10).map_err(bind)?;
        Ok(Self {
            local: socket.local_addr().map_err(bind)?,
            sink_port: sink.local_addr().map_err(bind)?.port(),
            socket,
            sink,
            media: media.cloned(),
            seed,
        })
    }

    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Runs until the agent has finished and retransmissions had their time.
    pub(crate) fn run(
        self,
        agent: &mut dyn Agent,
        hooks: &mut Hooks<'_>,
        role: Role,
        bounds: &OwnBounds,
        linger: Duration,
    ) -> Result<LoadReport, LoadError> {
        let clock = Clock::start();
        let address = self.local.ip();
        let media = self
            .media
            .map(|options| Media::new(options, address, clock, self.seed))
            .transpose()
            .map_err(|source| LoadError::Bind {
                address: self.local,
                source,
            })?;
        // media has deadlines of its own; signalling alone is not worth keeping others from the processor
        let real_time = media.is_some() && host::raise_priority();
        let mut turning = Loop {
            socket: SipSocket::new(self.socket),
            core: Core {
                clock,
                outbox: Outbox::default(),
                media,
                tally: Tally::default(),
                lag: Histogram::default(),
                body: Vec::new(),
                address,
                sink: self.sink_port,
            },
        };
        let outcome = turning.turn_until_done(agent, hooks, linger);
        if real_time {
            host::lower_priority();
        }
        let send_errors = outcome?;
        let core = &turning.core;
        let mut ports = HashSet::from([self.local.port()]);
        if let Some(media) = &core.media {
            media.port_numbers(&mut ports);
        }
        let lateness = core.media.as_ref().map(|media| media.lateness().distribution());
        let own = OwnLimits {
            loop_lag: core.lag.distribution(),
            send_lateness: lateness.unwrap_or_default(),
            socket_drops: host::socket_drops(&ports),
            send_errors: send_errors + core.media.as_ref().map_or(0, Media::send_errors),
            ports_refused: core.tally.ports_refused,
            real_time,
        };
        let media = core.media.as_ref().map(Media::report);
        drop(self.sink);
        Ok(core.tally.report(role, media, own, bounds))
    }
}

/// Received datagrams and turns that sent something, in the last window.
#[derive(Debug, Default)]
struct EventRate {
    since: Duration,
    events: u32,
    busy: bool,
}

impl EventRate {
    fn busy(&mut self, now: Duration) -> bool {
        let window = now.saturating_sub(self.since);
        if window >= BUSY_WINDOW {
            self.busy = f64::from(self.events) > f64::from(BUSY) * window.as_secs_f64();
            self.events = 0;
            self.since = now;
        }
        self.busy
    }
}

/// The loop itself.
struct Loop {
    socket: SipSocket,
    core: Core,
}

impl Loop {
    fn turn_until_done(
        &mut self,
        agent: &mut dyn Agent,
        hooks: &mut Hooks<'_>,
        linger: Duration,
    ) -> Result<u64, LoadError> {
        let clock = self.core.clock;
        let mut send_errors = 0;
        let mut stopping = false;
        let mut finished_at = None;
        let mut progress_at = clock.now() + PROGRESS_EVERY;
        let mut load = EventRate::default();
        loop {
            if !stopping && hooks.stop.load(Ordering::Relaxed) {
                stopping = true;
                agent.stop(&mut self.core);
            }
            let received = self.socket.receive(clock).map_err(|source| LoadError::System {
                what: "receive from the sip socket",
                source,
            })?;
            for (reception, bytes) in self.socket.receiver.datagrams() {
                // keep-alives are not messages (RFC 5626 3.5.1)
                if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                    continue;
                }
                load.events += 1;
                self.core.lag.record(clock.now().saturating_sub(reception.at));
                let message = Message::parse(bytes);
                if let Some(observer) = hooks.observer.as_deref_mut() {
                    observer.received(reception.at, reception.source, &message);
                }
                agent.message(reception.at, reception.source, &message, &mut self.core);
            }
            agent.turn(&mut self.core);
            if !self.core.outbox.is_empty() {
                load.events += 1;
                if let Some(observer) = hooks.observer.as_deref_mut() {
                    let now = clock.now();
                    for (bytes, destination) in self.core.outbox.iter() {
                        observer.sent(now, destination, bytes);
                    }
                }
                send_errors += self.socket.send(&mut self.core.outbox);
            }
            if let Some(media) = &mut self.core.media {
                media.run(SLOTS_A_TURN);
            }
            let now = clock.now();
            if now >= progress_at {
                progress_at = now + PROGRESS_EVERY;
                (hooks.progress)(&self.progress(now));
            }
            if agent.finished(&self.core) {
                let since = *finished_at.get_or_insert(now);
                if now.saturating_sub(since) >= linger {
                    return Ok(send_errors);
                }
            } else {
                finished_at = None;
            }
            if received == self.socket.receiver.room() {
                continue;
            }
            let until = |due: Option<Duration>| {
                due.map_or(LONGEST_SLEEP, |due| due.saturating_sub(now).min(LONGEST_SLEEP))
            };
            let media = until(self.core.media.as_ref().and_then(Media::next));
            if load.busy(now) {
                let next_turn = Duration::from_nanos(
                    BUSY_TURN.as_nanos() as u64 - now.subsec_nanos() as u64 % BUSY_TURN.as_nanos() as u64,
                );
                std::thread::sleep(next_turn.min(media));
            } else {
                self.wait(until(agent.next()).min(media))?;
            }
        }
    }

    /// Sleeps until something comes or the time is over. Without waiting there is no call of the system either.
    fn wait(&self, sleep: Duration) -> Result<(), LoadError> {
        if sleep.is_zero() {
            return Ok(());
        }
        let mut descriptors = [PollFd::new(self.socket.fd(), PollFlags::POLLIN)];
        match ppoll(&mut descriptors, Some(TimeSpec::from(sleep)), None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(LoadError::System {
                what: "wait for the sip socket",
                source: errno.into(),
            }),
        }
    }

    fn progress(&self, now: Duration) -> Progress {
        let tally = &self.core.tally;
        let (packets_sent, packets_received) = self.core.media.as_ref().map_or((0, 0), Media::packets);
        Progress {
            elapsed: now,
            attempted: tally.attempted,
            answered: tally.answered,
            completed: tally.completed,
            failed: tally.failures(),
            active: tally.active,
            packets_sent,
            packets_received,
        }
    }
}
