//! A media port of the operating system's network: a thread that sends on absolute deadlines, and one that receives.
//!
//! tokio's timer has a 1 ms wheel and shares its thread with other work; a thread that sleeps until an absolute time
//! is late by tens of microseconds, and with a real-time priority keeps that on a loaded machine.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};
use socket2::SockRef;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::health::LagRecord;
use crate::media::{self, Grid, lock};
use crate::network::Ports;
use crate::os_socket::{self, MAX_DATAGRAM, Wait};
use crate::{Clock, MediaPort, MediaSession, NetError, Reception};

/// How soon the receiving thread notices a stop should the wake-up by shutdown not work.
const READ_TIMEOUT: Duration = Duration::from_millis(100);

/// In the middle of the SCHED_FIFO range: above ordinary programs, below the kernel's own threads.
const FIFO_PRIORITY: u8 = 50;

struct Shared {
    rtp: UdpSocket,
    rtcp: Option<UdpSocket>,
    clock: Clock,
    session: Arc<Mutex<dyn MediaSession>>,
    record: Arc<Mutex<LagRecord>>,
    stopped: AtomicBool,
}

/// Which of the two ports a datagram came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rtp,
    Rtcp,
}

pub(crate) fn open(
    clock: Clock,
    local: IpAddr,
    ports: Ports,
    session: Arc<Mutex<dyn MediaSession>>,
) -> Result<MediaPort, NetError> {
    let setup = |what| move |source| NetError::Setup { what, source };
    let (rtp, rtcp) = match ports {
        Ports::Rtp => (os_socket::bind_even(local)?, None),
        Ports::RtpAndRtcp => {
            let (rtp, rtcp) = os_socket::bind_pair(local)?;
            (rtp, Some(rtcp))
        }
    };
    rtp.set_read_timeout(Some(READ_TIMEOUT))
        .map_err(setup("set the read time-out of an RTP socket"))?;
    let address = |socket: &UdpSocket| {
        socket
            .local_addr()
            .map_err(setup("read the address of an RTP socket"))
    };
    let local = address(&rtp)?;
    let odd = rtcp.as_ref().map(address).transpose()?;
    let record = Arc::new(Mutex::new(LagRecord::default()));
    let shared = Arc::new(Shared {
        rtp,
        rtcp,
        clock,
        session,
        record: Arc::clone(&record),
        stopped: AtomicBool::new(false),
    });

    let sending = Arc::clone(&shared);
    let sender = thread::Builder::new()
        .name("rtp-send".into())
        .spawn(move || sending.send())
        .map_err(setup("start the sending thread of an RTP port"))?;
    let receiving = Arc::clone(&shared);
    let receiver = thread::Builder::new()
        .name("rtp-receive".into())
        .spawn(move || receiving.receive());
    let receiver = match receiver {
        Ok(receiver) => receiver,
        Err(source) => {
            shared.stop();
            let _ = sender.join();
            return Err(NetError::Setup {
                what: "start the receiving thread of an RTP port",
                source,
            });
        }
    };
    // the sockets close with their threads, not with the port
    let marked = Arc::downgrade(&shared);
    Ok(MediaPort::new(media::Handle {
        local,
        rtcp: odd,
        record,
        mark: Box::new(move |dscp| {
            let Some(shared) = marked.upgrade() else {
                return Ok(());
            };
            for socket in std::iter::once(&shared.rtp).chain(&shared.rtcp) {
                dscp.apply(SockRef::from(socket), local.is_ipv6())?;
            }
            Ok(())
        }),
        stop: Box::new(move || {
            shared.stop();
            // a session that panicked has already said so on its thread
            let _ = sender.join();
            let _ = receiver.join();
        }),
    }))
}

impl Shared {
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // Linux answers ENOTCONN for an unconnected UDP socket, but wakes its reader all the same
        for socket in std::iter::once(&self.rtp).chain(&self.rtcp) {
            let _ = SockRef::from(socket).shutdown(std::net::Shutdown::Both);
        }
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn send(&self) {
        raise_priority();
        let mut grid = Grid::new(self.clock.now());
        let mut out = Vec::new();
        while !self.stopped() {
            let deadline = grid.deadline();
            sleep_until(self.clock, deadline);
            if self.stopped() {
                return;
            }
            let woken = self.clock.now();
            lock(&self.session).tick(deadline, woken, &mut out);
            let mut last = woken;
            for (to, bytes) in out.drain(..) {
                last = self.clock.now();
                match self.rtp.send_to(&bytes, to) {
                    Ok(_) => lock(&self.session).sent(deadline, last, to, &bytes),
                    Err(_) => lock(&self.record).send_error(),
                }
            }
            if let Some(rtcp) = &self.rtcp {
                self.send_rtcp(rtcp, deadline, &mut out);
            }
            lock(&self.record).tick(last.saturating_sub(deadline));
            let interval = lock(&self.session).interval();
            grid.advance(interval);
        }
    }

