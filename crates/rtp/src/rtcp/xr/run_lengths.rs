//! Run length encoding of what happened to each packet (RFC 3611 4.1, 4.2).

use super::super::frame::Fields;

/// One 16-bit chunk (RFC 3611 4.1.1 to 4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    /// A run of equal bits.
    Run {
        /// The bit that is repeated.
        bit: bool,
        /// How often, 1..=16383.
        length: u16,
    },
    /// Fifteen bits, the first one in the highest position.
    Vector(u16),
    /// Nothing; fills the block up to 32 bits.
    Null,
}

impl Chunk {
    const fn from_bits(bits: u16) -> Self {
        match bits {
            0 => Self::Null,
            _ if bits & 0x8000 != 0 => Self::Vector(bits & 0x7fff),
            _ => Self::Run {
                bit: bits & 0x4000 != 0,
                length: bits & 0x3fff,
            },
        }
    }

    const fn to_bits(self) -> u16 {
        match self {
            Self::Null => 0,
            Self::Vector(bits) => 0x8000 | bits,
            Self::Run { bit, length } => (length & 0x3fff) | if bit { 0x4000 } else { 0 },
        }
    }

    /// Sequence numbers that the chunk tells of.
    const fn covers(self) -> u32 {
        match self {
            Self::Null => 0,
            Self::Vector(_) => 15,
            Self::Run { length, .. } => length as u32,
        }
    }
}

/// A loss or duplicate RLE block (RFC 3611 4.1, 4.2); in a loss block a one is a packet that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLengths {
    /// Thinning: only sequence numbers that are multiples of two to this power are told of, 0..=15.
    pub thinning: u8,
    /// The source reported on.
    pub ssrc: u32,
    /// First sequence number of the interval.
    pub begin: u16,
    /// Last sequence number plus one.
    pub end: u16,
    /// Chunks in order, without the null chunk that fills the block up.
    pub chunks: Vec<Chunk>,
}

impl RunLengths {
    /// Encodes one bit a sequence number from `begin` on, without thinning; at most 65534 bits are taken, as an
    /// interval is shorter than the numbering (RFC 3611 4.1).
    #[must_use]
    pub fn encode(ssrc: u32, begin: u16, bits: &[bool]) -> Self {
        let bits = bits.get(..usize::from(u16::MAX) - 1).unwrap_or(bits);
        let mut chunks = Vec::new();
        let mut rest = bits;
        while let Some(&bit) = rest.first() {
            let run = rest.iter().take(0x3fff).take_while(|&&next| next == bit).count();
            // a vector holds 15 bits, so a run is worth its chunk from 15 on, or when nothing else follows
            if run >= 15 || run == rest.len() {
                chunks.push(Chunk::Run {
                    bit,
                    // at most 0x3fff were taken
                    length: run as u16,
                });
                rest = &rest[run..];
            } else {
                let taken = rest.len().min(15);
                let vector = rest[..taken].iter().enumerate().fold(0, |vector, (place, &bit)| {
                    vector | (u16::from(bit) << (14 - place))
                });
                chunks.push(Chunk::Vector(vector));
                rest = &rest[taken..];
            }
        }
        Self {
            thinning: 0,
            ssrc,
            begin,
            // at most 65534
            end: begin.wrapping_add(bits.len() as u16),
            chunks,
        }
    }

    /// Sequence numbers that the interval promises to tell of (RFC 3611 4.1).
    #[must_use]
    pub fn reported(&self) -> u32 {
        multiples(self.begin, self.end, self.thinning)
    }

    /// Sequence numbers that the chunks tell of; a bit vector at the end may go beyond the interval.
    #[must_use]
    pub fn covered(&self) -> u32 {
        self.chunks.iter().map(|chunk| chunk.covers()).sum()
    }

