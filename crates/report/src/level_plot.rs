//! Waveform and level of a stream as SVG.

use std::fmt::Write as _;

use voxproof_record::LevelPlot;

use crate::display::{escape, number};

/// Columns drawn at most: one every three pixels shows where speech is, and a report has many plots.
const MOST_COLUMNS: usize = 320;
const LEFT: f64 = 56.0;
const WIDTH: f64 = 880.0;
const WAVE_TOP: f64 = 8.0;
const WAVE_HEIGHT: f64 = 84.0;
const LEVEL_TOP: f64 = 108.0;
const LEVEL_HEIGHT: f64 = 100.0;
const FLOOR_DBOV: f32 = -100.0;

/// Draws a stream; nothing when it has no samples.
pub(crate) fn draw(plot: &LevelPlot) -> Option<String> {
    let envelope = merge(&plot.envelope, |a, b| (a.0.min(b.0), a.1.max(b.1)));
    let levels = merge(&plot.level_dbov, |a, b| a.max(b));
    if (envelope.is_empty() && levels.is_empty()) || plot.duration_s.is_nan() || plot.duration_s <= 0.0 {
        return None;
    }
    let (total_width, total_height) = (LEFT + WIDTH + 16.0, LEVEL_TOP + LEVEL_HEIGHT + 34.0);
    let mut svg = format!(
        "<svg class=\"plot\" role=\"img\" aria-label=\"Waveform and level of {}\" viewBox=\"0 0 {total_width} {total_height}\" style=\"width:{total_width}px\">",
        escape(&plot.stream)
    );
    // writing to a String has no way to fail
    let right = LEFT + WIDTH;
    for (fraction, label) in [(0.0, "1"), (0.5, "0"), (1.0, "\u{2212}1")] {
        horizontal(&mut svg, WAVE_TOP + fraction * WAVE_HEIGHT, label);
    }
    for step in 0..=5 {
        let label = if step == 0 {
            "0".to_owned()
        } else {
            format!("\u{2212}{}", step * 20)
        };
        horizontal(&mut svg, LEVEL_TOP + f64::from(step) / 5.0 * LEVEL_HEIGHT, &label);
    }
    let bottom = LEVEL_TOP + LEVEL_HEIGHT;
    let step = tick_step(plot.duration_s);
    let first = (plot.start_s / step).ceil();
    // the step leaves at most eleven ticks on the axis
    for tick in 0..=11 {
        let at = (first + f64::from(tick)) * step;
        let x = LEFT + (at - plot.start_s) / plot.duration_s * WIDTH;
        if x.is_finite() && x <= right + 0.5 {
            let _ = write!(
                svg,
                "<path class=\"g\" d=\"M{x:.1} {WAVE_TOP}V{:.1}M{x:.1} {LEVEL_TOP}V{bottom}\"/><text class=\"ax\" x=\"{x:.1}\" y=\"{}\">{}</text>",
                WAVE_TOP + WAVE_HEIGHT,
                bottom + 15.0,
                number(at)
            );
        }
    }
    let _ = write!(
        svg,
        "<text class=\"ax\" x=\"{}\" y=\"{}\">time since the case began, s</text>",
        LEFT + WIDTH / 2.0,
        bottom + 30.0
    );
    for (top, height, label) in [
        (WAVE_TOP, WAVE_HEIGHT, "full scale"),
        (LEVEL_TOP, LEVEL_HEIGHT, "dBov"),
    ] {
        let y = top + height / 2.0;
        let _ = write!(
            svg,
            "<text class=\"ax\" x=\"12\" y=\"{y}\" transform=\"rotate(-90 12 {y})\">{label}</text>"
        );
    }
    if let Some(path) = wave_path(&envelope) {
        pane(&mut svg, WAVE_TOP, WAVE_HEIGHT, envelope.len(), "wv", &path);
    }
    if let Some(path) = level_path(&levels) {
        pane(&mut svg, LEVEL_TOP, LEVEL_HEIGHT, levels.len(), "lv", &path);
    }
    svg.push_str("</svg>");
    Some(svg)
}

fn horizontal(svg: &mut String, y: f64, label: &str) {
    let _ = write!(
        svg,
        "<path class=\"g\" d=\"M{LEFT} {y}h{WIDTH}\"/><text class=\"ay\" x=\"{}\" y=\"{}\">{label}</text>",
        LEFT - 6.0,
        y + 4.0
    );
}

