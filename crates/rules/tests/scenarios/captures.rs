//! Captures of real devices. `VOXPROOF_RUNS` names run folders, separated by colons; without it nothing is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use voxproof_record::{PacketDirection, read_capture};
use voxproof_rules::{Engine, EngineConfig, Observation, Transport};
use voxproof_sip::Message;

fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            captures(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "pcapng") {
            found.push(path);
        }
    }
}

#[test]
fn captures_of_real_devices_are_read_and_their_findings_printed() {
    let Some(runs) = std::env::var_os("VOXPROOF_RUNS") else {
        println!("skipped: VOXPROOF_RUNS is not set");
        return;
    };
    let mut paths = Vec::new();
    for folder in std::env::split_paths(&runs) {
        captures(&folder, &mut paths);
    }
    paths.sort();
    let mut totals: BTreeMap<&str, (u64, u64, String)> = BTreeMap::new();
    for path in &paths {
        let bytes = std::fs::read(path).expect("a file that was listed");
        let Ok(packets) = read_capture(&bytes, Duration::ZERO) else {
            println!("{}: no capture of ours", path.display());
            continue;
        };
        let engine = run(&packets);
        for count in engine.checked() {
            let total = totals.entry(count.rule.id).or_default();
            total.0 += count.applicable;
            total.1 += count.broken;
        }
        for finding in engine.findings() {
            let total = totals.entry(finding.rule.id).or_default();
            if total.2.is_empty() {
                let name = path
                    .file_stem()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                total.2 = format!(
                    "{} [{} packet {}]",
                    finding.message,
                    &name[..8.min(name.len())],
                    finding.packet
                );
            }
        }
    }
    println!("{} captures", paths.len());
    for (id, (applicable, broken, first)) in totals.iter().filter(|(_, total)| total.1 > 0) {
        let severity = voxproof_rules::rule(id).map_or("", |rule| rule.severity.as_str());
        println!("{id} {severity} {broken}/{applicable}: {first}");
    }
    let exercised = totals.values().filter(|total| total.0 > 0).count();
    println!("{exercised} of {} rules exercised", voxproof_rules::RULES.len());
    assert!(!paths.is_empty(), "no capture in {}", runs.display());
}

fn run(packets: &[voxproof_record::CapturedPacket]) -> Engine {
    let mut engine = Engine::new(EngineConfig::default());
    let Some(epoch) = packets.first().map(|packet| packet.at) else {
        return engine;
    };
    let mut now = Duration::ZERO;
    for (index, packet) in packets.iter().enumerate() {
        let at = packet.at.saturating_sub(epoch);
        now = now.max(at);
        let from_device = packet.direction == PacketDirection::Inbound;
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let head = packet.payload.get(..200).unwrap_or(&packet.payload);
        let is_sip = head.windows(4).any(|part| part == b"SIP/");
        if is_sip {
            engine.observe(&Observation::Sip {
                at,
                packet: number,
                from_device,
                transport: Transport::Udp,
                source: packet.source,
                destination: packet.destination,
                message: &Message::parse(&packet.payload),
            });
        } else {
            engine.observe(&Observation::Rtp {
                at,
                packet: number,
                from_device,
                source: packet.source,
                destination: packet.destination,
                bytes: &packet.payload,
                dscp: None,
            });
        }
    }
    engine.finish(now);
    engine
}
