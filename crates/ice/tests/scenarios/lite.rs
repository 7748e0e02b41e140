//! A full agent against a lite one, and two lite ones.

use std::time::Duration;

use crate::network::{Network, at, options};
use voxproof_ice::{CheckOutcome, IceAgent, IceEvent, IceState, Mode, Role};

const SECOND: Duration = Duration::from_secs(1);

fn agents(roles: [Role; 2], modes: [Mode; 2]) -> Network {
    let mut first = IceAgent::new(options(roles[0], modes[0], 1));
    first.add_host(1, at("192.0.2.1:5000"));
    first.add_host(2, at("192.0.2.1:5001"));
    let mut second = IceAgent::new(options(roles[1], modes[1], 2));
    second.add_host(1, at("192.0.2.2:6000"));
    second.add_host(2, at("192.0.2.2:6001"));
    Network::new(vec![first, second], 1)
}

#[test]
fn the_full_agent_controls_whoever_offered() {
    for roles in [
        [Role::Controlling, Role::Controlled],
        [Role::Controlled, Role::Controlling],
    ] {
        for modes in [[Mode::Full, Mode::Lite], [Mode::Lite, Mode::Full]] {
            let mut network = agents(roles, modes);
            network.exchange();
            network.run(3 * SECOND);
            for (index, mode) in modes.iter().enumerate() {
                let agent = &network.agents[index];
                assert_eq!(agent.state(), IceState::Completed, "{roles:?} {modes:?}");
                assert_eq!(agent.role() == Role::Controlling, *mode == Mode::Full);
                assert!(
                    network.findings(index).is_empty(),
                    "{:?}",
                    network.findings(index)
                );
            }
            let one = network.agents[0].selected(2).expect("selected");
            let other = network.agents[1].selected(2).expect("selected");
            assert_eq!((one.local, one.remote), (other.remote, other.local));
        }
    }
}

#[test]
fn a_lite_agent_sends_no_request() {
    let mut network = agents([Role::Controlling, Role::Controlled], [Mode::Full, Mode::Lite]);
    network.exchange();
    network.run(60 * SECOND);
    // the type of each message of the lite agent is a success response
    assert!(network.sent.iter().any(|(_, from, ..)| *from == 1));
    assert!(
        network
            .sent
            .iter()
            .filter(|(_, from, ..)| *from == 1)
            .all(|(.., bytes)| bytes[..2] == [1, 1])
    );
}

#[test]
fn two_lite_agents_take_their_best_pair_at_once() {
    let mut network = agents([Role::Controlling, Role::Controlled], [Mode::Lite, Mode::Lite]);
    network.exchange();
    network.run(SECOND);
    assert!(network.sent.is_empty());
    assert_eq!(network.agents[0].state(), IceState::Completed);
    assert_eq!(
        network.agents[0].selected(1).map(|pair| pair.remote),
        Some(at("192.0.2.2:6000"))
    );
}

#[test]
fn a_lite_agent_that_hears_nothing_fails() {
    let mut network = agents([Role::Controlling, Role::Controlled], [Mode::Full, Mode::Lite]);
    network.blocked = Box::new(|_, _| true);
    network.exchange();
    network.run(45 * SECOND);
    assert_eq!(network.agents[1].state(), IceState::Failed);
}

#[test]
fn a_lite_agent_refuses_a_full_one_that_will_not_control() {
    // the full agent takes the lite one for full and keeps to the controlled role at first
    let mut network = agents([Role::Controlled, Role::Controlled], [Mode::Full, Mode::Lite]);
    let mut told = crate::network::description(&network.agents[1]);
    told.lite = false;
    let offer = crate::network::description(&network.agents[0]);
    network.agents[0]
        .set_remote(network.now, &told)
        .expect("credentials");
    network.agents[1]
        .set_remote(network.now, &offer)
        .expect("credentials");
    network.run(5 * SECOND);
    let refused = |event: &IceEvent| matches!(event, IceEvent::CheckReceived(check) if check.outcome == CheckOutcome::Refused(487));
    assert!(network.events[1].iter().any(|(_, event)| refused(event)));
    assert_eq!(
        network
            .findings(1)
            .iter()
            .map(|finding| finding.code)
            .collect::<Vec<_>>(),
        ["ice-role-lite"]
    );
    assert_eq!(network.agents[0].role(), Role::Controlling);
    assert_eq!(network.agents[1].state(), IceState::Completed);
}
