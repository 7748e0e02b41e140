//! Echo level against time, and echo return loss and its enhancement over time.

use crate::echo::envelope::{check, db, power_curve, time_of};
use crate::level::DbOv;
use crate::measurement::{Measurement, Unmeasurable};
use crate::unit::Db;
use crate::weighting::{Weighted, Weighting, weighted};

/// Integration time of the level of an echo, s (ITU-T P.1110, P.1120, G.168).
const INTEGRATION_S: f64 = 0.035;
/// Longest recording that is weighted, samples.
const LONGEST: usize = 1 << 25;
/// The reference counts as active down to this far below its largest level, dB.
const ACTIVE_DB: f64 = 20.0;
/// Start of an estimate, s: the meter has to rise.
const RISE_S: f64 = 0.1;

/// Level of an echo over time.
#[derive(Debug, Clone, PartialEq)]
pub struct EchoLevel {
    /// Largest A-weighted level, dBov(A); the plane of the codec makes it dBm0(A).
    pub maximum: Measurement<Weighted<DbOv>>,
    /// When, s.
    pub at_s: f64,
    /// The level each millisecond: (s, dBov).
    pub curve: Vec<(f64, f64)>,
}

/// A-weighted level of what comes back over time, integrated over 35 ms (P.1120 clause 11.11.2).
///
/// # Errors
/// Nothing to measure, less than a millisecond, a recording too long for one transform.
pub fn echo_level(returned: &[f32], rate: u32) -> Result<EchoLevel, Unmeasurable> {
    check(returned, rate)?;
    if returned.len() > LONGEST {
        return Err(Unmeasurable::Mismatch(
            "the recording is too long for an echo level".to_owned(),
        ));
    }
    let weighted = weighted(returned, rate, Weighting::A);
    let curve: Vec<(f64, f64)> = power_curve(&weighted, rate, INTEGRATION_S)
        .into_iter()
        .enumerate()
        .map(|(index, power)| (time_of(index), db(power)))
        .collect();
    let (at_s, maximum) = curve
        .iter()
        .copied()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .ok_or(Unmeasurable::NothingToMeasure)?;
    Ok(EchoLevel {
        maximum: Measurement::single(Weighted {
            level: DbOv(maximum),
            weighting: Weighting::A,
        })?,
        at_s,
        curve,
    })
}

/// Ratio of two levels over time while the first is active.
#[derive(Debug, Clone, PartialEq)]
pub struct LossCurve {
    /// Mean of the loss in dB over the active time.
    pub mean: Measurement<Db>,
    /// Least loss.
    pub least: Measurement<Db>,
    /// When it was, s.
    pub least_at_s: f64,
    /// Largest fall of the loss below the best it had before: the degradation of P.1110 clause 11.11.2 (echo stability) and of
    /// a changing echo path.
    pub degradation: Measurement<Db>,
    /// Loss each active millisecond: (s, dB).
    pub curve: Vec<(f64, f64)>,
}

/// Loss between two aligned signals over time, both integrated over 35 ms, while the first is not more than 20 dB below
/// its largest level. With the signal at the microphone and at the device's output it is the echo return loss
/// enhancement; with what was played and what came back, the echo return loss. Silence of the second is limited to a
/// loss of 120 dB. The first 100 ms, in which the meter rises, count only for the curve.
///
/// # Errors
/// Nothing to measure, a silent first signal.
pub fn loss_over_time(first: &[f32], second: &[f32], rate: u32) -> Result<LossCurve, Unmeasurable> {
    check(first, rate)?;
    check(second, rate)?;
    let (input, output) = (
        power_curve(first, rate, INTEGRATION_S),
        power_curve(second, rate, INTEGRATION_S),
    );
    let largest = input.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return Err(Unmeasurable::Silent);
    }
    let active = largest * 10f64.powf(-ACTIVE_DB / 10.0);
    let curve: Vec<(f64, f64)> = input
        .iter()
        .zip(&output)
        .enumerate()
        .filter(|(_, (input, _))| **input >= active)
        .map(|(index, (input, output))| (time_of(index), db(input / output.max(input * 1e-12))))
        .collect();
    let settled: Vec<(f64, f64)> = curve.iter().copied().filter(|point| point.0 >= RISE_S).collect();
    let (least_at_s, least) = settled
        .iter()
        .copied()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .ok_or_else(|| Unmeasurable::TooShort {
            needed_s: RISE_S,
            got_s: first.len() as f64 / f64::from(rate),
        })?;
    let mean = settled.iter().map(|point| point.1).sum::<f64>() / settled.len() as f64;
    let (_, degradation) = settled
        .iter()
        .fold((f64::NEG_INFINITY, 0.0f64), |(best, worst), (_, loss)| {
            (best.max(*loss), worst.max(best - loss))
        });
    Ok(LossCurve {
        degradation: Measurement::single(Db(degradation))?,
        mean: Measurement::single(Db(mean))?,
        least: Measurement::single(Db(least))?,
        least_at_s,
        curve,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::{silence, sine, white_noise};

    #[test]
    fn the_echo_level_of_a_tone() {
        let mut returned = silence(0.5, 16000);
        returned.extend(sine(125.0, DbOv(-40.0), 1.0, 16000));
        let found = echo_level(&returned, 16000).expect("samples");
        // the ripple of the squared tone is left
        assert!(
            (found.maximum.value.level.0 + 56.19).abs() < 0.25,
            "{}",
            found.maximum.value
        );
        assert!(found.at_s > 0.6);
        assert!(echo_level(&[], 16000).is_err());
        let quiet = echo_level(&[0.0; 16000], 16000).expect("samples");
        assert_eq!(quiet.maximum.value.level, DbOv::SILENCE);
    }

    #[test]
    fn loss_is_that_of_the_path() {
        let played = white_noise(DbOv(-20.0), 2.0, 16000, 1);
        let returned: Vec<f32> = played.iter().map(|x| x * 0.01).collect();
        let found = loss_over_time(&played, &returned, 16000).expect("an echo");
        assert!((found.mean.value.0 - 40.0).abs() < 1e-3 && (found.least.value.0 - 40.0).abs() < 1e-3);
        assert!(found.degradation.value.0 < 1e-3);
        // 7 dB worse after a second
        let worse: Vec<f32> = returned
            .iter()
            .enumerate()
            .map(|(n, x)| if n < 16000 { *x } else { x * 2.238_72 })
            .collect();
        let found = loss_over_time(&played, &worse, 16000).expect("an echo");
        assert!(
            (found.degradation.value.0 - 7.0).abs() < 0.01,
            "{}",
            found.degradation.value
        );
        let perfect = loss_over_time(&played, &[0.0; 32000], 16000).expect("no echo");
        assert!((perfect.mean.value.0 - 120.0).abs() < 1e-6);
        assert_eq!(
            loss_over_time(&[0.0; 9000], &returned, 16000),
            Err(Unmeasurable::Silent)
        );
    }
}
