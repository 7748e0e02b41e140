//! Extended sequence numbers (RFC 3550 A.1). Not `rtp_rs::Seq`: its ordering is cyclic, so sorting with it can panic.

/// Largest forward step that still counts as loss (RFC 3550 A.1, MAX_DROPOUT).
const MAX_DROPOUT: i32 = 3000;
/// Largest backward step that still counts as reordering (RFC 3550 A.1, MAX_MISORDER).
const MAX_MISORDER: i32 = 100;

/// Where a packet stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extended {
    /// Counts the restarts of the numbering; numbers are comparable only within one run.
    pub(crate) run: u32,
    /// Sequence number without wrap; may be below the first one when the start was reordered.
    pub(crate) number: i64,
    /// The packet continues from a jump of the numbering.
    pub(crate) jump: bool,
    /// The number is below one that arrived earlier.
    pub(crate) late: bool,
}

/// Turns 16-bit sequence numbers of one source, in order of arrival, into extended ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct SequenceExtender {
    run: u32,
    highest: Option<i64>,
}

impl SequenceExtender {
    /// Highest number of the current run.
    pub(crate) const fn highest(&self) -> Option<i64> {
        self.highest
    }

    /// Places the next packet.
    pub(crate) fn extend(&mut self, sequence: u16) -> Extended {
        let Some(highest) = self.highest else {
            self.highest = Some(i64::from(sequence));
            return Extended {
                run: self.run,
                number: i64::from(sequence),
                jump: false,
                late: false,
            };
        };
        let low = u16::try_from(highest.rem_euclid(0x1_0000)).expect("the remainder of 2^16 has 16 bits");
        // the 16-bit difference read as signed is the shorter way round
        let step = i32::from(sequence.wrapping_sub(low).cast_signed());
        if step > 0 && step <= MAX_DROPOUT {
            let number = highest + i64::from(step);
            self.highest = Some(number);
            Extended {
                run: self.run,
                number,
                jump: false,
                late: false,
            }
        } else if (-MAX_MISORDER..=0).contains(&step) {
            Extended {
                run: self.run,
                number: highest + i64::from(step),
                jump: false,
                late: step < 0,
            }
        } else {
            self.run += 1;
            self.highest = Some(i64::from(sequence));
            Extended {
                run: self.run,
                number: i64::from(sequence),
                jump: true,
                late: false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(sequences: &[u16]) -> Vec<(u32, i64)> {
        let mut extender = SequenceExtender::default();
        sequences
            .iter()
            .map(|&s| extender.extend(s))
            .map(|e| (e.run, e.number))
            .collect()
    }

    #[test]
    fn wraps_go_on_counting() {
        assert_eq!(
            numbers(&[65534, 65535, 0, 1]),
            [(0, 65534), (0, 65535), (0, 65536), (0, 65537)]
        );
    }

    #[test]
    fn a_late_packet_across_the_wrap_keeps_its_place() {
        assert_eq!(numbers(&[65535, 1, 0]), [(0, 65535), (0, 65537), (0, 65536)]);
        assert_eq!(numbers(&[0, 65535]), [(0, 0), (0, -1)]);
    }

    #[test]
    fn a_large_step_starts_a_new_run() {
        assert_eq!(numbers(&[10, 3010]), [(0, 10), (0, 3010)]);
        assert_eq!(numbers(&[10, 3011, 3012]), [(0, 10), (1, 3011), (1, 3012)]);
        assert_eq!(numbers(&[500, 399]), [(0, 500), (1, 399)]);
    }
}
