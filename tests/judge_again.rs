//! A stored run is judged again to the same verdicts, and a changed byte of its evidence is noticed.

mod common;

use std::fs;

#[test]
fn judge_reproduces_a_run_and_notices_one_changed_byte() {
    let suite = common::suite();
    let out = common::scratch();
    let run = common::run_sim_in(
        &suite,
        &[],
        7,
        out.path(),
        Some("id.startsWith('IPP-HLD') || id.startsWith('IPP-AUD')"),
    );
    let folder = run.path.display().to_string();
    let judge = || {
        let output = common::voxproof()
            .args(["judge", &folder])
            .output()
            .expect("voxproof starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (code, text) = judge();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(" 0 differences"), "{text}");

    for ending in ["pcapng", "jsonl", "toml", "wav"] {
        let file = fs::read_dir(run.path.join("evidence"))
            .expect("evidence exists")
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|e| e == ending))
            .unwrap_or_else(|| panic!("no {ending} among the evidence"));
        let good = fs::read(&file).expect("evidence can be read");
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        fs::write(&file, &bad).expect("evidence can be written");
        let (code, text) = judge();
        assert_eq!(code, Some(1), "{ending}: {text}");
        assert!(text.contains("DIFFERS"), "{text}");
        fs::write(&file, &good).expect("evidence can be written");
    }
    assert_eq!(judge().0, Some(0));
}

#[test]
fn two_runs_in_virtual_time_come_to_the_same_record() {
    let suite = common::suite();
    let only = Some("id.startsWith('IPP-BAS')");
    let (first, second) = (common::scratch(), common::scratch());
    let a = common::run_sim_in(&suite, &[], 3, first.path(), only);
    let b = common::run_sim_in(&suite, &[], 3, second.path(), only);
    for (a, b) in a.cases.iter().zip(&b.cases) {
        let judgements = |case: &voxproof_record::CaseRecord| {
            case.attempts
                .iter()
                .map(|attempt| attempt.judgement.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(judgements(a), judgements(b), "{}", a.planned.id);
    }
}

/// The simulated phone, of which its vendor says less than is true.
const MODEST: &str = r#"
[device]
manufacturer = "Voxproof"
model = "simulated phone"
firmware = "auto"
[driver.sim]
[ics]
hold = false
update = false
prack = true
"#;

#[test]
fn what_is_denied_is_told_before_the_run_and_held_against_what_is_seen() {
    let out = common::scratch();
    let device = out.path().join("modest.toml");
    fs::write(&device, MODEST).expect("the file can be written");
    let device = device.display().to_string();
    let runs = out.path().join("runs");
    let runs_text = runs.display().to_string();
    let voxproof = |arguments: &[&str]| {
        let output = common::voxproof()
            .args(arguments)
            .output()
            .expect("voxproof starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let denial = "ICS item hold is mandatory for Certified, and its file denies it";
    let (_, plan, _) = voxproof(&["plan", "test-specs/ip-phone", "--device", &device]);
    assert!(plan.contains(denial), "{plan}");

    let only = r#"id in ["IPP-BAS-001", "IPP-BAS-003"]"#;
    let (_, _, told) = voxproof(&[
        "run",
        "test-specs/ip-phone",
        "--device",
        &device,
        "--out",
        &runs_text,
        "--only",
        only,
        "--virtual-time",
    ]);
    assert!(told.contains(denial), "{told}");
    let folder = common::only_run(&runs);
    let run = voxproof_record::Run::read(&folder).expect("the journal is readable");
    let finished = run.finished.as_ref().expect("it came to its end");
    let certified = &finished.designation.certified;
    assert!(
        !certified.meets && certified.reasons[0].contains("mandatory"),
        "{certified:?}"
    );
    let corrected = |reasons: &[String], item: &str| {
        let wanted = format!("it denies {item}, but the device shows it");
        reasons.iter().any(|reason| reason.contains(&wanted))
    };
    assert!(corrected(&certified.reasons, "update"), "{:?}", certified.reasons);
    assert!(!corrected(&certified.reasons, "prack"));
    assert!(!corrected(&finished.designation.works_with.reasons, "update"));

    let report = fs::read_to_string(folder.join("report.json")).expect("the report is there");
    let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    let outcome = |item: &str| {
        let results = report["ics_results"].as_array().expect("a list");
        let found = results.iter().find(|result| result["item"] == item);
        found.map(|result| result["outcome"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(outcome("update").as_deref(), Some("contradicted"));
    assert_eq!(outcome("prack").as_deref(), Some("agrees"));
    assert_eq!(outcome("reject").as_deref(), Some("not-observable"));

    let (code, text, _) = voxproof(&["judge", &folder.display().to_string()]);
    assert_eq!(code, Some(0), "{text}");
}
