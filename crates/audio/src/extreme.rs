//! The least or the largest value of a recording and the runs in which it stays there.

use crate::flags::{WORD, flags, ones, zeros};
use crate::sample::Linear;

/// Runs of equal samples at an extreme.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Runs {
    /// Samples in all runs.
    pub(crate) samples: u64,
    /// Sum of the squares of the lengths.
    pub(crate) squares: f64,
    /// Longest run.
    pub(crate) longest: u64,
}

impl Runs {
    fn add(&mut self, length: u64) {
        self.samples += length;
        self.squares += (length as f64).powi(2);
        self.longest = self.longest.max(length);
    }

    /// Both together.
    pub(crate) fn joined(self, other: Self) -> Self {
        Self {
            samples: self.samples + other.samples,
            squares: self.squares + other.squares,
            longest: self.longest.max(other.longest),
        }
    }

    /// 20 log10 of the mean length of the run that a sample is in.
    pub(crate) fn factor_db(self) -> f64 {
        20.0 * (self.squares / self.samples.max(1) as f64).max(1.0).log10()
    }
}

/// One of the two extremes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extreme {
    /// 1 for the largest value, -1 for the least.
    sign: f32,
    /// The value times the sign.
    value: f32,
    ended: Runs,
    /// Length of the run that the last sample is in, 0 when it is elsewhere.
    running: u64,
}

impl Extreme {
    pub(crate) fn least() -> Self {
        Self::of(-1.0)
    }

    pub(crate) fn largest() -> Self {
        Self::of(1.0)
    }

    fn of(sign: f32) -> Self {
        Self {
            sign,
            value: f32::NEG_INFINITY,
            ended: Runs::default(),
            running: 0,
        }
    }

    pub(crate) fn value(&self) -> f64 {
        f64::from(self.value * self.sign)
    }

    /// The runs so far, with the one at the end.
    pub(crate) fn runs(&self) -> Runs {
        let mut runs = self.ended;
        if self.running > 0 {
            runs.add(self.running);
        }
        runs
    }

    /// The next samples, whose own extreme is known: only when it reaches the one so far must each be looked at, and not
    /// even then when all are the same, as in silence.
    pub(crate) fn part<S: Linear>(&mut self, samples: &[S], own: f32, constant: bool) {
        let own = own * self.sign;
        if own > self.value {
            self.value = own;
            self.ended = Runs::default();
            self.running = 0;
        } else if own < self.value {
            self.end();
            return;
        }
        if constant {
            self.running += samples.len() as u64;
            return;
        }
        let value = self.value * self.sign;
        for piece in samples.chunks(WORD) {
            let count = piece.len() as u32;
            let there = flags(piece, |sample| sample.linear() == value);
            let mut at = 0;
            while at < count {
                let run = ones(there, at, count);
                self.running += u64::from(run);
                at += run;
                if at < count {
                    self.end();
                    at += zeros(there, at, count);
                }
            }
        }
    }

    fn end(&mut self) {
        if self.running > 0 {
            self.ended.add(self.running);
            self.running = 0;
        }
    }
}
