//! What a sender has to keep.

use std::ops::RangeInclusive;

use super::Digit;
use crate::level::{Dbm0, Plane};

/// A measured property of a digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Property {
    /// Deviation of the low frequency, %.
    LowDeviation,
    /// Deviation of the high frequency, %.
    HighDeviation,
    /// Level of the low tone, dBm0.
    LowLevel,
    /// Level of the high tone, dBm0.
    HighLevel,
    /// Level of the high tone over the low one, dB.
    Twist,
    /// Length of the tone, ms.
    Duration,
    /// Pause after it, ms.
    Pause,
    /// Rise time, ms.
    Rise,
    /// Fall time, ms.
    Fall,
    /// Everything else relative to the weaker tone, dB.
    Distortion,
}

/// A property out of its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// Which digit, counted from 0.
    pub index: usize,
    /// The digit.
    pub digit: char,
    /// What is wrong.
    pub property: Property,
    /// Its value, in the unit of the property.
    pub value: f64,
    /// The limit that it breaks.
    pub limit: f64,
}

/// Limits of a sender. What is `None` is not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct SendLimits {
    /// Where the limits come from.
    pub source: &'static str,
    /// Largest deviation of a frequency, %.
    pub deviation_percent: f64,
    /// Levels of the low tone, and of the high one, in dBm0 on a plane.
    pub levels_dbm0: Option<(Plane, RangeInclusive<f64>, RangeInclusive<f64>)>,
    /// Level of the high tone over the low one, dB.
    pub twist_db: RangeInclusive<f64>,
    /// Shortest tone, ms.
    pub shortest_ms: f64,
    /// Shortest pause, ms.
    pub shortest_pause_ms: f64,
    /// Longest rise and fall, ms.
    pub longest_edge_ms: Option<f64>,
    /// Largest distortion relative to the weaker tone, dB.
    pub distortion_db: Option<f64>,
}

impl SendLimits {
    /// AS/CA S002:2010 clause 5.5.1.9. Its levels are those of a line in dBm, so none are set here.
    #[must_use]
    pub fn as_ca_s002() -> Self {
        Self {
            source: "AS/CA S002:2010 clause 5.5.1.9",
            deviation_percent: 1.5,
            levels_dbm0: None,
            twist_db: 0.0..=4.0,
            shortest_ms: 50.0,
            shortest_pause_ms: 70.0,
            longest_edge_ms: Some(5.0),
            distortion_db: Some(-20.0),
        }
    }

    /// What any receiver understands: the limits within which receivers have to accept a digit (ITU-T Q.24, figures for
    /// North America).
    #[must_use]
    pub fn receivable() -> Self {
        Self {
            source: "ITU-T Q.24, what receivers have to accept (AT&T)",
            deviation_percent: 1.5,
            levels_dbm0: None,
            twist_db: -8.0..=4.0,
            shortest_ms: 40.0,
            shortest_pause_ms: 40.0,
            longest_edge_ms: None,
            distortion_db: None,
        }
    }

    /// Everything that is out of the limits, digit by digit.
    #[must_use]
    pub fn findings(&self, digits: &[Digit]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (index, digit) in digits.iter().enumerate() {
            let mut check = |property, value: f64, least: f64, largest: f64| {
                let limit = if value < least {
                    Some(least)
                } else if value > largest {
                    Some(largest)
                } else {
                    None
                };
                findings.extend(limit.map(|limit| Finding {
                    index,
                    digit: digit.digit,
                    property,
                    value,
                    limit,
                }));
            };
            let (deviation, none) = (self.deviation_percent, f64::INFINITY);
            check(
                Property::LowDeviation,
                digit.low.deviation.0,
                -deviation,
                deviation,
            );
            check(
                Property::HighDeviation,
                digit.high.deviation.0,
                -deviation,
                deviation,
            );
            if let Some((plane, low, high)) = &self.levels_dbm0 {
                let dbm0 = |level: crate::level::DbOv| -> Dbm0 { level.to_dbm0(*plane) };
                let (low_value, high_value) = (dbm0(digit.low.level).value, dbm0(digit.high.level).value);
                check(Property::LowLevel, low_value, *low.start(), *low.end());
                check(Property::HighLevel, high_value, *high.start(), *high.end());
            }
            check(
                Property::Twist,
                digit.twist.0,
                *self.twist_db.start(),
                *self.twist_db.end(),
            );
            check(Property::Duration, digit.duration.0, self.shortest_ms, none);
            if let Some(pause) = digit.pause {
                check(Property::Pause, pause.0, self.shortest_pause_ms, none);
            }
            if let Some(longest) = self.longest_edge_ms {
                check(Property::Rise, digit.rise.0, -none, longest);
                check(Property::Fall, digit.fall.0, -none, longest);
            }
            if let Some(largest) = self.distortion_db {
                check(Property::Distortion, digit.distortion.0, -none, largest);
            }
        }
        findings
    }
}
