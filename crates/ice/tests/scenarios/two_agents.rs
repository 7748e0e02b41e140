//! Two full agents against each other.

use std::time::Duration;

use crate::network::{Network, at, options};
use voxproof_ice::{CheckFailure, IceAgent, IceEvent, IceState, Mode, Nomination, Role, StunMessage};

const SECOND: Duration = Duration::from_secs(1);

fn agent(role: Role, seed: u64, hosts: &[(u16, &str)]) -> IceAgent {
    let mut agent = IceAgent::new(options(role, Mode::Full, seed));
    for (component, address) in hosts {
        agent.add_host(*component, at(address));
    }
    agent
}

fn pair_of_agents(seed: u64) -> Network {
    let first = agent(
        Role::Controlling,
        seed,
        &[(1, "192.0.2.1:5000"), (2, "192.0.2.1:5001")],
    );
    let second = agent(
        Role::Controlled,
        seed + 1,
        &[(1, "192.0.2.2:6000"), (2, "192.0.2.2:6001")],
    );
    Network::new(vec![first, second], seed)
}

fn agree(network: &Network, component: u16) {
    let one = network.agents[0].selected(component).expect("selected");
    let other = network.agents[1].selected(component).expect("selected");
    assert_eq!((one.local, one.remote), (other.remote, other.local));
}

#[test]
fn both_components_are_selected_and_nothing_is_found() {
    let mut network = pair_of_agents(1);
    network.exchange();
    network.run(2 * SECOND);
    for index in 0..2 {
        assert_eq!(network.agents[index].state(), IceState::Completed);
        assert!(
            network.findings(index).is_empty(),
            "{:?}",
            network.findings(index)
        );
        assert_eq!(network.selections(index).len(), 2);
    }
    agree(&network, 1);
    agree(&network, 2);
    assert_eq!(network.agents[1].peer_nomination(), Some(Nomination::Regular));
    assert_eq!(
        network.agents[0].selected(1).and_then(|pair| pair.mapped),
        Some(at("192.0.2.1:5000"))
    );
}

#[test]
fn loss_and_delay_are_overcome() {
    for seed in 0..40 {
        let mut network = pair_of_agents(seed);
        network.loss = 200;
        network.delay = Duration::from_millis(10 + 20 * seed);
        network.exchange();
        network.run(60 * SECOND);
        assert_eq!(network.agents[0].state(), IceState::Completed, "seed {seed}");
        assert_eq!(network.agents[1].state(), IceState::Completed, "seed {seed}");
        agree(&network, 1);
        agree(&network, 2);
        assert!(network.findings(0).is_empty() && network.findings(1).is_empty());
    }
}

#[test]
fn a_role_conflict_ends_with_one_of_each() {
    for role in [Role::Controlling, Role::Controlled] {
        for seed in 0..20 {
            let first = agent(role, seed, &[(1, "192.0.2.1:5000")]);
            let second = agent(role, seed + 100, &[(1, "192.0.2.2:6000")]);
            let mut network = Network::new(vec![first, second], seed);
            network.exchange();
            network.run(5 * SECOND);
            assert_eq!(
                network.agents[0].role(),
                network.agents[1].role().other(),
                "{role:?}, seed {seed}"
            );
            assert_eq!(network.agents[0].state(), IceState::Completed);
            agree(&network, 1);
            let changed = |index: usize| {
                network.events[index]
                    .iter()
                    .filter(|(_, event)| matches!(event, IceEvent::RoleChanged(_)))
                    .count()
            };
            assert_eq!(changed(0) + changed(1), 1);
        }
    }
}

