//! Text from a device is text, whatever it looks like.

use std::collections::BTreeMap;

use proptest::prelude::*;
use quick_junit::Report as Junit;
use voxproof_record::{
    BoundResult, CaseFinished, CaseRecord, Counts, Designation, DesignationResults, EvidenceObject, Exhibits,
    FindingResult, IcsSight, IcsSighting, Judgement, LadderRow, LevelPlot, MeasurementResult, Run,
    RunFinished, RunState, Selection,
};
use voxproof_report::{Format, Report, render};
use voxproof_spec::{IcsDeclaration, LimitSource, Severity, Tier, Verdict};

use crate::markup::{page, skeleton};
use crate::synthetic::{Builder, check, judgement, planned, started};

const HOSTILE: &str = "\"><script>alert(1)</script><img/src=x/onerror=alert(1)>'</pre></svg></title><!--]]>&amp;\0\u{1b}[31m\u{8}\u{202e}\u{ffff}{{7*7}}{%x%}";

fn exhibits(text: &str) -> Exhibits {
    let row = |kind: &str, packet| LadderRow {
        packet,
        at_ms: 1.0,
        from_device: true,
        actor: text.into(),
        label: text.into(),
        kind: kind.into(),
        detail: format!("{text}\r\n{text}"),
        mark: Some(text.into()),
        retransmission: false,
        intercepted: None,
    };
    let plot = LevelPlot {
        stream: text.into(),
        start_s: 0.0,
        duration_s: 1.0,
        envelope: vec![(-1.0, 1.0); 3],
        level_dbov: vec![-20.0; 3],
        wav: Some(text.into()),
    };
    Exhibits {
        ladder: vec![
            row("sip", Some(1)),
            row("rtp", None),
            row("action", None),
            row(text, None),
        ],
        levels: vec![plot],
    }
}

fn foreign_judgement(text: &str) -> Judgement {
    let mut judged = judgement(Verdict::Fail, text);
    judged.checks = vec![check(text, text, Verdict::Fail, text, text, text, &[1])];
    judged.measurements = vec![MeasurementResult {
        quantity: text.into(),
        stream: text.into(),
        value: Some(1.0),
        unit: text.into(),
        note: text.into(),
        n: 1,
        uncertainty: Some(0.1),
        limit: text.into(),
        clause: text.into(),
        source: LimitSource::Proposal,
        verdict: Verdict::Fail,
        bounds: vec![BoundResult {
            tier: Tier::Certified,
            lower: Some(2.0),
            upper: None,
            margin: Some(-1.0),
            verdict: Verdict::Fail,
        }],
    }];
    judged.ics = vec![IcsSighting {
        item: text.into(),
        chances: 1,
        seen: 1,
        first: Some(IcsSight {
            packet: Some(1),
            what: text.into(),
        }),
    }];
    judged.findings = vec![FindingResult {
        rule: text.into(),
        severity: Severity::Optional,
        clause: text.into(),
        message: text.into(),
        evidence: vec![1, 2],
    }];
    judged
}

/// A run in memory with the same text in every place that a device, an operator or a file can fill.
fn run_of(text: &str) -> Run {
    let mut how = started(vec![]);
    for place in [
        &mut how.run_id,
        &mut how.host,
        &mut how.profile,
        &mut how.tool_version,
        &mut how.suite.title,
        &mut how.suite.sha256,
        &mut how.device.manufacturer,
        &mut how.device.model,
        &mut how.device.firmware,
        &mut how.device.driver,
    ] {
        *place = text.into();
    }
    how.only = Some(text.into());
    how.device.capabilities = vec![text.into()];
    how.ics = BTreeMap::from([(text.into(), true)]);
    how.proforma = vec![IcsDeclaration {
        item: text.into(),
        question: text.into(),
        mandatory: vec![Tier::Certified],
        condition: Some(text.into()),
        asked: true,
        because: Some(text.into()),
        declared: false,
        by_default: true,
        observable: true,
    }];
    let object = EvidenceObject {
        name: text.into(),
        sha256: text.into(),
        bytes: 3,
        path: text.into(),
    };
    how.evidence = vec![object.clone()];
    let attempt = CaseFinished {
        case: text.into(),
        rev: 1,
        attempt: 1,
        judgement: foreign_judgement(text),
        evidence: vec![object],
        exhibits: None,
        recovered: Some(text.into()),
        wall_s: 1.0,
    };
    let not_applicable = planned(
        "A-2",
        text,
        text,
        &[],
        Selection::NotApplicable { reason: text.into() },
    );
    let cases = vec![
        CaseRecord {
            planned: planned(text, text, text, &[text], Selection::Run),
            attempts: vec![attempt],
        },
        CaseRecord {
            planned: not_applicable,
            attempts: vec![],
        },
    ];
    let missed = Designation {
        meets: false,
        granted: false,
        reasons: vec![text.into()],
    };
    Run {
        path: "/nowhere".into(),
        started: how,
        started_at: text.into(),
        last_at: text.into(),
        cases,
        finished: Some(RunFinished {
            counts: Counts::default(),
            designation: DesignationResults {
                certified: missed.clone(),
                works_with: missed,
            },
            wall_s: 1.0,
            waiting_s: None,
        }),
        state: RunState::Finished,
    }
}

