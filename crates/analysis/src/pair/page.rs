//! Pairs as a page.

use minijinja::context;
use minijinja::value::Value;

use super::{Loaded, Pair, PairOptions, compare};
use crate::page::{Figure, PageError, curves, figure, pair_facts, part, recording, render};
use crate::picture::{Drawing, Picture};
use crate::plot::{Axis, Plot, Series};
use crate::{ModelRecord, PairRecord};

/// A compared pair with what is needed to draw it.
#[derive(Debug, Clone)]
pub struct DrawnPair {
    /// The results.
    pub record: PairRecord,
    pictures: Option<(Picture, Picture)>,
}

impl DrawnPair {
    /// Compares as [`analyze`](super::analyze) does, and draws.
    #[must_use]
    pub fn of(reference: &Loaded, degraded: &Loaded, options: &PairOptions) -> Self {
        let (record, pair) = compare(reference, degraded, options);
        let pictures = pair.map(
            |Pair {
                 rate,
                 reference,
                 degraded,
             }| {
                let draw = |samples: &[f32]| {
                    let mut drawing = Drawing::new(rate, samples.len() as u64);
                    drawing.push(samples);
                    drawing.finish()
                };
                (draw(&reference), draw(&degraded))
            },
        );
        Self { record, pictures }
    }

    /// A pair without pictures: one that could not be read.
    #[must_use]
    pub fn undrawn(record: PairRecord) -> Self {
        Self {
            record,
            pictures: None,
        }
    }
}

/// The page of pairs.
///
/// # Errors
/// [`PageError`], which would be a mistake in the template.
pub fn analyze_page(pairs: &[DrawnPair], analyzer: &str) -> Result<String, PageError> {
    let sections = pairs.iter().enumerate().map(|(index, pair)| section(index, pair));
    render(
        "Recordings against their references",
        analyzer,
        sections.collect(),
    )
}

fn section(index: usize, pair: &DrawnPair) -> Value {
    let record = &pair.record;
    let id = format!("p{index}");
    let mut figures = curves(&id, &record.curves);
    if let Some((reference, degraded)) = &pair.pictures {
        figures.push(levels(&id, reference, degraded));
        figures.extend(recording(&format!("{id}r"), reference, " of the reference"));
        figures.extend(recording(&format!("{id}d"), degraded, " of the recording"));
    }
    context! {
        title => format!("{} against {}", record.degraded, record.reference),
        facts => pair_facts(record),
        problem => record.problem.clone(),
        notes => record.notes.iter().map(|note| note.text.clone()).collect::<Vec<_>>(),
        parts => vec![part("", &record.results, &record.events, figures)],
        models => record.models.iter().map(model).collect::<Vec<_>>(),
    }
}

fn model(model: &ModelRecord) -> Value {
    let scores: Vec<Value> = model
        .scores
        .iter()
        .map(|(name, value)| context! { name => name.clone(), value => format!("{value:.3}") })
        .collect();
    context! {
        name => model.model.clone(),
        version => model.version.clone(),
        sha256 => model.program_sha256.clone(),
        because => model.not_measured.as_ref().map(|reason| reason.because.clone()),
        scores => scores,
    }
}

/// Both levels in one figure, each in its own time.
fn levels(id: &str, reference: &Picture, degraded: &Picture) -> Figure {
    let line = |class, name: &str, picture: &Picture| Series::Line {
        class,
        name: name.to_owned(),
        points: picture.level.clone(),
    };
    let plot = Plot {
        title: "Levels of both".to_owned(),
        x: Axis::linear(
            "time in each file, s",
            0.0,
            reference.seconds.max(degraded.seconds),
        ),
        y: Axis::linear("level, dBov", crate::picture::FLOOR_DBOV, 0.0),
        height: 180.0,
        series: vec![
            line("a", "reference", reference),
            line("b", "recording", degraded),
        ],
    };
    figure(
        &format!("{id}b"),
        &plot,
        "Level of each 20 ms, or of each column of a long recording; the delay between them is not taken out.",
    )
}
