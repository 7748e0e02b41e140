//! What is drawn of a recording, gathered block by block: waveform, level against time, spectrogram.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Columns of a waveform and of a level curve: more than a page has pixels in its plane.
const COLUMNS: usize = 1200;
/// Columns of a spectrogram.
const SPECTRA: usize = 640;
/// Rows of a spectrogram.
const ROWS: usize = 256;
/// Length of a spectrum, s; to the next power of two.
const WINDOW_S: f64 = 0.025;
/// Shortest stretch that a level is drawn of, s.
const LEVEL_S: f64 = 0.02;
/// Lowest level that is drawn, dBov.
pub(crate) const FLOOR_DBOV: f64 = -100.0;

/// What is drawn of one channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    /// Samples a second.
    pub(crate) rate: u32,
    /// Length, s.
    pub(crate) seconds: f64,
    /// Time in s, least and largest sample.
    pub(crate) envelope: Vec<(f64, f64, f64)>,
    /// Time in s, level in dBov.
    pub(crate) level: Vec<(f64, f64)>,
    /// Levels of the bins in dB of a full-scale sine, from 0 Hz to half the rate, column by column.
    pub(crate) spectrogram: Vec<Vec<f32>>,
}

/// Gathers a [`Picture`] of a channel whose length is known.
pub(crate) struct Drawing {
    rate: u32,
    frames: u64,
    at: u64,
    columns: Vec<Column>,
    spectra: Spectra,
}

#[derive(Clone, Copy, Default)]
struct Column {
    low: f32,
    high: f32,
    energy: f64,
    count: u64,
}

impl Drawing {
    pub(crate) fn new(rate: u32, frames: u64) -> Self {
        let columns = COLUMNS.min(usize::try_from(frames).unwrap_or(COLUMNS)).max(1);
        Self {
            rate,
            frames: frames.max(1),
            at: 0,
            columns: vec![Column::default(); columns],
            spectra: Spectra::new(rate, frames.max(1)),
        }
    }

    /// The next samples; those beyond the length that was given are left out.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        let columns = self.columns.len() as u64;
        let mut rest = samples;
        while !rest.is_empty() && self.at < self.frames {
            // 128 bits: the product may exceed 64
            let scaled = u128::from(self.at) * u128::from(columns) / u128::from(self.frames);
            let index = scaled as usize;
            let next = ((scaled + 1) * u128::from(self.frames)).div_ceil(u128::from(columns)) as u64;
            let length = usize::try_from(next.min(self.frames) - self.at).unwrap_or(rest.len());
            let (part, after) = rest.split_at(length.clamp(1, rest.len()));
            if let Some(column) = self.columns.get_mut(index) {
                column.add(part);
            }
            self.at += part.len() as u64;
            rest = after;
        }
        self.spectra.push(samples);
    }

    pub(crate) fn finish(self) -> Picture {
        let seconds = self.frames as f64 / f64::from(self.rate.max(1));
        let count_of_columns = self.columns.len() as f64;
        let at = |index: usize| (index as f64 + 0.5) / count_of_columns * seconds;
        // a level needs some periods of the voice
        let together = (LEVEL_S / (seconds / count_of_columns))
            .ceil()
            .clamp(1.0, COLUMNS as f64) as usize;
        Picture {
            rate: self.rate,
            seconds,
            envelope: self
                .columns
                .iter()
                .enumerate()
                .map(|(index, column)| (at(index), column.low.into(), column.high.into()))
                .collect(),
            level: self
                .columns
                .chunks(together)
                .enumerate()
                .map(|(index, columns)| {
                    let energy: f64 = columns.iter().map(|column| column.energy).sum();
                    let count: u64 = columns.iter().map(|column| column.count).sum();
                    let level = 10.0 * (energy / count.max(1) as f64).log10();
                    let middle = (index * together) as f64 + columns.len() as f64 / 2.0;
                    (middle / count_of_columns * seconds, level.max(FLOOR_DBOV))
                })
                .collect(),
            spectrogram: self.spectra.finish(),
        }
    }
}

impl Column {
    fn add(&mut self, samples: &[f32]) {
        for &sample in samples {
            let sample = if sample.is_finite() {
                sample.clamp(-4.0, 4.0)
            } else {
                0.0
            };
            if self.count == 0 {
                (self.low, self.high) = (sample, sample);
            }
            self.low = self.low.min(sample);
            self.high = self.high.max(sample);
            self.energy += f64::from(sample) * f64::from(sample);
            self.count += 1;
        }
    }
}

/// A short-term Fourier transform whose power is averaged into columns.
struct Spectra {
    transform: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// Power of the window's spectrum for a full-scale sine at its peak.
    reference: f32,
    hop: usize,
    pending: Vec<f32>,
    input: Vec<f32>,
    output: Vec<Complex<f32>>,
    rows: usize,
    columns: Vec<(Vec<f32>, u32)>,
    frames: u64,
    at: u64,
}

