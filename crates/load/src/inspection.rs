//! The SIP of a run held against the rules.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_rules::{Engine, EngineConfig, Observation, RuleCount, RuleFinding, Transport};
use voxproof_sip::Message;

use crate::observer::Observer;

/// Shows a rule engine every SIP message of a run; the far end is the device.
///
/// RTP is not shown: at thousands of streams only its statistics are affordable, and they are in the report. Messages are
/// numbered from 1 in the order of a [`SipCapture`](crate::SipCapture) of the same run.
#[derive(Debug)]
pub struct RuleInspection {
    engine: Engine,
    local: SocketAddr,
    packet: u32,
    last: Duration,
}

impl RuleInspection {
    /// Nothing seen yet; `local` is the run's SIP address ([`Caller::local_addr`](crate::Caller::local_addr),
    /// [`Callee::local_addr`](crate::Callee::local_addr)).
    pub fn new(local: SocketAddr, config: EngineConfig) -> Self {
        Self {
            engine: Engine::new(config),
            local,
            packet: 0,
            last: Duration::ZERO,
        }
    }

    /// To be called when the run is over: what was due and did not come is told.
    pub fn finish(&mut self) {
        self.engine.finish(self.last);
    }

    /// What the far end broke, at most five findings of each rule.
    pub fn findings(&self) -> &[RuleFinding] {
        self.engine.findings()
    }

    /// How often each rule was applicable and broken.
    pub fn checked(&self) -> impl Iterator<Item = RuleCount> {
        self.engine.checked()
    }

    fn observe(&mut self, at: Duration, remote: SocketAddr, from_device: bool, message: &Message) {
        let (source, destination) = if from_device {
            (remote, self.local)
        } else {
            (self.local, remote)
        };
        self.packet = self.packet.saturating_add(1);
        self.last = self.last.max(at);
        self.engine.observe(&Observation::Sip {
            at,
            packet: self.packet,
            from_device,
            transport: Transport::Udp,
            source,
            destination,
            message,
        });
    }
}

impl Observer for RuleInspection {
    fn received(&mut self, at: Duration, source: SocketAddr, message: &Message) {
        self.observe(at, source, true, message);
    }

    fn sent(&mut self, at: Duration, destination: SocketAddr, bytes: &[u8]) {
        self.observe(at, destination, false, &Message::parse(bytes));
    }
}
