//! Telephone-event packets of the device (RFC 4733).

use std::time::Duration;

use voxproof_rtp::Packet;
use voxproof_rtp::dtmf::TelephoneEvent;

use crate::catalogue::Id;
use crate::ledger::{Ledger, Spot};

/// The event that is being sent.
#[derive(Debug)]
pub(crate) struct Event {
    code: u8,
    timestamp: u32,
    duration: u16,
    ends: u32,
    /// End packets that came again under the sequence number of the first.
    same_number: u32,
    /// Packets of this event are missing: nothing can be said about its number of end packets.
    incomplete: bool,
    last: Spot,
}

impl Event {
    /// The next packet of the payload type; `joined` when no sequence number is missing before it.
    pub(crate) fn take(
        open: &mut Option<Self>,
        packet: &Packet<'_>,
        events: &[(u8, u8)],
        joined: bool,
        spot: Spot,
        ledger: &mut Ledger,
    ) {
        let payload = packet.payload;
        let whole = !payload.is_empty() && payload.len().is_multiple_of(4);
        ledger.check(Id::EventPayload, spot, whole, || {
            format!("payload of {} octets, expected blocks of four", payload.len())
        });
        let Ok(event) = TelephoneEvent::parse(payload) else {
            return;
        };
        let reserved = payload.get(1).is_some_and(|flags| flags & 0x40 != 0);
        ledger.check(Id::EventReserved, spot, !reserved, || {
            "the reserved bit is set".to_owned()
        });
        let listed = events
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&event.event));
        ledger.check(Id::EventListed, spot, listed, || {
            format!("event {}, which the peer does not list", event.event)
        });
        match open {
            Some(known) if known.timestamp == packet.timestamp && known.code == event.event => {
                known.incomplete |= !joined;
                let ended = known.ends > 0;
                let grows = if ended {
                    event.duration == known.duration
                } else {
                    event.duration >= known.duration
                };
                ledger.check(Id::EventDuration, spot, grows, || {
                    format!("duration {} after {}", event.duration, known.duration)
                });
                ledger.check(Id::EventMarker, spot, !packet.marker, || {
                    "marker bit inside an event".to_owned()
                });
                known.duration = event.duration;
                known.ends += u32::from(event.end);
                known.last = spot;
            }
            before => {
                if let Some(known) = before.as_ref() {
                    known.replaced(packet, &event, joined, spot, ledger);
                }
                if joined {
                    ledger.check(Id::EventMarker, spot, packet.marker, || {
                        format!("no marker bit in the first packet of event {}", event.event)
                    });
                }
                *before = Some(Self {
                    code: event.event,
                    timestamp: packet.timestamp,
                    duration: event.duration,
                    ends: u32::from(event.end),
                    same_number: 0,
                    incomplete: !joined,
                    last: spot,
                });
            }
        }
    }

    /// The datagram before came once more, sequence number and all.
    pub(crate) fn again(&mut self, packet: &Packet<'_>) {
        if self.ends > 0 && packet.timestamp == self.timestamp {
            self.same_number += 1;
        }
    }

    fn replaced(
        &self,
        packet: &Packet<'_>,
        event: &TelephoneEvent,
        joined: bool,
        spot: Spot,
        ledger: &mut Ledger,
    ) {
        // a long event goes on in a new segment when its duration is full (RFC 4733 2.5.1.3)
        let segment = self.duration >= 0xf000;
        if segment {
            return;
        }
        if joined && self.code == event.event && self.ends == 0 && !packet.marker {
            ledger.check(Id::EventTimestamp, spot, false, || {
                format!(
                    "timestamp {} in event {}, which began at {}",
                    packet.timestamp, self.code, self.timestamp
                )
            });
            return;
        }
        self.count(joined, ledger);
    }

    fn count(&self, joined: bool, ledger: &mut Ledger) {
        ledger.check(Id::EventTimestamp, self.last, true, String::new);
        if !self.incomplete && joined {
            let ends = self.ends + self.same_number;
            ledger.check(Id::EventEnds, self.last, ends >= 3, || {
                format!("{ends} end packets of event {}, expected three", self.code)
            });
            // a network doubles a packet now and then, a device all its end packets
            if ends > 1 {
                ledger.check(Id::EventNumbers, self.last, self.same_number < 2, || {
                    format!(
                        "{ends} end packets of event {} share a sequence number",
                        self.code
                    )
                });
            }
        }
    }

    pub(crate) fn close(&self, now: Duration, ledger: &mut Ledger) {
        if now.saturating_sub(self.last.at) > Duration::from_secs(1) {
            self.count(true, ledger);
        }
    }
}
