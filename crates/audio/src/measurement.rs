//! The form every result has: a value with its unit, how many observations are behind it, how far they spread, how
//! uncertain it is, and which analyzer found it; or the reason why there is none.
//!
//! A function that measures returns [`Measured`]. "Cannot be measured" is a result, not a failure of the program: a
//! verdict must tell it from a pass and from a fail.

use std::fmt;

use crate::uncertainty::Uncertainty;
use crate::unit::Unit;

/// Name and version of this analyzer; part of every result, so that a stored figure can be traced to the code.
pub const ANALYZER: &str = concat!("voxproof-audio ", env!("CARGO_PKG_VERSION"));

/// A measured quantity, or why it has no value.
pub type Measured<U> = Result<Measurement<U>, Unmeasurable>;

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement<U> {
    /// The value with its unit: of one observation, or the mean of several.
    pub value: U,
    /// Observations behind the value, at least 1: repetitions, blocks, bursts, as the quantity defines.
    pub n: usize,
    /// Standard deviation of the single observations (n - 1), in the unit of the value; `None` for one observation.
    pub spread: Option<f64>,
    /// Uncertainty of the value, when a budget was given.
    pub uncertainty: Option<Uncertainty>,
    /// Which analyzer found it: [`ANALYZER`].
    pub analyzer: &'static str,
}

impl<U: Unit> Measurement<U> {
    /// The value of a single observation.
    ///
    /// # Errors
    /// [`Unmeasurable::NotANumber`] for NaN; an infinite level is a value (digital silence).
    pub fn single(value: U) -> Measured<U> {
        if value.number().is_nan() {
            return Err(Unmeasurable::NotANumber);
        }
        Ok(Self {
            value,
            n: 1,
            spread: None,
            uncertainty: None,
            analyzer: ANALYZER,
        })
    }

    /// The mean of several observations with their standard deviation: for levels the mean of the decibels, as
    /// repeated tests are averaged.
    ///
    /// # Errors
    /// [`Unmeasurable::NothingToMeasure`] without an observation, [`Unmeasurable::NotANumber`] when one is NaN or
    /// infinite and there are others.
    pub fn of(observations: &[U]) -> Measured<U> {
        let first = match observations {
            [] => return Err(Unmeasurable::NothingToMeasure),
            [only] => return Self::single(*only),
            [first, ..] => *first,
        };
        let n = observations.len() as f64;
        let mean = observations.iter().map(|value| value.number()).sum::<f64>() / n;
        let squares: f64 = observations
            .iter()
            .map(|value| (value.number() - mean).powi(2))
            .sum();
        if !mean.is_finite() {
            return Err(Unmeasurable::NotANumber);
        }
        Ok(Self {
            value: first.with_number(mean),
            n: observations.len(),
            spread: Some((squares / (n - 1.0)).sqrt()),
            uncertainty: None,
            analyzer: ANALYZER,
        })
    }

    /// The same with an uncertainty.
    #[must_use]
    pub fn with_uncertainty(self, uncertainty: Uncertainty) -> Self {
        Self {
            uncertainty: Some(uncertainty),
            ..self
        }
    }

    /// The same value on another scale; `n`, spread and uncertainty stay, so the scales may differ by an offset only.
    #[must_use]
    pub fn shifted<V: Unit>(self, to: impl FnOnce(U) -> V) -> Measurement<V> {
        Measurement {
            value: to(self.value),
            n: self.n,
            spread: self.spread,
            uncertainty: self.uncertainty,
            analyzer: self.analyzer,
        }
    }

    /// The same without the type of the unit, for tables and files.
    #[must_use]
    pub fn figure(&self) -> Figure {
        Figure {
            value: self.value.number(),
            unit: self.value.symbol(),
            decimals: self.value.decimals(),
            n: self.n,
            spread: self.spread,
            uncertainty: self.uncertainty,
            analyzer: self.analyzer,
        }
    }
}

impl<U: Unit> fmt::Display for Measurement<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.figure().fmt(f)
    }
}

/// A measured value whose unit is text: one type for all quantities, for tables and files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The number; minus infinity for the level of digital silence.
    pub value: f64,
    /// Symbol of the unit, such as `dBm0p`; empty for a bare number.
    pub unit: &'static str,
    /// Decimals that mean something for this unit.
    pub decimals: usize,
    /// Observations behind the value.
    pub n: usize,
    /// Standard deviation of the observations, in the unit.
    pub spread: Option<f64>,
    /// Uncertainty, in the unit.
    pub uncertainty: Option<Uncertainty>,
    /// Which analyzer found it.
    pub analyzer: &'static str,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(self.decimals);
        write!(f, "{:.precision$}", self.value)?;
        if let Some(uncertainty) = self.uncertainty {
            write!(f, " ± {:.precision$}", uncertainty.expanded)?;
        }
        if !self.unit.is_empty() {
            write!(f, " {}", self.unit)?;
        }
        match self.spread {
            Some(spread) => write!(f, " (n = {}, s = {spread:.precision$})", self.n),
            None => Ok(()),
        }
    }
}

