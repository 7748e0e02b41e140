//! What is kept of measured files and pairs: `measure` and `analyze` as JSON and CSV.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use voxproof_audio::measurement::ANALYZER;

use crate::{Curve, Event, NotMeasured, Note, QUANTITIES, QuantityResult, SoundFormat};

/// Files measured alone: what `voxproof measure --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MeasureRecord {
    /// Version of this form.
    pub schema: &'static str,
    /// Which analyzer found the values.
    pub analyzer: &'static str,
    /// The files, in the order given.
    pub files: Vec<FileRecord>,
}

impl MeasureRecord {
    /// A record of files.
    #[must_use]
    pub fn new(files: Vec<FileRecord>) -> Self {
        Self {
            schema: "voxproof-measure-1",
            analyzer: ANALYZER,
            files,
        }
    }

    /// A line for each channel, a column for each quantity that occurs; numbers without units, empty where there is
    /// none. The units are in the heads.
    #[must_use]
    pub fn csv(&self) -> String {
        let rows = self.files.iter().flat_map(|file| {
            let facts = file.facts();
            let failed = file
                .channels
                .is_empty()
                .then(|| (facts.clone(), &[] as &[QuantityResult]));
            let channels = file.channels.iter().map(move |channel| {
                let mut facts = facts.clone();
                facts[1] = channel.channel.to_string();
                (facts, channel.results.as_slice())
            });
            failed.into_iter().chain(channels)
        });
        let heads = ["file", "channel", "sample_rate_hz", "seconds", "problem"];
        csv(&heads.map(str::to_owned), rows)
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FileRecord {
    /// Its name as given.
    pub file: String,
    /// What it says of itself, if it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<SoundFormat>,
    /// Frames that were read.
    pub frames: u64,
    /// Length of what was read, s.
    pub seconds: f64,
    /// Why it could not be read, or not to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What there is to know about the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The results, channel by channel.
    pub channels: Vec<ChannelRecord>,
}

impl FileRecord {
    /// A file that could not be read.
    #[must_use]
    pub fn unreadable(file: &str, problem: String) -> Self {
        Self {
            file: file.to_owned(),
            format: None,
            frames: 0,
            seconds: 0.0,
            problem: Some(problem),
            notes: Vec::new(),
            channels: Vec::new(),
        }
    }

    fn facts(&self) -> Vec<String> {
        let rate = self
            .format
            .as_ref()
            .map_or_else(String::new, |format| format.sample_rate_hz.to_string());
        vec![
            self.file.clone(),
            String::new(),
            rate,
            format!("{:.6}", self.seconds),
            self.problem.clone().unwrap_or_default(),
        ]
    }
}

/// One channel of a file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChannelRecord {
    /// Number of the channel, from 1.
    pub channel: u16,
    /// A result for each quantity that was asked for.
    pub results: Vec<QuantityResult>,
    /// Curves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
    /// What happens at a time: digits, tones, glitches; at most 1000 of a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// Pairs: what `voxproof analyze --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AnalyzeRecord {
    /// Version of this form.
    pub schema: &'static str,
    /// Which analyzer found the values.
    pub analyzer: &'static str,
    /// The pairs, in the order given.
    pub pairs: Vec<PairRecord>,
}

impl AnalyzeRecord {
    /// A record of pairs.
    #[must_use]
    pub fn new(pairs: Vec<PairRecord>) -> Self {
        Self {
            schema: "voxproof-analyze-1",
            analyzer: ANALYZER,
            pairs,
        }
    }

    /// A line for each pair, as [`MeasureRecord::csv`].
    #[must_use]
    pub fn csv(&self) -> String {
        let scores: BTreeSet<(&str, &str)> = self
            .pairs
            .iter()
            .flat_map(|pair| &pair.models)
            .flat_map(|model| {
                model
                    .scores
                    .keys()
                    .map(|score| (model.model.as_str(), score.as_str()))
            })
            .collect();
        let rows = self.pairs.iter().map(|pair| {
            let problem = pair.problem.clone().unwrap_or_default();
            let mut facts = vec![pair.reference.clone(), pair.degraded.clone(), problem];
            facts.extend(scores.iter().map(|(model, score)| {
                let model = pair.models.iter().find(|one| one.model == *model);
                let score = model.and_then(|model| model.scores.get(*score));
                score.map_or_else(String::new, f64::to_string)
            }));
            (facts, pair.results.as_slice())
        });
        let heads = ["reference", "degraded", "problem"]
            .map(str::to_owned)
            .into_iter();
        let heads = heads.chain(scores.iter().map(|(model, score)| format!("{model} {score}")));
        csv(&heads.collect::<Vec<_>>(), rows)
    }
}

/// One pair.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PairRecord {
    /// Name of the reference as given.
    pub reference: String,
    /// Name of the recording as given.
    pub degraded: String,
    /// What the reference says of itself, if it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_format: Option<SoundFormat>,
    /// What the recording says of itself, if it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_format: Option<SoundFormat>,
    /// Rate at which the two were compared, Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_hz: Option<u32>,
    /// Why the pair could not be compared at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What there is to know about the files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// A result for each quantity that was asked for.
    pub results: Vec<QuantityResult>,
    /// Curves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
    /// What happens at a time, as in [`ChannelRecord`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// What models outside this program say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelRecord>,
}

