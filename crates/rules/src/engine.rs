//! The engine: shows each observation to the areas.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_rtp::is_rtcp;

use crate::facts::Facts;
use crate::ledger::{Ledger, RuleCount, RuleFinding, Spot};
use crate::observation::Observation;
use crate::reading::Reading;
use crate::rtp::{self, Datagram};
use crate::tables::Tables;
use crate::{form, retransmission, rtcp};

/// How the engine is set up.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// A network address translator stands between the lab and the device: addresses in messages are not held against
    /// those of packets.
    pub address_translation: bool,
}

/// Holds every message and packet of one device against [`RULES`](crate::RULES).
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    ledger: Ledger,
    tables: Tables,
}

impl Engine {
    /// An engine that has seen nothing.
    pub fn new(config: EngineConfig) -> Self {
        Self {
            config,
            ledger: Ledger::new(),
            tables: Tables::new(),
        }
    }

    /// Takes the next message or packet. Any bytes may come; nothing panics and nothing grows without limit.
    pub fn observe(&mut self, observation: &Observation<'_>) {
        match *observation {
            Observation::Sip {
                at,
                packet,
                from_device,
                transport,
                source,
                message,
                ..
            } => {
                let spot = Spot { at, packet };
                if form::is_no_sip(message.bytes()) {
                    return;
                }
                let reading = Reading::new(message);
                match Facts::new(&reading, from_device, transport, source, spot) {
                    Some(facts) => self.sip(&facts),
                    None if from_device => form::malformed(message, spot, &mut self.ledger),
                    None => {}
                }
            }
            Observation::Rtp {
                at,
                packet,
                from_device: true,
                source,
                destination,
                bytes,
                dscp,
            } => {
                let datagram = Datagram {
                    spot: Spot { at, packet },
                    source,
                    bytes,
                    dscp,
                };
                self.media(&datagram, destination);
            }
            Observation::Rtp { .. } => {}
        }
    }

    /// Ends the traffic at `now`: what was due and did not come is told.
    pub fn finish(&mut self, now: Duration) {
        let Self { ledger, tables, .. } = self;
        for transaction in tables.transactions.values() {
            retransmission::close(transaction, now, ledger);
        }
        for referral in &tables.referrals {
            referral.close(now, ledger);
        }
        for flow in tables.flows.values() {
            rtp::close(flow, now, ledger);
            if let Some(first) = flow.early {
                rtp::early(first, now, ledger);
            }
        }
    }

    /// What was broken, in the order it was noticed; at most five of each rule.
    pub fn findings(&self) -> &[RuleFinding] {
        self.ledger.findings()
    }

    /// How often each rule was applicable and broken, in the order of [`RULES`](crate::RULES).
    pub fn checked(&self) -> impl Iterator<Item = RuleCount> {
        self.ledger.counts()
    }

    fn media(&mut self, datagram: &Datagram<'_>, destination: SocketAddr) {
        let translated = self.config.address_translation;
        let flows = &mut self.tables.flows;
        if !is_rtcp(datagram.bytes) {
            let flow = flows.entry(destination);
            rtp::check(flow, datagram, translated, &mut self.ledger);
            return;
        }
        let shared = flows.get(destination).is_some_and(|flow| flow.line.is_some());
        let port = if shared {
            destination.port()
        } else {
            destination.port().wrapping_sub(1)
        };
        if let Some(flow) = flows.get_mut(SocketAddr::new(destination.ip(), port)) {
            rtcp::check(flow, datagram, shared, translated, &mut self.ledger);
        }
    }

    fn sip(&mut self, facts: &Facts<'_>) {
        let Self {
            config,
            ledger,
            tables,
        } = self;
        match (facts.is_request, facts.from_device) {
            (true, true) => tables.device_request(facts, ledger),
            (true, false) => tables.lab_request(facts, ledger),
            (false, true) => tables.device_response(facts, ledger, config.address_translation),
            (false, false) => tables.lab_response(facts, ledger),
        }
    }
}
