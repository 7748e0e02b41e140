//! The receive side's jitter buffer: places decoded packets on the time line of the loudspeaker.

use std::collections::BTreeMap;
use std::time::Duration;

/// Samples a second.
pub(crate) const SAMPLE_RATE: u32 = 8000;

/// Two seconds of 20 ms packets.
const MOST_PACKETS: usize = 100;

/// After this long without a packet the next one sets the time line anew, as after hold or a tone.
const GAP: Duration = Duration::from_millis(200);

/// So many late packets in a row mean that the network has become slower, not that packets were reordered.
const LATE_LIMIT: u32 = 5;

/// A packet this much earlier than planned (half a second) belongs to another time line.
const EARLY_LIMIT: i64 = SAMPLE_RATE as i64 / 2;

/// With [`Playout::that_never_shrinks`]: a packet that comes later than this against the first one lengthens the delay, once,
/// by so much.
const RATCHET_LATE: Duration = Duration::from_millis(36);
const RATCHET: Duration = Duration::from_millis(200);

/// A jitter buffer of constant depth. The first packet is played `delay` after it arrived, the others where their
/// timestamps put them; what is missing is silence.
#[derive(Debug)]
pub(crate) struct Playout {
    delay: i64,
    packets: BTreeMap<i64, Vec<i16>>,
    line: Option<Line>,
    /// It may still lengthen its delay.
    ratchet: bool,
}

/// How the sender's timestamps lie on the loudspeaker's time line.
#[derive(Debug, Clone, Copy)]
struct Line {
    ssrc: u32,
    /// The last timestamp, as received and unwrapped.
    timestamp: u32,
    extended: i64,
    /// The unwrapped timestamp played at a sample of the lab's clock is that sample plus this.
    offset: i64,
    arrival: Duration,
    late: u32,
}

impl Playout {
    pub(crate) fn new(delay: Duration) -> Self {
        Self {
            delay: samples(delay),
            packets: BTreeMap::new(),
            line: None,
            ratchet: false,
        }
    }

    /// The same, but the first jitter makes its delay longer for good.
    pub(crate) fn that_never_shrinks(self) -> Self {
        Self {
            ratchet: true,
            ..self
        }
    }

    /// Takes a packet that arrived at `at`.
    pub(crate) fn insert(&mut self, at: Duration, ssrc: u32, timestamp: u32, decoded: Vec<i16>) {
        let line = match self.line {
            Some(line) if line.ssrc == ssrc && at.saturating_sub(line.arrival) <= GAP => line,
            _ => self.restart(at, ssrc, timestamp),
        };
        let extended = line.extended + i64::from(timestamp.wrapping_sub(line.timestamp).cast_signed());
        let line = self.lengthened(line, samples(at), extended);
        let position = samples(at) + line.offset;
        let end = extended + decoded.len() as i64;
        let (line, extended) = if end <= position && line.late + 1 < LATE_LIMIT {
            self.line = Some(Line {
                late: line.late + 1,
                arrival: at,
                ..line
            });
            return;
        } else if end <= position || extended > position + self.delay + EARLY_LIMIT {
            (self.restart(at, ssrc, timestamp), i64::from(timestamp))
        } else {
            (line, extended)
        };
        // the reference for unwrapping only moves forward, so a reordered packet does not disturb it
        let newest = extended > line.extended;
        self.line = Some(Line {
            timestamp: if newest { timestamp } else { line.timestamp },
            extended: if newest { extended } else { line.extended },
            arrival: at,
            late: 0,
            ..line
        });
        self.packets.insert(extended, decoded);
        if self.packets.len() > MOST_PACKETS {
            self.packets.pop_first();
        }
    }

    fn lengthened(&mut self, line: Line, now: i64, extended: i64) -> Line {
        let early = extended - (now + line.offset);
        if !self.ratchet || self.delay - early < samples(RATCHET_LATE) {
            return line;
        }
        self.ratchet = false;
        Line {
            offset: line.offset - samples(RATCHET),
            ..line
        }
    }

    /// What the loudspeaker plays in the `count` samples from `at`.
    pub(crate) fn play(&mut self, at: Duration, count: usize) -> Vec<i16> {
        let mut out = vec![0; count];
        let Some(line) = self.line else { return out };
        let start = samples(at) + line.offset;
        let end = start + count as i64;
        for (timestamp, decoded) in self.packets.range(..end) {
            for (index, sample) in decoded.iter().enumerate() {
                let position = timestamp + index as i64 - start;
                if let Some(slot) = usize::try_from(position)
                    .ok()
                    .and_then(|position| out.get_mut(position))
                {
                    *slot = *sample;
                }
            }
        }
        while let Some(first) = self.packets.first_entry()
            && first.key() + first.get().len() as i64 <= end
        {
            first.remove();
        }
        out
    }

