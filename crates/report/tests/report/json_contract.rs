//! `report.json` keeps the names that others read.

use serde_json::Value;
use voxproof_report::{Format, Report, render, report_schema, report_schema_text};

use crate::synthetic::full_run;

fn fixed() -> (tempfile::TempDir, voxproof_record::Run) {
    let folder = tempfile::tempdir().unwrap();
    let mut run = full_run(folder.path());
    run.started_at = "2026-11-21T13:18:22Z".into();
    run.last_at = "2026-11-21T13:19:36Z".into();
    (folder, run)
}

#[test]
fn the_whole_report() {
    let (_folder, run) = fixed();
    let value: Value = serde_json::from_slice(&render(&run, Format::Json).unwrap()).unwrap();
    insta::assert_json_snapshot!("report", value);
}

#[test]
fn fields_of_the_contract() {
    let (_folder, run) = fixed();
    let value: Value = serde_json::from_slice(&render(&run, Format::Json).unwrap()).unwrap();
    for pointer in "/schema_version /run_id /started /finished /suite/id /suite/release /suite/sha256 /device/manufacturer \
         /device/model /device/firmware /device/driver /profile /official /analyzer_version /designation/certified/meets \
         /designation/certified/granted /designation/certified/reasons/0 /designation/works_with/meets /counts/pass \
         /counts/fail /counts/inconc /counts/error /counts/not_applicable /counts/not_run /cases/0/id /cases/0/rev \
         /cases/0/title /cases/0/level /cases/0/severity /cases/0/verdict /cases/0/reason /cases/0/requirement/0 \
         /cases/0/attempts/0 /cases/0/checks/0/id /cases/0/checks/0/verdict /cases/0/checks/0/expected \
         /cases/0/checks/0/actual /cases/0/checks/0/clause /cases/0/checks/0/evidence/0 /cases/0/findings/0/rule \
         /cases/0/findings/0/severity /cases/0/findings/0/clause /cases/0/findings/0/message \
         /cases/0/findings/0/evidence/0 /cases/0/wall_s /cases/2/measurements/0/quantity /cases/2/measurements/0/value \
         /cases/2/measurements/0/unit /cases/2/measurements/0/lower /cases/2/measurements/0/upper \
         /cases/2/measurements/0/margin /cases/2/measurements/0/uncertainty /cases/2/measurements/0/tier \
         /cases/2/measurements/0/source /notice /cases/0/attempts/0/evidence/0/sha256 /cases/3/attempts/1/recovered"
        .split_whitespace()
    {
        assert!(value.pointer(pointer).is_some_and(|found| !found.is_null()), "{pointer}");
    }
    assert_eq!(
        value["notice"],
        "unofficial results; not a certification or endorsement"
    );
    let verdicts: Vec<&str> = value["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(
        verdicts,
        [
            "pass",
            "inconc",
            "fail",
            "inconc",
            "error",
            "not-run",
            "not-applicable",
            "pass"
        ]
    );
}

#[test]
fn bounds_at_the_top_are_those_of_the_designation_aimed_at() {
    let (_folder, mut run) = fixed();
    let level = |run: &voxproof_record::Run| Report::from_run(run).cases[2].measurements[0].clone();
    assert_eq!(
        (level(&run).lower, level(&run).margin),
        (Some(-24.0), Some(-2.31))
    );
    run.started.target = voxproof_spec::Tier::WorksWith;
    assert_eq!((level(&run).lower, level(&run).margin), (Some(-30.0), Some(3.69)));
}

#[test]
fn the_report_reads_back_and_its_schema_names_every_field() {
    let (_folder, run) = fixed();
    let report = Report::from_run(&run);
    let bytes = render(&run, Format::Json).unwrap();
    assert_eq!(serde_json::from_slice::<Report>(&bytes).unwrap(), report);
    let schema = report_schema();
    let value = serde_json::to_value(&report).unwrap();
    for name in value.as_object().unwrap().keys() {
        assert!(schema["properties"].get(name).is_some(), "{name}");
    }
    assert!(
        schema["$defs"]["CaseReport"]["properties"]
            .get("attempts")
            .is_some()
    );
    assert_eq!(
        serde_json::from_str::<Value>(&report_schema_text()).unwrap(),
        schema
    );
}
