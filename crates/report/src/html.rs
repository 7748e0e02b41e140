//! `report.html`: one page, self-contained, that works without scripts and prints whole.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value};
use serde::Serialize;
use voxproof_record::{CaseFinished, LadderRow, RecordError, Run, sha256_hex};

use crate::display::{bounds, duration, escape, moment, number, signed, size, unit, words};
use crate::traceability::{ClauseRow, traceability};
use crate::{Outcome, Report, ReportError, ladder, level_plot};

const STYLE: &str = include_str!("../templates/style.css");
const SCRIPT: &str = include_str!("../templates/script.js");
const TEMPLATES: [(&str, &str); 3] = [
    ("report.html", include_str!("../templates/report.html")),
    ("case.html", include_str!("../templates/case.html")),
    ("parts.html", include_str!("../templates/parts.html")),
];

/// Renders the page.
pub(crate) fn render(run: &Run, report: &Report) -> Result<Vec<u8>, ReportError> {
    let page = Page {
        report,
        pictures: run
            .cases
            .iter()
            .enumerate()
            .map(|(index, case)| {
                case.attempts
                    .iter()
                    .map(|attempt| AttemptPictures::of(run, index + 1, attempt))
                    .collect()
            })
            .collect(),
        outcomes: outcomes(report),
        traceability: traceability(report),
        style: STYLE,
        script: SCRIPT,
        script_hash: base64_of_hex(&sha256_hex(SCRIPT.as_bytes())),
        page_footer: css_text(&report.run_id),
    };
    let environment = environment()?;
    let text = environment.get_template("report.html")?.render(Serde(&page))?;
    Ok(text.into_bytes())
}

#[derive(Serialize)]
struct Page<'a> {
    report: &'a Report,
    /// By case, then by attempt.
    pictures: Vec<Vec<AttemptPictures>>,
    outcomes: Vec<OutcomeCount>,
    traceability: Vec<ClauseRow>,
    style: &'a str,
    script: &'a str,
    /// The only script that the page's content security policy lets run.
    script_hash: String,
    page_footer: String,
}

#[derive(Serialize)]
struct OutcomeCount {
    verdict: Outcome,
    count: u32,
}

fn outcomes(report: &Report) -> Vec<OutcomeCount> {
    let counts = report.counts;
    [
        (Outcome::Pass, counts.pass),
        (Outcome::Fail, counts.fail),
        (Outcome::Inconc, counts.inconc),
        (Outcome::Error, counts.error),
        (Outcome::NotApplicable, counts.not_applicable),
        (Outcome::NotRun, counts.not_run),
    ]
    .into_iter()
    .map(|(verdict, count)| OutcomeCount { verdict, count })
    .collect()
}

/// What is drawn for an attempt.
#[derive(Serialize, Default)]
struct AttemptPictures {
    ladder: Vec<String>,
    ladder_left_out: usize,
    messages: Vec<Message>,
    /// Anchors of the messages, by packet number.
    anchors: BTreeMap<u32, String>,
    plots: Vec<Plot>,
    /// Why nothing can be drawn.
    problem: Option<String>,
}

#[derive(Serialize)]
struct Message {
    packet: Option<u32>,
    anchor: Option<String>,
    at_s: String,
    from: String,
    to: String,
    label: String,
    detail: String,
    mark: Option<String>,
    retransmission: bool,
    /// The packet whose text this one repeats.
    copy_of: Option<u32>,
}

#[derive(Serialize)]
struct Plot {
    stream: String,
    svg: Option<String>,
    wav: Option<String>,
    wav_path: Option<String>,
}

impl AttemptPictures {
    /// Reads and draws the exhibits. They are derived, so a damaged one is stated in its place and the report goes on.
    fn of(run: &Run, case: usize, attempt: &CaseFinished) -> Self {
        let exhibits = match run.exhibits(attempt) {
            Ok(exhibits) => exhibits,
            Err(error) => {
                return Self {
                    problem: Some(problem(&error)),
                    ..Self::default()
                };
            }
        };
        let anchor = |packet: u32| format!("c{case}a{}p{packet}", attempt.attempt);
        let mut anchors = BTreeMap::new();
        let mut originals: BTreeMap<&str, u32> = BTreeMap::new();
        let mut messages = Vec::new();
        for row in exhibits.ladder.iter().filter(|row| row.kind == "sip") {
            // an anchor may exist once, whatever the exhibits say
            let own = row
                .packet
                .filter(|packet| !anchors.contains_key(packet))
                .map(|packet| {
                    let name = anchor(packet);
                    anchors.insert(packet, name.clone());
                    name
                });
            let copy_of = match row.packet {
                Some(packet) if !row.detail.is_empty() => {
                    let first = *originals.entry(&row.detail).or_insert(packet);
                    (first != packet).then_some(first)
                }
                _ => None,
            };
            messages.push(message(row, own, copy_of));
        }
        let drawing = ladder::draw(&exhibits.ladder, &|packet| anchors.get(&packet).cloned());
        let plots = exhibits
            .levels
            .iter()
            .map(|plot| Plot {
                stream: plot.stream.clone(),
                svg: level_plot::draw(plot),
                wav: plot.wav.clone(),
                wav_path: plot.wav.as_ref().and_then(|name| {
                    attempt
                        .evidence
                        .iter()
                        .find(|object| object.name == *name)
                        .map(|object| object.path.clone())
                }),
            })
            .collect();
        Self {
            ladder: drawing.pictures,
            ladder_left_out: drawing.left_out,
            messages,
            anchors,
            plots,
            problem: None,
        }
    }
}

