//! Values in dB over frequency: straight lines over the logarithm of the frequency.

/// Most points of a curve that are read from a text.
const MOST_POINTS: usize = 10_000;

/// A line through points (Hz, dB), straight over log frequency; it has no value outside its points.
///
/// Two points at one frequency are a step: there the curve has the value of the later one.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve(Vec<(f64, f64)>);

/// Why points are no curve.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// Nothing to draw a line through.
    #[error("a curve needs at least one point")]
    Empty,
    /// Too many points in a file.
    #[error("more than {MOST_POINTS} points")]
    TooLong,
    /// A frequency that is not above zero, or a value that is not finite.
    #[error("point {index}: a frequency above 0 Hz and a finite value are needed")]
    NotFinite {
        /// Which one, from 1.
        index: usize,
    },
    /// Frequencies do not rise.
    #[error("point {index}: the frequency is below the one before")]
    NotAscending {
        /// Which one, from 1.
        index: usize,
    },
    /// A line of a text that is not two numbers.
    #[error("line {line}: two numbers, Hz and dB, are needed")]
    NotNumbers {
        /// Which one, from 1.
        line: usize,
    },
}

impl Curve {
    /// A curve through points (Hz, dB) of rising frequency.
    ///
    /// # Errors
    /// No points, falling frequencies, values that are not finite.
    pub fn new(points: Vec<(f64, f64)>) -> Result<Self, CurveError> {
        if points.is_empty() {
            return Err(CurveError::Empty);
        }
        if points.len() > MOST_POINTS {
            return Err(CurveError::TooLong);
        }
        let mut last = 0.0;
        for (index, &(hz, db)) in (1..).zip(&points) {
            if !(hz.is_finite() && hz > 0.0 && db.is_finite()) {
                return Err(CurveError::NotFinite { index });
            }
            if hz < last {
                return Err(CurveError::NotAscending { index });
            }
            last = hz;
        }
        Ok(Self(points))
    }

    /// Reads lines of two numbers, Hz and dB, apart by a comma, a semicolon or blanks. Empty lines, lines that begin
    /// with `#` and a first line without numbers are passed over.
    ///
    /// # Errors
    /// Other lines, and what [`Self::new`] refuses.
    pub fn from_csv(text: &str) -> Result<Self, CurveError> {
        let mut points = Vec::new();
        let mut heading = true;
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let mut fields = content
                .split(|c: char| matches!(c, ',' | ';') || c.is_whitespace())
                .filter(|field| !field.is_empty())
                .map(str::parse::<f64>);
            match (fields.next(), fields.next(), fields.next()) {
                (Some(Ok(hz)), Some(Ok(db)), None) => points.push((hz, db)),
                _ if heading => {}
                _ => return Err(CurveError::NotNumbers { line }),
            }
            heading = false;
            if points.len() > MOST_POINTS {
                return Err(CurveError::TooLong);
            }
        }
        Self::new(points)
    }

    /// The points (Hz, dB).
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.0
    }

    /// First and last frequency, Hz.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        let ends = self.0.first().zip(self.0.last());
        ends.map(|(first, last)| (first.0, last.0))
            .expect("a curve has a point")
    }

    /// The value in dB at a frequency; `None` outside the points.
    #[must_use]
    pub fn at(&self, hz: f64) -> Option<f64> {
        let after = self.0.partition_point(|point| point.0 <= hz);
        let before = *self.0.get(after.checked_sub(1)?)?;
        if before.0 == hz {
            return Some(before.1);
        }
        let next = *self.0.get(after)?;
        let share = (hz / before.0).ln() / (next.0 / before.0).ln();
        let value = before.1 + share * (next.1 - before.1);
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_straight_over_log_frequency() {
        let curve =
            Curve::new(vec![(100.0, 0.0), (1000.0, 10.0), (1000.0, 4.0), (2000.0, 4.0)]).expect("a curve");
        assert!((curve.at(316.227_766).expect("inside") - 5.0).abs() < 1e-6);
        assert_eq!(curve.at(1000.0), Some(4.0));
        assert_eq!(curve.at(2000.0), Some(4.0));
        for outside in [99.0, 2001.0, f64::NAN, -1.0, f64::INFINITY] {
            assert_eq!(curve.at(outside), None, "{outside}");
        }
    }

    #[test]
    fn bad_points_are_named() {
        assert_eq!(Curve::new(vec![]), Err(CurveError::Empty));
        assert_eq!(
            Curve::new(vec![(1.0, 0.0), (0.0, 0.0)]),
            Err(CurveError::NotFinite { index: 2 })
        );
        assert_eq!(
            Curve::new(vec![(2.0, 0.0), (1.0, 0.0)]),
            Err(CurveError::NotAscending { index: 2 })
        );
        assert_eq!(
            Curve::from_csv("Hz,dB\n100, 3\nx,y"),
            Err(CurveError::NotNumbers { line: 3 })
        );
        let read = Curve::from_csv("# a table\nHz;dB\n\n100;-3\n200 -4.5\n").expect("a curve");
        assert_eq!(read.points(), [(100.0, -3.0), (200.0, -4.5)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn no_text_panics(text in "[0-9eE.,; #\n\\-aN]{0,200}", hz: f64) {
            if let Ok(curve) = Curve::from_csv(&text) {
                prop_assert!(curve.at(hz).is_none_or(f64::is_finite));
            }
        }
    }
}