    /// RTCP is not paced to the packet (RFC 3550 6.2), so its lateness is none of the port's health.
    fn send_rtcp(&self, socket: &UdpSocket, deadline: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        lock(&self.session).tick_rtcp(deadline, self.clock.now(), out);
        for (to, bytes) in out.drain(..) {
            let at = self.clock.now();
            match socket.send_to(&bytes, to) {
                Ok(_) => lock(&self.session).sent_rtcp(deadline, at, to, &bytes),
                Err(_) => lock(&self.record).send_error(),
            }
        }
    }

    fn receive(&self) {
        raise_priority();
        let mut buffer = vec![0; MAX_DATAGRAM];
        while !self.stopped() {
            let received = match &self.rtcp {
                None => self.receive_one(&self.rtp, Wait::AsTheSocket, &mut buffer, Kind::Rtp),
                Some(rtcp) => self.receive_either(rtcp, &mut buffer),
            };
            // the read time-out, a signal, or the shutdown; a broken socket comes here every time, and the pause keeps
            // it from spinning until the port is stopped
            if !received && !self.stopped() {
                thread::park_timeout(Duration::from_millis(1));
            }
        }
    }

    /// Waits for both ports at once and takes a datagram from each that has one.
    fn receive_either(&self, rtcp: &UdpSocket, buffer: &mut [u8]) -> bool {
        let mut ready = [&self.rtp, rtcp].map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
        let limit = PollTimeout::try_from(READ_TIMEOUT).unwrap_or(PollTimeout::ZERO);
        match poll(&mut ready, limit) {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        let [rtp_ready, rtcp_ready] = ready.map(|entry| entry.any().unwrap_or(true));
        let rtp = rtp_ready && self.receive_one(&self.rtp, Wait::Never, buffer, Kind::Rtp);
        let rtcp = rtcp_ready && self.receive_one(rtcp, Wait::Never, buffer, Kind::Rtcp);
        rtp || rtcp
    }

    fn receive_one(&self, socket: &UdpSocket, wait: Wait, buffer: &mut [u8], kind: Kind) -> bool {
        let Ok(received) = os_socket::receive(socket, self.clock, buffer, wait) else {
            return false;
        };
        if self.stopped() {
            return true;
        }
        if let Some(bytes) = buffer.get(..received.length) {
            let reception = Reception {
                at: received.at,
                source: received.source,
                bytes,
                dscp: received.dscp,
            };
            let mut session = lock(&self.session);
            match kind {
                Kind::Rtp => session.reception(reception),
                Kind::Rtcp => session.received_rtcp(reception),
            }
        }
        // the guard speaks of the media: drops of RTCP are told by its sequence of reports
        if let (Some(drops), Kind::Rtp) = (received.drops, kind) {
            lock(&self.record).set_socket_drops(u64::from(drops));
        }
        true
    }
}

/// Real-time scheduling where it is allowed. Where it is not, the measured send lag decides whether a run counts.
fn raise_priority() {
    let _ = nix::sys::prctl::set_timerslack(1);
    if let Ok(priority) = FIFO_PRIORITY.try_into() {
        let _ = set_thread_priority_and_policy(
            thread_native_id(),
            ThreadPriority::Crossplatform(priority),
            ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
        );
    }
}

fn sleep_until(clock: Clock, deadline: Duration) {
    let Ok(monotonic) = clock_gettime(ClockId::CLOCK_MONOTONIC) else {
        thread::sleep(deadline.saturating_sub(clock.now()));
        return;
    };
    let remaining = deadline.saturating_sub(clock.now());
    if remaining.is_zero() {
        return;
    }
    let target = TimeSpec::from(Duration::from(monotonic) + remaining);
    while clock_nanosleep(
        ClockId::CLOCK_MONOTONIC,
        ClockNanosleepFlags::TIMER_ABSTIME,
        &target,
    ) == Err(Errno::EINTR)
    {}
}
