use crate::SrtpError;

/// Where the encrypted portion of an RTP packet begins, and what the index needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RtpHeader {
    /// Length of fixed header, CSRC list and extension in bytes: all of it stays in the clear (RFC 3711 3.1).
    pub(crate) length: usize,
    pub(crate) sequence: u16,
    pub(crate) ssrc: u32,
}

/// Length of the part of an RTCP packet that stays in the clear (RFC 3711 3.4).
pub(crate) const RTCP_HEADER: usize = 8;

impl RtpHeader {
    /// Reads the header of a packet (RFC 3550 5.1); what follows the header is not looked at.
    pub(crate) fn parse(packet: &[u8]) -> Result<Self, SrtpError> {
        let Some((fixed, rest)) = packet.split_first_chunk::<12>() else {
            return Err(SrtpError::TooShort {
                length: packet.len(),
                needed: 12,
            });
        };
        if fixed[0] >> 6 != 2 {
            return Err(SrtpError::BadHeader("version is not 2"));
        }
        let mut length = 12;
        let sources = usize::from(fixed[0] & 0x0f) * 4;
        let Some(after_sources) = rest.get(sources..) else {
            return Err(SrtpError::BadHeader("CSRC list goes beyond the packet"));
        };
        length += sources;
        if fixed[0] & 0x10 != 0 {
            let Some(&[_, _, high, low]) = after_sources.first_chunk::<4>() else {
                return Err(SrtpError::BadHeader("header extension goes beyond the packet"));
            };
            length += 4 + usize::from(u16::from_be_bytes([high, low])) * 4;
            if length > packet.len() {
                return Err(SrtpError::BadHeader("header extension goes beyond the packet"));
            }
        }
        Ok(Self {
            length,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        })
    }
}

/// SSRC of the sender of an RTCP packet (RFC 3550 6.4.1); the packets behind the first are not looked at.
pub(crate) fn rtcp_sender(packet: &[u8]) -> Result<u32, SrtpError> {
    let Some(fixed) = packet.first_chunk::<RTCP_HEADER>() else {
        return Err(SrtpError::TooShort {
            length: packet.len(),
            needed: RTCP_HEADER,
        });
    };
    if fixed[0] >> 6 != 2 {
        return Err(SrtpError::BadHeader("version is not 2"));
    }
    Ok(u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_extension_belong_to_the_header() {
        let mut packet = vec![0x92, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9];
        packet.extend([0; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        packet.extend([0xaa; 5]);
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!((header.length, header.sequence, header.ssrc), (28, 7, 9));
        assert_eq!(
            RtpHeader::parse(&packet[..27]),
            Err(SrtpError::BadHeader("header extension goes beyond the packet"))
        );
        assert_eq!(
            RtpHeader::parse(&packet[..19]),
            Err(SrtpError::BadHeader("CSRC list goes beyond the packet"))
        );
        packet[0] = 0x52;
        assert_eq!(
            RtpHeader::parse(&packet),
            Err(SrtpError::BadHeader("version is not 2"))
        );
    }
}
