//! One quantity's result, as tables, JSON, CSV and pages show it.

use schemars::JsonSchema;
use serde::Serialize;
use voxproof_audio::measurement::{Figure, Measured, Unmeasurable};
use voxproof_audio::unit::Unit;

use crate::{Group, Quantity};

/// What was found for a quantity: a value, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct QuantityResult {
    /// Identifier of the quantity, stable.
    pub quantity: &'static str,
    /// Group that it belongs to.
    pub group: Group,
    /// The value, absent if it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Unit of the value, empty for a bare number.
    pub unit: &'static str,
    /// Observations behind the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<usize>,
    /// Standard deviation of the observations, in the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// Expanded uncertainty in the unit, where there is a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<ExpandedUncertainty>,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<NotMeasured>,
    /// What must be known to use the value: a provisional method, a calibration's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caveat: Option<String>,
    /// Decimals that mean something.
    #[serde(skip)]
    pub(crate) decimals: usize,
}

/// Half the width of the interval around a value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ExpandedUncertainty {
    /// In the unit of the value.
    pub expanded: f64,
    /// Coverage factor.
    pub coverage: f64,
}

/// Why a quantity has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotMeasured {
    /// A stable word.
    pub code: &'static str,
    /// Completes the sentence "cannot be measured because ...".
    pub because: String,
}

impl QuantityResult {
    /// What a measurement gave.
    #[must_use]
    pub fn of<U: Unit>(quantity: &Quantity, measured: &Measured<U>) -> Self {
        match measured {
            Ok(measurement) => Self::of_figure(quantity, &measurement.figure()),
            Err(reason) => Self::none(quantity, reason),
        }
    }

    /// A value without repetitions.
    pub(crate) fn single(quantity: &Quantity, value: f64) -> Self {
        Self::checked(quantity, value, quantity.decimals)
    }

    pub(crate) fn of_figure(quantity: &Quantity, figure: &Figure) -> Self {
        let mut result = Self::checked(quantity, figure.value, figure.decimals);
        if result.value.is_some() {
            result.unit = figure.unit;
            result.n = Some(figure.n).filter(|n| *n > 1);
            result.spread = figure.spread.filter(|spread| spread.is_finite());
            result.uncertainty = figure.uncertainty.map(|uncertainty| ExpandedUncertainty {
                expanded: uncertainty.expanded,
                coverage: uncertainty.coverage,
            });
        }
        result
    }

    /// A level of minus infinity is digital silence, which JSON has no number for.
    fn checked(quantity: &Quantity, value: f64, decimals: usize) -> Self {
        if value.is_finite() {
            return Self {
                value: Some(value),
                decimals,
                ..Self::empty(quantity)
            };
        }
        let reason = if value == f64::NEG_INFINITY {
            Unmeasurable::Silent
        } else {
            Unmeasurable::NotANumber
        };
        Self::none(quantity, &reason)
    }

    /// A quantity that cannot be measured.
    pub(crate) fn none(quantity: &Quantity, reason: &Unmeasurable) -> Self {
        Self::because(quantity, reason.code(), reason.to_string())
    }

    /// A quantity that cannot be measured, for a reason of this crate's own.
    pub(crate) fn because(quantity: &Quantity, code: &'static str, because: impl Into<String>) -> Self {
        Self {
            not_measured: Some(NotMeasured {
                code,
                because: because.into(),
            }),
            ..Self::empty(quantity)
        }
    }

    /// The same with something to know about it.
    pub(crate) fn with_caveat(mut self, caveat: impl Into<String>) -> Self {
        self.caveat = Some(caveat.into());
        self
    }

    fn empty(quantity: &Quantity) -> Self {
        Self {
            quantity: quantity.id,
            group: quantity.group,
            value: None,
            unit: quantity.unit,
            n: None,
            spread: None,
            uncertainty: None,
            not_measured: None,
            caveat: None,
            decimals: quantity.decimals,
        }
    }

    /// The value with its unit for people, or the reason.
    #[must_use]
    pub fn text(&self) -> String {
        match (self.number(), &self.not_measured) {
            (Some(number), _) if self.unit.is_empty() => number,
            (Some(number), _) => format!("{number} {}", self.unit),
            (None, Some(reason)) => format!("cannot be measured because {}", reason.because),
            (None, None) => String::new(),
        }
    }

