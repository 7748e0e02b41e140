//! Signalling over streams: framing, keep-alives, TLS and WebSocket, on a virtual network.

use std::time::Duration;

use crate::device::{Bare, register, station};
use voxproof_call::{RequestOptions, ShownCertificate, TlsManner};
use voxproof_net::tls::{Roots, TlsClient};
use voxproof_net::{ClientSecurity, ConnectOptions, Framing, Net};
use voxproof_record::{Carrier, PacketDirection, TimelineEvent};
use voxproof_sip::{Message, Transport};

fn run(test: impl AsyncFnOnce(Net)) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(test(Net::virtual_network()));
}

fn statuses(messages: &[Message]) -> Vec<u16> {
    messages.iter().filter_map(Message::status).collect()
}

#[test]
fn a_split_message_and_two_in_one_segment_are_all_answered() {
    run(async |net| {
        let mut station = station(&net).await;
        let server = station.address(Transport::Tcp);
        let mut bare = Bare::connect(&net, server, ClientSecurity::Plain, ConnectOptions::default()).await;
        let first = register(1, "TCP");
        let (head, tail) = first.split_at(40);
        bare.send(head).await;
        station.pass(Duration::from_millis(50)).await;
        assert_eq!(station.log().len(), 0, "half a message is none");
        bare.send(tail).await;
        bare.send(&[register(2, "TCP"), register(3, "TCP")].concat())
            .await;
        station.pass(Duration::from_millis(50)).await;
        assert_eq!(statuses(&bare.received().await), [401, 401, 401]);
        let capture = station.end_case(false).await;
        let inbound: Vec<_> = capture
            .packets
            .iter()
            .filter(|packet| packet.direction == PacketDirection::Inbound)
            .collect();
        // 40 bytes, the rest, and the last segment cut where a message ends
        assert_eq!(inbound.len(), 4);
        assert!(inbound.iter().all(|packet| packet.carrier == Carrier::Tcp));
        assert_eq!(
            inbound.iter().map(|packet| packet.payload.len()).sum::<usize>(),
            first.len() * 3
        );
    });
}

#[test]
fn a_ping_is_answered_and_is_no_message() {
    run(async |net| {
        let mut station = station(&net).await;
        let server = station.address(Transport::Tcp);
        let mut bare = Bare::connect(&net, server, ClientSecurity::Plain, ConnectOptions::default()).await;
        bare.send(b"\r\n\r\n").await;
        station.pass(Duration::from_millis(50)).await;
        assert_eq!(bare.bytes().await, b"\r\n");
        assert!(station.log().is_empty());
    });
}

#[test]
fn requests_to_the_device_use_its_connection() {
    run(async |net| {
        let mut station = station(&net).await;
        let server = station.address(Transport::Tcp);
        let mut bare = Bare::connect(&net, server, ClientSecurity::Plain, ConnectOptions::default()).await;
        bare.register(&mut station, "TCP").await;
        assert_eq!(station.transport(), Transport::Tcp);
        let options = RequestOptions {
            method: "OPTIONS".to_owned(),
            ..RequestOptions::default()
        };
        station.request("peer_a", options).expect("the device is known");
        station.pass(Duration::from_secs(3)).await;
        let requests = bare.received().await;
        // a stream loses nothing: no retransmission (RFC 3261 17.1.2.2)
        assert_eq!(requests.len(), 1);
        let via = requests[0].top_via().expect("a Via");
        assert_eq!(via.transport, "TCP");
        assert!(
            requests[0]
                .header("contact")
                .expect("a Contact")
                .contains("transport=tcp")
        );
    });
}

#[test]
fn tls_shows_the_certificate_that_was_ordered() {
    run(async |net| {
        let mut station = station(&net).await;
        let roots = Roots::from_pem(&station.authority_pem()).expect("a certificate");
        let server = station.address(Transport::Tls);
        let client = || ClientSecurity::Tls(TlsClient::new(server.ip().to_string(), roots.clone()));
        let mut bare = Bare::connect(&net, server, client(), ConnectOptions::default()).await;
        bare.register(&mut station, "TLS").await;
        assert_eq!(station.transport(), Transport::Tls);
        for certificate in [
            ShownCertificate::Expired,
            ShownCertificate::WrongName,
            ShownCertificate::SelfSigned,
            ShownCertificate::UnknownAuthority,
        ] {
            let manner = TlsManner {
                certificate,
                ..TlsManner::default()
            };
            station.set_tls(manner).await.expect("a certificate");
            let made = net.connect(None, server, client()).await;
            assert!(made.is_err(), "{certificate:?} was taken");
            station.pass(Duration::from_millis(100)).await;
        }
        let capture = station.end_case(false).await;
        let failed = capture
            .timeline
            .entries
            .iter()
            .filter(
                |entry| matches!(&entry.event, TimelineEvent::Connection { state, .. } if state == "failed"),
            )
            .count();
        assert_eq!(failed, 4, "each refusal of the device is noted");
        let deciphered = capture
            .packets
            .iter()
            .filter(|packet| packet.carrier == Carrier::Tls);
        assert!(deciphered.count() >= 4, "two requests, two answers");
        let secrets = capture.timeline.entries.iter().any(
            |entry| matches!(&entry.event, TimelineEvent::Connection { key_log, .. } if !key_log.is_empty()),
        );
        assert!(secrets);
    });
}

#[test]
fn a_web_socket_message_is_a_sip_message() {
    run(async |net| {
        let mut station = station(&net).await;
        let server = station.address(Transport::Ws);
        let options = ConnectOptions::from(Framing::WebSocket);
        let mut bare = Bare::connect(&net, server, ClientSecurity::Plain, options).await;
        bare.register(&mut station, "WS").await;
        assert_eq!(station.transport(), Transport::Ws);
    });
}

#[test]
fn closed_connections_are_made_again_by_the_lab_when_it_has_something_to_send() {
    run(async |net| {
        let mut station = station(&net).await;
        let server = station.address(Transport::Tcp);
        let mut bare = Bare::connect(&net, server, ClientSecurity::Plain, ConnectOptions::default()).await;
        bare.register(&mut station, "TCP").await;
        station.close_connections();
        station.pass(Duration::from_millis(50)).await;
        assert!(bare.is_closed().await);
        station.accept_connections(false).await.expect("ports");
        assert!(net.connect(None, server, ClientSecurity::Plain).await.is_err());
        station.accept_connections(true).await.expect("ports");
        assert!(net.connect(None, server, ClientSecurity::Plain).await.is_ok());
    });
}
