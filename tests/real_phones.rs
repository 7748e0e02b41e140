//! Real phones that nobody here wrote, in real time: what they are known to break is found, and nothing else.
//!
//! `fixtures/devices/NAME.txt` lists the cases that a phone is known to fail, each confirmed by reading the capture
//! (`docs/findings/`). A finding that disappears or appears is a failed test. A case that this machine was too busy to judge is
//! inconclusive; that is tolerated, an error of the lab is not.

mod common;

use std::collections::BTreeSet;
use std::fs;

use voxproof_record::Run;
use voxproof_spec::Verdict;

/// Inconclusive cases tolerated on a busy machine.
const TOLERATED: usize = 12;

fn known_findings(phone: &str) -> BTreeSet<String> {
    let path = common::root().join(format!("fixtures/devices/{phone}.txt"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn check(phone: &str, program: &str) {
    let installed = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()));
    if !installed {
        eprintln!("skipped: {program} is not installed; `cargo xtask setup` installs it");
        return;
    }
    let known = known_findings(phone);
    let out = common::scratch();
    let device = format!("devices/{phone}.toml");
    let arguments = ["run", "test-specs/ip-phone", "--device", &device, "--out"];
    let output = common::voxproof()
        .args(arguments)
        .arg(out.path())
        .output()
        .expect("voxproof starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 5)),
        "{:?}: {stderr}",
        output.status
    );

    let folder = common::only_run(out.path());
    let run = Run::read(&folder).expect("the journal is readable");
    let mut problems = vec![];
    let mut busy = 0;
    for case in &run.cases {
        let id = &case.planned.id;
        let Some(attempt) = case.attempts.last() else {
            continue;
        };
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
    assert!(problems.is_empty(), "{phone}:\n{}", problems.join("\n"));
    assert!(busy <= TOLERATED, "{busy} cases could not be judged");

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

#[test]
fn baresip_is_found_to_break_what_it_is_known_to_break() {
    check("baresip", "baresip");
}

#[test]
fn linphone_is_found_to_break_what_it_is_known_to_break() {
    check("linphone", "linphonec");
}