#[test]
fn a_nat_shows_as_peer_reflexive_address() {
    let first = agent(Role::Controlling, 1, &[(1, "10.0.0.1:5000")]);
    let second = agent(Role::Controlled, 2, &[(1, "192.0.2.2:6000")]);
    let mut network = Network::new(vec![first, second], 1);
    network.nat = vec![(at("10.0.0.1:5000"), at("198.51.100.1:61000"))];
    network.exchange();
    network.run(5 * SECOND);
    let inside = network.agents[0].selected(1).expect("selected");
    assert_eq!(
        (inside.local, inside.mapped),
        (at("10.0.0.1:5000"), Some(at("198.51.100.1:61000")))
    );
    let outside = network.agents[1].selected(1).expect("selected");
    assert_eq!(outside.remote, at("198.51.100.1:61000"));
    assert_eq!(network.agents[1].remote_candidates().count(), 2);
}

#[test]
fn the_first_address_is_preferred_and_the_other_family_is_the_way_out() {
    let hosts = |last: &str| [format!("[2001:db8::{last}]:5000"), format!("192.0.2.{last}:5000")];
    for blocked in [false, true] {
        let agents = [(Role::Controlling, "1"), (Role::Controlled, "2")].map(|(role, last)| {
            let hosts = hosts(last);
            agent(role, 3, &[(1, &hosts[0]), (1, &hosts[1])])
        });
        let mut network = Network::new(agents.into(), 3);
        network.blocked = Box::new(move |from, _| blocked && from.is_ipv6());
        network.exchange();
        network.run(5 * SECOND);
        agree(&network, 1);
        assert_eq!(
            network.agents[0].selected(1).map(|pair| pair.local.is_ipv6()),
            Some(!blocked)
        );
    }
}

#[test]
fn without_any_way_both_fail_after_the_patience() {
    let mut network = pair_of_agents(5);
    network.blocked = Box::new(|_, _| true);
    network.exchange();
    network.run(39 * SECOND);
    assert_eq!(network.agents[0].state(), IceState::Checking);
    network.run(SECOND);
    assert_eq!(network.agents[0].state(), IceState::Failed);
    // the second component has the same foundation and begins when the first has given up (RFC 8445 6.1.4.2)
    network.run(45 * SECOND);
    for index in 0..2 {
        assert_eq!(network.agents[index].state(), IceState::Failed);
        let failed = |event: &IceEvent| matches!(event, IceEvent::Failed { .. });
        assert_eq!(
            network.events[index]
                .iter()
                .filter(|(_, event)| failed(event))
                .count(),
            2
        );
        let timeout = |event: &IceEvent| {
            matches!(
                event,
                IceEvent::CheckFailed {
                    cause: CheckFailure::Timeout,
                    ..
                }
            )
        };
        assert_eq!(
            network.events[index]
                .iter()
                .filter(|(_, event)| timeout(event))
                .count(),
            2
        );
    }
}

#[test]
fn an_unanswered_check_is_sent_at_the_times_of_the_standard() {
    let first = agent(Role::Controlling, 1, &[(1, "192.0.2.1:5000")]);
    let second = agent(Role::Controlled, 2, &[(1, "192.0.2.2:6000")]);
    let mut network = Network::new(vec![first, second], 1);
    network.blocked = Box::new(|_, _| true);
    let told = crate::network::description(&network.agents[1]);
    let start = network.now;
    network.agents[0].set_remote(start, &told).expect("credentials");
    network.run(60 * SECOND);
    let times: Vec<u128> = network
        .sent
        .iter()
        .map(|(when, ..)| (*when - start).as_millis())
        .collect();
    // RFC 8489 6.2.1 with an RTO of 500 ms
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 15500, 31500]);
    let failed = network.events[0]
        .iter()
        .find(|(_, event)| matches!(event, IceEvent::CheckFailed { .. }));
    assert_eq!(failed.map(|(when, _)| (*when - start).as_millis()), Some(39500));
}

