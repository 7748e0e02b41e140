//! What a device plays where packets are missing: how much of the energy is there, how alike it is, and whether the
//! joins click.
//!
//! The places of the gaps come from the network, where they were made; the reference is what should have been heard.
//! The method is this tool's own: no Recommendation defines these figures, and there are no limits for them.

use std::f64::consts::TAU;
use std::ops::Range;

use crate::aligner::{dot, window_at};
use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::sample::centred;
use crate::unit::{Count, Db, Percent};

/// Lowest energy that is reported, in dB relative to what it should be.
const LOWEST_DB: f64 = -60.0;
/// From here down a gap is silent, in dB relative to what should be there.
const SILENT_DB: f64 = -20.0;
/// A join clicks when its prediction error is so far above any other around it, in dB.
const CLICK_DB: f64 = 6.0;
/// Signal around a join that it is compared with, on either side, in s: two periods of a low voice.
const AROUND_S: f64 = 0.02;
/// The join itself, on either side, in s.
const JOIN_S: f64 = 0.001;
/// Mean square of reference below which a gap holds nothing to conceal: -60 dBov.
const NOTHING: f64 = 1e-6;
/// Length of the loudest part that is looked for, in s.
const LOUDEST_S: f64 = 0.01;
/// Most coefficients of the predictor.
const MOST_COEFFICIENTS: usize = 32;

/// What became of one gap.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The gap, in samples of the reference.
    pub interval: Range<usize>,
    /// Energy of the recording in the gap relative to that of the reference through the path, not below -60 dB.
    pub energy: Db,
    /// Correlation of the recording in the gap with the reference, -1..=1: what concealment guessed right.
    pub correlation: f64,
    /// How far the prediction error at the join before and after is above any other near it; see [`click`].
    pub joins: [Option<Db>; 2],
}

/// What became of all gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The gaps in which the reference has sound.
    pub gaps: Vec<Gap>,
    /// Gaps in which the reference is silent: nothing to conceal.
    pub empty: Count,
    /// Mean of their energy.
    pub energy: Measured<Db>,
    /// Gaps that are silent: 20 dB below what should be there.
    pub silent: Percent,
    /// Joins that click.
    pub clicks: Count,
}

/// Evaluates gaps, given in samples of the reference; the recording is `lag` samples later and may have any level.
///
/// # Errors
/// [`Unmeasurable::NothingToMeasure`] when no gap holds sound, [`Unmeasurable::Silent`] when the recording has nothing
/// of the reference outside the gaps.
pub fn evaluate(
    reference: &[f32],
    recording: &[f32],
    rate: u32,
    lag: f64,
    gaps: &[Range<usize>],
) -> Result<Report, Unmeasurable> {
    if !lag.is_finite() || lag.abs() > 1e12 {
        return Err(Unmeasurable::OutOfRange {
            name: "lag",
            value: lag,
            range: "that of a recording",
        });
    }
    let reference = centred(reference);
    let heard = window_at(&centred(recording), lag, reference.len());
    let mut intact = vec![true; reference.len()];
    for gap in gaps {
        let end = gap.end.min(intact.len());
        intact[gap.start.min(end)..end].fill(false);
    }
    let (mut products, mut squares) = (0.0, 0.0);
    for ((reference, heard), _) in reference
        .iter()
        .zip(&heard)
        .zip(&intact)
        .filter(|(_, intact)| **intact)
    {
        products += reference * heard;
        squares += reference * reference;
    }
    let gain = products / squares;
    if gain == 0.0 || !gain.is_finite() {
        return Err(Unmeasurable::Silent);
    }
    let mut empty = 0_usize;
    let mut found = Vec::new();
    for gap in gaps {
        let (Some(wanted), Some(is)) = (reference.get(gap.clone()), heard.get(gap.clone())) else {
            continue;
        };
        let (of_wanted, of_is) = (dot(wanted, wanted), dot(is, is));
        if of_wanted < NOTHING * wanted.len() as f64 || wanted.is_empty() {
            empty += 1;
            continue;
        }
        let ratio = of_is / (gain * gain * of_wanted);
        let scale = (of_wanted * of_is).sqrt();
        let correlation = if scale > 0.0 {
            dot(wanted, is) / scale * gain.signum()
        } else {
            0.0
        };
        found.push(Gap {
            interval: gap.clone(),
            energy: Db((10.0 * ratio.log10()).max(LOWEST_DB)),
            correlation: correlation.clamp(-1.0, 1.0),
            joins: [gap.start, gap.end].map(|at| prominence(&heard, f64::from(rate), at)),
        });
    }
    let energies: Vec<Db> = found.iter().map(|gap| gap.energy).collect();
    let silent = energies.iter().filter(|energy| energy.0 <= SILENT_DB).count();
    let clicking = |join: &Db| join.0 >= CLICK_DB;
    let clicks = found
        .iter()
        .flat_map(|gap| gap.joins)
        .flatten()
        .filter(clicking)
        .count();
    Ok(Report {
        energy: Ok(Measurement::of(&energies)?),
        empty: Count(empty as f64),
        silent: Percent(100.0 * silent as f64 / found.len().max(1) as f64),
        clicks: Count(clicks as f64),
        gaps: found,
    })
}

