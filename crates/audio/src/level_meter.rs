//! Everything about the level of a recording that one look at each sample gives, in one pass and constant memory.

use crate::bit_depth::{BitDepth, BitDepthMeter};
use crate::clipping::{Clipping, ClippingMeter, RAIL, SHORTEST_RUN};
use crate::extreme::Extreme;
use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::sample::{LARGEST, Linear, clean};
use crate::unit::{Db, DbPeak};

const LANES: usize = 8;
/// Blocks of 10 ms in a window of the rms peak and trough: 50 ms, moved by 10 ms.
const WINDOW_BLOCKS: usize = 5;
/// Longest block, in samples: the sums of 16-bit samples of one block fit 32 bits.
const LONGEST_BLOCK: usize = 1 << 15;

/// Levels of a recording; full scale is 1.0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelFigures {
    /// Samples seen.
    pub samples: u64,
    /// Duration in s.
    pub seconds: f64,
    /// Samples that were NaN or infinite and counted as zero.
    pub non_finite: u64,
    /// Least sample.
    pub minimum: f64,
    /// Largest sample.
    pub maximum: f64,
    /// Mean: the offset.
    pub dc: f64,
    /// Largest magnitude.
    pub peak: DbPeak,
    /// Level over the whole time, offset included.
    pub rms: DbOv,
    /// Level over the whole time without the offset.
    pub rms_without_dc: DbOv,
    /// Level of the loudest 50 ms; `None` for recordings below 50 ms.
    pub rms_peak: Option<DbOv>,
    /// Level of the quietest 50 ms.
    pub rms_trough: Option<DbOv>,
    /// Peak over rms: 0 for a square wave, 3.01 for a sine; 0 for silence.
    pub crest: Db,
    /// Mean length of the runs at the least and at the largest value, seen from a sample in them, in dB: 0 when no two
    /// neighbours share the peak value.
    pub flat_factor: Db,
    /// Samples at the least or at the largest value.
    pub peak_count: u64,
    /// Longest run at the least or at the largest value.
    pub longest_flat: u64,
    /// Runs at the rail.
    pub clipping: Clipping,
    /// Word length the samples use.
    pub bit_depth: BitDepth,
}

/// Measures [`LevelFigures`] of one channel, piece by piece; pieces may be of any length.
#[derive(Debug, Clone)]
pub struct LevelMeter {
    rate: u32,
    block: usize,
    filled: usize,
    samples: u64,
    non_finite: u64,
    sum: f64,
    energy: f64,
    block_energy: f64,
    recent: [f64; WINDOW_BLOCKS],
    blocks: u64,
    window: Option<(f64, f64)>,
    least: Extreme,
    largest: Extreme,
    clipping: ClippingMeter,
    depth: BitDepthMeter,
    cleaned: Vec<f32>,
}

/// What a quick look at the samples of a part of a block tells.
struct Part {
    sum: f64,
    energy: f64,
    minimum: f32,
    maximum: f32,
}

