use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use voxproof_guest::{Booted, Ended, Guest, Kernel};

fn kernel() -> Option<Kernel> {
    let found = Kernel::find().map_err(|error| error.to_string());
    match found.and_then(|kernel| Guest::trial(&kernel).map(|()| kernel)) {
        Ok(kernel) => Some(kernel),
        Err(reason) => {
            eprintln!("skipped: {reason}");
            None
        }
    }
}

fn boot(kernel: &Kernel, folder: &Path, script: &str, limit: Duration) -> Booted {
    let guest = Guest {
        kernel,
        folder,
        script,
        seed: 7,
        processor: None,
        limit,
    };
    guest.boot(&|| false).expect("setarch is part of every Debian")
}

const AMPLE: Duration = Duration::from_secs(120);

#[test]
fn an_hour_passes_at_once_and_the_script_leaves_status_and_files() {
    let Some(kernel) = kernel() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "before=$(date +%s); sleep 3600; after=$(date +%s); echo $((after - before)) > {}/slept; touch /etc/only-here; echo words; exit 3",
        folder.path().display()
    );
    let booted = boot(&kernel, folder.path(), &script, AMPLE);
    assert_eq!(booted.ended, Ended::Script(3));
    assert_eq!(fs::read_to_string(folder.path().join("slept")).unwrap(), "3600\n");
    assert!(String::from_utf8_lossy(&booted.console).contains("words"));
    assert!(
        !Path::new("/etc/only-here").exists(),
        "what a guest writes elsewhere is lost with it"
    );
}

#[test]
fn the_same_guest_has_the_same_randomness_and_another_seed_another_one() {
    let Some(kernel) = kernel() else { return };
    let folder = tempfile::tempdir().unwrap();
    let random = |seed| {
        let guest = Guest {
            kernel: &kernel,
            folder: folder.path(),
            script: "head -c 16 /dev/urandom | od -An -tx1; date +%N",
            seed,
            processor: None,
            limit: AMPLE,
        };
        guest.boot(&|| false).unwrap().console
    };
    let first = random(1);
    assert_eq!(random(1), first);
    assert_ne!(random(2), first);
}

#[test]
fn a_guest_that_dies_or_hangs_or_is_stopped_is_told_apart() {
    let Some(kernel) = kernel() else { return };
    let folder = tempfile::tempdir().unwrap();
    let died = boot(&kernel, folder.path(), "busybox poweroff -f", AMPLE);
    assert!(matches!(died.ended, Ended::Died(_)), "{:?}", died.ended);

    // a program that spins without looking at the clock keeps virtual time from passing
    let limit = Duration::from_secs(5);
    let hung = boot(&kernel, folder.path(), "sleep 1 & while :; do :; done", limit);
    assert_eq!(hung.ended, Ended::Limit(limit));

    let looks = Cell::new(0);
    let guest = Guest {
        kernel: &kernel,
        folder: folder.path(),
        script: "while :; do :; done",
        seed: 1,
        processor: Some(0),
        limit: AMPLE,
    };
    let stop = || {
        looks.set(looks.get() + 1);
        looks.get() > 20
    };
    assert_eq!(guest.boot(&stop).unwrap().ended, Ended::Stopped);
}
