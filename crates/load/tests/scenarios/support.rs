//! Both ends in one process.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use voxproof_load::{Callee, CalleeOptions, CallerOptions, Hooks, LoadReport, OwnBounds, run_caller};
use voxproof_sip::Timers;

pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// T1 of 50 ms: on loopback still long, and time-outs after 3.2 s.
pub(crate) fn quick_timers() -> Timers {
    Timers {
        t1: Duration::from_millis(50),
        ..Timers::default()
    }
}

/// Machines of tests are busy; here the counts are looked at, not the lateness.
pub(crate) fn no_bounds() -> OwnBounds {
    OwnBounds {
        loop_lag_p99: Duration::MAX,
        send_lateness_p99: Duration::MAX,
        ..OwnBounds::default()
    }
}

pub(crate) fn caller(to: SocketAddr, calls: u64, rate: f64) -> CallerOptions {
    CallerOptions {
        rate: Some(rate),
        calls: Some(calls),
        bounds: no_bounds(),
        linger: Duration::from_millis(200),
        ..CallerOptions::new(format!("sip:bob@{to}"), loopback())
    }
}

pub(crate) fn callee(calls: Option<u64>) -> CalleeOptions {
    CalleeOptions {
        calls,
        bounds: no_bounds(),
        linger: Duration::from_millis(400),
        ..CalleeOptions::new(loopback())
    }
}

/// A callee on a thread of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<LoadReport>,
}

impl Running {
    pub(crate) fn start(options: CalleeOptions) -> Self {
        let callee = Callee::bind(options).expect("loopback");
        let address = callee.local_addr();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::spawn(move || callee.run(&mut Hooks::new(&seen, &mut |_| {})).expect("callee"));
        Self {
            address,
            stop,
            thread,
        }
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn join(self) -> LoadReport {
        self.thread.join().expect("callee ends")
    }
}

pub(crate) fn call(options: CallerOptions) -> LoadReport {
    run_caller(options, &AtomicBool::new(false), &mut |_| {}).expect("caller")
}

/// A relay between one caller and a callee that loses what it is told to lose.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Relay {
    /// `lose` sees each datagram and says whether it is lost.
    pub(crate) fn start(to: SocketAddr, mut lose: impl FnMut(&str) -> bool + Send + 'static) -> Self {
        let socket = UdpSocket::bind(loopback()).expect("loopback");
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a time-out");
        let address = socket.local_addr().expect("bound");
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut caller = None;
            let mut buffer = [0; 8192];
            while !seen.load(Ordering::Relaxed) {
                let Ok((length, source)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let bytes = &buffer[..length];
                if source != to {
                    caller = Some(source);
                }
                let Some(destination) = (if source == to { caller } else { Some(to) }) else {
                    continue;
                };
                if !lose(&String::from_utf8_lossy(bytes)) {
                    let _ = socket.send_to(bytes, destination);
                }
            }
        });
        Self {
            address,
            stop,
            thread,
        }
    }

    pub(crate) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("relay ends");
    }
}
