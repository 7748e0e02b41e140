/// Numbers that look random and repeat with their seed, so that a run can be repeated (SplitMix64).
///
/// Not for secrets: the lab's transaction identifiers need to be distinct, not unguessable.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A transaction identifier: 96 bits (RFC 8489 5).
    pub(crate) const fn transaction(&mut self) -> u128 {
        let high = self.next() as u128 & 0xffff_ffff;
        (high << 64) | self.next() as u128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_numbers_and_no_repetition() {
        let (mut one, mut two, mut other) = (Random::new(7), Random::new(7), Random::new(8));
        let first: Vec<_> = (0..1000).map(|_| one.transaction()).collect();
        assert!(first.iter().all(|id| *id == two.transaction() && *id >> 96 == 0));
        assert_ne!(first[0], other.transaction());
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), 1000);
    }
}
