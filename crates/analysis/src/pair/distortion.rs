//! Distortion of a test signal: of the tone in the reference, or of the signal whose description is given.

use voxproof_audio::curve::Curve as Weights;
use voxproof_audio::delay::estimate;
use voxproof_audio::distortion::{
    LevelLimits, SEND_DISTORTION_1020_HZ, SEND_DISTORTION_NOMINAL, signal_to_distortion_and_noise,
    stepped_distortion,
};
use voxproof_audio::level::DbOv;
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::stimulus::{Description, LogSweep, PulsedNoise, Signal, Step, SteppedSine};
use voxproof_audio::tone::dominant_frequency;
use voxproof_audio::transfer::sweep_response;
use voxproof_audio::unit::{Db, Hertz, Percent};

use super::{Pair, PairOptions};
use crate::quantity::*;
use crate::steady::steady;
use crate::tone::{LOWEST_HZ, distortion, weighted_by};
use crate::{Curve, Group, PairRecord, QuantityResult};

/// Where the recording of a stimulus is looked for, s.
const SEARCH_S: std::ops::Range<f64> = -1.0..5.0;
/// Nominal level at the mouth reference point, dBPa: 0 dB of the stimuli `sdr-levels` and `sdr-frequencies`.
const NOMINAL_DBPA: f64 = -4.7;
/// How near a frequency must be to that of a limit, as a factor.
const SAME_HZ: f64 = 1.005;
const HERTZ: &str = "frequency, Hz";

pub(super) fn measure(
    pair: &Pair<'_>,
    stimulus: Option<&Description>,
    options: &PairOptions,
    record: &mut PairRecord,
) {
    if !options.selection.has(Group::Distortion) {
        return;
    }
    let weighting = options.weighting.as_ref();
    match stimulus.map(|stimulus| (stimulus, &stimulus.signal)) {
        Some((_, Signal::SteppedSine(stepped))) => steps(pair, stepped, weighting, record),
        Some((_, Signal::PulsedNoise(noise))) => pulses(pair, noise, record),
        Some((stimulus, Signal::LogSweep(sweep))) => swept(pair, stimulus, sweep, record),
        _ => tone(pair, weighting, record),
    }
}

/// A tone: the strongest one of the reference.
fn tone(pair: &Pair<'_>, weighting: Option<&Weights>, record: &mut PairRecord) {
    let reference = steady(&pair.reference, pair.rate);
    let quantities = [&THD, &THD_NOISE, &SDR];
    let Some(hertz) = dominant_frequency(reference, pair.rate) else {
        let because = "there is no steady tone in the reference; for another test signal give its description with --stimulus";
        let none = quantities.map(|quantity| QuantityResult::because(quantity, "no-such-part", because));
        record.results.extend(none);
        return;
    };
    let part = steady(&pair.degraded, pair.rate);
    record
        .results
        .extend(distortion(part, pair.rate, hertz, weighting, quantities));
    record.results.push(QuantityResult::single(&SDR_AT, hertz));
}

/// Samples by which the recording is later; a recording that begins before its stimulus counts as one that is in time.
fn delay(pair: &Pair<'_>) -> Result<usize, Unmeasurable> {
    let found = estimate(&pair.reference, &pair.degraded, pair.rate, SEARCH_S).ok_or(Unmeasurable::Silent)?;
    Ok((found.seconds * f64::from(pair.rate)).round().max(0.0) as usize)
}

/// Tones one after the other: the ratio of each, and where it is least.
fn steps(pair: &Pair<'_>, stepped: &SteppedSine, weighting: Option<&Weights>, record: &mut PairRecord) {
    let band = LOWEST_HZ..=f64::from(pair.rate) / 2.0;
    let found = delay(pair)
        .map(|delay| stepped_distortion(stepped, &pair.degraded, pair.rate, delay, &band, weighting));
    let ratios: Result<Vec<(Step, f64)>, Unmeasurable> = found.and_then(|steps| {
        let each = steps
            .into_iter()
            .map(|(step, ratio)| Ok((step, ratio?.value.0)))
            .collect::<Result<Vec<_>, Unmeasurable>>()?;
        Ok(each)
    });
    let least = ratios.clone().and_then(|ratios| {
        let least = ratios.into_iter().min_by(|a, b| a.1.total_cmp(&b.1));
        least.ok_or(Unmeasurable::NothingToMeasure)
    });
    let ratio: Measured<Db> = least
        .clone()
        .and_then(|(_, ratio)| Measurement::single(Db(ratio)));
    let at = least.and_then(|(step, _)| Measurement::single(Hertz(step.hz)));
    record
        .results
        .push(weighted_by(QuantityResult::of(&SDR, &ratio), weighting));
    record.results.push(QuantityResult::of(&SDR_AT, &at));
    let Ok(ratios) = ratios else {
        return;
    };
    let margins = ratios
        .iter()
        .filter_map(|(step, ratio)| Some(ratio - limit(step)?));
    if let Some(margin) = margins.reduce(f64::min) {
        let mut result = QuantityResult::single(&SDR_MARGIN, margin);
        if weighting.is_none() {
            result = result.with_caveat(
                "for information: the limits are for the weighting of ITU-T G.223, which was not given",
            );
        }
        record.results.push(result);
    }
    let over_level = stepped.hz.len() == 1;
    let place = |step: &Step| if over_level { step.level_db } else { step.hz };
    let mut points: Vec<(f64, f64)> = ratios.iter().map(|(step, ratio)| (place(step), *ratio)).collect();
    let mut limits: Vec<(f64, f64)> = ratios
        .iter()
        .filter_map(|(step, _)| Some((place(step), limit(step)?)))
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    limits.sort_by(|a, b| a.0.total_cmp(&b.0));
    let x = if over_level {
        "level of the tone, dB"
    } else {
        HERTZ
    };
    let y = "signal to distortion, dB";
    record
        .curves
        .push(Curve::new("signal_to_distortion", x, y, points.into_iter()));
    if !limits.is_empty() {
        record
            .curves
            .push(Curve::new("signal_to_distortion_limit", x, y, limits.into_iter()));
    }
}

