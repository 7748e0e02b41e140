//! Telephone-event: DTMF digits as RTP packets (RFC 4733).

mod finding;
mod plan;
mod received;

pub use finding::EventFinding;
pub use plan::{EventPlan, PlannedPacket};
pub use received::{ReceivedEvent, collect};

use crate::packet::RtpError;

/// The payload of one telephone-event packet (RFC 4733 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Event code; 0..=15 are the DTMF digits (RFC 4733 3.2).
    pub event: u8,
    /// The packet reports the end of the event.
    pub end: bool,
    /// Power level in dBm0 without its sign, 0..=63.
    pub volume: u8,
    /// Time since the timestamp of the packet, in clock units.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the first event block of a payload; the reserved bit is ignored (RFC 4733 2.3.3).
    ///
    /// # Errors
    /// [`RtpError::Payload`] when there are fewer than four octets.
    pub fn parse(payload: &[u8]) -> Result<Self, RtpError> {
        let &[event, flags, high, low, ..] = payload else {
            return Err(RtpError::Payload {
                needed: 4,
                actual: payload.len(),
            });
        };
        Ok(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// Writes the payload; only the low 6 bits of the volume count and the reserved bit is zero.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        let end = if self.end { 0x80 } else { 0 };
        [self.event, end | (self.volume & 0x3f), high, low]
    }
}

/// The event code of a digit: 0-9, *, #, A-D in either case (RFC 4733 3.2 Table 3).
#[must_use]
pub const fn digit_event(digit: char) -> Option<u8> {
    match digit {
        '0'..='9' => Some(digit as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => Some(digit as u8 - b'A' + 12),
        'a'..='d' => Some(digit as u8 - b'a' + 12),
        _ => None,
    }
}

/// The digit of an event code, `None` for codes that are not DTMF (RFC 4733 3.2 Table 3).
#[must_use]
pub const fn event_digit(event: u8) -> Option<char> {
    match event {
        0..=9 => Some((b'0' + event) as char),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some((b'A' + event - 12) as char),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sixteen_digits_map_both_ways() {
        for (code, digit) in "0123456789*#ABCD".chars().enumerate() {
            let code = u8::try_from(code).expect("sixteen digits");
            assert_eq!(digit_event(digit), Some(code));
            assert_eq!(event_digit(code), Some(digit));
            assert_eq!(digit_event(digit.to_ascii_lowercase()), Some(code));
        }
        assert_eq!(event_digit(16), None);
        assert_eq!(digit_event('E'), None);
    }

    #[test]
    fn the_payload_has_the_layout_of_the_standard() {
        let event = TelephoneEvent {
            event: 11,
            end: true,
            volume: 10,
            duration: 0x0320,
        };
        assert_eq!(event.to_bytes(), [11, 0x8a, 0x03, 0x20]);
        // the reserved bit does not leak into the volume
        assert_eq!(TelephoneEvent::parse(&[11, 0xca, 0x03, 0x20]), Ok(event));
        assert_eq!(
            TelephoneEvent::parse(&[1, 2, 3]),
            Err(RtpError::Payload { needed: 4, actual: 3 })
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn payloads_read_back(event: u8, end: bool, volume in 0u8..64, duration: u16) {
            let event = TelephoneEvent { event, end, volume, duration };
            prop_assert_eq!(TelephoneEvent::parse(&event.to_bytes()), Ok(event));
        }
    }
}
