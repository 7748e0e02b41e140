//! `list`: suites, cases, faults.

use std::path::PathBuf;

use serde_json::json;
use voxproof_simphone::Fault;

use crate::args::ListArgs;
use crate::commands::device;
use crate::exit::Exit;
use crate::terminal::say;
use crate::{Failure, Outcome};

pub(crate) fn list(args: &ListArgs, colour: bool) -> Outcome {
    if args.faults {
        for fault in Fault::ALL {
            if args.json {
                say!(
                    "{}",
                    json!({"fault": fault.name(), "description": fault.description()})
                );
            } else {
                say!("{:<36}{}", fault.name(), fault.description());
            }
        }
        return Ok(Exit::Pass);
    }
    let mut roots: Vec<PathBuf> = vec![];
    for path in &args.suites {
        if path.join("suite.toml").exists() {
            roots.push(path.clone());
        } else {
            let entries = std::fs::read_dir(path).map_err(|error| {
                Failure::new(
                    Exit::Specification,
                    format!("cannot list {}: {error}", path.display()),
                )
            })?;
            let mut found: Vec<PathBuf> = entries
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.join("suite.toml").exists())
                .collect();
            found.sort();
            roots.extend(found);
        }
    }
    for root in roots {
        let suite = device::suite(&root, colour)?;
        if !args.json {
            say!(
                "{} {}: {}, {} cases",
                *suite.suite.id,
                suite.suite.release,
                suite.suite.title,
                suite.cases.len()
            );
        }
        for loaded in suite.cases.values() {
            let case = &loaded.case;
            if args.json {
                say!(
                    "{}",
                    json!({"suite": suite.suite.id.as_str(), "id": case.id.as_str(), "rev": case.rev, "title": case.title, "level": case.level,
                        "severity": case.severity, "tiers": case.tiers, "requirement": case.requirement, "catalogue": case.catalogue})
                );
            } else {
                say!(
                    "  {} rev {}  {}  [{}]",
                    *case.id,
                    case.rev,
                    case.title,
                    case.requirement.join(", ")
                );
            }
        }
    }
    Ok(Exit::Pass)
}