/// How far the loudest 10 ms of a recording are above the loudest 10 ms of the reference, the gain of the path taken off, in
/// dB: about 0 where speech is played and gaps are filled with what is like it, far above where something bangs. A recording
/// that is moved, cut or stretched is judged as well: places do not count.
///
/// # Errors
/// [`Unmeasurable::NothingToMeasure`] when the reference is silent or shorter than 10 ms, [`Unmeasurable::Silent`] when
/// the recording is.
pub fn excess(reference: &[f32], recording: &[f32], rate: u32, gain_db: f64) -> Measured<Db> {
    let frame = ((LOUDEST_S * f64::from(rate)) as usize).max(1);
    let loudest = |samples: &[f32]| {
        centred(samples)
            .chunks_exact(frame)
            .map(|frame| dot(frame, frame) / frame.len() as f64)
            .fold(0.0, f64::max)
    };
    let (wanted, heard) = (loudest(reference), loudest(recording));
    if wanted < NOTHING {
        return Err(Unmeasurable::NothingToMeasure);
    }
    if heard <= 0.0 {
        return Err(Unmeasurable::Silent);
    }
    Measurement::single(Db(10.0 * (heard / wanted).log10() - gain_db))
}

/// How far the error of a linear prediction at a sample stands out from all others within 20 ms, in dB: about 0 or less
/// where speech goes on, 6 and more where it breaks. `None` when there is no signal around, or too little of it.
#[must_use]
pub fn click(recording: &[f32], rate: u32, at: usize) -> Option<Db> {
    prominence(&centred(recording), f64::from(rate), at)
}

fn prominence(samples: &[f64], rate: f64, at: usize) -> Option<Db> {
    let around = (AROUND_S * rate) as usize;
    let join = ((JOIN_S * rate) as usize).max(2);
    let order = ((rate / 1000.0) as usize + 2).min(MOST_COEFFICIENTS);
    let range = at.checked_sub(around + order)?..at + around;
    let samples = samples.get(range)?;
    let predictor = predictor(samples, order)?;
    let errors: Vec<f64> = samples
        .windows(order + 1)
        .map(|window| {
            let (now, past) = window.split_last().unwrap_or((&0.0, &[]));
            let predicted: f64 = past.iter().rev().zip(&predictor).map(|(x, c)| x * c).sum();
            (now - predicted).abs()
        })
        .collect();
    // the first error belongs to the sample `around` before the join
    let largest = |errors: &[f64]| errors.iter().copied().fold(0.0, f64::max);
    let (from, to) = (around.saturating_sub(join), (around + join).min(errors.len()));
    let here = largest(&errors[from..to]);
    let elsewhere = largest(&errors[..from]).max(largest(&errors[to..]));
    (here > 0.0 && elsewhere > 0.0).then(|| Db(20.0 * (here / elsewhere).log10()))
}

/// Coefficients of the linear predictor of a stretch, the nearest sample first (Levinson and Durbin's recursion on the
/// autocorrelation under a Hann window).
fn predictor(samples: &[f64], order: usize) -> Option<Vec<f64>> {
    let count = samples.len() as f64;
    let windowed: Vec<f64> = samples
        .iter()
        .enumerate()
        .map(|(n, x)| x * (0.5 - 0.5 * (TAU * (n as f64 + 0.5) / count).cos()))
        .collect();
    let correlation = |lag: usize| dot(&windowed, windowed.get(lag..).unwrap_or_default());
    let energy = correlation(0);
    if energy <= NOTHING * 1e-3 {
        return None;
    }
    // a little white noise keeps the equations solvable for band-limited signals
    let mut error = energy * 1.000_1;
    let mut coefficients: Vec<f64> = Vec::with_capacity(order);
    for step in 1..=order {
        let predicted: f64 = coefficients
            .iter()
            .enumerate()
            .map(|(n, c)| c * correlation(step - 1 - n))
            .sum();
        let reflection = (correlation(step) - predicted) / error;
        let before = coefficients.clone();
        for (n, coefficient) in coefficients.iter_mut().enumerate() {
            *coefficient -= reflection * before[step - 2 - n];
        }
        coefficients.push(reflection);
        error *= 1.0 - reflection * reflection;
        if error <= 0.0 {
            return None;
        }
    }
    Some(coefficients)
}
