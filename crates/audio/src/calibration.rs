//! Calibration: what ties digital levels to sound pressure, since when, by what, and whether it still held afterwards.
//!
//! A record is a file that the laboratory keeps; TOML, one `[[channel]]` for each input or output:
//!
//! ```toml
//! [[channel]]
//! name = "right ear"
//! pascal_per_full_scale = 20.0     # peak of a full-scale sine, i.e. sample value 1.0, in Pa
//! instrument = "calibrator 4231, serial 1234567"
//! date = "2026-11-20"
//! uncertainty_db = 0.2             # expanded, k = 2; optional
//! tolerance_db = 0.3               # how far a check may be off
//!
//! [channel.before]                 # the check before the run
//! date = "2026-11-21"
//! pascal_per_full_scale = 20.1
//!
//! [channel.after]                  # and after it
//! date = "2026-11-21"
//! pascal_per_full_scale = 19.9
//! ```

use serde::Deserialize;

use crate::level::DbOv;
use crate::measurement::{Measurement, Unmeasurable};
use crate::tone::{dominant_frequency, tone_level};
use crate::uncertainty::Uncertainty;
use crate::unit::{Db, DbPa, DbSpl, Pascal};
use crate::weighting::Weighted;

/// Longest file, in bytes.
const LARGEST_FILE: usize = 1 << 20;
/// Most channels in a file.
const MOST_CHANNELS: usize = 256;
/// How far the tone of a calibrator may be off its nominal frequency, as a share (IEC 60942 allows class 2 less).
const FREQUENCY_TOLERANCE: f64 = 0.05;

/// What is wrong with a calibration file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// The file is not TOML of the form that is read.
    #[error("{0}")]
    Form(String),
    /// A value that cannot be.
    #[error("channel {channel:?}: {what}")]
    Value {
        /// Which channel.
        channel: String,
        /// What is wrong.
        what: String,
    },
}

/// The calibration of one channel.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Which input or output.
    pub name: String,
    /// Sound pressure of sample value 1.0 in Pa.
    pub pascal_per_full_scale: f64,
    /// What it was calibrated with, serial number included.
    pub instrument: String,
    /// When, as YYYY-MM-DD.
    pub date: String,
    /// Expanded uncertainty (k = 2) in dB.
    pub uncertainty_db: Option<f64>,
    /// How far a check may differ from the calibration, in dB.
    #[serde(default = "default_tolerance_db")]
    pub tolerance_db: f64,
    /// The check before the run.
    pub before: Option<Check>,
    /// The check after the run.
    pub after: Option<Check>,
}

/// The calibrator applied once more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// When, as YYYY-MM-DD.
    pub date: String,
    /// What it read: sound pressure of sample value 1.0 in Pa.
    pub pascal_per_full_scale: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    channel: Vec<Calibration>,
}

fn default_tolerance_db() -> f64 {
    0.3
}

/// Reads a calibration file.
///
/// # Errors
/// Not the form above, a value that is no positive number, a date that is none, two channels of one name.
pub fn read_calibrations(text: &str) -> Result<Vec<Calibration>, CalibrationError> {
    if text.len() > LARGEST_FILE {
        return Err(CalibrationError::Form(format!(
            "longer than {LARGEST_FILE} bytes"
        )));
    }
    let file: File = toml::from_str(text).map_err(|error| CalibrationError::Form(error.to_string()))?;
    if file.channel.len() > MOST_CHANNELS {
        return Err(CalibrationError::Form(format!(
            "more than {MOST_CHANNELS} channels"
        )));
    }
    for (number, channel) in file.channel.iter().enumerate() {
        let wrong = |what: &str| CalibrationError::Value {
            channel: channel.name.clone(),
            what: what.to_owned(),
        };
        let checks = || channel.before.iter().chain(&channel.after);
        let factors = checks().map(|check| check.pascal_per_full_scale);
        if !factors.chain([channel.pascal_per_full_scale]).all(is_positive) {
            return Err(wrong("pascal_per_full_scale is not a positive number"));
        }
        let spans = channel.uncertainty_db.iter().chain([&channel.tolerance_db]);
        if !spans.into_iter().all(|db| db.is_finite() && *db >= 0.0) {
            return Err(wrong("an uncertainty or tolerance is not a number of at least 0"));
        }
        let dates = checks().map(|check| &check.date);
        if !dates.chain([&channel.date]).all(|date| is_date(date)) {
            return Err(wrong("a date is not YYYY-MM-DD"));
        }
        if file
            .channel
            .iter()
            .take(number)
            .any(|other| other.name == channel.name)
        {
            return Err(wrong("the name is used twice"));
        }
    }
    Ok(file.channel)
}

fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, digits: usize| {
        let good = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| part.parse::<u32>().ok()).flatten()
    };
    match parts.as_slice() {
        [year, month, day] => {
            number(year, 4).is_some()
                && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
                && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
        }
        _ => false,
    }
}

impl Calibration {
    /// The calibration as checked before and after a run: only then are levels in Pa results of the run.
    ///
    /// # Errors
    /// A check is missing, or differs by more than the tolerance: the results of the run are void, not failed.
    pub fn checked(&self) -> Result<&Self, Unmeasurable> {
        for (when, check) in [("before", &self.before), ("after", &self.after)] {
            let Some(check) = check else {
                return Err(Unmeasurable::NotCalibrated(format!(
                    "the calibration of {:?} was not checked {when} the run",
                    self.name
                )));
            };
            let drift = 20.0 * (check.pascal_per_full_scale / self.pascal_per_full_scale).log10();
            if drift.is_nan() || drift.abs() > self.tolerance_db {
                return Err(Unmeasurable::NotCalibrated(format!(
                    "the calibration of {:?} was off by {drift:.2} dB {when} the run, and {:.2} dB are allowed",
                    self.name, self.tolerance_db
                )));
            }
        }
        Ok(self)
    }

    /// Sound pressure level of a digital level on this channel.
    #[must_use]
    pub fn to_dbpa(&self, level: DbOv) -> DbPa {
        DbPa(level.0 + 20.0 * self.pascal_per_full_scale.log10())
    }

    /// Digital level of a sound pressure level on this channel.
    #[must_use]
    pub fn to_dbov(&self, level: DbPa) -> DbOv {
        DbOv(level.0 - 20.0 * self.pascal_per_full_scale.log10())
    }

    /// As [`Self::to_dbpa`], for a weighted level.
    #[must_use]
    pub fn to_weighted_dbpa(&self, level: Weighted<DbOv>) -> Weighted<DbPa> {
        Weighted {
            level: self.to_dbpa(level.level),
            weighting: level.weighting,
        }
    }

    /// A measured level as sound pressure level; the uncertainty of the calibration is combined with its own.
    #[must_use]
    pub fn measured(&self, level: Measurement<DbOv>) -> Measurement<DbPa> {
        let own = level.uncertainty.map_or(0.0, Uncertainty::standard);
        let of_calibration = self.uncertainty_db.map(|expanded| expanded / 2.0);
        let shifted = level.shifted(|level| self.to_dbpa(level));
        let combined =
            of_calibration.and_then(|standard| Uncertainty::expanded(2.0 * own.hypot(standard), 2.0));
        match combined {
            Some(uncertainty) => shifted.with_uncertainty(uncertainty),
            None => shifted,
        }
    }
}

