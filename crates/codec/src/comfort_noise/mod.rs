//! Comfort noise (RFC 3389): describing background noise and making noise that fits a description.

mod sid;

pub use sid::{MAX_ORDER, SilenceDescriptor};

use crate::{CodecError, Decoder, Encoder};

/// Full scale of 16 bits, the overload point: 0 dBov is a square wave of this amplitude (RFC 3389 3.1).
const OVERLOAD: f64 = 32768.0;

/// Level in -dBov of a mean square, limited to what the payload can say.
fn level_of(mean_square: f64) -> u8 {
    let below = -10.0 * (mean_square / (OVERLOAD * OVERLOAD)).log10();
    // digital silence gives infinity, which the clamp turns into 127
    below.round().clamp(0.0, 127.0) as u8
}

/// Level and spectrum of `samples` with a model of `order` coefficients (at most [`MAX_ORDER`]).
///
/// Autocorrelation of the Hann-windowed samples and the Levinson-Durbin recursion; the level is that of the samples
/// without window.
#[must_use]
pub fn describe(samples: &[i16], order: usize) -> SilenceDescriptor {
    if samples.is_empty() {
        return SilenceDescriptor::white(127);
    }
    let count = samples.len() as f64;
    let energy: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
    let windowed: Vec<f64> = (samples.iter().enumerate())
        .map(|(n, &s)| {
            let phase = std::f64::consts::TAU * (n as f64 + 0.5) / count;
            f64::from(s) * (0.5 - 0.5 * phase.cos())
        })
        .collect();
    let order = order.min(MAX_ORDER).min(samples.len() - 1);
    let correlation: Vec<f64> = (0..=order)
        .map(|lag| windowed.iter().zip(&windowed[lag..]).map(|(a, b)| a * b).sum())
        .collect();
    SilenceDescriptor {
        level: level_of(energy / count),
        reflection: reflection_coefficients(&correlation),
    }
}

/// Levinson-Durbin: the reflection coefficients of an autocorrelation (lags 0 to the order).
fn reflection_coefficients(correlation: &[f64]) -> Vec<f32> {
    let Some((&power, lags)) = correlation.split_first() else {
        return Vec::new();
    };
    // white noise 50 dB below keeps the recursion well-conditioned for tones
    let mut error = power * 1.00001;
    let mut predictor = [0.0f64; MAX_ORDER + 1];
    predictor[0] = 1.0;
    let mut reflection = Vec::with_capacity(lags.len());
    for (index, _) in lags.iter().enumerate().take(MAX_ORDER) {
        let order = index + 1;
        if error <= 0.0 {
            break;
        }
        let sum: f64 = (0..order).map(|n| predictor[n] * correlation[order - n]).sum();
        let k = (-sum / error).clamp(-0.9999, 0.9999);
        let before = predictor;
        for n in 1..=order {
            predictor[n] = before[n] + k * before[order - n];
        }
        error *= 1.0 - k * k;
        reflection.push(k as f32);
    }
    reflection
}

/// Noise with the level and the spectrum of a descriptor, from a seed: the same seed gives the same samples.
#[derive(Debug, Clone)]
pub struct NoiseGenerator {
    state: u64,
    /// Level and coefficients now, moving towards the target.
    gain: f64,
    reflection: [f64; MAX_ORDER],
    target_gain: f64,
    target: [f64; MAX_ORDER],
    /// Memory of the all-pole lattice.
    backward: [f64; MAX_ORDER + 1],
    started: bool,
}

impl NoiseGenerator {
    /// A generator that is silent until it is given a description.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed,
            gain: 0.0,
            reflection: [0.0; MAX_ORDER],
            target_gain: 0.0,
            target: [0.0; MAX_ORDER],
            backward: [0.0; MAX_ORDER + 1],
            started: false,
        }
    }

    /// Takes a new description. The first one holds at once; later ones are approached within about 10 ms at 8 kHz,
    /// so that an update is not heard as a step.
    pub fn describe(&mut self, descriptor: &SilenceDescriptor) {
        self.target = [0.0; MAX_ORDER];
        for (slot, &k) in self.target.iter_mut().zip(&descriptor.reflection) {
            *slot = if k.is_finite() {
                f64::from(k).clamp(-0.9999, 0.9999)
            } else {
                0.0
            };
        }
        // the filter amplifies the excitation by the product of 1 / (1 - k^2), in power
        let loss: f64 = self.target.iter().map(|k| 1.0 - k * k).product();
        let rms = OVERLOAD * 10f64.powf(-f64::from(descriptor.level.min(127)) / 20.0);
        self.target_gain = rms * loss.sqrt();
        if !self.started {
            self.started = true;
            self.gain = self.target_gain;
            self.reflection = self.target;
        }
    }

    /// Appends `samples` samples of noise.
    pub fn generate(&mut self, samples: usize, out: &mut Vec<i16>) {
        out.reserve(samples);
        for _ in 0..samples {
            let sample = self.next_sample();
            out.push(sample);
        }
    }

    fn next_sample(&mut self) -> i16 {
        const APPROACH: f64 = 1.0 / 32.0;
        self.gain += (self.target_gain - self.gain) * APPROACH;
        // both ends of the step are inside the unit circle, and so is everything between them: the filter stays
        // stable
        for (k, target) in self.reflection.iter_mut().zip(self.target) {
            *k += (target - *k) * APPROACH;
        }
        let mut forward = self.gain * self.gaussian();
        // all-pole lattice, highest order first
        for order in (0..MAX_ORDER).rev() {
            let k = self.reflection[order];
            forward -= k * self.backward[order];
            self.backward[order + 1] = self.backward[order] + k * forward;
        }
        self.backward[0] = forward;
        // a float-to-integer cast saturates
        forward.round() as i16
    }

    /// Roughly Gaussian with unit variance: the sum of twelve uniform numbers, which no platform rounds differently.
    fn gaussian(&mut self) -> f64 {
        let sum: f64 = (0..6)
            .map(|_| {
                let bits = self.next_bits();
                f64::from((bits >> 32) as u32) + f64::from(bits as u32)
            })
            .sum();
        sum / f64::from(u32::MAX) - 6.0
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): any seed is a good one.
    fn next_bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Describes each frame of samples by one descriptor.
#[derive(Debug, Clone, Copy)]
pub struct ComfortNoiseEncoder {
    order: usize,
}

impl ComfortNoiseEncoder {
    /// With `order` reflection coefficients, at most [`MAX_ORDER`].
    #[must_use]
    pub fn new(order: usize) -> Self {
        Self {
            order: order.min(MAX_ORDER),
        }
    }
}

impl Encoder for ComfortNoiseEncoder {
    fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<(), CodecError> {
        describe(samples, self.order).write(out);
        Ok(())
    }
}

/// Takes descriptors in and makes noise in between.
#[derive(Debug, Clone)]
pub struct ComfortNoiseDecoder {
    generator: NoiseGenerator,
}

impl ComfortNoiseDecoder {
    /// Silent until the first packet; `seed` fixes the noise.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            generator: NoiseGenerator::new(seed),
        }
    }
}

impl Decoder for ComfortNoiseDecoder {
    /// Takes the description in and appends nothing: a packet holds until the next one, however long that is.
    fn decode(&mut self, payload: &[u8], _out: &mut Vec<i16>) -> Result<(), CodecError> {
        self.generator.describe(&SilenceDescriptor::parse(payload)?);
        Ok(())
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        self.generator.generate(samples, out);
    }
}
