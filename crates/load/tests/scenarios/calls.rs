//! Calls that go well.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use voxproof_load::{Caller, Hooks, Observer, Progress, Validity};
use voxproof_sip::Message;

use crate::support::{Running, call, callee, caller};

#[test]
fn two_hundred_calls_complete_and_both_ends_agree() {
    let far = Running::start(callee(Some(200)));
    let near = call(caller(far.address, 200, 200.0));
    let far = far.join();
    for report in [&near, &far] {
        assert_eq!(
            (
                report.attempted,
                report.answered,
                report.completed,
                report.failures()
            ),
            (200, 200, 200, 0),
            "{report}"
        );
        assert_eq!(report.signalling.stray, 0, "{report}");
        assert_eq!(report.validity, Validity::Valid, "{report}");
    }
    assert_eq!((near.released_by_peer, far.released_by_peer), (0, 200));
    assert_eq!(near.signalling.setup.count, 200);
    assert_eq!(near.signalling.ringing.count, 200);
    assert_eq!(near.signalling.release.count, 200);
}

#[test]
fn a_number_of_calls_at_a_time_is_held_and_not_exceeded() {
    let far = Running::start(callee(Some(60)));
    let mut options = caller(far.address, 60, 1.0);
    options.rate = None;
    options.concurrent = Some(20);
    options.hold = Duration::from_millis(100);
    let near = call(options);
    let far = far.join();
    assert_eq!((near.completed, far.completed), (60, 60), "{near}");
    assert_eq!(near.peak_concurrent, 20, "{near}");
}

#[test]
fn more_calls_than_the_callee_takes_are_busy() {
    let mut options = callee(Some(5));
    options.concurrent = Some(5);
    let far = Running::start(options);
    let mut options = caller(far.address, 8, 1000.0);
    options.hold = Duration::from_millis(500);
    let near = call(options);
    let far = far.join();
    assert_eq!((near.completed, far.completed), (5, 5), "{near}");
    // beyond its number a callee takes no call (503), beyond its calls at a time it is busy (486)
    assert_eq!(near.failures(), 3, "{near}");
}

#[derive(Default)]
struct Count {
    received: Vec<u16>,
    sent: Vec<String>,
}

impl Observer for Count {
    fn received(&mut self, _: Duration, _: SocketAddr, message: &Message) {
        self.received.extend(message.status());
    }

    fn sent(&mut self, _: Duration, _: SocketAddr, bytes: &[u8]) {
        let message = Message::parse(bytes);
        assert!(message.validate().is_empty(), "{:?}", message.validate());
        self.sent.extend(message.method().map(str::to_owned));
    }
}

#[test]
fn an_observer_sees_every_message() {
    let far = Running::start(callee(Some(3)));
    let caller = Caller::bind(caller(far.address, 3, 100.0)).expect("loopback");
    let mut count = Count::default();
    let stop = AtomicBool::new(false);
    let mut quiet = |_: &Progress| {};
    let mut hooks = Hooks::new(&stop, &mut quiet);
    hooks.observer = Some(&mut count);
    let report = caller.run(&mut hooks).expect("caller");
    far.join();
    assert_eq!(report.completed, 3, "{report}");
    let of = |status: u16| count.received.iter().filter(|one| **one == status).count();
    assert_eq!((of(180), of(200)), (3, 6));
    for method in ["INVITE", "ACK", "BYE"] {
        assert_eq!(
            count.sent.iter().filter(|one| *one == method).count(),
            3,
            "{:?}",
            count.sent
        );
    }
}

#[test]
fn ipv6_works_as_ipv4() {
    let local = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0));
    if std::net::UdpSocket::bind(local).is_err() {
        eprintln!("skipped: no IPv6 loopback here");
        return;
    }
    let mut options = callee(Some(5));
    options.local = local;
    let far = Running::start(options);
    let mut options = caller(far.address, 5, 100.0);
    options.local = local;
    let near = call(options);
    assert_eq!(near.completed, 5, "{near}");
    assert_eq!(far.join().completed, 5);
}
