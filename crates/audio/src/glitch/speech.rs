//! Glitches that a recording of speech shows by itself: frames replaced by one value, and frames played twice.
//!
//! Neither occurs in nature. Speech never holds one value for 5 ms between two loud parts, and no two frames of it are
//! equal to -40 dB unless it is periodic, as a tone is, which is excluded.

use crate::measurement::Unmeasurable;
use crate::p56::speech_level;
use crate::sample::clean;

/// A frame beside a muted stretch is loud when it is at most this far below the active speech level, in dB.
const LOUD_RANGE_DB: f64 = 25.0;
/// Length of the frames beside a muted stretch, in s: so short that the end of a word, which fades into the constant, is
/// quiet in it, and a cut is not.
const BESIDE_S: f64 = 0.001;
/// Difference of two equal frames relative to their energy: -40 dB.
const EQUAL: f64 = 1e-4;
/// At some other distance the difference is larger by this factor, or the signal is periodic.
const PERIODIC: f64 = 30.0;
/// Smallest other distance, in s: below it every signal is like itself.
const LEAST_DISTANCE_S: f64 = 0.001;

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Shortest muted stretch, in s.
    pub shortest_mute_s: f64,
    /// Longest one, in s; longer is a pause or a cut call.
    pub longest_mute_s: f64,
    /// Lengths of frames that may be played twice, in s.
    pub frames_s: Vec<f64>,
}

impl Default for Settings {
    /// Mutes of 5 ms to 500 ms; frames of the packet times of RTP: 10, 20, 30, 40 and 60 ms.
    fn default() -> Self {
        Self {
            shortest_mute_s: 0.005,
            longest_mute_s: 0.5,
            frames_s: vec![0.01, 0.02, 0.03, 0.04, 0.06],
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One value, mostly zero, in the middle of speech.
    Muted,
    /// The same samples as just before.
    Repeated,
}

/// A glitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// First sample.
    pub at: usize,
    /// Samples.
    pub samples: usize,
    /// What is wrong with them.
    pub kind: Kind,
}

/// Finds muted and repeated frames in a recording of speech.
///
/// # Errors
/// [`Unmeasurable::NoSuchPart`] when there is no speech.
pub fn detect(recording: &[f32], rate: u32, settings: &Settings) -> Result<Vec<Event>, Unmeasurable> {
    let level = speech_level(recording, rate).ok_or(Unmeasurable::NoSuchPart("speech"))?;
    let loud = 10f64.powf((level.active.0 - LOUD_RANGE_DB) / 10.0);
    let samples: Vec<f64> = recording.iter().map(|&sample| clean(sample)).collect();
    let rate = f64::from(rate);
    let mut events = muted(&samples, rate, loud, settings);
    for seconds in &settings.frames_s {
        // a frame of a minute is none
        let frame = (seconds.clamp(0.0, 60.0) * rate).round() as usize;
        events.extend(repeated(&samples, rate, frame, loud));
    }
    events.sort_by_key(|event| (event.at, event.samples));
    // what is found at 20 ms may be found at 40 ms as well
    let mut kept: Vec<Event> = Vec::new();
    for event in events {
        let overlaps = kept.last().is_some_and(|last| event.at < last.at + last.samples);
        if !overlaps {
            kept.push(event);
        }
    }
    Ok(kept)
}

fn mean_square(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum::<f64>() / samples.len().max(1) as f64
}

/// Runs of one value with loud frames on both sides.
fn muted(samples: &[f64], rate: f64, loud: f64, settings: &Settings) -> Vec<Event> {
    let beside = ((BESIDE_S * rate) as usize).max(1);
    let shortest = ((settings.shortest_mute_s * rate).round() as usize).max(2);
    let longest = (settings.longest_mute_s * rate).round() as usize;
    let mut events = Vec::new();
    let mut start = 0;
    for run in samples.chunk_by(|left, right| left == right) {
        let end = start + run.len();
        let before = &samples[start.saturating_sub(beside)..start];
        let after = &samples[end..(end + beside).min(samples.len())];
        let fits = run.len() >= shortest && run.len() <= longest;
        if fits && mean_square(before) >= loud && mean_square(after) >= loud {
            events.push(Event {
                at: start,
                samples: run.len(),
                kind: Kind::Muted,
            });
        }
        start = end;
    }
    events
}

/// Frames equal to the one just before them.
fn repeated(samples: &[f64], rate: f64, frame: usize, loud: f64) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    if frame < 16 || samples.len() < 2 * frame {
        return events;
    }
    // energy of the difference to the sample a frame ago, and energy, over the frame that ends at each sample
    let (mut difference, mut energy) = (0.0_f64, 0.0_f64);
    let mut best: Option<(f64, usize)> = None;
    for end in frame..samples.len() {
        let square = |index: usize| (samples[index] - samples[index - frame]).powi(2);
        difference += square(end);
        energy += samples[end].powi(2);
        if end < 2 * frame {
            continue;
        }
        // the sums forget their rounding now and then
        if end % (16 * frame) == 0 {
            difference = (end - frame + 1..=end).map(square).sum();
            energy = samples[end - frame + 1..=end].iter().map(|x| x * x).sum();
        } else {
            difference = (difference - square(end - frame)).max(0.0);
            energy = (energy - samples[end - frame].powi(2)).max(0.0);
        }
        let share = difference / energy.max(f64::MIN_POSITIVE);
        let candidate = share < EQUAL && energy >= loud * frame as f64;
        match best {
            // of neighbouring places the one that is most alike
            Some((least, _)) if candidate && share < least => best = Some((share, end)),
            None if candidate => best = Some((share, end)),
            Some((_, at)) if !candidate || end - at > frame => {
                events.extend(confirmed(samples, rate, frame, at + 1));
                best = None;
            }
            _ => {}
        }
    }
    events.extend(best.and_then(|(_, at)| confirmed(samples, rate, frame, at + 1)));
    events
}

/// The frame that ends before `end`, unless it is like what is before it at other distances too.
fn confirmed(samples: &[f64], rate: f64, frame: usize, end: usize) -> Option<Event> {
    let start = end.checked_sub(frame)?;
    let last = samples.get(start..end)?;
    let energy: f64 = last.iter().map(|x| x * x).sum();
    let least = ((LEAST_DISTANCE_S * rate) as usize).max(2);
    let periodic = (least..frame.saturating_sub(least)).any(|distance| {
        let earlier = &samples[start - distance..end - distance];
        let difference: f64 = last.iter().zip(earlier).map(|(l, e)| (l - e).powi(2)).sum();
        difference < PERIODIC * EQUAL * energy
    });
    (!periodic).then_some(Event {
        at: start,
        samples: frame,
        kind: Kind::Repeated,
    })
}
