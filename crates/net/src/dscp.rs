//! The differentiated services code point (RFC 2474).

use std::io;

use socket2::SockRef;

use crate::NetError;

/// A code point, 0 to 63; EF for voice is 46 (RFC 3246), CS3 for signalling 24 (RFC 4594).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dscp(u8);

impl Dscp {
    pub(crate) fn new(value: u8) -> Result<Self, NetError> {
        if value < 64 {
            Ok(Self(value))
        } else {
            Err(NetError::InvalidDscp { value })
        }
    }

    pub(crate) fn value(self) -> u8 {
        self.0
    }

    /// The code point of a received TOS or traffic class: its upper six bits (RFC 2474 3); the others are ECN.
    pub(crate) fn of_traffic_class(traffic_class: u8) -> u8 {
        traffic_class >> 2
    }

    /// Marks what the socket sends from now on.
    pub(crate) fn apply(self, socket: SockRef<'_>, ipv6: bool) -> Result<(), NetError> {
        let traffic_class = u32::from(self.0) << 2;
        let set: io::Result<()> = if ipv6 {
            socket.set_tclass_v6(traffic_class)
        } else {
            socket.set_tos_v4(traffic_class)
        };
        set.map_err(|source| NetError::Setup {
            what: "set the DSCP of a socket",
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_point_has_six_bits() {
        assert!(Dscp::new(63).is_ok());
        assert!(matches!(Dscp::new(64), Err(NetError::InvalidDscp { value: 64 })));
        assert_eq!(Dscp::of_traffic_class(0xb8), 46);
        assert_eq!(Dscp::of_traffic_class(0xbb), 46, "ECN is no part of it");
    }
}