impl LevelMeter {
    /// A meter for samples at `rate` Hz.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        Self {
            rate,
            block: (rate as usize / 100).clamp(1, LONGEST_BLOCK),
            filled: 0,
            samples: 0,
            non_finite: 0,
            sum: 0.0,
            energy: 0.0,
            block_energy: 0.0,
            recent: [0.0; WINDOW_BLOCKS],
            blocks: 0,
            window: None,
            least: Extreme::least(),
            largest: Extreme::largest(),
            clipping: ClippingMeter::new(SHORTEST_RUN),
            depth: BitDepthMeter::default(),
            cleaned: Vec::new(),
        }
    }

    /// The next samples, full scale 1.0.
    pub fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.block - self.filled));
            samples = later;
            let part = scan(now);
            let sane = part.energy.is_finite() && part.maximum <= LARGEST && part.minimum >= -LARGEST;
            if sane {
                self.depth.push(now, part.maximum.max(-part.minimum));
                self.part(now, &part);
                continue;
            }
            self.non_finite += now.iter().filter(|sample| !sample.is_finite()).count() as u64;
            let mut cleaned = std::mem::take(&mut self.cleaned);
            cleaned.clear();
            cleaned.extend(now.iter().map(|&sample| clean(sample) as f32));
            let part = scan(&cleaned);
            self.depth.push(&cleaned, part.maximum.max(-part.minimum));
            self.part(&cleaned, &part);
            self.cleaned = cleaned;
        }
    }

    /// The next samples of 16 bits, the fast way for what most recordings are.
    pub fn push_i16(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.block - self.filled));
            samples = later;
            let (part, used) = scan_i16(now);
            self.depth.bits(used);
            self.part(now, &part);
        }
    }

    fn part<S: Linear>(&mut self, samples: &[S], part: &Part) {
        self.samples += samples.len() as u64;
        self.sum += part.sum;
        self.block_energy += part.energy;
        let constant = part.minimum == part.maximum;
        self.least.part(samples, part.minimum, constant);
        self.largest.part(samples, part.maximum, constant);
        if part.maximum >= RAIL || part.minimum <= -RAIL {
            self.clipping.push(samples);
        } else {
            self.clipping.pass(samples.len() as u64);
        }
        self.filled += samples.len();
        if self.filled == self.block {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        self.energy += self.block_energy;
        self.recent.rotate_left(1);
        self.recent[WINDOW_BLOCKS - 1] = self.block_energy;
        self.blocks += 1;
        self.block_energy = 0.0;
        self.filled = 0;
        if self.blocks >= WINDOW_BLOCKS as u64 {
            let energy = self.recent.iter().sum::<f64>();
            let (least, most) = self.window.unwrap_or((energy, energy));
            self.window = Some((least.min(energy), most.max(energy)));
        }
    }

    /// The levels of everything seen so far.
    ///
    /// # Errors
    /// No samples, no rate, or not one sample that is a number.
    pub fn finish(&self) -> Result<LevelFigures, Unmeasurable> {
        if self.samples == 0 {
            return Err(Unmeasurable::NothingToMeasure);
        }
        if self.rate == 0 {
            return Err(Unmeasurable::RateTooLow {
                rate: 0,
                needed_hz: 1.0,
            });
        }
        if self.non_finite == self.samples {
            return Err(Unmeasurable::NotFinite {
                count: self.non_finite,
            });
        }
        let count = self.samples as f64;
        let mean_square = (self.energy + self.block_energy) / count;
        let dc = self.sum / count;
        let rms = DbOv::from_rms(mean_square.sqrt());
        let peak = self.largest.value().max(-self.least.value());
        let window = (self.block * WINDOW_BLOCKS) as f64;
        let level = |energy: f64| DbOv::from_rms((energy / window).sqrt());
        let flat = self.least.runs().joined(self.largest.runs());
        Ok(LevelFigures {
            samples: self.samples,
            seconds: count / f64::from(self.rate),
            non_finite: self.non_finite,
            minimum: self.least.value(),
            maximum: self.largest.value(),
            dc,
            peak: DbPeak(20.0 * peak.log10()),
            rms,
            rms_without_dc: DbOv::from_rms((mean_square - dc * dc).max(0.0).sqrt()),
            rms_peak: self.window.map(|(_, most)| level(most)),
            rms_trough: self.window.map(|(least, _)| level(least)),
            crest: Db(if peak > 0.0 {
                20.0 * peak.log10() - rms.0
            } else {
                0.0
            }),
            flat_factor: Db(flat.factor_db()),
            peak_count: flat.samples,
            longest_flat: flat.longest,
            clipping: self.clipping.finish(),
            bit_depth: self.depth.finish(),
        })
    }
}

