//! Any DNS query over both transports: an answer that can be read, or none.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use voxproof_services::dns::{DnsOrder, DnsRecord, DnsTransport, Framer, Zone, respond};

const RECORDS: &[(&str, &str, &str)] = &[
    (
        "example.com",
        "NAPTR",
        "10 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com",
    ),
    ("_sip._udp.example.com", "SRV", "10 60 5060 a.example.com"),
    ("a.example.com", "A", "192.0.2.1"),
    ("a.example.com", "AAAA", "2001:db8::1"),
    ("x.example.com", "CNAME", "y.example.com"),
    ("y.example.com", "CNAME", "x.example.com"),
    ("*.w.example.com", "TXT", "\"one\" \"two\""),
];

fuzz_target!(|input: &[u8]| {
    let mut zone = Zone::new();
    zone.apply(DnsOrder {
        records: RECORDS
            .iter()
            .filter_map(|(name, kind, value)| DnsRecord::parse(name, kind, value, 60).ok())
            .collect(),
        ..DnsOrder::default()
    });
    for transport in [DnsTransport::Udp, DnsTransport::Tcp] {
        let reply = respond(input, transport, &mut zone, Duration::ZERO);
        if let Some(answer) = reply.bytes {
            assert_eq!(
                answer.get(..2),
                input.get(..2),
                "the answer has the identifier of the query"
            );
            // an answer is never answered
            let again = respond(&answer, transport, &mut zone, Duration::ZERO);
            assert!(again.bytes.is_none());
        }
    }
    let mut framer = Framer::new();
    framer.push(input);
    while framer.next_message().is_some() {}
});
