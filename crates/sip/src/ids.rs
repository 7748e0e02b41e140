//! Branches, tags and Call-IDs from a seed.

/// Deterministic source of identifiers (SplitMix64). The caller chooses the seed: a fixed one makes a run
/// reproducible, one from the operating system makes identifiers unique across runs (RFC 3261 19.3, 8.1.1.7).
#[derive(Debug, Clone)]
pub struct IdSource {
    state: u64,
}

impl IdSource {
    /// A source that gives the same identifiers for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A Via branch with the magic cookie of RFC 3261 8.1.1.7.
    pub fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.token(16))
    }

    /// A From or To tag, 80 bits (RFC 3261 19.3 asks for at least 32).
    pub fn tag(&mut self) -> String {
        self.token(16)
    }

    /// A Call-ID `random@host`.
    pub fn call_id(&mut self, host: &str) -> String {
        format!("{}@{host}", self.token(24))
    }

    /// `length` characters of `a-z2-7`, five bits each.
    pub fn token(&mut self, length: usize) -> String {
        const ALPHABET: [char; 32] = [
            'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's',
            't', 'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
        ];
        let mut out = String::with_capacity(length);
        while out.len() < length {
            let mut bits = self.next_u64();
            for _ in 0..(length - out.len()).min(12) {
                out.push(ALPHABET[(bits & 31) as usize]);
                bits >>= 5;
            }
        }
        out
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_identifiers() {
        let (mut a, mut b, mut c) = (IdSource::new(1), IdSource::new(1), IdSource::new(2));
        let branch = a.branch();
        assert_eq!(branch, b.branch());
        assert_ne!(branch, c.branch());
        assert_ne!(a.branch(), branch);
        assert!(branch.starts_with("z9hG4bK") && branch.len() == 23);
        assert_eq!(a.token(40).len(), 40);
        assert!(a.call_id("192.0.2.1").ends_with("@192.0.2.1"));
    }
}
