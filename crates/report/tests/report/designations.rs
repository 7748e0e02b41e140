//! Who may say what about a designation.

use voxproof_record::{Counts, Designation, DesignationResults};
use voxproof_report::{Format, Report, render};

use crate::synthetic::{Builder, full_run, started};

#[test]
fn an_unofficial_run_grants_nothing_whatever_its_journal_says() {
    let folder = tempfile::tempdir().unwrap();
    let run = full_run(folder.path());
    let journal = &run.finished.as_ref().unwrap().designation.works_with;
    assert!(journal.granted, "the made-up journal claims it");
    let report = Report::from_run(&run);
    assert!(report.designation.works_with.meets && !report.designation.works_with.granted);
    for format in Format::ALL {
        let text = String::from_utf8(render(&run, format).unwrap()).unwrap();
        assert!(
            text.contains("nofficial results; not a certification or endorsement"),
            "{format}"
        );
        assert!(text.contains("meets the requirements of Works with"), "{format}");
        assert!(
            text.contains("does not meet the requirements of Certified"),
            "{format}"
        );
        for claim in ["is Certified", "is certified", "is designated", "is Works with"] {
            assert!(!text.contains(claim), "{format} says {claim}");
        }
    }
}

#[test]
fn an_official_run_says_what_was_granted() {
    let folder = tempfile::tempdir().unwrap();
    let mut how = started(vec![]);
    how.official = true;
    how.profile = "certification".into();
    let granted = Designation {
        meets: true,
        granted: true,
        reasons: vec![],
    };
    let met = Designation {
        meets: true,
        granted: false,
        reasons: vec![],
    };
    let run = Builder::new(folder.path(), how).finish(
        Counts::default(),
        DesignationResults {
            certified: granted,
            works_with: met,
        },
    );
    let report = Report::from_run(&run);
    assert_eq!(report.notice, None);
    assert!(report.designation.certified.granted);
    assert_eq!(report.designation.certified.text, "is designated Certified");
    assert_eq!(
        report.designation.works_with.text,
        "meets the requirements of Works with"
    );
    for format in Format::ALL {
        let text = String::from_utf8(render(&run, format).unwrap()).unwrap();
        assert!(!text.contains("nofficial results"), "{format}");
    }
}
