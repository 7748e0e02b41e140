//! INVITE client transactions (RFC 3261 17.1.1, RFC 6026 7.2).

use voxproof_sip::{Message, Timers, TransactionEvent, Transactions, Transport};

use crate::simulation::{Simulation, peer, request, response};

fn invited() -> (Simulation, Vec<u8>, voxproof_sip::TransactionId) {
    let mut simulation = Simulation::new();
    let invite = request("INVITE", "z9hG4bKi").build();
    let id = simulation
        .layer
        .request(simulation.now, invite.clone(), simulation.peer);
    simulation.drain();
    (simulation, invite, id)
}

#[test]
fn timer_a_doubles_and_timer_b_ends_after_64_t1() {
    let (mut simulation, invite, _) = invited();
    simulation.run_to(60_000);
    assert_eq!(
        simulation.times("INVITE"),
        [0, 500, 1500, 3500, 7500, 15_500, 31_500]
    );
    assert!(simulation.bytes.iter().all(|bytes| *bytes == invite));
    assert_eq!(simulation.names(), [(32_000, "timeout"), (32_000, "terminated")]);
    assert_eq!(simulation.layer.poll_timeout(), None);
}

#[test]
fn a_provisional_response_stops_retransmission_for_as_long_as_it_rings() {
    let (mut simulation, invite, id) = invited();
    simulation.run_to(600);
    simulation.receive(&response(&invite, 180));
    simulation.run_to(200_000);
    simulation.receive(&response(&invite, 180));
    assert_eq!(simulation.times("INVITE"), [0, 500]);
    assert_eq!(simulation.names(), [(600, "response"), (200_000, "response")]);
    assert!(
        simulation
            .layer
            .request_of(id)
            .is_some_and(|request| request.bytes() == invite)
    );
    assert_eq!(simulation.layer.destination(id), Some(peer()));
}

#[test]
fn each_2xx_is_passed_up_until_timer_m() {
    let (mut simulation, invite, _) = invited();
    simulation.receive(&response(&invite, 200));
    simulation.run_to(500);
    simulation.receive(&response(&invite, 200));
    simulation.receive(&response(&invite, 180));
    simulation.receive(&response(&invite, 486));
    simulation.run_to(40_000);
    assert_eq!(simulation.times("ACK"), [0; 0]);
    assert_eq!(
        simulation.names(),
        [
            (0, "response"),
            (500, "response"),
            (500, "stray"),
            (32_000, "terminated")
        ]
    );
    simulation.receive(&response(&invite, 200));
    assert_eq!(simulation.names().last(), Some(&(40_000, "stray")));
}

#[test]
fn a_non_2xx_is_acknowledged_each_time_and_passed_up_once() {
    let (mut simulation, invite, _) = invited();
    simulation.receive(&response(&invite, 486));
    simulation.run_to(500);
    simulation.receive(&response(&invite, 486));
    simulation.run_to(1500);
    simulation.receive(&response(&invite, 486));
    simulation.receive(&response(&invite, 200));
    simulation.run_to(60_000);
    assert_eq!(simulation.times("ACK"), [0, 500, 1500]);
    assert_eq!(
        simulation.names(),
        [(0, "response"), (1500, "stray"), (32_000, "terminated")]
    );
    let ack = Message::parse(&simulation.bytes[1]);
    assert_eq!(ack.header("to"), Some("<sip:bob@192.0.2.2>;tag=b"));
    assert_eq!(
        (ack.header("cseq"), ack.header("via")),
        (Some("1 ACK"), Message::parse(&invite).header("via"))
    );
}

#[test]
fn a_test_may_withhold_the_ack_and_give_it_later() {
    let (mut simulation, invite, id) = invited();
    simulation.layer.set_auto_ack(id, false);
    simulation.receive(&response(&invite, 404));
    simulation.run_to(500);
    simulation.receive(&response(&invite, 404));
    assert_eq!(simulation.times("ACK"), [0; 0]);
    simulation.layer.set_auto_ack(id, true);
    simulation.run_to(1500);
    simulation.receive(&response(&invite, 404));
    assert_eq!(simulation.times("ACK"), [1500]);
    assert_eq!(simulation.names(), [(0, "response")]);
}

#[test]
fn a_reliable_transport_needs_no_retransmission_and_no_timer_d() {
    let mut simulation = Simulation::new();
    simulation.peer.transport = Transport::Tcp;
    let invite = request("INVITE", "z9hG4bKi").build();
    simulation
        .layer
        .request(simulation.now, invite.clone(), simulation.peer);
    simulation.run_to(31_999);
    assert_eq!(simulation.times("INVITE"), [0]);
    simulation.receive(&response(&invite, 603));
    simulation.run_to(32_000);
    assert_eq!(simulation.times("ACK"), [31_999]);
    assert_eq!(simulation.names(), [(31_999, "response"), (31_999, "terminated")]);
}

#[test]
fn other_base_intervals_scale_the_sequence() {
    let millis = std::time::Duration::from_millis;
    let mut simulation = Simulation::new();
    simulation.layer = Transactions::new(Timers {
        t1: millis(100),
        ..Timers::default()
    });
    simulation
        .layer
        .request(simulation.now, request("INVITE", "z9hG4bKi").build(), peer());
    simulation.run_to(10_000);
    assert_eq!(simulation.times("INVITE"), [0, 100, 300, 700, 1500, 3100, 6300]);
    assert_eq!(simulation.names()[0], (6400, "timeout"));
}

#[test]
fn a_stalled_driver_sends_no_burst() {
    let (mut simulation, _, _) = invited();
    simulation.now += std::time::Duration::from_secs(10);
    simulation.layer.handle_timeout(simulation.now);
    simulation.drain();
    assert_eq!(simulation.times("INVITE"), [0, 10_000]);
    assert!(
        simulation
            .layer
            .poll_timeout()
            .is_some_and(|at| at > simulation.now)
    );
}

#[test]
fn a_dropped_transaction_leaves_nothing_behind() {
    let (mut simulation, invite, id) = invited();
    simulation.layer.drop_transaction(id);
    assert_eq!(simulation.layer.poll_timeout(), None);
    simulation.receive(&response(&invite, 200));
    assert!(matches!(
        simulation.events.as_slice(),
        [(0, TransactionEvent::Stray { .. })]
    ));
}
