//! Gain over level, and gain that follows the level: automatic gain control.

use crate::level::{DbOv, rms_dbov};
use crate::measurement::{Measurement, Unmeasurable};
use crate::stimulus::SteppedSine;
use crate::tone::tone_level;
use crate::transfer::steady;
use crate::unit::{Db, Milliseconds};

/// Window of a gain over time, s.
const WINDOW_S: f64 = 0.010;
/// Distance of the windows, s.
const HOP_S: f64 = 0.0025;
/// Time before a step over which the gain is averaged, s.
const BEFORE_S: f64 = 0.25;
/// Share of the time after a step, at its end, over which the final gain is averaged.
const FINAL_SHARE: f64 = 0.25;
/// Windows of the reference this far below its strongest have no gain, dB.
const DYNAMIC_DB: f64 = 40.0;

/// Gain at one level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelPoint {
    /// Level at the input relative to the nominal one, dB.
    pub input_db: f64,
    /// Level at the output.
    pub output: DbOv,
    /// Gain relative to that at the nominal level, dB.
    pub deviation_db: f64,
}

/// Gain against level: from levels at the input relative to the nominal one, dB, and levels at the output. The gain at the
/// input level nearest to 0 dB is the reference.
///
/// # Errors
/// No point with a finite level.
pub fn linearity(levels: &[(f64, DbOv)]) -> Result<Vec<LevelPoint>, Unmeasurable> {
    let usable = || {
        levels
            .iter()
            .filter(|(input, output)| input.is_finite() && output.0.is_finite())
    };
    let reference = usable()
        .min_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))
        .map(|(input, output)| output.0 - input)
        .ok_or(Unmeasurable::Silent)?;
    Ok(usable()
        .map(|(input, output)| LevelPoint {
            input_db: *input,
            output: *output,
            deviation_db: output.0 - input - reference,
        })
        .collect())
}

/// [`linearity`] of a recording of a stepped sine of one frequency and several levels; `delay` is that of the recording,
/// in samples. The ends of each tone are left out, so that a gain control has settled.
///
/// # Errors
/// No whole tone in the recording.
pub fn stepped_linearity(
    stepped: &SteppedSine,
    recorded: &[f32],
    rate: u32,
    delay: usize,
) -> Result<Vec<LevelPoint>, Unmeasurable> {
    let levels: Vec<(f64, DbOv)> = stepped
        .steps(rate)
        .iter()
        .filter_map(|step| {
            Some((
                step.level_db,
                tone_level(steady(recorded, step, delay)?, rate, step.hz),
            ))
        })
        .collect();
    linearity(&levels)
}

/// What a gain control does when the level jumps.
#[derive(Debug, Clone, PartialEq)]
pub struct GainStep {
    /// Gain before the jump, dB.
    pub before_db: f64,
    /// Gain at the end, dB.
    pub after_db: f64,
    /// Change of the gain: 0 for a linear device.
    pub change: Measurement<Db>,
    /// Largest magnitude of the difference between the gain and its final value after the jump.
    pub overshoot: Measurement<Db>,
    /// From the jump until the gain stays within the tolerance of its final value: the attack time of a jump upwards, the
    /// release time of a jump downwards.
    pub settling: Measurement<Milliseconds>,
    /// Gain over time: (s, dB).
    pub curve: Vec<(f64, f64)>,
}

/// Gain of a device over time when the level of a steady signal jumps at `step_at_s` (by 10 dB, usually). The recordings
/// must be aligned; windows are 10 ms, so the time is known to about 5 ms.
///
/// # Errors
/// Silence, less than 50 ms before or 100 ms after the jump.
pub fn gain_step(
    reference: &[f32],
    measured: &[f32],
    rate: u32,
    step_at_s: f64,
    tolerance_db: f64,
) -> Result<GainStep, Unmeasurable> {
    let seconds = reference.len().min(measured.len()) as f64 / f64::from(rate.max(1));
    if !(step_at_s >= 0.05 && seconds >= step_at_s + 0.1) {
        return Err(Unmeasurable::TooShort {
            needed_s: step_at_s.max(0.05) + 0.1,
            got_s: seconds,
        });
    }
    let curve = gain_curve(reference, measured, rate);
    // a window that reaches over the jump mixes the gains
    let guard = WINDOW_S / 2.0;
    let before: Vec<f64> = gains(&curve, step_at_s - BEFORE_S, step_at_s - guard);
    let end_from = seconds - FINAL_SHARE * (seconds - step_at_s);
    let after: Vec<f64> = gains(&curve, end_from, seconds);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    if before.is_empty() || after.is_empty() {
        return Err(Unmeasurable::Silent);
    }
    let (before_db, after_db) = (mean(&before), mean(&after));
    let later = || curve.iter().filter(|point| point.0 >= step_at_s + guard);
    let overshoot = later()
        .map(|point| (point.1 - after_db).abs())
        .fold(0.0, f64::max);
    let settled_at = later()
        .filter(|point| (point.1 - after_db).abs() > tolerance_db)
        .map(|point| point.0)
        .fold(step_at_s, f64::max);
    Ok(GainStep {
        before_db,
        after_db,
        change: Measurement::single(Db(after_db - before_db))?,
        overshoot: Measurement::single(Db(overshoot))?,
        settling: Measurement::single(Milliseconds(1000.0 * (settled_at - step_at_s)))?,
        curve,
    })
}

