//! The IP-phone suite of this repository is valid, and a mistake in a suite is reported where it stands.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use voxproof_spec::{Case, LoadedSuite, Step, Tier, load_suite};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate is two folders below the root")
        .to_owned()
}

fn suite() -> LoadedSuite {
    load_suite(&repository().join("test-specs/ip-phone")).unwrap_or_else(|problems| panic!("{problems}"))
}

fn steps(case: &Case) -> impl Iterator<Item = &Step> {
    case.setup
        .iter()
        .chain(&case.step)
        .chain(&case.teardown)
        .map(|step| &**step)
}

#[test]
fn the_suite_has_no_mistakes() {
    let suite = suite();
    assert!(suite.cases.len() >= 30, "{} cases", suite.cases.len());
    for (id, loaded) in &suite.cases {
        let stem = loaded
            .path
            .file_stem()
            .expect("a case is a file")
            .to_string_lossy();
        assert_eq!(stem, id.as_str(), "a case file has the name of its case");
    }
}

#[test]
fn every_case_says_what_it_stands_on_and_asks_something() {
    for (id, loaded) in &suite().cases {
        let case = &loaded.case;
        assert!(!case.requirement.is_empty(), "{id} stands on no clause");
        assert!(case.catalogue.is_some(), "{id} names no row of the catalogue");
        assert!(
            case.purpose.split_whitespace().count() >= 8,
            "{id}: what does the user of a bad phone suffer?"
        );
        assert!(!case.purpose.contains('\n'), "{id}: the purpose is one paragraph");
        let asked = case.check.len() + case.measure.len();
        assert!(asked > 0, "{id} asks nothing of the evidence");
        let duration = case.duration.0.as_secs();
        assert!((1..=60).contains(&duration), "{id} takes {duration} s");
    }
}

#[test]
fn core_cases_count_for_both_designations_and_extended_ones_for_the_stringent_one() {
    for (id, loaded) in &suite().cases {
        let expected = match loaded.case.level {
            voxproof_spec::Level::Core => vec![Tier::Certified, Tier::WorksWith],
            voxproof_spec::Level::Extended => vec![Tier::Certified],
        };
        assert_eq!(loaded.case.tiers, expected, "{id}");
    }
}

#[test]
fn nothing_is_declared_in_vain() {
    let suite = suite();
    let sources: Vec<&str> = suite.cases.values().map(|loaded| &*loaded.source).collect();
    for item in suite.suite.ics.keys() {
        let name = format!("ics.{item}");
        assert!(
            sources.iter().any(|text| text.contains(&name)),
            "no case depends on {name}"
        );
    }
    for limit in suite.limits.keys() {
        let used = suite
            .cases
            .values()
            .any(|loaded| loaded.case.measure.iter().any(|one| **one.limit == *limit));
        assert!(used, "no case is held against the limit {limit}");
    }
    for signal in suite.signals.keys() {
        let used = suite.cases.values().any(|loaded| {
            steps(&loaded.case).any(|step| matches!(step, Step::Play(play) if **play.signal == *signal))
        });
        assert!(used, "no case plays {signal}");
    }
}

#[test]
fn a_case_that_lets_a_call_ring_does_not_have_it_answered_automatically() {
    use voxproof_spec::Capability::{Answer, ManualAnswer};
    for (id, loaded) in &suite().cases {
        let needs: BTreeSet<_> = loaded.case.needs.iter().map(|needed| **needed).collect();
        assert_eq!(needs.len(), loaded.case.needs.len(), "{id} needs something twice");
        assert!(
            !(needs.contains(&Answer) && needs.contains(&ManualAnswer)),
            "{id}"
        );
        let called = steps(&loaded.case).any(|step| matches!(step, Step::Call(_)));
        assert_eq!(
            called,
            needs.contains(&Answer) || needs.contains(&ManualAnswer),
            "{id}"
        );
    }
}

/// A copy of the suite in which a mistake can be made.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for part in [
            "test-specs/ip-phone/cases",
            "test-specs/ip-phone/limits",
            "test-specs/ip-phone",
            "fixtures/wav",
        ] {
            let to = folder.path().join(part);
            fs::create_dir_all(&to).expect("folders can be made");
            for entry in fs::read_dir(repository().join(part))
                .expect("the suite is there")
                .flatten()
            {
                if entry.path().is_file() {
                    fs::copy(entry.path(), to.join(entry.file_name())).expect("files can be copied");
                }
            }
        }
        Self { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("test-specs/ip-phone")
    }

    fn replace(&self, file: &str, right: &str, wrong: &str) -> &Self {
        let path = self.root().join(file);
        let text = fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(right), "{file} has no `{right}` to spoil");
        fs::write(path, text.replacen(right, wrong, 1)).expect("the copy can be written");
        self
    }

    /// The mistakes as printed, without what differs between machines.
    fn mistakes(&self) -> String {
        let problems = load_suite(&self.root()).expect_err("the mistake is found");
        problems
            .render(false)
            .replace(&self.root().display().to_string(), "SUITE")
    }
}

