//! Programme loudness and loudness range (ITU-R BS.1770-4 Annex 1, EBU Tech 3341 and 3342), in constant memory.

use crate::filter::Biquad;
use crate::measurement::Unmeasurable;
use crate::sample::clean;
use crate::unit::{LoudnessUnits, Lufs};

/// Sub-blocks of 100 ms in a gating block of 400 ms.
const MOMENTARY: usize = 4;
/// Sub-blocks in a short-term block of 3 s.
const SHORT_TERM: usize = 30;
/// Sub-blocks from one short-term block of the loudness range to the next: they overlap by two thirds (EBU Tech 3342).
const RANGE_STEP: u64 = 10;
/// Absolute gate, LUFS.
const ABSOLUTE_GATE: f64 = -70.0;
/// Relative gate of the programme loudness, LU.
const RELATIVE_GATE: f64 = -10.0;
/// Relative gate of the loudness range, LU.
const RANGE_GATE: f64 = -20.0;
/// Bins of a loudness unit in the histograms.
const BINS_PER_UNIT: f64 = 100.0;
/// From the absolute gate to +30 LUFS.
const BINS: usize = 10_000;
/// Samples that are converted at a time.
const PIECE: usize = 512;
/// What a full-scale sine of 997 Hz in one channel is brought to -3.01 LUFS by.
const OFFSET_DB: f64 = -0.691;
/// Most channels that can be weighted.
const MOST_CHANNELS: usize = 8;

/// Loudness of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loudness {
    /// Programme loudness, gated.
    pub integrated: Result<Lufs, Unheard>,
    /// Loudness range.
    pub range: Result<LoudnessUnits, Unheard>,
    /// Loudest 400 ms.
    pub momentary: Result<Lufs, Unheard>,
    /// Loudest 3 s.
    pub short_term: Result<Lufs, Unheard>,
}

/// Why a loudness has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unheard {
    /// The recording is shorter than the block of this loudness.
    TooShort,
    /// Nothing is above the absolute gate of -70 LUFS.
    BelowGate,
}

impl From<Unheard> for Unmeasurable {
    fn from(unheard: Unheard) -> Self {
        match unheard {
            Unheard::TooShort => Self::NoSuchPart("block of 400 ms, or of 3 s, as the loudness needs"),
            Unheard::BelowGate => Self::NoSuchPart("block above -70 LUFS"),
        }
    }
}

/// Counts blocks by loudness.
#[derive(Debug, Clone)]
struct Histogram {
    counts: Vec<u64>,
    energies: Vec<f64>,
}

impl Histogram {
    fn new() -> Self {
        Self {
            counts: vec![0; BINS],
            energies: vec![0.0; BINS],
        }
    }

    fn add(&mut self, energy: f64) {
        let loudness = lufs(energy);
        if loudness < ABSOLUTE_GATE || loudness.is_nan() {
            return;
        }
        let bin = (((loudness - ABSOLUTE_GATE) * BINS_PER_UNIT) as usize).min(BINS - 1);
        if let (Some(count), Some(sum)) = (self.counts.get_mut(bin), self.energies.get_mut(bin)) {
            *count += 1;
            *sum += energy;
        }
    }

    /// Mean energy and number of the blocks from a loudness up.
    fn mean_from(&self, gate: f64) -> Option<f64> {
        let first = self.first_bin(gate);
        let count: u64 = self.counts.iter().skip(first).sum();
        let energy: f64 = self.energies.iter().skip(first).sum();
        (count > 0).then(|| energy / count as f64)
    }

    fn first_bin(&self, gate: f64) -> usize {
        (((gate - ABSOLUTE_GATE) * BINS_PER_UNIT).round().max(0.0) as usize).min(BINS - 1)
    }

    /// Loudness that a share of the blocks from a loudness up do not exceed.
    fn percentile_from(&self, gate: f64, share: f64) -> Option<f64> {
        let first = self.first_bin(gate);
        let count: u64 = self.counts.iter().skip(first).sum();
        let wanted = (count.checked_sub(1)? as f64 * share).round() as u64;
        let mut seen = 0;
        let bin = self.counts.iter().skip(first).position(|count| {
            seen += count;
            seen > wanted
        })?;
        Some(ABSOLUTE_GATE + ((first + bin) as f64 + 0.5) / BINS_PER_UNIT)
    }
}

