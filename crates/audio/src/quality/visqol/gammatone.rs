//! The gammatone filter bank (Slaney, Apple Technical Report 35, 1993) and the energies of its bands.

use std::f64::consts::TAU;

use rustfft::num_complex::Complex64;

/// Glasberg and Moore: quality of the auditory filters far above `MIN_BANDWIDTH`.
const EAR_Q: f64 = 9.26449;
/// Glasberg and Moore: bandwidth of the auditory filters at the lowest frequencies, Hz.
const MIN_BANDWIDTH: f64 = 24.7;
/// Lowest frequency of the bank, Hz.
const LOWEST_HZ: f64 = 50.0;
/// Bands that one pass of the filter loop works on: as many as fit into the registers of every x86-64 and ARM64.
const LANES: usize = 2;

/// A window of 80 ms each 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framing {
    /// Length of a window in samples.
    pub(super) window: usize,
    /// Distance of two windows in samples.
    pub(super) hop: usize,
    /// Sampling rate, Hz.
    pub(super) rate: u32,
}

impl Framing {
    pub(super) fn new(rate: u32) -> Self {
        let window = (f64::from(rate) * 0.08).round() as usize;
        Self {
            window,
            hop: window / 4,
            rate,
        }
    }

    /// Windows in `samples` samples.
    pub(super) fn frames(self, samples: usize) -> usize {
        if samples <= self.window {
            return 0;
        }
        1 + (samples - self.window) / self.hop
    }

    /// Time from a window to the next in s.
    pub(super) fn frame_s(self) -> f64 {
        self.window as f64 * 0.25 / f64::from(self.rate)
    }
}

/// Four cascaded sections for `LANES` bands: y = x + zero x' - pole1 y' - pole2 y''.
struct Sections {
    zeros: [[f64; LANES]; 4],
    pole1: [f64; LANES],
    pole2: [f64; LANES],
    /// What the energy at the output is multiplied by for a gain of one at the centre.
    power_gain: [f64; LANES],
}

/// The filter bank for one sampling rate, bands from low to high.
pub(super) struct FilterBank {
    /// Centres of the bands, Hz.
    pub(super) centres_hz: Vec<f64>,
    framing: Framing,
    window: Vec<f64>,
    sections: Vec<Sections>,
}

impl FilterBank {
    /// `bands` bands from 50 Hz to `highest_hz`, equally spaced on the scale of equivalent rectangular bandwidths.
    pub(super) fn new(framing: Framing, bands: usize, highest_hz: f64) -> Self {
        let offset = EAR_Q * MIN_BANDWIDTH;
        let step = ((LOWEST_HZ + offset) / (highest_hz + offset)).ln() / bands as f64;
        let centres_hz: Vec<f64> = (1..=bands)
            .rev()
            .map(|n| (n as f64 * step).exp() * (highest_hz + offset) - offset)
            .collect();
        let last = (framing.window - 1) as f64;
        let window = (0..framing.window)
            .map(|n| 0.5 - 0.5 * (TAU * n as f64 / last).cos())
            .collect();
        let sections = centres_hz
            .chunks(LANES)
            .map(|centres| Sections::new(centres, f64::from(framing.rate)))
            .collect();
        Self {
            centres_hz,
            framing,
            window,
            sections,
        }
    }

    pub(super) fn bands(&self) -> usize {
        self.centres_hz.len()
    }

    /// Root mean square of each band over one window: what comes out of the filters while the windowed samples go in.
    /// `samples` is one window long, `out` has one place a band.
    pub(super) fn frame(&self, samples: &[f64], out: &mut [f64]) {
        let windowed: Vec<f64> = samples.iter().zip(&self.window).map(|(x, w)| x * w).collect();
        for (section, out) in self.sections.iter().zip(out.chunks_mut(LANES)) {
            let energies = section.energies(&windowed);
            for (out, energy) in out.iter_mut().zip(energies) {
                *out = (energy / self.framing.window as f64).sqrt();
            }
        }
    }
}

impl Sections {
    fn new(centres: &[f64], rate: f64) -> Self {
        let mut sections = Self {
            zeros: [[0.0; LANES]; 4],
            pole1: [0.0; LANES],
            pole2: [0.0; LANES],
            power_gain: [0.0; LANES],
        };
        for (lane, &centre) in centres.iter().enumerate() {
            // bandwidth of a fourth-order gammatone filter with the equivalent rectangular bandwidth at its centre
            let decay = (-1.019 * TAU * (centre / EAR_Q + MIN_BANDWIDTH) / rate).exp();
            let (sin, cos) = (TAU * centre / rate).sin_cos();
            let spread = [3.0 + 8f64.sqrt(), 3.0 - 8f64.sqrt()].map(f64::sqrt);
            let roots = [spread[0], -spread[0], spread[1], -spread[1]].map(|root| decay * (cos + root * sin));
            for (zeros, root) in sections.zeros.iter_mut().zip(roots) {
                zeros[lane] = -root;
            }
            sections.pole1[lane] = -2.0 * decay * cos;
            sections.pole2[lane] = decay * decay;
            // the response at the centre
            let back = Complex64::new(cos, -sin);
            let poles = 1.0 + sections.pole1[lane] * back + sections.pole2[lane] * back * back;
            let response: Complex64 = roots.iter().map(|root| (1.0 - root * back) / poles).product();
            sections.power_gain[lane] = response.norm_sqr().recip();
        }
        sections
    }

    /// Energies of the bands at the output, from rest.
    fn energies(&self, input: &[f64]) -> [f64; LANES] {
        // transposed direct form II: two states a section, the second scaled by the pole only
        let mut first = [[0.0; LANES]; 4];
        let mut second = [[0.0; LANES]; 4];
        let mut energy = [0.0; LANES];
        for &sample in input {
            let mut x = [sample; LANES];
            for stage in 0..4 {
                let zeros = &self.zeros[stage];
                for lane in 0..LANES {
                    let y = x[lane] + first[stage][lane];
                    first[stage][lane] = zeros[lane] * x[lane] + second[stage][lane] - self.pole1[lane] * y;
                    second[stage][lane] = -self.pole2[lane] * y;
                    x[lane] = y;
                }
            }
            for lane in 0..LANES {
                energy[lane] += x[lane] * x[lane];
            }
        }
        std::array::from_fn(|lane| energy[lane] * self.power_gain[lane])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centres_are_those_of_the_published_bank() {
        // conformance values of the published implementation: band 26 of 32 at 48 kHz
        let bank = FilterBank::new(Framing::new(48_000), 32, 24_000.0);
        assert!((bank.centres_hz[26] - 10_261.086_60).abs() < 1e-4);
        assert!((bank.centres_hz[0] - 50.0).abs() < 1e-9);
    }

    #[test]
    fn a_tone_at_a_centre_passes_with_its_level_and_nowhere_else() {
        let framing = Framing::new(16_000);
        let bank = FilterBank::new(framing, 21, 8000.0);
        let tone: Vec<f64> = (0..framing.window)
            .map(|n| (TAU * bank.centres_hz[12] * n as f64 / 16_000.0).sin())
            .collect();
        let mut levels = vec![0.0; bank.bands()];
        bank.frame(&tone, &mut levels);
        // a sine under a Hann window: rms of the sine times that of the window
        let expected = (0.5f64 * 0.375).sqrt();
        assert!((levels[12] / expected - 1.0).abs() < 0.02, "{levels:?}");
        assert!(
            levels[7] < 0.1 * expected && levels[17] < 0.1 * expected,
            "{levels:?}"
        );
    }
}
