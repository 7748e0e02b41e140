//! The ladder diagram of a case as SVG.
//!
//! A long ladder is drawn in several pictures, each with its own heads, so that a printed page never cuts a row.

use std::fmt::Write as _;

use voxproof_record::LadderRow;

use crate::display::{escape, one_line};

/// Rows that are drawn at most; the list of messages under the picture has them all.
const MOST_ROWS: usize = 120;
/// Of a cut ladder, the rows kept at its end: a case is judged on how it began and on how it ended.
const LAST_ROWS: usize = 30;
/// Rows a picture: with its heads about one printed page.
const ROWS_A_PICTURE: usize = 30;

const DEVICE: &str = "device";
const DEVICE_X: f64 = 132.0;
const MARK_WIDTH: f64 = 148.0;
const HEAD_HEIGHT: f64 = 40.0;
const ROW_HEIGHT: f64 = 30.0;
/// Width of a character of the labels at 12 px, on the safe side.
const CHARACTER: f64 = 6.6;

/// A ladder, drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LadderDrawing {
    /// One SVG document after the other.
    pub(crate) pictures: Vec<String>,
    /// Rows that were not drawn.
    pub(crate) left_out: usize,
}

enum Row<'a> {
    Recorded(&'a LadderRow),
    LeftOut(usize),
}

/// Draws the rows. `link` gives the target of a packet's row.
pub(crate) fn draw(rows: &[LadderRow], link: &dyn Fn(u32) -> Option<String>) -> LadderDrawing {
    if rows.is_empty() {
        return LadderDrawing::default();
    }
    let lifelines = Lifelines::of(rows);
    let left_out = rows.len().saturating_sub(MOST_ROWS);
    let (first, last) = if left_out > 0 {
        (
            rows.split_at(MOST_ROWS - LAST_ROWS).0,
            rows.split_at(rows.len() - LAST_ROWS).1,
        )
    } else {
        (rows, &[][..])
    };
    let mut drawn: Vec<Row<'_>> = first.iter().map(Row::Recorded).collect();
    if left_out > 0 {
        drawn.push(Row::LeftOut(left_out));
    }
    drawn.extend(last.iter().map(Row::Recorded));
    let count = drawn.len().div_ceil(ROWS_A_PICTURE);
    let pictures = drawn
        .chunks(drawn.len().div_ceil(count))
        .map(|rows| picture(&lifelines, rows, link))
        .collect();
    LadderDrawing { pictures, left_out }
}

/// A row that belongs to no actor of its own: it is drawn over all of them.
fn spans_all(row: &LadderRow) -> bool {
    matches!(row.kind.as_str(), "action" | "connection")
}

/// Where everybody stands: the device first, then the lab's actors in the order they speak.
struct Lifelines<'a> {
    actors: Vec<&'a str>,
    distance: f64,
}

impl<'a> Lifelines<'a> {
    fn of(rows: &'a [LadderRow]) -> Self {
        let mut actors: Vec<&str> = Vec::new();
        for row in rows.iter().filter(|row| !spans_all(row)) {
            if !actors.contains(&row.actor.as_str()) {
                actors.push(&row.actor);
            }
        }
        let distance = match actors.len() {
            0 | 1 => 330.0,
            2 => 240.0,
            _ => 200.0,
        };
        Self { actors, distance }
    }

    fn x(&self, actor: &str) -> Option<f64> {
        let at = self.actors.iter().position(|known| *known == actor)?;
        Some(DEVICE_X + self.distance * (at + 1) as f64)
    }

    fn last_x(&self) -> f64 {
        DEVICE_X + self.distance * self.actors.len().max(1) as f64
    }
}

