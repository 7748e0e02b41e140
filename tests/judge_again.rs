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
