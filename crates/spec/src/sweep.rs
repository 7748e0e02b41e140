//! Sweeps: one case file that stands for several cases, which differ in a few values.
//!
//! `{loss}` anywhere in the file is replaced by the value of the point, and `"{loss}"` by a bare number where the value is
//! one. Each point is a case of its own with an id of its own, `IPP-PLC-001.loss-3`, so that plans, reports and reruns name
//! it; its text, with the values in their places, is what is kept as evidence.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Located;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Most cases that one file may stand for.
const MOST_POINTS: usize = 64;

/// One thing that is varied.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepAxis {
    /// The value that names the points, `loss`.
    pub axis: Located<String>,
    /// The points: each gives the same values, the one of the axis among them.
    pub points: Vec<BTreeMap<String, SweepValue>>,
}

/// What is put in the place of a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SweepValue {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text, without quotes, backslashes and control characters.
    Text(String),
}

impl SweepValue {
    fn text(&self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            // with its point: expressions tell 42.0 and 42 apart
            Self::Number(value) => format!("{value:?}"),
            Self::Text(value) => value.clone(),
        }
    }

    /// The value as a part of an id.
    fn name(&self) -> String {
        let text = match self {
            Self::Number(value) => value.to_string(),
            _ => self.text(),
        };
        text.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .collect()
    }
}

/// What of a case file is looked at before it is a case.
#[derive(Deserialize)]
struct Swept {
    id: Located<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    sweep: Vec<SweepAxis>,
}

/// One value of each axis.
type Point<'a> = Vec<(&'a str, &'a BTreeMap<String, SweepValue>)>;

/// The texts of the cases that a file stands for: the file itself where it has no sweep, or none that can be read.
///
/// # Errors
/// A sweep that does not say what is varied, or that nothing depends on.
pub fn sweep_points(path: &Path, source: &Arc<str>) -> Result<Vec<Arc<str>>, Diagnostics> {
    // what is wrong with the text itself is said by whoever reads the case
    let Ok(swept) = toml::from_str::<Swept>(source) else {
        return Ok(vec![Arc::clone(source)]);
    };
    if swept.sweep.is_empty() {
        return Ok(vec![Arc::clone(source)]);
    }
    check(&swept, source).map_err(|(axis, message)| {
        Diagnostics(vec![Diagnostic::error("E0140", path, source, axis, message)])
    })?;
    let mut combinations: Vec<Point<'_>> = vec![vec![]];
    for axis in &swept.sweep {
        combinations = combinations
            .iter()
            .flat_map(|before| {
                axis.points.iter().map(move |values| {
                    let mut point = before.clone();
                    point.push((axis.axis.as_str(), values));
                    point
                })
            })
            .collect();
    }
    Ok(combinations
        .iter()
        .map(|point| text_of(source, &swept.id, point))
        .collect())
}

/// The file with the values of a point in the places of their names.
fn text_of(source: &str, id: &Located<String>, point: &Point<'_>) -> Arc<str> {
    let mut name = id.to_string();
    for (axis, values) in point {
        if let Some(value) = values.get(*axis) {
            name.push_str(&format!(".{axis}-{}", value.name()));
        }
    }
    let span = id.span();
    let (before, after) = (
        source.get(..span.start).unwrap_or_default(),
        source.get(span.end..).unwrap_or_default(),
    );
    let mut text = format!("{before}\"{name}\"{after}");
    for (key, value) in point.iter().flat_map(|(_, values)| values.iter()) {
        let place = format!("{{{key}}}");
        if !matches!(value, SweepValue::Text(_)) {
            text = text.replace(&format!("\"{place}\""), &value.text());
        }
        text = text.replace(&place, &value.text());
    }
    text.into()
}

type Mistake = (std::ops::Range<usize>, String);

