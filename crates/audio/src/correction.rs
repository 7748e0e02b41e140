//! Corrections over frequency that a laboratory owns as a file: drum reference point to ear reference point, diffuse
//! field, the response of a microphone.
//!
//! Such tables are never built in where their source is not public. A file is text, one `frequency,dB` a line, ascending:
//!
//! ```text
//! # DRP to ERP, ITU-T P.57 (07/2021) Table 2, copied by A. Tester 2026-11-20
//! 100, 0.0
//! 125, 0.0
//! 1000, -1.7
//! ```
//!
//! Lines that begin with `#` are notes; the first one is kept as the name of the table, since every result that uses
//! it names it.

use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::spectrum::BandLevel;
use crate::table::interpolate;

/// Longest file, in bytes.
const LARGEST_FILE: usize = 1 << 20;
/// Most points.
const MOST_POINTS: usize = 10_000;
/// Largest magnitude of a value, in dB.
const LARGEST_DB: f64 = 300.0;

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct CorrectionError {
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Decibels over frequency, on straight lines over the logarithm of the frequency between the points.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Correction {
    /// Reads a table.
    ///
    /// # Errors
    /// No name, no points, a line that is not two numbers, frequencies that do not ascend from above 0, values beyond
    /// 300 dB.
    pub fn read(text: &str) -> Result<Self, CorrectionError> {
        let wrong = |line: usize, what: &str| CorrectionError {
            line,
            what: what.to_owned(),
        };
        if text.len() > LARGEST_FILE {
            return Err(wrong(0, "the file is longer than a mebibyte"));
        }
        let mut name = None;
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let (number, line) = (number + 1, line.trim());
            if let Some(note) = line.strip_prefix('#') {
                name.get_or_insert_with(|| note.trim().to_owned());
                continue;
            }
            if line.is_empty() {
                continue;
            }
            let (hz, db) = line
                .split_once(',')
                .ok_or_else(|| wrong(number, "not frequency,dB"))?;
            let parsed = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
            let (Some(hz), Some(db)) = (parsed(hz), parsed(db)) else {
                return Err(wrong(number, "not two numbers"));
            };
            if hz <= points.last().map_or(0.0, |last| last.0) {
                return Err(wrong(number, "the frequency does not ascend"));
            }
            if db.abs() > LARGEST_DB {
                return Err(wrong(number, "beyond 300 dB"));
            }
            if points.len() == MOST_POINTS {
                return Err(wrong(number, "too many points"));
            }
            points.push((hz, db));
        }
        let name = name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| wrong(0, "no note says what table it is and where it is from"))?;
        if points.is_empty() {
            return Err(wrong(0, "no points"));
        }
        Ok(Self { name, points })
    }

    /// What the table is and where it is from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The points: Hz and dB, ascending.
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// Correction at a frequency in Hz; `None` outside the table, since nothing is known there.
    #[must_use]
    pub fn gain_db(&self, hz: f64) -> Option<f64> {
        interpolate(&self.points, hz, false)
    }

    /// Band levels with the correction at the nominal frequencies added.
    ///
    /// # Errors
    /// A band outside the table.
    pub fn applied(&self, levels: &[BandLevel]) -> Result<Vec<BandLevel>, Unmeasurable> {
        levels
            .iter()
            .map(|level| {
                let hz = level.band.nominal_hz;
                let gain = self
                    .gain_db(hz)
                    .ok_or_else(|| Unmeasurable::TableMissing(format!("{} at {hz} Hz", self.name)))?;
                Ok(BandLevel {
                    band: level.band,
                    level: DbOv(level.level.0 + gain),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::octave::{Fraction, bands};

    const FILE: &str = "# an example\n# not a real table\n\n100, 0.0\n1000,-1.5\r\n 8000 , -16 \n";

    #[test]
    fn a_table_is_read_and_interpolated() {
        let table = Correction::read(FILE).expect("a table");
        assert_eq!((table.name(), table.points().len()), ("an example", 3));
        assert_eq!(table.gain_db(1000.0), Some(-1.5));
        assert!((table.gain_db(316.227_766).expect("inside") + 0.75).abs() < 1e-6);
        assert_eq!((table.gain_db(99.0), table.gain_db(f64::NAN)), (None, None));
    }

    #[test]
    fn bands_are_corrected_or_refused() {
        let table = Correction::read(FILE).expect("a table");
        let level = |band| BandLevel {
            band,
            level: DbOv(-30.0),
        };
        let inside: Vec<BandLevel> = bands(Fraction::Third, 1000.0, 1000.0)
            .into_iter()
            .map(level)
            .collect();
        assert_eq!(table.applied(&inside).expect("inside")[0].level, DbOv(-31.5));
        let outside: Vec<BandLevel> = bands(Fraction::Third, 80.0, 80.0)
            .into_iter()
            .map(level)
            .collect();
        assert!(matches!(
            table.applied(&outside),
            Err(Unmeasurable::TableMissing(_))
        ));
    }

    #[test]
    fn wrong_tables_say_where() {
        for (text, line) in [
            ("100,0", 0),
            ("# name", 0),
            ("#\n100,0", 0),
            ("# a\n100", 2),
            ("# a\n100,x", 2),
            ("# a\n100,0\n100,0", 3),
            ("# a\n-1,0", 2),
            ("# a\n100,inf", 2),
            ("# a\n100,301", 2),
        ] {
            assert_eq!(Correction::read(text).expect_err(text).line, line, "{text}");
        }
    }
}
