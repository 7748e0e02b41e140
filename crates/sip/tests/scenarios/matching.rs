//! Which transaction a message belongs to (RFC 3261 17.1.3, 17.2.3), and what belongs to none.

use voxproof_sip::{Builder, Message};

use crate::simulation::{Simulation, peer, request, response};

#[test]
fn responses_match_by_branch_and_cseq_method() {
    let mut simulation = Simulation::new();
    let invite = request("INVITE", "z9hG4bKx").build();
    simulation.layer.request(simulation.now, invite.clone(), peer());
    let cancel = voxproof_sip::cancel_for(&Message::parse(&invite));
    simulation.layer.request(simulation.now, cancel.clone(), peer());
    simulation.receive(&response(&cancel, 200));
    simulation.receive(&response(&invite, 487));
    let other = request("INVITE", "z9hG4bKy").build();
    simulation.receive(&response(&other, 200));
    assert_eq!(
        simulation.names(),
        [(0, "response"), (0, "response"), (0, "stray")]
    );
    assert_eq!(simulation.times("ACK").len(), 1);
}

#[test]
fn requests_with_one_branch_differ_by_method_and_sent_by() {
    let mut simulation = Simulation::new();
    simulation.receive(&request("OPTIONS", "z9hG4bKx").build());
    simulation.receive(&request("INFO", "z9hG4bKx").build());
    simulation.receive(
        &request("INFO", "z9hG4bKx")
            .set("Via", "SIP/2.0/UDP other;branch=z9hG4bKx")
            .build(),
    );
    simulation.receive(&request("INFO", "z9hG4bKx").build());
    assert_eq!(simulation.names(), [(0, "request"); 3]);
}

#[test]
fn a_peer_without_the_cookie_is_matched_by_its_headers() {
    let mut simulation = Simulation::new();
    let legacy = |method: &str, to: &str| {
        request(method, "z9hG4bKx")
            .set("Via", "SIP/2.0/UDP 192.0.2.2")
            .set("To", to)
            .set("CSeq", format!("1 {method}"))
    };
    let invite = legacy("INVITE", "<sip:bob@192.0.2.2>").build();
    simulation.receive(&invite);
    simulation.receive(&invite);
    let Some((_, voxproof_sip::TransactionEvent::Request { id, .. })) = simulation.events.first() else {
        panic!("no request")
    };
    simulation
        .layer
        .respond(simulation.now, *id, response(&invite, 486));
    simulation.receive(&legacy("ACK", "<sip:bob@192.0.2.2>;tag=b").build());
    simulation.receive(
        &legacy("INVITE", "<sip:bob@192.0.2.2>")
            .set("CSeq", "2 INVITE")
            .build(),
    );
    assert_eq!(
        simulation.names(),
        [(0, "request"), (0, "ack-non-2xx"), (0, "request")]
    );
}

#[test]
fn what_is_no_transaction_is_stray_and_keep_alives_are_nothing() {
    let mut simulation = Simulation::new();
    for bytes in [&b""[..], b"\r\n", b"\r\n\r\n"] {
        simulation.receive(bytes);
    }
    assert_eq!(simulation.names(), []);
    simulation.receive(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    simulation.receive(b"\x80\x00\x01\x02");
    simulation.receive(b"SIP/2.0 200 OK\r\n\r\n");
    simulation.receive(&request("OPTIONS", "z9hG4bKx").remove("Via").build());
    assert_eq!(simulation.names(), [(0, "stray"); 4]);
}

#[test]
fn unknown_methods_and_versions_reach_the_user() {
    let mut simulation = Simulation::new();
    simulation.receive(&request("FOO", "z9hG4bK1").build());
    let odd = request("OPTIONS", "z9hG4bK2").build();
    simulation.receive(
        &[
            &b"OPTIONS sip:bob@192.0.2.2 SIP/7.0"[..],
            &odd[odd.iter().position(|b| *b == b'\r').expect("a line")..],
        ]
        .concat(),
    );
    assert_eq!(simulation.names(), [(0, "request"); 2]);
}

#[test]
fn an_ack_and_raw_bytes_have_no_transaction() {
    let mut simulation = Simulation::new();
    let id = simulation
        .layer
        .request(simulation.now, request("ACK", "z9hG4bKx").build(), peer());
    simulation.layer.send(b"junk".to_vec(), peer());
    simulation
        .layer
        .respond(simulation.now, id, Builder::response(200, "OK").build());
    simulation.run_to(60_000);
    assert_eq!(simulation.sent.len(), 2);
    assert_eq!(
        (simulation.names(), simulation.layer.request_of(id).is_none()),
        (vec![], true)
    );
}
