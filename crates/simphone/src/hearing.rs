//! What faults keep from the loudspeaker of what has arrived.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::Fault;
use crate::handset::Noise;
use crate::playout::SAMPLE_RATE;

/// How long a phone with [`Fault::ReceiveStops`] plays what it gets.
const HEARS: Duration = Duration::from_secs(7);

/// With [`Fault::BurstLossMutes`]: packets lost in a row that are too many, and how long nothing is heard then.
const BURST: u16 = 3;
const MUTED: Duration = Duration::from_secs(1);

/// Packets that come further apart are not late: nothing was sent between them.
const PAUSE: Duration = Duration::from_millis(200);

/// With [`Fault::LossCrackles`]: size of the noise in the place of a lost packet, in samples of 16 bit.
const CRACKLE: i16 = 32_000;

/// The faulty part of the way from decoder to jitter buffer.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    faults: BTreeSet<Fault>,
    /// A key of the peer came, and nothing is heard any more.
    deaf: bool,
    newest: Option<u32>,
    /// When the first packet came.
    began: Option<Duration>,
    /// When the last packet came.
    arrival: Duration,
    /// Source and number of the newest packet.
    numbered: Option<(u32, u16)>,
    /// Nothing is heard up to here.
    muted: Duration,
    noise: Noise,
}

impl Hearing {
    pub(crate) fn new(faults: &BTreeSet<Fault>) -> Self {
        Self {
            faults: faults.clone(),
            ..Self::default()
        }
    }

    /// The peer has pressed a key.
    pub(crate) fn key(&mut self) {
        self.deaf |= self.has(Fault::KeyStopsPlayout);
    }

    /// Packets that are missing before this one, of whatever payload; none before one that comes behind its successor.
    pub(crate) fn missing_before(&mut self, at: Duration, ssrc: u32, sequence: u16) -> u16 {
        let before = self.numbered.filter(|(source, _)| *source == ssrc);
        let step = before.map_or(1, |(_, newest)| sequence.wrapping_sub(newest));
        if before.is_none() {
            // another source has a clock of its own
            self.newest = None;
        }
        if step >= 1 << 15 {
            return 0;
        }
        self.numbered = Some((ssrc, sequence));
        let missing = step.saturating_sub(1);
        if missing >= BURST && self.has(Fault::BurstLossMutes) {
            self.muted = at + MUTED;
        }
        missing
    }

    /// What is played in the place of that many missing packets; `None` leaves it silent.
    pub(crate) fn in_place_of(&mut self, missing: u16, samples: usize) -> Option<Vec<i16>> {
        (missing == 1 && self.has(Fault::LossCrackles))
            .then(|| (0..samples).map(|_| self.noise.sample(CRACKLE)).collect())
    }

