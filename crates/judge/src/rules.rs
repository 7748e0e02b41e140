//! The rules on every message, whatever the case asks.

use std::time::Duration;

use voxproof_record::{Carrier, FindingResult, RuleResult, RuleSeverity};
use voxproof_rules::{Engine, EngineConfig, Observation, RuleFinding, Severity as Binding, Transport};
use voxproof_spec::{RulePolicy, Severity};

use crate::view::View;

/// What the rules came to in one attempt.
pub(crate) struct Held {
    /// The rules that had something to judge.
    pub(crate) results: Vec<RuleResult>,
    /// What was broken, a finding a rule.
    pub(crate) findings: Vec<FindingResult>,
}

/// Shows every message and media packet of the case to the engine, in the order of the capture. `fit`: the lab itself
/// was, so that what is broken can be held against the device.
pub(crate) fn hold(view: &View<'_>, policy: &RulePolicy, fit: bool) -> Held {
    let mut engine = Engine::new(EngineConfig::default());
    let mut media = view.media_packets.iter().peekable();
    for record in &view.messages {
        while let Some(packet) = media.next_if(|packet| packet.packet < record.packet) {
            engine.observe(&datagram(packet));
        }
        engine.observe(&Observation::Sip {
            at: record.at,
            packet: record.packet,
            from_device: record.from_device,
            transport: transport(record.carrier),
            source: record.source,
            destination: record.destination,
            message: &record.message,
        });
    }
    for packet in media {
        engine.observe(&datagram(packet));
    }
    engine.finish(end(view));
    Held {
        results: engine
            .checked()
            .filter(|count| count.applicable > 0)
            .map(|count| RuleResult {
                rule: count.rule.id.to_owned(),
                title: count.rule.title.to_owned(),
                clause: count.rule.clause.to_owned(),
                severity: severity(count.rule.severity),
                applied: count.applicable,
                violated: count.broken,
                decides: fit && policy.decides(count.rule.id),
            })
            .collect(),
        findings: findings(engine.findings()),
    }
}

fn datagram<'a>(packet: &'a crate::view::MediaPacket<'_>) -> Observation<'a> {
    Observation::Rtp {
        at: packet.at,
        packet: packet.packet,
        from_device: packet.from_device,
        source: packet.source,
        destination: packet.destination,
        bytes: &packet.bytes,
        dscp: packet.dscp,
    }
}

const fn transport(carrier: Carrier) -> Transport {
    match carrier {
        Carrier::Udp => Transport::Udp,
        Carrier::Tcp => Transport::Tcp,
        Carrier::Tls => Transport::Tls,
        Carrier::Ws => Transport::Ws,
        Carrier::Wss => Transport::Wss,
    }
}

const fn severity(binding: Binding) -> RuleSeverity {
    match binding {
        Binding::Must => RuleSeverity::Must,
        Binding::Should => RuleSeverity::Should,
        Binding::Note => RuleSeverity::Note,
    }
}

/// The last moment the evidence tells of.
fn end(view: &View<'_>) -> Duration {
    let packet = view.evidence.packets.iter().map(|packet| packet.at).max();
    let entry = view
        .evidence
        .timeline
        .entries
        .iter()
        .map(|entry| Duration::from_nanos(entry.at))
        .max();
    packet.max(entry).unwrap_or_default()
}

fn findings(broken: &[RuleFinding]) -> Vec<FindingResult> {
    let mut found: Vec<FindingResult> = vec![];
    for finding in broken {
        match found.iter_mut().find(|one| one.rule == finding.rule.id) {
            Some(known) => known.evidence.push(finding.packet),
            None => found.push(FindingResult {
                rule: finding.rule.id.to_owned(),
                severity: match finding.rule.severity {
                    Binding::Must => Severity::Ko,
                    Binding::Should => Severity::Important,
                    Binding::Note => Severity::Optional,
                },
                clause: finding.rule.clause.to_owned(),
                message: format!("{}: {}", finding.rule.title, finding.message),
                evidence: vec![finding.packet],
            }),
        }
    }
    found
}