/// The limit of a tone of TS 26.131 table 15, for sending, if 0 dB is the nominal level.
fn limit(step: &Step) -> Option<f64> {
    let is = |hz: f64| (step.hz / hz).max(hz / step.hz) < SAME_HZ;
    if is(1020.0) {
        return LevelLimits::new(SEND_DISTORTION_1020_HZ.to_vec())?.at(NOMINAL_DBPA + step.level_db);
    }
    let nominal = SEND_DISTORTION_NOMINAL.iter().find(|limit| is(limit.0))?;
    (step.level_db == 0.0).then_some(nominal.1)
}

/// Pulsed noise: signal to distortion and noise in each band.
fn pulses(pair: &Pair<'_>, noise: &PulsedNoise, record: &mut PairRecord) {
    let found =
        delay(pair).and_then(|delay| signal_to_distortion_and_noise(noise, &pair.degraded, pair.rate, delay));
    let least = found.as_ref().map_err(Clone::clone).and_then(|bands| {
        let least = bands.iter().min_by(|a, b| a.1.value.0.total_cmp(&b.1.value.0));
        least.copied().ok_or(Unmeasurable::NothingToMeasure)
    });
    record.results.extend([
        QuantityResult::of(&SDNR, &least.clone().map(|(_, ratio)| ratio)),
        QuantityResult::of(
            &SDNR_AT,
            &least.and_then(|(hz, _)| Measurement::single(Hertz(hz))),
        ),
    ]);
    if let Ok(bands) = found {
        record.curves.push(Curve::new(
            "signal_to_distortion_and_noise",
            HERTZ,
            "signal to distortion and noise, dB",
            bands.into_iter().map(|(hz, ratio)| (hz, ratio.value.0)),
        ));
    }
}

/// A logarithmic sweep: harmonics and gain over frequency.
fn swept(pair: &Pair<'_>, stimulus: &Description, sweep: &LogSweep, record: &mut PairRecord) {
    let found = sweep_response(sweep, DbOv(stimulus.level_dbov), &pair.degraded, pair.rate);
    let distortion = found
        .as_ref()
        .map(|found| found.thd_percent())
        .map_err(Clone::clone);
    let largest = distortion.as_ref().map_err(Clone::clone).and_then(|points| {
        let largest = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        largest.ok_or(Unmeasurable::NoSuchPart("harmonic within the sweep"))
    });
    record.results.extend([
        QuantityResult::of(
            &SWEEP_THD,
            &largest
                .clone()
                .and_then(|(_, thd)| Measurement::single(Percent(thd))),
        ),
        QuantityResult::of(
            &SWEEP_THD_AT,
            &largest.and_then(|(hz, _)| Measurement::single(Hertz(hz))),
        ),
    ]);
    if let Ok(points) = distortion {
        let points = points.into_iter();
        record.curves.push(Curve::new(
            "sweep_distortion",
            HERTZ,
            "harmonic distortion, %",
            points,
        ));
    }
    if let Ok(found) = found {
        let points = found.linear.points().iter().copied();
        record
            .curves
            .push(Curve::new("sweep_response", HERTZ, "gain, dB", points));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_table() {
        let at = |hz, level_db| {
            limit(&Step {
                hz,
                level_db,
                range: 0..0,
            })
        };
        assert_eq!(at(1020.0, 0.0), Some(35.0));
        assert!((at(1020.0, 4.7).expect("a limit") - 35.0).abs() < 1e-9);
        assert!((at(1020.0, -5.3).expect("a limit") - 33.0).abs() < 1e-9);
        assert_eq!(at(1020.0, 20.0), None);
        assert_eq!(
            (at(315.0, 0.0), at(315.0, 5.0), at(700.0, 0.0)),
            (Some(28.0), None, None)
        );
    }
}