    /// The value alone, with as many decimals as mean something.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        let value = self.value?;
        let decimals = self.decimals;
        let text = format!("{value:.decimals$}");
        let uncertainty = self
            .uncertainty
            .map_or_else(String::new, |one| format!(" \u{b1} {:.decimals$}", one.expanded));
        // no minus in front of nothing
        let zero = text
            .strip_prefix('-')
            .filter(|rest| rest.chars().all(|c| c == '0' || c == '.'));
        Some(zero.unwrap_or(&text).to_owned() + &uncertainty)
    }

    /// The quantity that this is a result of.
    #[must_use]
    pub fn about(&self) -> &'static Quantity {
        Quantity::by_id(self.quantity).unwrap_or(&Quantity::UNKNOWN)
    }
}

/// Values of a curve, as pages draw it and JSON keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Curve {
    /// Identifier.
    pub curve: &'static str,
    /// What is counted along it, with the unit.
    pub x: &'static str,
    /// What its values are, with the unit.
    pub y: &'static str,
    /// Points; a value that is no number, such as the level of silence, is absent.
    pub points: Vec<(f64, Option<f64>)>,
}

impl Curve {
    pub(crate) fn new(
        curve: &'static str,
        x: &'static str,
        y: &'static str,
        points: impl Iterator<Item = (f64, f64)>,
    ) -> Self {
        Self {
            curve,
            x,
            y,
            points: points.map(|(x, y)| (x, y.is_finite().then_some(y))).collect(),
        }
    }

    /// How the curve is drawn.
    pub(crate) fn style(&self) -> &'static CurveStyle {
        STYLES
            .iter()
            .find(|style| style.curve == self.curve)
            .unwrap_or(&PLAIN)
    }

    /// The points, gaps as NaN.
    pub(crate) fn line(&self) -> Vec<(f64, f64)> {
        self.points
            .iter()
            .map(|(x, y)| (*x, y.unwrap_or(f64::NAN)))
            .collect()
    }
}

/// How a curve is drawn.
#[derive(Debug)]
pub(crate) struct CurveStyle {
    pub(crate) curve: &'static str,
    pub(crate) title: &'static str,
    pub(crate) caption: &'static str,
    /// Least difference between the ends of the vertical axis.
    pub(crate) least_span: f64,
    /// How the points are drawn.
    pub(crate) form: Form,
    /// The curve whose figure it belongs to, as a limit.
    pub(crate) limit_of: Option<&'static str>,
}

/// How the points of a curve are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Joined.
    Line,
    /// Each by itself, as they are single observations.
    Dots,
    /// Columns from zero up, as they are counts.
    Columns,
}

const PLAIN: CurveStyle = CurveStyle {
    curve: "",
    title: "Curve",
    caption: "",
    least_span: 1.0,
    form: Form::Line,
    limit_of: None,
};

