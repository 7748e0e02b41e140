//! Attenuation of a direction while the other one talks too.

use crate::echo::envelope::{check, db, power_curve, time_of};
use crate::measurement::{Measurement, Unmeasurable};
use crate::sample::clean;
use crate::unit::Db;

/// Integration time of levels, s.
const INTEGRATION_S: f64 = 0.035;
/// Blocks in which the two outputs are compared by correlation, s.
const BLOCK_S: f64 = 0.1;
/// The output in single talk counts as active down to this far below its largest level, dB.
const ACTIVE_DB: f64 = 15.0;

/// How much weaker a talker comes through while the other end talks.
#[derive(Debug, Clone, PartialEq)]
pub struct DoubleTalkAttenuation {
    /// Attenuation by correlation: the part of the output in double talk that is the output in single talk, over blocks of
    /// 100 ms, mean of the decibels weighted by energy. Echo and noise of the other end do not count.
    pub attenuation: Measurement<Db>,
    /// Difference of the levels (integrated over 35 ms), mean over the active time: what a level meter shows, with echo.
    pub level_difference: Measurement<Db>,
    /// Largest difference of the levels, and when, s.
    pub largest_difference: (f64, f64),
}

/// Compares the output of one direction in single talk and in double talk with the same talker. The recordings are
/// aligned with each other.
///
/// ITU-T P.340 compares levels of alternating single and double talk; a level cannot tell the talker from the echo that
/// is there at the same time, so the figure by correlation is given beside it.
///
/// # Errors
/// Nothing to measure, silent single talk.
pub fn double_talk_attenuation(
    single_talk: &[f32],
    double_talk: &[f32],
    rate: u32,
) -> Result<DoubleTalkAttenuation, Unmeasurable> {
    check(single_talk, rate)?;
    check(double_talk, rate)?;
    let count = single_talk.len().min(double_talk.len());
    let (single, double) = (&single_talk[..count], &double_talk[..count]);
    let block = ((BLOCK_S * f64::from(rate)) as usize).max(1);
    let (mut sum, mut weight) = (0.0, 0.0);
    for (single, double) in single.chunks(block).zip(double.chunks(block)) {
        let energy: f64 = single.iter().map(|&x| clean(x).powi(2)).sum();
        let common: f64 = single
            .iter()
            .zip(double)
            .map(|(&a, &b)| clean(a) * clean(b))
            .sum();
        if energy > 0.0 {
            // nothing of it left, or its opposite, is limited to 60 dB
            let gain = (common / energy).max(1e-3);
            sum += energy * -20.0 * gain.log10();
            weight += energy;
        }
    }
    if weight <= 0.0 {
        return Err(Unmeasurable::Silent);
    }
    let (one, two) = (
        power_curve(single, rate, INTEGRATION_S),
        power_curve(double, rate, INTEGRATION_S),
    );
    let active = one.iter().copied().fold(0.0, f64::max) * 10f64.powf(-ACTIVE_DB / 10.0);
    let differences: Vec<(f64, f64)> = one
        .iter()
        .zip(&two)
        .enumerate()
        .filter(|(_, (one, _))| **one >= active && **one > 0.0)
        .map(|(index, (one, two))| (time_of(index), db(one / two.max(one * 1e-6))))
        .collect();
    let (at_s, largest) = differences
        .iter()
        .copied()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .ok_or_else(|| Unmeasurable::TooShort {
            needed_s: 0.001,
            got_s: count as f64 / f64::from(rate),
        })?;
    let mean = differences.iter().map(|point| point.1).sum::<f64>() / differences.len() as f64;
    Ok(DoubleTalkAttenuation {
        attenuation: Measurement::single(Db(sum / weight))?,
        level_difference: Measurement::single(Db(mean))?,
        largest_difference: (largest, at_s),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::{speech_like, white_noise};

    #[test]
    fn a_known_attenuation_under_a_known_echo() {
        let single = speech_like(4.0, 16000, 1);
        let echo = white_noise(DbOv(-46.0), 4.0, 16000, 2);
        let double: Vec<f32> = single.iter().zip(&echo).map(|(x, e)| 0.5 * x + e).collect();
        let found = double_talk_attenuation(&single, &double, 16000).expect("speech");
        assert!(
            (found.attenuation.value.0 - 6.02).abs() < 0.2,
            "{}",
            found.attenuation.value
        );
        // the echo makes the level meter read less
        assert!(
            found.level_difference.value.0 < 6.0 && found.level_difference.value.0 > 4.0,
            "{}",
            found.level_difference.value
        );
        let none = double_talk_attenuation(&single, &single, 16000).expect("speech");
        assert!(none.attenuation.value.0.abs() < 1e-9 && none.level_difference.value.0.abs() < 1e-9);
    }

    #[test]
    fn a_muted_direction_is_limited_not_infinite() {
        let single = speech_like(1.0, 8000, 1);
        let found = double_talk_attenuation(&single, &[0.0; 8000], 8000).expect("speech");
        assert!(
            (found.attenuation.value.0 - 60.0).abs() < 1e-6
                && (found.level_difference.value.0 - 60.0).abs() < 1e-6
        );
        assert_eq!(
            double_talk_attenuation(&[0.0; 100], &single, 8000),
            Err(Unmeasurable::Silent)
        );
        assert!(double_talk_attenuation(&[], &single, 8000).is_err());
        assert!(double_talk_attenuation(&[f32::NAN; 100], &single, 8000).is_err());
        assert!(double_talk_attenuation(&single[..3], &single, 8000).is_err());
    }
}
