//! Loss, refusal and silence: each is counted as what it is.

use std::collections::HashSet;
use std::net::UdpSocket;
use std::time::Duration;

use voxproof_load::Answer;

use crate::support::{Relay, Running, call, callee, caller, loopback, quick_timers};

/// Loses the first message of each call that this says; calls are told apart by their Call-ID.
fn first_of_each(is: impl Fn(&str) -> bool + Send + 'static) -> impl FnMut(&str) -> bool + Send + 'static {
    let mut seen = HashSet::new();
    move |text| {
        let call = text
            .lines()
            .find(|line| line.starts_with("Call-ID:"))
            .unwrap_or_default()
            .to_owned();
        is(text) && seen.insert(call)
    }
}

fn through(
    lose: impl FnMut(&str) -> bool + Send + 'static,
) -> (voxproof_load::LoadReport, voxproof_load::LoadReport) {
    let mut options = callee(Some(20));
    options.timers = quick_timers();
    let far = Running::start(options);
    let relay = Relay::start(far.address, lose);
    let mut options = caller(relay.address, 20, 200.0);
    // requests in the dialog take the relay too
    options.destination = Some(relay.address);
    options.timers = quick_timers();
    options.hold = Duration::from_millis(400);
    let near = call(options);
    let far = far.join();
    relay.end();
    (near, far)
}

#[test]
fn a_lost_invite_is_sent_again_and_the_call_completes() {
    let (near, far) = through(first_of_each(|text| text.starts_with("INVITE ")));
    assert_eq!(
        (near.completed, near.failures(), far.completed),
        (20, 0, 20),
        "{near}\n{far}"
    );
    assert!(near.signalling.retransmissions_sent >= 20, "{near}");
}

#[test]
fn a_lost_answer_is_sent_again_and_counted_once() {
    let (near, far) = through(first_of_each(|text| {
        text.starts_with("SIP/2.0 200") && text.contains("1 INVITE")
    }));
    assert_eq!(
        (near.completed, near.failures(), far.completed),
        (20, 0, 20),
        "{near}\n{far}"
    );
    assert!(far.signalling.retransmissions_sent >= 20, "{far}");
    assert_eq!(near.answered, 20);
}

#[test]
fn a_lost_provisional_response_harms_nothing() {
    let (near, far) = through(first_of_each(|text| text.starts_with("SIP/2.0 180")));
    assert_eq!((near.completed, far.completed), (20, 20), "{near}\n{far}");
    assert_eq!(near.signalling.ringing.count, 0);
}

#[test]
fn a_dead_far_end_is_a_time_out_and_not_the_lab_s_fault() {
    // bound and never read
    let dead = UdpSocket::bind(loopback()).expect("loopback");
    let mut options = caller(dead.local_addr().expect("bound"), 10, 1000.0);
    options.timers = quick_timers();
    let report = call(options);
    assert_eq!((report.attempted, report.answered), (10, 0));
    assert_eq!(report.failed.get("timeout"), Some(&10), "{report}");
    // timer A at 50, 150, 350, 750, 1550 and 3150 ms, B at 3200 ms; a stall of this machine may swallow some
    assert!(
        (10..=60).contains(&report.signalling.retransmissions_sent),
        "{report}"
    );
    assert_eq!(report.own.send_errors, 0, "{report}");
}

#[test]
fn a_refusal_is_counted_by_its_status_and_acknowledged() {
    let mut options = callee(Some(25));
    options.answer = Answer::Reject(486);
    let far = Running::start(options);
    let near = call(caller(far.address, 25, 500.0));
    let far = far.join();
    assert_eq!(near.failed.get("status-486"), Some(&25), "{near}");
    assert_eq!(far.failed.get("status-486"), Some(&25), "{far}");
    assert_eq!((near.answered, near.completed), (0, 0));
}

#[test]
fn a_far_end_that_only_rings_is_cancelled() {
    let mut options = callee(Some(5));
    options.ring = Duration::from_secs(600);
    let far = Running::start(options);
    let mut options = caller(far.address, 5, 500.0);
    options.ring_limit = Duration::from_millis(300);
    let near = call(options);
    let far = far.join();
    assert_eq!(near.failed.get("no-answer"), Some(&5), "{near}");
    assert_eq!(far.failed.get("cancelled"), Some(&5), "{far}");
}

#[test]
fn junk_is_counted_and_nothing_stops() {
    let far = Running::start(callee(Some(5)));
    let junk = UdpSocket::bind(loopback()).expect("loopback");
    for bytes in [
        &b"hello"[..],
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKb0-1-0\r\nCSeq: 1 BYE\r\n\r\n",
        b"ACK sip:x SIP/2.0\r\n\r\n",
        b"\r\n\r\n",
        b"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKq\r\nTo: <sip:x>;tag=ffffffff-ffffffffffffffff-0\r\nCSeq: 1 BYE\r\nCall-ID: c\r\nFrom: <sip:y>\r\n\r\n",
    ] {
        junk.send_to(bytes, far.address).expect("sent");
    }
    let near = call(caller(far.address, 5, 100.0));
    let far = far.join();
    assert_eq!((near.completed, far.completed), (5, 5), "{far}");
    assert!(far.signalling.stray >= 3, "{far}");
}
