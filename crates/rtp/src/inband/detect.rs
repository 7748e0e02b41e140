//! Finding digits in samples (ITU-T Q.24).

use std::time::Duration;

use super::tone::{mean_square, peak, power};
use super::{FULL_SCALE_DBM0, HIGH_GROUP, LOW_GROUP, key};

/// Length of a block in ms: short enough for a pause of 25 ms, long enough to tell the frequencies of a group apart.
const BLOCK_MS: u32 = 20;
/// Distance of two blocks in us.
const STEP_US: u32 = 2500;
/// Share of a block's power that its two strongest frequencies have at least. Low, as a frequency that is off by as
/// much as must be accepted loses two thirds of its power in a block; the whole digit is looked at more strictly.
const BLOCK_SHARE: f64 = 0.25;
/// Share of a digit's power that its two frequencies have at least: 6 dB over everything else, which a digit in the
/// noise of a bad line has (ITU-T Q.24: 15 dB) and speech has not for long.
const DIGIT_SHARE: f64 = 0.8;
/// Widest deviation that is looked for.
const SEARCH: f64 = 0.045;
/// Blocks without a digit that end one; an interruption of 10 ms must not (ITU-T Q.24).
const MISSES: usize = 4;

/// Which tones are digits. The defaults lie between what a receiver must accept and what it must refuse in the figures
/// that ITU-T Q.24 gives for North American exchanges (AT&T).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Shortest tone: 40 ms must be accepted, 23 ms refused.
    pub shortest: Duration,
    /// Lowest level of a frequency in dBm0: -25 dBm0 must be accepted, -55 dBm0 refused.
    pub lowest_dbm0: f64,
    /// Highest level of the high frequency over the low one in dB: 4 dB must be accepted.
    pub highest_twist_db: f64,
    /// Lowest level of the high frequency over the low one in dB: -8 dB must be accepted.
    pub lowest_twist_db: f64,
    /// Largest deviation of a frequency as a share: 1.5 % must be accepted, 3.5 % refused.
    pub detuning: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            shortest: Duration::from_millis(32),
            lowest_dbm0: -30.0,
            highest_twist_db: 6.0,
            lowest_twist_db: -10.0,
            detuning: 0.025,
        }
    }
}

/// A digit found in the audio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Digit {
    /// The digit.
    pub digit: char,
    /// Start of the tone from the first sample on.
    pub at: Duration,
    /// Length of the tone.
    pub duration: Duration,
    /// Level of the low frequency in dBm0.
    pub low_dbm0: f64,
    /// Level of the high frequency in dBm0.
    pub high_dbm0: f64,
    /// Level of the high frequency over the low one in dB.
    pub twist_db: f64,
    /// The low frequency in Hz.
    pub low_hz: f64,
    /// The high frequency in Hz.
    pub high_hz: f64,
}

/// Finds the digits of a signal by the default [`Limits`]. Sample rates below 4 kHz cannot hold the tones: nothing is found.
#[must_use]
pub fn detect(samples: &[i16], sample_rate: u32) -> Vec<Digit> {
    detect_with(samples, sample_rate, &Limits::default())
}

/// Finds the digits of a signal.
#[must_use]
pub fn detect_with(samples: &[i16], sample_rate: u32, limits: &Limits) -> Vec<Digit> {
    if sample_rate < 4000 {
        return Vec::new();
    }
    let signal = Signal {
        samples,
        rate: f64::from(sample_rate),
        block: (sample_rate * BLOCK_MS / 1000) as usize,
        step: ((u64::from(sample_rate) * u64::from(STEP_US) / 1_000_000) as usize).max(1),
        floor: amplitude_squared(limits.lowest_dbm0),
    };
    let mut digits = Vec::new();
    let mut open: Option<Candidate> = None;
    let mut start = 0;
    while start + signal.block <= samples.len() {
        let found = signal.candidate(start);
        let same = open.as_ref().is_some_and(|open| found == Some(open.keys));
        if let Some(candidate) = open.as_mut().filter(|_| same) {
            candidate.last = start;
            candidate.blocks += 1;
            candidate.missed = 0;
        } else if let Some(candidate) = open.as_mut() {
            candidate.missed += 1;
            // another digit that is there to stay, or nothing for longer than an interruption
            if candidate.missed > MISSES {
                digits.extend(open.take().and_then(|candidate| signal.digit(&candidate, limits)));
            }
        }
        if open.is_none() {
            open = found.map(|keys| Candidate {
                keys,
                first: start,
                last: start,
                blocks: 1,
                missed: 0,
            });
        }
        start += signal.step;
    }
    digits.extend(open.and_then(|candidate| signal.digit(&candidate, limits)));
    digits
}

