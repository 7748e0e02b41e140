//! Whole calls as they should be: no rule that binds is broken.

use voxproof_rules::Severity;

#[test]
fn legal_calls_give_no_must_and_no_should() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/healthy");
    let mut wrong = Vec::new();
    let mut calls = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is in git") {
        let path = entry.expect("a readable entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let engine = crate::common::play(&text);
        calls += 1;
        wrong.extend(
            engine
                .findings()
                .iter()
                .filter(|finding| finding.rule.severity > Severity::Note)
                .map(|finding| {
                    format!(
                        "{}: {} at {:?}: {}",
                        path.file_name().unwrap_or_default().display(),
                        finding.rule.id,
                        finding.at,
                        finding.message
                    )
                }),
        );
        assert_eq!(crate::common::count(&engine, "SIP-MSG-001").broken, 0);
        assert!(
            engine.checked().filter(|count| count.applicable > 0).count() > 30,
            "{}",
            path.display()
        );
    }
    assert!(calls >= 8, "{calls} calls");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
