//! The figures of every digit in a recording.

use std::f64::consts::TAU;

use super::find::{Candidate, candidates};
use super::{HIGH_GROUP, KEYPAD, LOW_GROUP};
use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::sample::centred;
use crate::tone_fit::fit_tones;
use crate::unit::{Db, Hertz, Milliseconds, Percent, Seconds};

/// Lowest rate at which the tones are inside the band, Hz.
const LOWEST_RATE: u32 = 4000;
/// Length of the window that follows the level of one tone, in s: its first zero is at 250 Hz, below the distance of
/// the groups.
const ENVELOPE_S: f64 = 0.008;
/// How far the level is followed around an edge, in s.
const EDGE_S: f64 = 0.016;
/// Share of this window's length that a sudden step takes from 10 to 90 %.
const OWN_RISE: f64 = 0.4825;
/// Length of the piece in which a frequency is looked for first, in s.
const PIECE_S: f64 = 0.1;
/// Largest deviation that still is this digit, as a share.
const FURTHEST: f64 = 0.05;
/// Shortest tone that is a digit, in s.
const SHORTEST_S: f64 = 0.012;
/// Share of the power of the tone that the two frequencies have at least: 3 dB above everything else.
const SHARE: f64 = 0.67;

/// One of the two tones of a digit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DigitTone {
    /// Its frequency.
    pub frequency: Hertz,
    /// How far that is from the nominal one.
    pub deviation: Percent,
    /// Its level.
    pub level: DbOv,
}

/// A digit as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Digit {
    /// The digit.
    pub digit: char,
    /// When the tone begins: where it reaches half its amplitude.
    pub start: Seconds,
    /// From there to where it falls below half its amplitude.
    pub duration: Milliseconds,
    /// Pause up to the next digit; `None` for the last one.
    pub pause: Option<Milliseconds>,
    /// The tone of the low group.
    pub low: DigitTone,
    /// The tone of the high group.
    pub high: DigitTone,
    /// Level of the high tone over the low one.
    pub twist: Db,
    /// Everything else under the digit, relative to the weaker tone.
    pub distortion: Db,
    /// Time from 10 to 90 % of the amplitude; the window's own share is taken off, which leaves a resolution of 2 ms.
    pub rise: Milliseconds,
    /// Time from 90 to 10 % of the amplitude.
    pub fall: Milliseconds,
}

/// Measures all digits of a recording.
///
/// # Errors
/// [`Unmeasurable::RateTooLow`] below 4 kHz.
pub fn measure(recording: &[f32], rate: u32) -> Result<Vec<Digit>, Unmeasurable> {
    if rate < LOWEST_RATE {
        return Err(Unmeasurable::RateTooLow {
            rate,
            needed_hz: HIGH_GROUP[3],
        });
    }
    let samples = centred(recording);
    let found = candidates(&samples, f64::from(rate));
    let mut digits: Vec<Digit> = found
        .iter()
        .filter_map(|candidate| digit(&samples, f64::from(rate), candidate))
        .collect();
    for index in 1..digits.len() {
        let next = digits[index].start.0;
        let before = &mut digits[index - 1];
        let end = before.start.0 + before.duration.0 / 1e3;
        before.pause = Some(Milliseconds((next - end) * 1e3));
    }
    Ok(digits)
}

fn digit(samples: &[f64], rate: f64, candidate: &Candidate) -> Option<Digit> {
    let nominal = [LOW_GROUP[candidate.row], HIGH_GROUP[candidate.column]];
    // The first and the last window hold half a window of tone at least, so their middles are inside or close.
    let inset = (0.002 * rate) as usize;
    let inner = candidate.range.start + inset..candidate.range.end.saturating_sub(inset);
    let inner = if inner.len() >= (0.008 * rate) as usize {
        inner
    } else {
        candidate.range.clone()
    };
    let tone = samples.get(inner)?;
    // a short piece leads to the right maximum, the whole to its place
    let piece = &tone[..tone.len().min((PIECE_S * rate) as usize)];
    let about = nominal.map(|hz| strongest(piece, rate, hz));
    let first = fit_tones(piece, rate, &about)?;
    let about: Vec<f64> = first.tones.iter().map(|tone| tone.0).collect();
    let fit = fit_tones(tone, rate, &about)?;
    let &[low, high] = fit.tones.as_slice() else {
        return None;
    };
    let near = |tone: (f64, f64), nominal: f64| (tone.0 / nominal - 1.0).abs() <= FURTHEST;
    if !near(low, nominal[0]) || !near(high, nominal[1]) || fit.whole - fit.rest < SHARE * fit.whole {
        return None;
    }
    let edges = [low, high].map(|tone| edges(samples, rate, candidate, tone));
    let [Some(of_low), Some(of_high)] = edges else {
        return None;
    };
    let mean = |of: fn(&Edges) -> f64| (of(&of_low) + of(&of_high)) / 2.0;
    let (start, end) = (mean(|edges| edges.start), mean(|edges| edges.end));
    if end - start < SHORTEST_S {
        return None;
    }
    let own = OWN_RISE * ENVELOPE_S;
    let net = |seconds: f64| Milliseconds((seconds * seconds - own * own).max(0.0).sqrt() * 1e3);
    let figures = |(hz, rms): (f64, f64), nominal: f64| DigitTone {
        frequency: Hertz(hz),
        deviation: Percent((hz / nominal - 1.0) * 100.0),
        level: DbOv::from_rms(rms),
    };
    let weaker = low.1.min(high.1);
    Some(Digit {
        digit: KEYPAD[candidate.row][candidate.column],
        start: Seconds(start),
        duration: Milliseconds((end - start) * 1e3),
        pause: None,
        low: figures(low, nominal[0]),
        high: figures(high, nominal[1]),
        twist: Db(20.0 * (high.1 / low.1).log10()),
        distortion: Db((10.0 * (fit.rest / (weaker * weaker)).log10()).max(-120.0)),
        rise: net(of_low.rise.max(of_high.rise)),
        fall: net(of_low.fall.max(of_high.fall)),
    })
}

