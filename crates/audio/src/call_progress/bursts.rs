//! Stretches of sound, each with its frequencies.

use std::ops::Range;

use crate::level::DbOv;
use crate::sample::centred;
use crate::tone::dominant_frequency;
use crate::tone_fit::fit_tones;

/// Length over which the power is averaged, in s: two beats of 440 and 480 Hz.
const AVERAGE_S: f64 = 0.05;
/// A burst begins and ends where its power is half of what it has in the middle.
const HALF: f64 = 0.5;
/// Sound is what is at most this far below the loudest, as a ratio of powers: 26 dB, ...
const RANGE: f64 = 2.5e-3;
/// ... and at least this loud, as a mean square: -60 dBov.
const QUIETEST: f64 = 1e-6;
/// Noise between the bursts is at most this share of their power: -10 dB. Bursts are 6 dB above it at least.
const STANDS_OUT: f64 = 0.1;
/// Shortest burst, in s.
const SHORTEST_S: f64 = 0.03;
/// Frequencies are looked for in this much of a burst, in s.
const LOOKED_AT_S: f64 = 1.0;
/// A second tone is at most this far below the first, in dB.
const SECOND_DB: f64 = 20.0;
/// Share of the power that the tones have at least: 6 dB above everything else.
const SHARE: f64 = 0.8;

/// A stretch of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Burst {
    /// When it sounds, in s.
    pub interval_s: Range<f64>,
    /// Its frequencies in Hz, in ascending order: one or two, none when it is no tone.
    pub frequencies_hz: Vec<f64>,
    /// Its level.
    pub level: DbOv,
    /// It begins or ends with the recording, so that its length is not known.
    pub cut: bool,
}

/// All stretches of sound in a recording, in order.
#[must_use]
pub fn bursts(recording: &[f32], rate: u32) -> Vec<Burst> {
    let samples = centred(recording);
    let rate_hz = f64::from(rate);
    let average = ((AVERAGE_S * rate_hz) as usize).max(1);
    if rate == 0 || samples.len() < 2 * average {
        return Vec::new();
    }
    let mut sums = vec![0.0];
    let mut sum = 0.0;
    sums.extend(samples.iter().map(|x| {
        sum += x * x;
        sum
    }));
    // mean square around a sample
    let power = |middle: usize| {
        let from = middle.saturating_sub(average / 2);
        let to = (middle + average.div_ceil(2)).min(samples.len());
        (sums[to] - sums[from]) / average as f64
    };
    let step = (average / 50).max(1);
    let curve: Vec<f64> = (0..samples.len()).step_by(step).map(power).collect();
    let loudest = curve.iter().copied().fold(0.0, f64::max);
    let floor = quietest(&curve);
    // a floor is one only if something stands out of it: a tone without a pause is no floor
    let above_floor = if floor < STANDS_OUT * loudest {
        4.0 * floor
    } else {
        0.0
    };
    let threshold = (RANGE * loudest).max(above_floor).max(QUIETEST);
    let shortest = (SHORTEST_S * rate_hz) as usize;
    let mut found = Vec::new();
    let mut start = 0;
    for stretch in curve.chunk_by(|left, right| (*left >= threshold) == (*right >= threshold)) {
        let end = start + stretch.len();
        if stretch.first().is_some_and(|power| *power >= threshold) {
            let range = edges(&curve, start..end);
            let range = range.start * step..(range.end * step).min(samples.len());
            if range.len() >= shortest {
                found.push(burst(&samples, recording, rate, range, average));
            }
        }
        start = end;
    }
    found
}

/// Power that the quietest twentieth of a recording stays below.
fn quietest(curve: &[f64]) -> f64 {
    let mut sorted = curve.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 20).copied().unwrap_or(0.0)
}

/// The part of a stretch of the power curve that is above half of its median.
fn edges(curve: &[f64], stretch: Range<usize>) -> Range<usize> {
    let mut sorted = curve[stretch.clone()].to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = HALF * sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let above = |index: &usize| curve[*index] >= half;
    let first = stretch.clone().find(above).unwrap_or(stretch.start);
    let last = stretch.clone().rev().find(above).unwrap_or(first);
    first..last + 1
}

fn burst(samples: &[f64], recording: &[f32], rate: u32, range: Range<usize>, average: usize) -> Burst {
    let rate_hz = f64::from(rate);
    // at the ends of the recording half of the average is missing
    let cut = range.start < average || range.end + average > samples.len();
    let margin = (range.len() / 8).min(average);
    let inner = range.start + margin..range.end - margin;
    let looked_at = inner.start..inner.end.min(inner.start + (LOOKED_AT_S * rate_hz) as usize);
    let level = crate::level::rms_dbov(&recording[inner]);
    Burst {
        interval_s: range.start as f64 / rate_hz..range.end as f64 / rate_hz,
        frequencies_hz: frequencies(&samples[looked_at.clone()], &recording[looked_at], rate),
        level,
        cut,
    }
}

/// One or two tones that are nearly all of a stretch.
fn frequencies(samples: &[f64], recording: &[f32], rate: u32) -> Vec<f64> {
    let rate_hz = f64::from(rate);
    let Some(first) = dominant_frequency(recording, rate) else {
        return Vec::new();
    };
    let Some(one) = fit_tones(samples, rate_hz, &[first]) else {
        return Vec::new();
    };
    let single = one.tones[0];
    let explains = |rest: f64, whole: f64| whole > 0.0 && (whole - rest) >= SHARE * whole;
    // what is left without the first tone shows the second
    let remaining = without(samples, rate_hz, first);
    let second =
        dominant_frequency(&remaining, rate).filter(|hz| (hz - first).abs() * samples.len() as f64 > rate_hz);
    if let Some(two) = second.and_then(|second| fit_tones(samples, rate_hz, &[first, second])) {
        let (one, other) = (two.tones[0], two.tones[1]);
        let ratio_db = 20.0 * (one.1 / other.1).log10();
        if ratio_db.abs() <= SECOND_DB && explains(two.rest, two.whole) {
            let mut both = vec![one.0, other.0];
            both.sort_by(f64::total_cmp);
            return both;
        }
    }
    if explains(one.rest, one.whole) {
        vec![single.0]
    } else {
        Vec::new()
    }
}

/// The signal without the tone of a frequency.
fn without(samples: &[f64], rate: f64, hz: f64) -> Vec<f32> {
    let step = std::f64::consts::TAU * hz / rate;
    let (mut c, mut s) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let (sine, cosine) = (step * n as f64).sin_cos();
        c += sample * cosine;
        s += sample * sine;
    }
    let scale = 2.0 / samples.len().max(1) as f64;
    let rest = samples.iter().enumerate().map(|(n, sample)| {
        let (sine, cosine) = (step * n as f64).sin_cos();
        (sample - scale * (c * cosine + s * sine)) as f32
    });
    rest.collect()
}
