//! `docs/rules.md` is what the catalogue says; with VOXPROOF_GENERATE=1 it is written.

use std::fmt::Write as _;

use voxproof_rules::RULES;

#[test]
fn the_table_of_rules_is_current() {
    let mut text = String::from(
        "# Rules\n\nEvery message and packet of a device is held against these, whatever the case. Severity is that of the \
         clause: a *note* is legal.\nGenerated from `crates/rules/src/catalogue.rs`; do not edit.\n\n\
         | id | severity | clause | rule |\n|---|---|---|---|\n",
    );
    for rule in RULES {
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            rule.id, rule.severity, rule.clause, rule.title
        )
        .expect("a String takes everything");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");
    if std::env::var_os("VOXPROOF_GENERATE").is_some() {
        std::fs::write(path, &text).expect("docs is writable");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == text,
        "docs/rules.md is not current: run with VOXPROOF_GENERATE=1"
    );
}
