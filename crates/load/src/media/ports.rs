//! RTP ports of a run: opened when a call needs one, used again by later calls.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::SockRef;

use crate::sip_socket::{bind, bind_beside};

/// Packets of the call before may still be on their way to a port that is used again.
const REST: Duration = Duration::from_secs(2);
/// Three seconds of one stream as the kernel counts it; the loop comes by every eight packet times at the latest, for
/// strangers every second.
const PORT_BUFFER: usize = 64 << 10;
/// A port that carries all streams.
const SHARED_BUFFER: usize = 8 << 20;

/// An even RTP port and the odd RTCP port above it (RFC 3550 11).
#[derive(Debug)]
pub(crate) struct PortPair {
    /// Takes what comes from anywhere, but for what `peer` takes.
    pub(crate) rtp: UdpSocket,
    /// A second socket on the RTP port, connected to where the far end wants its RTP and so most likely sends from: the
    /// kernel then looks up neither route nor receiver for each packet, a tenth of the cost of a stream. A far end that
    /// sends from elsewhere is heard by `rtp`.
    pub(crate) peer: Option<UdpSocket>,
    pub(crate) rtcp: UdpSocket,
    pub(crate) number: u16,
}

impl PortPair {
    /// Sends a packet to the address of the last [`Ports::connect`].
    pub(crate) fn send(&self, packet: &[u8], to: SocketAddr) -> io::Result<usize> {
        match &self.peer {
            // what is refused here is the far end's ICMP answer to an earlier packet, and no fault of the lab
            Some(peer) => peer.send(packet).or_else(|_| self.rtp.send_to(packet, to)),
            None => self.rtp.send_to(packet, to),
        }
    }
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

    /// Sends to this address from now on, and hears it on a socket of its own where the system has one.
    pub(crate) fn connect(&mut self, index: u32, to: SocketAddr) {
        if let Some(pair) = self.pairs.get_mut(index as usize) {
            let before = pair.peer.take();
            pair.peer = before
                .map_or_else(|| beside(&pair.rtp, PORT_BUFFER), Ok)
                .and_then(|socket| socket.connect(to).map(|()| socket))
                .ok();
        }
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
                Ok(rtcp) => {
                    return Ok(PortPair {
                        rtp,
                        peer: None,
                        rtcp,
                        number,
                    });
                }
                Err(error) => last = error,
            }
        }
        unfit.push(rtp);
    }
    Err(last)
}

/// A second socket on the port of this one. The kernel shares a port among those that allow it when they are bound, which
/// is not to last: a port asked of the kernel later must be a free one.
fn beside(first: &UdpSocket, buffer: usize) -> io::Result<UdpSocket> {
    SockRef::from(first).set_reuse_address(true)?;
    let second = bind_beside(first.local_addr()?, buffer);
    SockRef::from(first).set_reuse_address(false)?;
    let second = second?;
    SockRef::from(&second).set_reuse_address(false)?;
    Ok(second)
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

    #[test]
    fn the_peer_has_a_socket_of_its_own_and_strangers_are_heard_too() {
        let mut ports = Ports::new(IpAddr::from([127, 0, 0, 1]));
        let index = ports.take(Duration::ZERO).expect("a port");
        let number = ports.pair(index).expect("open").number;
        let to = SocketAddr::from(([127, 0, 0, 1], number));
        let open = || UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback");
        let far = [open(), open(), open()];
        let address = |index: usize| far[index].local_addr().expect("bound");
        for (turn, peer) in [0, 1].into_iter().enumerate() {
            ports.connect(index, address(peer));
            let pair = ports.pair(index).expect("open");
            for socket in &far {
                socket.send_to(b"in", to).expect("loopback");
            }
            let direct = pair.peer.as_ref().expect("a second socket");
            let mut buffer = [0; 16];
            let (_, source) = direct.recv_from(&mut buffer).expect("the peer's");
            assert_eq!(source, address(peer), "turn {turn}");
            assert!(direct.recv_from(&mut buffer).is_err(), "only the peer's");
            let strangers = [(); 2].map(|()| pair.rtp.recv_from(&mut buffer).expect("a stranger's").1);
            assert!(!strangers.contains(&address(peer)));
            pair.send(b"out", address(peer)).expect("loopback");
            let (_, source) = far[peer].recv_from(&mut buffer).expect("ours");
            assert_eq!(source, to);
        }
        let mut other = Ports::new(IpAddr::from([127, 0, 0, 1]));
        for _ in 0..50 {
            let index = other.take(Duration::ZERO).expect("a port");
            assert_ne!(other.pair(index).expect("open").number, number);
        }
    }

    #[test]
    fn a_closed_far_end_is_no_error_of_ours() {
        let mut ports = Ports::new(IpAddr::from([127, 0, 0, 1]));
        let index = ports.take(Duration::ZERO).expect("a port");
        let far = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback");
        let to = far.local_addr().expect("bound");
        ports.connect(index, to);
        drop(far);
        let pair = ports.pair(index).expect("open");
        for _ in 0..4 {
            assert_eq!(pair.send(b"x", to).expect("sent all the same"), 1);
        }
    }
}