/// Measures [`Loudness`] of interleaved channels that come piece by piece.
#[derive(Debug, Clone)]
pub struct LoudnessMeter {
    channels: usize,
    weights: [f64; MOST_CHANNELS],
    filters: Vec<[Biquad; 2]>,
    /// Frames in a sub-block of 100 ms.
    step: usize,
    filled: usize,
    energy: f64,
    recent: [f64; SHORT_TERM],
    steps: u64,
    blocks: Histogram,
    ranges: Histogram,
    momentary: f64,
    short_term: f64,
}

impl LoudnessMeter {
    /// A meter for interleaved samples at `rate` Hz. Channels are weighted as a WAV file orders them: left, right, centre
    /// (and low-frequency effects from six channels on, which do not count), surrounds.
    ///
    /// # Errors
    /// No channel or more than eight, or a rate below 4 kHz, which cannot hold the filters.
    pub fn new(rate: u32, channels: usize) -> Result<Self, Unmeasurable> {
        if !(1..=MOST_CHANNELS).contains(&channels) {
            return Err(Unmeasurable::OutOfRange {
                name: "number of channels",
                value: channels as f64,
                range: "1 to 8",
            });
        }
        if rate < 4000 {
            return Err(Unmeasurable::RateTooLow {
                rate,
                needed_hz: 2000.0,
            });
        }
        let surround = 1.41;
        let weights = match channels {
            4 => [1.0, 1.0, surround, surround, 0.0, 0.0, 0.0, 0.0],
            5 => [1.0, 1.0, 1.0, surround, surround, 0.0, 0.0, 0.0],
            6.. => [1.0, 1.0, 1.0, 0.0, surround, surround, 1.0, 1.0],
            _ => [1.0; MOST_CHANNELS],
        };
        Ok(Self {
            channels,
            weights,
            filters: vec![k_weighting(f64::from(rate)); channels],
            step: (f64::from(rate) / 10.0).round() as usize,
            filled: 0,
            energy: 0.0,
            recent: [0.0; SHORT_TERM],
            steps: 0,
            blocks: Histogram::new(),
            ranges: Histogram::new(),
            momentary: 0.0,
            short_term: 0.0,
        })
    }

    /// The next samples, interleaved, full scale 1.0; only whole frames count.
    pub fn push(&mut self, interleaved: &[f32]) {
        let mut wide = [0.0; PIECE];
        let frames = interleaved.len() / self.channels;
        let mut done = 0;
        while done < frames {
            let count = (frames - done).min(PIECE).min(self.step - self.filled);
            let piece = &interleaved[done * self.channels..(done + count) * self.channels];
            for channel in 0..self.channels {
                let samples = piece.iter().skip(channel).step_by(self.channels);
                for (wide, &sample) in wide.iter_mut().zip(samples) {
                    *wide = clean(sample);
                }
                self.filter(channel, &wide[..count]);
            }
            self.advance(count);
            done += count;
        }
    }