/// What a model outside this program says of a pair.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelRecord {
    /// Name of the model.
    pub model: String,
    /// First line that its program prints of its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of its program's file, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program_sha256: Option<String>,
    /// Its scores by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, f64>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<NotMeasured>,
}

impl PairRecord {
    /// A pair of which a file could not be read.
    #[must_use]
    pub fn unreadable(reference: &str, degraded: &str, problem: String) -> Self {
        Self {
            reference: reference.to_owned(),
            degraded: degraded.to_owned(),
            reference_format: None,
            degraded_format: None,
            rate_hz: None,
            problem: Some(problem),
            notes: Vec::new(),
            results: Vec::new(),
            curves: Vec::new(),
            events: Vec::new(),
            models: Vec::new(),
        }
    }
}

/// JSON Schema of [`MeasureRecord`].
#[must_use]
pub fn measure_schema() -> schemars::Schema {
    schema_for!(MeasureRecord)
}

/// JSON Schema of [`AnalyzeRecord`].
#[must_use]
pub fn analyze_schema() -> schemars::Schema {
    schema_for!(AnalyzeRecord)
}

/// RFC 4180, with the quantities that occur as columns after the given ones.
fn csv<'a>(
    facts: &[String],
    rows: impl Iterator<Item = (Vec<String>, &'a [QuantityResult])> + Clone,
) -> String {
    let occurring: BTreeSet<&str> = rows
        .clone()
        .flat_map(|(_, results)| results)
        .map(|result| result.quantity)
        .collect();
    let columns: Vec<_> = QUANTITIES
        .iter()
        .filter(|quantity| occurring.contains(quantity.id))
        .collect();
    let heads = facts.iter().cloned();
    let heads = heads.chain(columns.iter().map(|quantity| match quantity.unit {
        "" => quantity.id.to_owned(),
        unit => format!("{} [{unit}]", quantity.id),
    }));
    let mut text = line(heads);
    for (facts, results) in rows {
        let values = columns.iter().map(|quantity| {
            let value = results
                .iter()
                .find(|result| result.quantity == quantity.id)
                .and_then(|result| result.value);
            value.map_or_else(String::new, |value| value.to_string())
        });
        text += &line(facts.into_iter().chain(values));
    }
    text
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.map(|field| quoted(&field)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// A field in quotes where it needs them. A text that a spreadsheet would take for a formula gets an apostrophe.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@']) && field.parse::<f64>().is_err();
    let field = if formula {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{GAIN, PEAK_LEVEL, RMS_LEVEL};

    #[test]
    fn csv_has_a_line_a_channel_and_a_column_a_quantity() {
        let channel = |number, value| ChannelRecord {
            channel: number,
            results: vec![
                QuantityResult::single(&PEAK_LEVEL, value),
                QuantityResult::single(&RMS_LEVEL, f64::NEG_INFINITY),
            ],
            curves: vec![],
            events: vec![],
        };
        let mut good = FileRecord::unreadable("a, \"b\".wav", String::new());
        good.problem = None;
        good.channels = vec![channel(1, -1.5), channel(2, -2.0)];
        let bad = FileRecord::unreadable("=bad.wav", "is empty".to_owned());
        let text = MeasureRecord::new(vec![good, bad]).csv();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(
            lines[0],
            "file,channel,sample_rate_hz,seconds,problem,rms_level [dBov],peak_level [dBFS (peak)]"
        );
        assert_eq!(lines[1], "\"a, \"\"b\"\".wav\",1,,0.000000,,,-1.5");
        assert_eq!(lines[2], "\"a, \"\"b\"\".wav\",2,,0.000000,,,-2");
        assert_eq!(lines[3], "'=bad.wav,,,0.000000,is empty,,");
    }

    #[test]
    fn a_pair_is_a_line() {
        let mut pair = PairRecord::unreadable("r.wav", "d.wav", String::new());
        pair.problem = None;
        pair.results = vec![QuantityResult::single(&GAIN, -6.0)];
        pair.models = vec![ModelRecord {
            model: "P.863".to_owned(),
            version: None,
            program_sha256: None,
            scores: BTreeMap::from([("MOS-LQO".to_owned(), 4.25)]),
            not_measured: None,
        }];
        let other = PairRecord::unreadable("r.wav", "e.wav", "is empty".to_owned());
        let text = AnalyzeRecord::new(vec![pair, other]).csv();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], "reference,degraded,problem,P.863 MOS-LQO,gain [dB]");
        assert_eq!(lines[1], "r.wav,d.wav,,4.25,-6");
        assert_eq!(lines[2], "r.wav,e.wav,is empty,,");
    }
}
