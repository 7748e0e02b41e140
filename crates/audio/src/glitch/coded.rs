//! Glitches counted to the sample with the signal of [`crate::counter_signal`].
//!
//! The recording is cut into runs that follow the signal without a break. What lies between two runs, and by how much
//! the signal's position jumps there, says what happened. Single wrong samples within a run are found by what they are
//! off. Two events less than 80 samples apart are seen as one, as a position takes 79 samples to read.

use std::ops::Range;

use super::boundary::{beginning, boundary, end, variance};
use super::runs::{NEEDED, Run, Search};
use crate::counter_signal::{Cursor, PERIOD};
use crate::measurement::Unmeasurable;
use crate::sample::{centred, non_finite};
use crate::unit::Db;

/// A sample of a run is wrong when it is off by this many standard deviations of the noise ...
const OFF: f64 = 7.0;
/// ... and by this share of the signal's peak: what G.711 changes is not a glitch.
const OFF_SHARE: f64 = 0.1;
/// Wrong samples this close are one event.
const CLOSE: usize = 8;
/// Inserted samples are zero or held when they vary by less than this share of the signal's peak.
const FLAT_SHARE: f64 = 0.05;
/// Longest foreign stretch after which the recording may go on as before, in samples.
const LONGEST_DISPLACED: usize = 1 << 16;

/// What stands in the place of the right samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fill {
    /// Zero, or the smallest values of A-law.
    Zero,
    /// One value, held.
    Held,
    /// Something else: comfort noise, a concealment, a click.
    Other,
}

/// What happened to the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Samples of the signal are missing and what follows comes early.
    Lost {
        /// How many.
        samples: u64,
    },
    /// Samples of the signal come a second time and what follows comes late.
    Repeated {
        /// How many.
        samples: u64,
    },
    /// Foreign samples come between and what follows comes late.
    Inserted {
        /// How many.
        samples: u64,
        /// Their content.
        fill: Fill,
    },
    /// Foreign samples stand in the place of the right ones; what follows is in time.
    Replaced {
        /// How many.
        samples: u64,
        /// Their content.
        fill: Fill,
    },
    /// Samples from elsewhere in the signal stand in the place of the right ones; what follows is in time. A buffer
    /// played twice has `by` equal to minus its length.
    Displaced {
        /// How many.
        samples: u64,
        /// How far after the right ones they come in the signal; negative for earlier ones.
        by: i64,
    },
    /// Foreign samples, and what follows is neither in time nor late by all of them: some samples are lost too, or some
    /// repeated when negative.
    Broken {
        /// Foreign samples.
        foreign: u64,
        /// Their content.
        fill: Fill,
        /// Samples of the signal that are missing.
        missing: i64,
    },
}

/// A glitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// First sample of the recording that is not the one that should follow.
    pub at: usize,
    /// Position in the signal of the sample that should stand there.
    pub position: u64,
    /// What happened.
    pub kind: Kind,
}

/// A stretch of the recording that follows the signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// Samples of the recording.
    pub recording: Range<usize>,
    /// Position of the first of them in the signal.
    pub position: u64,
}

/// The glitches of a recording and what they add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The glitches in order.
    pub events: Vec<Event>,
    /// The stretches between them; the first one may begin later than the recording and the last one end earlier.
    pub following: Vec<Following>,
    /// Samples of the signal that are not in the recording, or foreign in it.
    pub lost: u64,
    /// Samples that are in the recording once more.
    pub repeated: u64,
    /// Foreign samples that shift what follows.
    pub inserted: u64,
    /// Foreign or displaced samples in the place of the right ones.
    pub replaced: u64,
    /// Gain from the signal at peak 1.
    pub gain: Db,
    /// Level of the signal over everything else within the runs, in dB.
    pub snr: Db,
    /// The recording has the opposite polarity.
    pub inverted: bool,
}

impl Report {
    /// Glitches in five minutes, the unit in which limits are given.
    #[must_use]
    pub fn per_five_minutes(&self, rate: u32) -> f64 {
        let first = self.following.first().map_or(0, |run| run.recording.start);
        let last = self.following.last().map_or(0, |run| run.recording.end);
        let seconds = (last - first) as f64 / f64::from(rate.max(1));
        self.events.len() as f64 * 300.0 / seconds.max(f64::MIN_POSITIVE)
    }
}

/// Finds the glitches of a recording of the counter signal, of whatever part of it, at any level and either polarity.
///
/// # Errors
/// [`Unmeasurable::TooShort`] for less than 79 samples (in s at 8 kHz), [`Unmeasurable::NotFinite`],
/// [`Unmeasurable::NotAligned`] when the signal is not in the recording.
pub fn detect(recording: &[f32]) -> Result<Report, Unmeasurable> {
    let count = non_finite(recording);
    if count > 0 {
        return Err(Unmeasurable::NotFinite { count: count as u64 });
    }
    if recording.len() < NEEDED {
        return Err(Unmeasurable::TooShort {
            needed_s: NEEDED as f64 / 8000.0,
            got_s: recording.len() as f64 / 8000.0,
        });
    }
    let samples = centred(recording);
    let runs = Search::new(&samples).runs();
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return Err(Unmeasurable::NotAligned { correlation: 0.0 });
    };
    let mut lines = vec![Line::new(first, beginning(&samples, first))];
    for (before, after) in runs.iter().zip(runs.iter().skip(1)) {
        let (last, start) = boundary(&samples, before, after);
        if let Some(line) = lines.last_mut() {
            line.recording.end = last;
        }
        lines.push(Line::new(after, start));
    }
    if let Some(line) = lines.last_mut() {
        line.recording.end = end(&samples, last);
    }
    let mut events = between(&samples, &lines);
    for line in &lines {
        events.extend(within(&samples, line));
    }
    events.sort_by_key(|event| event.at);
    Ok(report(events, &lines, &runs))
}

