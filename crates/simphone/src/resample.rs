//! Between the 8 kHz of the phone's microphone and loudspeaker and the rate of its codec: whole factors only.

/// Coefficients for each phase; 16 of them at 8 kHz are 1 ms of delay.
const TAPS: usize = 16;

/// Low-pass filter at 0.45 of the lower rate: a sinc under a Hann window, `factor` phases of it with gain 1 each.
fn filter(factor: usize) -> Vec<f32> {
    let length = factor * TAPS;
    let middle = (length - 1) as f32 / 2.0;
    let cutoff = 0.9 / factor as f32;
    let raw: Vec<f32> = (0..length)
        .map(|n| {
            let x = n as f32 - middle;
            let sinc = if x.abs() < 1e-6 {
                cutoff
            } else {
                (std::f32::consts::PI * cutoff * x).sin() / (std::f32::consts::PI * x)
            };
            let window = 0.5 + 0.5 * (std::f32::consts::PI * x / (middle + 1.0)).cos();
            sinc * window
        })
        .collect();
    let sum: f32 = raw.iter().sum();
    raw.into_iter().map(|tap| tap / sum).collect()
}

fn clamped(value: f32) -> i16 {
    value.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
}

/// From 8 kHz to a multiple of it.
#[derive(Debug)]
pub(crate) struct Upsampler {
    factor: usize,
    taps: Vec<f32>,
    history: [f32; TAPS],
}

impl Upsampler {
    pub(crate) fn new(factor: usize) -> Self {
        Self {
            factor,
            taps: filter(factor),
            history: [0.0; TAPS],
        }
    }

    pub(crate) fn process(&mut self, samples: &[i16]) -> Vec<i16> {
        if self.factor == 1 {
            return samples.to_vec();
        }
        let mut out = Vec::with_capacity(samples.len() * self.factor);
        for sample in samples {
            self.history.rotate_right(1);
            self.history[0] = f32::from(*sample);
            for phase in 0..self.factor {
                let taps = self.taps.iter().skip(phase).step_by(self.factor);
                let sum: f32 = taps.zip(&self.history).map(|(tap, value)| tap * value).sum();
                out.push(clamped(sum * self.factor as f32));
            }
        }
        out
    }
}

/// From a multiple of 8 kHz to 8 kHz.
#[derive(Debug)]
pub(crate) struct Downsampler {
    factor: usize,
    taps: Vec<f32>,
    history: Vec<f32>,
}

impl Downsampler {
    pub(crate) fn new(factor: usize) -> Self {
        Self {
            factor,
            taps: filter(factor),
            history: vec![0.0; factor * TAPS],
        }
    }

    pub(crate) fn process(&mut self, samples: &[i16]) -> Vec<i16> {
        if self.factor == 1 {
            return samples.to_vec();
        }
        let mut out = Vec::with_capacity(samples.len() / self.factor + 1);
        for block in samples.chunks_exact(self.factor) {
            self.history.rotate_right(self.factor);
            for (slot, sample) in self.history.iter_mut().zip(block.iter().rev()) {
                *slot = f32::from(*sample);
            }
            let sum: f32 = self
                .taps
                .iter()
                .zip(&self.history)
                .map(|(tap, value)| tap * value)
                .sum();
            out.push(clamped(sum));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f32, count: usize) -> Vec<i16> {
        (0..count)
            .map(|n| clamped((2.0 * std::f32::consts::PI * frequency * n as f32 / 8000.0).sin() * 8000.0))
            .collect()
    }

    fn power(samples: &[i16]) -> f64 {
        samples
            .iter()
            .map(|sample| f64::from(*sample).powi(2))
            .sum::<f64>()
            / samples.len() as f64
    }

    #[test]
    fn speech_frequencies_come_back_as_they_were() {
        for factor in [1, 2, 6] {
            let (mut up, mut down) = (Upsampler::new(factor), Downsampler::new(factor));
            for frequency in [300.0, 1000.0, 3000.0] {
                let said = tone(frequency, 800);
                let wide = up.process(&said);
                assert_eq!(wide.len(), 800 * factor);
                let heard = down.process(&wide);
                assert_eq!(heard.len(), 800);
                let change = 10.0 * (power(&heard[100..]) / power(&said[100..])).log10();
                assert!(change.abs() < 1.0, "{factor} {frequency} {change}");
            }
        }
    }
}
