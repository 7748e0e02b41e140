//! What the lab's bad network did, against what was seen of it.

use std::collections::BTreeSet;

use serde_json::json;
use voxproof_record::TimelineEvent;
use voxproof_rtp::impairment::{Action, Decision, Summary, read_truth};
use voxproof_spec::{ImpairmentCheck, Verdict};

use crate::checks::{Answer, evaluate};
use crate::facts;
use crate::media_checks::stream_of;
use crate::rtcp;
use crate::view::View;

/// The decisions of one impairment; packet numbers begin again with the next one.
#[derive(Default)]
struct Run {
    specification: String,
    decisions: Vec<Decision>,
}

impl Run {
    /// Packets that entered it.
    fn offered(&self) -> BTreeSet<u64> {
        self.decisions.iter().map(|decision| decision.packet).collect()
    }
}

pub(crate) fn check(view: &View<'_>, check: &ImpairmentCheck) -> Answer {
    let expected = format!("{}: {}", *check.stream, *check.expect);
    let stream = match stream_of(&check.stream) {
        Ok(stream) => stream,
        Err(answer) => return answer,
    };
    let mut runs: Vec<Run> = vec![];
    for entry in &view.evidence.timeline.entries {
        let TimelineEvent::Impaired {
            actor,
            to_device,
            specification,
            truth,
        } = &entry.event
        else {
            continue;
        };
        if *actor != stream.peer || *to_device == stream.from_device {
            continue;
        }
        let decisions = match read_truth(&truth.join("\n")) {
            Ok(decisions) => decisions,
            Err(error) => return Answer::new(Verdict::Error, expected, error.to_string(), vec![]),
        };
        // a note may be taken in the middle of an impairment; a packet 0 that is pushed again starts a new one
        let goes_on = runs.last().is_some_and(|run| {
            run.specification == *specification
                && !(run.offered().contains(&0) && decisions.first().is_some_and(|first| first.packet == 0))
        });
        if !goes_on {
            runs.push(Run {
                specification: specification.clone(),
                decisions: vec![],
            });
        }
        if let Some(run) = runs.last_mut() {
            run.decisions.extend(decisions);
        }
    }
    if runs.iter().all(|run| run.decisions.is_empty()) {
        return Answer::new(
            Verdict::Inconc,
            expected,
            "no packet of the stream was impaired",
            vec![],
        );
    }
    let summaries: Vec<Summary> = runs.iter().map(|run| run.decisions.iter().collect()).collect();
    let sum = |of: fn(&Summary) -> u64| summaries.iter().map(of).sum::<u64>();
    let offered: u64 = runs.iter().map(|run| run.offered().len() as u64).sum();
    let delivered = sum(|summary| summary.delivered);
    let moments = runs
        .iter()
        .flat_map(|run| &run.decisions)
        .map(|decision| decision.at);
    let (first, last) = (moments.clone().min(), moments.max());
    // the capture has what went over the wire: what the device was sent, or what it sent
    let packets = view.stream(&stream, None);
    let captured = packets
        .packets
        .iter()
        .filter(|(at, _)| first.is_some_and(|first| *at >= first) && last.is_some_and(|last| *at <= last))
        .count() as u64;
    let told = if stream.from_device { offered } else { delivered };
    // the packet at either end may be decided and sent on both sides of a moment
    let agrees = captured.abs_diff(told) <= 1;
    let fact = json!({
        "offered": offered,
        "delivered": delivered,
        "dropped": sum(Summary::dropped),
        "lost_inside": sum(Summary::lost_inside),
        "duplicated": runs.iter().flat_map(|run| &run.decisions)
            .filter(|decision| decision.action == Action::Duplicated).count(),
        "reordered": sum(|summary| summary.reordered),
        "corrupted": sum(|summary| summary.corrupted),
        "captured": captured,
        "agrees": agrees,
        "reported_lost": rtcp::reported_lost(view, &stream).unwrap_or(-1),
    });
    let (verdict, paths, error) = evaluate(&check.expect, &[("truth", &fact)]);
    let actual = error.unwrap_or_else(|| facts::actual(&paths, "truth", &fact));
    Answer::new(verdict, expected, actual, packets.evidence())
}
