//! Queries made and answers read by another hand than the server's.
#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use voxproof_services::dns::{DnsOrder, DnsRecord, DnsReply, DnsTransport, Zone, respond};

/// The bytes of a query for one name, class IN, recursion desired; with an OPT record of this payload size if given.
pub fn question(id: u16, name: &str, kind: u16, edns: Option<u16>) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())]);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 1]);
    if let Some(size) = edns {
        bytes.extend_from_slice(&[0, 0, 41]);
        bytes.extend_from_slice(&size.to_be_bytes());
        bytes.extend_from_slice(&[0; 6]);
    }
    bytes
}

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const SOA: u16 = 6;
pub const TXT: u16 = 16;
pub const AAAA: u16 = 28;
pub const SRV: u16 = 33;
pub const NAPTR: u16 = 35;
pub const ANY: u16 = 255;

pub fn record(name: &str, kind: &str, value: &str) -> DnsRecord {
    DnsRecord::parse(name, kind, value, 60).unwrap()
}

pub fn records(list: &[(&str, &str, &str)]) -> DnsOrder {
    DnsOrder {
        records: list
            .iter()
            .map(|(name, kind, value)| record(name, kind, value))
            .collect(),
        ..DnsOrder::default()
    }
}

pub fn zone(list: &[(&str, &str, &str)]) -> Zone {
    let mut zone = Zone::new();
    zone.apply(records(list));
    zone
}

pub fn ask(zone: &mut Zone, name: &str, kind: u16) -> (Message, DnsReply) {
    ask_at(zone, name, kind, Duration::ZERO)
}

pub fn ask_at(zone: &mut Zone, name: &str, kind: u16, now: Duration) -> (Message, DnsReply) {
    let reply = respond(&question(7, name, kind, None), DnsTransport::Udp, zone, now);
    let message = Message::from_vec(reply.bytes.as_ref().expect("an answer")).unwrap();
    assert_eq!(message.metadata.id, 7);
    assert!(message.metadata.recursion_desired);
    (message, reply)
}

/// The values of the answer section, in their order.
pub fn values(message: &Message) -> Vec<String> {
    message
        .answers
        .iter()
        .map(|record| record.data.to_string())
        .collect()
}

pub fn code(message: &Message) -> ResponseCode {
    message.metadata.response_code
}
