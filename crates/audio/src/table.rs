//! Tables of a value over frequency.

/// Value at a frequency, linear over the logarithm of the frequency between the points, which ascend. Outside the table
/// the value goes on as steep as at its end when `beyond`, and is `None` otherwise.
pub(crate) fn interpolate(points: &[(f64, f64)], hz: f64, beyond: bool) -> Option<f64> {
    if hz.is_nan() || hz <= 0.0 {
        return None;
    }
    let (&first, &last) = (points.first()?, points.last()?);
    if hz == last.0 {
        return Some(last.1);
    }
    let inside = (first.0..last.0).contains(&hz);
    if !inside && !beyond {
        return None;
    }
    let above = points
        .partition_point(|point| point.0 <= hz)
        .clamp(1, points.len() - 1);
    let (low, high) = (points.get(above - 1)?, points.get(above)?);
    let share = (hz / low.0).ln() / (high.0 / low.0).ln();
    Some(low.1 + share * (high.1 - low.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_straight_over_the_logarithm() {
        let table = [(100.0, 0.0), (1000.0, 10.0), (10_000.0, -10.0)];
        for (hz, value) in [
            (100.0, 0.0),
            (316.227_766, 5.0),
            (1000.0, 10.0),
            (3_162.277_66, 0.0),
            (10_000.0, -10.0),
        ] {
            assert!(
                (interpolate(&table, hz, false).expect("inside") - value).abs() < 1e-6,
                "{hz}"
            );
        }
        assert_eq!(interpolate(&table, 99.0, false), None);
        assert!((interpolate(&table, 10.0, true).expect("beyond") + 10.0).abs() < 1e-9);
        assert!((interpolate(&table, 100_000.0, true).expect("beyond") + 30.0).abs() < 1e-9);
        assert_eq!(interpolate(&table, f64::NAN, true), None);
        assert_eq!(interpolate(&[], 100.0, true), None);
        assert_eq!(interpolate(&[(100.0, 1.0)], 100.0, true), Some(1.0));
    }
}
