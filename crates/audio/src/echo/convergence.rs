//! How fast an echo canceller converges.

use crate::curve::Curve;
use crate::echo::level::{LossCurve, echo_level, loss_over_time};
use crate::level::DbOv;
use crate::measurement::{Measurement, Unmeasurable};
use crate::unit::{Db, Seconds};

/// How an echo canceller converges.
#[derive(Debug, Clone, PartialEq)]
pub struct Convergence {
    /// Smallest distance of the loss to the limit, dB; negative where it was missed. `None` without a limit.
    pub margin: Option<Measurement<Db>>,
    /// Where it is, s.
    pub worst_at_s: Option<f64>,
    /// First time from which the loss stays at or above the target.
    pub reached: Option<Measurement<Seconds>>,
    /// The loss over time.
    pub loss: LossCurve,
}

/// Echo return loss over time from the moment the far end begins, at the first sample of `played`, against a limit over
/// time (points in s and dB, straight over log time, constant beyond its ends). `returned` is aligned with `played`.
///
/// # Errors
/// As [`loss_over_time`].
pub fn convergence(
    played: &[f32],
    returned: &[f32],
    rate: u32,
    limit: Option<&Curve>,
    target_db: f64,
) -> Result<Convergence, Unmeasurable> {
    let loss = loss_over_time(played, returned, rate)?;
    let worst = limit.and_then(|limit| {
        let (first, last) = limit.range();
        loss.curve
            .iter()
            .filter_map(|(time, loss)| Some((*time, loss - limit.at(time.clamp(first, last))?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    });
    // just after the last time below the target, if there is a later one
    let below = loss.curve.iter().rposition(|point| point.1 < target_db);
    let reached = match below {
        None => loss.curve.first(),
        Some(index) => loss.curve.get(index + 1),
    };
    Ok(Convergence {
        margin: worst
            .map(|(_, margin)| Measurement::single(Db(margin)))
            .transpose()?,
        worst_at_s: worst.map(|(time, _)| time),
        reached: reached
            .map(|point| Measurement::single(Seconds(point.0)))
            .transpose()?,
        loss,
    })
}

/// An echo against background noise.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvergenceInNoise {
    /// Smallest distance of the A-weighted level to its limit, dB; negative where it was exceeded.
    pub margin: Measurement<Db>,
    /// Where it is, s.
    pub worst_at_s: f64,
}

/// Level of what comes back (A-weighted, 35 ms) from the moment the far end begins, at the first sample, against a limit
/// over time in dB above the A-weighted level of the noise alone (points in s and dB, straight over log time, constant
/// beyond its ends).
///
/// # Errors
/// As [`echo_level`]; noise without a level.
pub fn convergence_in_noise(
    returned: &[f32],
    rate: u32,
    noise: DbOv,
    limit: &Curve,
) -> Result<ConvergenceInNoise, Unmeasurable> {
    if !noise.0.is_finite() {
        return Err(Unmeasurable::NoSuchPart("background noise"));
    }
    let (first, last) = limit.range();
    let (worst_at_s, margin) = echo_level(returned, rate)?
        .curve
        .into_iter()
        .filter_map(|(time, level)| Some((time, noise.0 + limit.at(time.clamp(first, last))? - level)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .ok_or(Unmeasurable::NothingToMeasure)?;
    Ok(ConvergenceInNoise {
        margin: Measurement::single(Db(margin))?,
        worst_at_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn convergence_of_known_speed() {
        // 6 dB, then 20 dB a second from 0.2 s up to 46 dB
        let loss = |t: f64| (6.0 + 20.0 * (t - 0.2).max(0.0)).min(46.0);
        let played = white_noise(DbOv(-20.0), 4.0, 16000, 2);
        let returned: Vec<f32> = played
            .iter()
            .enumerate()
            .map(|(n, x)| x * 10f64.powf(-loss(n as f64 / 16000.0) / 20.0) as f32)
            .collect();
        let limit = Curve::new(vec![(0.2, 6.0), (1.2, 40.0)]).expect("a curve");
        let found = convergence(&played, &returned, 16000, Some(&limit), 40.0).expect("an echo");
        // 40 dB at 1.9 s; the meter follows later
        let reached = found.reached.expect("reached").value.0;
        assert!((1.88..2.0).contains(&reached), "{reached}");
        let margin = found.margin.expect("a limit").value.0;
        // 20 (t - 0.2) - 34 ln(t / 0.2) / ln 6 is least at 0.949 s: -14.56 dB
        assert!((-15.5..-14.0).contains(&margin), "{margin}");
        assert!(
            (0.85..1.05).contains(&found.worst_at_s.expect("a limit")),
            "{:?}",
            found.worst_at_s
        );
        let never = convergence(&played, &returned, 16000, None, 60.0).expect("an echo");
        assert!(never.reached.is_none() && never.margin.is_none());
    }

    #[test]
    fn an_echo_above_the_noise() {
        // 1 kHz has no weighting: -40 dBov for a second, then -60 dBov, against noise of -50 dBov
        let mut returned = sine(1000.0, DbOv(-40.0), 1.0, 16000);
        returned.extend(sine(1000.0, DbOv(-60.0), 1.0, 16000));
        let limit = Curve::new(vec![(0.1, 10.0), (1.5, 0.0)]).expect("a curve");
        let found = convergence_in_noise(&returned, 16000, DbOv(-50.0), &limit).expect("samples");
        // at 1 s the limit is 10 (1 - ln 10 / ln 15) = 1.50 dB above the noise, and the tone 10 dB
        assert!((found.margin.value.0 + 8.5).abs() < 0.3, "{}", found.margin.value);
        assert!((0.95..1.02).contains(&found.worst_at_s), "{}", found.worst_at_s);
        assert!(convergence_in_noise(&returned, 16000, DbOv::SILENCE, &limit).is_err());
    }
}