    fn restart(&mut self, at: Duration, ssrc: u32, timestamp: u32) -> Line {
        self.packets.clear();
        let extended = i64::from(timestamp);
        let offset = extended - (samples(at) + self.delay);
        Line {
            ssrc,
            timestamp,
            extended,
            offset,
            arrival: at,
            late: 0,
        }
    }
}

fn samples(time: Duration) -> i64 {
    let count = time.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000;
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TICK: Duration = Duration::from_millis(20);

    fn packet(n: i16) -> Vec<i16> {
        vec![n + 1; 160]
    }

    fn played(buffer: &mut Playout, at: Duration) -> Vec<i16> {
        let mut block = buffer.play(at, 160);
        block.dedup();
        block
    }

    #[test]
    fn packets_play_40_ms_after_the_first_arrived_across_the_timestamp_wrap() {
        let mut buffer = Playout::new(Duration::from_millis(40));
        let first = u32::MAX - 200;
        for n in 0..50u16 {
            let at = TICK * u32::from(n);
            buffer.insert(
                at,
                1,
                first.wrapping_add(160 * u32::from(n)),
                packet(n.cast_signed()),
            );
            let expected = if n < 2 { 0 } else { n.cast_signed() - 1 };
            assert_eq!(played(&mut buffer, at), [expected], "{n}");
        }
    }

    #[test]
    fn a_phase_between_ticks_is_kept_to_the_sample() {
        let mut buffer = Playout::new(Duration::from_millis(40));
        buffer.insert(Duration::from_millis(5), 1, 0, packet(0));
        let block = buffer.play(Duration::from_millis(40), 160);
        assert_eq!(block.iter().position(|sample| *sample == 1), Some(40));
    }

    #[test]
    fn lost_and_very_late_packets_are_silence_and_reordered_ones_are_not() {
        let mut buffer = Playout::new(Duration::from_millis(40));
        buffer.insert(Duration::ZERO, 1, 0, packet(0));
        buffer.insert(TICK, 1, 320, packet(2));
        buffer.insert(TICK, 1, 160, packet(1));
        let blocks: Vec<_> = (0..6).map(|n| played(&mut buffer, TICK * n)).collect();
        assert_eq!(blocks, [vec![0], vec![0], vec![1], vec![2], vec![3], vec![0]]);
        buffer.insert(TICK * 6, 1, 480, packet(3));
        assert_eq!(played(&mut buffer, TICK * 6), [0]);
    }

    #[test]
    fn a_network_that_stays_slower_moves_the_time_line() {
        let mut buffer = Playout::new(Duration::from_millis(40));
        buffer.insert(Duration::ZERO, 1, 0, packet(0));
        let mut heard = 0;
        for n in 1..30u16 {
            let at = TICK * u32::from(n) + Duration::from_millis(100);
            buffer.insert(at, 1, 160 * u32::from(n), packet(n.cast_signed()));
            heard += u32::from(played(&mut buffer, at) != [0]);
        }
        assert!((22..=25).contains(&heard), "{heard}");
    }

    #[test]
    fn a_buffer_that_never_shrinks_keeps_the_delay_of_its_latest_packet() {
        let lag = |late: u64| {
            let mut buffer = Playout::new(Duration::from_millis(40)).that_never_shrinks();
            let mut heard = 0;
            for n in 0..60u16 {
                let late = if n == 10 { late } else { 0 };
                let at = TICK * u32::from(n) + Duration::from_millis(late);
                buffer.insert(at, 1, 160 * u32::from(n), packet(n.cast_signed()));
                heard = buffer.play(at, 160).first().copied().unwrap_or_default();
            }
            60 - heard
        };
        assert_eq!((lag(30), lag(45)), (2, 12));
    }

    #[test]
    fn a_new_source_or_a_pause_starts_over() {
        let mut buffer = Playout::new(Duration::from_millis(40));
        buffer.insert(Duration::ZERO, 1, 0, packet(0));
        buffer.insert(TICK, 2, 90_000, packet(7));
        assert_eq!(played(&mut buffer, TICK * 3), [8]);
        let later = Duration::from_secs(5);
        buffer.insert(later, 2, 90_160, packet(8));
        assert_eq!(played(&mut buffer, later + TICK * 2), [9]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_packets_leave_it_bounded(
            packets in prop::collection::vec((0u64..100_000, any::<u32>(), 0u32..3, 0usize..3000), 0..300)
        ) {
            let mut buffer = Playout::new(Duration::from_millis(40));
            let mut at = Duration::ZERO;
            for (wait, timestamp, ssrc, length) in packets {
                at += Duration::from_micros(wait);
                buffer.insert(at, ssrc, timestamp, vec![1; length]);
                prop_assert!(buffer.packets.len() <= MOST_PACKETS);
                prop_assert_eq!(buffer.play(at, 160).len(), 160);
            }
        }
    }
}