/// Sums and extremes; every lane is independent, so that the compiler can use vector instructions.
fn scan(samples: &[f32]) -> Part {
    let (mut sum, mut energy) = ([0.0f64; LANES], [0.0f64; LANES]);
    let (mut minimum, mut maximum) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let mut add = |lane: usize, sample: f32| {
        let wide = f64::from(sample);
        sum[lane] += wide;
        energy[lane] += wide * wide;
        // comparisons instead of `min`: what NaN does here does not matter, as it shows in the energy
        minimum[lane] = if sample < minimum[lane] {
            sample
        } else {
            minimum[lane]
        };
        maximum[lane] = if sample > maximum[lane] {
            sample
        } else {
            maximum[lane]
        };
    };
    let (chunks, rest) = samples.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &sample) in chunk.iter().enumerate() {
            add(lane, sample);
        }
    }
    for (lane, &sample) in rest.iter().enumerate() {
        add(lane, sample);
    }
    Part {
        sum: sum.iter().sum(),
        energy: energy.iter().sum(),
        minimum: minimum.into_iter().fold(f32::INFINITY, f32::min),
        maximum: maximum.into_iter().fold(f32::NEG_INFINITY, f32::max),
    }
}

/// As [`scan`], exact, with the bits that are used. At most [`LONGEST_BLOCK`] samples.
fn scan_i16(samples: &[i16]) -> (Part, u16) {
    const WIDE: usize = 2 * LANES;
    let (mut sum, mut energy) = ([0i32; WIDE], [0u64; LANES]);
    let (mut minimum, mut maximum, mut used) = ([i16::MAX; WIDE], [i16::MIN; WIDE], [0u16; WIDE]);
    let (chunks, rest) = samples.as_chunks::<WIDE>();
    for chunk in chunks {
        for lane in 0..WIDE {
            sum[lane] += i32::from(chunk[lane]);
            minimum[lane] = minimum[lane].min(chunk[lane]);
            maximum[lane] = maximum[lane].max(chunk[lane]);
            used[lane] |= chunk[lane].cast_unsigned();
        }
        for lane in 0..LANES {
            let (first, second) = (i32::from(chunk[2 * lane]), i32::from(chunk[2 * lane + 1]));
            // two squares are at most 2^31
            energy[lane] += u64::from((first * first).cast_unsigned() + (second * second).cast_unsigned());
        }
    }
    for (lane, &sample) in rest.iter().enumerate() {
        sum[lane] += i32::from(sample);
        minimum[lane] = minimum[lane].min(sample);
        maximum[lane] = maximum[lane].max(sample);
        used[lane] |= sample.cast_unsigned();
        energy[lane / 2] += u64::from(sample.unsigned_abs()).pow(2);
    }
    let sum: i64 = sum.iter().map(|&sum| i64::from(sum)).sum();
    let part = Part {
        sum: sum as f64 / 32768.0,
        energy: energy.iter().sum::<u64>() as f64 / (32768.0 * 32768.0),
        minimum: minimum.into_iter().min().unwrap_or(0).linear(),
        maximum: maximum.into_iter().max().unwrap_or(0).linear(),
    };
    (part, used.iter().fold(0, |all, bits| all | bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{from_i16, to_i16};
    use crate::stimulus::{sine, speech_like};

    fn figures(samples: &[f32], rate: u32) -> LevelFigures {
        let mut meter = LevelMeter::new(rate);
        meter.push(samples);
        meter.finish().expect("samples")
    }

    #[test]
    fn a_sine_has_its_level_crest_and_peak() {
        let level = figures(&sine(1000.0, DbOv(-23.010_3), 1.0, 48_000), 48_000);
        assert!((level.rms.0 + 23.0103).abs() < 1e-5, "{level:?}");
        assert!((level.peak.0 + 20.0).abs() < 1e-5 && (level.crest.0 - 3.0103).abs() < 1e-4);
        assert!(level.dc.abs() < 1e-9 && level.clipping.runs == 0 && level.bit_depth == BitDepth::Finer);
        let (peak, trough) = (level.rms_peak.unwrap(), level.rms_trough.unwrap());
        assert!((peak.0 - trough.0).abs() < 1e-6 && (peak.0 - level.rms.0).abs() < 1e-6);
    }

    #[test]
    fn the_quick_way_of_16_bits_and_the_way_of_floats_agree_however_the_pieces_fall() {
        let samples = to_i16(&speech_like(1.3, 16_000, 1));
        let whole = figures(&from_i16(&samples), 16_000);
        for pieces in [1, 7, 160, 333, 20_000] {
            let (mut fast, mut slow) = (LevelMeter::new(16_000), LevelMeter::new(16_000));
            for piece in samples.chunks(pieces) {
                fast.push_i16(piece);
                slow.push(&from_i16(piece));
            }
            let (fast, slow) = (fast.finish().unwrap(), slow.finish().unwrap());
            assert!((fast.rms.0 - whole.rms.0).abs() < 1e-9 && (slow.rms.0 - whole.rms.0).abs() < 1e-9);
            assert!((fast.dc - slow.dc).abs() < 1e-12, "{fast:?} {slow:?}");
            assert!((fast.rms_trough.unwrap().0 - whole.rms_trough.unwrap().0).abs() < 1e-6);
            assert_eq!(
                (
                    fast.flat_factor,
                    fast.peak_count,
                    fast.minimum,
                    fast.bit_depth,
                    fast.clipping
                ),
                (
                    whole.flat_factor,
                    whole.peak_count,
                    whole.minimum,
                    whole.bit_depth,
                    whole.clipping
                )
            );
        }
    }

    #[test]
    fn windows_see_the_pause() {
        let mut samples = sine(1000.0, DbOv(-20.0), 0.5, 8000);
        samples.extend(vec![0.0; 800]);
        let level = figures(&samples, 8000);
        assert!((level.rms_peak.unwrap().0 + 20.0).abs() < 1e-3);
        assert_eq!(level.rms_trough, Some(DbOv::SILENCE));
        assert_eq!(figures(&[0.5; 100], 8000).rms_peak, None);
    }

    #[test]
    fn flat_tops_and_the_offset_are_seen() {
        let square: Vec<f32> = (0..800).map(|n| if n % 8 < 4 { 0.5 } else { -0.25 }).collect();
        let level = figures(&square, 8000);
        // every run at either extreme has four samples
        assert!((level.flat_factor.0 - 20.0 * 4f64.log10()).abs() < 1e-9);
        assert_eq!((level.peak_count, level.longest_flat), (800, 4));
        assert!((level.dc - 0.125).abs() < 1e-12);
        assert!((level.rms_without_dc.0 - 20.0 * 0.375f64.log10()).abs() < 1e-9);
        assert_eq!(level.bit_depth, BitDepth::Fixed { bits: 3 });
    }

    #[test]
    fn what_is_not_a_number_is_counted() {
        let level = figures(&[f32::NAN, 0.5, f32::INFINITY, -0.5], 8000);
        assert_eq!((level.non_finite, level.minimum, level.maximum), (2, -0.5, 0.5));
        assert!((level.rms.0 - 20.0 * 0.125f64.sqrt().log10()).abs() < 1e-9);
        let mut meter = LevelMeter::new(8000);
        assert_eq!(meter.finish(), Err(Unmeasurable::NothingToMeasure));
        meter.push(&[f32::NAN; 3]);
        assert_eq!(meter.finish(), Err(Unmeasurable::NotFinite { count: 3 }));
        let huge = figures(&[f32::MAX, f32::MIN], 8000);
        assert_eq!((huge.maximum, huge.minimum), (1.0e4, -1.0e4));
    }

    #[test]
    fn silence_and_one_sample() {
        let silence = figures(&[0.0; 100], 8000);
        assert_eq!((silence.rms, silence.peak.0), (DbOv::SILENCE, f64::NEG_INFINITY));
        assert_eq!((silence.crest, silence.bit_depth), (Db(0.0), BitDepth::Silent));
        assert_eq!(silence.longest_flat, 100);
        let one = figures(&[-0.5], 8000);
        assert_eq!((one.maximum, one.crest), (-0.5, Db(0.0)));
    }
}
