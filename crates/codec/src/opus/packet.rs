//! What the first octets of an Opus packet say (RFC 6716 3), without decoding it.

use std::time::Duration;

use crate::CodecError;

/// Which layers of the codec a frame uses (RFC 6716 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpusMode {
    /// Linear prediction only.
    Silk,
    /// Linear prediction below 8 kHz, transform above.
    Hybrid,
    /// Transform only.
    Celt,
}

/// Audio bandwidth (RFC 6716 Table 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpusBandwidth {
    /// 4 kHz.
    Narrowband,
    /// 6 kHz.
    Mediumband,
    /// 8 kHz.
    Wideband,
    /// 12 kHz.
    Superwideband,
    /// 20 kHz.
    Fullband,
}

impl OpusBandwidth {
    /// The sample rate that carries the bandwidth (RFC 6716 Table 1), Hz.
    #[must_use]
    pub const fn sample_rate(self) -> u32 {
        match self {
            Self::Narrowband => 8000,
            Self::Mediumband => 12_000,
            Self::Wideband => 16_000,
            Self::Superwideband => 24_000,
            Self::Fullband => 48_000,
        }
    }

    /// The widest bandwidth that a player with `sample_rate` Hz can use: how `maxplaybackrate` is meant
    /// (RFC 7587 6.1).
    #[must_use]
    pub const fn within(sample_rate: u32) -> Self {
        match sample_rate {
            0..12_000 => Self::Narrowband,
            12_000..16_000 => Self::Mediumband,
            16_000..24_000 => Self::Wideband,
            24_000..48_000 => Self::Superwideband,
            _ => Self::Fullband,
        }
    }
}

/// The framing of one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpusPacket {
    /// Configuration number, 0 to 31 (RFC 6716 Table 2).
    pub configuration: u8,
    /// Layers in use.
    pub mode: OpusMode,
    /// Audio bandwidth.
    pub bandwidth: OpusBandwidth,
    /// Whether two channels are coded.
    pub stereo: bool,
    /// How long each frame is.
    pub frame_duration: Duration,
    /// Octets of each frame, in order; 0 stands for a frame that was not sent (RFC 6716 3.2.1).
    pub frame_lengths: Vec<usize>,
    /// Octets of padding (RFC 6716 3.2.5).
    pub padding: usize,
}

impl OpusPacket {
    /// Reads the framing of `payload`, with all requirements R1 to R7 of RFC 6716 3.4.
    ///
    /// # Errors
    /// [`CodecError::Payload`] with the requirement that is not met.
    pub fn parse(payload: &[u8]) -> Result<Self, CodecError> {
        let (&toc, rest) = payload.split_first().ok_or_else(|| malformed("empty (R1)"))?;
        let configuration = toc >> 3;
        let (mode, bandwidth, frame_duration) = configured(configuration);
        let (frame_lengths, padding) = match toc & 3 {
            0 => (vec![rest.len()], 0),
            1 if rest.len() % 2 == 1 => {
                return Err(malformed(
                    "two frames of equal size in an odd number of octets (R3)",
                ));
            }
            1 => (vec![rest.len() / 2; 2], 0),
            2 => {
                let (first, used) =
                    frame_length(rest).ok_or_else(|| malformed("no length of the first frame (R4)"))?;
                let second = (rest.len() - used)
                    .checked_sub(first)
                    .ok_or_else(|| malformed("the first frame is longer than the packet (R4)"))?;
                (vec![first, second], 0)
            }
            _ => many(rest, frame_duration)?,
        };
        if frame_lengths.iter().any(|&length| length > 1275) {
            return Err(malformed("a frame of more than 1275 octets (R2)"));
        }
        Ok(Self {
            configuration,
            mode,
            bandwidth,
            stereo: toc & 4 != 0,
            frame_duration,
            frame_lengths,
            padding,
        })
    }

    /// How long the packet is: at most 120 ms.
    #[must_use]
    pub fn duration(&self) -> Duration {
        // R5 holds: no more than 48 frames
        self.frame_duration * self.frame_lengths.len() as u32
    }
}

const fn malformed(reason: &'static str) -> CodecError {
    CodecError::Payload {
        codec: "opus",
        reason,
    }
}

/// RFC 6716 Table 2.
const fn configured(configuration: u8) -> (OpusMode, OpusBandwidth, Duration) {
    let (mode, bandwidth) = match configuration {
        0..4 => (OpusMode::Silk, OpusBandwidth::Narrowband),
        4..8 => (OpusMode::Silk, OpusBandwidth::Mediumband),
        8..12 => (OpusMode::Silk, OpusBandwidth::Wideband),
        12..14 => (OpusMode::Hybrid, OpusBandwidth::Superwideband),
        14..16 => (OpusMode::Hybrid, OpusBandwidth::Fullband),
        16..20 => (OpusMode::Celt, OpusBandwidth::Narrowband),
        20..24 => (OpusMode::Celt, OpusBandwidth::Wideband),
        24..28 => (OpusMode::Celt, OpusBandwidth::Superwideband),
        _ => (OpusMode::Celt, OpusBandwidth::Fullband),
    };
    let microseconds = match mode {
        OpusMode::Silk => [10_000, 20_000, 40_000, 60_000][(configuration & 3) as usize],
        OpusMode::Hybrid => [10_000, 20_000][(configuration & 1) as usize],
        OpusMode::Celt => [2_500, 5_000, 10_000, 20_000][(configuration & 3) as usize],
    };
    (mode, bandwidth, Duration::from_micros(microseconds))
}

