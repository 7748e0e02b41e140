//! What is answered to a right query.

use std::time::Duration;

use crate::questions::{
    A, AAAA, ANY, CNAME, NAPTR, SOA, SRV, TXT, ask, ask_at, code, record, records, values, zone,
};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use voxproof_services::dns::{DnsOrder, DnsRecord, Selection, Zone};

const SIP: &[(&str, &str, &str)] = &[
    (
        "example.com",
        "NAPTR",
        "20 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com",
    ),
    (
        "example.com",
        "NAPTR",
        "10 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.com",
    ),
    ("_sip._udp.example.com", "SRV", "20 60 5070 b.example.com"),
    ("_sip._udp.example.com", "SRV", "10 0 5060 a.example.com"),
    ("a.example.com", "A", "192.0.2.1"),
    ("a.example.com", "A", "192.0.2.2"),
    ("b.example.com", "AAAA", "2001:db8::2"),
    ("www.example.com", "CNAME", "a.example.com"),
    ("out.example.com", "CNAME", "elsewhere.invalid"),
    ("text.example.com", "TXT", "\"one\" \"two\""),
];

#[test]
fn each_type_in_the_order_given() {
    let mut zone = zone(SIP);
    for (name, kind, expected) in [
        ("a.example.com", A, vec!["192.0.2.1", "192.0.2.2"]),
        ("b.example.com", AAAA, vec!["2001:db8::2"]),
        (
            "_sip._udp.example.com",
            SRV,
            vec!["20 60 5070 b.example.com.", "10 0 5060 a.example.com."],
        ),
        ("www.example.com", CNAME, vec!["a.example.com."]),
    ] {
        let (message, reply) = ask(&mut zone, name, kind);
        assert_eq!(code(&message), ResponseCode::NoError);
        assert_eq!(values(&message), expected, "{name}");
        assert!(message.metadata.authoritative && !message.metadata.truncation);
        assert!(!message.metadata.recursion_available);
        assert_eq!(reply.query.outcome, "NOERROR");
        assert_eq!(reply.query.answers.len(), expected.len());
        assert!(message.answers.iter().all(|record| record.ttl == 60));
    }
    let (message, _) = ask(&mut zone, "example.com", NAPTR);
    assert_eq!(message.answers.len(), 2);
    let text = values(&message).join("\n");
    let (udp, tcp) = (text.find("SIP+D2U").unwrap(), text.find("SIP+D2T").unwrap());
    assert!(udp < tcp, "as given, not as sorted: {text}");
    let (message, reply) = ask(&mut zone, "text.example.com", TXT);
    assert_eq!(message.answers.len(), 1);
    assert_eq!(reply.query.answers, ["TXT \"one\" \"two\""]);
    let (message, _) = ask(&mut zone, "a.example.com", ANY);
    assert_eq!(message.answers.len(), 2);
    let (message, _) = ask(&mut zone, "", SOA);
    assert_eq!(message.answers[0].record_type(), RecordType::SOA);
}

#[test]
fn hosts_come_along_unless_told_otherwise() {
    let mut zone = zone(SIP);
    let (message, _) = ask(&mut zone, "_sip._udp.example.com", SRV);
    assert_eq!(message.additionals.len(), 3);
    let (message, _) = ask(&mut zone, "example.com", NAPTR);
    let srv = |record: &&hickory_proto::rr::Record| record.record_type() == RecordType::SRV;
    assert_eq!(message.additionals.iter().filter(srv).count(), 2);
    assert_eq!(message.additionals.len(), 5);
    zone.additional = false;
    let (message, _) = ask(&mut zone, "_sip._udp.example.com", SRV);
    assert!(message.additionals.is_empty());
}

#[test]
fn aliases_are_followed() {
    let mut zone = zone(SIP);
    let (message, _) = ask(&mut zone, "www.example.com", A);
    assert_eq!(values(&message), ["a.example.com.", "192.0.2.1", "192.0.2.2"]);
    let (message, _) = ask(&mut zone, "www.example.com", AAAA);
    assert_eq!(values(&message), ["a.example.com."]);
    assert_eq!(message.authorities.len(), 1, "no data at the end of the alias");
    let (message, _) = ask(&mut zone, "out.example.com", A);
    assert_eq!(code(&message), ResponseCode::NXDomain, "RFC 6604 3");

    zone.apply(records(&[
        ("x.example.com", "CNAME", "y.example.com"),
        ("y.example.com", "CNAME", "x.example.com"),
    ]));
    let (message, _) = ask(&mut zone, "x.example.com", A);
    assert_eq!(message.answers.len(), 2, "a loop ends");
}

