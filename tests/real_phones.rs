//! Real phones that nobody here wrote: what they are known to break is found, and nothing else.
//!
//! The whole suite runs in guests whose clock is virtual, so that nothing this machine does can change a verdict: there the
//! findings are exact. A few cases run in real time as well, where a case that this machine was too busy to judge is
//! inconclusive; that is tolerated, an error of the lab is not. Where guests cannot run, the whole suite runs in real time.
//!
//! `fixtures/devices/NAME.txt` lists the cases that a phone is known to fail, each confirmed by reading the capture
//! (`docs/findings/`). A finding that disappears or appears is a failed test.

mod common;

use std::collections::BTreeSet;
use std::fs;

use voxproof_record::Run;
use voxproof_spec::Verdict;

/// Cases that run in real time as well: registration, calls both ways, speech both ways, keys, hold, and a finding of both phones.
const SMOKE: &str = r#"id in ["IPP-REG-001", "IPP-BAS-001", "IPP-BAS-003", "IPP-AUD-001", "IPP-AUD-003", "IPP-DTM-001", "IPP-HLD-001", "IPP-UNK-002"]"#;

/// Cases in which it matters how media are protected.
const MEDIA: &str = r#"["AUD", "BAS", "COD", "DTL", "DTM", "HLD", "JIT", "PTM", "RTC", "RTP", "SRT"].exists(area, id.startsWith("IPP-" + area))"#;

/// Cases that a callee without a registration can be asked.
const UNREGISTERED: &str = r#"!["REG", "FOV", "NAT", "TIM-002"].exists(area, id.startsWith("IPP-" + area))"#;

#[derive(Clone, Copy, PartialEq)]
enum Clock {
    Virtual,
    Real,
}

impl Clock {
    /// Cases that may stay without a verdict, of so many.
    fn tolerated(self, cases: usize) -> usize {
        match self {
            Self::Virtual => 0,
            Self::Real => cases / 8,
        }
    }
}

/// What the phone fails, and what it fails only as it is set by this device file.
fn known_findings(phone: &str, device: &str) -> BTreeSet<String> {
    let list = |name: &str| common::root().join(format!("fixtures/devices/{name}.txt"));
    let path = list(phone);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let of_setting = fs::read_to_string(list(device)).unwrap_or_default();
    let text = if device == phone { text } else { text + &of_setting };
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Runs the suite, or a part of it, against `devices/DEVICE.toml`; the findings are those of the phone, whatever it is set to.
fn check(device: &str, phone: &str, clock: Clock, only: Option<&str>) {
    let program = if phone == "linphone" { "linphonec" } else { phone };
    let installed = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()));
    if !installed {
        eprintln!("skipped: {program} is not installed; `cargo xtask setup` installs it");
        return;
    }
    let known = known_findings(phone, device);
    let out = common::scratch();
    let file = format!("devices/{device}.toml");
    let mut command = common::voxproof();
    if clock == Clock::Virtual {
        command.arg("lab");
    }
    command.args(["run", "test-specs/ip-phone", "--device", &file, "--out"]);
    command.arg(out.path());
    if let Some(only) = only {
        command.args(["--only", only]);
    }
    let output = command.output().expect("voxproof starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 5)),
        "{:?}: {stderr}",
        output.status
    );

    let folder = common::only_run(out.path());
    let run = Run::read(&folder).expect("the journal is readable");
    let mut problems = vec![];
    let (mut busy, mut judged) = (0, 0);
    for case in &run.cases {
        let id = &case.planned.id;
        let Some(attempt) = case.attempts.last() else {
            continue;
        };
        judged += 1;
        let (verdict, reason) = (attempt.judgement.verdict, &attempt.judgement.reason);
        match verdict {
            Verdict::Inconc => {
                eprintln!("{id} INCONC: {reason}");
                busy += 1;
            }
            Verdict::Pass if known.contains(id) => problems.push(format!("{id} passes; it is known to fail")),
            Verdict::Fail if !known.contains(id) => problems.push(format!("{id} fails: {reason}")),
            Verdict::Error | Verdict::None => problems.push(format!("{id} {verdict}: {reason}")),
            Verdict::Pass | Verdict::Fail => {}
        }
    }
    assert!(problems.is_empty(), "{device}:\n{}", problems.join("\n"));
    assert!(
        busy <= clock.tolerated(judged),
        "{busy} of {judged} cases could not be judged"
    );

    let again = common::voxproof()
        .arg("judge")
        .arg(&folder)
        .output()
        .expect("voxproof starts");
    assert_eq!(
        again.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&again.stdout)
    );
}

fn suite(device: &str, phone: &str, only: Option<&str>) {
    let clock = match common::no_guests() {
        None => Clock::Virtual,
        Some(reason) => {
            eprintln!("THE GATE RUNS IN REAL TIME, GUESTS WITH A VIRTUAL CLOCK CANNOT RUN HERE: {reason}");
            Clock::Real
        }
    };
    check(device, phone, clock, only);
}

#[test]
fn baresip_is_found_to_break_what_it_is_known_to_break() {
    suite("baresip", "baresip", None);
}

#[test]
fn baresip_over_tls_breaks_the_same() {
    suite("baresip-tls", "baresip", None);
}

#[test]
fn linphone_is_found_to_break_what_it_is_known_to_break() {
    suite("linphone", "linphone", None);
}

#[test]
fn linphone_with_dtls_breaks_the_same() {
    suite("linphone-dtls", "linphone", Some(MEDIA));
}

#[test]
fn baresip_is_judged_alike_in_real_time() {
    check("baresip", "baresip", Clock::Real, Some(SMOKE));
}

#[test]
fn linphone_is_judged_alike_in_real_time() {
    check("linphone", "linphone", Clock::Real, Some(SMOKE));
}

#[test]
fn sipp_as_a_scripted_callee_breaks_what_its_script_leaves_out() {
    suite("sipp-uas", "sipp", Some(UNREGISTERED));
}

#[test]
fn sipp_as_an_echo_breaks_the_same() {
    suite("sipp-echo", "sipp", Some(UNREGISTERED));
}
