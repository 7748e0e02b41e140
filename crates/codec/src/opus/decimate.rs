//! Lowering the sample rate of what goes into the encoder by a whole factor.

use std::collections::VecDeque;
use std::f32::consts::{PI, TAU};

/// A windowed-sinc low-pass that keeps every `factor`-th sample of interleaved channels.
#[derive(Debug, Clone)]
pub(super) struct Decimator {
    factor: usize,
    coefficients: Vec<f32>,
    /// One delay line a channel, oldest sample first, as long as the filter.
    lines: Vec<VecDeque<f32>>,
}

impl Decimator {
    /// By `factor`, which is at least 1; a factor of 1 passes the samples on.
    pub(super) fn new(factor: usize, channels: usize) -> Self {
        // 32 zero crossings: flat up to about 0.9 of the new band edge, aliases more than 60 dB down above 1.1
        let taps = if factor == 1 { 1 } else { 32 * factor + 1 };
        let middle = (taps / 2) as f32;
        let mut coefficients: Vec<f32> = (0..taps)
            .map(|n| {
                let x = (n as f32 - middle) / factor as f32 * 0.97;
                let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
                // Blackman
                let phase = TAU * (n + 1) as f32 / (taps + 1) as f32;
                sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos())
            })
            .collect();
        let gain: f32 = coefficients.iter().sum();
        coefficients.iter_mut().for_each(|c| *c /= gain);
        Self {
            factor,
            coefficients,
            lines: vec![VecDeque::from(vec![0.0; taps]); channels],
        }
    }

    /// The interleaved `samples` at the lower rate, -1 to 1. Their number is a multiple of factor times channels.
    pub(super) fn decimate(&mut self, samples: &[i16]) -> Vec<f32> {
        let channels = self.lines.len();
        let mut out = Vec::with_capacity(samples.len() / self.factor);
        for block in samples.chunks_exact(self.factor * channels) {
            for (channel, line) in self.lines.iter_mut().enumerate() {
                for &sample in block.iter().skip(channel).step_by(channels) {
                    line.pop_front();
                    line.push_back(f32::from(sample) / 32768.0);
                }
                out.push(line.iter().zip(&self.coefficients).map(|(s, c)| s * c).sum());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level of a tone of `frequency` after decimation by `factor`, relative to before, dB.
    fn gain(factor: usize, frequency: f32) -> f32 {
        let samples: Vec<i16> = (0..9600)
            .map(|n| (16_384.0 * (TAU * frequency * n as f32 / 48_000.0).sin()) as i16)
            .collect();
        let out = Decimator::new(factor, 1).decimate(&samples);
        assert_eq!(out.len(), 9600 / factor);
        let settled = &out[100..];
        let rms = (settled.iter().map(|s| s * s).sum::<f32>() / settled.len() as f32).sqrt();
        20.0 * (rms / (0.5 / 2f32.sqrt())).log10()
    }

    #[test]
    fn the_band_passes_and_what_would_alias_does_not() {
        for factor in [2, 3, 6] {
            let edge = 24_000.0 / factor as f32;
            assert!(gain(factor, 0.05 * edge).abs() < 0.05, "{factor}");
            assert!(
                gain(factor, 0.85 * edge).abs() < 0.3,
                "{factor}: {}",
                gain(factor, 0.85 * edge)
            );
            assert!(
                gain(factor, 1.2 * edge) < -55.0,
                "{factor}: {}",
                gain(factor, 1.2 * edge)
            );
        }
    }

    #[test]
    fn channels_do_not_mix() {
        let samples: Vec<i16> = (0..960).map(|n| if n % 2 == 0 { 8192 } else { 0 }).collect();
        let out = Decimator::new(3, 2).decimate(&samples);
        assert_eq!(out.len(), 320);
        assert!((out[318] - 0.25).abs() < 1e-3 && out[319].abs() < 1e-6);
    }
}