    /// Whether decoded speech is lost; it may also be cut.
    pub(crate) fn loses(&mut self, at: Duration, timestamp: u32, samples: &mut Vec<i16>) -> bool {
        let length = |ms: usize| SAMPLE_RATE as usize / 1000 * ms;
        if self.has(Fault::LongPacketsCut) {
            samples.truncate(length(40));
        }
        if samples.len() == length(30) && self.has(Fault::PacketsOf30MsCut) {
            samples.truncate(length(20));
        }
        let short = samples.len() < length(20);
        // later than its predecessor lets expect; after a longer pause there is nothing to expect
        let spoken = Duration::from_micros(samples.len() as u64 * 125);
        let waited = at.saturating_sub(std::mem::replace(&mut self.arrival, at));
        let held_up = waited > spoken + Duration::from_millis(20);
        let slow = waited > spoken + Duration::from_millis(5) && waited < spoken + Duration::from_millis(20);
        let late = self
            .newest
            .is_some_and(|newest| timestamp.wrapping_sub(newest).cast_signed() < 0);
        if !late {
            self.newest = Some(timestamp);
        }
        let began = *self.began.get_or_insert(at);
        self.deaf
            || at < self.muted
            || (at.saturating_sub(began) > HEARS && self.has(Fault::ReceiveStops))
            || (short && self.has(Fault::ShortPacketsUnplayed))
            || (slow && self.has(Fault::LatePacketsDropped))
            || (held_up && waited < PAUSE && self.has(Fault::HeldUpPacketsDropped))
            || (late && self.has(Fault::ReorderedPacketsDropped))
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_healthy_phone_loses_nothing() {
        let mut hearing = Hearing::new(&BTreeSet::new());
        let mut samples = vec![1; 480];
        hearing.key();
        for (at, timestamp) in [(0, 0), (30, 160), (60, 480), (61, 320)] {
            assert!(!hearing.loses(Duration::from_millis(at), timestamp, &mut samples));
        }
        assert_eq!(samples.len(), 480);
    }

    #[test]
    fn each_fault_loses_its_own() {
        let lost = |fault: Fault, key: bool| {
            let mut hearing = Hearing::new(&BTreeSet::from([fault]));
            let mut samples = vec![1; 160];
            if key {
                hearing.key();
            }
            // in time, ten milliseconds late, overtaken
            [(1000, 160), (1030, 480), (1030, 320)]
                .map(|(at, timestamp)| hearing.loses(Duration::from_millis(at), timestamp, &mut samples))
        };
        assert_eq!(lost(Fault::LatePacketsDropped, false), [false, true, false]);
        assert_eq!(lost(Fault::ReorderedPacketsDropped, false), [false, false, true]);
        assert_eq!(lost(Fault::KeyStopsPlayout, false), [false; 3]);
        assert_eq!(lost(Fault::KeyStopsPlayout, true), [true; 3]);
    }

    #[test]
    fn packets_of_other_lengths_are_skipped_or_cut() {
        let left = |fault: Fault, samples: usize| {
            let mut packet = vec![1; samples];
            let lost = Hearing::new(&BTreeSet::from([fault])).loses(Duration::ZERO, 0, &mut packet);
            if lost { 0 } else { packet.len() }
        };
        assert_eq!(
            [80, 160, 240].map(|packet| left(Fault::ShortPacketsUnplayed, packet)),
            [0, 160, 240]
        );
        assert_eq!(
            [80, 160, 240, 480].map(|packet| left(Fault::PacketsOf30MsCut, packet)),
            [80, 160, 160, 480]
        );
        assert_eq!(
            [160, 240, 480].map(|packet| left(Fault::LongPacketsCut, packet)),
            [160, 240, 320]
        );
    }

    #[test]
    fn what_happens_where_packets_are_lost() {
        // one missing, one late, three missing, another source
        let packets = [
            (20, 1, 65_535),
            (60, 1, 1),
            (61, 1, 0),
            (160, 1, 5),
            (180, 2, 900),
        ];
        let after = |fault: Fault| {
            let mut hearing = Hearing::new(&BTreeSet::from([fault]));
            packets.map(|(at, ssrc, sequence)| {
                let at = Duration::from_millis(at);
                let missing = hearing.missing_before(at, ssrc, sequence);
                let filled = hearing.in_place_of(missing, 160);
                (
                    filled.is_some_and(|noise| noise.len() == 160 && noise.iter().any(|x| *x > 20_000)),
                    hearing.loses(at, 0, &mut vec![1; 160]),
                )
            })
        };
        assert_eq!(after(Fault::ReceiveFaint), [(false, false); 5]);
        let filled = after(Fault::LossCrackles).map(|(filled, _)| filled);
        assert_eq!(filled, [false, true, false, false, false]);
        let lost = after(Fault::BurstLossMutes).map(|(_, lost)| lost);
        assert_eq!(lost, [false, false, false, true, true]);
    }

    #[test]
    fn what_comes_after_seven_seconds_is_lost() {
        let mut hearing = Hearing::new(&BTreeSet::from([Fault::ReceiveStops]));
        let mut lost = |second: u64| {
            hearing.loses(
                Duration::from_secs(second),
                second as u32 * 8000,
                &mut vec![1; 160],
            )
        };
        assert_eq!([3, 10, 11].map(&mut lost), [false, false, true]);
    }
}
