//! Compound packets cut into packets, and octets taken from the front of a slice.

use super::RtcpError;

/// One packet of a compound packet, whose length field fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    /// Where it starts in the datagram.
    pub(super) offset: usize,
    /// Padding bit.
    pub(super) padded: bool,
    /// Count or subtype, 5 bits.
    pub(super) count: u8,
    pub(super) packet_type: u8,
    /// The whole packet, header and padding included.
    pub(super) bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// What follows the header, without padding; `None` when the padding count is zero, no multiple of four or larger
    /// than the packet (RFC 3550 6.4.1).
    pub(super) fn content(&self) -> Option<&'a [u8]> {
        let content = self.bytes.get(4..).unwrap_or_default();
        if !self.padded {
            return Some(content);
        }
        let padding = usize::from(*content.last()?);
        if padding == 0 || !padding.is_multiple_of(4) {
            return None;
        }
        content.get(..content.len().checked_sub(padding)?)
    }
}

/// Cuts a datagram by the length fields. The packets in front of the first unreadable one are given as well.
pub(super) fn frames(bytes: &[u8]) -> (Vec<Frame<'_>>, Option<RtcpError>) {
    let mut frames = Vec::new();
    let mut rest = bytes;
    loop {
        let offset = bytes.len() - rest.len();
        if rest.is_empty() && offset > 0 {
            return (frames, None);
        }
        let &[flags, packet_type, high, low, ..] = rest else {
            let error = RtcpError::Truncated {
                offset,
                needed: 4,
                available: rest.len(),
            };
            return (frames, Some(error));
        };
        if flags >> 6 != 2 {
            let error = RtcpError::Version {
                offset,
                version: flags >> 6,
            };
            return (frames, Some(error));
        }
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        let Some((packet, following)) = rest.split_at_checked(length) else {
            let error = RtcpError::Truncated {
                offset,
                needed: length,
                available: rest.len(),
            };
            return (frames, Some(error));
        };
        rest = following;
        frames.push(Frame {
            offset,
            padded: flags & 0x20 != 0,
            count: flags & 0x1f,
            packet_type,
            bytes: packet,
        });
    }
}

/// Reads big-endian fields one after the other; `None` at the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    pub(super) fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }
}
