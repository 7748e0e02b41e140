//! A condition on many samples at once, as the bits of a word.

/// Samples that one word holds.
pub(crate) const WORD: usize = 64;

/// Which of at most [`WORD`] items fulfil a condition, the first in the lowest bit. Without a branch on the items, so
/// that the compiler can use vector instructions.
pub(crate) fn flags<T: Copy>(items: &[T], holds: impl Fn(T) -> bool) -> u64 {
    let mut octets = [0_u8; WORD];
    for (octet, item) in octets.iter_mut().zip(items) {
        *octet = u8::from(holds(*item));
    }
    gathered(&octets)
}

/// As [`flags`] for every item but the first, which of them stands so to the one before it.
pub(crate) fn neighbour_flags<T: Copy>(items: &[T], holds: impl Fn(T, T) -> bool) -> u64 {
    let mut octets = [0_u8; WORD];
    let after = items.get(1..).unwrap_or_default();
    for ((octet, before), item) in octets.iter_mut().zip(items).zip(after) {
        *octet = u8::from(holds(*before, *item));
    }
    gathered(&octets)
}

fn gathered(octets: &[u8; WORD]) -> u64 {
    let (eights, _) = octets.as_chunks::<8>();
    eights.iter().rev().fold(0, |word, eight| {
        // every octet is 0 or 1; the product moves octet n to bit 56 + n, and no two of its terms meet
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        (word << 8) | gathered
    })
}

/// Length of the run of ones that the bits from `from` on begin with, within the first `count` bits.
pub(crate) fn ones(word: u64, from: u32, count: u32) -> u32 {
    let rest = word.checked_shr(from).unwrap_or(0);
    rest.trailing_ones().min(count.saturating_sub(from))
}

/// As [`ones`], of zeros.
pub(crate) fn zeros(word: u64, from: u32, count: u32) -> u32 {
    let rest = word.checked_shr(from).unwrap_or(0);
    rest.trailing_zeros().min(count.saturating_sub(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_has_its_bit() {
        let items: Vec<usize> = (0..WORD).collect();
        for item in 0..WORD {
            assert_eq!(flags(&items, |other| other == item), 1 << item);
            assert_eq!(flags(&items, |other| other < item), (1_u64 << item) - 1);
        }
        assert_eq!(flags(&items, |_| true), u64::MAX);
        assert_eq!(flags(&items[..3], |_| true), 0b111);
        assert_eq!(
            neighbour_flags(&[1, 2, 2, 1, 3], |before, item| before < item),
            0b1001
        );
        assert_eq!(neighbour_flags(&[] as &[u8], |_, _| true), 0);
    }

    #[test]
    fn runs_end_at_the_end() {
        assert_eq!((ones(0b0110, 1, 64), zeros(0b0110, 3, 64)), (2, 61));
        assert_eq!((ones(u64::MAX, 60, 64), ones(u64::MAX, 0, 5)), (4, 5));
        assert_eq!((ones(u64::MAX, 64, 64), zeros(0, 64, 64)), (0, 0));
    }
}
