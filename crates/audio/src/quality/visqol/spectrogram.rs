//! Spectrograms in dB, ready to be compared.

use super::gammatone::{FilterBank, Framing};

/// Lowest level that counts, dB.
const FLOOR_DB: f64 = -45.0;
/// How far under the loudest band of a frame, in either signal, a band still counts, dB.
const DEPTH_DB: f64 = 45.0;

/// Levels of bands in frames: frame after frame, each from low to high bands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spectrogram {
    pub(super) bands: usize,
    pub(super) values: Vec<f64>,
}

impl Spectrogram {
    pub(super) fn frames(&self) -> usize {
        self.values.len() / self.bands
    }

    /// The frames from `start` on, `count` of them, silent beyond the end.
    pub(super) fn patch(&self, start: usize, count: usize) -> Self {
        let end = self.values.len();
        let from = (start * self.bands).min(end);
        let to = ((start + count) * self.bands).min(end);
        let mut values = self.values[from..to].to_vec();
        values.resize(count * self.bands, 0.0);
        Self {
            bands: self.bands,
            values,
        }
    }
}

/// A signal with the energies of its frames on the grid of hops, so that no frame is filtered twice.
pub(super) struct Analysed<'a> {
    pub(super) samples: &'a [f64],
    grid: Spectrogram,
}

impl<'a> Analysed<'a> {
    pub(super) fn new(samples: &'a [f64], bank: &FilterBank, framing: Framing) -> Self {
        Self {
            samples,
            grid: energies(samples, bank, framing),
        }
    }

    /// The band levels of the whole signal, linear.
    pub(super) const fn whole(&self) -> &Spectrogram {
        &self.grid
    }

    /// The band levels of the part of `length` samples that begins at `start`, linear.
    pub(super) fn part(
        &self,
        start: usize,
        length: usize,
        bank: &FilterBank,
        framing: Framing,
    ) -> Spectrogram {
        let frames = framing.frames(length);
        if start.is_multiple_of(framing.hop) && start / framing.hop + frames <= self.grid.frames() {
            return self.grid.patch(start / framing.hop, frames);
        }
        let end = (start + length).min(self.samples.len());
        energies(&self.samples[start.min(end)..end], bank, framing)
    }
}

/// Band levels of all frames of a signal, linear.
pub(super) fn energies(samples: &[f64], bank: &FilterBank, framing: Framing) -> Spectrogram {
    let bands = bank.bands();
    let mut values = vec![0.0; framing.frames(samples.len()) * bands];
    let windows = samples.windows(framing.window).step_by(framing.hop);
    for (out, window) in values.chunks_exact_mut(bands).zip(windows) {
        bank.frame(window, out);
    }
    Spectrogram { bands, values }
}

/// Takes both to dB above their common floor: the absolute one, and one under the louder of the two in each frame.
pub(super) fn prepare(reference: &mut Spectrogram, degraded: &mut Spectrogram) {
    for spectrogram in [&mut *reference, &mut *degraded] {
        for value in &mut spectrogram.values {
            let magnitude = if *value == 0.0 { f64::EPSILON } else { *value };
            *value = (10.0 * magnitude.log10()).max(FLOOR_DB);
        }
    }
    let bands = reference.bands;
    let frames = reference
        .values
        .chunks_exact_mut(bands)
        .zip(degraded.values.chunks_exact_mut(bands));
    for (one, other) in frames {
        let loudest = one.iter().chain(other.iter()).copied().fold(f64::MIN, f64::max);
        for value in one.iter_mut().chain(other) {
            *value = value.max(loudest - DEPTH_DB);
        }
    }
    let values = reference.values.iter().chain(&degraded.values);
    let lowest = values.copied().fold(f64::MAX, f64::min);
    for value in reference.values.iter_mut().chain(&mut degraded.values) {
        *value -= lowest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_of_a_frame_follows_the_louder_signal() {
        let mut one = Spectrogram {
            bands: 2,
            values: vec![1.0, 1e-9, 1e-3, 1e-3],
        };
        let mut other = Spectrogram {
            bands: 2,
            values: vec![1e-9, 1e-9, 0.0, 1e-3],
        };
        prepare(&mut one, &mut other);
        let close =
            |values: &[f64], expected: &[f64]| values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close(&one.values, &[45.0, 0.0, 15.0, 15.0]), "{one:?}");
        assert!(close(&other.values, &[0.0, 0.0, 0.0, 15.0]), "{other:?}");
    }

    #[test]
    fn a_patch_beyond_the_end_is_silent() {
        let spectrogram = Spectrogram {
            bands: 2,
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        assert_eq!(spectrogram.patch(1, 2).values, [3.0, 4.0, 0.0, 0.0]);
        assert_eq!(spectrogram.patch(9, 1).values, [0.0, 0.0]);
    }
}
