//! DTMF digits as telephone-events (RFC 4733), one after the other.

use std::collections::VecDeque;

use voxproof_rtp::dtmf::{EventPlan, TelephoneEvent};

const TONE_MS: u32 = 100;
const GAP_MS: u32 = 50;

/// The queue of digits that the user has pressed and the one that is being sent.
#[derive(Debug, Default)]
pub(crate) struct ToneSender {
    queue: VecDeque<u8>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    plan: EventPlan,
    /// RTP timestamp of the event's start: all its packets have it (RFC 4733 2.2.1).
    timestamp: u32,
    elapsed_ms: u32,
}

/// One packet to send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TonePacket {
    pub(crate) payload: [u8; 4],
    pub(crate) marker: bool,
    pub(crate) timestamp: u32,
}

/// What a tick sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tone {
    /// No tone: speech goes on.
    Speech,
    /// These packets in the place of speech.
    Packets(Vec<TonePacket>),
}

impl ToneSender {
    /// Adds digits by their event codes.
    pub(crate) fn press(&mut self, events: impl IntoIterator<Item = u8>) {
        self.queue.extend(events);
    }

    /// Forgets everything, as when the call ends.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next tick of `ptime_ms`; `timestamp` is that of the speech it would send, on a clock of `clock` Hz, which is
    /// the event's too (RFC 4733 2.1).
    pub(crate) fn tick(&mut self, timestamp: u32, ptime_ms: u32, clock: u32) -> Tone {
        if let Some(current) = &self.current
            && current.elapsed_ms >= (TONE_MS + GAP_MS).max(current.packets_end(ptime_ms))
        {
            self.current = None;
        }
        if self.current.is_none()
            && let Some(event) = self.queue.pop_front()
        {
            let plan = EventPlan::new(event, TONE_MS, ptime_ms, clock);
            self.current = Some(Current {
                plan,
                timestamp,
                elapsed_ms: 0,
            });
        }
        let Some(current) = &mut self.current else {
            return Tone::Speech;
        };
        let now = current.elapsed_ms;
        current.elapsed_ms += ptime_ms;
        if now >= current.packets_end(ptime_ms) {
            return Tone::Speech;
        }
        let due = current
            .plan
            .iter()
            .filter(|packet| (now..now + ptime_ms).contains(&packet.offset_ms));
        Tone::Packets(
            due.map(|packet| TonePacket {
                payload: packet.payload,
                marker: packet.marker,
                timestamp: current.timestamp.wrapping_add(packet.timestamp_offset),
            })
            .collect(),
        )
    }
}

impl Current {
    /// When the last packet's tick is over: the repeated end packets come after the tone.
    fn packets_end(&self, ptime_ms: u32) -> u32 {
        self.plan.last().map_or(0, |last| last.offset_ms + ptime_ms)
    }
}

/// The packet without its end bit.
pub(crate) fn without_end(payload: [u8; 4]) -> [u8; 4] {
    match TelephoneEvent::parse(&payload) {
        Ok(event) => TelephoneEvent { end: false, ..event }.to_bytes(),
        Err(_) => payload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_of_100_ms_with_at_least_50_ms_between() {
        let mut sender = ToneSender::default();
        assert_eq!(sender.tick(0, 20, 8000), Tone::Speech);
        sender.press([1, 2]);
        let ticks: Vec<_> = (0..17).map(|n| sender.tick(1000 + 160 * n, 20, 8000)).collect();
        let kinds: Vec<_> = ticks.iter().map(|tone| u8::from(*tone != Tone::Speech)).collect();
        assert_eq!(kinds, [1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
        let Tone::Packets(first) = &ticks[0] else {
            panic!("speech")
        };
        assert_eq!((first[0].timestamp, first[0].marker), (1000, true));
        let Tone::Packets(last) = &ticks[6] else {
            panic!("speech")
        };
        let event = TelephoneEvent::parse(&last[0].payload).unwrap();
        assert_eq!(
            (last[0].timestamp, last[0].marker, event.end, event.duration),
            (1000, false, true, 800)
        );
        let Tone::Packets(second) = &ticks[8] else {
            panic!("speech")
        };
        assert_eq!(second[0].timestamp, 1000 + 160 * 8);
        assert!(!TelephoneEvent::parse(&without_end(last[0].payload)).unwrap().end);
    }
}
