//! A figure: axes, lines, bands, a picture behind.

use std::fmt::Write as _;

use super::Axis;

const LEFT: f64 = 62.0;
const WIDTH: f64 = 830.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 10.0;
const BELOW: f64 = 40.0;

/// What is drawn into a figure. The classes name colours in the page's style.
#[derive(Debug, Clone)]
pub(crate) enum Series {
    /// Straight lines through points in the order given; a value that is no number interrupts the line.
    Line {
        class: &'static str,
        name: String,
        points: Vec<(f64, f64)>,
    },
    /// The space between a lower and an upper value at each place.
    Band {
        class: &'static str,
        name: String,
        points: Vec<(f64, f64, f64)>,
    },
    /// Dots.
    Dots {
        class: &'static str,
        name: String,
        points: Vec<(f64, f64)>,
    },
    /// A PNG, as a data URI, stretched over the whole of both axes.
    Picture(String),
}

/// A figure.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    /// For those who do not see it.
    pub(crate) title: String,
    /// Horizontal axis.
    pub(crate) x: Axis,
    /// Vertical axis.
    pub(crate) y: Axis,
    /// Height of the plane.
    pub(crate) height: f64,
    /// What is drawn, from the back to the front.
    pub(crate) series: Vec<Series>,
}

/// Text inside an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML has no other control characters
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