/// Why a quantity has no value. Printed, it completes the sentence "cannot be measured because ...".
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unmeasurable {
    /// No samples, no blocks, no observations.
    #[error("there is nothing to measure")]
    NothingToMeasure,
    /// Too little signal for the method.
    #[error("the recording has {got_s:.3} s and the method needs {needed_s:.3} s")]
    TooShort {
        /// What the method needs, in s.
        needed_s: f64,
        /// What there is, in s.
        got_s: f64,
    },
    /// Every sample is zero, or the signal is below what the method can measure.
    #[error("the signal is silent")]
    Silent,
    /// The signal is there but under the lowest level at which the method is defined.
    #[error("the signal is at {level_dbov:.1} dBov and the method needs at least {needed_dbov:.1} dBov")]
    TooQuiet {
        /// Level of the signal, dBov.
        level_dbov: f64,
        /// Lowest level of the method, dBov.
        needed_dbov: f64,
    },
    /// NaN or infinite samples.
    #[error("{count} samples are not numbers")]
    NotFinite {
        /// How many.
        count: u64,
    },
    /// The arithmetic has no result.
    #[error("the result is not a number")]
    NotANumber,
    /// The sampling rate is zero, or its band does not reach where the quantity is defined.
    #[error("the sampling rate of {rate} Hz does not reach {needed_hz} Hz")]
    RateTooLow {
        /// Sampling rate, Hz.
        rate: u32,
        /// Frequency the method needs, Hz.
        needed_hz: f64,
    },
    /// No speech, or no pause, where one is needed.
    #[error("there is no {0}")]
    NoSuchPart(&'static str),
    /// The recording is overloaded, so that the figure would describe the overload.
    #[error("the recording is clipped in {runs} places")]
    Clipped {
        /// Runs at the rail.
        runs: u64,
    },
    /// A recording that should contain the reference does not, or not well enough to be placed in time.
    #[error("the recording does not match the reference (correlation {correlation:.2})")]
    NotAligned {
        /// Best correlation found.
        correlation: f64,
    },
    /// Two signals that belong together do not.
    #[error("the signals do not fit together: {0}")]
    Mismatch(String),
    /// A table that this lab must supply as a file, since its source is not public or not verified.
    #[error("the table {0:?} was not given")]
    TableMissing(String),
    /// An acoustic quantity without a calibration, or with one that failed its check.
    #[error("{0}")]
    NotCalibrated(String),
    /// A parameter outside its range.
    #[error("{name} is {value}, outside {range}")]
    OutOfRange {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Its range, for people.
        range: &'static str,
    },
    /// A program or model outside this one did not answer.
    #[error("{0}")]
    Outside(String),
}

impl Unmeasurable {
    /// A stable word for the reason, for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingToMeasure => "nothing-to-measure",
            Self::TooShort { .. } => "too-short",
            Self::Silent => "silent",
            Self::TooQuiet { .. } => "too-quiet",
            Self::NotFinite { .. } => "not-finite",
            Self::NotANumber => "not-a-number",
            Self::RateTooLow { .. } => "rate-too-low",
            Self::NoSuchPart(_) => "no-such-part",
            Self::Clipped { .. } => "clipped",
            Self::NotAligned { .. } => "not-aligned",
            Self::Mismatch(_) => "mismatch",
            Self::TableMissing(_) => "table-missing",
            Self::NotCalibrated(_) => "not-calibrated",
            Self::OutOfRange { .. } => "out-of-range",
            Self::Outside(_) => "outside",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{DbOv, Plane};
    use crate::unit::{Db, Milliseconds};

    #[test]
    fn several_observations_have_mean_and_spread() {
        let result = Measurement::of(&[Db(1.0), Db(2.0), Db(3.0)]).unwrap();
        assert_eq!((result.value, result.n, result.spread), (Db(2.0), 3, Some(1.0)));
        assert_eq!(result.to_string(), "2.00 dB (n = 3, s = 1.00)");
        assert_eq!(Measurement::of(&[Db(4.0)]).unwrap().spread, None);
    }

    #[test]
    fn nothing_and_nan_have_no_value_and_silence_has_one() {
        assert_eq!(Measurement::<Db>::of(&[]), Err(Unmeasurable::NothingToMeasure));
        assert_eq!(Measurement::single(Db(f64::NAN)), Err(Unmeasurable::NotANumber));
        assert_eq!(
            Measurement::of(&[Db(1.0), Db(f64::NEG_INFINITY)]),
            Err(Unmeasurable::NotANumber)
        );
        assert_eq!(Measurement::single(DbOv::SILENCE).unwrap().value, DbOv::SILENCE);
    }

    #[test]
    fn the_unit_goes_with_the_number() {
        let level = Measurement::single(DbOv(-22.15)).unwrap();
        let level = level.shifted(|level| level.to_dbm0(Plane::ALaw));
        assert_eq!(level.to_string(), "-16.00 dBm0");
        let delay = Measurement::single(Milliseconds(157.0)).unwrap();
        let delay = delay.with_uncertainty(Uncertainty::expanded(0.5, 2.0).unwrap());
        assert_eq!(delay.to_string(), "157.00 ± 0.50 ms");
        assert_eq!(delay.figure().unit, "ms");
    }

    #[test]
    fn reasons_complete_the_sentence() {
        let reason = Unmeasurable::TooShort {
            needed_s: 10.0,
            got_s: 1.5,
        };
        assert_eq!(
            format!("cannot be measured because {reason}"),
            "cannot be measured because the recording has 1.500 s and the method needs 10.000 s"
        );
        assert_eq!(reason.code(), "too-short");
    }
}
