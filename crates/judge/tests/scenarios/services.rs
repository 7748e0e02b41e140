//! DNS queries and HTTP requests: which count, and what is asked of them.

use crate::lab::{Lab, ms};
use voxproof_record::TimelineEvent;
use voxproof_spec::Verdict;

fn event(service: &str, fields: &[(&str, &str)]) -> TimelineEvent {
    TimelineEvent::Service {
        service: service.to_owned(),
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn lab() -> Lab {
    let mut lab = Lab::new();
    let query = [
        ("name", "_sip._udp.Lab.example."),
        ("type", "SRV"),
        ("transport", "UDP"),
        ("outcome", "answered"),
        ("answers", "10 60 5060 a.lab.example; 20 60 5060 b.lab.example"),
    ];
    lab.timeline.push(ms(20), event("dns", &query));
    let request = [
        ("scheme", "https"),
        ("method", "GET"),
        ("target", "/cfg/phone.xml?mac=1"),
        ("outcome", "served"),
        ("status", "200"),
        ("authenticated", "true"),
    ];
    lab.timeline.push(ms(30), event("http", &request));
    lab.timeline.push(ms(40), event("lost", &[("count", "1")]));
    lab
}

#[test]
fn what_was_asked_for_passes() {
    let mut lab = lab();
    for question in [
        r#"{ service = "dns", name = "_sip._udp.lab.example", type = "srv", expect = 'size(service.answers) == 2 && service.transport == "UDP"' }"#,
        r#"{ service = "dns", count = { min = 1, max = 1 } }"#,
        r#"{ service = "dns", type = "NAPTR", count = { max = 0 } }"#,
        r#"{ service = "http", name = "/cfg/*", type = "GET", expect = 'service.status == 200 && service.authenticated' }"#,
        r#"{ service = "http", name = "/cfg/phone.xml", count = { min = 1 }, expect = 'service.transport == "https" && service.at_ms >= 0.0' }"#,
    ] {
        lab.ask(&format!("services = {question}"));
    }
    for result in lab.results() {
        assert_eq!(
            result.verdict,
            Verdict::Pass,
            "{}: {}",
            result.expected,
            result.actual
        );
    }
}

#[test]
fn what_did_not_happen_or_otherwise_fails() {
    let mut lab = lab();
    for question in [
        r#"{ service = "dns", name = "lab.example", expect = 'service.outcome == "answered"' }"#,
        r#"{ service = "dns", count = { min = 2 } }"#,
        r#"{ service = "http", expect = 'service.transport == "http"' }"#,
        r#"{ service = "http", name = "/cfg", count = { min = 1 } }"#,
    ] {
        lab.ask(&format!("services = {question}"));
    }
    for result in lab.results() {
        assert_eq!(
            result.verdict,
            Verdict::Fail,
            "{}: {}",
            result.expected,
            result.actual
        );
    }
}
