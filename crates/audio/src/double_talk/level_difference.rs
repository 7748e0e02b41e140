//! Double talk by classes of level difference and duration (3GPP TS 26.132): for a report, without a limit.

use crate::echo::envelope::{HOP_S, check, db, power_curve};
use crate::measurement::Unmeasurable;

/// Integration time of levels, s: own value.
const INTEGRATION_S: f64 = 0.005;
/// Level of the clean signal, below its largest, down to which it counts as active, dB: own value.
const ACTIVE_DB: f64 = 30.0;

/// The bounds between the classes.
///
/// The defaults (level differences of -15, -4 and 4 dB, durations of 25 and 150 ms) are those the author remembers of
/// TS 26.132; they are unverified, and can be replaced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassBounds {
    /// Below it speech is lost, dB.
    pub lost_db: f64,
    /// Below it speech is attenuated, dB.
    pub attenuated_db: f64,
    /// From it up there is more than speech: echo, dB.
    pub echo_db: f64,
    /// Durations that separate short, middle and long, ms.
    pub durations_ms: [f64; 2],
}

impl Default for ClassBounds {
    fn default() -> Self {
        Self {
            lost_db: -15.0,
            attenuated_db: -4.0,
            echo_db: 4.0,
            durations_ms: [25.0, 150.0],
        }
    }
}

/// What happened in a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// The speech came through as it was.
    Kept,
    /// It was attenuated.
    Attenuated,
    /// It was lost.
    Lost,
    /// Something was added.
    Echo,
}

/// How long a stretch of the same difference lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Duration {
    /// Up to the first bound.
    Short,
    /// Between the bounds.
    Middle,
    /// From the second bound.
    Long,
}

/// One class of the report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassShare {
    /// What happened.
    pub difference: Difference,
    /// For how long at a time.
    pub duration: Duration,
    /// Share of the active time, percent.
    pub percent: f64,
    /// Mean level difference, dB; 0 for a class without time.
    pub mean_db: f64,
}

/// Sorts the active time of the near end into classes by the difference of the level of what was sent from that of the
/// clean near-end signal, both aligned and levelled to each other. Differences are limited to 60 dB. The shares add up to
/// 100 percent.
///
/// # Errors
/// Nothing to measure, a silent near end.
pub fn level_difference_classes(
    clean_near_end: &[f32],
    sent: &[f32],
    rate: u32,
    bounds: &ClassBounds,
) -> Result<Vec<ClassShare>, Unmeasurable> {
    check(clean_near_end, rate)?;
    check(sent, rate)?;
    let (near, out) = (
        power_curve(clean_near_end, rate, INTEGRATION_S),
        power_curve(sent, rate, INTEGRATION_S),
    );
    let largest = near.iter().copied().fold(0.0, f64::max);
    let active = largest * 10f64.powf(-ACTIVE_DB / 10.0);
    if largest <= 0.0 {
        return Err(Unmeasurable::Silent);
    }
    let mut runs: Vec<(Difference, usize, f64)> = Vec::new();
    let mut goes_on = false;
    for (near, out) in near.iter().zip(&out) {
        if *near < active {
            goes_on = false;
            continue;
        }
        let value = db(out / near).clamp(-60.0, 60.0);
        let difference = match value {
            value if value < bounds.lost_db => Difference::Lost,
            value if value < bounds.attenuated_db => Difference::Attenuated,
            value if value >= bounds.echo_db => Difference::Echo,
            _ => Difference::Kept,
        };
        match runs.last_mut() {
            Some(run) if goes_on && run.0 == difference => {
                run.1 += 1;
                run.2 += value;
            }
            _ => runs.push((difference, 1, value)),
        }
        goes_on = true;
    }
    let total: usize = runs.iter().map(|run| run.1).sum();
    if total == 0 {
        return Err(Unmeasurable::NoSuchPart("common time of the two recordings"));
    }
    let class = |points: usize| {
        let milliseconds = points as f64 * HOP_S * 1000.0;
        match bounds.durations_ms {
            [short, _] if milliseconds < short => Duration::Short,
            [_, long] if milliseconds < long => Duration::Middle,
            _ => Duration::Long,
        }
    };
    let mut shares = Vec::new();
    for difference in [
        Difference::Kept,
        Difference::Attenuated,
        Difference::Lost,
        Difference::Echo,
    ] {
        for duration in [Duration::Short, Duration::Middle, Duration::Long] {
            let (points, sum) = runs
                .iter()
                .filter(|run| run.0 == difference && class(run.1) == duration)
                .fold((0, 0.0), |(points, sum), run| (points + run.1, sum + run.2));
            shares.push(ClassShare {
                difference,
                duration,
                percent: 100.0 * points as f64 / total as f64,
                mean_db: if points == 0 { 0.0 } else { sum / points as f64 },
            });
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::sine;

    fn share(shares: &[ClassShare], difference: Difference, duration: Duration) -> ClassShare {
        *shares
            .iter()
            .find(|share| share.difference == difference && share.duration == duration)
            .expect("every class is listed")
    }

    #[test]
    fn gaps_of_known_length_are_classed() {
        let near = sine(1000.0, DbOv(-20.0), 10.0, 16000);
        let mut sent = near.clone();
        // 1 s attenuated by 10 dB, a gap of 80 ms, 2 s with an echo of +6 dB
        for (from, to, gain) in [(1.0, 2.0, 0.316_23), (4.0, 4.08, 0.0), (6.0, 8.0, 2.0)] {
            for sample in &mut sent[(from * 16000.0) as usize..(to * 16000.0) as usize] {
                *sample *= gain;
            }
        }
        let shares =
            level_difference_classes(&near, &sent, 16000, &ClassBounds::default()).expect("a signal");
        let total: f64 = shares.iter().map(|share| share.percent).sum();
        assert!((total - 100.0).abs() < 1e-9 && shares.len() == 12);
        let attenuated = share(&shares, Difference::Attenuated, Duration::Long);
        assert!(
            (attenuated.percent - 10.0).abs() < 0.2 && (attenuated.mean_db + 10.0).abs() < 0.2,
            "{attenuated:?}"
        );
        let lost = share(&shares, Difference::Lost, Duration::Middle);
        assert!((0.5..0.9).contains(&lost.percent), "{lost:?}");
        let echo = share(&shares, Difference::Echo, Duration::Long);
        assert!(
            (echo.percent - 20.0).abs() < 0.3 && (echo.mean_db - 6.0).abs() < 0.1,
            "{echo:?}"
        );
    }

    #[test]
    fn bad_recordings_are_refused() {
        let bounds = ClassBounds::default();
        assert_eq!(
            level_difference_classes(&[0.0; 100], &[0.0; 100], 8000, &bounds),
            Err(Unmeasurable::Silent)
        );
        assert!(level_difference_classes(&[], &[0.0; 100], 8000, &bounds).is_err());
        assert!(level_difference_classes(&[f32::NAN; 100], &[0.0; 100], 8000, &bounds).is_err());
    }
}
