//! Who ends calls, and how a run ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use voxproof_load::run_caller;

use crate::support::{Running, call, callee, caller};

#[test]
fn the_stop_flag_ends_the_calls_with_bye() {
    let far = Running::start(callee(None));
    let mut options = caller(far.address, 1, 500.0);
    options.calls = None;
    options.concurrent = Some(30);
    options.hold = Duration::from_secs(3600);
    let stop = Arc::new(AtomicBool::new(false));
    let stop_when_up = Arc::clone(&stop);
    let near = run_caller(options, &stop, &mut |progress| {
        if progress.answered == 30 {
            stop_when_up.store(true, Ordering::Relaxed);
        }
    })
    .expect("caller");
    assert_eq!(
        (near.attempted, near.completed, near.failures()),
        (30, 30, 0),
        "{near}"
    );
    far.stop();
    let far = far.join();
    assert_eq!((far.completed, far.released_by_peer), (30, 30), "{far}");
}

#[test]
fn a_stopped_callee_releases_its_calls() {
    let far = Running::start(callee(None));
    let mut options = caller(far.address, 10, 500.0);
    options.hold = Duration::from_secs(3600);
    let stop = AtomicBool::new(false);
    let near = run_caller(options, &stop, &mut |progress| {
        if progress.answered == 10 {
            far.stop();
        }
    })
    .expect("caller");
    let far = far.join();
    assert_eq!((near.completed, near.released_by_peer), (10, 10), "{near}");
    assert_eq!((far.completed, far.released_by_peer), (10, 0), "{far}");
}

#[test]
fn a_callee_may_hang_up() {
    let mut options = callee(Some(10));
    options.hold = Some(Duration::from_millis(100));
    let far = Running::start(options);
    let mut options = caller(far.address, 10, 500.0);
    options.hold = Duration::from_secs(3600);
    let near = call(options);
    let far = far.join();
    assert_eq!((near.completed, near.released_by_peer), (10, 10), "{near}");
    assert_eq!((far.completed, far.released_by_peer), (10, 0), "{far}");
}
