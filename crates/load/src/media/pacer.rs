//! Which stream sends when: one turn of a wheel is one packet time.

use std::time::Duration;

/// Streams whose packets are due within this time share a slot.
const SLOT: Duration = Duration::from_micros(100);

/// So many streams share a slot before the next slot is used: their packets take a quarter of a millisecond to send, and
/// a wake-up costs as much as several packets.
const SHARE: usize = 48;
/// One slot in so many is used, until all of those are full; then one in the next number.
const STEPS: [u64; 4] = [10, 5, 2, 1];

/// A wheel of slots. Each stream sits in one slot and is due once a turn; new streams go where the fewest are, so that
/// packets leave evenly spread and not in bursts.
#[derive(Debug)]
pub(crate) struct Pacer {
    slots: Vec<Vec<u32>>,
    /// Slots since the start that were handled.
    cursor: u64,
    start: Duration,
    streams: usize,
}

impl Pacer {
    /// A wheel that turns once in `turn`, from `start` on.
    pub(crate) fn new(start: Duration, turn: Duration) -> Self {
        let count = (turn.as_micros() / SLOT.as_micros()).max(1) as usize;
        Self {
            slots: vec![Vec::new(); count],
            cursor: 0,
            start,
            streams: 0,
        }
    }

    /// Puts a stream on the wheel. Its slot, which [`Pacer::remove`] wants.
    pub(crate) fn add(&mut self, now: Duration, stream: u32) -> usize {
        self.skip_idle(now);
        let ahead = self.slots_until(now).max(self.cursor) + 1;
        let count = self.slots.len() as u64;
        let fewest = |slots: &mut dyn Iterator<Item = u64>| {
            slots
                .map(|absolute| (absolute % count) as usize)
                .map(|slot| (self.slots.get(slot).map_or(0, Vec::len), slot))
                .min_by_key(|(streams, _)| *streams)
        };
        let chosen = STEPS
            .iter()
            .find_map(|step| {
                fewest(
                    &mut (ahead..ahead + count).filter(|absolute| (absolute % count).is_multiple_of(*step)),
                )
                .filter(|(streams, _)| *streams < SHARE)
            })
            .or_else(|| fewest(&mut (ahead..ahead + count)));
        let slot = chosen.map_or(0, |(_, slot)| slot);
        if let Some(streams) = self.slots.get_mut(slot) {
            streams.push(stream);
            self.streams += 1;
        }
        slot
    }

    pub(crate) fn remove(&mut self, slot: usize, stream: u32) {
        if let Some(streams) = self.slots.get_mut(slot)
            && let Some(place) = streams.iter().position(|one| *one == stream)
        {
            streams.swap_remove(place);
            self.streams -= 1;
        }
    }

    /// When the next stream is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        if self.streams == 0 {
            return None;
        }
        let count = self.slots.len() as u64;
        (self.cursor..self.cursor + count)
            .find(|absolute| {
                self.slots
                    .get((absolute % count) as usize)
                    .is_some_and(|slot| !slot.is_empty())
            })
            .map(|absolute| self.time_of(absolute))
    }

    /// The next due slot that is not empty: its due time and its streams, which [`Pacer::put_back`] wants back.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<(Duration, usize, Vec<u32>)> {
        if self.streams == 0 {
            self.skip_idle(now);
            return None;
        }
        let count = self.slots.len() as u64;
        loop {
            let due = self.time_of(self.cursor);
            if due > now {
                return None;
            }
            let slot = (self.cursor % count) as usize;
            self.cursor += 1;
            if let Some(streams) = self.slots.get_mut(slot).filter(|streams| !streams.is_empty()) {
                return Some((due, slot, std::mem::take(streams)));
            }
        }
    }

    /// Gives back what [`Pacer::take_due`] took. No stream may be added or removed in between.
    pub(crate) fn put_back(&mut self, slot: usize, streams: Vec<u32>) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = streams;
        }
    }

    /// An empty wheel need not be turned slot by slot.
    fn skip_idle(&mut self, now: Duration) {
        if self.streams == 0 {
            self.cursor = self.cursor.max(self.slots_until(now));
        }
    }

    fn slots_until(&self, now: Duration) -> u64 {
        (now.saturating_sub(self.start).as_nanos() / SLOT.as_nanos()) as u64
    }

    fn time_of(&self, absolute: u64) -> Duration {
        self.start + Duration::from_nanos(absolute.saturating_mul(SLOT.as_nanos() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_is_due_once_a_turn_and_all_are_spread() {
        let turn = Duration::from_millis(20);
        let mut pacer = Pacer::new(Duration::from_millis(3), turn);
        let begin = Duration::from_secs(7);
        for stream in 0..12_000 {
            pacer.add(begin, stream);
        }
        let mut due: Vec<Vec<Duration>> = vec![Vec::new(); 12_000];
        let mut now = begin;
        while now < begin + turn * 5 + SLOT {
            while let Some((at, slot, streams)) = pacer.take_due(now) {
                assert_eq!(streams.len(), 60, "evenly spread");
                for stream in &streams {
                    due[*stream as usize].push(at);
                }
                pacer.put_back(slot, streams);
            }
            now += Duration::from_micros(50);
        }
        for times in &due {
            assert!(times.len() >= 5, "{}", times.len());
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] == turn));
        }
    }

    #[test]
    fn a_few_streams_share_few_slots() {
        let mut pacer = Pacer::new(Duration::ZERO, Duration::from_millis(20));
        let slots: std::collections::BTreeSet<usize> =
            (0..640).map(|stream| pacer.add(Duration::ZERO, stream)).collect();
        assert_eq!(slots.len(), 20);
        assert!(slots.iter().all(|slot| slot % 10 == 0), "{slots:?}");
    }

    #[test]
    fn the_next_due_time_is_that_of_the_first_occupied_slot() {
        let mut pacer = Pacer::new(Duration::ZERO, Duration::from_millis(20));
        assert_eq!(pacer.next(), None);
        let slot = pacer.add(Duration::from_secs(100), 1);
        let next = pacer.next().expect("a stream");
        assert!(
            next > Duration::from_secs(100) && next <= Duration::from_millis(100_002),
            "{next:?}"
        );
        assert!(pacer.take_due(next - Duration::from_nanos(1)).is_none());
        let (at, taken, streams) = pacer.take_due(next).expect("due");
        assert_eq!((at, taken), (next, slot));
        pacer.put_back(taken, streams);
        pacer.remove(slot, 1);
        assert_eq!(pacer.next(), None);
        assert!(pacer.take_due(Duration::from_secs(5000)).is_none());
    }
}
