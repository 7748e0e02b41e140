//! Frequency responses.

/// Gain over frequency, at frequencies that rise.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    points: Vec<(f64, f64)>,
}

impl Response {
    /// A response from points (Hz, dB). Points that are not finite or not above 0 Hz are left out; the rest is sorted.
    #[must_use]
    pub fn new(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut points: Vec<(f64, f64)> = points
            .into_iter()
            .filter(|(hz, db)| hz.is_finite() && *hz > 0.0 && db.is_finite())
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.dedup_by(|later, earlier| later.0 == earlier.0);
        Self { points }
    }

    /// The points (Hz, dB).
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// Lowest and highest frequency, Hz; `None` without a point.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((self.points.first()?.0, self.points.last()?.0))
    }

    /// Gain at a frequency, dB, on a straight line over log frequency between the points; `None` outside them.
    #[must_use]
    pub fn at(&self, hz: f64) -> Option<f64> {
        let after = self.points.partition_point(|point| point.0 <= hz);
        let before = *self.points.get(after.checked_sub(1)?)?;
        if before.0 == hz {
            return Some(before.1);
        }
        let next = *self.points.get(after)?;
        let share = (hz / before.0).ln() / (next.0 / before.0).ln();
        Some(before.1 + share * (next.1 - before.1))
    }

    /// The same with a constant added, dB.
    #[must_use]
    pub fn shifted(&self, db: f64) -> Self {
        Self::new(self.points.iter().map(|(hz, gain)| (*hz, gain + db)))
    }

    /// The difference to another response at the points that both cover, dB: what a correction or a rig's own response
    /// takes away.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self::new(
            self.points
                .iter()
                .filter_map(|(hz, gain)| Some((*hz, gain - other.at(*hz)?))),
        )
    }

    /// Smoothed over one part of an octave (3 for a third): at each point the mean power over the band around it, by log
    /// frequency. Not finite or not positive parts change nothing.
    #[must_use]
    pub fn smoothed(&self, octave_part: f64) -> Self {
        if !(octave_part.is_finite() && octave_part > 0.0) {
            return self.clone();
        }
        let half = 2f64.powf(0.5 / octave_part);
        // each point stands for the stretch of log frequency to the middles between it and its neighbours
        let width: Vec<f64> = (0..self.points.len())
            .map(|index| {
                let below = self.points[index.saturating_sub(1)].0;
                let above = self.points[(index + 1).min(self.points.len() - 1)].0;
                (above / below).ln().max(f64::MIN_POSITIVE)
            })
            .collect();
        let (mut first, mut last) = (0, 0);
        Self::new(self.points.iter().map(|&(hz, _)| {
            while self.points.get(first).is_some_and(|point| point.0 < hz / half) {
                first += 1;
            }
            while self.points.get(last).is_some_and(|point| point.0 <= hz * half) {
                last += 1;
            }
            let (mut power, mut weight) = (0.0, 0.0);
            for (point, width) in self.points[first..last].iter().zip(&width[first..last]) {
                power += width * 10f64.powf(point.1 / 10.0);
                weight += width;
            }
            (hz, 10.0 * (power / weight).log10())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_sorted_and_foreign_ones_left_out() {
        let response = Response::new([
            (200.0, 1.0),
            (f64::NAN, 0.0),
            (100.0, f64::INFINITY),
            (50.0, -1.0),
            (-3.0, 1.0),
        ]);
        assert_eq!(response.points(), [(50.0, -1.0), (200.0, 1.0)]);
        assert!((response.at(100.0).expect("inside")).abs() < 1e-12);
        assert_eq!((response.at(201.0), response.at(f64::NAN)), (None, None));
        assert_eq!(response.minus(&response).points(), [(50.0, 0.0), (200.0, 0.0)]);
    }

    #[test]
    fn smoothing_keeps_a_line_and_softens_a_notch() {
        let flat = Response::new((1..500).map(|k| (10.0 * f64::from(k), -6.0)));
        for (_, gain) in flat.smoothed(3.0).points() {
            assert!((gain + 6.0).abs() < 1e-9);
        }
        let notched =
            Response::new((1..500).map(|k| (10.0 * f64::from(k), if k == 100 { -60.0 } else { 0.0 })));
        let smooth = notched.smoothed(3.0).at(1000.0).expect("inside");
        assert!((-1.0..0.0).contains(&smooth), "{smooth}");
        assert_eq!(notched.smoothed(0.0), notched);
        assert!(Response::default().smoothed(3.0).points().is_empty());
    }
}
