//! Client and server transactions of requests other than INVITE (RFC 3261 17.1.2, 17.2.2).

use voxproof_sip::{TransactionEvent, TransactionId, Transport};

use crate::simulation::{Simulation, request, response};

fn asked() -> (Simulation, Vec<u8>) {
    let mut simulation = Simulation::new();
    let options = request("OPTIONS", "z9hG4bKo").build();
    simulation
        .layer
        .request(simulation.now, options.clone(), simulation.peer);
    simulation.drain();
    (simulation, options)
}

fn queried() -> (Simulation, Vec<u8>, TransactionId) {
    let mut simulation = Simulation::new();
    let options = request("OPTIONS", "z9hG4bKo").build();
    simulation.receive(&options);
    let Some((0, TransactionEvent::Request { id, .. })) = simulation.events.first() else {
        panic!("no request event: {:?}", simulation.names());
    };
    let id = *id;
    (simulation, options, id)
}

#[test]
fn timer_e_is_capped_at_t2_and_timer_f_ends_it() {
    let (mut simulation, _) = asked();
    simulation.run_to(60_000);
    assert_eq!(
        simulation.times("OPTIONS"),
        [
            0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert_eq!(simulation.names(), [(32_000, "timeout"), (32_000, "terminated")]);
}

#[test]
fn after_a_provisional_retransmission_goes_on_every_t2() {
    let (mut simulation, options) = asked();
    simulation.run_to(600);
    simulation.receive(&response(&options, 100));
    simulation.run_to(60_000);
    assert_eq!(
        simulation.times("OPTIONS"),
        [0, 500, 1500, 5500, 9500, 13_500, 17_500, 21_500, 25_500, 29_500]
    );
    assert_eq!(
        simulation.names(),
        [(600, "response"), (32_000, "timeout"), (32_000, "terminated")]
    );
}

#[test]
fn timer_k_absorbs_repeated_final_responses() {
    let (mut simulation, options) = asked();
    simulation.run_to(700);
    simulation.receive(&response(&options, 200));
    simulation.run_to(5000);
    simulation.receive(&response(&options, 200));
    simulation.run_to(60_000);
    assert_eq!(simulation.times("OPTIONS"), [0, 500]);
    assert_eq!(simulation.names(), [(700, "response"), (5700, "terminated")]);
    simulation.receive(&response(&options, 200));
    assert_eq!(simulation.names().last(), Some(&(60_000, "stray")));
}

#[test]
fn the_server_repeats_what_it_last_answered_until_timer_j() {
    let (mut simulation, options, id) = queried();
    simulation.receive(&options);
    assert_eq!(simulation.sent, []);
    simulation
        .layer
        .respond(simulation.now, id, response(&options, 100));
    simulation.run_to(500);
    simulation.receive(&options);
    assert_eq!(simulation.times("100"), [0, 500]);
    simulation
        .layer
        .respond(simulation.now, id, response(&options, 200));
    simulation
        .layer
        .respond(simulation.now, id, response(&options, 500));
    simulation.run_to(1500);
    simulation.receive(&options);
    simulation.run_to(60_000);
    assert_eq!(
        (simulation.times("200"), simulation.times("500")),
        (vec![500, 1500], vec![])
    );
    assert_eq!(simulation.names(), [(0, "request"), (32_500, "terminated")]);
    simulation.receive(&options);
    assert_eq!(simulation.names().last(), Some(&(60_000, "request")));
}

#[test]
fn reliable_transports_end_at_once() {
    let mut simulation = Simulation::new();
    simulation.peer.transport = Transport::Tcp;
    let options = request("OPTIONS", "z9hG4bKo").build();
    simulation
        .layer
        .request(simulation.now, options.clone(), simulation.peer);
    simulation.run_to(20_000);
    simulation.receive(&response(&options, 200));
    simulation.run_to(20_001);
    assert_eq!(simulation.times("OPTIONS"), [0]);
    assert_eq!(simulation.names(), [(20_000, "response"), (20_000, "terminated")]);
    simulation.receive(&options);
    let Some((_, TransactionEvent::Request { id, .. })) = simulation.events.last() else {
        panic!("no request")
    };
    simulation
        .layer
        .respond(simulation.now, *id, response(&options, 200));
    simulation.run_to(20_002);
    assert_eq!(simulation.names().last(), Some(&(20_001, "terminated")));
}