/// A pane of its own scale: one unit a column, 200 units high. Whole numbers keep the path short.
fn pane(svg: &mut String, top: f64, height: f64, columns: usize, class: &str, path: &str) {
    let units = columns.saturating_sub(1).max(1);
    let _ = write!(
        svg,
        "<svg x=\"{LEFT}\" y=\"{top}\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {units} 200\" preserveAspectRatio=\"none\"><path class=\"{class}\" d=\"{path}\"/></svg>"
    );
}

/// The band between the largest and the smallest sample of each column.
fn wave_path(envelope: &[(f32, f32)]) -> Option<String> {
    let unit = |sample: f32| (100.0 - sample.clamp(-1.0, 1.0) * 100.0).round() as i32;
    let first = envelope.first()?;
    let mut y = unit(first.1);
    let mut path = format!("M0 {y}l");
    for (_, largest) in envelope
        .iter()
        .skip(1)
        .chain((envelope.len() == 1).then_some(first))
    {
        step(&mut path, 1, unit(*largest), &mut y);
    }
    let mut forward = 0;
    for (smallest, _) in envelope
        .iter()
        .rev()
        .chain((envelope.len() == 1).then_some(first))
    {
        step(&mut path, forward, unit(*smallest), &mut y);
        forward = -1;
    }
    path.push('z');
    Some(path)
}

fn level_path(levels: &[f32]) -> Option<String> {
    let unit = |level: f32| (-2.0 * level.clamp(FLOOR_DBOV, 0.0)).round() as i32;
    let first = *levels.first()?;
    let mut y = unit(first);
    let mut path = format!("M0 {y}l");
    for level in levels
        .iter()
        .skip(1)
        .copied()
        .chain((levels.len() == 1).then_some(first))
    {
        step(&mut path, 1, unit(level), &mut y);
    }
    Some(path)
}

/// A relative line; a minus sign separates by itself.
fn step(path: &mut String, dx: i32, to: i32, y: &mut i32) {
    let space = if path.ends_with('l') || dx < 0 { "" } else { " " };
    let dy = to - *y;
    let between = if dy < 0 { "" } else { " " };
    let _ = write!(path, "{space}{dx}{between}{dy}");
    *y = to;
}

/// Joins neighbouring columns until few enough are left.
fn merge<T: Copy>(columns: &[T], join: impl Fn(T, T) -> T) -> Vec<T> {
    let group = columns.len().div_ceil(MOST_COLUMNS).max(1);
    columns
        .chunks(group)
        .filter_map(|chunk| chunk.iter().copied().reduce(&join))
        .collect()
}

/// A round distance between ticks, 1, 2 or 5 times a power of ten, for five to eleven ticks.
fn tick_step(duration_s: f64) -> f64 {
    let rough = duration_s / 10.0;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough)
        .unwrap_or(duration_s)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plot(envelope: Vec<(f32, f32)>, level_dbov: Vec<f32>, start_s: f64, duration_s: f64) -> LevelPlot {
        LevelPlot {
            stream: "device -> <b>".into(),
            start_s,
            duration_s,
            envelope,
            level_dbov,
            wav: None,
        }
    }

    #[test]
    fn axes_and_curves_are_there() {
        let svg = draw(&plot(
            vec![(-0.5, 0.5), (-1.0, 1.0)],
            vec![-20.0, -100.0],
            2.0,
            4.0,
        ))
        .unwrap();
        assert!(svg.contains("d=\"M0 50l1-50 0 200-1-50z\""), "{svg}");
        assert!(svg.contains("d=\"M0 40l1 160\""), "{svg}");
        assert!(svg.contains(">2.5</text>") && svg.contains(">6</text>") && svg.contains("dBov"));
        assert!(!svg.contains("<b>"));
        assert_eq!(draw(&plot(vec![], vec![], 0.0, 1.0)), None);
        assert_eq!(draw(&plot(vec![(0.0, 0.0)], vec![], 0.0, 0.0)), None);
    }

    #[test]
    fn many_columns_become_few() {
        let svg = draw(&plot(vec![(-0.1, 0.1); 100_000], vec![-30.0; 100_000], 0.0, 60.0)).unwrap();
        assert!(svg.len() < 8_000, "{}", svg.len());
    }

    proptest! {
        #[test]
        fn any_stream_can_be_drawn(
            envelope in prop::collection::vec((any::<f32>(), any::<f32>()), 0..50),
            levels in prop::collection::vec(any::<f32>(), 0..50),
            start in any::<f64>(),
            duration in any::<f64>(),
        ) {
            if let Some(svg) = draw(&plot(envelope, levels, start, duration)) {
                prop_assert!(svg.len() < 20_000);
                prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
            }
        }
    }
}