/// Squared amplitude, full scale being 1, of a sine wave of a level.
fn amplitude_squared(dbm0: f64) -> f64 {
    10f64.powf((dbm0 - FULL_SCALE_DBM0) / 10.0)
}

fn level_dbm0(amplitude_squared: f64) -> f64 {
    10.0 * amplitude_squared.max(1e-15).log10() + FULL_SCALE_DBM0
}

/// Successive blocks with the same two frequencies.
struct Candidate {
    keys: (usize, usize),
    first: usize,
    last: usize,
    blocks: usize,
    missed: usize,
}

struct Signal<'a> {
    samples: &'a [i16],
    rate: f64,
    block: usize,
    step: usize,
    /// Lowest squared amplitude of a frequency.
    floor: f64,
}

/// The strongest of a group, when it is clearly stronger than the others.
fn strongest(powers: [f64; 4]) -> Option<(usize, f64)> {
    let (place, &best) = powers.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let second = powers
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != place)
        .fold(0.0, |second, (_, &power)| power.max(second));
    (best > 2.0 * second).then_some((place, best))
}

impl Signal<'_> {
    /// Row and column of the block that starts at a sample, if its power lies mostly in two of the frequencies.
    fn candidate(&self, start: usize) -> Option<(usize, usize)> {
        let block = self.samples.get(start..start + self.block)?;
        let total = mean_square(block);
        // half a block of the lowest level, its two frequencies together
        if total < self.floor / 2.0 {
            return None;
        }
        let (row, low) = strongest(LOW_GROUP.map(|frequency| power(block, frequency, self.rate)))?;
        let (column, high) = strongest(HIGH_GROUP.map(|frequency| power(block, frequency, self.rate)))?;
        let share = (low + high) / 2.0 / total;
        (share >= BLOCK_SHARE).then_some((row, column))
    }

    /// The digit of a candidate, when the whole of it is one.
    fn digit(&self, candidate: &Candidate, limits: &Limits) -> Option<Digit> {
        // the first block may have been three quarters empty, and so may the last one
        let (first, last) = self.edges(candidate.first, candidate.last + self.block)?;
        let duration = Duration::from_secs_f64((last - first) as f64 / self.rate);
        if duration < limits.shortest || candidate.blocks < 2 {
            return None;
        }
        let tone = self.samples.get(first..last)?;
        let (row, column) = candidate.keys;
        let (low_hz, low) = peak(tone, LOW_GROUP[row], SEARCH, self.rate);
        let (high_hz, high) = peak(tone, HIGH_GROUP[column], SEARCH, self.rate);
        let share = (low + high) / 2.0 / mean_square(tone).max(1e-15);
        let (low_dbm0, high_dbm0) = (level_dbm0(low), level_dbm0(high));
        let twist_db = high_dbm0 - low_dbm0;
        let in_tune = |hz: f64, nominal: f64| (hz / nominal - 1.0).abs() <= limits.detuning;
        let is_digit = share >= DIGIT_SHARE
            && low_dbm0 >= limits.lowest_dbm0
            && high_dbm0 >= limits.lowest_dbm0
            && (limits.lowest_twist_db..=limits.highest_twist_db).contains(&twist_db)
            && in_tune(low_hz, LOW_GROUP[row])
            && in_tune(high_hz, HIGH_GROUP[column]);
        Some(Digit {
            digit: key(row, column)?,
            at: Duration::from_secs_f64(first as f64 / self.rate),
            duration,
            low_dbm0,
            high_dbm0,
            twist_db,
            low_hz,
            high_hz,
        })
        .filter(|_| is_digit)
    }

    /// First sample of the tone and the one behind it: where the signal reaches a quarter of the peak that it has in
    /// the middle. Two tones of different frequency reach it within a millisecond.
    fn edges(&self, first: usize, last: usize) -> Option<(usize, usize)> {
        let samples = self.samples.get(first..last)?;
        let quarter = samples.len() / 4;
        let middle = samples.get(quarter..samples.len() - quarter)?;
        let threshold = middle.iter().map(|sample| sample.unsigned_abs()).max()? / 4;
        let loud = |sample: &i16| sample.unsigned_abs() > threshold;
        let start = samples.iter().position(loud)?;
        let end = samples.iter().rposition(loud)? + 1;
        Some((first + start, first + end))
    }
}