impl Plot {
    /// The figure as an `svg` element. Writing to a `String` does not fail, so its results are not looked at.
    pub(crate) fn draw(&self, id: &str) -> String {
        let bottom = TOP + self.height;
        let (total_width, total_height) = (LEFT + WIDTH + RIGHT, bottom + BELOW);
        let mut svg = format!(
            "<svg class=\"plot\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {total_width} {total_height}\">\
             <clipPath id=\"{id}\"><rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{WIDTH}\" height=\"{}\"/></clipPath>",
            escape(&self.title),
            self.height
        );
        let _ = write!(
            svg,
            "<rect class=\"pane\" x=\"{LEFT}\" y=\"{TOP}\" width=\"{WIDTH}\" height=\"{}\"/>",
            self.height
        );
        for one in &self.series {
            if let Series::Picture(uri) = one {
                let _ = write!(
                    svg,
                    "<image x=\"{LEFT}\" y=\"{TOP}\" width=\"{WIDTH}\" height=\"{}\" preserveAspectRatio=\"none\" href=\"{}\"/>",
                    self.height,
                    escape(uri)
                );
            }
        }
        self.grid(&mut svg, bottom);
        let _ = write!(svg, "<g clip-path=\"url(#{id})\">");
        for one in &self.series {
            self.one(&mut svg, one);
        }
        svg.push_str("</g>");
        let _ = write!(
            svg,
            "<text class=\"ax\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text>\
             <text class=\"ax\" text-anchor=\"middle\" x=\"14\" y=\"{y}\" transform=\"rotate(-90 14 {y})\">{}</text>",
            LEFT + WIDTH / 2.0,
            bottom + 34.0,
            escape(&self.x.label),
            escape(&self.y.label),
            y = TOP + self.height / 2.0,
        );
        svg.push_str("</svg>");
        let names = self.legend();
        svg + &names
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value).clamp(-1.0, 2.0) * WIDTH
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (1.0 - self.y.place(value).clamp(-1.0, 2.0)) * self.height
    }

    fn grid(&self, svg: &mut String, bottom: f64) {
        for (value, text) in self.x.ticks() {
            let x = self.x(value);
            let class = if text.is_some() { "g" } else { "g f" };
            let _ = write!(svg, "<path class=\"{class}\" d=\"M{x:.2} {TOP}V{bottom}\"/>");
            if let Some(text) = text {
                let _ = write!(
                    svg,
                    "<text class=\"ax\" text-anchor=\"middle\" x=\"{x:.2}\" y=\"{}\">{text}</text>",
                    bottom + 16.0
                );
            }
        }
        for (value, text) in self.y.ticks() {
            let y = self.y(value);
            let _ = write!(svg, "<path class=\"g\" d=\"M{LEFT} {y:.2}H{}\"/>", LEFT + WIDTH);
            if let Some(text) = text {
                let _ = write!(
                    svg,
                    "<text class=\"ax\" text-anchor=\"end\" x=\"{}\" y=\"{:.2}\">{text}</text>",
                    LEFT - 6.0,
                    y + 4.0
                );
            }
        }
    }

    fn one(&self, svg: &mut String, series: &Series) {
        match series {
            Series::Line { class, points, .. } => {
                let path = self.path(points);
                let _ = write!(svg, "<path class=\"line {class}\" d=\"{path}\"/>");
            }
            Series::Band { class, points, .. } => {
                let mut path = String::new();
                let upper = points.iter().map(|(x, _, high)| (*x, *high));
                let lower = points.iter().rev().map(|(x, low, _)| (*x, *low));
                for (number, (x, y)) in upper.chain(lower).enumerate() {
                    let y = if y.is_finite() { y } else { self.y.low };
                    let _ = write!(
                        path,
                        "{}{:.2} {:.2}",
                        if number == 0 { 'M' } else { 'L' },
                        self.x(x),
                        self.y(y)
                    );
                }
                let _ = write!(svg, "<path class=\"band {class}\" d=\"{path}Z\"/>");
            }
            Series::Dots { class, points, .. } => {
                for (x, y) in points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
                    let _ = write!(
                        svg,
                        "<circle class=\"dot {class}\" r=\"2.6\" cx=\"{:.2}\" cy=\"{:.2}\"/>",
                        self.x(*x),
                        self.y(*y)
                    );
                }
            }
            Series::Picture(_) => {}
        }
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        let mut pen_up = true;
        for (x, y) in points {
            if !(x.is_finite() && y.is_finite()) {
                pen_up = true;
                continue;
            }
            let _ = write!(
                path,
                "{}{:.2} {:.2}",
                if pen_up { 'M' } else { 'L' },
                self.x(*x),
                self.y(*y)
            );
            pen_up = false;
        }
        path
    }

    fn legend(&self) -> String {
        let names: Vec<(&str, &str)> = self
            .series
            .iter()
            .filter_map(|one| match one {
                Series::Line { class, name, .. }
                | Series::Band { class, name, .. }
                | Series::Dots { class, name, .. } => (!name.is_empty()).then_some((*class, name.as_str())),
                Series::Picture(_) => None,
            })
            .collect();
        if names.len() < 2 {
            return String::new();
        }
        let mut text = "<p class=\"legend\">".to_owned();
        for (class, name) in names {
            let _ = write!(text, "<span><i class=\"key {class}\"></i>{}</span>", escape(name));
        }
        text + "</p>"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>) -> String {
        Plot {
            title: "a <figure>".to_owned(),
            x: Axis::linear("time, s", 0.0, 1.0),
            y: Axis::linear("level, dBov", -60.0, 0.0),
            height: 120.0,
            series: vec![Series::Line {
                class: "a",
                name: String::new(),
                points,
            }],
        }
        .draw("p1")
    }

    #[test]
    fn a_line_is_where_its_values_are() {
        let svg = plot(vec![(0.0, 0.0), (0.5, -30.0), (1.0, -60.0)]);
        assert!(
            svg.contains("d=\"M62.00 10.00L477.00 70.00L892.00 130.00\""),
            "{svg}"
        );
        assert!(svg.contains("a &lt;figure&gt;"));
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let svg = plot(vec![(0.0, -30.0), (0.5, f64::NAN), (1.0, -30.0)]);
        assert!(svg.contains("d=\"M62.00 70.00M892.00 70.00\""), "{svg}");
        assert!(!svg.contains("NaN") && !plot(vec![(f64::INFINITY, 1e300)]).contains("inf"));
    }
}
