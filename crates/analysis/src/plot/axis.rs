//! Axes: where a value lies, and which values get a tick.

/// One axis of a figure.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// What it shows, with the unit.
    pub(crate) label: String,
    /// Least value.
    pub(crate) low: f64,
    /// Largest value.
    pub(crate) high: f64,
    /// On a logarithmic scale; both ends are then above zero.
    pub(crate) logarithmic: bool,
}

impl Axis {
    /// A linear axis. Ends that are equal or no numbers are moved apart.
    pub(crate) fn linear(label: &str, low: f64, high: f64) -> Self {
        let low = if low.is_finite() { low } else { 0.0 };
        let high = if high.is_finite() && high > low {
            high
        } else {
            low + 1.0
        };
        Self {
            label: label.to_owned(),
            low,
            high,
            logarithmic: false,
        }
    }

    /// A logarithmic axis of frequency in Hz.
    pub(crate) fn frequency(low: f64, high: f64) -> Self {
        let low = if low.is_finite() { low.max(1.0) } else { 1.0 };
        Self {
            label: "frequency, Hz".to_owned(),
            low,
            high: if high.is_finite() {
                high.max(low * 2.0)
            } else {
                low * 2.0
            },
            logarithmic: true,
        }
    }

    /// A linear axis around values, with ends that are round.
    pub(crate) fn around(label: &str, values: impl Iterator<Item = f64>, least_span: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 0.0);
        }
        let lacking = (least_span - (high - low)).max(0.0) / 2.0;
        let (low, high) = (low - lacking, high + lacking);
        let step = tick_step(high - low, 6);
        Self::linear(label, (low / step).floor() * step, (high / step).ceil() * step)
    }

    /// Where a value lies between the ends, 0 to 1; outside of that beyond them.
    pub(crate) fn place(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// Values with a tick, and the text of those that have one.
    pub(crate) fn ticks(&self) -> Vec<(f64, Option<String>)> {
        if self.logarithmic {
            return self.decade_ticks();
        }
        let step = tick_step(self.high - self.low, 8);
        let first = (self.low / step).ceil();
        (0..20)
            .map(|tick| (first + f64::from(tick)) * step)
            .take_while(|value| *value <= self.high + step * 1e-9)
            .map(|value| (value, Some(label(value, step))))
            .collect()
    }

    fn decade_ticks(&self) -> Vec<(f64, Option<String>)> {
        let mut ticks = Vec::new();
        let mut decade = 10f64.powf(self.low.log10().floor());
        while decade <= self.high && ticks.len() < 100 {
            for digit in 1..10 {
                let value = decade * f64::from(digit);
                if (self.low * 0.9999..=self.high * 1.0001).contains(&value) {
                    ticks.push((value, [1, 2, 5].contains(&digit).then(|| hertz(value))));
                }
            }
            decade *= 10.0;
        }
        ticks
    }
}

/// A round step that gives at most `most` ticks.
fn tick_step(span: f64, most: u32) -> f64 {
    let rough = span.max(f64::MIN_POSITIVE) / f64::from(most);
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// A value with as many decimals as its step has, and a minus sign that is one.
fn label(value: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.decimals$}");
    let zero = text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.');
    match text.strip_prefix('-') {
        Some(rest) if zero => rest.to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => text,
    }
}

fn hertz(value: f64) -> String {
    if value >= 1000.0 {
        format!("{}k", value / 1000.0)
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let texts =
            |axis: &Axis| -> Vec<String> { axis.ticks().into_iter().filter_map(|(_, text)| text).collect() };
        assert_eq!(
            texts(&Axis::linear("", 0.0, 1.0)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            texts(&Axis::linear("", -60.0, 0.0)),
            [
                "\u{2212}60",
                "\u{2212}50",
                "\u{2212}40",
                "\u{2212}30",
                "\u{2212}20",
                "\u{2212}10",
                "0"
            ]
        );
        assert_eq!(
            texts(&Axis::frequency(100.0, 4000.0)),
            ["100", "200", "500", "1k", "2k"]
        );
        assert!((Axis::frequency(20.0, 20_000.0).place(632.4555) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn no_values_give_an_axis_all_the_same() {
        for axis in [
            Axis::linear("", f64::NAN, f64::NAN),
            Axis::linear("", 3.0, 3.0),
            Axis::around("", [f64::NAN].into_iter(), 10.0),
            Axis::around("", [1e300, -1e300].into_iter(), 1.0),
            Axis::frequency(f64::NAN, f64::NAN),
            Axis::frequency(0.0, 0.0),
        ] {
            assert!(axis.low < axis.high, "{axis:?}");
            assert!(axis.ticks().len() <= 100);
        }
    }
}
