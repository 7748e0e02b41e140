//! INVITE server transactions (RFC 3261 17.2.1, RFC 6026 7.1).

use voxproof_sip::{Message, TransactionEvent, TransactionId, Transport, ack_for};

use crate::simulation::{Simulation, request, response};

fn called() -> (Simulation, Vec<u8>, TransactionId) {
    let mut simulation = Simulation::new();
    let invite = request("INVITE", "z9hG4bKs").build();
    simulation.receive(&invite);
    let Some((0, TransactionEvent::Request { id, .. })) = simulation.events.first() else {
        panic!("no request event: {:?}", simulation.names());
    };
    let id = *id;
    (simulation, invite, id)
}

#[test]
fn a_retransmitted_invite_gets_the_last_provisional_again() {
    let (mut simulation, invite, id) = called();
    simulation.receive(&invite);
    assert_eq!(simulation.sent, []);
    for status in [100, 180] {
        simulation
            .layer
            .respond(simulation.now, id, response(&invite, status));
    }
    simulation.run_to(500);
    simulation.receive(&invite);
    let summaries: Vec<_> = simulation
        .sent
        .iter()
        .map(|(at, text)| (*at, text.as_str()))
        .collect();
    assert_eq!(
        summaries,
        [
            (0, "100 Trying (INVITE)"),
            (0, "180 Ringing (INVITE)"),
            (500, "180 Ringing (INVITE)")
        ]
    );
    assert_eq!(simulation.names(), [(0, "request")]);
}

#[test]
fn timer_g_is_capped_at_t2_and_timer_h_reports_the_missing_ack() {
    let (mut simulation, invite, id) = called();
    simulation
        .layer
        .respond(simulation.now, id, response(&invite, 486));
    simulation.run_to(60_000);
    assert_eq!(
        simulation.times("486"),
        [
            0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert_eq!(
        simulation.names(),
        [(0, "request"), (32_000, "timeout"), (32_000, "terminated")]
    );
}

#[test]
fn the_ack_stops_timer_g_and_timer_i_absorbs_more_of_them() {
    let (mut simulation, invite, id) = called();
    let busy = response(&invite, 486);
    simulation.layer.respond(simulation.now, id, busy.clone());
    simulation.run_to(700);
    simulation.receive(&invite);
    let ack = ack_for(&Message::parse(&invite), &Message::parse(&busy));
    simulation.receive(&ack);
    simulation.receive(&ack);
    simulation.receive(&invite);
    simulation.run_to(60_000);
    assert_eq!(simulation.times("486"), [0, 500, 700]);
    assert_eq!(
        simulation.names(),
        [(0, "request"), (700, "ack-non-2xx"), (5700, "terminated")]
    );
    assert!(
        matches!(simulation.events[1].1, TransactionEvent::Ack { id: Some(acknowledged), .. } if acknowledged == id)
    );
}

#[test]
fn a_2xx_is_left_to_the_user_and_retransmitted_invites_are_absorbed() {
    let (mut simulation, invite, id) = called();
    simulation
        .layer
        .respond(simulation.now, id, response(&invite, 200));
    simulation.run_to(500);
    simulation.receive(&invite);
    assert_eq!(simulation.times("200"), [0]);
    simulation
        .layer
        .respond(simulation.now, id, response(&invite, 200));
    simulation
        .layer
        .respond(simulation.now, id, response(&invite, 486));
    simulation.receive(&request("ACK", "z9hG4bKother").build());
    simulation.receive(&request("ACK", "z9hG4bKs").build());
    simulation.run_to(60_000);
    assert_eq!(
        (simulation.times("200"), simulation.times("486")),
        (vec![0, 500], vec![])
    );
    assert_eq!(
        simulation.names(),
        [(0, "request"), (500, "ack"), (500, "ack"), (32_000, "terminated")]
    );
}

#[test]
fn a_reliable_transport_has_no_timer_g_but_still_timer_h() {
    let mut simulation = Simulation::new();
    simulation.peer.transport = Transport::Tcp;
    let invite = request("INVITE", "z9hG4bKs").build();
    simulation.receive(&invite);
    let Some((_, TransactionEvent::Request { id, .. })) = simulation.events.first() else {
        panic!("no request")
    };
    simulation
        .layer
        .respond(simulation.now, *id, response(&invite, 486));
    simulation.run_to(40_000);
    assert_eq!(simulation.times("486"), [0]);
    assert_eq!(
        simulation.names()[1..],
        [(32_000, "timeout"), (32_000, "terminated")]
    );
}

#[test]
fn cancel_is_a_transaction_of_its_own_and_finds_its_invite() {
    let (mut simulation, invite, id) = called();
    let cancel = voxproof_sip::cancel_for(&Message::parse(&invite));
    simulation.receive(&cancel);
    let Some((
        _,
        TransactionEvent::Request {
            id: cancelling,
            message,
            ..
        },
    )) = simulation.events.last()
    else {
        panic!("no cancel: {:?}", simulation.names());
    };
    assert_ne!(*cancelling, id);
    assert_eq!(simulation.layer.cancelled_by(message), Some(id));
}

#[test]
fn responses_go_back_through_received_and_rport() {
    let mut simulation = Simulation::new();
    let invite = request("INVITE", "z9hG4bKs")
        .set("Via", "SIP/2.0/UDP 10.0.0.9:5062;rport;branch=z9hG4bKs")
        .build();
    simulation.layer.receive(
        simulation.now,
        &invite,
        "192.0.2.2:41000"
            .parse::<std::net::SocketAddr>()
            .expect("an address"),
    );
    let Some(TransactionEvent::Request { id, .. }) = simulation.layer.poll_event() else {
        panic!("no request")
    };
    simulation
        .layer
        .respond(simulation.now, id, response(&invite, 180));
    let transmit = simulation.layer.poll_transmit().expect("a response");
    assert_eq!(
        transmit.destination.address,
        "192.0.2.2:41000".parse().expect("an address")
    );
    let via = Message::parse(&transmit.bytes).top_via().expect("a Via");
    assert_eq!(
        (via.received(), via.rport()),
        (Some("192.0.2.2"), Some(Some(41_000)))
    );
    assert_eq!(
        simulation.layer.request_of(id).map(Message::bytes),
        Some(invite.as_slice())
    );
}
