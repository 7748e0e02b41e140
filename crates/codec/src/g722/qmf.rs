//! The quadrature mirror filters that split 16 kHz into two bands of 8 kHz and join them (G.722 clause 5).

use super::band::limit_band;
use super::tables::QMF;

/// Transmit side: two samples at 16 kHz to one sample in each band.
#[derive(Debug, Clone, Default)]
pub(super) struct Analysis {
    /// The 12 latest samples of either phase, newest first.
    even: [i32; 12],
    odd: [i32; 12],
}

impl Analysis {
    /// The low and the high band of the pair (`first`, `second`), limited to 15 bits.
    pub(super) fn split(&mut self, first: i16, second: i16) -> (i32, i32) {
        push(&mut self.odd, i32::from(first));
        push(&mut self.even, i32::from(second));
        let even = ascending(&self.even);
        let odd = descending(&self.odd);
        // 16-bit samples are one bit wider than the recommendation's, and the coefficients have 13 bits
        (limit_band((even + odd) >> 14), limit_band((even - odd) >> 14))
    }
}

/// Receive side: one sample in each band to two samples at 16 kHz.
#[derive(Debug, Clone, Default)]
pub(super) struct Synthesis {
    difference: [i32; 12],
    sum: [i32; 12],
}

impl Synthesis {
    /// The next two samples at 16 kHz.
    pub(super) fn join(&mut self, low: i32, high: i32) -> [i16; 2] {
        push(&mut self.difference, low - high);
        push(&mut self.sum, low + high);
        [ascending(&self.difference), descending(&self.sum)].map(|accumulator| {
            // the clamp makes the cast exact
            (accumulator >> 11).clamp(-32768, 32767) as i16
        })
    }
}

fn push(line: &mut [i32; 12], sample: i32) {
    line.rotate_right(1);
    line[0] = sample;
}

/// Sum over the coefficients H0, H2, ... H22: the response is symmetric, so those past the middle are the odd ones of
/// the first half, backwards.
fn ascending(line: &[i32; 12]) -> i32 {
    let coefficients = (0..6)
        .map(|n| QMF[2 * n])
        .chain((0..6).rev().map(|n| QMF[2 * n + 1]));
    line.iter()
        .zip(coefficients)
        .map(|(sample, coefficient)| sample * coefficient)
        .sum()
}

/// Sum over the coefficients H1, H3, ... H23.
fn descending(line: &[i32; 12]) -> i32 {
    let coefficients = (0..6)
        .map(|n| QMF[2 * n + 1])
        .chain((0..6).rev().map(|n| QMF[2 * n]));
    line.iter()
        .zip(coefficients)
        .map(|(sample, coefficient)| sample * coefficient)
        .sum()
}