fn check(swept: &Swept, source: &str) -> Result<(), Mistake> {
    let mut count = 1_usize;
    let mut names: Vec<&str> = vec![];
    for axis in &swept.sweep {
        let name = axis.axis.as_str();
        let wrong = |message: String| Err((axis.axis.span(), message));
        let plain = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let Some(first) = axis.points.first() else {
            return wrong(format!("the sweep over `{name}` has no points"));
        };
        for point in &axis.points {
            if !point.contains_key(name) {
                return wrong(format!(
                    "a point of the sweep over `{name}` does not say `{name}`"
                ));
            }
            if !point.keys().eq(first.keys()) {
                return wrong(format!(
                    "the points of the sweep over `{name}` do not all give the same values"
                ));
            }
            let unfit = |value: &SweepValue| match value {
                SweepValue::Text(text) => {
                    text.contains(|c: char| c == '"' || c == '\\' || c == '{' || c.is_control())
                }
                SweepValue::Number(number) => !number.is_finite(),
                SweepValue::Integer(_) => false,
            };
            if let Some((key, _)) = point.iter().find(|(_, value)| unfit(value)) {
                return wrong(format!(
                    "`{key}` of a point has a quote, a backslash, a brace or a control character, or is no number"
                ));
            }
        }
        let mut ids: Vec<String> = axis
            .points
            .iter()
            .filter_map(|point| Some(point.get(name)?.name()))
            .collect();
        ids.sort();
        ids.dedup();
        if ids.len() < axis.points.len() {
            return wrong(format!(
                "two points of the sweep over `{name}` have the same name"
            ));
        }
        for key in first.keys() {
            if !plain(key) {
                return wrong(format!(
                    "`{key}` is not made of lower-case letters, digits and `_`"
                ));
            }
            if names.contains(&key.as_str()) {
                return wrong(format!("`{key}` is swept already"));
            }
            if !source.contains(&format!("{{{key}}}")) {
                return wrong(format!("nothing in the case depends on `{{{key}}}`"));
            }
            names.push(key);
        }
        if !swept.title.contains(&format!("{{{name}}}")) {
            return wrong(format!(
                "the title does not have `{{{name}}}`: the points would look the same in a report"
            ));
        }
        count = count.saturating_mul(axis.points.len());
        if count > MOST_POINTS {
            return wrong(format!("the sweep has more than {MOST_POINTS} points"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = r#"id = "X-001"
title = "Survives {loss} % of loss in {codec}"
applies = "ics.{claim}"
loss = "{loss}"

[[sweep]]
axis = "loss"
points = [{ loss = 1 }, { loss = 2.5 }]

[[sweep]]
axis = "codec"
points = [{ codec = "PCMA", claim = "pcma" }, { codec = "G.722", claim = "g722" }]
"#;

    fn texts(source: &str) -> Result<Vec<Arc<str>>, Diagnostics> {
        sweep_points(Path::new("x.toml"), &Arc::from(source))
    }

    #[test]
    fn every_combination_is_a_case() {
        let texts = texts(CASE).expect("a sweep");
        assert_eq!(texts.len(), 4);
        let first: toml::Table = texts[0].parse().expect("a table");
        assert_eq!(first["id"].as_str(), Some("X-001.loss-1.codec-PCMA"));
        assert_eq!(first["title"].as_str(), Some("Survives 1 % of loss in PCMA"));
        assert_eq!(first["applies"].as_str(), Some("ics.pcma"));
        assert_eq!(first["loss"].as_integer(), Some(1));
        let last: toml::Table = texts[3].parse().expect("a table");
        assert_eq!(last["id"].as_str(), Some("X-001.loss-2-5.codec-G-722"));
        assert_eq!(last["loss"].as_float(), Some(2.5));
    }

    #[test]
    fn a_case_without_a_sweep_is_itself() {
        let plain = "id = \"X-001\"\ntitle = \"{x}\"\n";
        assert_eq!(*texts(plain).expect("no sweep")[0], *plain);
        assert_eq!(*texts("id = ").expect("no case")[0], *"id = ");
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, said) in [
            (
                "points = [{ loss = 1 }, { loss = 2.5 }]",
                "points = []",
                "has no points",
            ),
            ("{ loss = 2.5 }", "{ lost = 2.5 }", "does not say `loss`"),
            ("{ loss = 2.5 }", "{ loss = 2.5, claim = 1 }", "the same values"),
            ("{ loss = 2.5 }", "{ loss = 1 }", "the same name"),
            ("\"G.722\"", "'\"'", "a quote"),
            ("2.5", "nan", "no number"),
            ("ics.{claim}", "true", "nothing in the case depends on `{claim}`"),
            (
                "Survives {loss} %",
                "Survives",
                "the title does not have `{loss}`",
            ),
            ("axis = \"codec\"", "axis = \"loss\"", "does not say `loss`"),
        ] {
            let source = CASE.replace(from, to);
            assert_ne!(source, CASE, "{from}");
            let problems = texts(&source).expect_err(said);
            assert!(
                problems.0[0].message.contains(said),
                "{said}: {}",
                problems.0[0].message
            );
        }
        let many = (0..65)
            .map(|n| format!("{{ loss = {n} }}"))
            .collect::<Vec<_>>()
            .join(", ");
        let source = CASE.replace("{ loss = 1 }, { loss = 2.5 }", &many);
        assert!(
            texts(&source).expect_err("too many").0[0]
                .message
                .contains("more than 64")
        );
    }
}
