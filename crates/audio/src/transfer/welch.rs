//! Power and cross spectra by Welch's method: Hann frames that overlap by three quarters.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::measurement::Unmeasurable;
use crate::sample::clean;

/// Spacing of the lines that is aimed at, Hz: narrow against a twelfth octave at 100 Hz.
const LINE_HZ: f64 = 3.0;
/// What the squared Hann window adds up to when frames overlap by three quarters.
const WINDOW_SUM: f64 = 1.5;

/// Averaged spectra of two signals over the same frames.
pub(crate) struct Spectra {
    /// Distance of the lines, Hz.
    pub(crate) step: f64,
    /// Mean power of the first signal in each line; the sum is its mean square.
    pub(crate) input: Vec<f64>,
    /// The same of the second.
    pub(crate) output: Vec<f64>,
    /// Mean of conjugate first times second in each line.
    pub(crate) cross: Vec<Complex<f64>>,
}

/// Transforms overlapping frames of a signal.
struct Frames {
    forward: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    buffer: Vec<f64>,
}

impl Frames {
    fn new(size: usize) -> Self {
        let window = (0..size)
            .map(|n| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / size as f64).cos())
            .collect();
        Self {
            forward: RealFftPlanner::new().plan_fft_forward(size),
            window,
            buffer: vec![0.0; size],
        }
    }

    /// The transform of the frame whose first sample is `start - size`; what is outside the signal is zero.
    fn transform(&mut self, samples: &[f32], start: usize, lines: &mut [Complex<f64>]) {
        let size = self.window.len();
        for (n, (slot, window)) in self.buffer.iter_mut().zip(&self.window).enumerate() {
            let sample = (start + n).checked_sub(size).and_then(|index| samples.get(index));
            *slot = sample.map_or(0.0, |&sample| clean(sample) * window);
        }
        self.forward
            .process(&mut self.buffer, lines)
            .expect("the buffers have the sizes of the plan");
    }
}

/// Power in the lines of a whole signal under one Blackman-Harris window, and the distance of the lines in Hz: its side
/// lobes are below -92 dB, so that what is strong in one band does not leak into another. The sum is the mean square of
/// the windowed signal over that of the window.
pub(crate) fn whole_spectrum(samples: &[f32], rate: u32) -> (Vec<f64>, f64) {
    let count = samples.len();
    let mut energy = 0.0;
    let mut windowed: Vec<f64> = samples
        .iter()
        .enumerate()
        .map(|(n, &sample)| {
            let turn = std::f64::consts::TAU * n as f64 / count as f64;
            let window =
                0.35875 - 0.48829 * turn.cos() + 0.14128 * (2.0 * turn).cos() - 0.01168 * (3.0 * turn).cos();
            energy += window * window;
            clean(sample) * window
        })
        .collect();
    let size = count.next_power_of_two().max(2);
    windowed.resize(size, 0.0);
    let forward = RealFftPlanner::new().plan_fft_forward(size);
    let mut lines = forward.make_output_vec();
    forward
        .process(&mut windowed, &mut lines)
        .expect("the buffers have the sizes of the plan");
    let power = lines
        .iter()
        .enumerate()
        .map(|(line, value)| {
            let sides = if line == 0 || line == size / 2 { 1.0 } else { 2.0 };
            sides * value.norm_sqr() / (size as f64 * f64::max(energy, f64::MIN_POSITIVE))
        })
        .collect();
    (power, f64::from(rate) / size as f64)
}

/// Number of samples of a frame at a rate.
fn frame_size(rate: u32) -> usize {
    ((f64::from(rate) / LINE_HZ) as usize)
        .next_power_of_two()
        .clamp(64, 1 << 17)
}

/// Mean power in each line and the distance of the lines in Hz. Every sample counts the same.
pub(crate) fn power_spectrum(samples: &[f32], rate: u32) -> Result<(Vec<f64>, f64), Unmeasurable> {
    if samples.is_empty() || rate == 0 {
        return Err(Unmeasurable::NothingToMeasure);
    }
    let size = frame_size(rate);
    let mut frames = Frames::new(size);
    let mut lines = vec![Complex::ZERO; size / 2 + 1];
    let mut power = vec![0.0; size / 2 + 1];
    for start in (size / 4..samples.len() + size).step_by(size / 4) {
        frames.transform(samples, start, &mut lines);
        for (sum, line) in power.iter_mut().zip(&lines) {
            *sum += line.norm_sqr();
        }
    }
    for (line, power) in power.iter_mut().enumerate() {
        *power *= line_weight(line, size) / samples.len() as f64;
    }
    Ok((power, f64::from(rate) / size as f64))
}

