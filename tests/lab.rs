//! `voxproof lab run`: cases in guests with a virtual clock. Where guests cannot run, the tests say so and pass.

mod common;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use voxproof_record::Run;
use voxproof_spec::Verdict;

/// One lab at a time: the second would have another room and so other randomness.
static ONE: Mutex<()> = Mutex::new(());

fn lab(device: &str, cases: &str, out: &Path) -> Option<Run> {
    if let Some(reason) = common::no_guests() {
        eprintln!("skipped: {reason}");
        return None;
    }
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let output = common::voxproof()
        .args(["lab", "run", "test-specs/ip-phone", "--device", device, "--only"])
        .arg(format!("id in [{cases}]"))
        .arg("--out")
        .arg(out)
        .output()
        .expect("voxproof starts");
    assert!(
        matches!(output.status.code(), Some(1 | 5)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(Run::read(&common::only_run(out)).expect("the journal is readable"))
}

fn verdict(run: &Run, case: &str) -> Option<Verdict> {
    let record = run.cases.iter().find(|record| record.planned.id == case);
    record.expect("the case is planned").verdict()
}

#[test]
fn a_run_in_guests_is_recorded_and_judged_like_any_other_and_is_the_same_every_time() {
    let captures = |_| {
        let out = common::scratch();
        let run = lab("sim:no-audio", r#""IPP-OPT-001", "IPP-BAS-001""#, out.path())?;
        assert_eq!(verdict(&run, "IPP-OPT-001"), Some(Verdict::Pass));
        assert_eq!(verdict(&run, "IPP-BAS-001"), Some(Verdict::Fail));
        assert!(run.started.virtual_time);
        assert!(run.started.guest_kernel.is_some());
        let again = common::voxproof()
            .arg("judge")
            .arg(&run.path)
            .output()
            .expect("voxproof starts");
        assert_eq!(again.status.code(), Some(0));
        let objects = run
            .cases
            .iter()
            .flat_map(|case| &case.attempts)
            .flat_map(|attempt| &attempt.evidence);
        let captures = objects.filter(|object| object.name == "capture.pcapng");
        Some(captures.map(|object| object.sha256.clone()).collect::<Vec<_>>())
    };
    let [first, second] = [1, 2].map(captures);
    assert_eq!(first, second);
    assert!(first.is_none_or(|captures| captures.len() == 2));
}

#[test]
fn a_guest_that_dies_is_an_error_of_the_lab() {
    let folder = common::scratch();
    let file = folder.path().join("phone.toml");
    // never outside of a guest
    let device = r#"
[device]
manufacturer = "Example"
model = "kills its machine"
firmware = "1"
[driver.command]
start = "grep -q time-travel /proc/cmdline && busybox poweroff -f"
stop = "true"
answers_by_itself = true
[ixit]
server = "127.0.0.1:0"
username = "dut"
password = "voxproof"
"#;
    std::fs::write(&file, device).expect("written");

    let out = common::scratch();
    let Some(run) = lab(&file.display().to_string(), r#""IPP-BAS-001""#, out.path()) else {
        return;
    };
    assert_eq!(verdict(&run, "IPP-BAS-001"), Some(Verdict::Error));
    let attempt = run
        .cases
        .iter()
        .find_map(|case| case.attempts.first())
        .expect("an attempt");
    assert!(
        attempt.judgement.reason.contains("the guest died"),
        "{}",
        attempt.judgement.reason
    );
}
