//! Failures on order, sizes, and queries that are none.

use std::time::Duration;

use crate::questions::{A, AAAA, TXT, ask, code, question, record, zone};
use hickory_proto::op::{Message, ResponseCode};
use proptest::prelude::*;
use voxproof_services::dns::{DnsFailure, DnsOrder, DnsTransport, Selection, Zone, respond};

const HOST: &[(&str, &str, &str)] = &[("a.example.com", "A", "192.0.2.1")];

fn failing(failure: DnsFailure) -> Zone {
    let mut zone = zone(HOST);
    zone.apply(DnsOrder {
        failure,
        delay: Duration::from_secs(2),
        ..DnsOrder::default()
    });
    zone
}

#[test]
fn each_failure() {
    for (failure, expected) in [
        (DnsFailure::None, ResponseCode::NoError),
        (DnsFailure::ServFail, ResponseCode::ServFail),
        (DnsFailure::NxDomain, ResponseCode::NXDomain),
        (DnsFailure::Refused, ResponseCode::Refused),
        (DnsFailure::NotImplemented, ResponseCode::NotImp),
        (DnsFailure::FormatError, ResponseCode::FormErr),
        (DnsFailure::NoData, ResponseCode::NoError),
        (DnsFailure::Truncate, ResponseCode::NoError),
    ] {
        let (message, reply) = ask(&mut failing(failure), "a.example.com", A);
        assert_eq!(code(&message), expected, "{failure:?}");
        assert_eq!(message.answers.len(), usize::from(failure == DnsFailure::None));
        assert_eq!(message.metadata.truncation, failure == DnsFailure::Truncate);
        assert_eq!(message.queries.len(), 1);
        assert_eq!(reply.delay, Duration::from_secs(2));
    }
    let query = question(7, "a.example.com", A, None);
    let mut zone = failing(DnsFailure::Drop);
    let reply = respond(&query, DnsTransport::Udp, &mut zone, Duration::ZERO);
    assert_eq!((reply.bytes, reply.query.outcome.as_str()), (None, "dropped"));
    let mut zone = failing(DnsFailure::Truncate);
    let reply = respond(&query, DnsTransport::Tcp, &mut zone, Duration::ZERO);
    assert_eq!(reply.query.outcome, "NOERROR", "over TCP it is whole");
}

#[test]
fn a_failure_has_a_scope_and_a_number() {
    let mut zone = zone(HOST);
    let order = |scope, times| DnsOrder {
        failure: DnsFailure::ServFail,
        scope,
        times,
        ..DnsOrder::default()
    };
    zone.apply(order(
        Selection::new(Some("A.example.com"), Some("a")).unwrap(),
        Some(2),
    ));
    let codes: Vec<_> = [AAAA, A, A, A]
        .iter()
        .map(|kind| code(&ask(&mut zone, "a.example.com", *kind).0))
        .collect();
    assert_eq!(
        codes,
        [
            ResponseCode::NoError,
            ResponseCode::ServFail,
            ResponseCode::ServFail,
            ResponseCode::NoError
        ]
    );
    zone.apply(order(Selection::default(), None));
    assert_eq!(
        code(&ask(&mut zone, "b.example.com", A).0),
        ResponseCode::ServFail
    );
    zone.apply(DnsOrder::default());
    assert_eq!(
        code(&ask(&mut zone, "a.example.com", A).0),
        ResponseCode::NoError,
        "ended"
    );
}

fn large() -> Zone {
    let mut zone = Zone::new();
    zone.apply(DnsOrder {
        records: (0..5)
            .map(|_| record("t.example.com", "TXT", &"x".repeat(200)))
            .collect(),
        ..DnsOrder::default()
    });
    zone
}

fn sized(edns: Option<u16>, transport: DnsTransport) -> (usize, Message, String) {
    let query = question(7, "t.example.com", TXT, edns);
    let reply = respond(&query, transport, &mut large(), Duration::ZERO);
    let bytes = reply.bytes.unwrap();
    (
        bytes.len(),
        Message::from_vec(&bytes).unwrap(),
        reply.query.outcome,
    )
}