fn picture(lifelines: &Lifelines<'_>, rows: &[Row<'_>], link: &dyn Fn(u32) -> Option<String>) -> String {
    let height = HEAD_HEIGHT + rows.len() as f64 * ROW_HEIGHT + 10.0;
    let head_half = 62.0_f64.min(lifelines.distance / 2.0 - 6.0);
    let has_marks = rows
        .iter()
        .any(|row| matches!(row, Row::Recorded(row) if row.mark.is_some()));
    let width = lifelines.last_x() + if has_marks { MARK_WIDTH } else { head_half + 4.0 };
    let mut svg = format!(
        "<svg class=\"ladder\" role=\"group\" aria-label=\"Ladder diagram, {} rows\" viewBox=\"0 0 {width} {height}\" style=\"width:{width}px\">",
        rows.len()
    );
    // writing to a String has no way to fail
    let _ = write!(svg, "<text class=\"th\" x=\"58\" y=\"20\">s</text>");
    let heads = std::iter::once((DEVICE, DEVICE_X, "hd")).chain(
        lifelines
            .actors
            .iter()
            .filter_map(|actor| lifelines.x(actor).map(|x| (*actor, x, "ha"))),
    );
    for (name, x, class) in heads {
        let left = x - head_half;
        let shown = escape(&one_line(name, (head_half * 2.0 / CHARACTER) as usize - 1));
        let _ = write!(
            svg,
            "<path class=\"ll\" d=\"M{x} 28V{height}\"/><rect class=\"{class}\" x=\"{left}\" y=\"4\" width=\"{}\" height=\"24\" rx=\"3\"/><text class=\"{class}\" x=\"{x}\" y=\"20\">{shown}</text>",
            head_half * 2.0
        );
    }
    let mut y = HEAD_HEIGHT + 18.0;
    for row in rows {
        match row {
            Row::Recorded(row) => draw_row(&mut svg, lifelines, row, y, link),
            Row::LeftOut(count) => {
                let x = f64::midpoint(DEVICE_X, lifelines.last_x());
                let _ = write!(
                    svg,
                    "<text class=\"cut\" x=\"{x}\" y=\"{y}\">{count} rows not drawn</text>"
                );
            }
        }
        y += ROW_HEIGHT;
    }
    svg.push_str("</svg>");
    svg
}

fn draw_row(
    svg: &mut String,
    lifelines: &Lifelines<'_>,
    row: &LadderRow,
    y: f64,
    link: &dyn Fn(u32) -> Option<String>,
) {
    let far = if spans_all(row) {
        None
    } else {
        lifelines.x(&row.actor)
    };
    let far = far.unwrap_or_else(|| lifelines.last_x());
    let middle = f64::midpoint(DEVICE_X, far);
    let room = far - DEVICE_X - 24.0;
    let _ = write!(
        svg,
        "<text class=t x=58 y={}>{:.3}</text>",
        y + 4.0,
        row.at_ms / 1000.0
    );
    if row.kind == "sip" {
        let target = row.packet.and_then(link);
        if let Some(target) = &target {
            let _ = write!(svg, "<a href=\"#{}\">", escape(target));
        }
        let mut label = row.label.clone();
        if row.retransmission {
            label += " (again)";
        }
        if let Some(action) = &row.intercepted {
            label += &format!(" ({action})");
        }
        arrow(svg, row, far, y);
        text(svg, "", middle, y - 5.0, &label, (room / CHARACTER) as usize);
        if target.is_some() {
            svg.push_str("</a>");
        }
    } else {
        let class = if matches!(row.kind.as_str(), "rtp" | "rtcp") {
            "rtp"
        } else {
            "act"
        };
        let (left, width) = (DEVICE_X + 14.0, far - DEVICE_X - 28.0);
        let top = y - 13.0;
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"22\" rx=\"3\"/>"
        );
        text(
            svg,
            "bx",
            middle,
            y + 2.5,
            &row.label,
            ((width - 12.0) / CHARACTER) as usize,
        );
    }
    if let Some(mark) = &row.mark {
        let (x, width) = (lifelines.last_x() + 14.0, MARK_WIDTH - 26.0);
        let _ = write!(
            svg,
            "<path class=\"mk\" d=\"M{x} {y}l7-9h{width}v18h-{width}z\"/>"
        );
        text(
            svg,
            "mk",
            x + 12.0,
            y + 4.0,
            mark,
            ((MARK_WIDTH - 34.0) / CHARACTER) as usize,
        );
    }
}