/// Sound pressure of sample value 1.0 from a recording of a sound calibrator whose tone has a level and a frequency in
/// Hz, and how much the level of the second half differs from the first: a loose coupler shows here.
///
/// # Errors
/// The recording is shorter than a second, or its strongest tone is not the calibrator's.
pub fn from_calibrator(
    samples: &[f32],
    rate: u32,
    level: DbSpl,
    hz: f64,
) -> Result<(Pascal, Db), Unmeasurable> {
    let seconds = samples.len() as f64 / f64::from(rate.max(1));
    if seconds < 1.0 {
        return Err(Unmeasurable::TooShort {
            needed_s: 1.0,
            got_s: seconds,
        });
    }
    let found = dominant_frequency(samples, rate).ok_or(Unmeasurable::Silent)?;
    let off = (found / hz - 1.0).abs();
    if off.is_nan() || off >= FREQUENCY_TOLERANCE {
        return Err(Unmeasurable::Mismatch(format!(
            "the strongest tone is at {found:.1} Hz, not at the calibrator's {hz:.1} Hz"
        )));
    }
    let digital = tone_level(samples, rate, found);
    let (first, second) = samples.split_at(samples.len() / 2);
    let step = tone_level(second, rate, found).0 - tone_level(first, rate, found).0;
    // the rms pressure of the tone over the rms of its samples
    let pascal = level.to_dbpa().to_pascal().0 / digital.to_rms();
    if !is_positive(pascal) {
        return Err(Unmeasurable::NotANumber);
    }
    Ok((Pascal(pascal), Db(step)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::sine;
    use crate::unit::Unit;
    use crate::weighting::Weighting;

    const FILE: &str = r#"
        [[channel]]
        name = "right ear"
        pascal_per_full_scale = 20.0
        instrument = "calibrator, serial 1"
        date = "2026-11-20"
        uncertainty_db = 0.2
        [channel.before]
        date = "2026-11-21"
        pascal_per_full_scale = 20.1
        [channel.after]
        date = "2026-11-21"
        pascal_per_full_scale = 19.9
    "#;

    #[test]
    fn a_record_is_read_and_ties_levels_to_pressure() {
        let records = read_calibrations(FILE).expect("a record");
        let record = records[0].checked().expect("checked");
        // 20 Pa for a sample of 1.0: 0 dBov is 26.02 dBPa, 120 dB SPL
        let level = record.to_dbpa(DbOv(0.0));
        assert!((level.0 - 26.0206).abs() < 1e-4 && (level.to_spl().0 - 120.0).abs() < 1e-3);
        assert!((record.to_dbov(level).0).abs() < 1e-9);
        let weighted = Weighted {
            level: DbOv(-83.0),
            weighting: Weighting::A,
        };
        assert_eq!(record.to_weighted_dbpa(weighted).symbol(), "dBPa(A)");
        let measured = record.measured(Measurement::single(DbOv(-30.0)).expect("a number"));
        assert_eq!(measured.uncertainty, Uncertainty::expanded(0.2, 2.0));
    }

    #[test]
    fn a_check_that_is_missing_or_off_voids_the_run() {
        let mut record = read_calibrations(FILE).expect("a record").remove(0);
        record.after = record.after.map(|check| Check {
            pascal_per_full_scale: 21.0,
            ..check
        });
        let reason = record.checked().expect_err("off by 0.42 dB");
        assert!(
            reason.to_string().contains("off by 0.42 dB after the run"),
            "{reason}"
        );
        record.before = None;
        assert!(matches!(record.checked(), Err(Unmeasurable::NotCalibrated(_))));
    }

    #[test]
    fn wrong_files_say_what_is_wrong() {
        for (from, to, said) in [
            ("20.0", "-1.0", "positive"),
            ("20.0", "nan", "positive"),
            ("2026-11-20", "20.11.2026", "YYYY-MM-DD"),
            ("0.2", "inf", "uncertainty"),
            ("instrument", "instrumint", "instrumint"),
        ] {
            let error = read_calibrations(&FILE.replacen(from, to, 1)).expect_err(to);
            assert!(error.to_string().contains(said), "{to}: {error}");
        }
        let twice = FILE.repeat(2);
        assert!(
            read_calibrations(&twice)
                .expect_err("twice")
                .to_string()
                .contains("twice")
        );
        assert!(read_calibrations(&" ".repeat(LARGEST_FILE + 1)).is_err());
    }

    #[test]
    fn a_calibrator_gives_the_factor() {
        // 94 dB SPL at -20 dBov: 1 Pa is an rms of 0.1
        let tone = sine(1000.0, DbOv(-20.0), 2.0, 48_000);
        let (pascal, step) = from_calibrator(&tone, 48_000, DbSpl(93.9794), 1000.0).expect("a tone");
        assert!(
            (pascal.0 - 10.0).abs() < 0.001 && step.0.abs() < 0.001,
            "{pascal} {step}"
        );
        assert!(from_calibrator(&tone, 48_000, DbSpl(94.0), 250.0).is_err());
        assert!(from_calibrator(&tone[..100], 48_000, DbSpl(94.0), 1000.0).is_err());
        assert!(from_calibrator(&[0.0; 96_000], 48_000, DbSpl(94.0), 1000.0).is_err());
        assert!(from_calibrator(&tone, 48_000, DbSpl(94.0), f64::NAN).is_err());
    }
}
