//! Drift of one clock against another: the slope of the delay over time.
//!
//! Least squares over the lags of blocks of speech, with an offset of its own for every stretch between two steps of
//! the delay, so that a jitter buffer's steps are not taken for drift. Blocks far off the line are left out once.

use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::uncertainty::Uncertainty;
use crate::unit::PartsPerMillion;

/// Fewest points for a slope.
const FEWEST: usize = 6;
/// Residuals beyond this many typical ones are left out.
const OUTLIER: f64 = 4.0;
/// Coverage factor of the stated uncertainty.
const COVERAGE: f64 = 2.0;

/// A slope with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    /// Change of the lag by sample.
    pub(crate) slope: f64,
    pub(crate) standard_error: f64,
    pub(crate) points: usize,
}

impl Line {
    pub(crate) fn result(line: Option<Self>) -> Measured<PartsPerMillion> {
        let line = line.ok_or(Unmeasurable::NoSuchPart(
            "stretch of steady delay that is long enough",
        ))?;
        let mut result = Measurement::single(PartsPerMillion(line.slope * 1e6))?;
        result.n = line.points;
        result.uncertainty = Uncertainty::expanded(COVERAGE * line.standard_error * 1e6, COVERAGE);
        Ok(result)
    }
}

/// Drift of a recording from delays at points in time: groups of (time, delay), both in s, one group for each stretch
/// without a step. Positive when the delay grows, that is when the recording has more samples than the reference: its
/// clock is faster than the one the reference was played with.
///
/// # Errors
/// [`Unmeasurable::NoSuchPart`] for fewer than six points or none apart.
pub fn drift(groups: &[Vec<(f64, f64)>]) -> Measured<PartsPerMillion> {
    let weighted: Vec<Vec<(f64, f64, f64)>> = groups
        .iter()
        .map(|group| group.iter().map(|(time, delay)| (*time, *delay, 1.0)).collect())
        .collect();
    Line::result(fit(&weighted))
}

/// Common slope of groups of (place, lag, weight).
pub(crate) fn fit(groups: &[Vec<(f64, f64, f64)>]) -> Option<Line> {
    let (first, residuals) = slope(groups)?;
    let mut sizes: Vec<f64> = residuals
        .iter()
        .flatten()
        .map(|residual| residual.abs())
        .collect();
    sizes.sort_by(f64::total_cmp);
    // the median of the absolute values is 0.6745 standard deviations
    let typical = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0) / 0.6745;
    let kept: Vec<Vec<(f64, f64, f64)>> = groups
        .iter()
        .zip(&residuals)
        .map(|(group, residuals)| {
            let near = group
                .iter()
                .zip(residuals)
                .filter(|(_, residual)| residual.abs() <= OUTLIER * typical + f64::EPSILON);
            near.map(|(point, _)| *point).collect()
        })
        .collect();
    Some(slope(&kept).map_or(first, |(line, _)| line))
}

/// Weighted least squares with an offset a group; with the residuals.
fn slope(groups: &[Vec<(f64, f64, f64)>]) -> Option<(Line, Vec<Vec<f64>>)> {
    let points: usize = groups.iter().map(Vec::len).sum();
    let used = groups.iter().filter(|group| !group.is_empty()).count();
    if points < FEWEST.max(used + 2) {
        return None;
    }
    let means: Vec<(f64, f64)> = groups.iter().map(|group| mean(group)).collect();
    let (mut xx, mut xy) = (0.0, 0.0);
    for (group, mean) in groups.iter().zip(&means) {
        for (x, y, weight) in group {
            xx += weight * (x - mean.0).powi(2);
            xy += weight * (x - mean.0) * (y - mean.1);
        }
    }
    let slope = xy / xx;
    if !slope.is_finite() {
        return None;
    }
    let mut squares = 0.0;
    let residuals = groups.iter().zip(&means).map(|(group, mean)| {
        let of_group = group.iter().map(|(x, y, weight)| {
            let residual = y - mean.1 - slope * (x - mean.0);
            squares += weight * residual * residual;
            residual
        });
        of_group.collect::<Vec<f64>>()
    });
    let residuals = residuals.collect();
    let freedom = (points - used - 1) as f64;
    let line = Line {
        slope,
        standard_error: (squares / freedom / xx).sqrt(),
        points,
    };
    Some((line, residuals))
}

fn mean(group: &[(f64, f64, f64)]) -> (f64, f64) {
    let total: f64 = group.iter().map(|point| point.2).sum();
    let sum = |of: fn(&(f64, f64, f64)) -> f64| group.iter().map(|point| point.2 * of(point)).sum::<f64>();
    (sum(|point| point.0) / total, sum(|point| point.1) / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_survives_a_step_and_an_outlier() {
        let line = |from: f64, offset: f64| -> Vec<(f64, f64)> {
            (0..20)
                .map(|n| from + f64::from(n) * 0.1)
                .map(|time| (time, offset + 35e-6 * time))
                .collect()
        };
        let mut groups = vec![line(0.0, 0.1), line(3.0, 0.14)];
        groups[0][7].1 += 0.000_4;
        let found = drift(&groups).unwrap();
        assert!((found.value.0 - 35.0).abs() < 1e-6, "{found:?}");
        assert_eq!(found.n, 39);
    }

    #[test]
    fn too_little_has_no_slope() {
        assert!(drift(&[]).is_err());
        assert!(drift(&[vec![(0.0, 0.0); 5]]).is_err());
        assert!(drift(&[vec![(1.0, 2.0); 50]]).is_err(), "all at one time");
        assert!(drift(&[vec![(1.0, f64::NAN); 50]]).is_err());
    }

    #[test]
    fn noise_shows_in_the_uncertainty() {
        let noisy: Vec<(f64, f64)> = (0..100)
            .map(|n| (f64::from(n) * 0.1, if n % 2 == 0 { 1e-5 } else { -1e-5 }))
            .collect();
        let found = drift(&[noisy]).unwrap();
        let stated = found.uncertainty.unwrap().expanded;
        assert!(
            found.value.0.abs() < stated && (0.3..2.0).contains(&stated),
            "{found:?}"
        );
    }
}
