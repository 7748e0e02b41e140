//! Bursts and gaps of loss (RFC 3611 4.7.2).

/// Received packets in a row that end a burst, as RFC 3611 4.7.2 recommends.
pub const GAP_THRESHOLD: u32 = 16;

/// How losses are spread over a stream (RFC 3611 4.7.2). A burst starts and ends with a loss, has at least two of them
/// and nowhere as many received packets in a row as the gap threshold; everything else is gap. Where the receiver's
/// jitter buffer was modelled, discarded packets count like lost ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BurstGap {
    /// Packets expected.
    pub packets: u64,
    /// Packets lost or discarded.
    pub lost: u64,
    /// Runs of successive losses.
    pub loss_runs: u64,
    /// Bursts.
    pub bursts: u64,
    /// Packets expected within bursts.
    pub burst_packets: u64,
    /// Packets lost or discarded within bursts.
    pub burst_lost: u64,
    /// Gaps: what is between bursts, before the first one and after the last one.
    pub gaps: u64,
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

impl BurstGap {
    /// Share of packets lost.
    #[must_use]
    pub fn loss_rate(&self) -> f64 {
        ratio(self.lost, self.packets)
    }

    /// Share of lost packets within bursts, 0 without a burst.
    #[must_use]
    pub fn burst_density(&self) -> f64 {
        ratio(self.burst_lost, self.burst_packets)
    }

    /// Share of lost packets within gaps, 0 without a gap.
    #[must_use]
    pub fn gap_density(&self) -> f64 {
        ratio(self.lost - self.burst_lost, self.packets - self.burst_packets)
    }

    /// Mean length of a burst in packets, 0 without a burst.
    #[must_use]
    pub fn mean_burst(&self) -> f64 {
        ratio(self.burst_packets, self.bursts)
    }

    /// Mean length of a gap in packets.
    #[must_use]
    pub fn mean_gap(&self) -> f64 {
        ratio(self.packets - self.burst_packets, self.gaps)
    }

    /// Mean number of successive losses over the number to be expected of independent ones (ITU-T G.107, BurstR);
    /// 1 without a loss, never below 1 as the model asks for.
    #[must_use]
    pub fn burst_ratio(&self) -> f64 {
        if self.loss_runs == 0 {
            return 1.0;
        }
        (ratio(self.lost, self.loss_runs) * (1.0 - self.loss_rate())).max(1.0)
    }
}

/// Losses in a row or close to each other, not yet known to be a burst.
#[derive(Debug, Clone, Copy)]
struct Group {
    first: u64,
    last: u64,
    lost: u64,
}

/// Finds bursts and gaps in one pass and constant memory.
#[derive(Debug, Clone)]
pub(super) struct BurstCounter {
    threshold: u64,
    found: BurstGap,
    position: u64,
    /// Position behind the last burst.
    behind: u64,
    group: Option<Group>,
    in_loss: bool,
}

impl BurstCounter {
    pub(super) fn new(threshold: u32) -> Self {
        Self {
            threshold: u64::from(threshold.max(1)),
            found: BurstGap::default(),
            position: 0,
            behind: 0,
            group: None,
            in_loss: false,
        }
    }

    pub(super) fn received(&mut self, count: u64) {
        self.position += count;
        self.found.packets += count;
        self.in_loss &= count == 0;
    }

    pub(super) fn lost(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        let last = self.position + count - 1;
        match &mut self.group {
            Some(group) if self.position - group.last - 1 < self.threshold => {
                group.last = last;
                group.lost += count;
            }
            _ => {
                self.close();
                self.group = Some(Group {
                    first: self.position,
                    last,
                    lost: count,
                });
            }
        }
        self.found.loss_runs += u64::from(!self.in_loss);
        self.in_loss = true;
        self.position += count;
        self.found.packets += count;
        self.found.lost += count;
    }

    /// A restart of the numbering: what follows is not close to what was before.
    pub(super) fn boundary(&mut self) {
        self.close();
        self.in_loss = false;
    }

    fn close(&mut self) {
        let Some(group) = self.group.take().filter(|group| group.lost > 1) else {
            return;
        };
        self.found.gaps += u64::from(group.first > self.behind);
        self.found.bursts += 1;
        self.found.burst_packets += group.last - group.first + 1;
        self.found.burst_lost += group.lost;
        self.behind = group.last + 1;
    }

    pub(super) fn finish(mut self) -> BurstGap {
        self.close();
        self.found.gaps += u64::from(self.position > self.behind);
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pattern: &str) -> BurstGap {
        let mut counter = BurstCounter::new(4);
        for packet in pattern.chars() {
            match packet {
                'x' => counter.lost(1),
                _ => counter.received(1),
            }
        }
        counter.finish()
    }

    #[test]
    fn losses_with_enough_between_them_are_gap() {
        let found = counted("....x....x....");
        assert_eq!((found.bursts, found.gaps, found.lost), (0, 1, 2));
        assert!((found.gap_density() - 2.0 / 14.0).abs() < 1e-12);
        assert_eq!(found.burst_density(), 0.0);
    }

    #[test]
    fn losses_close_together_are_a_burst_from_the_first_to_the_last() {
        // three received packets between two losses are fewer than the threshold of four
        let found = counted("......x...xx.......x.....");
        assert_eq!((found.bursts, found.burst_packets, found.burst_lost), (1, 6, 3));
        assert_eq!(
            (found.gaps, found.packets, found.lost, found.loss_runs),
            (2, 25, 4, 3)
        );
        assert!((found.burst_density() - 0.5).abs() < 1e-12);
        assert!((found.gap_density() - 1.0 / 19.0).abs() < 1e-12);
        assert!((found.mean_burst() - 6.0).abs() < 1e-12 && (found.mean_gap() - 9.5).abs() < 1e-12);
    }

    #[test]
    fn a_stream_that_is_one_burst_has_no_gap() {
        let found = counted("x.x.x");
        assert_eq!((found.bursts, found.gaps), (1, 0));
        assert_eq!(found.mean_gap(), 0.0);
        assert_eq!(counted("").packets, 0);
    }

    #[test]
    fn the_burst_ratio_is_one_for_single_losses() {
        assert_eq!(counted(&"x.........".repeat(9)).burst_ratio(), 1.0);
        // runs of two at 20 %: 2 / (1 / 0.8)
        assert!((counted(&"xx........".repeat(9)).burst_ratio() - 1.6).abs() < 1e-12);
    }
}