impl Spectra {
    fn new(rate: u32, frames: u64) -> Self {
        let length = ((f64::from(rate) * WINDOW_S) as usize)
            .next_power_of_two()
            .clamp(64, 1 << 16);
        let transform = RealFftPlanner::<f32>::new().plan_fft_forward(length);
        let window: Vec<f32> = (0..length)
            .map(|n| 0.5 - 0.5 * (std::f32::consts::TAU * (n as f32 + 0.5) / length as f32).cos())
            .collect();
        let per_column = usize::try_from(frames / SPECTRA as u64).unwrap_or(usize::MAX);
        let columns = SPECTRA
            .min(usize::try_from(frames).unwrap_or(SPECTRA).div_ceil(8))
            .max(1);
        Self {
            input: transform.make_input_vec(),
            output: transform.make_output_vec(),
            // a sine of amplitude 1 gives half the sum of the window
            reference: (window.iter().sum::<f32>() / 2.0).powi(2),
            hop: per_column.clamp(1, length / 2),
            pending: vec![0.0; length / 2],
            rows: ROWS.min(length / 2),
            columns: vec![(vec![0.0; ROWS.min(length / 2)], 0); columns],
            transform,
            window,
            frames,
            at: 0,
        }
    }

    fn push(&mut self, samples: &[f32]) {
        let clean = samples.iter().map(|sample| {
            if sample.is_finite() {
                sample.clamp(-4.0, 4.0)
            } else {
                0.0
            }
        });
        self.pending.extend(clean);
        let length = self.window.len();
        let mut start = 0;
        while start + length <= self.pending.len() {
            self.spectrum(start);
            start += self.hop;
        }
        self.pending.drain(..start.min(self.pending.len()));
    }

    /// The spectrum of the pending samples from `start`, into the column of its middle.
    fn spectrum(&mut self, start: usize) {
        let Some(samples) = self.pending.get(start..start + self.window.len()) else {
            return;
        };
        for ((place, sample), weight) in self.input.iter_mut().zip(samples).zip(&self.window) {
            *place = sample * weight;
        }
        if self.transform.process(&mut self.input, &mut self.output).is_err() {
            return;
        }
        // the pending samples begin half a window early, so the middle of the window is at `at`
        let index = u128::from(self.at) * self.columns.len() as u128 / u128::from(self.frames);
        self.at += self.hop as u64;
        let Some((column, count)) = self.columns.get_mut(index as usize) else {
            return;
        };
        let bins = self.output.len() - 1;
        for (row, power) in column.iter_mut().enumerate() {
            // the strongest of the bins that share a row, so that a tone does not fade
            let bins = self
                .output
                .get(row * bins / self.rows..(row + 1) * bins / self.rows);
            let strongest = bins.unwrap_or_default().iter().map(Complex::norm_sqr);
            *power += strongest.fold(0.0, f32::max);
        }
        *count += 1;
    }

    fn finish(mut self) -> Vec<Vec<f32>> {
        // the last columns are in the middle of windows that reach beyond the end
        let rest = vec![0.0; self.window.len()];
        self.push(&rest);
        let mut last: Vec<f32> = vec![FLOOR_DBOV as f32; self.rows];
        self.columns
            .iter()
            .map(|(powers, count)| {
                if *count > 0 {
                    let scale = 1.0 / (self.reference * *count as f32);
                    last = powers
                        .iter()
                        .map(|power| (10.0 * (power * scale).log10()).max(FLOOR_DBOV as f32))
                        .collect();
                }
                last.clone()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voxproof_audio::level::DbOv;
    use voxproof_audio::stimulus::sine;

    fn picture(samples: &[f32], rate: u32, block: usize) -> Picture {
        let mut drawing = Drawing::new(rate, samples.len() as u64);
        for block in samples.chunks(block) {
            drawing.push(block);
        }
        drawing.finish()
    }

    #[test]
    fn a_tone_is_where_it_is_and_blocks_do_not_matter() {
        let mut samples = sine(1000.0, DbOv(-20.0), 2.0, 8000);
        samples.extend(vec![0.0; 16_000]);
        let whole = picture(&samples, 8000, samples.len());
        assert_eq!(whole, picture(&samples, 8000, 1003));
        assert_eq!(whole.envelope.len(), COLUMNS);
        let (_, low, high) = whole.envelope[300];
        assert!((high - 0.1414).abs() < 0.001 && (low + 0.1414).abs() < 0.001);
        let level_at = |second: f64| {
            whole
                .level
                .iter()
                .find(|point| point.0 >= second)
                .expect("a level")
                .1
        };
        assert!((level_at(1.0) + 20.0).abs() < 0.5);
        assert_eq!(level_at(3.0), FLOOR_DBOV);
        let column = &whole.spectrogram[160];
        let strongest = (0..column.len())
            .max_by(|a, b| column[*a].total_cmp(&column[*b]))
            .unwrap();
        let hertz = strongest as f64 / column.len() as f64 * 4000.0;
        assert!((hertz - 1000.0).abs() < 40.0, "{hertz}");
        // a sine of -20 dBov is 17 dB below a full-scale sine
        assert!((column[strongest] + 17.0).abs() < 1.5, "{}", column[strongest]);
        assert!(
            whole.spectrogram[600]
                .iter()
                .all(|level| *level == FLOOR_DBOV as f32)
        );
    }

    #[test]
    fn short_and_senseless_recordings_have_pictures_too() {
        for samples in [vec![], vec![0.5], vec![f32::NAN; 10], vec![f32::INFINITY; 1000]] {
            let picture = picture(&samples, 48_000, 7);
            assert!(
                picture
                    .envelope
                    .iter()
                    .all(|(_, low, high)| low.is_finite() && high.is_finite())
            );
            assert!(
                picture
                    .spectrogram
                    .iter()
                    .flatten()
                    .all(|level| level.is_finite())
            );
        }
    }
}