const STYLES: &[CurveStyle] = &[
    CurveStyle {
        curve: "quality_against_time",
        title: "Quality against time",
        caption: "Likeness of each stretch of the reference with what was found for it (ViSQOL); 1 when identical.",
        least_span: 0.5,
        form: Form::Dots,
        limit_of: None,
    },
    CurveStyle {
        curve: "frequency_response",
        title: "Frequency response",
        caption: "Level of the recording less that of the reference in third-octave bands, over the whole time.",
        least_span: 20.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "mask_upper",
        title: "upper limit",
        caption: "",
        least_span: 0.0,
        form: Form::Line,
        limit_of: Some("frequency_response"),
    },
    CurveStyle {
        curve: "mask_lower",
        title: "lower limit",
        caption: "",
        least_span: 0.0,
        form: Form::Line,
        limit_of: Some("frequency_response"),
    },
    CurveStyle {
        curve: "third_octave_spectrum",
        title: "Third-octave spectrum",
        caption: "Mean level in bands of a third of an octave over the whole recording.",
        least_span: 40.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "delay_against_time",
        title: "Delay against time",
        caption: "Each dot is an active block of 100 ms that is found again; a step is a jitter buffer at work, a slope is clock drift.",
        least_span: 1.0,
        form: Form::Dots,
        limit_of: None,
    },
    CurveStyle {
        curve: "correlation_against_time",
        title: "Likeness against time",
        caption: "Correlation of each active block of 100 ms with the reference; from 0.9 a block counts as intact.",
        least_span: 1.0,
        form: Form::Dots,
        limit_of: None,
    },
    CurveStyle {
        curve: "snr_against_time",
        title: "Signal to noise and distortion against time",
        caption: "Of each active block of 100 ms, after its best gain and delay.",
        least_span: 20.0,
        form: Form::Dots,
        limit_of: None,
    },
    CurveStyle {
        curve: "delay_of_sentences",
        title: "Delay of the sentences",
        caption: "Each dot is a sentence, at its middle.",
        least_span: 1.0,
        form: Form::Dots,
        limit_of: None,
    },
    CurveStyle {
        curve: "delay_histogram",
        title: "Delays of the sentences by size",
        caption: "How many sentences have a delay from here to the next column.",
        least_span: 1.0,
        form: Form::Columns,
        limit_of: None,
    },
    CurveStyle {
        curve: "quality_of_sentences",
        title: "Quality of the sentences",
        caption: "ViSQOL of each two successive sentences by themselves.",
        least_span: 1.0,
        form: Form::Dots,
        limit_of: None,
    },
    CurveStyle {
        curve: "quality_loss_histogram",
        title: "Loss of quality by size",
        caption: "How many pairs of sentences lose this much against the undisturbed recording.",
        least_span: 1.0,
        form: Form::Columns,
        limit_of: None,
    },
    CurveStyle {
        curve: "echo_level_against_time",
        title: "Echo level against time",
        caption: "A-weighted and integrated over 35 ms; the highest of each few neighbours.",
        least_span: 20.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "echo_loss_against_time",
        title: "Echo return loss against time",
        caption: "While something is played, integrated over 35 ms; the least of each few neighbours.",
        least_span: 20.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "echo_response",
        title: "Spectrum of the echo",
        caption: "Level of what comes back less that of what was played, in third-octave bands.",
        least_span: 20.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "signal_to_distortion",
        title: "Signal to distortion",
        caption: "Power of each tone over the power of everything else.",
        least_span: 20.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "signal_to_distortion_limit",
        title: "limit",
        caption: "",
        least_span: 0.0,
        form: Form::Line,
        limit_of: Some("signal_to_distortion"),
    },
    CurveStyle {
        curve: "signal_to_distortion_and_noise",
        title: "Signal to distortion and noise",
        caption: "Pulsed noise: power within each third of an octave over power elsewhere.",
        least_span: 20.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "sweep_distortion",
        title: "Harmonic distortion",
        caption: "Harmonics 2 to 5 over the fundamental, at the frequency of the fundamental.",
        least_span: 1.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "sweep_response",
        title: "Response by sweep",
        caption: "Gain from the sweep to the recording.",
        least_span: 20.0,
        form: Form::Line,
        limit_of: None,
    },
    CurveStyle {
        curve: "sensitivity",
        title: "Sensitivity",
        caption: "What the loudness rating is computed from.",
        least_span: 20.0,
        form: Form::Line,
        limit_of: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::RMS_LEVEL;
    use voxproof_audio::level::DbOv;
    use voxproof_audio::measurement::Measurement;

    #[test]
    fn a_value_has_its_unit_and_silence_its_reason() {
        let result = QuantityResult::of(&RMS_LEVEL, &Measurement::single(DbOv(-26.004)));
        assert_eq!(result.text(), "-26.00 dBov");
        assert_eq!(result.about().name, RMS_LEVEL.name);
        let silence = QuantityResult::of(&RMS_LEVEL, &Measurement::single(DbOv::SILENCE));
        assert_eq!(silence.text(), "cannot be measured because the signal is silent");
        assert_eq!(QuantityResult::single(&RMS_LEVEL, -0.001).text(), "0.00 dBov");
        let nan = QuantityResult::single(&RMS_LEVEL, f64::NAN);
        assert_eq!(nan.not_measured.map(|reason| reason.code), Some("not-a-number"));
    }
}
