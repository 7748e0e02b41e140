//! Free ports for programs that must be told theirs.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

/// A port that is free for UDP and TCP at this moment. It is released before the program takes it, so another program
/// may be faster: whoever uses it tries again with a new one.
pub(crate) fn free_port(ip: IpAddr) -> io::Result<u16> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..32 {
        let udp = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        let port = udp.local_addr()?.port();
        match TcpListener::bind(SocketAddr::new(ip, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A free even UDP port whose odd neighbour is free too: RTP and RTCP (RFC 3550 11).
pub(crate) fn free_rtp_port(ip: IpAddr) -> io::Result<u16> {
    let mut taken = Vec::new();
    for _ in 0..64 {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        let port = socket.local_addr()?.port();
        if port.is_multiple_of(2) && port < u16::MAX && UdpSocket::bind(SocketAddr::new(ip, port + 1)).is_ok()
        {
            return Ok(port);
        }
        taken.push(socket);
    }
    Err(io::Error::from(io::ErrorKind::AddrInUse))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn ports_are_free() {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_ne!(free_port(ip).unwrap(), 0);
        assert_eq!(free_rtp_port(ip).unwrap() % 2, 0);
    }
}
