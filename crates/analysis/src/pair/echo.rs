//! What comes back of what was played: coupling loss, echo level and loss over time.
//!
//! Here the reference is what was played to the device and the recording is what it sent back.

use std::ops::RangeInclusive;

use voxproof_audio::delay::estimate;
use voxproof_audio::echo::{
    EchoLevel, HANDS_FREE, LossCurve, NARROWBAND, WIDEBAND, echo_level, echo_response, loss_over_time,
    stability_loss, terminal_coupling_loss,
};
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::transfer::Bands;
use voxproof_audio::unit::{Db, Hertz, Milliseconds, Seconds};

use super::{Pair, PairOptions};
use crate::plane::weighted_on_plane;
use crate::quantity::*;
use crate::{Curve, Group, PairRecord, QuantityResult};

/// Where an echo is looked for after what was played, s.
const SEARCH_S: std::ops::Range<f64> = -0.005..2.0;
/// Correlation from which the delay of an echo is believed: a fifth of the amplitude of what comes back.
const BELIEVED: f64 = 0.2;
/// Range of the stability loss, Hz (3GPP TS 26.131 6.6), as far as the rate allows.
const STABILITY_HZ: RangeInclusive<f64> = 100.0..=8000.0;
/// Most points of a curve over time.
const MOST_POINTS: usize = 2000;

pub(super) fn measure(pair: &Pair<'_>, options: &PairOptions, record: &mut PairRecord) {
    if !options.selection.has(Group::Echo) {
        return;
    }
    let (played, returned, rate) = (&*pair.reference, &*pair.degraded, pair.rate);
    for (quantity, range) in [
        (&COUPLING_NARROW, NARROWBAND),
        (&COUPLING_WIDE, WIDEBAND),
        (&COUPLING_HANDS_FREE, HANDS_FREE),
    ] {
        let loss = terminal_coupling_loss(played, returned, rate, range);
        record.results.push(QuantityResult::of(quantity, &loss));
    }
    let highest = STABILITY_HZ.end().min(f64::from(rate) / 2.0);
    let stability = stability_loss(played, returned, rate, *STABILITY_HZ.start()..=highest);
    record.results.extend([
        QuantityResult::of(
            &STABILITY,
            &stability.as_ref().map(|found| found.loss).map_err(Clone::clone),
        ),
        QuantityResult::of(
            &STABILITY_AT,
            &stability.and_then(|found| Measurement::single(Hertz(found.hz))),
        ),
    ]);
    levels(returned, rate, options, record);
    losses(pair, record);
    if let Ok(response) = echo_response(played, returned, rate, Bands::ThirdOctave, STABILITY_HZ) {
        record.curves.push(Curve::new(
            "echo_response",
            "frequency, Hz",
            "gain, dB",
            response.points().iter().copied(),
        ));
    }
}

fn levels(returned: &[f32], rate: u32, options: &PairOptions, record: &mut PairRecord) {
    let level = echo_level(returned, rate);
    let of =
        |value: fn(&EchoLevel) -> Measured<Seconds>| level.as_ref().map_err(Clone::clone).and_then(value);
    let maximum = level.as_ref().map(|level| level.maximum).map_err(Clone::clone);
    record.results.push(QuantityResult::of(&ECHO_LEVEL, &maximum));
    if let Ok(maximum) = &maximum {
        record
            .results
            .extend(weighted_on_plane(&ECHO_LEVEL_DBM0, maximum.value, options.plane));
    }
    record.results.push(QuantityResult::of(
        &ECHO_LEVEL_AT,
        &of(|level| Measurement::single(Seconds(level.at_s))),
    ));
    if let Ok(level) = level {
        let points = thinned(&level.curve, f64::max);
        record.curves.push(Curve::new(
            "echo_level_against_time",
            "time in the recording, s",
            "level, dBov(A)",
            points.into_iter(),
        ));
    }
}

/// Loss over time, the recording moved by the delay of the echo.
fn losses(pair: &Pair<'_>, record: &mut PairRecord) {
    let found = estimate(&pair.reference, &pair.degraded, pair.rate, SEARCH_S);
    let delay = found.filter(|delay| delay.confidence >= BELIEVED);
    let measured = match (found, delay) {
        (_, Some(delay)) => Measurement::single(Milliseconds(delay.seconds * 1e3)),
        (Some(weak), None) => Err(Unmeasurable::NotAligned {
            correlation: weak.confidence,
        }),
        (None, None) => Err(Unmeasurable::Silent),
    };
    record.results.push(QuantityResult::of(&ECHO_DELAY, &measured));
    let lag = delay
        .map_or(0.0, |delay| delay.seconds * f64::from(pair.rate))
        .round();
    let (later, earlier) = (lag.max(0.0) as usize, (-lag).max(0.0) as usize);
    let loss = loss_over_time(
        pair.reference.get(earlier..).unwrap_or_default(),
        pair.degraded.get(later..).unwrap_or_default(),
        pair.rate,
    );
    let caveat = if delay.is_some() {
        None
    } else {
        Some("the delay of the echo was not found, so none is taken out")
    };
    for (quantity, value) in [
        (
            &ECHO_LOSS,
            (|loss| Ok(loss.mean)) as fn(&LossCurve) -> Measured<Db>,
        ),
        (&ECHO_LOSS_LEAST, |loss| Ok(loss.least)),
        (&ECHO_DEGRADATION, |loss| Ok(loss.degradation)),
    ] {
        let result = QuantityResult::of(quantity, &loss.as_ref().map_err(Clone::clone).and_then(value));
        record.results.push(match caveat {
            Some(caveat) if result.value.is_some() => result.with_caveat(caveat),
            _ => result,
        });
    }
    if let Ok(loss) = loss {
        let points = thinned(&loss.curve, f64::min);
        record.curves.push(Curve::new(
            "echo_loss_against_time",
            "time in what was played, s",
            "loss, dB",
            points.into_iter(),
        ));
    }
}

/// The worst point of each few neighbours, so that a curve has at most [`MOST_POINTS`].
fn thinned(curve: &[(f64, f64)], worse: fn(f64, f64) -> f64) -> Vec<(f64, f64)> {
    curve
        .chunks(curve.len().div_ceil(MOST_POINTS).max(1))
        .filter_map(|points| {
            let worst = points.iter().map(|point| point.1).reduce(worse)?;
            let at = points.iter().find(|point| point.1 == worst)?.0;
            Some((at, worst))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_worst() {
        let curve: Vec<(f64, f64)> = (0..10_000).map(|n| (f64::from(n), f64::from(n % 997))).collect();
        let thin = thinned(&curve, f64::max);
        assert!(thin.len() <= MOST_POINTS);
        assert_eq!(thin.iter().filter(|point| point.1 == 996.0).count(), 10);
        assert!(thinned(&[], f64::min).is_empty());
    }
}