/// The arrow of a message: line and head are two parts of one filled path, of which the line has no area; only a dashed
/// line needs its head apart. There are thousands of them on a page: what the device sent is the style without a class.
fn arrow(svg: &mut String, row: &LadderRow, far: f64, y: f64) {
    let (class, from, to, head) = if row.from_device {
        ("", DEVICE_X, far, "l-9-4v8z")
    } else {
        (" class=l", far, DEVICE_X, "l9-4v8z")
    };
    let _ = if row.retransmission || row.intercepted.is_some() {
        let dashed = if row.from_device { "x" } else { "l x" };
        write!(
            svg,
            "<path class=\"{dashed}\" d=\"M{from} {y}H{to}\"/><path{class} d=\"M{to} {y}{head}\"/>"
        )
    } else {
        write!(svg, "<path{class} d=\"M{from} {y}H{to}m0 0{head}\"/>")
    };
}

/// A line of text that fits; the whole of a cut one is its tooltip.
fn text(svg: &mut String, class: &str, x: f64, y: f64, content: &str, limit: usize) {
    let shown = one_line(content, limit);
    let whole = if shown.ends_with('\u{2026}') {
        format!("<title>{}</title>", escape(content))
    } else {
        String::new()
    };
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class={class}")
    };
    let _ = write!(svg, "<text{class} x={x} y={y}>{}{whole}</text>", escape(&shown));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(packet: u32, label: &str) -> LadderRow {
        LadderRow {
            packet: Some(packet),
            at_ms: f64::from(packet) * 10.0,
            from_device: packet % 2 == 1,
            actor: "registrar".into(),
            label: label.into(),
            kind: "sip".into(),
            detail: String::new(),
            mark: None,
            retransmission: false,
            intercepted: None,
        }
    }

    fn unlinked(_: u32) -> Option<String> {
        None
    }

    #[test]
    fn hostile_labels_are_text() {
        let mut hostile = row(1, "INVITE</text><script>alert(1)</script>");
        hostile.actor = "\"><img src=x>".into();
        hostile.mark = Some("]]>&\u{0}".into());
        let drawing = draw(&[hostile], &|_| Some("x\"onclick=\"y".into()));
        let svg = drawing.pictures.concat();
        assert!(!svg.contains("<script") && !svg.contains("<img") && !svg.contains("\"onclick"));
        assert!(svg.contains("]]&gt;&amp;\u{2400}"));
    }

    #[test]
    fn a_long_ladder_is_cut_in_the_middle_and_says_so() {
        let rows: Vec<LadderRow> = (1..=500).map(|n| row(n, &format!("M{n}"))).collect();
        let drawing = draw(&rows, &unlinked);
        assert_eq!(drawing.left_out, 380);
        let svg = drawing.pictures.concat();
        assert!(
            svg.contains(">M1<") && svg.contains(">M90<") && svg.contains(">M471<") && svg.contains(">M500<")
        );
        assert!(!svg.contains(">M91<") && !svg.contains(">M470<"));
        assert!(svg.contains("380 rows not drawn"));
        assert!(drawing.pictures.len() > 1);
        assert!(draw(&rows[..120], &unlinked).pictures.concat().contains(">M91<"));
        assert_eq!(draw(&rows[..120], &unlinked).left_out, 0);
        assert!(draw(&[], &unlinked).pictures.is_empty());
    }

    #[test]
    fn an_intercepted_message_is_dashed_and_says_what_was_done() {
        let mut lost = row(1, "ACK");
        lost.intercepted = Some("dropped".into());
        let svg = draw(&[lost], &unlinked).pictures.concat();
        assert!(
            svg.contains("class=\"x\"") && svg.contains("ACK (dropped)"),
            "{svg}"
        );
    }

    #[test]
    fn retransmissions_are_dashed_and_arrows_point_from_the_sender() {
        let mut again = row(1, "REGISTER");
        again.retransmission = true;
        let svg = draw(&[again, row(2, "200 OK")], &unlinked).pictures.concat();
        assert!(svg.contains("class=\"x\" d=\"M132 58H462\""));
        assert!(svg.contains("REGISTER (again)"));
        assert!(svg.contains("class=l d=\"M462 88H132m0 0l9-4v8z\""));
    }
}
