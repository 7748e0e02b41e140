//! The packets that a sender emits for one event (RFC 4733 2.5.1).

use std::ops::Deref;

use super::TelephoneEvent;

/// Power level that [`EventPlan::new`] announces: -10 dBm0.
const DEFAULT_VOLUME: u8 = 10;
/// Times that the last packet of an event and of a segment is sent (RFC 4733 2.5.1.4).
const FINAL_PACKETS: u64 = 3;
/// Longest event that is planned; a longer one is cut, so that a mistyped duration cannot exhaust memory.
const LONGEST_MS: u32 = 600_000;

/// One packet of an [`EventPlan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedPacket {
    /// When to send it, in ms after the start of the event.
    pub offset_ms: u32,
    /// Marker bit: set on the first packet of the event only (RFC 4733 2.5.1.2).
    pub marker: bool,
    /// The event block.
    pub payload: [u8; 4],
    /// Clock units to add to the timestamp of the event's start: 0, except in later segments of an event that is
    /// longer than the duration field can say (RFC 4733 2.5.1.3).
    pub timestamp_offset: u32,
}

/// All packets of one event in sending order: updates every packet time, the final packet three times.
///
/// A packet that replaces the voice frame of the grid slot `offset_ms` reports the duration up to the end of that
/// frame, so the first update is sent at once. Sequence numbers and the payload type come from the stream, see
/// [`crate::Packetizer::packet_at`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPlan {
    packets: Vec<PlannedPacket>,
}

impl EventPlan {
    /// Plans an event of `total_duration_ms` (at most ten minutes) with an update every `ptime_ms`, on a clock of
    /// `clock` Hz, at -10 dBm0.
    #[must_use]
    pub fn new(event: u8, total_duration_ms: u32, ptime_ms: u32, clock: u32) -> Self {
        Self::with_volume(event, DEFAULT_VOLUME, total_duration_ms, ptime_ms, clock)
    }

    /// As [`EventPlan::new`], with a power level in dBm0 without its sign (0..=63).
    #[must_use]
    pub fn with_volume(event: u8, volume: u8, total_duration_ms: u32, ptime_ms: u32, clock: u32) -> Self {
        let ptime_ms = ptime_ms.max(1);
        let total_ms = total_duration_ms.clamp(1, LONGEST_MS);
        let units = |ms: u32| u64::from(ms) * u64::from(clock) / 1000;
        let total = units(total_ms).max(1);
        let longest = u64::from(u16::MAX);
        let updates = u64::from(total_ms.div_ceil(ptime_ms));
        let mut packets = Vec::new();
        let mut push = |slot: u64, segment: u64, duration: u64, end: bool| {
            let (Ok(offset_ms), Ok(timestamp_offset), Ok(duration)) = (
                u32::try_from(slot * u64::from(ptime_ms)),
                u32::try_from(segment * longest),
                u16::try_from(duration),
            ) else {
                return;
            };
            packets.push(PlannedPacket {
                offset_ms,
                marker: slot == 0 && segment == 0,
                payload: TelephoneEvent {
                    event,
                    end,
                    volume,
                    duration,
                }
                .to_bytes(),
                timestamp_offset,
            });
        };
        // Segments that were completed, with the copies still owed of each one's last packet.
        let mut owed: Vec<(u64, u64)> = Vec::new();
        let mut segment = 0;
        for slot in 0..updates {
            let elapsed = (u64::from(ptime_ms) * (slot + 1) * u64::from(clock) / 1000)
                .min(total)
                .max(1);
            for (finished, copies) in &mut owed {
                if *copies > 0 {
                    *copies -= 1;
                    push(slot, *finished, longest, false);
                }
            }
            while elapsed - segment * longest > longest {
                push(slot, segment, longest, false);
                owed.push((segment, FINAL_PACKETS - 1));
                segment += 1;
            }
            push(slot, segment, elapsed - segment * longest, slot + 1 == updates);
        }
        for copy in 1..FINAL_PACKETS {
            push(updates - 1 + copy, segment, total - segment * longest, true);
        }
        Self { packets }
    }
}

impl Deref for EventPlan {
    type Target = [PlannedPacket];

    fn deref(&self) -> &Self::Target {
        &self.packets
    }
}

impl IntoIterator for EventPlan {
    type Item = PlannedPacket;
    type IntoIter = std::vec::IntoIter<PlannedPacket>;

    fn into_iter(self) -> Self::IntoIter {
        self.packets.into_iter()
    }
}

impl<'a> IntoIterator for &'a EventPlan {
    type Item = &'a PlannedPacket;
    type IntoIter = std::slice::Iter<'a, PlannedPacket>;

    fn into_iter(self) -> Self::IntoIter {
        self.packets.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(plan: &EventPlan) -> Vec<TelephoneEvent> {
        plan.iter()
            .map(|p| TelephoneEvent::parse(&p.payload).expect("four octets"))
            .collect()
    }

    #[test]
    fn a_digit_of_100_ms_has_five_updates_and_two_more_final_packets() {
        let plan = EventPlan::new(5, 100, 20, 8000);
        let durations: Vec<u16> = events(&plan).iter().map(|e| e.duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        assert_eq!(
            plan.iter().map(|p| p.offset_ms).collect::<Vec<_>>(),
            [0, 20, 40, 60, 80, 100, 120]
        );
        let ends: Vec<bool> = events(&plan).iter().map(|e| e.end).collect();
        assert_eq!(ends, [false, false, false, false, true, true, true]);
        assert_eq!(plan.iter().filter(|p| p.marker).count(), 1);
        assert!(plan[0].marker && plan.iter().all(|p| p.timestamp_offset == 0));
        assert!(events(&plan).iter().all(|e| e.event == 5 && e.volume == 10));
    }

    #[test]
    fn the_last_update_reports_the_exact_duration() {
        let plan = EventPlan::new(0, 50, 20, 8000);
        let durations: Vec<u16> = events(&plan).iter().map(|e| e.duration).collect();
        assert_eq!(durations, [160, 320, 400, 400, 400]);
    }

    #[test]
    fn an_event_longer_than_the_duration_field_goes_on_in_a_second_segment() {
        // 10 s at 8 kHz are 80000 units, one segment of 65535 and one of 14465
        let plan = EventPlan::new(1, 10_000, 20, 8000);
        let all = events(&plan);
        let last = plan.last().expect("packets");
        assert_eq!(last.timestamp_offset, 65535);
        assert_eq!(all.last().map(|e| (e.duration, e.end)), Some((14465, true)));
        let full: Vec<_> = all.iter().filter(|e| e.duration == u16::MAX).collect();
        assert_eq!(
            full.len(),
            3,
            "RFC 4733 2.5.1.4: the last packet of a segment three times"
        );
        assert!(
            full.iter().all(|e| !e.end),
            "RFC 4733 2.5.1.3: no end bit between segments"
        );
        assert_eq!(plan.iter().filter(|p| p.marker).count(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_plan_ends_three_times_with_its_duration(total in 0u32..20_000, ptime in 0u32..100, clock in 0u32..96_000) {
            let plan = EventPlan::new(3, total, ptime, clock);
            let all = events(&plan);
            prop_assert_eq!(all.iter().filter(|e| e.end).count(), 3);
            prop_assert!(plan.windows(2).all(|w| w[0].offset_ms <= w[1].offset_ms));
            let last = plan.last().expect("at least three packets");
            let reported = u64::from(last.timestamp_offset) + u64::from(all[all.len() - 1].duration);
            prop_assert_eq!(reported, (u64::from(total.max(1)) * u64::from(clock) / 1000).max(1));
        }
    }
}
