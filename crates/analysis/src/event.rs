//! What happens at a time of a recording: a digit, a tone, a glitch.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Group;

/// Most events of a group that are kept; the counts among the results are of all.
pub(crate) const MOST_EVENTS: usize = 1000;

/// Something that has a time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Event {
    /// Group of quantities that it is of.
    pub group: Group,
    /// A stable word: `digit`, `tone`, or the kind of a glitch.
    pub event: &'static str,
    /// When it begins, s from the start of the recording.
    pub at_s: f64,
    /// How long it is, s.
    pub seconds: f64,
    /// What it is: the digit, the name of the tone, what stands in place of the samples.
    pub what: String,
    /// Its figures.
    pub figures: Vec<EventFigure>,
}

/// A figure of an event.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EventFigure {
    /// A stable name.
    pub figure: &'static str,
    /// Its value.
    pub value: f64,
    /// Unit, empty for a bare number.
    pub unit: &'static str,
    /// Decimals that mean something.
    #[serde(skip)]
    pub(crate) decimals: usize,
}

impl Event {
    /// An event without figures.
    pub(crate) fn new(group: Group, event: &'static str, at_s: f64, seconds: f64, what: String) -> Self {
        Self {
            group,
            event,
            at_s,
            seconds,
            what,
            figures: Vec::new(),
        }
    }

    /// The same with a figure more; one that is no number is left out, as JSON has none.
    pub(crate) fn with(
        mut self,
        figure: &'static str,
        value: f64,
        unit: &'static str,
        decimals: usize,
    ) -> Self {
        if value.is_finite() {
            self.figures.push(EventFigure {
                figure,
                value,
                unit,
                decimals,
            });
        }
        self
    }

    /// The event in a line, without its time.
    pub(crate) fn text(&self) -> String {
        let mut text = self.event.to_owned();
        if !self.what.is_empty() {
            text = format!("{text} {}", self.what);
        }
        for figure in &self.figures {
            let (decimals, value) = (figure.decimals, figure.value);
            let name = figure.figure.replace('_', " ");
            let space = if figure.unit.is_empty() { "" } else { " " };
            text += &format!(", {name} {value:.decimals$}{space}{}", figure.unit);
        }
        text
    }
}

/// The first events of each group; how many were left out of the given group.
pub(crate) fn kept(mut events: Vec<Event>) -> Vec<Event> {
    events.truncate(MOST_EVENTS);
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line() {
        let event = Event::new(Group::Dtmf, "digit", 0.5, 0.1, "5".to_owned())
            .with("twist", 2.0, "dB", 1)
            .with("samples", 160.0, "", 0)
            .with("pause", f64::NAN, "ms", 1);
        assert_eq!(event.text(), "digit 5, twist 2.0 dB, samples 160");
        assert_eq!(kept(vec![event; 2000]).len(), MOST_EVENTS);
    }
}
