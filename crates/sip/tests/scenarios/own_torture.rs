//! The own torture messages: each is read without loss, and the findings are those of the index.

use std::path::{Path, PathBuf};

use toml::{Table, Value};
use voxproof_sip::torture::Placeholders;
use voxproof_sip::{Message, sdp};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sip/torture")
}

fn index() -> Vec<Table> {
    let text = std::fs::read_to_string(folder().join("index.toml")).expect("the index");
    let table: Table = text.parse().expect("TOML");
    let messages = table["message"].as_array().expect("messages");
    messages
        .iter()
        .map(|one| one.as_table().expect("a table").clone())
        .collect()
}

fn filled(entry: &Table) -> Vec<u8> {
    let template = std::fs::read(folder().join(text(entry, "file"))).expect("a message");
    Placeholders {
        device: "dut@192.0.2.9:5060".into(),
        lab: "192.0.2.1:5060".into(),
        transport: "UDP".into(),
        branch: "z9hG4bKtorture1".into(),
        call_id: "torture-1@192.0.2.1".into(),
        tag: "torture1".into(),
    }
    .fill(&template)
}

fn text<'a>(entry: &'a Table, name: &str) -> &'a str {
    entry[name].as_str().expect("a text")
}

fn list(entry: &Table, name: &str) -> Vec<String> {
    let list = entry
        .get(name)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    list.iter()
        .map(|value| value.as_str().expect("a text").to_owned())
        .collect()
}

fn codes(findings: &[voxproof_sip::Finding]) -> Vec<String> {
    let mut codes: Vec<String> = findings.iter().map(|finding| finding.code.to_owned()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn the_index_names_every_file_and_says_what_is_to_happen() {
    let index = index();
    assert!(index.len() >= 60, "{}", index.len());
    let mut named: Vec<String> = index.iter().map(|entry| text(entry, "file").to_owned()).collect();
    let mut there: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name.ends_with(".sip"))
        .collect();
    named.sort_unstable();
    there.sort_unstable();
    assert_eq!(named, there);
    for entry in &index {
        let name = text(entry, "file");
        assert!(
            !text(entry, "what").is_empty() && text(entry, "clause").starts_with("RFC "),
            "{name}"
        );
        assert!(
            matches!(text(entry, "severity"), "violation" | "warning" | "note"),
            "{name}"
        );
        match &entry["answer"] {
            Value::String(word) => assert!(word == "drop" || word == "either", "{name}"),
            Value::Array(classes) => assert!(
                !classes.is_empty()
                    && classes
                        .iter()
                        .all(|class| class.as_integer().is_some_and(|class| (1..=6).contains(&class))),
                "{name}"
            ),
            other => panic!("{name}: {other}"),
        }
        let stream = entry
            .get("stream")
            .is_some_and(|stream| stream.as_bool() == Some(true));
        assert_eq!(filled(entry).len() > 65_507, stream, "{name}");
    }
}

#[test]
fn every_message_keeps_its_bytes_and_has_the_findings_of_the_index() {
    let mut wrong = Vec::new();
    for entry in index() {
        let bytes = filled(&entry);
        let message = Message::parse(&bytes);
        assert_eq!(message.bytes(), bytes);
        let found = (codes(&message.validate()), codes(&sdp_findings(&message)));
        if found != (list(&entry, "findings"), list(&entry, "sdp")) {
            wrong.push(format!("{} {:?} {:?}", text(&entry, "file"), found.0, found.1));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn sdp_findings(message: &Message) -> Vec<voxproof_sip::Finding> {
    if message.is_sdp() {
        sdp::check(message.body())
    } else {
        Vec::new()
    }
}

#[test]
fn what_the_index_calls_a_violation_to_refuse_has_a_reason() {
    for entry in index() {
        let refused = entry["answer"]
            .as_array()
            .is_some_and(|classes| classes.iter().all(|class| class.as_integer() == Some(2)));
        if refused && text(&entry, "severity") == "violation" {
            let findings = Message::parse(&filled(&entry)).validate();
            let bad = findings
                .iter()
                .find(|finding| finding.severity() == voxproof_sip::Severity::Violation);
            // a message that a device has to accept must be in order itself
            assert_eq!(bad, None, "{}", text(&entry, "file"));
        }
    }
}
