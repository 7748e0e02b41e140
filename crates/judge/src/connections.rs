//! Connections of stream transports, as the lab recorded them.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use voxproof_record::TimelineEvent;
use voxproof_spec::{ConnectionsCheck, Verdict};

use crate::checks::{Answer, evaluate};
use crate::facts::{self, round};
use crate::media_checks::during;
use crate::view::View;

/// One connection from its opening (or its failure) to its end.
pub(crate) struct Connection {
    pub(crate) at: Duration,
    transport: String,
    local: SocketAddr,
    remote: SocketAddr,
    state: String,
    detail: String,
    by_device: bool,
    failed: bool,
    closed: bool,
    closed_by_device: bool,
}

/// Every connection of the case, in the order they were made.
pub(crate) fn all(view: &View<'_>) -> Vec<Connection> {
    let mut found: Vec<Connection> = vec![];
    for entry in &view.evidence.timeline.entries {
        let TimelineEvent::Connection {
            transport,
            local,
            remote,
            state,
            detail,
            ..
        } = &entry.event
        else {
            continue;
        };
        if state == "closed" {
            let open = found.iter_mut().rev().find(|one| {
                !one.closed
                    && !one.failed
                    && one.transport == *transport
                    && one.local == *local
                    && one.remote == *remote
            });
            if let Some(open) = open {
                open.closed = true;
                open.closed_by_device = detail.contains("by the other end");
                open.state = state.clone();
                continue;
            }
        }
        found.push(Connection {
            at: Duration::from_nanos(entry.at),
            transport: transport.clone(),
            local: *local,
            remote: *remote,
            state: state.clone(),
            detail: detail.clone(),
            by_device: state == "opened by the device",
            failed: state == "failed",
            // its opening lies before the case
            closed: state == "closed",
            closed_by_device: state == "closed" && detail.contains("by the other end"),
        });
    }
    found
}

fn fact(view: &View<'_>, connection: &Connection) -> Value {
    let version = ["1.3", "1.2", "1.1", "1.0"]
        .into_iter()
        .find(|version| connection.detail.starts_with(&format!("TLS {version}")));
    let messages = view
        .messages
        .iter()
        .filter(|record| {
            let (lab, device) = if record.from_device {
                (record.destination, record.source)
            } else {
                (record.source, record.destination)
            };
            record
                .carrier
                .as_str()
                .eq_ignore_ascii_case(&connection.transport)
                && lab == connection.local
                && device == connection.remote
        })
        .count();
    json!({
        "transport": connection.transport,
        "state": connection.state,
        "detail": connection.detail,
        "by_device": connection.by_device,
        "tls_version": version.unwrap_or_default(),
        "failed": connection.failed,
        "closed": connection.closed,
        "closed_by_device": connection.closed_by_device,
        "at_ms": round((connection.at.as_secs_f64() - view.begin().as_secs_f64()) * 1e3),
        "lab_port": connection.local.port(),
        "messages": messages,
    })
}

fn describe(connection: &Connection) -> String {
    format!(
        "{} {}{}",
        connection.transport,
        connection.state,
        if connection.detail.is_empty() {
            String::new()
        } else {
            format!(" ({})", connection.detail)
        }
    )
}

pub(crate) fn check(view: &View<'_>, check: &ConnectionsCheck) -> Answer {
    let mut expected = check.transport.as_ref().map_or_else(
        || "connections".to_owned(),
        |transport| format!("{} connections", **transport),
    );
    let interval = match during(view, check.during.as_ref(), &mut expected) {
        Ok(interval) => interval,
        Err(answer) => return answer,
    };
    let made: Vec<Connection> = all(view)
        .into_iter()
        .filter(|one| {
            check
                .transport
                .as_ref()
                .is_none_or(|wanted| **wanted == one.transport)
        })
        .filter(|one| interval.is_none_or(|(from, to)| one.at >= from && one.at < to))
        .collect();
    if let Some(expect) = &check.expect {
        expected += &format!(" with {}", **expect);
    }
    let mut fitting = 0_u32;
    let mut misfit = None;
    for connection in &made {
        let (verdict, paths, error) = match &check.expect {
            Some(expect) => {
                let fact = fact(view, connection);
                let (verdict, paths, error) = evaluate(expect, &[("connection", &fact)]);
                let shown = error
                    .clone()
                    .unwrap_or_else(|| facts::actual(&paths, "connection", &fact));
                (verdict, shown, error.is_some())
            }
            None => (Verdict::Pass, String::new(), false),
        };
        if error {
            return Answer::new(Verdict::Error, expected, paths, vec![]);
        }
        if verdict == Verdict::Pass {
            fitting += 1;
        } else if misfit.is_none() {
            misfit = Some(format!("{}: {paths}", describe(connection)));
        }
    }
    let seen = if made.is_empty() {
        "there was none".to_owned()
    } else {
        made.iter().map(describe).collect::<Vec<_>>().join("; ")
    };
    let Some(count) = check.count else {
        return match misfit {
            Some(misfit) => Answer::new(Verdict::Fail, expected, misfit, vec![]),
            None if made.is_empty() => Answer::new(Verdict::Fail, expected, seen, vec![]),
            None => Answer::new(Verdict::Pass, expected, seen, vec![]),
        };
    };
    expected += &match (count.min, count.max) {
        (Some(min), Some(max)) if min == max => format!(": {min}"),
        (Some(min), Some(max)) => format!(": {min} to {max}"),
        (Some(min), None) => format!(": at least {min}"),
        (None, Some(max)) => format!(": at most {max}"),
        (None, None) => String::new(),
    };
    let holds = count.min.is_none_or(|min| fitting >= min) && count.max.is_none_or(|max| fitting <= max);
    Answer::new(
        if holds { Verdict::Pass } else { Verdict::Fail },
        expected,
        format!("{fitting} of {}: {seen}", made.len()),
        vec![],
    )
}
