//! Signals that a receiver of digits has to accept, and some that it has to refuse.
//!
//! One thing at a time is taken to its limit, the rest is nominal. The limits are those that ITU-T Q.24 gives for North
//! American exchanges and that receivers are usually tested with: a high group up to 8 dB below and 4 dB above the low
//! one, 26 dB of level, 1.5 % of frequency, 15 dB of signal to noise, 40 ms on and off; refused are 3.5 % and 23 ms.

use std::f64::consts::TAU;

use super::{HIGH_GROUP, KEYPAD, LOW_GROUP};
use crate::level::{Dbm0, Plane};
use crate::stimulus::white_noise;

/// Nominal level of each tone, dBm0.
const NOMINAL_DBM0: f64 = -10.0;
/// Nominal tone and pause, ms.
const NOMINAL_MS: f64 = 80.0;
/// Silence before and after the digits, ms.
const AROUND_MS: f64 = 200.0;
/// Longest tone or pause that is made, ms.
const LONGEST_MS: f64 = 60_000.0;
/// Most digits in a signal.
const MOST_DIGITS: usize = 10_000;

/// What a receiver has to do with the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expectation {
    /// Report every one.
    Accept,
    /// Report none.
    Refuse,
    /// Either: between what must be accepted and what must be refused.
    Either,
}

/// A test of a receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPoint {
    /// A name, unique in the sweep: `twist +4 dB`.
    pub name: String,
    /// The digits.
    pub digits: String,
    /// Level of the low tone, dBm0.
    pub low_dbm0: f64,
    /// Level of the high tone over the low one, dB.
    pub twist_db: f64,
    /// Deviation of both frequencies, %.
    pub deviation_percent: f64,
    /// Length of each tone, ms.
    pub on_ms: f64,
    /// Pause after it, ms.
    pub off_ms: f64,
    /// Power of both tones over that of white noise up to half the rate, dB; `None` without noise.
    pub snr_db: Option<f64>,
    /// What the receiver has to do.
    pub expectation: Expectation,
}

impl SweepPoint {
    /// Samples of the test for a codec's plane. Characters that are no digits are a pause.
    #[must_use]
    pub fn signal(&self, plane: Plane, rate: u32, seed: u64) -> Vec<f32> {
        let rate_hz = f64::from(rate);
        let samples = |ms: f64| (ms.clamp(0.0, LONGEST_MS) / 1e3 * rate_hz).round() as usize;
        let rms = |value: f64| Dbm0 { value, plane }.to_dbov().to_rms();
        let (low, high) = (rms(self.low_dbm0), rms(self.low_dbm0 + self.twist_db));
        let mut signal = vec![0.0; samples(AROUND_MS)];
        for digit in self.digits.chars().take(MOST_DIGITS) {
            let place = KEYPAD.iter().enumerate().find_map(|(row, keys)| {
                let column = keys.iter().position(|key| *key == digit.to_ascii_uppercase())?;
                Some((LOW_GROUP[row], HIGH_GROUP[column]))
            });
            let tuned = 1.0 + self.deviation_percent / 100.0;
            let peak = std::f64::consts::SQRT_2;
            signal.extend((0..samples(self.on_ms)).map(|n| match place {
                Some((low_hz, high_hz)) => {
                    let angle = TAU * tuned * n as f64 / rate_hz;
                    let both = low * (low_hz * angle).sin() + high * (high_hz * angle).sin();
                    (peak * both) as f32
                }
                None => 0.0,
            }));
            signal.resize(signal.len() + samples(self.off_ms), 0.0);
        }
        signal.resize(signal.len() + samples(AROUND_MS), 0.0);
        if let Some(snr_db) = self.snr_db {
            let level = crate::level::DbOv::from_rms((low * low + high * high).sqrt());
            let seconds = signal.len() as f64 / rate_hz.max(1.0);
            let noise = white_noise(crate::level::DbOv(level.0 - snr_db), seconds, rate, seed);
            for (sample, noise) in signal.iter_mut().zip(&noise) {
                *sample += noise;
            }
        }
        signal
    }

    /// Whether what a receiver reported is what was expected.
    #[must_use]
    pub fn is_met(&self, reported: &str) -> bool {
        match self.expectation {
            Expectation::Accept => reported == self.digits,
            Expectation::Refuse => reported.is_empty(),
            Expectation::Either => true,
        }
    }
}

/// The sweep: all digits, then twist, level, frequency, noise, tone and pause, one at a time.
#[must_use]
pub fn sweep() -> Vec<SweepPoint> {
    use Expectation::{Accept, Either, Refuse};
    let nominal = SweepPoint {
        name: "all digits".to_owned(),
        digits: "123A456B789C*0#D".to_owned(),
        low_dbm0: NOMINAL_DBM0,
        twist_db: 0.0,
        deviation_percent: 0.0,
        on_ms: NOMINAL_MS,
        off_ms: NOMINAL_MS,
        snr_db: None,
        expectation: Accept,
    };
    let short = SweepPoint {
        digits: "15960D".to_owned(),
        ..nominal.clone()
    };
    let mut points = vec![nominal];
    let mut add = |name: String, expectation, change: &dyn Fn(&mut SweepPoint)| {
        let mut point = SweepPoint {
            name,
            expectation,
            ..short.clone()
        };
        change(&mut point);
        points.push(point);
    };
    for twist in [-12, -10, -8, -6, -4, -2, 2, 4, 6, 8] {
        let expectation = if (-8..=4).contains(&twist) { Accept } else { Either };
        add(format!("twist {twist:+} dB"), expectation, &|point| {
            point.twist_db = f64::from(twist);
            // the stronger tone stays at the nominal level
            point.low_dbm0 = NOMINAL_DBM0 - point.twist_db.max(0.0);
        });
    }
    for (level, expectation) in [
        (-3, Accept),
        (-20, Accept),
        (-25, Accept),
        (-26, Accept),
        (-30, Either),
        (-40, Either),
        (-55, Refuse),
    ] {
        add(format!("level {level} dBm0"), expectation, &|point| {
            point.low_dbm0 = f64::from(level);
        });
    }
    for (tenths, expectation) in [
        (10, Accept),
        (15, Accept),
        (25, Either),
        (35, Refuse),
        (45, Refuse),
    ] {
        for sign in [-1, 1] {
            let percent = f64::from(sign * tenths) / 10.0;
            add(format!("frequency {percent:+} %"), expectation, &|point| {
                point.deviation_percent = percent;
            });
        }
    }
    for (snr, expectation) in [(30, Accept), (20, Accept), (15, Accept), (10, Either)] {
        add(format!("signal to noise {snr} dB"), expectation, &|point| {
            point.snr_db = Some(f64::from(snr));
        });
    }
    for (on, expectation) in [
        (100, Accept),
        (50, Accept),
        (40, Accept),
        (30, Either),
        (23, Refuse),
        (15, Refuse),
    ] {
        add(format!("tone {on} ms"), expectation, &|point| {
            point.on_ms = f64::from(on);
        });
    }
    for (off, expectation) in [(100, Accept), (50, Accept), (40, Accept), (20, Either)] {
        add(format!("pause {off} ms"), expectation, &|point| {
            point.off_ms = f64::from(off);
        });
    }
    points
}