/// A frame length of one or two octets (RFC 6716 3.2.1), and how many it took.
fn frame_length(octets: &[u8]) -> Option<(usize, usize)> {
    let first = usize::from(*octets.first()?);
    if first < 252 {
        Some((first, 1))
    } else {
        Some((usize::from(*octets.get(1)?) * 4 + first, 2))
    }
}

/// A packet of code 3: any number of frames (RFC 6716 3.2.5); frame lengths and padding.
fn many(rest: &[u8], frame_duration: Duration) -> Result<(Vec<usize>, usize), CodecError> {
    let (&head, mut rest) = rest
        .split_first()
        .ok_or_else(|| malformed("no frame count (R6, R7)"))?;
    let count = usize::from(head & 0x3f);
    if count == 0 || frame_duration * u32::from(head & 0x3f) > Duration::from_millis(120) {
        return Err(malformed("no frame, or more than 120 ms (R5)"));
    }
    let mut padding = 0;
    if head & 0x40 != 0 {
        loop {
            let (&octet, after) = rest
                .split_first()
                .ok_or_else(|| malformed("padding length cut off (R6, R7)"))?;
            rest = after;
            // 255 stands for 254 octets and one more length octet
            padding += usize::from(octet.min(254));
            if octet < 255 {
                break;
            }
        }
    }
    let mut available = rest
        .len()
        .checked_sub(padding)
        .ok_or_else(|| malformed("more padding than packet (R6, R7)"))?;
    let mut lengths = Vec::with_capacity(count);
    if head & 0x80 == 0 {
        if !available.is_multiple_of(count) {
            return Err(malformed("frames of equal size do not fill the packet (R6)"));
        }
        lengths.resize(count, available / count);
    } else {
        for _ in 1..count {
            let (length, used) = frame_length(rest).ok_or_else(|| malformed("frame length cut off (R7)"))?;
            rest = &rest[used..];
            available = available
                .checked_sub(used + length)
                .ok_or_else(|| malformed("the frames are longer than the packet (R7)"))?;
            lengths.push(length);
        }
        lengths.push(available);
    }
    Ok((lengths, padding))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lengths(payload: &[u8]) -> Vec<usize> {
        OpusPacket::parse(payload).expect("well-formed").frame_lengths
    }

    #[test]
    fn the_four_codes() {
        assert_eq!(lengths(&[0x78, 1, 2, 3]), [3]);
        assert_eq!(lengths(&[0x79, 1, 2, 3, 4]), [2, 2]);
        assert_eq!(lengths(&[0x7a, 1, 9, 8, 8]), [1, 2]);
        assert_eq!(lengths(&[0x7b, 3, 1, 2, 3]), [1, 1, 1]);
        assert_eq!(lengths(&[0x7b, 0x83, 1, 0, 9, 8, 8]), [1, 0, 2]);
        assert_eq!(
            lengths(&[0x78]),
            [0],
            "a table of contents alone: nothing was sent"
        );
        let padded = OpusPacket::parse(&[0x7b, 0x41, 2, 7, 7, 0, 0]).expect("well-formed");
        assert_eq!((padded.frame_lengths, padded.padding), (vec![2], 2));
        let mut long = vec![0x7a, 253, 2];
        long.resize(3 + 261 + 5, 0);
        assert_eq!(lengths(&long), [261, 5], "two-octet length: 2 * 4 + 253");
    }

    #[test]
    fn each_requirement_is_held() {
        for payload in [
            &[][..],
            &[0x79, 1],
            &[0x7a],
            &[0x7a, 252],
            &[0x7a, 3, 1],
            &[0x7b],
            &[0x7b, 0],
            &[0x7b, 7, 0, 0, 0, 0, 0, 0, 0],
            &[0x7b, 2, 1],
            &[0x7b, 0x41, 9, 1],
            &[0x7b, 0x41],
            &[0x7b, 0x83, 1],
            &[0x7b, 0x82, 4, 1],
        ] {
            assert!(OpusPacket::parse(payload).is_err(), "{payload:02x?}");
        }
        assert!(OpusPacket::parse(&[0u8; 1277]).is_err(), "1276 octets in a frame");
        assert!(OpusPacket::parse(&[0u8; 1276]).is_ok());
    }

    #[test]
    fn configurations_are_those_of_the_table() {
        let of = |configuration: u8| OpusPacket::parse(&[configuration << 3, 0]).expect("well-formed");
        let durations: Vec<u128> = (0..32).map(|n| of(n).frame_duration.as_micros()).collect();
        let silk = [10_000, 20_000, 40_000, 60_000];
        let celt = [2_500, 5_000, 10_000, 20_000];
        let expected = [
            silk,
            silk,
            silk,
            [10_000, 20_000, 10_000, 20_000],
            celt,
            celt,
            celt,
            celt,
        ]
        .concat();
        assert_eq!(durations, expected);
        assert_eq!(
            (of(15).mode, of(15).bandwidth),
            (OpusMode::Hybrid, OpusBandwidth::Fullband)
        );
        assert_eq!(
            (of(9).mode, of(9).bandwidth),
            (OpusMode::Silk, OpusBandwidth::Wideband)
        );
        assert_eq!(
            (of(20).mode, of(20).bandwidth),
            (OpusMode::Celt, OpusBandwidth::Wideband)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_octets_are_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..2000)) {
            if let Ok(packet) = OpusPacket::parse(&payload) {
                prop_assert!(packet.duration() <= Duration::from_millis(120));
                prop_assert!(packet.frame_lengths.iter().sum::<usize>() + packet.padding < payload.len());
            }
        }
    }
}
