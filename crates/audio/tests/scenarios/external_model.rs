//! Models that are programs of their own, played by a shell.

use std::path::PathBuf;

use proptest::prelude::*;
use voxproof_audio::quality::external::{Description, ExternalScores};

fn description(script: &str, time_limit_s: f64) -> Description {
    let script = toml::Value::String(script.to_owned());
    let text = format!(
        "name = \"P.863\"\nprogram = \"/bin/sh\"\narguments = [\"-c\", {script}, \"{{reference}}\", \"{{degraded}}\"]\n\
         version_arguments = [\"-c\", \"echo; echo model 3.0\"]\ntime_limit_s = {time_limit_s:?}\n\
         [scores.MOS-LQO]\npointer = \"/result/0/mos\"\nlowest = 1\nhighest = 5\n"
    );
    Description::parse(&text).expect("a description")
}

fn score(script: &str, time_limit_s: f64) -> Result<ExternalScores, String> {
    // any two files that are there
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    description(script, time_limit_s)
        .score(&file, &file)
        .map_err(|error| error.to_string())
}

#[test]
fn the_scores_come_with_what_gave_them() {
    // sh -c script reference degraded: the first path is $0, the second $1
    let found = score(
        r#"test -f "$0" && test -f "$1" && echo '{"result": [{"mos": 4.25}]}'"#,
        60.0,
    )
    .expect("scores");
    assert_eq!(
        (found.model.as_str(), found.version.as_str()),
        ("P.863", "model 3.0")
    );
    assert_eq!(found.scores["MOS-LQO"], 4.25);
    assert_eq!(found.program_sha256.len(), 64);
}

#[test]
fn what_goes_wrong_is_a_reason() {
    for (script, reason) in [
        (
            "echo no licence >&2; exit 3",
            "P.863 failed (exit status: 3): no licence",
        ),
        ("echo 4.2 4.3", "P.863 printed what is not JSON: "),
        (
            "echo '{}'",
            "P.863 printed no number at \"/result/0/mos\" for MOS-LQO",
        ),
        (
            r#"echo '{"result": [{"mos": 7}]}'"#,
            "P.863 gave 7 for MOS-LQO, whose scale is 1 to 5",
        ),
    ] {
        let error = score(script, 60.0).unwrap_err();
        assert!(error.starts_with(reason), "{error}");
    }
    assert_eq!(
        score("exec sleep 600", 0.2).unwrap_err(),
        "P.863 did not end within 0.2 s"
    );
    let mut absent = description("true", 1.0);
    absent.program = PathBuf::from("/no/such/program");
    let error = absent
        .score(&PathBuf::from("/"), &PathBuf::from("/"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("P.863 cannot be read (/no/such/program): "),
        "{error}"
    );
}

#[test]
fn a_program_that_prints_without_end_does_not_fill_the_memory() {
    let error = score("yes 2>/dev/null | head -c 3000000", 60.0).unwrap_err();
    assert!(error.contains("not JSON"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_answer_is_read_or_refused(answer: Vec<u8>, value: f64) {
        let description = description("true", 1.0);
        prop_assert!(description.scores_in(&answer).is_err());
        let answer = format!("{{\"result\":[{{\"mos\":{value}}}]}}");
        prop_assert_eq!(description.scores_in(answer.as_bytes()).is_ok(), (1.0..=5.0).contains(&value));
    }
}
