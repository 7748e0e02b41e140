/// Least size of a replay window (RFC 3711 3.3.2).
pub(crate) const MINIMUM_WINDOW: usize = 64;

/// One past the last 48-bit packet index.
pub(crate) const INDEX_END: u64 = 1 << 48;

/// The 48-bit index of a packet: the roll-over counter that brings `sequence` nearest to `newest` (RFC 3711 3.3.1).
///
/// `newest` is the highest index known. May return 2^48, which no key reaches. Before the first roll-over there is
/// no earlier cycle, so that a sequence number far ahead is taken as it is.
#[must_use]
pub fn estimate_index(newest: u64, sequence: u16) -> u64 {
    let cycle = newest >> 16;
    let highest = newest & 0xffff;
    let sequence = u64::from(sequence);
    let cycle = if highest < 0x8000 {
        if sequence > highest + 0x8000 {
            cycle.saturating_sub(1)
        } else {
            cycle
        }
    } else if highest - 0x8000 > sequence {
        cycle + 1
    } else {
        cycle
    };
    cycle << 16 | sequence
}

/// Why a replay window refuses an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayRefusal {
    /// Accepted before.
    Repeated,
    /// Before the window; nothing is known about it.
    TooOld,
}

/// The indices accepted lately (RFC 3711 3.3.2).
#[derive(Debug, Clone)]
pub struct ReplayWindow {
    newest: Option<u64>,
    /// bit `index % size`, for the indices `newest - size + 1 ..= newest`
    words: Vec<u64>,
}

impl ReplayWindow {
    /// A window of `size` indices, rounded up to a multiple of 64.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            newest: None,
            words: vec![0; size.div_ceil(64).max(1)],
        }
    }

    /// Indices remembered.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.words.len() as u64 * 64
    }

    /// The highest index accepted.
    #[must_use]
    pub const fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Whether the index may be accepted.
    ///
    /// # Errors
    ///
    /// [`ReplayRefusal`].
    pub fn check(&self, index: u64) -> Result<(), ReplayRefusal> {
        let Some(newest) = self.newest else { return Ok(()) };
        if index > newest {
            return Ok(());
        }
        if newest - index >= self.size() {
            return Err(ReplayRefusal::TooOld);
        }
        let (word, bit) = self.place(index);
        if self.words[word] & bit != 0 {
            return Err(ReplayRefusal::Repeated);
        }
        Ok(())
    }

    /// Notes an index whose packet was authenticated.
    pub fn accept(&mut self, index: u64) {
        let size = self.size();
        match self.newest {
            None => self.newest = Some(index),
            Some(newest) if index > newest => {
                if index - newest >= size {
                    self.words.fill(0);
                } else {
                    for skipped in newest + 1..index {
                        let (word, bit) = self.place(skipped);
                        self.words[word] &= !bit;
                    }
                }
                self.newest = Some(index);
            }
            Some(newest) if newest - index >= size => return,
            Some(_) => {}
        }
        let (word, bit) = self.place(index);
        self.words[word] |= bit;
    }

    /// Position of an index; the word lies inside because of the remainder.
    fn place(&self, index: u64) -> (usize, u64) {
        let position = index % self.size();
        ((position / 64) as usize, 1 << (position % 64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_index_follows_the_sequence_number_over_its_end() {
        assert_eq!(estimate_index(0, 0), 0);
        assert_eq!(estimate_index(65_535, 0), 65_536);
        assert_eq!(estimate_index(65_536, 65_535), 65_535);
        assert_eq!(estimate_index(65_536 + 0x7fff, 0xffff), 65_536 + 0xffff);
        assert_eq!(estimate_index(65_536 + 0x7ffe, 0xffff), 0xffff);
        assert_eq!(estimate_index(0x8001, 0), 65_536);
        assert_eq!(estimate_index(0x8000, 0), 0);
        assert_eq!(estimate_index(2, 65_530), 65_530);
        assert_eq!(estimate_index(INDEX_END - 1, 0), INDEX_END);
    }

    proptest! {
        #[test]
        fn any_index_less_than_half_a_cycle_away_is_found(newest in 0x8000_u64..1 << 47, step in -0x7fff_i64..0x8000) {
            let index = newest.checked_add_signed(step).unwrap();
            prop_assert_eq!(estimate_index(newest, index as u16), index);
        }

        #[test]
        fn a_window_remembers_exactly_what_was_accepted(steps in prop::collection::vec(0_u64..400, 1..200)) {
            let mut window = ReplayWindow::new(64);
            let mut accepted = BTreeSet::new();
            let mut base = 0;
            for step in steps {
                let index = base + step;
                let newest = accepted.last().copied();
                let expected = match newest {
                    Some(newest) if newest >= index + 64 => Err(ReplayRefusal::TooOld),
                    _ if accepted.contains(&index) => Err(ReplayRefusal::Repeated),
                    _ => Ok(()),
                };
                prop_assert_eq!(window.check(index), expected);
                if expected.is_ok() {
                    window.accept(index);
                    accepted.insert(index);
                }
                base += step / 8;
            }
        }
    }
}
