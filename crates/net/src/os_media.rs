//! A media port of the operating system's network: a thread that sends on absolute deadlines, and one that receives.
//!
//! tokio's timer has a 1 ms wheel and shares its thread with other work; a thread that sleeps until an absolute time
//! is late by tens of microseconds, and with a real-time priority keeps that on a loaded machine.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};
use socket2::SockRef;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::health::LagRecord;
use crate::media::{Grid, lock};
use crate::os_socket::{self, MAX_DATAGRAM};
use crate::{Clock, MediaPort, MediaSession, NetError};

/// How soon the receiving thread notices a stop should the wake-up by shutdown not work.
const READ_TIMEOUT: Duration = Duration::from_millis(100);

/// In the middle of the SCHED_FIFO range: above ordinary programs, below the kernel's own threads.
const FIFO_PRIORITY: u8 = 50;

struct Shared {
    socket: UdpSocket,
    clock: Clock,
    session: Arc<Mutex<dyn MediaSession>>,
    record: Arc<Mutex<LagRecord>>,
    stopped: AtomicBool,
}

pub(crate) fn open(
    clock: Clock,
    local: IpAddr,
    session: Arc<Mutex<dyn MediaSession>>,
) -> Result<MediaPort, NetError> {
    let setup = |what| move |source| NetError::Setup { what, source };
    let socket = os_socket::bind_even(local)?;
    socket
        .set_read_timeout(Some(READ_TIMEOUT))
        .map_err(setup("set the read time-out of an RTP socket"))?;
    let local = socket
        .local_addr()
        .map_err(setup("read the address of an RTP socket"))?;
    let record = Arc::new(Mutex::new(LagRecord::default()));
    let interval = lock(&session).interval();
    let shared = Arc::new(Shared {
        socket,
        clock,
        session,
        record: Arc::clone(&record),
        stopped: AtomicBool::new(false),
    });

    let sending = Arc::clone(&shared);
    let sender = thread::Builder::new()
        .name("rtp-send".into())
        .spawn(move || sending.send(interval))
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
    Ok(MediaPort::new(local, record, move || {
        shared.stop();
        // a session that panicked has already said so on its thread
        let _ = sender.join();
        let _ = receiver.join();
    }))
}

impl Shared {
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // Linux answers ENOTCONN for an unconnected UDP socket, but wakes its reader all the same
        let _ = SockRef::from(&self.socket).shutdown(std::net::Shutdown::Both);
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn send(&self, interval: Duration) {
        raise_priority();
        let mut grid = Grid::new(self.clock.now(), interval);
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
                last = self.send_one(deadline, to, &bytes);
            }
            lock(&self.record).tick(last.saturating_sub(deadline));
            grid.advance();
        }
    }

    fn send_one(&self, deadline: Duration, to: SocketAddr, bytes: &[u8]) -> Duration {
        let at = self.clock.now();
        match self.socket.send_to(bytes, to) {
            Ok(_) => lock(&self.session).sent(deadline, at, to, bytes),
            Err(_) => lock(&self.record).send_error(),
        }
        at
    }

    fn receive(&self) {
        raise_priority();
        let mut buffer = vec![0; MAX_DATAGRAM];
        while !self.stopped() {
            let Ok(reception) = os_socket::receive(&self.socket, self.clock, &mut buffer) else {
                // the read time-out, a signal, or the shutdown; a broken socket comes here every time, and the
                // pause keeps it from spinning until the port is stopped
                if !self.stopped() {
                    thread::park_timeout(Duration::from_millis(1));
                }
                continue;
            };
            if self.stopped() {
                return;
            }
            if let Some(bytes) = buffer.get(..reception.length) {
                lock(&self.session).received(reception.at, reception.source, bytes);
            }
            if let Some(drops) = reception.drops {
                lock(&self.record).set_socket_drops(u64::from(drops));
            }
        }
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
