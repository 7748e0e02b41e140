//! Consent freshness (RFC 7675).

use std::time::Duration;

use crate::network::{Network, at, options};
use voxproof_ice::{Answering, IceAgent, IceEvent, Mode, Role, StunMessage};

const SECOND: Duration = Duration::from_secs(1);

fn connected() -> Network {
    let mut first = IceAgent::new(options(Role::Controlling, Mode::Full, 1));
    first.add_host(1, at("192.0.2.1:5000"));
    let mut second = IceAgent::new(options(Role::Controlled, Mode::Full, 2));
    second.add_host(1, at("192.0.2.2:6000"));
    let mut network = Network::new(vec![first, second], 1);
    network.exchange();
    network.run(2 * SECOND);
    network.sent.clear();
    network
}

fn expired(network: &Network, agent: usize) -> Vec<Duration> {
    let expired = network.events[agent]
        .iter()
        .filter(|(_, event)| matches!(event, IceEvent::ConsentExpired(_)));
    expired.map(|(when, _)| *when).collect()
}

#[test]
fn consent_is_asked_for_every_four_to_six_seconds_with_new_transactions() {
    let mut network = connected();
    network.run(300 * SECOND);
    assert!(expired(&network, 0).is_empty() && expired(&network, 1).is_empty());
    let requests: Vec<_> = network
        .sent
        .iter()
        .filter(|(_, from, .., bytes)| *from == 0 && bytes[..2] == [0, 1])
        .collect();
    assert!((50..=75).contains(&requests.len()));
    let gaps: Vec<Duration> = requests.windows(2).map(|two| two[1].0 - two[0].0).collect();
    assert!(
        gaps.iter()
            .all(|gap| (4 * SECOND..=6 * SECOND + SECOND / 100).contains(gap)),
        "{gaps:?}"
    );
    assert!(gaps.iter().any(|gap| *gap != gaps[0]));
    let ids: std::collections::BTreeSet<u128> = requests
        .iter()
        .map(|(.., bytes)| StunMessage::parse(bytes).expect("STUN").transaction())
        .collect();
    assert_eq!(ids.len(), requests.len());
    assert!(
        network.agents[1]
            .last_check_received(1)
            .is_some_and(|last| network.now - last < 7 * SECOND)
    );
}

#[test]
fn a_silent_device_loses_consent_after_thirty_seconds_and_is_not_asked_again() {
    let mut network = connected();
    let start = network.now;
    network.agents[1].set_answering(Answering::Silent);
    network.run(120 * SECOND);
    let lost = expired(&network, 0);
    assert_eq!(lost.len(), 1);
    // 30 s after the last answer, which was at most 6 s before the silence, and the connection is 2 s old
    assert!((start + 24 * SECOND..=start + 36 * SECOND).contains(&lost[0]));
    assert!(
        network
            .sent
            .iter()
            .filter(|(_, from, .., bytes)| *from == 0 && bytes[..2] == [0, 1])
            .all(|(when, ..)| *when <= lost[0])
    );
    // the other one still has its consent: the first answers
    assert!(expired(&network, 1).is_empty());
}

#[test]
fn forbidden_takes_consent_back_at_once() {
    let mut network = connected();
    let start = network.now;
    network.agents[1].set_answering(Answering::Refuse(403));
    network.run(20 * SECOND);
    let lost = expired(&network, 0);
    assert!(lost.len() == 1 && lost[0] < start + 8 * SECOND);
}
