//! The arrows of the architecture, held against what cargo says.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Which crates of ours each crate may name. `docs/architecture.md` draws this table.
const ALLOWED: &[(&str, &[&str])] = &[
    ("sip", &[]),
    ("rtp", &[]),
    ("srtp", &[]),
    ("ice", &[]),
    ("audio", &[]),
    ("codec", &["rtp"]),
    ("analysis", &["audio", "codec", "rtp"]),
    ("rules", &["sip", "rtp"]),
    ("net", &[]),
    ("guest", &[]),
    ("spec", &[]),
    ("record", &["spec"]),
    (
        "judge",
        &["spec", "record", "sip", "rtp", "srtp", "codec", "rules", "audio"],
    ),
    ("report", &["spec", "record"]),
    ("services", &["net"]),
    ("call", &["sip", "rtp", "srtp", "codec", "ice", "net", "record"]),
    ("load", &["sip", "rtp", "rules", "record", "net"]),
    (
        "simphone",
        &["sip", "rtp", "srtp", "codec", "ice", "audio", "net"],
    ),
    ("device", &["spec", "record", "net", "simphone"]),
    (
        "runner",
        &[
            "spec", "record", "judge", "call", "services", "device", "guest", "net", "sip", "rtp", "audio",
            "simphone",
        ],
    ),
    (
        "cli",
        &[
            "spec", "record", "judge", "runner", "report", "device", "guest", "net", "simphone", "call",
            "load", "sip", "rtp", "audio", "analysis",
        ],
    ),
];

/// Crates in which there is no clock, socket or task: tokio must not be reachable from them.
const WITHOUT_TOKIO: &[&str] = &[
    "sip", "rtp", "srtp", "ice", "codec", "rules", "audio", "analysis", "spec", "record", "judge", "report",
    "guest",
];

#[test]
fn dependencies_point_one_way() {
    let metadata = MetadataCommand::new()
        .exec()
        .expect("cargo metadata runs in a checkout");
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED
        .iter()
        .map(|(name, list)| (*name, list.iter().copied().collect()))
        .collect();
    let mut seen = 0;
    for package in metadata.workspace_packages() {
        let Some(name) = package.name.strip_prefix("voxproof-") else {
            continue;
        };
        seen += 1;
        let permitted = allowed
            .get(name)
            .unwrap_or_else(|| panic!("crate {name} is not in the table of arrows"));
        for dependency in package
            .dependencies
            .iter()
            .filter(|one| one.kind == DependencyKind::Normal)
        {
            if let Some(other) = dependency.name.strip_prefix("voxproof-") {
                assert!(permitted.contains(other), "{name} must not depend on {other}");
            }
        }
    }
    assert_eq!(seen, ALLOWED.len(), "a crate of the table does not exist");
}

#[test]
fn pure_crates_do_not_reach_tokio() {
    let metadata = MetadataCommand::new()
        .exec()
        .expect("cargo metadata runs in a checkout");
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    for pure in WITHOUT_TOKIO {
        let start = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == format!("voxproof-{pure}"))
            .unwrap_or_else(|| panic!("no crate {pure}"));
        let mut queue = vec![&start.id];
        let mut reached = BTreeSet::new();
        while let Some(id) = queue.pop() {
            if !reached.insert(id) {
                continue;
            }
            let node = resolve
                .nodes
                .iter()
                .find(|node| node.id == *id)
                .expect("every package has a node");
            for dependency in &node.deps {
                if dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind == DependencyKind::Normal)
                {
                    queue.push(&dependency.pkg);
                }
            }
        }
        let tokio = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == "tokio");
        assert!(
            !tokio.is_some_and(|tokio| reached.contains(&tokio.id)),
            "{pure} reaches tokio"
        );
    }
}