fn message(row: &LadderRow, anchor: Option<String>, copy_of: Option<u32>) -> Message {
    let (device, actor) = ("device".to_owned(), row.actor.clone());
    let (from, to) = if row.from_device {
        (device, actor)
    } else {
        (actor, device)
    };
    Message {
        packet: row.packet,
        anchor,
        at_s: format!("{:.3}", row.at_ms / 1000.0),
        from,
        to,
        label: row.label.clone(),
        detail: if copy_of.is_some() {
            String::new()
        } else {
            row.detail.clone()
        },
        mark: row.mark.clone(),
        retransmission: row.retransmission,
        copy_of,
    }
}

/// A reason without the path of the folder, which says something about the lab's host and nothing about the device.
fn problem(error: &RecordError) -> String {
    match error {
        RecordError::Tampered {
            name,
            expected,
            actual,
            ..
        } => {
            format!("{name} was changed after the run: its SHA-256 is {actual}, recorded was {expected}")
        }
        RecordError::Read { error, .. } => format!("the file cannot be read: {error}"),
        other => other.to_string(),
    }
}

fn environment() -> Result<Environment<'static>, ReportError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(format_value);
    environment.add_filter("number", number);
    environment.add_filter("signed", signed);
    environment.add_filter("unit", |symbol: &str| unit(symbol));
    environment.add_filter("duration", duration);
    environment.add_filter("moment", |time: &str| moment(time));
    environment.add_filter("size", size);
    environment.add_filter("words", |name: &str| words(name));
    environment.add_filter("anchor", |id: &str| anchor(id));
    environment.add_filter("evidence_link", |path: &str| evidence_link(path));
    environment.add_filter(
        "bounds",
        |bound: Value, symbol: &str| -> Result<String, minijinja::Error> {
            let side = |name: &str| bound.get_attr(name).map(|value| f64::try_from(value).ok());
            Ok(bounds(side("lower")?, side("upper")?, symbol))
        },
    );
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// Writes a value into the page. Text is foreign until the template calls it safe: nothing invisible in it, no markup.
fn format_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() => out.write_str(&escape(text)).map_err(minijinja::Error::from),
        _ => minijinja::escape_formatter(out, state, value),
    }
}

/// A case id as the name of an anchor.
fn anchor(id: &str) -> String {
    id.chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() || character == '-' {
                character
            } else {
                '_'
            }
        })
        .collect()
}

/// A link to an evidence file; only paths into the run's own evidence folder become links.
fn evidence_link(path: &str) -> Option<String> {
    let name = path.strip_prefix("evidence/")?;
    let plain = name
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || "._-".contains(character));
    (plain && !name.starts_with('.') && !name.is_empty()).then(|| path.to_owned())
}

/// Text that can stand inside a quoted CSS string without an escape.
fn css_text(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_ascii_alphanumeric() || "._-: ".contains(*character))
        .collect()
}

/// Base 64 (RFC 4648 4) of bytes given as hexadecimal text.
fn base64_of_hex(hex: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let nibbles: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let mut text = String::new();
    // six nibbles are three bytes, and three bytes are four letters
    for group in nibbles.chunks(6) {
        let bits = (0..6).fold(0, |bits, at| bits << 4 | group.get(at).copied().unwrap_or(0));
        let letters = group.len() / 2 + 1;
        for at in 0..4 {
            let letter = ALPHABET
                .get((bits >> (18 - 6 * at) & 63) as usize)
                .copied()
                .unwrap_or(b'=');
            text.push(if at < letters { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64_of_hex(&hex(text)), expected);
        }
    }

    #[test]
    fn only_evidence_is_linked() {
        assert_eq!(
            evidence_link("evidence/ab12.wav"),
            Some("evidence/ab12.wav".to_owned())
        );
        for path in [
            "javascript:alert(1)",
            "evidence/../journal.jsonl",
            "evidence/",
            "/evidence/a",
            "evidence/a b",
            "evidence/.x",
        ] {
            assert_eq!(evidence_link(path), None, "{path}");
        }
        assert_eq!(anchor("IPP-REG-001"), "IPP-REG-001");
        assert_eq!(anchor("a\"b c"), "a_b_c");
        assert_eq!(css_text("r\"}</style>1"), "rstyle1");
    }

    #[test]
    fn the_script_cannot_end_its_element_early() {
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</") && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
