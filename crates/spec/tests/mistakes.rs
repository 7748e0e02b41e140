//! A mistake in a suite is reported where it stands, with its code and what to do.
//!
//! The mistakes are made in copies of a small suite of these tests, so that the lines stay where they are.

use std::fs;
use std::path::Path;

use voxproof_spec::{lint_paths, load_device, load_suite};

use support::SuiteCopy;

mod support;

fn small_suite() -> SuiteCopy {
    SuiteCopy::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/small-suite"))
}

fn replace(copy: &SuiteCopy, file: &str, right: &str, wrong: &str) {
    let path = copy.root().join(file);
    let text = fs::read_to_string(&path).expect("the file is there");
    assert!(text.contains(right), "{file} has no `{right}` to spoil");
    fs::write(path, text.replacen(right, wrong, 1)).expect("the copy can be written");
}

/// The mistakes as printed, without what differs between machines.
fn mistakes(copy: &SuiteCopy) -> String {
    let problems = load_suite(&copy.root()).expect_err("the mistake is found");
    problems
        .render(false)
        .replace(&copy.root().display().to_string(), "SUITE")
}

fn spoilt(file: &str, right: &str, wrong: &str) -> String {
    let copy = small_suite();
    replace(&copy, file, right, wrong);
    mistakes(&copy)
}

#[test]
fn the_small_suite_has_none() {
    let suite = load_suite(&small_suite().root()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(suite.cases.len(), 2);
}

macro_rules! mistakes {
    ($($name:ident: $file:literal, $right:literal => $wrong:literal;)*) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), spoilt($file, $right, $wrong));
        })*
    };
}

mistakes! {
    not_toml: "cases/SML-001.toml", "rev = 1" => "rev = ";
    a_number_in_the_place_of_text: "cases/SML-001.toml", "title = \"Takes a call and is put on hold\"" => "title = 7";
    an_unknown_key: "cases/SML-001.toml", "severity = " => "severty = ";
    an_unknown_key_of_a_step: "cases/SML-001.toml", "answered_within" => "answerd_within";
    an_unknown_key_of_a_check: "cases/SML-001.toml", "during = \"talk\", expect" => "druing = \"talk\", expect";
    an_unknown_step: "cases/SML-001.toml", "wait = {" => "wiat = {";
    an_unknown_device_action: "cases/SML-001.toml", "hangup = {}" => "hang_up = {}";
    an_unknown_level: "cases/SML-001.toml", "level = \"core\"" => "level = \"kore\"";
    a_missing_unit: "cases/SML-001.toml", "for = \"3 s\"" => "for = \"3\"";
    a_wrong_unit: "cases/SML-001.toml", "for = \"3 s\"" => "for = \"3 dB\"";
    a_wrong_unit_of_a_limit: "limits/audio.toml", "unit = \"dBm0\"" => "unit = \"dBov\"";
    bounds_the_wrong_way_round: "limits/audio.toml", "lower = -26.0" => "lower = -6.0";
    a_missing_applies: "cases/SML-001.toml", "applies = \"ics.hold\"\n" => "";
    no_tier: "cases/SML-001.toml", "tiers = [\"certified\", \"works-with\"]" => "tiers = []";
    a_broken_expression: "cases/SML-002.toml", "msg.branch ==" => "msg.branch =";
    a_misspelt_field: "cases/SML-001.toml", "msg.sdp.audio.direction" => "msg.sdp.audio.directoin";
    a_misspelt_field_in_the_second_line: "cases/SML-001.toml", "marks.answer.to_tag" => "marks.answer.totag";
    a_misspelt_mark_in_an_expression: "cases/SML-002.toml", "marks.invite" => "marks.invit";
    a_misspelt_ics_item: "cases/SML-001.toml", "ics.hold" => "ics.holt";
    a_number_compared_with_text: "cases/SML-001.toml", "msg.status == 200" => "msg.status == \"200\"";
    a_condition_that_is_none: "cases/SML-002.toml", "msg.branch == marks.invite.branch" => "msg.status";
    a_whole_number_times_a_fraction: "cases/SML-001.toml", "double(rtp.lost)" => "rtp.lost * 1.5";
    an_unknown_mark: "cases/SML-001.toml", "at = \"answer\"" => "at = \"anwser\"";
    a_mark_that_comes_later: "cases/SML-001.toml", "since = \"talk\"" => "since = \"over\"";
    a_mark_set_twice: "cases/SML-001.toml", "mark = \"over\"" => "mark = \"talk\"";
    a_mark_that_cannot_be_set: "cases/SML-001.toml", "answered_within = \"8 s\", " => "";
    an_ack_that_cannot_come: "cases/SML-002.toml", "reject = 486, " => "";
    answered_and_rejected: "cases/SML-002.toml", "reject = 486" => "reject = 486, answer_after = \"1 s\"";
    an_unknown_limit: "cases/SML-001.toml", "limit = \"send-level\"" => "limit = \"sent-level\"";
    a_limit_of_another_quantity: "cases/SML-001.toml", "limit = \"send-level\"" => "limit = \"speech-snr\"";
    an_unknown_signal: "cases/SML-001.toml", "\"speech-f1\"" => "\"speech-m1\"";
    a_signal_at_another_rate: "suite.toml", "speech-f1-8k.wav" => "speech-f1-16k.wav";
    a_signal_that_is_none: "suite.toml", "speech-f1-8k.wav" => "README.md";
    an_unknown_actor: "cases/SML-002.toml", "at = \"peer_a\"" => "at = \"peer_d\"";
    not_a_stream: "cases/SML-001.toml", "\"device -> peer_a\"" => "\"device to peer_a\"";
    an_undeclared_capability: "cases/SML-001.toml", "\"answer\", \"hangup\"" => "\"answer\"";
    a_body_that_is_no_hexadecimal: "cases/SML-001.toml", "call = { from" => "call = { mutate = [{ body_hex = \"0fz\" }], from";
    a_condition_without_a_designation: "suite.toml", "default = true" => "default = true\nmandatory_if = \"ics.hold\"";
    a_mandatory_item_without_a_reason: "suite.toml", "default = true" => "mandatory = [\"certified\"]";
    a_condition_on_an_unknown_item: "suite.toml", "default = true" => "mandatory = [\"certified\"]\nmandatory_if = \"!ics.holt\"\nbecause = \"b\"";
    an_item_of_the_minimum_alone: "suite.toml", "default = true" => "mandatory = [\"works-with\"]\nbecause = \"b\"";
    an_item_of_no_designation: "suite.toml", "default = true" => "mandatory = [\"informative\"]\nbecause = \"b\"";
    a_misspelt_designation: "suite.toml", "default = true" => "mandatory = [\"certfied\"]\nbecause = \"b\"";
    an_unknown_sign: "suite.toml", "default = true" => "observed = { suported = \"timer\" }";
    a_sign_that_shows_nothing: "suite.toml", "default = true" => "observed = {}";
    an_unknown_transport_of_registrations: "suite.toml", "default = true" => "observed = { registers_by = [\"UDB\"] }";
    nothing_to_wait_for: "cases/SML-001.toml", "request = \"BYE\", " => "";
    not_a_status: "cases/SML-001.toml", "request = \"BYE\"" => "response = \"20\"";
    a_check_with_two_questions: "cases/SML-002.toml", "message = " => "dtmf = { stream = \"device -> peer_a\", digits = \"1\" }\nmessage = ";
    a_check_without_a_question: "cases/SML-002.toml", "message = { at = \"ack\", expect = 'msg.branch == marks.invite.branch' }" => "";
}