/// The frequency with the most power within [`FURTHEST`] of a nominal one, on a grid that is fine enough to start from.
fn strongest(samples: &[f64], rate: f64, nominal: f64) -> f64 {
    let step = rate / samples.len().max(1) as f64 / 4.0;
    let reach = (FURTHEST * nominal / step).ceil() as i32;
    let count = samples.len() as f64;
    let window = |n: usize| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / count).cos();
    let windowed: Vec<f64> = samples.iter().enumerate().map(|(n, x)| x * window(n)).collect();
    // Goertzel's algorithm
    let power = |hz: f64| {
        let coefficient = 2.0 * (TAU * hz / rate).cos();
        let (last, before) = windowed.iter().fold((0.0, 0.0), |(last, before), sample| {
            (sample + coefficient * last - before, last)
        });
        last * last + before * before - coefficient * last * before
    };
    let powers = (-reach..=reach).map(|number| {
        let hz = nominal + f64::from(number) * step;
        (hz, power(hz))
    });
    powers
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(nominal, |(hz, _)| hz)
}

/// Times of one tone, in s.
struct Edges {
    start: f64,
    end: f64,
    rise: f64,
    fall: f64,
}

/// When a tone of a frequency and an rms begins and ends.
fn edges(samples: &[f64], rate: f64, candidate: &Candidate, (hz, rms): (f64, f64)) -> Option<Edges> {
    let reach = (EDGE_S * rate) as i64;
    let around = |middle: usize| -> Vec<f64> {
        let middle = i64::try_from(middle).unwrap_or(i64::MAX);
        let amplitude = rms * std::f64::consts::SQRT_2;
        (middle - reach..=middle + reach)
            .map(|at| envelope(samples, rate, hz, at) / amplitude)
            .collect()
    };
    let seconds = |middle: usize, place: f64| (middle as f64 - reach as f64 + place) / rate;
    let (first, last) = (candidate.range.start, candidate.range.end);
    let rising = around(first);
    let mut falling = around(last);
    falling.reverse();
    let rise = [0.1, 0.5, 0.9].map(|share| crossing(&rising, share));
    let fall = [0.1, 0.5, 0.9].map(|share| crossing(&falling, share));
    let ([Some(r10), Some(r50), Some(r90)], [Some(f10), Some(f50), Some(f90)]) = (rise, fall) else {
        return None;
    };
    let backward = |place: f64| 2.0 * reach as f64 - place;
    Some(Edges {
        start: seconds(first, r50),
        end: seconds(last, backward(f50)),
        rise: (r90 - r10) / rate,
        fall: (f90 - f10) / rate,
    })
}

/// Last place at which a rising curve goes from below a share to above it, between the samples.
fn crossing(curve: &[f64], share: f64) -> Option<f64> {
    // the first time 0.9 is reached ends the search: what follows is the tone with its ripple
    let full = curve.iter().position(|&value| value >= 0.9)?;
    let index = curve[..full].iter().rposition(|&value| value < share)?;
    let (below, above) = (curve[index], curve[index + 1]);
    Some(index as f64 + (share - below) / (above - below).max(f64::MIN_POSITIVE))
}

/// Amplitude of a frequency under a short window around a sample; outside the recording is silence.
fn envelope(samples: &[f64], rate: f64, hz: f64, middle: i64) -> f64 {
    let half = (ENVELOPE_S * rate / 2.0).round() as i64;
    let step = TAU * hz / rate;
    let (mut cosine, mut sine, mut weights) = (0.0, 0.0, 0.0);
    for offset in -half..=half {
        let weight = 0.5 + 0.5 * (std::f64::consts::PI * offset as f64 / (half as f64 + 0.5)).cos();
        weights += weight;
        let Some(sample) = usize::try_from(middle + offset)
            .ok()
            .and_then(|at| samples.get(at))
        else {
            continue;
        };
        let (s, c) = (step * offset as f64).sin_cos();
        cosine += weight * sample * c;
        sine += weight * sample * s;
    }
    2.0 * cosine.hypot(sine) / weights
}