#[test]
fn aggressive_nomination_is_seen_and_withheld_nomination_selects_nothing() {
    for nomination in [Nomination::Aggressive, Nomination::Withheld] {
        let mut aggressive = options(Role::Controlling, Mode::Full, 1);
        aggressive.nomination = nomination;
        let mut first = IceAgent::new(aggressive);
        first.add_host(1, at("192.0.2.1:5000"));
        let second = agent(Role::Controlled, 2, &[(1, "192.0.2.2:6000")]);
        let mut network = Network::new(vec![first, second], 1);
        network.exchange();
        network.run(60 * SECOND);
        if nomination == Nomination::Aggressive {
            agree(&network, 1);
            assert_eq!(network.agents[1].peer_nomination(), Some(Nomination::Aggressive));
        } else {
            assert_eq!(
                network.agents[0]
                    .selected(1)
                    .or_else(|| network.agents[1].selected(1)),
                None
            );
            assert_eq!(network.agents[1].state(), IceState::Checking);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_datagrams() {
    let trace = |seed: u64| {
        let mut network = pair_of_agents(seed);
        network.loss = 100;
        network.exchange();
        network.run(20 * SECOND);
        network.sent
    };
    assert_eq!(trace(4), trace(4));
    assert_ne!(trace(4), trace(5));
}

#[test]
fn no_two_new_checks_within_the_pacing_time() {
    let hosts: Vec<String> = (0..6).map(|last| format!("192.0.2.{}:5000", last + 1)).collect();
    let hosts: Vec<(u16, &str)> = hosts.iter().map(|host| (1, host.as_str())).collect();
    let first = agent(Role::Controlling, 1, &hosts);
    let second = agent(
        Role::Controlled,
        2,
        &[(1, "198.51.100.1:6000"), (1, "198.51.100.2:6000")],
    );
    let mut network = Network::new(vec![first, second], 1);
    network.blocked = Box::new(|_, _| true);
    network.exchange();
    network.run(3 * SECOND);
    let mut seen = std::collections::BTreeMap::new();
    for (when, from, _, _, bytes) in &network.sent {
        let id = StunMessage::parse(bytes).expect("STUN").transaction();
        seen.entry((*from, id)).or_insert(*when);
    }
    for from in 0..2 {
        let mut times: Vec<_> = seen
            .iter()
            .filter(|((who, _), _)| *who == from)
            .map(|(_, when)| *when)
            .collect();
        times.sort();
        assert_eq!(times.len(), 12);
        assert!(
            times
                .windows(2)
                .all(|two| two[1] - two[0] >= Duration::from_millis(50))
        );
    }
}

#[test]
fn a_restart_finds_a_pair_again() {
    let mut network = pair_of_agents(6);
    network.exchange();
    network.run(2 * SECOND);
    let before = network.selections(0).len();
    for (index, seed) in [(0, 61), (1, 62)] {
        let new = options(Role::Controlling, Mode::Full, seed).credentials;
        network.agents[index].restart(new);
        assert_eq!(network.agents[index].state(), IceState::New);
        assert!(network.agents[index].selected(1).is_some());
    }
    network.exchange();
    network.run(2 * SECOND);
    assert_eq!(network.agents[0].state(), IceState::Completed);
    assert_eq!(network.selections(0).len(), 2 * before);
    assert!(network.findings(0).is_empty(), "{:?}", network.findings(0));
}

#[test]
fn a_candidate_that_comes_later_is_used() {
    let first = agent(Role::Controlling, 1, &[(1, "192.0.2.1:5000")]);
    let second = agent(Role::Controlled, 2, &[(1, "192.0.2.2:6000")]);
    let mut network = Network::new(vec![first, second], 1);
    let (told, mut empty) = (
        crate::network::description(&network.agents[0]),
        crate::network::description(&network.agents[1]),
    );
    let late = empty.candidates.pop().expect("a candidate");
    network.agents[0]
        .set_remote(network.now, &empty)
        .expect("credentials");
    network.agents[1]
        .set_remote(network.now, &told)
        .expect("credentials");
    network.blocked = Box::new(|from, _| from == at("192.0.2.2:6000"));
    network.run(3 * SECOND);
    assert_eq!(network.agents[0].state(), IceState::Checking);
    network.blocked = Box::new(|_, _| false);
    network.agents[0].add_remote_candidate(network.now, late);
    network.run(10 * SECOND);
    agree(&network, 1);
}