/// Power and cross spectra of two signals, over the shorter of them.
pub(crate) fn spectra(input: &[f32], output: &[f32], rate: u32) -> Result<Spectra, Unmeasurable> {
    let count = input.len().min(output.len());
    if count == 0 || rate == 0 {
        return Err(Unmeasurable::NothingToMeasure);
    }
    let (input, output) = (&input[..count], &output[..count]);
    let size = frame_size(rate);
    let mut frames = Frames::new(size);
    let (mut first, mut second) = (
        vec![Complex::ZERO; size / 2 + 1],
        vec![Complex::ZERO; size / 2 + 1],
    );
    let mut found = Spectra {
        step: f64::from(rate) / size as f64,
        input: vec![0.0; size / 2 + 1],
        output: vec![0.0; size / 2 + 1],
        cross: vec![Complex::ZERO; size / 2 + 1],
    };
    for start in (size / 4..count + size).step_by(size / 4) {
        frames.transform(input, start, &mut first);
        frames.transform(output, start, &mut second);
        for line in 0..first.len() {
            found.input[line] += first[line].norm_sqr();
            found.output[line] += second[line].norm_sqr();
            found.cross[line] += first[line].conj() * second[line];
        }
    }
    for line in 0..first.len() {
        let weight = line_weight(line, size) / count as f64;
        found.input[line] *= weight;
        found.output[line] *= weight;
        found.cross[line] *= weight;
    }
    Ok(found)
}

/// By Parseval's theorem, for lines that stand for positive and negative frequencies.
fn line_weight(line: usize, size: usize) -> f64 {
    let sides = if line == 0 || line == size / 2 { 1.0 } else { 2.0 };
    sides / (size as f64 * WINDOW_SUM)
}

/// Power between two frequencies: lines that are partly inside count partly.
pub(crate) fn band_power(power: &[f64], step: f64, low_hz: f64, high_hz: f64) -> f64 {
    weights(power.len(), step, low_hz, high_hz)
        .map(|(line, weight)| power[line] * weight)
        .sum()
}

/// Lines that touch a band, and the share of each that is inside.
pub(crate) fn weights(
    lines: usize,
    step: f64,
    low_hz: f64,
    high_hz: f64,
) -> impl Iterator<Item = (usize, f64)> {
    // a band that is none, NaN included, has no lines
    let lines = if high_hz > low_hz { lines } else { 0 };
    let first = ((low_hz / step - 0.5).floor().max(0.0)) as usize;
    let last = ((high_hz / step + 0.5).ceil().max(0.0)) as usize;
    (first..last.saturating_add(1).min(lines)).filter_map(move |line| {
        let low = (line as f64 - 0.5).max(low_hz / step);
        let high = (line as f64 + 0.5).min(high_hz / step);
        (high > low).then_some((line, high - low))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{DbOv, rms};
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn the_lines_add_up_to_the_mean_square() {
        for (rate, count) in [(8000, 3), (8000, 12_345), (48_000, 30_000)] {
            let samples = white_noise(DbOv(-20.0), 2.0, rate, 1);
            let samples = &samples[..count];
            let (power, _) = power_spectrum(samples, rate).expect("samples");
            let sum: f64 = power.iter().sum();
            assert!((sum / rms(samples).powi(2) - 1.0).abs() < 1e-9, "{rate} {count}");
        }
    }

    #[test]
    fn a_tone_is_in_its_band() {
        let samples = sine(1000.0, DbOv(-20.0), 4.0, 16000);
        let (power, step) = power_spectrum(&samples, 16000).expect("samples");
        let inside = 10.0 * band_power(&power, step, 891.0, 1122.0).log10();
        assert!((inside + 20.0).abs() < 0.01, "{inside}");
        assert!(10.0 * band_power(&power, step, 2000.0, 8000.0).log10() < -70.0);
        assert_eq!(band_power(&power, step, f64::NAN, 100.0), 0.0);
    }

    #[test]
    fn one_window_keeps_bands_apart() {
        let samples = sine(1000.0, DbOv(-20.0), 0.5, 16000);
        let (power, step) = whole_spectrum(&samples, 16000);
        assert!((10.0 * band_power(&power, step, 980.0, 1020.0).log10() + 20.0).abs() < 0.01);
        assert!(10.0 * band_power(&power, step, 1020.0, 8000.0).log10() < -105.0);
    }

    #[test]
    fn nothing_is_refused() {
        assert!(power_spectrum(&[], 8000).is_err());
        assert!(power_spectrum(&[1.0], 0).is_err());
        assert!(spectra(&[1.0], &[], 8000).is_err());
    }
}
