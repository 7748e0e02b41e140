//! Ctrl-C, kill -9 and resume: nothing recorded is lost, and a run goes on where it was stopped.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use voxproof_record::{Event, Journal, Run, RunState};

fn start(out: &Path) -> Child {
    common::voxproof()
        .args(["run", "test-specs/ip-phone", "--device", "sim", "--jobs", "1"])
        .args([
            "--only",
            "id.startsWith('IPP-HLD') || id.startsWith('IPP-UNK')",
            "--out",
            &out.display().to_string(),
        ])
        .stderr(Stdio::piped())
        .spawn()
        .expect("voxproof starts")
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).expect("the child lives");
}

/// Waits until the journal holds what is looked for.
fn wait_for(out: &Path, child: &mut Child, wanted: impl Fn(&Journal) -> bool) -> PathBuf {
    loop {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "the run ended too early"
        );
        let run = std::fs::read_dir(out)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .next();
        if let Some(run) = run
            && Journal::read(&run.join("journal.jsonl")).is_ok_and(|journal| wanted(&journal))
        {
            return run;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn a_step_of_a_case(journal: &Journal) -> bool {
    journal
        .entries
        .iter()
        .any(|entry| matches!(entry.event, Event::StepEnded { .. }))
}

fn finishes_when_resumed(run: &Path) {
    let before = Run::read(run).expect("the journal is readable").counts();
    let resumed = common::voxproof()
        .args(["resume", &run.display().to_string()])
        .output()
        .expect("voxproof starts");
    let stderr = String::from_utf8_lossy(&resumed.stderr);
    // 5: a machine too busy to judge some case fairly
    assert!(matches!(resumed.status.code(), Some(0 | 5)), "{stderr}");
    let whole = Run::read(run).expect("the journal is readable");
    assert_eq!(whole.state, RunState::Finished);
    assert!(
        whole.cases.iter().all(|case| case.attempts.len() <= 1),
        "a case with a verdict was run again"
    );
    assert!(
        whole.counts().pass >= before.pass && whole.counts().fail == 0,
        "{stderr}"
    );
    assert!(run.join("report.html").exists());
}

#[test]
fn one_press_finishes_the_step_and_is_recorded() {
    let out = common::scratch();
    let mut child = start(out.path());
    let run = wait_for(out.path(), &mut child, a_step_of_a_case);
    send(&child, Signal::SIGINT);
    let ended = child.wait_with_output().expect("voxproof ends");
    assert_eq!(
        ended.status.code(),
        Some(130),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let stopped = Run::read(&run).expect("the journal is readable");
    assert_eq!(stopped.state, RunState::Interrupted);
    let journal = Journal::read(&run.join("journal.jsonl")).expect("the journal is readable");
    assert!(
        journal
            .entries
            .iter()
            .any(|entry| entry.event == Event::Interrupted { presses: 1 })
    );
    finishes_when_resumed(&run);
}

#[test]
fn two_presses_abort_and_are_recorded() {
    let out = common::scratch();
    let mut child = start(out.path());
    let run = wait_for(out.path(), &mut child, a_step_of_a_case);
    send(&child, Signal::SIGINT);
    let _ = wait_for_interrupt(&run);
    send(&child, Signal::SIGINT);
    let ended = child.wait_with_output().expect("voxproof ends");
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(
        Run::read(&run).expect("the journal is readable").state,
        RunState::Interrupted
    );
    finishes_when_resumed(&run);
}

fn wait_for_interrupt(run: &Path) -> bool {
    for _ in 0..500 {
        let journal = Journal::read(&run.join("journal.jsonl")).expect("the journal is readable");
        if journal
            .entries
            .iter()
            .any(|entry| matches!(entry.event, Event::Interrupted { .. }))
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn a_killed_run_is_readable_and_goes_on() {
    let out = common::scratch();
    let mut child = start(out.path());
    // in the middle of the second case
    let run = wait_for(out.path(), &mut child, |journal| {
        let finished = journal
            .entries
            .iter()
            .any(|entry| matches!(entry.event, Event::CaseFinished(_)));
        let last = journal.entries.last().map(|entry| &entry.event);
        finished && matches!(last, Some(Event::StepEnded { .. }))
    });
    send(&child, Signal::SIGKILL);
    child.wait().expect("voxproof is dead");
    let killed = Run::read(&run).expect("the journal is readable to its last whole line");
    assert_eq!(killed.state, RunState::Open);
    assert!(killed.counts().pass >= 1);
    finishes_when_resumed(&run);
}
