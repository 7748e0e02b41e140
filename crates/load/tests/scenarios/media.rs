//! RTP both ways.

use std::time::Duration;

use voxproof_load::{LoadReport, MediaMode, MediaOptions, MediaReport};

use crate::support::{Running, call, callee, caller};

fn run(calls: u64, near: MediaOptions, far: MediaOptions, hold: Duration) -> (LoadReport, LoadReport) {
    let mut options = callee(Some(calls));
    options.media = Some(far);
    let far = Running::start(options);
    let mut options = caller(far.address, calls, 200.0);
    options.media = Some(near);
    options.hold = hold;
    let near = call(options);
    (near, far.join())
}

fn media(report: &LoadReport) -> &MediaReport {
    report.media.as_ref().expect("media was asked for")
}

fn agree(near: &LoadReport, far: &LoadReport, calls: u64) {
    assert_eq!((near.completed, far.completed), (calls, calls), "{near}\n{far}");
    for (from, to) in [(near, far), (far, near)] {
        let (sent, received) = (media(from).packets_sent, media(to).packets_received);
        assert_eq!(sent, received, "{from}\n{to}");
        assert_eq!(
            (media(to).lost, media(to).duplicates, media(to).reordered),
            (0, 0, 0),
            "{to}"
        );
        assert_eq!(
            (
                media(to).silent_streams,
                media(to).not_rtp,
                media(to).wrong_payload_type
            ),
            (0, 0, 0),
            "{to}"
        );
        assert_eq!(media(to).jitter.count, calls, "{to}");
        assert_eq!(to.own.socket_drops.unwrap_or(0), 0, "{to}");
    }
}

#[test]
fn fifty_calls_of_two_seconds_lose_nothing() {
    let (near, far) = run(
        50,
        MediaOptions::default(),
        MediaOptions::default(),
        Duration::from_secs(2),
    );
    agree(&near, &far, 50);
    // 100 packets each in two seconds; a stalled machine catches up before the BYE or leaves a few out
    assert!(
        media(&near).packets_sent >= 4000 && media(&near).packets_sent <= 5100,
        "{near}"
    );
}

#[test]
fn one_port_for_all_calls_tells_them_apart() {
    let shared = MediaOptions {
        shared_port: true,
        ..MediaOptions::default()
    };
    let (near, far) = run(20, shared.clone(), shared, Duration::from_millis(600));
    agree(&near, &far, 20);
}

#[test]
fn an_echo_sends_back_what_came() {
    let echo = MediaOptions {
        mode: MediaMode::Echo,
        ..MediaOptions::default()
    };
    let (near, far) = run(10, MediaOptions::default(), echo, Duration::from_millis(600));
    assert_eq!((near.completed, far.completed), (10, 10), "{near}\n{far}");
    assert_eq!(
        media(&near).packets_sent,
        media(&far).packets_received,
        "{near}\n{far}"
    );
    assert!(media(&far).packets_sent > 0);
    assert_eq!(
        media(&near).packets_received,
        media(&far).packets_sent,
        "{near}\n{far}"
    );
    assert_eq!(media(&near).silent_streams, 0);
}
