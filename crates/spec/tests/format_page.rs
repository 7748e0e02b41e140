//! The page for people who write cases says everything there is to write, and its examples are valid.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use voxproof_spec::{
    CODES, Environment, SCHEMAS, Type, connection_environment, dtmf_environment, fuzz_environment,
    impairment_environment, inband_environment, load_suite, message_environment, only_environment,
    parse_limits, rtcp_environment, rtp_environment, schema_json, service_environment,
};

use support::{SuiteCopy, repository};

mod support;

fn page() -> String {
    fs::read_to_string(repository().join("docs/spec-format.md")).expect("the page is there")
}

/// The TOML examples of the page.
fn examples() -> Vec<String> {
    let page = page();
    let blocks = page.split("```toml\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

/// What stands in backquotes, split into words.
fn words() -> BTreeSet<String> {
    let page = page();
    let prose: String = page.split("```").step_by(2).collect();
    let quoted = prose.split('`').skip(1).step_by(2);
    quoted
        .flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || "._-".contains(c))))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_complete_example_is_a_case_of_the_suite() {
    let examples = examples();
    let example = examples
        .iter()
        .find(|text| text.starts_with("id = "))
        .expect("the page has a complete case");
    let copy = SuiteCopy::of(&repository().join("test-specs/ip-phone"));
    fs::write(copy.root().join("cases/IPP-EXM-001.toml"), example).expect("the copy can be written");
    let suite = load_suite(&copy.root()).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(suite.cases.contains_key("IPP-EXM-001"));
}

#[test]
fn the_example_of_a_limit_is_one() {
    let examples = examples();
    let example = examples
        .iter()
        .find(|text| text.starts_with("[[limit]]"))
        .expect("the page has a limit");
    let limits = parse_limits(Path::new("spec-format.md"), &Arc::from(example.as_str()));
    assert_eq!(limits.unwrap_or_else(|problems| panic!("{problems}")).len(), 1);
}

#[test]
fn every_code_is_listed_and_explained() {
    let page = page();
    for entry in CODES {
        let row = format!("| {} | {} |", entry.code, entry.title);
        assert!(page.contains(&row), "the page lacks `{row}`");
        assert!(entry.explanation.len() > 20, "{} is not explained", entry.code);
    }
}

fn paths(prefix: &str, of: &Type, found: &mut Vec<String>) {
    match of {
        Type::Object(fields) => fields
            .iter()
            .for_each(|(name, of)| paths(&format!("{prefix}.{name}"), of, found)),
        Type::Map(_) => found.push(format!("{prefix}.NAME")),
        _ => found.push(prefix.to_owned()),
    }
}

#[test]
fn every_field_of_an_expression_is_listed() {
    let words = words();
    let environments: [Environment; 10] = [
        message_environment(&[]),
        rtp_environment(&[]),
        dtmf_environment(),
        inband_environment(),
        rtcp_environment(&[]),
        connection_environment(),
        service_environment(),
        impairment_environment(),
        fuzz_environment(),
        only_environment(),
    ];
    let mut fields = vec![];
    for environment in &environments {
        for (name, of) in &environment.variables {
            paths(name, of, &mut fields);
        }
    }
    assert!(fields.len() > 60, "{} fields", fields.len());
    for field in fields {
        assert!(words.contains(&field), "the page does not tell of `{field}`");
    }
}

/// Keys and words of a fixed choice.
fn vocabulary(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                found.extend(properties.keys().cloned());
            }
            let choices = map.get("enum").and_then(Value::as_array).into_iter().flatten();
            found.extend(
                choices
                    .chain(map.get("const"))
                    .filter_map(Value::as_str)
                    .map(str::to_owned),
            );
            map.values().for_each(|value| vocabulary(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| vocabulary(value, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_a_case_and_of_a_suite_is_listed() {
    assert!(SCHEMAS.contains(&"case") && SCHEMAS.contains(&"suite"));
    let words = words();
    let examples: String = examples().concat();
    let mut keys = BTreeSet::new();
    for name in ["case", "suite"] {
        vocabulary(&schema_json(name).expect("the schema exists"), &mut keys);
    }
    assert!(keys.len() > 100, "{} keys", keys.len());
    for key in keys {
        // measured quantities, capabilities, directions, ... stand in the tables, plain keys may stand in the example
        let shown = words.contains(&key) || examples.contains(&format!("{key} = "));
        assert!(shown, "the page does not tell of `{key}`");
    }
}
