//! What a sender of telephone-events does against RFC 4733.

/// One irregularity of a received event that the network cannot have caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventFinding {
    /// The first packet has no marker bit.
    #[error("the first packet of the event has no marker bit")]
    MarkerMissing,
    /// Packets after the first one have the marker bit.
    #[error("{0} packets after the first one have the marker bit")]
    MarkerRepeated(u32),
    /// The timestamp is not that of the start of the event or of its segment.
    #[error("the timestamp changes within the event")]
    TimestampMoved,
    /// A duration is smaller than the one before.
    #[error("the duration becomes smaller within the event")]
    DurationShrank,
    /// A duration of zero, which is for states and not for tones.
    #[error("a packet of the event reports a duration of zero")]
    DurationZero,
    /// There is no packet with the end bit.
    #[error("no packet has the end bit")]
    EndMissing,
    /// The last packet is not sent three times.
    #[error("{0} packets have the end bit instead of three")]
    EndCount(u32),
    /// The repetitions of the last packet do not agree.
    #[error("the packets with the end bit report different durations")]
    EndDurations,
    /// A packet without the end bit follows one with it.
    #[error("a packet without the end bit follows one with it")]
    UpdateAfterEnd,
    /// A segment other than the last one has the end bit.
    #[error("the end bit is set although another segment follows")]
    SegmentEnded,
    /// The reserved bit is set.
    #[error("the reserved bit is set")]
    ReservedBit,
    /// The payload is not one event block.
    #[error("the payload has {0} octets instead of four")]
    PayloadLength(usize),
    /// The code is none of the DTMF digits.
    #[error("event code {0} is no DTMF digit")]
    NotDtmf(u8),
    /// The payload type changes within the event.
    #[error("the payload type changes within the event")]
    PayloadTypeChanged,
    /// The event starts, by its timestamp, before the one before has ended.
    #[error("the event starts {0} clock units before the one before has ended")]
    Overlap(u32),
}

impl EventFinding {
    /// The clause of RFC 4733 that is concerned.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        match self {
            Self::MarkerMissing | Self::MarkerRepeated(_) => "RFC 4733 2.2.1",
            Self::TimestampMoved | Self::DurationShrank => "RFC 4733 2.5.1.2",
            Self::Overlap(_) => "RFC 4733 2.5.1.5",
            Self::EndMissing | Self::EndCount(_) | Self::EndDurations | Self::UpdateAfterEnd => {
                "RFC 4733 2.5.1.4"
            }
            Self::SegmentEnded => "RFC 4733 2.5.1.3",
            Self::DurationZero => "RFC 4733 2.3.5",
            Self::ReservedBit => "RFC 4733 2.3.3",
            Self::PayloadLength(_) | Self::PayloadTypeChanged => "RFC 4733 2.3",
            Self::NotDtmf(_) => "RFC 4733 3.2",
        }
    }
}
