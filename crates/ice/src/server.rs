use std::net::SocketAddr;

use crate::message::{Class, HEADER, MAGIC_COOKIE, StunMessage, error, success};

/// A STUN server for devices that ask what their address is: Binding requests without credentials (RFC 8489 6.3).
///
/// A function of the request alone: no socket, no state.
#[derive(Debug, Clone, Default)]
pub struct StunServer {
    software: Option<String>,
    mapped: Option<SocketAddr>,
}

impl StunServer {
    /// A server that tells the truth.
    pub const fn new() -> Self {
        Self {
            software: None,
            mapped: None,
        }
    }

    /// Text for SOFTWARE, cut to the 127 characters that RFC 8489 14.14 allows.
    #[must_use]
    pub fn with_software(mut self, software: &str) -> Self {
        self.software = Some(software.chars().take(127).collect());
        self
    }

    /// Answers every request with this address, as if the device were behind a NAT.
    #[must_use]
    pub const fn with_mapped_address(mut self, mapped: SocketAddr) -> Self {
        self.mapped = Some(mapped);
        self
    }

    /// The response to a datagram from `source`; `None` when it is no Binding request.
    ///
    /// Requests of RFC 3489, without the magic cookie, get MAPPED-ADDRESS (RFC 8489 11).
    pub fn answer(&self, source: SocketAddr, datagram: &[u8]) -> Option<Vec<u8>> {
        let mapped = self.mapped.unwrap_or(source);
        if let Some(response) = classic(datagram, mapped) {
            return Some(response);
        }
        let request = StunMessage::parse(datagram).ok()?;
        if request.class() != Class::Request || !request.is_binding() {
            return None;
        }
        let unknown = request.not_understood();
        if !unknown.is_empty() {
            return Some(error(&request, 420, &unknown, None));
        }
        Some(success(&request, mapped, None, self.software.as_deref()))
    }
}

/// The answer to a Binding request of RFC 3489: 128 bits of transaction identifier are returned as they came.
fn classic(datagram: &[u8], mapped: SocketAddr) -> Option<Vec<u8>> {
    let header = datagram.get(..HEADER)?;
    let announced = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let request = header[..2] == [0, 1] && header[4..8] != MAGIC_COOKIE;
    if !request || announced + HEADER != datagram.len() {
        return None;
    }
    let mut address = vec![0, if mapped.is_ipv4() { 1 } else { 2 }];
    address.extend_from_slice(&mapped.port().to_be_bytes());
    match mapped.ip() {
        std::net::IpAddr::V4(ip) => address.extend_from_slice(&ip.octets()),
        std::net::IpAddr::V6(ip) => address.extend_from_slice(&ip.octets()),
    }
    let mut response = vec![1, 1, 0, address.len() as u8 + 4];
    response.extend_from_slice(&header[4..]);
    response.extend_from_slice(&[0, 1, 0, address.len() as u8]);
    response.extend_from_slice(&address);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [u8; 20] = [
        0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ];

    fn source() -> SocketAddr {
        "192.0.2.1:32853".parse().expect("an address")
    }

    #[test]
    fn the_source_comes_back() {
        for text in ["192.0.2.1:32853", "[2001:db8::7]:5"] {
            let source = text.parse().expect("an address");
            let bytes = StunServer::new()
                .with_software("voxproof")
                .answer(source, &REQUEST)
                .expect("a response");
            let read = StunMessage::parse(&bytes).expect("own message");
            assert_eq!(
                (read.class(), read.mapped_address()),
                (Class::Success, Some(source))
            );
            assert_eq!(read.transaction(), 0x0102_0304_0506_0708_090a_0b0c);
        }
    }

    #[test]
    fn a_pretended_nat_changes_the_answer() {
        let outside = "198.51.100.9:61000".parse().expect("an address");
        let bytes = StunServer::new()
            .with_mapped_address(outside)
            .answer(source(), &REQUEST)
            .expect("a response");
        assert_eq!(
            StunMessage::parse(&bytes).expect("own message").mapped_address(),
            Some(outside)
        );
    }

    #[test]
    fn old_requests_get_the_old_attribute() {
        let mut request = REQUEST;
        request[4] = 0x99;
        let bytes = StunServer::new().answer(source(), &request).expect("a response");
        assert_eq!(bytes[..4], [1, 1, 0, 12]);
        assert_eq!(bytes[4..20], request[4..]);
        assert_eq!(bytes[20..], [0, 1, 0, 8, 0, 1, 0x80, 0x55, 192, 0, 2, 1]);
    }

    #[test]
    fn unknown_attributes_are_refused_and_other_messages_ignored() {
        let mut request = REQUEST.to_vec();
        request[3] = 8;
        request.extend_from_slice(&[0, 3, 0, 4, 0, 0, 0, 6]);
        let bytes = StunServer::new().answer(source(), &request).expect("a response");
        assert_eq!(
            StunMessage::parse(&bytes).expect("own message").error_code(),
            Some(420)
        );
        let mut indication = REQUEST;
        indication[1] = 0x11;
        assert_eq!(StunServer::new().answer(source(), &indication), None);
        assert_eq!(StunServer::new().answer(source(), &REQUEST[..19]), None);
        assert_eq!(StunServer::new().answer(source(), &[]), None);
    }
}