    /// As [`Self::push`] for one channel of finite samples.
    pub(crate) fn push_wide(&mut self, mut samples: &[f64]) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.step - self.filled));
            samples = later;
            self.filter(0, now);
            self.advance(now.len());
        }
    }

    fn filter(&mut self, channel: usize, samples: &[f64]) {
        let Some(filter) = self.filters.get_mut(channel) else {
            return;
        };
        let [mut shelf, mut high] = *filter;
        let mut energy = 0.0;
        for &sample in samples {
            let heard = high.next(shelf.next(sample));
            energy += heard * heard;
        }
        shelf.settle();
        high.settle();
        *filter = [shelf, high];
        self.energy += energy * self.weights.get(channel).copied().unwrap_or(0.0);
    }

    fn advance(&mut self, frames: usize) {
        self.filled += frames;
        if self.filled < self.step {
            return;
        }
        self.recent.rotate_left(1);
        self.recent[SHORT_TERM - 1] = self.energy / self.step as f64;
        self.steps += 1;
        self.energy = 0.0;
        self.filled = 0;
        if self.steps >= MOMENTARY as u64 {
            let block = self.recent[SHORT_TERM - MOMENTARY..].iter().sum::<f64>() / MOMENTARY as f64;
            self.momentary = self.momentary.max(block);
            self.blocks.add(block);
        }
        if let Some(after) = self.steps.checked_sub(SHORT_TERM as u64) {
            let block = self.recent.iter().sum::<f64>() / SHORT_TERM as f64;
            self.short_term = self.short_term.max(block);
            if after.is_multiple_of(RANGE_STEP) {
                self.ranges.add(block);
            }
        }
    }

    /// The loudness of everything seen so far.
    #[must_use]
    pub fn finish(&self) -> Loudness {
        let long_enough = |steps: usize| {
            if self.steps < steps as u64 {
                Err(Unheard::TooShort)
            } else {
                Ok(())
            }
        };
        let heard = |energy: f64| {
            let loudness = lufs(energy);
            if loudness >= ABSOLUTE_GATE {
                Ok(Lufs(loudness))
            } else {
                Err(Unheard::BelowGate)
            }
        };
        Loudness {
            integrated: long_enough(MOMENTARY).and_then(|()| self.integrated().ok_or(Unheard::BelowGate)),
            range: long_enough(SHORT_TERM).and_then(|()| self.range().ok_or(Unheard::BelowGate)),
            momentary: long_enough(MOMENTARY).and_then(|()| heard(self.momentary)),
            short_term: long_enough(SHORT_TERM).and_then(|()| heard(self.short_term)),
        }
    }

    fn integrated(&self) -> Option<Lufs> {
        let ungated = self.blocks.mean_from(ABSOLUTE_GATE)?;
        let gated = self.blocks.mean_from(lufs(ungated) + RELATIVE_GATE)?;
        Some(Lufs(lufs(gated)))
    }

    fn range(&self) -> Option<LoudnessUnits> {
        let gate = lufs(self.ranges.mean_from(ABSOLUTE_GATE)?) + RANGE_GATE;
        let high = self.ranges.percentile_from(gate, 0.95)?;
        let low = self.ranges.percentile_from(gate, 0.10)?;
        Some(LoudnessUnits(high - low))
    }
}

fn lufs(energy: f64) -> f64 {
    OFFSET_DB + 10.0 * energy.log10()
}

