//! Whether the sequence numbers of a stream have started over.

/// The first and the last quarter of the numbers.
const EARLY: u16 = 0x4000;
const LATE: u16 = 0xc000;

/// The sequence numbers of what the device sends, protected or not: the header is in clear (RFC 3711 3.1).
#[derive(Debug, Default)]
pub(super) struct Sequence {
    last: Option<u16>,
    pub(super) rolled_over: bool,
}

impl Sequence {
    /// A datagram that is meant as RTP has come.
    pub(super) fn heard(&mut self, bytes: &[u8]) {
        let Some([_, _, high, low]) = bytes.first_chunk() else {
            return;
        };
        let number = u16::from_be_bytes([*high, *low]);
        // a step back over a quarter and less is a packet that was overtaken
        self.rolled_over |= self.last.is_some_and(|last| last >= LATE) && number < EARLY;
        self.last = Some(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rolled_over(numbers: &[u16]) -> bool {
        let mut sequence = Sequence::default();
        for number in numbers {
            let [high, low] = number.to_be_bytes();
            sequence.heard(&[0x80, 0, high, low, 1, 2]);
        }
        sequence.rolled_over
    }

    #[test]
    fn numbers_that_start_over_are_told_from_those_that_are_out_of_order() {
        assert!(rolled_over(&[65_534, 65_535, 0]));
        assert!(rolled_over(&[65_534, 1, 65_535]));
        assert!(!rolled_over(&[0, 65_535]));
        assert!(!rolled_over(&[40_000, 39_999, 40_001]));
        assert!(!rolled_over(&[]));
        let mut short = Sequence {
            last: Some(65_535),
            rolled_over: false,
        };
        short.heard(&[0x80, 0, 0]);
        assert!(!short.rolled_over);
    }
}