#[test]
fn absence_of_a_name_and_of_a_type_are_told_apart() {
    let mut zone = zone(SIP);
    for (name, kind, expected, outcome) in [
        ("a.example.com", AAAA, ResponseCode::NoError, "NOERROR no data"),
        ("_udp.example.com", SRV, ResponseCode::NoError, "NOERROR no data"),
        ("nobody.example.com", A, ResponseCode::NXDomain, "NXDOMAIN"),
        ("x.a.example.com", A, ResponseCode::NXDomain, "NXDOMAIN"),
    ] {
        let (message, reply) = ask(&mut zone, name, kind);
        assert_eq!(code(&message), expected, "{name}");
        assert_eq!(reply.query.outcome, outcome);
        assert!(message.answers.is_empty());
        assert_eq!(message.authorities[0].record_type(), RecordType::SOA);
        assert!(message.metadata.authoritative);
    }
}

#[test]
fn the_letters_of_the_question_are_kept() {
    let (message, reply) = ask(&mut zone(SIP), "A.eXample.Com", A);
    assert_eq!(message.queries[0].name().to_ascii(), "A.eXample.Com.");
    assert_eq!(message.answers[0].name.to_ascii(), "A.eXample.Com.");
    assert_eq!(reply.query.name, "A.eXample.Com.");
    assert_eq!(reply.query.kind, "A");
}

#[test]
fn wildcards_answer_for_what_is_not_there() {
    let mut zone = zone(&[
        ("*.example.com", "A", "192.0.2.9"),
        ("x.sub.example.com", "A", "192.0.2.1"),
    ]);
    assert_eq!(values(&ask(&mut zone, "a.b.example.com", A).0), ["192.0.2.9"]);
    assert_eq!(values(&ask(&mut zone, "x.sub.example.com", A).0), ["192.0.2.1"]);
    assert_eq!(
        code(&ask(&mut zone, "sub.example.com", A).0),
        ResponseCode::NoError
    );
    let (message, _) = ask(&mut zone, "y.sub.example.com", A);
    assert_eq!(
        code(&message),
        ResponseCode::NXDomain,
        "RFC 4592 2.2.1: another encloser"
    );
}

#[test]
fn records_change_during_a_case() {
    let mut zone = zone(SIP);
    zone.apply(DnsOrder {
        withdraw: vec![Selection::new(Some("a.example.com"), Some("A")).unwrap()],
        ..DnsOrder::default()
    });
    assert_eq!(
        code(&ask(&mut zone, "a.example.com", A).0),
        ResponseCode::NXDomain
    );
    zone.apply(records(&[("a.example.com", "A", "192.0.2.3")]));
    assert_eq!(values(&ask(&mut zone, "a.example.com", A).0), ["192.0.2.3"]);
    zone.apply(records(&[("a.example.com", "A", "192.0.2.4")]));
    assert_eq!(
        values(&ask(&mut zone, "a.example.com", A).0),
        ["192.0.2.4"],
        "replaced"
    );
    zone.apply(DnsOrder {
        replace: true,
        ..records(&[("only.example.com", "A", "192.0.2.5")])
    });
    assert_eq!(
        code(&ask(&mut zone, "example.com", NAPTR).0),
        ResponseCode::NoError
    );
    assert_eq!(
        code(&ask(&mut zone, "_sip._udp.example.com", SRV).0),
        ResponseCode::NXDomain
    );
}

#[test]
fn a_record_is_withdrawn_at_its_time() {
    let mut zone = Zone::new();
    let first = record("a.example.com", "A", "192.0.2.1").until(Duration::from_secs(5));
    zone.apply(DnsOrder {
        records: vec![first, record("a.example.com", "A", "192.0.2.2")],
        ..DnsOrder::default()
    });
    let at = |seconds| Duration::from_millis(seconds);
    assert_eq!(
        values(&ask_at(&mut zone, "a.example.com", A, at(4_999)).0).len(),
        2
    );
    assert_eq!(
        values(&ask_at(&mut zone, "a.example.com", A, at(5_000)).0),
        ["192.0.2.2"]
    );
}

#[test]
fn each_record_has_its_own_time_to_live() {
    let mut zone = Zone::of("example.com").unwrap();
    zone.negative_ttl = 9;
    zone.apply(DnsOrder {
        records: vec![DnsRecord::parse("a.example.com", "A", "192.0.2.1", 0).unwrap()],
        ..DnsOrder::default()
    });
    assert_eq!(ask(&mut zone, "a.example.com", A).0.answers[0].ttl, 0);
    let (message, _) = ask(&mut zone, "b.example.com", A);
    assert_eq!(message.authorities[0].ttl, 9);
    assert_eq!(message.authorities[0].name.to_ascii(), "example.com.");
    assert_eq!(code(&ask(&mut zone, "example.net", A).0), ResponseCode::Refused);
}