/// A run with its exact ends.
struct Line<'a> {
    recording: Range<usize>,
    run: &'a Run,
}

impl<'a> Line<'a> {
    fn new(run: &'a Run, start: usize) -> Self {
        Self {
            recording: start..run.sure.end,
            run,
        }
    }

    /// Position of the signal minus sample of the recording, the same all along the line.
    fn offset(&self) -> i64 {
        self.run.cursor.position as i64 - self.run.sure.start as i64
    }

    /// Position that belongs to a sample of the recording on this line.
    fn position(&self, sample: usize) -> u64 {
        (sample as i64 + self.offset()).rem_euclid(PERIOD as i64) as u64
    }
}

/// Jump of the position between two lines, the shorter way around the period.
fn jump(before: &Line<'_>, after: &Line<'_>) -> i64 {
    let period = PERIOD as i64;
    let jump = (after.offset() - before.offset()).rem_euclid(period);
    if jump > period / 2 { jump - period } else { jump }
}

/// What happened between the lines.
fn between(samples: &[f64], lines: &[Line<'_>]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut index = 0;
    while let (Some(before), Some(after)) = (lines.get(index), lines.get(index + 1)) {
        let at = before.recording.end;
        let event = |kind| Event {
            at,
            position: before.position(at),
            kind,
        };
        if let Some(beyond) = lines
            .get(index + 2)
            .filter(|beyond| is_displaced(before, after, beyond))
        {
            events.push(event(Kind::Displaced {
                samples: (beyond.recording.start - at) as u64,
                by: jump(before, after),
            }));
            index += 2;
            continue;
        }
        let foreign = at..after.recording.start;
        let count = foreign.len() as u64;
        // what is missing of the signal: the foreign samples stand for as many
        let missing = jump(before, after) + count as i64;
        let fill = fill(&samples[foreign], before.run);
        let kind = match (count, missing) {
            (0, 0) => None,
            (0, 1..) => Some(Kind::Lost {
                samples: missing.unsigned_abs(),
            }),
            (0, _) => Some(Kind::Repeated {
                samples: missing.unsigned_abs(),
            }),
            (_, 0) => Some(Kind::Inserted { samples: count, fill }),
            _ if missing == count as i64 => Some(Kind::Replaced { samples: count, fill }),
            _ => Some(Kind::Broken {
                foreign: count,
                fill,
                missing,
            }),
        };
        events.extend(kind.map(event));
        index += 1;
    }
    events
}

/// The middle line is foreign, short and without a gap, and after it the recording goes on as before.
fn is_displaced(before: &Line<'_>, middle: &Line<'_>, after: &Line<'_>) -> bool {
    jump(before, after) == 0
        && jump(before, middle) != 0
        && middle.recording.len() <= LONGEST_DISPLACED
        && middle.recording.start == before.recording.end
        && after.recording.start == middle.recording.end
}

fn fill(samples: &[f64], run: &Run) -> Fill {
    let flat = FLAT_SHARE * run.gain.abs();
    let values = samples.iter().map(|sample| sample - run.offset);
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let largest = values.fold(f64::NEG_INFINITY, f64::max);
    if largest - least > flat {
        Fill::Other
    } else if least.abs().max(largest.abs()) <= flat {
        Fill::Zero
    } else {
        Fill::Held
    }
}

/// Wrong samples within a line.
fn within(samples: &[f64], line: &Line<'_>) -> Vec<Event> {
    let run = line.run;
    let limit = (OFF * variance(run).sqrt()).max(OFF_SHARE * run.gain.abs());
    let mut place = Cursor::at(line.position(line.recording.start));
    let mut wrong: Vec<Range<usize>> = Vec::new();
    for index in line.recording.clone() {
        let off = run.rest(samples[index], place).abs() > limit;
        place.advance();
        match wrong.last_mut() {
            Some(range) if off && index - range.end < CLOSE => range.end = index + 1,
            _ if off => wrong.push(index..index + 1),
            _ => {}
        }
    }
    let events = wrong.into_iter().map(|range| Event {
        at: range.start,
        position: line.position(range.start),
        kind: Kind::Replaced {
            samples: range.len() as u64,
            fill: fill(&samples[range], run),
        },
    });
    events.collect()
}

fn report(events: Vec<Event>, lines: &[Line<'_>], runs: &[Run]) -> Report {
    let (mut lost, mut repeated, mut inserted, mut replaced) = (0, 0, 0, 0);
    for event in &events {
        match event.kind {
            Kind::Lost { samples } => lost += samples,
            Kind::Repeated { samples } => repeated += samples,
            Kind::Inserted { samples, .. } => inserted += samples,
            Kind::Replaced { samples, .. } | Kind::Displaced { samples, .. } => {
                replaced += samples;
                lost += samples;
            }
            Kind::Broken { foreign, missing, .. } => {
                inserted += foreign;
                if missing > 0 {
                    lost += missing.unsigned_abs();
                } else {
                    repeated += missing.unsigned_abs();
                }
            }
        }
    }
    let longest = runs.iter().max_by_key(|run| run.sure.len());
    let (gain, noise) = longest.map_or((0.0, 0.0), |run| (run.gain, run.noise));
    // mean square of the signal at peak 1
    let signal = gain * gain * 7.0 / 12.0;
    Report {
        following: lines
            .iter()
            .map(|line| Following {
                recording: line.recording.clone(),
                position: line.position(line.recording.start),
            })
            .collect(),
        events,
        lost,
        repeated,
        inserted,
        replaced,
        gain: Db(20.0 * gain.abs().log10()),
        snr: Db(10.0 * (signal / noise.max(1e-15)).log10()),
        inverted: gain < 0.0,
    }
}