/// The two stages of the K weighting at any rate: the analogue prototypes (a shelf of 4 dB at 1.7 kHz and a high-pass at
/// 38 Hz) of which the coefficients that BS.1770 prints for 48 kHz are the bilinear transform.
fn k_weighting(rate: f64) -> [Biquad; 2] {
    let k = (std::f64::consts::PI * 1_681.974_450_955_533 / rate).tan();
    let q = 0.707_175_236_955_419_6;
    let high = 10f64.powf(3.999_843_853_973_347 / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let norm = 1.0 / (1.0 + k / q + k * k);
    let shelf = Biquad::new(
        [
            (high + band * k / q + k * k) * norm,
            2.0 * (k * k - high) * norm,
            (high - band * k / q + k * k) * norm,
        ],
        [2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm],
    );
    let k = (std::f64::consts::PI * 38.135_470_876_024_44 / rate).tan();
    let q = 0.500_327_037_323_877_3;
    let norm = 1.0 / (1.0 + k / q + k * k);
    let pass = Biquad::new(
        [1.0, -2.0, 1.0],
        [2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm],
    );
    [shelf, pass]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::sine;

    /// Interleaved stereo of 1 kHz sines at peak levels in dBFS for durations in s, as EBU Tech 3341 states its cases.
    fn stereo(parts: &[(f64, f64)], rate: u32) -> Vec<f32> {
        let tone = |&(dbfs, seconds): &(f64, f64)| sine(1000.0, DbOv(dbfs - 3.010_3), seconds, rate);
        parts
            .iter()
            .flat_map(tone)
            .flat_map(|sample| [sample, sample])
            .collect()
    }

    fn loudness(interleaved: &[f32], rate: u32, channels: usize) -> Loudness {
        let mut meter = LoudnessMeter::new(rate, channels).expect("a rate that fits");
        meter.push(interleaved);
        meter.finish()
    }

    #[test]
    fn the_coefficients_at_48_khz_are_those_that_are_printed() {
        let [shelf, pass] = k_weighting(48_000.0);
        for (ours, printed) in [
            (shelf.b[0], 1.535_124_859_586_97),
            (shelf.b[1], -2.691_696_189_406_38),
            (shelf.b[2], 1.198_392_810_852_85),
            (shelf.a[0], -1.690_659_293_182_41),
            (shelf.a[1], 0.732_480_774_215_85),
            (pass.a[0], -1.990_047_454_833_98),
            (pass.a[1], 0.990_072_250_366_21),
        ] {
            assert!((ours - printed).abs() < 1e-8, "{ours} {printed}");
        }
    }

    #[test]
    fn the_ebu_cases_of_loudness() {
        // EBU Tech 3341 cases 1 to 5, tolerance 0.1 LU
        let gated = [(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)];
        let deep = [
            (-72.0, 10.0),
            (-36.0, 10.0),
            (-23.0, 60.0),
            (-36.0, 10.0),
            (-72.0, 10.0),
        ];
        let cases: [(&[(f64, f64)], f64); 5] = [
            (&[(-23.0, 20.0)], -23.0),
            (&[(-33.0, 20.0)], -33.0),
            (&gated, -23.0),
            (&deep, -23.0),
            (&[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
        ];
        for rate in [8000, 48_000] {
            for (parts, wanted) in cases {
                let found = loudness(&stereo(parts, rate), rate, 2)
                    .integrated
                    .expect("loud enough");
                assert!((found.0 - wanted).abs() < 0.1, "{rate} {parts:?}: {found}");
            }
        }
        let level = loudness(&stereo(&[(-23.0, 20.0)], 48_000), 48_000, 2);
        assert!((level.momentary.expect("long enough").0 + 23.0).abs() < 0.1);
        assert!((level.short_term.expect("long enough").0 + 23.0).abs() < 0.1);
    }

    #[test]
    fn the_ebu_cases_of_the_loudness_range() {
        // EBU Tech 3342 cases 1 to 4, tolerance 1 LU
        let cases: [(&[(f64, f64)], f64); 4] = [
            (&[(-20.0, 20.0), (-30.0, 20.0)], 10.0),
            (&[(-20.0, 20.0), (-15.0, 20.0)], 5.0),
            (&[(-40.0, 20.0), (-20.0, 20.0)], 20.0),
            (
                &[
                    (-50.0, 20.0),
                    (-35.0, 20.0),
                    (-20.0, 20.0),
                    (-35.0, 20.0),
                    (-50.0, 20.0),
                ],
                15.0,
            ),
        ];
        for (parts, wanted) in cases {
            let found = loudness(&stereo(parts, 16_000), 16_000, 2)
                .range
                .expect("loud enough");
            assert!((found.0 - wanted).abs() < 1.0, "{parts:?}: {found}");
        }
    }

    #[test]
    fn pieces_and_channels() {
        let mono = sine(1000.0, DbOv(-23.0), 2.0, 16_000);
        let whole = loudness(&mono, 16_000, 1);
        let mut meter = LoudnessMeter::new(16_000, 1).expect("a rate that fits");
        mono.chunks(77).for_each(|piece| meter.push(piece));
        let found = meter.finish().integrated.expect("loud");
        assert!((found.0 - whole.integrated.expect("loud").0).abs() < 1e-9);
        let wide: Vec<f64> = mono.iter().map(|&x| f64::from(x)).collect();
        let mut meter = LoudnessMeter::new(16_000, 1).expect("a rate that fits");
        meter.push_wide(&wide);
        assert!((meter.finish().integrated.expect("loud").0 - found.0).abs() < 1e-9);
        // the same in eight channels, of which one does not count and two count 1.41 times
        let eight: Vec<f32> = mono.iter().flat_map(|&x| [x; 8]).collect();
        let more = loudness(&eight, 16_000, 8).integrated.expect("loud").0 - found.0;
        assert!((more - 10.0 * (5.0f64 + 2.82).log10()).abs() < 1e-6, "{more}");
    }

    #[test]
    fn what_cannot_be_heard_says_why() {
        let short = loudness(&[0.5; 100], 8000, 1);
        assert_eq!(short.integrated, Err(Unheard::TooShort));
        let silent = loudness(&[0.0; 80_000], 8000, 1);
        assert_eq!(
            (silent.integrated, silent.range),
            (Err(Unheard::BelowGate), Err(Unheard::BelowGate))
        );
        assert!(loudness(&[f32::NAN; 80_000], 8000, 1).integrated.is_err());
        assert!(LoudnessMeter::new(8000, 0).is_err() && LoudnessMeter::new(8000, 9).is_err());
        assert!(LoudnessMeter::new(0, 1).is_err());
    }
}
