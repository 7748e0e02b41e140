//! How many bits of its samples a recording uses.

const LANES: usize = 8;
/// Adding this to a magnitude below 2^22 leaves the nearest integer in the low bits of the mantissa.
const ROUNDING: f32 = 12_582_912.0;
/// Magnitude in units of 1/32768 up to which [`ROUNDING`] holds.
const LARGEST: f32 = 64.0;

/// The word length a recording uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BitDepth {
    /// Every sample is zero.
    Silent,
    /// Every sample is a multiple of one step of a word of `bits` bits with full scale 1.0, and of no coarser one. A
    /// recording of 16 bits that reads less was amplified by shifting, or comes from a coarser converter.
    Fixed {
        /// Word length, 1 to 24.
        bits: u32,
    },
    /// Finer than 24 bits: computed samples, or a gain applied afterwards.
    Finer,
}

/// Collects which bits are used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BitDepthMeter {
    /// Bits of the samples in units of 2^-15.
    coarse: u32,
    /// Bits of what the coarse units leave, in units of 2^-23.
    fine: u32,
    finer: bool,
}

impl BitDepthMeter {
    pub(crate) fn bits(&mut self, used: u16) {
        self.coarse |= u32::from(used);
    }

    /// The next samples, finite ones whose largest magnitude is known.
    pub(crate) fn push(&mut self, samples: &[f32], largest: f32) {
        if self.finer {
            return;
        }
        if largest > LARGEST {
            self.finer = true;
            return;
        }
        let (mut coarse, mut fine, mut finer) = ([0u32; LANES], [0u32; LANES], [0u32; LANES]);
        let mut piece = |samples: &[f32; LANES]| {
            for lane in 0..LANES {
                let units = samples[lane] * 32768.0;
                let rounded = units + ROUNDING;
                coarse[lane] |= rounded.to_bits();
                let rest = (units - (rounded - ROUNDING)) * 256.0;
                let rounded = rest + ROUNDING;
                fine[lane] |= rounded.to_bits();
                finer[lane] |= (rest - (rounded - ROUNDING)).to_bits();
            }
        };
        let (chunks, rest) = samples.as_chunks::<LANES>();
        chunks.iter().for_each(&mut piece);
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        piece(&last);
        // the mantissa of the sum: 16 bits of the integer, and 9 of the rest, which is within half a unit either way
        self.coarse |= coarse.iter().fold(0, |all, bits| all | bits) & 0xffff;
        self.fine |= fine.iter().fold(0, |all, bits| all | bits) & 0xff;
        // without the sign, as a difference of zero may be a negative zero
        self.finer |= finer.iter().fold(0, |all, bits| all | bits) & 0x7fff_ffff != 0;
    }

    pub(crate) fn finish(self) -> BitDepth {
        match (self.finer, self.fine, self.coarse) {
            (true, _, _) => BitDepth::Finer,
            (false, 0, 0) => BitDepth::Silent,
            (false, 0, coarse) => BitDepth::Fixed {
                bits: 16 - coarse.trailing_zeros(),
            },
            (false, fine, _) => BitDepth::Fixed {
                bits: 24 - fine.trailing_zeros(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(samples: &[f32]) -> BitDepth {
        let mut meter = BitDepthMeter::default();
        let largest = samples.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
        meter.push(samples, largest);
        meter.finish()
    }

    #[test]
    fn the_coarsest_word_that_holds_every_sample() {
        for bits in 2..=24u32 {
            let unit = 2f32.powi(1 - bits as i32);
            let samples: Vec<f32> = (-9..9)
                .map(|n| n as f32 * unit)
                .filter(|x| x.abs() <= 1.0)
                .collect();
            assert_eq!(depth(&samples), BitDepth::Fixed { bits }, "{bits}");
        }
        assert_eq!(depth(&[-1.0, -1.0]), BitDepth::Fixed { bits: 1 });
        assert_eq!(depth(&[0.0, -0.0]), BitDepth::Silent);
        assert_eq!(depth(&[0.1]), BitDepth::Finer);
        assert_eq!(depth(&[1e-30]), BitDepth::Finer);
        assert_eq!(depth(&[1000.0]), BitDepth::Finer);
    }
}
