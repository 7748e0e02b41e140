//! Which tone of a plan a sequence of bursts is.

use std::ops::Range;

use super::bursts::{Burst, bursts};
use super::plan::{ProgressTone, TonePlan};
use crate::level::DbOv;

/// Shortest tone without a pause, in s.
const SHORTEST_STEADY_S: f64 = 1.0;
/// A tone without a pause is longer than the longest burst of any cadence of the same frequencies by this factor.
const LONGER: f64 = 1.5;
/// Smallest tolerance of a time, in s: half of the average that bursts are found with.
const LEAST_TOLERANCE_S: f64 = 0.025;

/// A tone that was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// Its name in the plan.
    pub name: String,
    /// When, from the start of its first burst to the end of the last, in s.
    pub interval_s: Range<f64>,
    /// Its bursts.
    pub bursts: Vec<Burst>,
    /// Its level, in the mean of its bursts.
    pub level: DbOv,
}

/// Finds the tones of a plan in a recording, in order. A cadence is recognised from two bursts on, that is from one
/// whole period; a burst that the start or the end of the recording cuts may be shorter.
#[must_use]
pub fn detect(recording: &[f32], rate: u32, plan: &TonePlan) -> Vec<Detected> {
    let bursts = bursts(recording, rate);
    let mut found = Vec::new();
    let mut index = 0;
    while index < bursts.len() {
        let rest = &bursts[index..];
        let matches = plan.tones.iter().map(|tone| (tone, length(tone, rest, plan)));
        let longest = matches
            .filter(|(_, count)| *count > 0)
            .max_by_key(|(_, count)| *count);
        let Some((tone, count)) = longest else {
            index += 1;
            continue;
        };
        let bursts = rest[..count].to_vec();
        let power = bursts
            .iter()
            .map(|burst| 10f64.powf(burst.level.0 / 10.0))
            .sum::<f64>();
        found.push(Detected {
            name: tone.name.clone(),
            interval_s: rest[0].interval_s.start..rest[count - 1].interval_s.end,
            level: DbOv(10.0 * (power / count as f64).log10()),
            bursts,
        });
        index += count;
    }
    found
}

/// How many of the bursts, from the first on, are this tone.
fn length(tone: &ProgressTone, bursts: &[Burst], plan: &TonePlan) -> usize {
    let sounds = |burst: &Burst| {
        same(
            &burst.frequencies_hz,
            &tone.frequencies_hz,
            plan.frequency_tolerance,
        )
    };
    if tone.cadence.is_empty() {
        let steady = bursts
            .first()
            .is_some_and(|burst| sounds(burst) && seconds(&burst.interval_s) >= shortest_steady(tone, plan));
        return usize::from(steady);
    }
    let fits = |is: f64, nominal: f64| {
        (is - nominal).abs() <= (plan.time_tolerance * nominal).max(LEAST_TOLERANCE_S)
    };
    // the recording may begin anywhere in the cadence
    let from = |phase: usize| {
        let mut count = 0;
        for (number, burst) in bursts.iter().enumerate() {
            let pulse = tone.cadence[(phase + number) % tone.cadence.len()];
            let on = seconds(&burst.interval_s);
            let right = fits(on, pulse.on_s) || (burst.cut && on < pulse.on_s);
            if !sounds(burst) || !right {
                break;
            }
            count = number + 1;
            let pause = bursts
                .get(count)
                .map(|next| next.interval_s.start - burst.interval_s.end);
            if !pause.is_some_and(|pause| fits(pause, pulse.off_s)) {
                break;
            }
        }
        count
    };
    let count = (0..tone.cadence.len()).map(from).max().unwrap_or(0);
    if count >= 2 { count } else { 0 }
}

fn shortest_steady(tone: &ProgressTone, plan: &TonePlan) -> f64 {
    let alike = plan.tones.iter().filter(|other| {
        same(
            &other.frequencies_hz,
            &tone.frequencies_hz,
            plan.frequency_tolerance,
        )
    });
    let longest = alike
        .flat_map(|other| &other.cadence)
        .map(|pulse| pulse.on_s)
        .fold(0.0, f64::max);
    (LONGER * longest).max(SHORTEST_STEADY_S)
}

fn seconds(interval: &Range<f64>) -> f64 {
    interval.end - interval.start
}

/// The same frequencies in any order.
fn same(left: &[f64], right: &[f64], tolerance: f64) -> bool {
    let sorted = |frequencies: &[f64]| {
        let mut sorted = frequencies.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    left.len() == right.len()
        && !left.is_empty()
        && sorted(left)
            .iter()
            .zip(&sorted(right))
            .all(|(left, right)| (left - right).abs() <= tolerance * right)
}
