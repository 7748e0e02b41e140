//! The sending side's sequence numbers and timestamps (RFC 3550 5.1).

use crate::packet::build;

/// Numbers the packets of one outgoing stream; sequence number and timestamp wrap as the field widths demand.
///
/// The caller chooses the initial values; RFC 3550 5.1 wants them random.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packetizer {
    /// Payload type of [`Packetizer::next`].
    pub payload_type: u8,
    /// Synchronisation source of the stream.
    pub ssrc: u32,
    /// Sequence number of the next packet.
    pub sequence: u16,
    /// Timestamp of the next media packet, in clock units.
    pub timestamp: u32,
    /// Packets written so far, for the sender report (RFC 3550 6.4.1).
    pub packets: u64,
    /// Payload octets written so far, for the sender report (RFC 3550 6.4.1).
    pub octets: u64,
}

impl Packetizer {
    /// A stream that starts at `sequence` and `timestamp`.
    #[must_use]
    pub fn new(payload_type: u8, ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            payload_type,
            ssrc,
            sequence,
            timestamp,
            packets: 0,
            octets: 0,
        }
    }

    /// Writes the next media packet, then advances the sequence number by one and the timestamp by `samples`.
    #[must_use]
    pub fn next(&mut self, payload: &[u8], samples: u32, marker: bool) -> Vec<u8> {
        let bytes = self.packet_at(self.payload_type, payload, self.timestamp, marker);
        self.timestamp = self.timestamp.wrapping_add(samples);
        bytes
    }

    /// Writes a packet of another payload type at a timestamp of its own and advances only the sequence number.
    ///
    /// This is how telephone-event packets share the stream: all packets of an event carry the timestamp of the
    /// event's start (RFC 4733 2.2.1) while the sequence number goes on.
    #[must_use]
    pub fn packet_at(&mut self, payload_type: u8, payload: &[u8], timestamp: u32, marker: bool) -> Vec<u8> {
        let bytes = build(payload_type, marker, self.sequence, timestamp, self.ssrc, payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += payload.len() as u64;
        bytes
    }

    /// Lets `samples` clock units pass without a packet (silence, or a frame replaced by an event).
    pub fn advance(&mut self, samples: u32) {
        self.timestamp = self.timestamp.wrapping_add(samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;

    #[test]
    fn sequence_and_timestamp_wrap() {
        let mut packetizer = Packetizer::new(8, 7, 65535, u32::MAX - 79);
        let first = packetizer.next(&[0; 160], 160, true);
        let second = packetizer.next(&[0; 160], 160, false);
        let (first, second) = (
            Packet::parse(&first).expect("own"),
            Packet::parse(&second).expect("own"),
        );
        assert_eq!((first.sequence, second.sequence), (65535, 0));
        assert_eq!((first.timestamp, second.timestamp), (u32::MAX - 79, 80));
        assert_eq!((packetizer.packets, packetizer.octets), (2, 320));
    }

    #[test]
    fn an_event_packet_leaves_the_media_timestamp_alone() {
        let mut packetizer = Packetizer::new(0, 7, 10, 1000);
        let event = packetizer.packet_at(101, &[1, 10, 0, 160], 1000, true);
        packetizer.advance(160);
        let media = packetizer.next(&[0; 160], 160, false);
        let (event, media) = (
            Packet::parse(&event).expect("own"),
            Packet::parse(&media).expect("own"),
        );
        assert_eq!(
            (event.payload_type, event.sequence, event.timestamp),
            (101, 10, 1000)
        );
        assert_eq!(
            (media.payload_type, media.sequence, media.timestamp),
            (0, 11, 1160)
        );
    }
}