/// Gain of aligned recordings over time: (middle of the window in s, dB), where both have a signal.
#[must_use]
pub fn gain_curve(reference: &[f32], measured: &[f32], rate: u32) -> Vec<(f64, f64)> {
    let rate_hz = f64::from(rate.max(1));
    let window = ((WINDOW_S * rate_hz) as usize).max(1);
    let hop = ((HOP_S * rate_hz) as usize).max(1);
    let windows: Vec<(f64, f64, f64)> = (0..)
        .map(|index| index * hop)
        .map_while(|start| {
            let input = rms_dbov(reference.get(start..start + window)?).0;
            let output = rms_dbov(measured.get(start..start + window)?).0;
            Some(((start as f64 + window as f64 / 2.0) / rate_hz, input, output))
        })
        .collect();
    let strongest = windows
        .iter()
        .map(|point| point.1)
        .fold(f64::NEG_INFINITY, f64::max);
    windows
        .into_iter()
        .filter(|point| point.1 > strongest - DYNAMIC_DB && point.2.is_finite())
        .map(|(time, input, output)| (time, output - input))
        .collect()
}

fn gains(curve: &[(f64, f64)], from: f64, to: f64) -> Vec<f64> {
    curve
        .iter()
        .filter(|point| point.0 >= from && point.0 <= to)
        .map(|point| point.1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::sine;

    #[test]
    fn a_limiter_bends_the_line() {
        let stepped = SteppedSine {
            hz: vec![1020.0],
            levels_db: vec![-30.0, -20.0, -10.0, 0.0, 10.0],
            tone_s: 0.5,
            pause_s: 0.1,
        };
        let played = stepped.samples(DbOv(-26.0), 8000);
        let mut recorded = vec![0.0; 99];
        // the sine of +10 dB has an amplitude of 0.224
        recorded.extend(played.iter().map(|x| 2.0 * x.clamp(-0.1, 0.1)));
        let points = stepped_linearity(&stepped, &recorded, 8000, 99).expect("tones");
        for point in &points[..4] {
            assert!(point.deviation_db.abs() < 0.01, "{point:?}");
        }
        assert!((-6.5..-4.0).contains(&points[4].deviation_db), "{:?}", points[4]);
        assert_eq!(linearity(&[(0.0, DbOv::SILENCE)]), Err(Unmeasurable::Silent));
        assert!(stepped_linearity(&stepped, &recorded[..100], 8000, 0).is_err());
    }

    #[test]
    fn a_gain_control_of_known_time() {
        // after the jump of +10 dB the gain goes exponentially from 0 to -6 dB with 50 ms: within 1 dB after
        // 50 ms * ln 6 = 89.6 ms
        let rate = 16000;
        let mut reference = sine(1000.0, DbOv(-30.0), 1.0, rate);
        reference.extend(sine(1000.0, DbOv(-20.0), 1.0, rate));
        let measured: Vec<f32> = reference
            .iter()
            .enumerate()
            .map(|(n, x)| {
                let t = n as f64 / f64::from(rate) - 1.0;
                let db = if t < 0.0 {
                    0.0
                } else {
                    -6.0 * (1.0 - (-t / 0.05).exp())
                };
                x * 10f64.powf(db / 20.0) as f32
            })
            .collect();
        let found = gain_step(&reference, &measured, rate, 1.0, 1.0).expect("a jump");
        assert!(
            (found.change.value.0 + 6.0).abs() < 0.02 && found.before_db.abs() < 0.01,
            "{}",
            found.change.value
        );
        assert!(
            (found.settling.value.0 - 89.6).abs() < 5.0,
            "{}",
            found.settling.value
        );
        let linear = gain_step(&reference, &reference, rate, 1.0, 1.0).expect("a jump");
        assert!(linear.change.value.0.abs() < 1e-9 && linear.settling.value.0 == 0.0);
        assert!(gain_step(&reference, &measured, rate, 1.95, 1.0).is_err());
        assert!(gain_step(&[0.0; 16000], &[0.0; 16000], 8000, 0.5, 1.0).is_err());
        assert!(gain_step(&reference, &measured, rate, f64::NAN, 1.0).is_err());
        assert!(gain_step(&reference, &measured, 0, 1.0, 1.0).is_err());
    }
}
