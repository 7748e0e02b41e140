//! Signals of which every sample or every digit is known: the counter signal and DTMF digits.

use serde::{Deserialize, Serialize};

use crate::counter_signal::counter_signal;
use crate::level::DbOv;
use crate::stimulus::basic::{dtmf, silence};
use crate::stimulus::length;

/// Digits of DTMF (ITU-T Q.23).
const DIGITS: &str = "0123456789*#ABCD";

/// A stretch of the signal of [`crate::counter_signal`], for counting lost, repeated and replaced samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    /// Position of the first sample in the signal.
    pub start: u32,
    /// Duration, s.
    pub seconds: f64,
}

impl Counter {
    /// The stretch at an rms level; above -2.34 dBov it exceeds full scale.
    #[must_use]
    pub fn samples(&self, level: DbOv, rate: u32) -> Vec<f32> {
        counter_signal(level, self.start.into(), length(self.seconds, rate))
    }
}

/// DTMF digits one after the other, each followed by a pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digits {
    /// The digits: 0 to 9, *, #, A to D.
    pub digits: String,
    /// Duration of a digit, s.
    pub tone_s: f64,
    /// Pause after each digit, s.
    pub pause_s: f64,
    /// Level of the high tone over the low one, dB.
    pub twist_db: f64,
}

impl Digits {
    /// Whether every character is a digit.
    #[must_use]
    pub fn are_digits(&self) -> bool {
        self.digits
            .chars()
            .all(|digit| DIGITS.contains(digit.to_ascii_uppercase()))
    }

    /// The digits, the low tone at an rms level. Characters that are no digits are silent.
    #[must_use]
    pub fn samples(&self, low: DbOv, rate: u32) -> Vec<f32> {
        let high = DbOv(low.0 + self.twist_db);
        let mut samples = Vec::new();
        for digit in self.digits.chars() {
            let tone = dtmf(digit, low, high, self.tone_s, rate);
            samples.extend(tone.unwrap_or_else(|| silence(self.tone_s, rate)));
            samples.extend(silence(self.pause_s, rate));
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dtmf, glitch};

    #[test]
    fn the_counter_signal_is_followed_from_its_start() {
        let counter = Counter {
            start: 4_000_000_000,
            seconds: 0.5,
        };
        let report = glitch::coded::detect(&counter.samples(DbOv(-20.0), 8000)).expect("the signal");
        assert!(report.events.is_empty());
        assert_eq!(
            report.following[0].position,
            4_000_000_000 % crate::counter_signal::PERIOD
        );
    }

    #[test]
    fn the_digits_are_those_that_were_named() {
        let digits = Digits {
            digits: "19d#".to_owned(),
            tone_s: 0.08,
            pause_s: 0.06,
            twist_db: 2.0,
        };
        assert!(digits.are_digits());
        let found = dtmf::measure(&digits.samples(DbOv(-17.0), 8000), 8000).expect("a rate");
        assert_eq!(found.iter().map(|digit| digit.digit).collect::<String>(), "19D#");
        assert!(found.iter().all(|digit| (digit.twist.0 - 2.0).abs() < 0.1));
        assert!(
            !Digits {
                digits: "12x".to_owned(),
                ..digits
            }
            .are_digits()
        );
    }
}
