//! Limits that depend on a level.

/// Limits in dB at levels in dB, straight lines between them (TS 26.131: interpolation linear in dB).
#[derive(Debug, Clone, PartialEq)]
pub struct LevelLimits(Vec<(f64, f64)>);

/// Least send signal-to-distortion ratio at 1020 Hz: (level in dBPa at the mouth reference point, dB), TS 26.131 tables
/// 15 and 31.
pub const SEND_DISTORTION_1020_HZ: [(f64, f64); 6] = [
    (-20.0, 27.0),
    (-15.0, 30.0),
    (-10.0, 33.0),
    (-4.7, 35.0),
    (0.0, 35.0),
    (5.0, 30.0),
];

/// Least send signal-to-distortion ratio at -4.7 dBPa: (frequency in Hz, dB), the same tables. Those up to 816 Hz do not
/// hold for hands-free.
pub const SEND_DISTORTION_NOMINAL: [(f64, f64); 4] =
    [(315.0, 28.0), (408.0, 32.0), (510.0, 32.0), (816.0, 32.0)];

impl LevelLimits {
    /// Limits at levels; `None` when the levels do not rise, a number is not finite, or there is none.
    #[must_use]
    pub fn new(points: Vec<(f64, f64)>) -> Option<Self> {
        let rising = points.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let finite = points
            .iter()
            .all(|(level, limit)| level.is_finite() && limit.is_finite());
        (rising && finite && !points.is_empty()).then_some(Self(points))
    }

    /// The limit at a level; `None` outside the levels.
    #[must_use]
    pub fn at(&self, level: f64) -> Option<f64> {
        let after = self.0.partition_point(|point| point.0 <= level);
        let before = *self.0.get(after.checked_sub(1)?)?;
        if before.0 == level {
            return Some(before.1);
        }
        let next = *self.0.get(after)?;
        Some(before.1 + (level - before.0) / (next.0 - before.0) * (next.1 - before.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_interpolated() {
        let limits = LevelLimits::new(SEND_DISTORTION_1020_HZ.to_vec()).expect("the table rises");
        assert_eq!(limits.at(-20.0), Some(27.0));
        assert_eq!(limits.at(-12.5), Some(31.5));
        assert_eq!(limits.at(5.0), Some(30.0));
        assert_eq!((limits.at(5.1), limits.at(f64::NAN)), (None, None));
        assert_eq!(LevelLimits::new(vec![(1.0, 0.0), (0.0, 0.0)]), None);
        assert_eq!(LevelLimits::new(vec![]), None);
    }
}
