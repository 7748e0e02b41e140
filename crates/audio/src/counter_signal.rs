//! A test signal in which every sample is known and every short stretch tells where it comes from, to count lost,
//! repeated and replaced samples on a path that keeps the waveform.
//!
//! # Design
//!
//! Sample n is `sign(n) * magnitude(n) * peak`.
//!
//! * The sign is a maximum-length sequence of the polynomial x^31 + x^3 + 1. Any 31 signs in a row occur once in
//!   2^31 - 1 samples (12 h at 48 kHz) and are a state of the shift register, whose discrete logarithm is the position;
//!   further signs check it, as each is the sum of the ones 28 and 31 before. G.711, 16-bit samples, a changed level and
//!   noise more than 10 dB below the signal keep the signs, since no sample is small.
//! * The magnitude is between 0.5 and 1, from a hash of n. With signs alone half the samples behind a cut would fit the
//!   signal before it; with 2048 magnitudes hardly one does, so that a cut is placed to the sample.
//!
//! Its spectrum is flat and its crest factor is 2.3 dB. A path with filters, resampling or a speech codec does not keep
//! the waveform; there the tracker of [`crate::delay_track`] is the method.

use crate::level::DbOv;

/// Samples after which the signal begins anew.
pub const PERIOD: u64 = (1 << 31) - 1;
/// Bits of the shift register.
pub(crate) const DEGREE: usize = 31;
/// Register at position 0; any state but zero will do.
const FIRST: u32 = 0x2545_f491;
const MASK: u32 = (1 << 31) - 1;
/// Rms of magnitudes spread evenly over 0.5..1: the root of 7/12.
const RMS: f64 = 0.763_762_615_825_973_3;
/// Positions in the table of logarithms, as a power of two.
const TABLE_BITS: u32 = 16;

/// `count` samples of the signal from position `start` on, at rms level `level`; above -2.34 dBov it exceeds full scale.
#[must_use]
pub fn counter_signal(level: DbOv, start: u64, count: usize) -> Vec<f32> {
    let peak = level.to_rms() / RMS;
    let mut cursor = Cursor::at(start);
    (0..count)
        .map(|_| {
            let sample = peak * cursor.value();
            cursor.advance();
            sample as f32
        })
        .collect()
}

/// A place in the signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Bit i is the sign of the sample i further on.
    state: u32,
    /// Position, below [`PERIOD`].
    pub(crate) position: u64,
}

impl Cursor {
    /// The place of a position.
    pub(crate) fn at(position: u64) -> Self {
        let position = position % PERIOD;
        let mut state = FIRST;
        let mut jump = Jump::forward();
        let mut rest = position;
        while rest > 0 {
            if rest & 1 == 1 {
                state = jump.apply(state);
            }
            jump = jump.twice();
            rest >>= 1;
        }
        Self { state, position }
    }

    /// The sample here, at peak 1.
    pub(crate) fn value(self) -> f64 {
        // SplitMix64
        let mut mixed = self.position.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let step = (mixed >> 53) as f64;
        let magnitude = 0.5 + 0.5 * (step + 0.5) / 2048.0;
        if self.state & 1 == 1 {
            magnitude
        } else {
            -magnitude
        }
    }

    pub(crate) fn advance(&mut self) {
        self.state = next(self.state);
        self.position = (self.position + 1) % PERIOD;
    }

    pub(crate) fn retreat(&mut self) {
        self.state = previous(self.state);
        self.position = (self.position + PERIOD - 1) % PERIOD;
    }
}

fn next(state: u32) -> u32 {
    (state >> 1) | (((state ^ (state >> 3)) & 1) << 30)
}

fn previous(state: u32) -> u32 {
    ((state << 1) & MASK) | (((state >> 30) ^ (state >> 2)) & 1)
}

/// A number of steps of the register, as a matrix over bits: the image of each bit.
struct Jump([u32; DEGREE]);

impl Jump {
    fn forward() -> Self {
        Self(std::array::from_fn(|bit| next(1 << bit)))
    }

    fn backward() -> Self {
        Self(std::array::from_fn(|bit| previous(1 << bit)))
    }

    fn apply(&self, state: u32) -> u32 {
        let images = self.0.iter().enumerate();
        images
            .filter(|(bit, _)| (state >> bit) & 1 == 1)
            .fold(0, |sum, (_, image)| sum ^ image)
    }

    fn twice(&self) -> Self {
        Self(self.0.map(|image| self.apply(image)))
    }
}

/// Positions of states: the discrete logarithm by a table of the first positions and steps of the table's length back.
pub(crate) struct Positions {
    table: Vec<(u32, u32)>,
    back: Jump,
}

impl Positions {
    pub(crate) fn new() -> Self {
        let states = std::iter::successors(Some(FIRST), |state| Some(next(*state)));
        let mut table: Vec<(u32, u32)> = states.zip(0..1 << TABLE_BITS).collect();
        table.sort_unstable();
        let back = (0..TABLE_BITS).fold(Jump::backward(), |jump, _| jump.twice());
        Self { table, back }
    }

    /// The place of a state; `None` for the state zero, which does not occur.
    pub(crate) fn find(&self, state: u32) -> Option<Cursor> {
        if state == 0 || state > MASK {
            return None;
        }
        let mut stepped = state;
        for steps in 0..(1 << (31 - TABLE_BITS)) {
            if let Ok(index) = self.table.binary_search_by_key(&stepped, |entry| entry.0) {
                let position = (steps << TABLE_BITS) + u64::from(self.table[index].1);
                return Some(Cursor {
                    state,
                    position: position % PERIOD,
                });
            }
            stepped = self.back.apply(stepped);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{peak, rms_dbov};

    #[test]
    fn the_level_is_as_asked_and_no_sample_is_small() {
        let samples = counter_signal(DbOv(-20.0), 0, 50_000);
        assert!((rms_dbov(&samples).0 + 20.0).abs() < 0.02);
        let largest = peak(&samples);
        assert!(samples.iter().all(|x| f64::from(x.abs()) > 0.49 * largest));
        let mean: f64 = samples.iter().map(|&x| f64::from(x)).sum::<f64>() / 50_000.0;
        assert!(mean.abs() < 0.001, "{mean}");
    }

    #[test]
    fn a_stretch_is_the_same_wherever_it_is_begun() {
        let all = counter_signal(DbOv(-20.0), 1_000_000, 500);
        assert_eq!(counter_signal(DbOv(-20.0), 1_000_200, 300), all[200..]);
    }

    #[test]
    fn every_position_is_found_again() {
        let positions = Positions::new();
        for position in [
            0,
            1,
            65_535,
            65_536,
            1_000_000,
            PERIOD / 2,
            PERIOD - 2,
            PERIOD - 1,
        ] {
            let cursor = Cursor::at(position);
            assert_eq!(positions.find(cursor.state), Some(cursor), "{position}");
        }
        assert_eq!(positions.find(0), None);
    }

    #[test]
    fn steps_forth_and_back_cancel_and_the_period_closes() {
        let mut cursor = Cursor::at(PERIOD - 1);
        cursor.advance();
        assert_eq!(cursor, Cursor::at(0));
        cursor.retreat();
        assert_eq!(cursor, Cursor::at(PERIOD - 1));
        assert_eq!(Cursor::at(PERIOD + 7), Cursor::at(7));
    }
}