    /// The bits of the interval, each with its sequence number.
    pub fn bits(&self) -> impl Iterator<Item = (u16, bool)> + '_ {
        let step = 1u32 << (self.thinning & 15);
        let first = u32::from(self.begin).next_multiple_of(step);
        let numbers = (0..self.reported()).map(move |n| (first + n * step) as u16);
        let bits = self.chunks.iter().flat_map(|&chunk| {
            (0..chunk.covers()).map(move |place| match chunk {
                Chunk::Run { bit, .. } => bit,
                Chunk::Vector(bits) => bits & (0x4000 >> place) != 0,
                Chunk::Null => false,
            })
        });
        numbers.zip(bits)
    }

    pub(super) fn read(thinning: u8, mut fields: Fields<'_>) -> Option<Self> {
        let (ssrc, begin, end) = (fields.u32()?, fields.u16()?, fields.u16()?);
        let mut chunks = Vec::with_capacity(fields.0.len() / 2);
        while let Some(bits) = fields.u16() {
            chunks.push(Chunk::from_bits(bits));
        }
        if chunks.last() == Some(&Chunk::Null) {
            chunks.pop();
        }
        Some(Self {
            thinning,
            ssrc,
            begin,
            end,
            chunks,
        })
    }

    pub(super) fn write(&self, content: &mut Vec<u8>) {
        content.extend(self.ssrc.to_be_bytes());
        content.extend(self.begin.to_be_bytes());
        content.extend(self.end.to_be_bytes());
        for chunk in &self.chunks {
            content.extend(chunk.to_bits().to_be_bytes());
        }
        if self.chunks.len() % 2 == 1 {
            content.extend([0, 0]);
        }
    }
}

/// How many multiples of two to the power of `thinning` lie in `begin..end` on the circle of 16-bit numbers.
pub(super) fn multiples(begin: u16, end: u16, thinning: u8) -> u32 {
    let step = 1u32 << (thinning & 15);
    let begin = u32::from(begin);
    let end = begin + u32::from(end.wrapping_sub(begin as u16));
    end.div_ceil(step) - begin.div_ceil(step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chunks_have_the_layout_of_the_standard() {
        // C=0 R=1 length 16383; C=1 and 15 bits
        assert_eq!(
            Chunk::from_bits(0x7fff),
            Chunk::Run {
                bit: true,
                length: 0x3fff
            }
        );
        assert_eq!(Chunk::from_bits(0xc001), Chunk::Vector(0x4001));
        assert_eq!(Chunk::from_bits(0), Chunk::Null);
        let mut bits = vec![true; 20];
        bits[19] = false;
        bits.push(true);
        let block = RunLengths::encode(1, 65530, &bits);
        assert_eq!(
            block.chunks,
            [
                Chunk::Run {
                    bit: true,
                    length: 19
                },
                Chunk::Vector(0b010_0000_0000_0000)
            ]
        );
        assert_eq!((block.end, block.reported()), (15, 21));
    }

    #[test]
    fn thinning_counts_the_multiples_only() {
        assert_eq!(multiples(0, 8, 2), 2);
        assert_eq!(multiples(1, 8, 2), 1);
        assert_eq!(multiples(65533, 5, 2), 2);
        assert_eq!(multiples(7, 7, 0), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn bits_read_back(bits in proptest::collection::vec(proptest::bool::weighted(0.9), 0..400), begin: u16) {
            let block = RunLengths::encode(9, begin, &bits);
            let read: Vec<(u16, bool)> = block.bits().collect();
            prop_assert_eq!(read.iter().map(|(_, bit)| *bit).collect::<Vec<_>>(), bits);
            prop_assert!(read.iter().enumerate().all(|(n, (number, _))| *number == begin.wrapping_add(n as u16)));
            let mut content = Vec::new();
            block.write(&mut content);
            prop_assert_eq!(content.len() % 4, 0);
            prop_assert_eq!(RunLengths::read(0, Fields(&content)), Some(block));
        }
    }
}
