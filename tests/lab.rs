//! `voxproof lab run`: cases in guests with a virtual clock. Where guests cannot run, the tests say so and pass.

mod common;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use voxproof_guest::{Ended, Guest, Kernel};
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

/// Runs a script in a guest, and hands over what it left in files of the folder.
fn in_guest(script: &str, files: [&str; 3]) -> Option<[String; 3]> {
    if let Some(reason) = common::no_guests() {
        eprintln!("skipped: {reason}");
        return None;
    }
    let folder = common::scratch();
    let kernel = Kernel::find().expect("it was found before");
    let booted = Guest {
        kernel: &kernel,
        folder: folder.path(),
        script: &format!("cd {}; {script}", folder.path().display()),
        seed: 1,
        processor: None,
        limit: Duration::from_secs(300),
    }
    .boot(&|| false)
    .expect("the guest starts");
    let console = String::from_utf8_lossy(&booted.console).into_owned();
    assert_eq!(booted.ended, Ended::Script(0), "{console}");
    Some(files.map(|file| {
        std::fs::read_to_string(folder.path().join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}: {console}"))
    }))
}

#[test]
fn what_the_kernels_impairment_has_lost_is_what_the_receivers_miss() {
    // one packet in twenty of G.711 speech: an IP packet of 200 octets, as no other of the call is
    let script = format!(
        r#"
tc qdisc add dev lo root handle 1: prio bands 3 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
tc qdisc add dev lo parent 1:3 handle 30: netem loss 5%
tc filter add dev lo parent 1: protocol ip u32 match u16 200 0xffff at 2 flowid 1:3
{program} call --listen 127.0.0.1:5070 --media --json > callee.json &
sleep 1
{program} call sip:100@127.0.0.1:5070 --calls 1 --rate 1 --media --hold "40 s" --json > caller.json
kill -INT $!
wait $!
tc -s qdisc show dev lo | grep -A 2 netem > netem.txt
"#,
        program = env!("CARGO_BIN_EXE_voxproof")
    );
    let Some([caller, callee, netem]) = in_guest(&script, ["caller.json", "callee.json", "netem.txt"]) else {
        return;
    };
    let [caller, callee] = [caller, callee].map(|text| {
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    });
    let both = |name: &str| {
        let of = |side: &serde_json::Value| side["media"][name].as_u64().expect("a count");
        (of(&caller), of(&callee))
    };
    let dropped: u64 = netem
        .split_once("dropped ")
        .and_then(|(_, after)| after.split(',').next()?.trim().parse().ok())
        .unwrap_or_else(|| panic!("no count of dropped packets: {netem}"));
    let (sent, received, lost) = (both("packets_sent"), both("packets_received"), both("lost"));
    assert_eq!(sent.0 + sent.1 - received.0 - received.1, dropped, "{netem}");
    assert!((100..=300).contains(&dropped), "5 % of {sent:?}: {dropped}");
    // by sequence number nobody knows of what was lost before the first packet and after the last one
    assert!(dropped - (lost.0 + lost.1) <= 4, "{lost:?} of {dropped}");
    assert_eq!(caller["validity"]["verdict"], "valid", "{caller}");
}