fn spoilt(file: &str, right: &str, wrong: &str) -> String {
    Copy::new().replace(file, right, wrong).mistakes()
}

#[test]
fn an_untouched_copy_is_the_same_suite() {
    let copy = load_suite(&Copy::new().root()).expect("the copy is valid");
    assert_eq!(copy.sha256, suite().sha256);
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(spoilt("cases/IPP-BAS-001.toml", "severity = ", "severty = "));
}

#[test]
fn an_unknown_key_of_a_step() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-001.toml",
        "answered_within",
        "answerd_within"
    ));
}

#[test]
fn an_unknown_step() {
    insta::assert_snapshot!(spoilt("cases/IPP-BAS-001.toml", "bye = {", "by = {"));
}

#[test]
fn a_missing_unit() {
    insta::assert_snapshot!(spoilt("cases/IPP-BAS-001.toml", "for = \"3 s\"", "for = \"3\""));
}

#[test]
fn a_wrong_unit() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-001.toml",
        "for = \"3 s\"",
        "for = \"3 dB\""
    ));
}

#[test]
fn a_wrong_unit_of_a_limit() {
    insta::assert_snapshot!(spoilt("limits/audio.toml", "unit = \"dBm0\"", "unit = \"dBov\""));
}

#[test]
fn a_missing_applies() {
    insta::assert_snapshot!(spoilt("cases/IPP-BAS-001.toml", "applies = \"true\"\n", ""));
}

#[test]
fn a_misspelt_field_in_an_expression() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-HLD-001.toml",
        "msg.sdp.audio.direction in",
        "msg.sdp.audio.directoin in"
    ));
}

#[test]
fn a_misspelt_field_in_the_second_line_of_an_expression() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-002.toml",
        "marks.answer.to_tag",
        "marks.answer.totag"
    ));
}

#[test]
fn a_misspelt_ics_item() {
    insta::assert_snapshot!(spoilt("cases/IPP-HLD-003.toml", "ics.hold", "ics.holt"));
}

#[test]
fn a_number_compared_with_text() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-001.toml",
        "msg.status == 200",
        "msg.status == \"200\""
    ));
}

#[test]
fn an_unknown_mark() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-001.toml",
        "at = \"bye-answer\"",
        "at = \"bye-anwser\""
    ));
}

#[test]
fn a_mark_set_twice() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-001.toml",
        "mark = \"over\"",
        "mark = \"talk\""
    ));
}

#[test]
fn a_mark_that_cannot_be_set() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-005.toml",
        "mark = \"invite\"",
        "mark = \"invite\", answer_mark = \"x\""
    ));
}

#[test]
fn an_unknown_limit() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-AUD-001.toml",
        "limit = \"send-level\"",
        "limit = \"sent-level\""
    ));
}

#[test]
fn a_limit_of_another_quantity() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-AUD-001.toml",
        "limit = \"send-level\"",
        "limit = \"speech-snr\""
    ));
}

#[test]
fn an_unknown_signal() {
    insta::assert_snapshot!(spoilt("cases/IPP-AUD-001.toml", "\"speech-m1\"", "\"speech-m2\""));
}

#[test]
fn a_signal_at_another_rate() {
    insta::assert_snapshot!(spoilt("suite.toml", "speech-f1-8k.wav", "speech-f1-16k.wav"));
}

#[test]
fn an_unknown_actor() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-003.toml",
        "at = \"peer_a\"",
        "at = \"peer_d\""
    ));
}

#[test]
fn an_undeclared_capability() {
    insta::assert_snapshot!(spoilt(
        "cases/IPP-BAS-002.toml",
        "\"answer\", \"hangup\"",
        "\"answer\""
    ));
}

#[test]
fn a_check_with_two_questions() {
    let wrong = "messages = { request = \"INVITE\", count = { max = 0 } }\nmessage = ";
    insta::assert_snapshot!(spoilt("cases/IPP-SDP-002.toml", "message = ", wrong));
}

#[test]
fn two_mistakes_in_two_files_are_both_reported() {
    let copy = Copy::new();
    copy.replace(
        "cases/IPP-BAS-001.toml",
        "limit = \"media-stop\"",
        "limit = \"media-end\"",
    );
    copy.replace(
        "cases/IPP-BAS-002.toml",
        "id = \"IPP-BAS-002\"",
        "id = \"IPP-BAS-001\"",
    );
    insta::assert_snapshot!(copy.mistakes());
}