#[test]
fn what_does_not_fit_is_truncated() {
    for edns in [None, Some(0), Some(512), Some(1000)] {
        let (length, message, outcome) = sized(edns, DnsTransport::Udp);
        assert!(length <= 512, "{length}");
        assert!(message.metadata.truncation && message.answers.is_empty());
        assert_eq!(outcome, "NOERROR truncated");
        assert_eq!(message.edns.is_some(), edns.is_some());
    }
    for (edns, transport) in [
        (Some(1232), DnsTransport::Udp),
        (Some(65_535), DnsTransport::Udp),
        (None, DnsTransport::Tcp),
    ] {
        let (length, message, outcome) = sized(edns, transport);
        assert!((1000..=1232).contains(&length), "{length}");
        assert!(!message.metadata.truncation);
        assert_eq!((message.answers.len(), outcome.as_str()), (5, "NOERROR"));
    }
}

#[test]
fn hosts_that_do_not_fit_are_left_out_silently() {
    let mut zone = zone(&[("s.example.com", "SRV", "1 1 5060 h.example.com")]);
    zone.apply(DnsOrder {
        records: (0..40)
            .map(|host| record("h.example.com", "A", &format!("192.0.2.{host}")))
            .collect(),
        ..DnsOrder::default()
    });
    let (message, reply) = ask(&mut zone, "s.example.com", 33);
    assert!(!message.metadata.truncation && message.additionals.is_empty());
    assert_eq!(
        (message.answers.len(), reply.query.outcome.as_str()),
        (1, "NOERROR")
    );
}

fn raw(bytes: &[u8]) -> (Option<Message>, String) {
    let reply = respond(bytes, DnsTransport::Udp, &mut zone(HOST), Duration::ZERO);
    let message = reply.bytes.map(|bytes| Message::from_vec(&bytes).unwrap());
    (message, reply.query.outcome)
}

#[test]
fn what_is_no_query_is_ignored_or_refused() {
    assert_eq!(raw(b"short"), (None, "ignored: shorter than a header".to_owned()));
    let right = question(0x1234, "a.example.com", A, Some(1232));
    let changed = |at: usize, value: u8| {
        let mut bytes = right.clone();
        bytes[at] = value;
        bytes
    };
    assert_eq!(raw(&changed(2, 0x81)), (None, "ignored: not a query".to_owned()));
    for (bytes, expected) in [
        (changed(2, 0x11), "NOTIMP"),
        (changed(2, 0x29), "NOTIMP"),
        (changed(5, 2), "FORMERR"),
        (changed(5, 0), "FORMERR"),
        (changed(12, 0xc0), "FORMERR"),
        (changed(28, 252), "REFUSED"),
        (changed(30, 3), "REFUSED"),
        (right[..20].to_vec(), "FORMERR"),
        (right[..12].to_vec(), "FORMERR"),
    ] {
        let (message, outcome) = raw(&bytes);
        let message = message.unwrap();
        assert_eq!(outcome, expected, "{bytes:02x?}");
        assert_eq!(message.metadata.id, 0x1234);
        assert!(message.metadata.recursion_desired);
        assert!(message.answers.is_empty());
    }
    let version = right.len() - 5;
    let (message, outcome) = raw(&changed(version, 1));
    let message = message.unwrap();
    assert_eq!(outcome, "BADVERS");
    assert_eq!(u16::from(code(&message)), 16);
    assert_eq!(message.edns.unwrap().version(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_octets_are_answered_as_one_answers(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let reply = respond(&bytes, DnsTransport::Udp, &mut zone(HOST), Duration::ZERO);
        if let Some(answer) = reply.bytes {
            prop_assert_eq!(&answer[..2], &bytes[..2]);
            prop_assert!(answer[2] & 0x80 != 0 && answer.len() <= 1232);
        }
    }

    #[test]
    fn a_query_with_octets_changed_does_no_harm(
        changes in prop::collection::vec((0_usize..50, any::<u8>()), 1..4),
        kind in prop::sample::select(vec![1_u16, 5, 16, 28, 33, 35, 41, 250, 251, 252, 255]),
    ) {
        let mut bytes = question(9, "a.example.com", kind, Some(4096));
        for (at, value) in changes {
            if let Some(octet) = bytes.get_mut(at) {
                *octet = value;
            }
        }
        for transport in [DnsTransport::Udp, DnsTransport::Tcp] {
            let reply = respond(&bytes, transport, &mut zone(HOST), Duration::ZERO);
            if let Some(answer) = reply.bytes {
                prop_assert!(Message::from_vec(&answer).is_ok());
            }
        }
    }
}
