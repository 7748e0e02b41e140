//! A full suite stays a file that mail and browsers take.

use voxproof_record::{Counts, DesignationResults, Exhibits, LadderRow, LevelPlot, Selection};
use voxproof_spec::Verdict;

use crate::markup::{page, skeleton};
use crate::synthetic::{Builder, judgement, level_plot, planned, sip, started};

const LABELS: [&str; 7] = [
    "INVITE sendrecv",
    "100 Trying (INVITE)",
    "180 Ringing (INVITE)",
    "200 OK (INVITE) sendrecv",
    "ACK",
    "BYE",
    "200 OK (BYE)",
];

/// Bytes of the page of forty cases with the same pictures each.
fn size(rows: u32, levels: Vec<LevelPlot>) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (1..=40).map(|n| format!("IPP-BIG-{n:03}")).collect();
    let plan = ids
        .iter()
        .map(|id| planned(id, "a long case", "purpose", &["RFC 3261 17.1"], Selection::Run))
        .collect();
    let row = |n: u32| -> LadderRow {
        sip(
            n + 1,
            f64::from(n) * 31.7,
            n.is_multiple_of(2),
            "peer_a",
            LABELS[n as usize % LABELS.len()],
        )
    };
    let exhibits = Exhibits {
        ladder: (0..rows).map(row).collect(),
        levels,
    };
    let mut builder = Builder::new(folder.path(), started(plan));
    for id in &ids {
        builder.attempt(id, 1, judgement(Verdict::Fail, "reason"), Some(&exhibits), None);
    }
    let page = page(&builder.finish(Counts::default(), DesignationResults::default()));
    skeleton(&page);
    page.len()
}

#[test]
fn forty_cases_of_a_hundred_messages_stay_below_three_megabytes() {
    let bytes = size(100, vec![]);
    assert!(bytes < 3_000_000, "{bytes} bytes");
}

#[test]
fn two_plots_in_each_case_keep_it_below_three_and_a_half() {
    let plots = vec![
        level_plot("device -> peer_a", None),
        level_plot("peer_a -> device", None),
    ];
    let bytes = size(100, plots);
    assert!(bytes < 3_500_000, "{bytes} bytes");
}