#[test]
fn mistakes_in_two_files_are_all_reported() {
    let copy = small_suite();
    replace(
        &copy,
        "cases/SML-001.toml",
        "limit = \"send-level\"",
        "limit = \"sound-level\"",
    );
    replace(
        &copy,
        "cases/SML-001.toml",
        "severity = \"ko\"",
        "severity = \"ko\"\ncatalogue = \"\"",
    );
    replace(
        &copy,
        "cases/SML-002.toml",
        "id = \"SML-002\"",
        "id = \"SML-001\"",
    );
    insta::assert_snapshot!(mistakes(&copy));
}

#[test]
fn a_folder_that_is_no_suite() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let problems = load_suite(folder.path()).expect_err("there is no suite");
    let text = problems
        .render(false)
        .replace(&folder.path().display().to_string(), "SUITE");
    insta::assert_snapshot!(text);
}

/// A device file is held against the proforma of the suite that is checked with it, whichever is named first.
#[test]
fn claims_of_a_device_file_are_held_against_the_suite_beside_it() {
    let copy = small_suite();
    let device = copy.root().join("device.toml");
    let text =
        "[device]\nmanufacturer = \"m\"\nmodel = \"n\"\nfirmware = \"1\"\n[driver.sim]\n[ics]\nholt = true\n";
    fs::write(&device, text).expect("the file can be written");
    let root = copy.root();
    let (alone, _) = lint_paths(&[&device]);
    assert!(alone.0.is_empty(), "{alone}");
    for paths in [[device.as_path(), &root], [&root, device.as_path()]] {
        let (found, _) = lint_paths(&paths);
        let codes: Vec<&str> = found.0.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["E0117"], "{found}");
    }
}

#[test]
fn drivers_that_cannot_stand_beside_each_other() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("device.toml");
    let head = "[device]\nmanufacturer = \"x\"\nmodel = \"x\"\nfirmware = \"1\"\n\n";
    let mut shown = String::new();
    for drivers in [
        "[[driver]]\n[driver.manual]\n\n[[driver]]\n[driver.manual]\n",
        "[[driver]]\n[driver.sim]\n\n[[driver]]\n[driver.baresip]\n",
        "[driver.sip]\n",
        "[driver.sip]\nrefer = true\n\n[driver.manual]\n",
        "[[driver]]\n[driver.sip]\nanswer = [\"answer-modus\"]\n",
        "[[driver]]\n[driver.spi]\nrefer = true\n",
    ] {
        fs::write(&path, format!("{head}{drivers}")).expect("the file can be written");
        let problems = load_device(&path, None).expect_err("the mistake is found");
        shown += &problems
            .render(false)
            .replace(&folder.path().display().to_string(), "FOLDER");
        shown += "\n";
    }
    insta::assert_snapshot!(shown);
}
