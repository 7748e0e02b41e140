//! What the lab's bad network did, against what was seen of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use voxproof_record::TimelineEvent;
use voxproof_rtp::impairment::{Action, Decision, Summary, read_truth};
use voxproof_spec::{ImpairmentCheck, Verdict};

use crate::checks::{Answer, evaluate};
use crate::facts;
use crate::media_checks::stream_of;
use crate::rtcp;
use crate::view::View;

/// Kernel and program stamp the same packet this far apart at most.
const CLOCK_GRACE: Duration = Duration::from_millis(20);

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

    /// First and last decision.
    fn span(&self) -> (Duration, Duration) {
        let moments = self.decisions.iter().map(|decision| decision.at);
        (
            moments.clone().min().unwrap_or_default(),
            moments.max().unwrap_or_default(),
        )
    }

    /// What was sent to the device is what was delivered. The packet at either end may be decided and sent on both sides
    /// of a moment.
    fn against_departures(&self, sent: &[Duration]) -> (usize, bool) {
        let (first, last) = self.span();
        let captured = sent.iter().filter(|at| **at >= first && **at <= last).count();
        let delivered = self.decisions.iter().collect::<Summary>().delivered;
        (captured, (captured as u64).abs_diff(delivered) <= 1)
    }

    /// What came from the device entered in the order it came: packet n is the n-th arrival. None is delivered before it
    /// came, and only those that were still under way at the last decision have none of their own.
    fn against_arrivals(&self, arrivals: &[Duration], begun: Duration) -> (usize, bool) {
        let (_, last) = self.span();
        let came: Vec<Duration> = arrivals
            .iter()
            .copied()
            .filter(|at| *at >= begun && *at <= last)
            .collect();
        let entered = self.offered().last().map_or(0, |highest| highest + 1);
        let mut longest = Duration::ZERO;
        for decision in &self.decisions {
            let Action::Delivered { duplicate: false, .. } = decision.action else {
                continue;
            };
            let place = usize::try_from(decision.packet).unwrap_or(usize::MAX);
            let Some(arrival) = came.get(place) else { continue };
            if decision.at + CLOCK_GRACE < *arrival {
                return (came.len(), false);
            }
            longest = longest.max(decision.at.saturating_sub(*arrival));
        }
        let under_way = came.iter().filter(|at| **at + longest >= last).count() as u64;
        let captured = came.len() as u64;
        let fits = entered <= captured + 1 && captured <= entered + under_way + 1;
        (came.len(), fits)
    }
}

/// When the impairment was ordered; a delay keeps its first decision back.
fn begun(view: &View<'_>, run: &Run) -> Duration {
    let (first, _) = run.span();
    view.evidence
        .timeline
        .entries
        .iter()
        .filter(|entry| matches!(&entry.event, TimelineEvent::StepStarted { name, .. } if name == "impair"))
        .map(|entry| Duration::from_nanos(entry.at))
        .rfind(|at| *at <= first)
        .unwrap_or(first)
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
    // the capture has what went over the wire: what the device was sent, or what it sent
    let packets = view.stream(&stream, None);
    let times: Vec<Duration> = packets.packets.iter().map(|(at, _)| *at).collect();
    let (mut captured, mut agrees) = (0, true);
    for run in runs.iter().filter(|run| !run.decisions.is_empty()) {
        let (count, fits) = if stream.from_device {
            run.against_arrivals(&times, begun(view, run))
        } else {
            run.against_departures(&times)
        };
        captured += count;
        agrees &= fits;
    }
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
