//! Maximum-length sequences.

use serde::{Deserialize, Serialize};

use crate::level::DbOv;

/// Orders of which a sequence is made.
pub(crate) const ORDERS: std::ops::RangeInclusive<u32> = 2..=20;
/// Feedback taps of a shift register of each order, 2 to 20, from tables of primitive polynomials over GF(2).
const TAPS: [&[u32]; 19] = [
    &[2, 1],
    &[3, 2],
    &[4, 3],
    &[5, 3],
    &[6, 5],
    &[7, 6],
    &[8, 6, 5, 4],
    &[9, 5],
    &[10, 7],
    &[11, 9],
    &[12, 6, 4, 1],
    &[13, 4, 3, 1],
    &[14, 5, 3, 1],
    &[15, 14],
    &[16, 15, 13, 4],
    &[17, 14],
    &[18, 11],
    &[19, 6, 2, 1],
    &[20, 17],
];

/// A two-valued periodic signal with a flat spectrum: its periodic autocorrelation is 1 at zero and -1 over its length
/// elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaximumLength {
    /// Length of the shift register, 2 to 20; the period is 2^order - 1 samples.
    pub order: u32,
    /// Periods that are played. The first one brings the device into its periodic state.
    pub periods: u32,
}

impl MaximumLength {
    /// Samples of a period; 0 when the order is not possible.
    #[must_use]
    pub fn period(&self) -> usize {
        if ORDERS.contains(&self.order) {
            (1 << self.order) - 1
        } else {
            0
        }
    }

    /// The periods at rms level `dbov`, at any rate; empty when the order is not possible.
    #[must_use]
    pub fn samples(&self, dbov: DbOv) -> Vec<f32> {
        let Some(taps) = self
            .order
            .checked_sub(2)
            .and_then(|index| TAPS.get(index as usize))
        else {
            return Vec::new();
        };
        let amplitude = dbov.to_rms() as f32;
        let mut register = (1u32 << self.order) - 1;
        let period: Vec<f32> = (0..self.period())
            .map(|_| {
                let out = register & 1;
                // a register that shifts down has the tap of its end at bit 0
                let fed_back = taps
                    .iter()
                    .fold(0, |sum, tap| sum ^ (register >> (self.order - tap)));
                register = (register >> 1) | ((fed_back & 1) << (self.order - 1));
                if out == 1 { amplitude } else { -amplitude }
            })
            .collect();
        period.repeat(self.periods as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;

    #[test]
    fn every_order_has_its_full_period() {
        for order in ORDERS {
            let sequence = MaximumLength { order, periods: 1 };
            let samples = sequence.samples(DbOv(0.0));
            assert_eq!(samples.len(), sequence.period());
            // a register of full period takes every state but zero once: one more 1 than 0
            let sum: f64 = samples.iter().map(|&x| f64::from(x)).sum();
            assert_eq!(sum, 1.0, "order {order}");
            let mut windows = std::collections::HashSet::new();
            if order <= 12 {
                let bits: Vec<bool> = samples.iter().map(|x| *x > 0.0).collect();
                let doubled = [bits.as_slice(), bits.as_slice()].concat();
                for start in 0..bits.len() {
                    assert!(
                        windows.insert(doubled[start..start + order as usize].to_vec()),
                        "order {order}"
                    );
                }
            }
        }
        assert!(
            MaximumLength {
                order: 21,
                periods: 1
            }
            .samples(DbOv(0.0))
            .is_empty()
        );
        assert!(
            MaximumLength { order: 0, periods: 1 }
                .samples(DbOv(0.0))
                .is_empty()
        );
    }

    #[test]
    fn the_autocorrelation_is_an_impulse() {
        let samples = MaximumLength { order: 9, periods: 1 }.samples(DbOv(-20.0));
        assert!((rms_dbov(&samples).0 + 20.0).abs() < 1e-5);
        let count = samples.len();
        for lag in 1..count {
            let sum: f32 = (0..count).map(|n| samples[n] * samples[(n + lag) % count]).sum();
            assert!((sum / 0.01 + 1.0).abs() < 1e-2, "lag {lag}: {sum}");
        }
    }
}
