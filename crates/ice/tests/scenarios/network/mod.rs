//! Agents on a simulated network: delay, loss, a NAT, blocked ways, and simulated time.
#![allow(dead_code, reason = "each test file uses another part")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_ice::{
    AddressPair, AgentOptions, Credentials, Finding, IceAgent, IceEvent, Mode, RemoteDescription, Role,
};

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn options(role: Role, mode: Mode, seed: u64) -> AgentOptions {
    let random = std::array::from_fn(|index| (seed as u8).wrapping_mul(31).wrapping_add(index as u8 * 7));
    AgentOptions::new(role, mode, Credentials::from_random(&random), seed)
}

/// What the other side reads in an agent's description.
pub(crate) fn description(agent: &IceAgent) -> RemoteDescription {
    let local = agent.local_description();
    let session = local
        .session
        .iter()
        .map(|(name, value)| (*name, value.as_deref()));
    let media = local.media.iter().map(|(name, value)| (*name, value.as_deref()));
    RemoteDescription::from_attributes(session, media)
}

pub(crate) struct Datagram {
    pub(crate) to: usize,
    pub(crate) source: SocketAddr,
    pub(crate) target: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

type Blocked = Box<dyn Fn(SocketAddr, SocketAddr) -> bool>;

pub(crate) struct Network {
    pub(crate) now: Duration,
    pub(crate) agents: Vec<IceAgent>,
    pub(crate) events: Vec<Vec<(Duration, IceEvent)>>,
    pub(crate) sent: Vec<(Duration, usize, SocketAddr, SocketAddr, Vec<u8>)>,
    pub(crate) delay: Duration,
    /// Of 1000 datagrams as many are lost.
    pub(crate) loss: u64,
    /// Inside and outside address of a one-to-one NAT.
    pub(crate) nat: Vec<(SocketAddr, SocketAddr)>,
    pub(crate) blocked: Blocked,
    owners: BTreeMap<SocketAddr, usize>,
    flying: BTreeMap<(Duration, u64), Datagram>,
    count: u64,
    random: u64,
}

impl Network {
    pub(crate) fn new(agents: Vec<IceAgent>, seed: u64) -> Self {
        let mut owners = BTreeMap::new();
        for (index, agent) in agents.iter().enumerate() {
            owners.extend(
                agent
                    .local_candidates()
                    .map(|candidate| (candidate.address, index)),
            );
        }
        Self {
            now: Duration::from_secs(1000),
            events: vec![Vec::new(); agents.len()],
            agents,
            sent: Vec::new(),
            delay: Duration::from_millis(20),
            loss: 0,
            nat: Vec::new(),
            blocked: Box::new(|_, _| false),
            owners,
            flying: BTreeMap::new(),
            count: 0,
            random: seed,
        }
    }

    /// Each agent learns the other's description, the second one 30 ms later, as answers do.
    pub(crate) fn exchange(&mut self) {
        let (first, second) = (description(&self.agents[0]), description(&self.agents[1]));
        assert_eq!((&first.findings, &second.findings), (&vec![], &vec![]));
        self.agents[1].set_remote(self.now, &first).expect("credentials");
        self.run(Duration::from_millis(30));
        self.agents[0].set_remote(self.now, &second).expect("credentials");
    }

    fn chance(&mut self) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % 1000
    }

    fn collect(&mut self) {
        for index in 0..self.agents.len() {
            while let Some(out) = self.agents[index].poll_transmit() {
                self.sent
                    .push((self.now, index, out.local, out.remote, out.bytes.clone()));
                let outside = self
                    .nat
                    .iter()
                    .find(|(inside, _)| *inside == out.local)
                    .map_or(out.local, |nat| nat.1);
                let inside = self.nat.iter().find(|(_, outside)| *outside == out.remote);
                let target = inside.map_or(out.remote, |nat| nat.0);
                // behind the NAT there is no way in but through it
                let hidden = inside.is_none() && self.nat.iter().any(|(inside, _)| *inside == target);
                let lost = self.chance() < self.loss || hidden || (self.blocked)(out.local, out.remote);
                if let (false, Some(to)) = (lost, self.owners.get(&target)) {
                    self.count += 1;
                    let datagram = Datagram {
                        to: *to,
                        source: outside,
                        target,
                        bytes: out.bytes,
                    };
                    self.flying.insert((self.now + self.delay, self.count), datagram);
                }
            }
            while let Some(event) = self.agents[index].poll_event() {
                self.events[index].push((self.now, event));
            }
        }
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        let mut steps = 0;
        loop {
            self.collect();
            let timer = self.agents.iter().filter_map(IceAgent::poll_timeout).min();
            let arrival = self.flying.keys().next().map(|(when, _)| *when);
            let Some(next) = timer.into_iter().chain(arrival).min().filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            steps += 1;
            assert!(steps < 100_000, "an agent does not let time pass");
            if arrival.is_some_and(|arrival| arrival <= self.now)
                && let Some((_, datagram)) = self.flying.pop_first()
            {
                let agent = &mut self.agents[datagram.to];
                assert!(agent.handle_datagram(self.now, datagram.target, datagram.source, &datagram.bytes));
            }
            for agent in &mut self.agents {
                if agent.poll_timeout().is_some_and(|timeout| timeout <= self.now) {
                    agent.handle_timeout(self.now);
                }
            }
        }
    }

    pub(crate) fn selections(&self, agent: usize) -> Vec<AddressPair> {
        let selected = |(_, event): &(Duration, IceEvent)| match event {
            IceEvent::Selected(pair) => Some(*pair),
            _ => None,
        };
        self.events[agent].iter().filter_map(selected).collect()
    }

    pub(crate) fn findings(&self, agent: usize) -> Vec<&Finding> {
        let finding = |(_, event): &'_ (Duration, IceEvent)| matches!(event, IceEvent::Finding(_));
        let findings = self.events[agent].iter().filter(|event| finding(event));
        findings
            .filter_map(|(_, event)| match event {
                IceEvent::Finding(finding) => Some(finding),
                _ => None,
            })
            .collect()
    }
}
