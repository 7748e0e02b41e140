//! The JSON Schemas in `schemas/` are those of the types.

mod common;

use voxproof_spec::{SCHEMAS, schema_json};

#[test]
fn schemas_are_up_to_date() {
    for name in SCHEMAS {
        let schema = schema_json(name).expect("every listed schema exists");
        let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
        common::same_or_generate(&format!("schemas/{name}.schema.json"), &text);
    }
    let text =
        serde_json::to_string_pretty(&voxproof_report::report_schema()).expect("a schema is JSON") + "\n";
    common::same_or_generate("schemas/report.schema.json", &text);
    for (name, schema) in [
        ("measure", voxproof_analysis::measure_schema()),
        ("analyze", voxproof_analysis::analyze_schema()),
    ] {
        common::same_or_generate(
            &format!("schemas/{name}.schema.json"),
            &format!("{:#}\n", schema.to_value()),
        );
    }
}
