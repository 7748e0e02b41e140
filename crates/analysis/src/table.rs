//! Results as a table for a terminal.

use std::fmt::Write as _;

use crate::page::{facts, pair_facts};
use crate::{Event, FileRecord, Group, ModelRecord, Note, PairRecord, QuantityResult};

/// Most events of a group in a table.
const MOST_EVENTS: usize = 40;

/// Results by group, in the order in which the groups come.
pub(crate) fn groups(results: &[QuantityResult]) -> Vec<(Group, Vec<&QuantityResult>)> {
    let mut groups: Vec<(Group, Vec<&QuantityResult>)> = Vec::new();
    for result in results {
        match groups.iter_mut().find(|(group, _)| *group == result.group) {
            Some((_, list)) => list.push(result),
            None => groups.push((result.group, vec![result])),
        }
    }
    groups
}

/// A measured file as text.
#[must_use]
pub fn file_table(record: &FileRecord) -> String {
    let mut text = format!("{}\n", visible(&record.file));
    let facts = facts(record);
    if !facts.is_empty() {
        let _ = writeln!(text, "  {facts}");
    }
    let problem = record
        .problem
        .as_ref()
        .map(|problem| format!("the file {problem}"));
    remarks(&mut text, problem.as_deref(), &record.notes);
    for channel in &record.channels {
        if record.channels.len() > 1 {
            let _ = writeln!(text, "  channel {}", channel.channel);
        }
        rows(&mut text, &channel.results);
        events(&mut text, &channel.events);
    }
    text
}

/// A compared pair as text.
#[must_use]
pub fn pair_table(record: &PairRecord) -> String {
    let mut text = format!(
        "{} against {}\n",
        visible(&record.degraded),
        visible(&record.reference)
    );
    let _ = writeln!(text, "  {}", pair_facts(record));
    remarks(&mut text, record.problem.as_deref(), &record.notes);
    rows(&mut text, &record.results);
    events(&mut text, &record.events);
    models(&mut text, &record.models);
    text
}

/// A name without what would move the cursor.
fn visible(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn remarks(text: &mut String, problem: Option<&str>, notes: &[Note]) {
    if let Some(problem) = problem {
        let _ = writeln!(text, "  not measured: {}", visible(problem));
    }
    for note in notes {
        let _ = writeln!(text, "  note: {}", visible(&note.text));
    }
}

fn events(text: &mut String, events: &[Event]) {
    for events in events.chunk_by(|a, b| a.group == b.group) {
        if let Some(first) = events.first() {
            let _ = writeln!(text, "  {}, one by one", first.group);
        }
        for event in events.iter().take(MOST_EVENTS) {
            let _ = writeln!(text, "    {:>10.4} s  {}", event.at_s, visible(&event.text()));
        }
        let more = events.len().saturating_sub(MOST_EVENTS);
        if more > 0 {
            let _ = writeln!(text, "    and {more} more, which are in the JSON");
        }
    }
}

fn models(text: &mut String, models: &[ModelRecord]) {
    if !models.is_empty() {
        text.push_str("  models outside this program\n");
    }
    for model in models {
        let name = visible(&model.model);
        for (score, value) in &model.scores {
            let version = visible(model.version.as_deref().unwrap_or_default());
            let sha256 = model.program_sha256.as_deref().unwrap_or_default();
            let _ = writeln!(
                text,
                "    {name}  {}  {value:.3}  [{version}, SHA-256 {sha256}]",
                visible(score)
            );
        }
        if let Some(reason) = &model.not_measured {
            let _ = writeln!(
                text,
                "    {name}  cannot be measured because {}",
                visible(&reason.because)
            );
        }
    }
}

fn rows(text: &mut String, results: &[QuantityResult]) {
    let width = |longest: usize, part: &str| longest.max(part.chars().count());
    let names = results
        .iter()
        .fold(0, |longest, result| width(longest, result.about().name));
    let numbers = results
        .iter()
        .filter_map(QuantityResult::number)
        .fold(0, |longest, number| width(longest, &number));
    let units = results
        .iter()
        .fold(0, |longest, result| width(longest, result.unit));
    for (group, results) in groups(results) {
        let _ = writeln!(text, "  {group}");
        if let Some(reason) = common_reason(&results) {
            let _ = writeln!(
                text,
                "    none of {} quantities can be measured because {reason}",
                results.len()
            );
            continue;
        }
        for result in results {
            let name = result.about().name;
            let _ = match result.number() {
                Some(number) => {
                    let caveat = result
                        .caveat
                        .as_ref()
                        .map_or_else(String::new, |caveat| format!(" [{caveat}]"));
                    writeln!(
                        text,
                        "    {name:names$}  {number:>numbers$} {:units$}  {}{caveat}",
                        result.unit,
                        result.about().meaning
                    )
                }
                None => writeln!(text, "    {name:names$}  {}", result.text()),
            };
        }
    }
}

/// Why nothing of a group was measured, where that is one reason and there are several quantities.
fn common_reason<'a>(results: &[&'a QuantityResult]) -> Option<&'a str> {
    let (first, others) = results.split_first()?;
    let reason = first.not_measured.as_ref()?.because.as_str();
    let same = |other: &&QuantityResult| {
        other.value.is_none()
            && other
                .not_measured
                .as_ref()
                .is_some_and(|other| other.because == reason)
    };
    (!others.is_empty() && others.iter().all(same)).then_some(reason)
}
