//! Results as one page that needs no network and no script, light or dark as the reader's screen is.

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::measure::DrawnFile;
use crate::picture::{FLOOR_DBOV, Picture};
use crate::plot::{Axis, Plot, Series, heat_map};
use crate::result::Form;
use crate::table::groups;
use crate::{Curve, Event, FileRecord, PairRecord, QuantityResult};

const STYLE: &str = include_str!("../templates/page.css");
const TEMPLATE: &str = include_str!("../templates/page.html");

/// The page could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the page cannot be made: {0}")]
pub struct PageError(#[from] minijinja::Error);

/// A figure with its heading.
pub(crate) struct Figure {
    pub(crate) title: String,
    pub(crate) caption: &'static str,
    pub(crate) svg: String,
}

/// The page of files measured alone.
///
/// # Errors
/// [`PageError`], which would be a mistake in the template.
pub fn measure_page(files: &[DrawnFile], analyzer: &str) -> Result<String, PageError> {
    let sections = files
        .iter()
        .enumerate()
        .map(|(index, file)| file_section(index, file));
    render("Measured recordings", analyzer, sections.collect())
}

fn file_section(index: usize, file: &DrawnFile) -> Value {
    let record = &file.record;
    let mut parts = Vec::new();
    for (number, channel) in record.channels.iter().enumerate() {
        let id = format!("f{index}c{number}");
        let mut figures = file
            .pictures
            .get(number)
            .map_or_else(Vec::new, |picture| recording(&id, picture, ""));
        figures.extend(curves(&id, &channel.curves));
        let title = if record.channels.len() > 1 {
            format!("Channel {}", channel.channel)
        } else {
            String::new()
        };
        parts.push(part(&title, &channel.results, &channel.events, figures));
    }
    context! {
        title => record.file.clone(),
        facts => facts(record),
        problem => record.problem.clone(),
        notes => record.notes.iter().map(|note| note.text.clone()).collect::<Vec<_>>(),
        parts => parts,
        models => Vec::<Value>::new(),
    }
}

/// One line on what a file is.
pub(crate) fn facts(record: &FileRecord) -> String {
    record.format.as_ref().map_or_else(String::new, |format| {
        let channels = match format.channels {
            1 => "1 channel".to_owned(),
            more => format!("{more} channels"),
        };
        format!(
            "{}, {}, {} Hz, {channels}, {:.3} s",
            format.container.name(),
            format
                .bits
                .filter(|_| format.coding == crate::Coding::Flac)
                .map_or_else(|| format.coding.name().to_owned(), |bits| format!("{bits} bit")),
            format.sample_rate_hz,
            record.seconds
        )
    })
}

/// Most events of a group in a page.
const MOST_EVENTS: usize = 200;

/// Tables of what happens at a time, group by group.
fn event_tables(events: &[Event]) -> Vec<Value> {
    events
        .chunk_by(|a, b| a.group == b.group)
        .filter_map(|events| {
            let group = events.first()?.group.name();
            let rows: Vec<Value> = events
                .iter()
                .take(MOST_EVENTS)
                .map(|event| {
                    context! {
                        at => format!("{:.4}", event.at_s),
                        seconds => format!("{:.4}", event.seconds),
                        text => event.text(),
                    }
                })
                .collect();
            Some(context! { group => group, rows => rows, more => events.len().saturating_sub(MOST_EVENTS) })
        })
        .collect()
}

pub(crate) fn part(title: &str, results: &[QuantityResult], events: &[Event], figures: Vec<Figure>) -> Value {
    let groups: Vec<Value> = groups(results)
        .into_iter()
        .map(|(group, results)| {
            let rows: Vec<Value> = results
                .into_iter()
                .map(|result| {
                    let about = result.about();
                    context! {
                        name => about.name,
                        id => result.quantity,
                        value => result.number(),
                        unit => result.unit,
                        because => result.not_measured.as_ref().map(|reason| reason.because.clone()),
                        spread => result.spread.map(|spread| format!("n = {}, s = {spread:.2}", result.n.unwrap_or(1))),
                        caveat => result.caveat.clone(),
                        meaning => about.meaning,
                    }
                })
                .collect();
            context! { name => group.name(), rows => rows }
        })
        .collect();
    let figures: Vec<Value> = figures
        .into_iter()
        .map(|figure| {
            context! {
                title => figure.title,
                caption => figure.caption,
                svg => Value::from_safe_string(figure.svg),
            }
        })
        .collect();
    context! { title => title, groups => groups, events => event_tables(events), figures => figures }
}

/// Waveform, level and spectrogram of a recording.
pub(crate) fn recording(id: &str, picture: &Picture, of: &str) -> Vec<Figure> {
    let time = || Axis::linear("time, s", 0.0, picture.seconds.max(1e-6));
    let reach = picture
        .envelope
        .iter()
        .fold(0.0, |reach: f64, (_, low, high)| reach.max(-low).max(*high));
    // quiet recordings are drawn larger, and the axis says so
    let reach = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0]
        .into_iter()
        .find(|limit| *limit >= reach)
        .unwrap_or(4.0);
    let waveform = Plot {
        title: format!("Waveform{of}"),
        x: time(),
        y: Axis::linear("of full scale", -reach, reach),
        height: 150.0,
        series: vec![Series::Band {
            class: "a",
            name: String::new(),
            points: picture.envelope.clone(),
        }],
    };
    let level = Plot {
        title: format!("Level against time{of}"),
        x: time(),
        y: Axis::linear("level, dBov", FLOOR_DBOV, 0.0),
        height: 140.0,
        series: vec![Series::Line {
            class: "a",
            name: String::new(),
            points: picture.level.clone(),
        }],
    };
    let mut figures = vec![
        figure(
            &format!("{id}w"),
            &waveform,
            "Least and largest sample of each column.",
        ),
        figure(
            &format!("{id}l"),
            &level,
            "Level of each 20 ms, or of each column of a long recording; the floor of the figure is at -100.",
        ),
    ];
    let largest = picture
        .spectrogram
        .iter()
        .flatten()
        .fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    // 90 dB below the strongest
    let high = if largest.is_finite() {
        largest.clamp(-60.0, 6.0)
    } else {
        0.0
    };
    if let Some(uri) = heat_map(&picture.spectrogram, high - 90.0, high) {
        let spectrogram = Plot {
            title: format!("Spectrogram{of}"),
            x: time(),
            y: Axis::linear("frequency, kHz", 0.0, f64::from(picture.rate) / 2000.0),
            height: 240.0,
            series: vec![Series::Picture(uri)],
        };
        figures.push(figure(
            &format!("{id}s"),
            &spectrogram,
            "Brightest: the strongest component; darkest: 90 dB below it.",
        ));
    }
    figures
}