fn with_exhibits(folder: &std::path::Path, text: &str) -> Run {
    let plan = vec![planned("A-1", "t", "p", &[], Selection::Run)];
    let mut builder = Builder::new(folder, started(plan));
    let mut exhibits = exhibits(text);
    exhibits.levels[0].wav = None;
    builder.attempt("A-1", 1, judgement(Verdict::Fail, "r"), Some(&exhibits), None);
    builder.leave()
}

fn assert_harmless(page: &str) {
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    assert!(!page.contains("<img") && !page.contains("<!--"));
    let bad = page
        .chars()
        .find(|c| (c.is_control() && *c != '\n' && *c != '\t') || matches!(c, '\u{202e}' | '\u{ffff}'));
    assert_eq!(bad, None);
}

#[test]
fn the_page_has_the_same_elements_whatever_the_text() {
    let harmless: String = HOSTILE.chars().map(|_| 'x').collect();
    let hostile = page(&run_of(HOSTILE));
    assert_eq!(skeleton(&hostile), skeleton(&page(&run_of(&harmless))));
    assert_harmless(&hostile);
    assert!(hostile.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(hostile.contains("{{7*7}}"), "foreign text is no template");
    assert!(
        !hostile.contains("href=\"&quot;"),
        "a path outside of the evidence is no link"
    );
}

#[test]
fn pictures_have_the_same_elements_whatever_the_text() {
    let harmless: String = HOSTILE.chars().map(|_| 'x').collect();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let hostile = page(&with_exhibits(folders[0].path(), HOSTILE));
    assert_eq!(
        skeleton(&hostile),
        skeleton(&page(&with_exhibits(folders[1].path(), &harmless)))
    );
    assert_harmless(&hostile);
    assert!(
        hostile.contains("\u{2400}\u{241b}[31m"),
        "control bytes are shown"
    );
}

#[test]
fn junit_stays_xml_and_shows_what_it_was() {
    let bytes = render(&run_of(HOSTILE), Format::Junit).unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(!text.contains("<script") && !text.contains("]]>"));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    let junit = Junit::deserialize(bytes.as_slice()).unwrap();
    let quick_junit::TestCaseStatus::NonSuccess {
        message: Some(message),
        ..
    } = &junit.test_suites[0].test_cases[0].status
    else {
        panic!("the case failed");
    };
    let shown = "<script>alert(1)</script>";
    assert!(
        message.contains(shown) && message.contains("]]>&amp;\u{2400}\u{241b}[31m"),
        "{message:?}"
    );
}

#[test]
fn json_keeps_the_text_as_it_was() {
    let report: Report = serde_json::from_slice(&render(&run_of(HOSTILE), Format::Json).unwrap()).unwrap();
    assert_eq!(report.cases[0].checks[0].actual, HOSTILE);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_text_is_only_text(text in any::<String>()) {
        let run = run_of(&text);
        assert_harmless(&page(&run));
        skeleton(&page(&run));
        let bytes = render(&run, Format::Junit).unwrap();
        Junit::deserialize(bytes.as_slice()).unwrap();
        let report: Report = serde_json::from_slice(&render(&run, Format::Json).unwrap()).unwrap();
        prop_assert_eq!(report, Report::from_run(&run));
    }
}
