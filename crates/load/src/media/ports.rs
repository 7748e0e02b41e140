//! RTP ports of a run: opened when a call needs one, used again by later calls.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::sip_socket::bind;

/// Packets of the call before may still be on their way to a port that is used again.
const REST: Duration = Duration::from_secs(2);
/// A second and a half of one stream; the loop comes by every packet time.
const PORT_BUFFER: usize = 64 << 10;
/// A port that carries all streams.
const SHARED_BUFFER: usize = 8 << 20;

/// An even RTP port and the odd RTCP port above it (RFC 3550 11).
#[derive(Debug)]
pub(crate) struct PortPair {
    pub(crate) rtp: UdpSocket,
    pub(crate) rtcp: UdpSocket,
    pub(crate) number: u16,
}

/// All pairs; they stay open until the run ends, so that the kernel's drop counters can be read at the end.
#[derive(Debug)]
pub(crate) struct Ports {
    address: IpAddr,
    pairs: Vec<PortPair>,
    resting: VecDeque<(Duration, u32)>,
}

impl Ports {
    pub(crate) const fn new(address: IpAddr) -> Self {
        Self {
            address,
            pairs: Vec::new(),
            resting: VecDeque::new(),
        }
    }

    /// A pair that nobody uses.
    ///
    /// # Errors
    /// When the system has no port or no descriptor left.
    pub(crate) fn take(&mut self, now: Duration) -> io::Result<u32> {
        if let Some((since, index)) = self.resting.front().copied()
            && now.saturating_sub(since) >= REST
        {
            self.resting.pop_front();
            return Ok(index);
        }
        match open_pair(self.address, PORT_BUFFER) {
            Ok(pair) => Ok(self.keep(pair)),
            // better a port that rested too little than a call that fails
            Err(error) => self.resting.pop_front().map(|(_, index)| index).ok_or(error),
        }
    }

    /// The one pair of all calls.
    pub(crate) fn open_shared(&mut self) -> io::Result<u32> {
        let pair = open_pair(self.address, SHARED_BUFFER)?;
        Ok(self.keep(pair))
    }

    pub(crate) fn release(&mut self, now: Duration, index: u32) {
        self.resting.push_back((now, index));
    }

    pub(crate) fn pair(&self, index: u32) -> Option<&PortPair> {
        self.pairs.get(index as usize)
    }

    /// The numbers of all RTP ports.
    pub(crate) fn numbers(&self, into: &mut HashSet<u16>) {
        into.extend(self.pairs.iter().map(|pair| pair.number));
    }

    fn keep(&mut self, pair: PortPair) -> u32 {
        self.pairs.push(pair);
        (self.pairs.len() - 1) as u32
    }
}

fn open_pair(address: IpAddr, buffer: usize) -> io::Result<PortPair> {
    // odd ones are held until the end, so that the kernel does not offer them again
    let mut unfit = Vec::new();
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..64 {
        let rtp = bind(SocketAddr::new(address, 0), buffer)?;
        let number = rtp.local_addr()?.port();
        if number % 2 == 0 {
            match bind(SocketAddr::new(address, number + 1), 16 << 10) {
                Ok(rtcp) => return Ok(PortPair { rtp, rtcp, number }),
                Err(error) => last = error,
            }
        }
        unfit.push(rtp);
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_even_and_rest_before_they_are_used_again() {
        let mut ports = Ports::new(IpAddr::from([127, 0, 0, 1]));
        let first = ports.take(Duration::ZERO).expect("a port");
        let pair = ports.pair(first).expect("open");
        assert_eq!(pair.number % 2, 0);
        assert_eq!(pair.rtcp.local_addr().expect("bound").port(), pair.number + 1);
        ports.release(Duration::from_secs(1), first);
        let second = ports.take(Duration::from_secs(2)).expect("another");
        assert_ne!(first, second);
        assert_eq!(ports.take(Duration::from_secs(3)).expect("rested"), first);
    }
}