pub(crate) fn figure(id: &str, plot: &Plot, caption: &'static str) -> Figure {
    Figure {
        title: plot.title.clone(),
        caption,
        svg: plot.draw(id),
    }
}

/// Figures of the curves of a record, each in the form that suits it, limits in the figure of what they limit.
pub(crate) fn curves(id: &str, curves: &[Curve]) -> Vec<Figure> {
    let drawn = curves.iter().filter(|curve| {
        let enough = curve.points.len() > 1 || curve.style().form == Form::Columns;
        enough && !curve.points.is_empty() && curve.style().limit_of.is_none()
    });
    drawn
        .enumerate()
        .map(|(number, curve)| {
            let limits: Vec<&Curve> = curves
                .iter()
                .filter(|limit| limit.style().limit_of == Some(curve.curve))
                .collect();
            figure(
                &format!("{id}k{number}"),
                &plot(curve, &limits),
                curve.style().caption,
            )
        })
        .collect()
}

fn plot(curve: &Curve, limits: &[&Curve]) -> Plot {
    let style = curve.style();
    let points = curve.line();
    let (first, last) = (
        points.first().map_or(0.0, |p| p.0),
        points.last().map_or(1.0, |p| p.0),
    );
    let heights = points
        .iter()
        .copied()
        .chain(limits.iter().flat_map(|limit| limit.line()));
    // columns stand on zero
    let ground = (style.form == Form::Columns).then_some(0.0);
    let y = Axis::around(
        curve.y,
        heights.map(|point| point.1).chain(ground),
        style.least_span,
    );
    let x = match style.form {
        _ if curve.x.contains("Hz") => Axis::frequency(first, last),
        Form::Columns => Axis::linear(curve.x, first, last + step(&points)),
        _ => Axis::linear(curve.x, first.min(0.0), last),
    };
    let name = if limits.is_empty() { "" } else { style.title }.to_owned();
    let class = "a";
    let own = match style.form {
        Form::Dots => Series::Dots { class, name, points },
        Form::Line => Series::Line { class, name, points },
        Form::Columns => Series::Band {
            class,
            name,
            points: columns(&points),
        },
    };
    let limits = limits.iter().map(|limit| Series::Line {
        class: "limit",
        name: limit.style().title.to_owned(),
        points: limit.line(),
    });
    Plot {
        title: style.title.to_owned(),
        x,
        y,
        height: 200.0,
        series: limits.chain([own]).collect(),
    }
}

/// Width of the columns of a histogram: a point is its lower end.
fn step(points: &[(f64, f64)]) -> f64 {
    match points {
        [one, two, ..] => two.0 - one.0,
        _ => 1.0,
    }
}

/// Columns as the space between zero and a stepped line, with a little air between them.
fn columns(points: &[(f64, f64)]) -> Vec<(f64, f64, f64)> {
    let width = step(points);
    let column = |(x, y): &(f64, f64)| {
        let (left, right) = (x + 0.08 * width, x + 0.92 * width);
        [
            (left, 0.0, 0.0),
            (left, 0.0, *y),
            (right, 0.0, *y),
            (right, 0.0, 0.0),
        ]
    };
    points.iter().flat_map(column).collect()
}

/// One line on what a pair is.
pub(crate) fn pair_facts(record: &PairRecord) -> String {
    let of = |format: &Option<crate::SoundFormat>| {
        format.as_ref().map_or_else(
            || "not read".to_owned(),
            |format| {
                format!(
                    "{} {}, {} Hz",
                    format.container.name(),
                    format.coding.name(),
                    format.sample_rate_hz
                )
            },
        )
    };
    let rate = record
        .rate_hz
        .map_or_else(String::new, |rate| format!("; compared at {rate} Hz"));
    format!(
        "reference {}; recording {}{rate}",
        of(&record.reference_format),
        of(&record.degraded_format)
    )
}

pub(crate) fn render(title: &str, analyzer: &str, sections: Vec<Value>) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page.html", TEMPLATE)?;
    let page = environment.get_template("page.html")?;
    Ok(page.render(context! {
        title => title,
        analyzer => analyzer,
        style => Value::from_safe_string(STYLE.to_owned()),
        sections => sections,
    })?)
}
