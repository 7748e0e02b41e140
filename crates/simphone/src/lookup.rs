//! Where the phone's server is, asked of a name server (RFC 3263 4, RFC 2782).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use voxproof_net::Net;
use voxproof_sip::{IdSource, Transport};

/// So long an answer is waited for, and so often it is asked for.
const PATIENCE: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// So many servers of one domain are tried.
const MOST_SERVERS: usize = 16;

/// One service record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    priority: u16,
    weight: u16,
    port: u16,
    target: Name,
}

/// The name that a transport's service records stand under (RFC 3263 4.1); WebSocket has none.
fn service_name(transport: Transport, domain: &str) -> Option<Name> {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws | Transport::Wss => return None,
    };
    Name::from_ascii(format!("{prefix}.{}.", domain.trim_end_matches('.'))).ok()
}

/// The servers of a domain in the order in which they are to be tried; none when nobody knows any.
pub(crate) async fn servers(
    net: &Net,
    name_server: SocketAddr,
    domain: &str,
    (local, transport): (IpAddr, Transport),
    wrong_order: bool,
    ids: &mut IdSource,
) -> Vec<SocketAddr> {
    let Some(name) = service_name(transport, domain) else {
        return Vec::new();
    };
    let answer = ask(net, name_server, local, name, RecordType::SRV, ids).await;
    let mut services = ordered(answer.as_ref().map(services_of).unwrap_or_default(), ids);
    if wrong_order {
        services.reverse();
    }
    let kind = if local.is_ipv6() {
        RecordType::AAAA
    } else {
        RecordType::A
    };
    let mut found = Vec::new();
    for service in services.into_iter().take(MOST_SERVERS) {
        let known = answer
            .as_ref()
            .map(|answer| addresses_of(answer, &service.target, kind))
            .unwrap_or_default();
        let addresses = if known.is_empty() {
            let target = service.target.clone();
            let more = ask(net, name_server, local, target, kind, ids).await;
            more.map(|more| addresses_of(&more, &service.target, kind))
                .unwrap_or_default()
        } else {
            known
        };
        found.extend(addresses.into_iter().map(|ip| SocketAddr::new(ip, service.port)));
    }
    found.truncate(MOST_SERVERS);
    found
}

/// One question and its answer.
async fn ask(
    net: &Net,
    name_server: SocketAddr,
    local: IpAddr,
    name: Name,
    kind: RecordType,
    ids: &mut IdSource,
) -> Option<Message> {
    let socket = net.bind(SocketAddr::new(local, 0)).await.ok()?;
    for _ in 0..ATTEMPTS {
        let mut question = Message::query();
        question.metadata.id = ids.next_u64() as u16;
        question.metadata.recursion_desired = true;
        question.add_query(Query::query(name.clone(), kind));
        socket.send(name_server, &question.to_vec().ok()?).ok()?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while let Ok(Ok(datagram)) = tokio::time::timeout_at(deadline, socket.recv()).await {
            // RFC 5452 9.1: from whom it was asked, with its number and its question
            if let Ok(answer) = Message::from_vec(&datagram.bytes)
                && datagram.source == name_server
                && answer.metadata.id == question.metadata.id
                && answer.queries == question.queries
            {
                return Some(answer);
            }
        }
    }
    None
}

fn services_of(answer: &Message) -> Vec<Service> {
    let services = answer.answers.iter().filter_map(|record| match &record.data {
        RData::SRV(service) => Some(Service {
            priority: service.priority,
            weight: service.weight,
            port: service.port,
            target: service.target.clone(),
        }),
        _ => None,
    });
    // RFC 2782: the root as the target says that the service is not there
    services.filter(|service| !service.target.is_root()).collect()
}

fn addresses_of(answer: &Message, name: &Name, kind: RecordType) -> Vec<IpAddr> {
    let records = answer.answers.iter().chain(&answer.additionals);
    let addresses = records
        .filter(|record| record.name == *name || answer.queries.iter().any(|query| query.name() == name))
        .filter_map(|record| match (&record.data, kind) {
            (RData::A(address), RecordType::A) => Some(IpAddr::V4(address.0)),
            (RData::AAAA(address), RecordType::AAAA) => Some(IpAddr::V6(address.0)),
            _ => None,
        });
    addresses.collect()
}

/// By priority, and within one at random by weight (RFC 2782).
fn ordered(mut services: Vec<Service>, ids: &mut IdSource) -> Vec<Service> {
    services.sort_by_key(|service| (service.priority, service.weight));
    let mut out = Vec::new();
    while let Some(priority) = services.first().map(|service| service.priority) {
        let rivals = services
            .iter()
            .take_while(|service| service.priority == priority)
            .count();
        let total: u64 = services
            .iter()
            .take(rivals)
            .map(|one| u64::from(one.weight))
            .sum();
        let chosen = ids.next_u64() % (total + 1);
        let mut sum = 0;
        let place = services
            .iter()
            .take(rivals)
            .position(|one| {
                sum += u64::from(one.weight);
                sum >= chosen
            })
            .unwrap_or_default();
        out.push(services.remove(place));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(priority: u16, weight: u16, port: u16) -> Service {
        Service {
            priority,
            weight,
            port,
            target: Name::from_ascii("a.example.").unwrap(),
        }
    }

    #[test]
    fn priority_first_then_chance_by_weight() {
        let mut first = [0; 2];
        for seed in 0..200 {
            let all = vec![service(20, 0, 3), service(10, 90, 1), service(10, 10, 2)];
            let order: Vec<u16> = ordered(all, &mut IdSource::new(seed))
                .iter()
                .map(|one| one.port)
                .collect();
            assert_eq!(order[2], 3);
            first[usize::from(order[0] - 1)] += 1;
        }
        assert!(first[0] > 150 && first[1] > 5, "{first:?}");
    }

    #[test]
    fn each_transport_has_its_name() {
        let name = |transport| service_name(transport, "example.com").map(|name| name.to_ascii());
        assert_eq!(name(Transport::Udp).as_deref(), Some("_sip._udp.example.com."));
        assert_eq!(name(Transport::Tls).as_deref(), Some("_sips._tcp.example.com."));
        assert_eq!(name(Transport::Wss), None);
        assert_eq!(service_name(Transport::Udp, "a..b"), None);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

        #[test]
        fn foreign_bytes_name_no_more_servers_than_they_have_records(bytes: Vec<u8>, count in 0..4_u8, seed: u64) {
            // a header that announces answers, so that more than the first check is reached
            let header = [0, 1, 0x84, 0, 0, 0, 0, count, 0, 0, 0, 0];
            let whole = [&header[..], &bytes].concat();
            for datagram in [&bytes, &whole] {
                if let Ok(answer) = Message::from_vec(datagram) {
                    let found = services_of(&answer);
                    proptest::prop_assert!(found.len() <= answer.answers.len());
                    proptest::prop_assert_eq!(ordered(found.clone(), &mut IdSource::new(seed)).len(), found.len());
                    let root = Name::root();
                    proptest::prop_assert!(addresses_of(&answer, &root, RecordType::A).len() <= answer.answers.len() + answer.additionals.len());
                }
            }
        }
    }
}
