//! A quick hash for keys and for telling repetitions from new messages.

use std::hash::{BuildHasherDefault, Hasher};

/// Folds eight octets at a time into the state by a multiplication of 128 bits. Every message is hashed whole and every
/// key once more by its table, for which the hasher of the standard library takes several times as long. The tables
/// have limits, so whoever makes keys collide wins nothing.
#[derive(Debug, Default)]
pub(crate) struct Folding(u64);

pub(crate) type BuildFolding = BuildHasherDefault<Folding>;

const START: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

impl Folding {
    fn take(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ START) * u128::from(FACTOR);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.take(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            for (place, byte) in last.iter_mut().zip(rest) {
                *place = *byte;
            }
            self.take(u64::from_le_bytes(last));
        }
        // zeros at the end are not the same as none
        self.take(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.take(value.into());
    }

    fn write_u16(&mut self, value: u16) {
        self.take(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.take(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.take(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.take(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn near_keys_differ_in_all_parts_of_the_hash() {
        let build = BuildFolding::default();
        let texts: Vec<String> = (0..4096)
            .map(|number| format!("call-{number}@192.0.2.1"))
            .collect();
        let full: HashSet<u64> = texts.iter().map(|text| build.hash_one(text)).collect();
        assert_eq!(full.len(), texts.len());
        // a table takes its place from the low bits and tells entries apart by the seven high ones
        for shift in [0, 28, 52] {
            let parts: HashSet<u64> = full.iter().map(|hash| hash >> shift & 0xfff).collect();
            assert!(
                parts.len() > 2400,
                "{} of 4096 in the bits from {shift} on",
                parts.len()
            );
        }
        let whole: HashSet<u64> = (0..4096_u64)
            .map(|number| build.hash_one(number) & 0xfff)
            .collect();
        assert!(whole.len() > 2400, "{}", whole.len());
    }

    #[test]
    fn length_order_and_cuts_count() {
        let build = BuildFolding::default();
        let of = |parts: &[&[u8]]| {
            let mut hasher = build.build_hasher();
            parts.iter().for_each(|part| hasher.write(part));
            hasher.finish()
        };
        let all = [
            of(&[b""]),
            of(&[b"\0"]),
            of(&[b"\0\0"]),
            of(&[b"ab", b"c"]),
            of(&[b"a", b"bc"]),
            of(&[b"abc"]),
            of(&[b"abcdefgh", b"i"]),
            of(&[b"i", b"abcdefgh"]),
        ];
        assert_eq!(HashSet::from(all).len(), all.len());
    }
}
