//! DNS on the network: both transports, delays, drops, and what is recorded.

use std::net::SocketAddr;
use std::time::Duration;

use crate::questions::{A, code, question, records, values};
use crate::worlds::{World, on_the_operating_system, on_the_virtual_network, patient};
use hickory_proto::op::Message;
use voxproof_services::dns::{DnsFailure, DnsOrder, DnsTransport, Framer, framed};
use voxproof_services::{DnsEvent, ServiceEvent};

const HOST: &[(&str, &str, &str)] = &[("a.example.com", "A", "192.0.2.7")];

fn dns(events: Vec<ServiceEvent>) -> Vec<DnsEvent> {
    events
        .into_iter()
        .map(|event| match event {
            ServiceEvent::Dns(event) => event,
            other => panic!("{other:?}"),
        })
        .collect()
}

async fn a_datagram_is_answered(world: World) {
    world.services.apply(records(HOST));
    let server = world.services.dns_address();
    let client = world.net.bind(SocketAddr::new(server.ip(), 0)).await.unwrap();
    let query = question(5, "a.example.com", A, None);
    let sent = client.send(server, &query).unwrap();
    let answer = patient(client.recv()).await.unwrap();
    assert_eq!(answer.source, server);
    let message = Message::from_vec(&answer.bytes).unwrap();
    assert_eq!(values(&message), ["192.0.2.7"]);

    let events = dns(world.events(1).await);
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((event.peer, event.local), (client.local_addr(), server));
    assert_eq!(event.transport, DnsTransport::Udp);
    assert_eq!(
        (event.query.id, event.query.answers.as_slice()),
        (5, &["A 192.0.2.7".to_owned()][..])
    );
    assert!(event.at >= sent && event.answered_at.unwrap() >= event.at);
    assert_eq!(event.asked, query);
    assert_eq!(event.answered.as_ref(), Some(&answer.bytes));
    let fields = ServiceEvent::Dns(event.clone()).fields();
    assert!(
        fields.contains(&("name", "a.example.com.".to_owned())),
        "{fields:?}"
    );
    assert!(fields.contains(&("outcome", "NOERROR".to_owned())));
}

async fn a_connection_carries_several_queries(world: World) {
    world.services.apply(records(HOST));
    let mut connection = world.connect(world.services.dns_address()).await;
    let mut stream = Vec::new();
    for id in [1, 2, 3] {
        stream.extend(framed(&question(id, "a.example.com", A, None)).unwrap());
    }
    let (first, rest) = stream.split_at(17);
    connection.send(first).await.unwrap();
    connection.send(rest).await.unwrap();
    let mut framer = Framer::new();
    let mut ids = Vec::new();
    while ids.len() < 3 {
        let segment = patient(connection.recv()).await.unwrap().expect("more answers");
        framer.push(&segment.bytes);
        while let Some(answer) = framer.next_message() {
            ids.push(Message::from_vec(&answer).unwrap().metadata.id);
        }
    }
    assert_eq!(ids, [1, 2, 3]);
    let events = dns(world.events(3).await);
    assert!(events.iter().all(|event| event.transport == DnsTransport::Tcp));
}

#[test]
fn a_datagram_is_answered_on_both_networks() {
    on_the_virtual_network(a_datagram_is_answered);
    on_the_operating_system(a_datagram_is_answered);
}

#[test]
fn a_connection_carries_several_queries_on_both_networks() {
    on_the_virtual_network(a_connection_carries_several_queries);
    on_the_operating_system(a_connection_carries_several_queries);
}

#[test]
fn answers_wait_and_others_overtake_them() {
    on_the_virtual_network(|world| async move {
        let server = world.services.dns_address();
        let client = world.net.bind(SocketAddr::new(server.ip(), 0)).await.unwrap();
        world.services.apply(DnsOrder {
            delay: Duration::from_millis(1500),
            times: Some(1),
            ..records(HOST)
        });
        let sent = client
            .send(server, &question(1, "a.example.com", A, None))
            .unwrap();
        client
            .send(server, &question(2, "a.example.com", A, None))
            .unwrap();
        let mut seen = Vec::new();
        for _ in 0..2 {
            let answer = patient(client.recv()).await.unwrap();
            let id = Message::from_vec(&answer.bytes).unwrap().metadata.id;
            seen.push((id, answer.at - sent));
        }
        assert_eq!(seen, [(2, Duration::ZERO), (1, Duration::from_millis(1500))]);
        let events = dns(world.events(2).await);
        assert_eq!(
            events[1].answered_at.unwrap() - events[1].at,
            Duration::from_millis(1500)
        );
    });
}

#[test]
fn a_dropped_query_is_recorded() {
    on_the_virtual_network(|world| async move {
        let server = world.services.dns_address();
        let client = world.net.bind(SocketAddr::new(server.ip(), 0)).await.unwrap();
        world.services.apply(DnsOrder {
            failure: DnsFailure::Drop,
            times: Some(1),
            ..records(HOST)
        });
        client
            .send(server, &question(1, "a.example.com", A, None))
            .unwrap();
        let events = dns(world.events(1).await);
        assert_eq!(events[0].query.outcome, "dropped");
        assert_eq!((events[0].answered_at, &events[0].answered), (None, &None));
        let nothing = tokio::time::timeout(Duration::from_secs(5), client.recv()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        // the client asks once more
        client
            .send(server, &question(2, "a.example.com", A, None))
            .unwrap();
        let answer = patient(client.recv()).await.unwrap();
        assert_eq!(u16::from(code(&Message::from_vec(&answer.bytes).unwrap())), 0);
    });
}

#[test]
fn a_truncated_answer_comes_whole_over_tcp() {
    on_the_virtual_network(|world| async move {
        let server = world.services.dns_address();
        let client = world.net.bind(SocketAddr::new(server.ip(), 0)).await.unwrap();
        world.services.apply(DnsOrder {
            failure: DnsFailure::Truncate,
            ..records(HOST)
        });
        let query = question(1, "a.example.com", A, None);
        client.send(server, &query).unwrap();
        let answer = patient(client.recv()).await.unwrap();
        assert!(Message::from_vec(&answer.bytes).unwrap().metadata.truncation);
        let mut connection = world.connect(server).await;
        connection.send(&framed(&query).unwrap()).await.unwrap();
        let segment = patient(connection.recv()).await.unwrap().unwrap();
        let message = Message::from_vec(&segment.bytes[2..]).unwrap();
        assert_eq!(values(&message), ["192.0.2.7"]);
    });
}

#[test]
fn an_idle_connection_is_closed() {
    on_the_virtual_network(|world| async move {
        let mut connection = world.connect(world.services.dns_address()).await;
        let began = world.net.clock().now();
        assert_eq!(patient(connection.recv()).await.unwrap(), None);
        assert_eq!(world.net.clock().now() - began, Duration::from_secs(20));
    });
}
