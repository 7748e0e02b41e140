//! The SIP socket: many datagrams a system call, kernel receive times.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg,
    setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

use crate::clock::Clock;
use crate::outbox::Outbox;

/// Datagrams a system call.
const BATCH: usize = 32;
/// The longest UDP payload.
const LONGEST: usize = 65_535;
/// Room for a second of heavy traffic while the loop is held up.
pub(crate) const SIP_BUFFER: usize = 4 << 20;

/// Binds a UDP socket for this many octets of received datagrams, with kernel receive times.
pub(crate) fn bind(local: SocketAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    bind_as(local, receive_buffer, false)
}

/// As [`bind`], on an address at which another socket is that allows it (`SO_REUSEADDR`).
pub(crate) fn bind_beside(local: SocketAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    bind_as(local, receive_buffer, true)
}

fn bind_as(local: SocketAddr, receive_buffer: usize, beside: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // the privileged way may go beyond the system's limit; both are improvements only
    if setsockopt(&socket, sockopt::RcvBufForce, &receive_buffer).is_err() {
        let _ = socket.set_recv_buffer_size(receive_buffer);
    }
    let _ = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
    if beside {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&local.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// One received datagram in the buffers of a [`Receiver`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reception {
    pub(crate) length: usize,
    pub(crate) source: SocketAddr,
    /// When the kernel received it.
    pub(crate) at: Duration,
}

/// Buffers for receiving several datagrams at a time, of one socket after the other.
pub(crate) struct Receiver {
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Vec<u8>,
    size: usize,
    receptions: Vec<Reception>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Receiver {
    /// Room for `count` datagrams of `size` octets. Pages that no datagram reaches are never touched.
    pub(crate) fn new(count: usize, size: usize) -> Self {
        // time stamps only: nix keeps the control length that the kernel wrote, which stays the same as long as each
        // datagram has the same control messages
        Self {
            headers: MultiHeaders::preallocate(count, Some(nix::cmsg_space!(TimeSpec))),
            buffers: vec![0; count * size],
            size,
            receptions: Vec::with_capacity(count),
        }
    }

    /// Takes what has come, at most the room there is. How many; fewer than the room means that nothing is left.
    ///
    /// # Errors
    /// What the operating system says, except that there is nothing.
    pub(crate) fn receive(&mut self, socket: &UdpSocket, clock: Clock) -> io::Result<usize> {
        self.receptions.clear();
        let mut slices: Vec<[IoSliceMut<'_>; 1]> = self
            .buffers
            .chunks_exact_mut(self.size)
            .map(|buffer| [IoSliceMut::new(buffer)])
            .collect();
        let received = recvmmsg(
            socket.as_raw_fd(),
            &mut self.headers,
            slices.iter_mut(),
            MsgFlags::MSG_DONTWAIT,
            None,
        );
        let received = match received {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
            Err(errno) => return Err(errno.into()),
        };
        let stamps = clock.stamps();
        for message in received {
            let stamp = message.cmsgs().ok().and_then(|mut items| {
                items.find_map(|item| match item {
                    ControlMessageOwned::ScmTimestampns(time) => Some(time),
                    _ => None,
                })
            });
            // a datagram without a source address cannot be answered; keep the place so that buffers stay in step
            let source = message.address.as_ref().and_then(socket_address);
            self.receptions.push(Reception {
                length: if source.is_some() { message.bytes } else { 0 },
                source: source.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))),
                at: stamps.at(stamp),
            });
        }
        Ok(self.receptions.len())
    }

    /// How many datagrams fit.
    pub(crate) fn room(&self) -> usize {
        self.buffers.len() / self.size
    }

    /// What the last [`Receiver::receive`] took.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = (&Reception, &[u8])> {
        self.receptions
            .iter()
            .zip(self.buffers.chunks_exact(self.size))
            .map(|(reception, buffer)| (reception, buffer.get(..reception.length).unwrap_or_default()))
    }
}

/// The SIP socket of a run. Not `Send`, because prepared system calls hold pointers: made on the thread that uses it.
#[derive(Debug)]
pub(crate) struct SipSocket {
    socket: UdpSocket,
    pub(crate) receiver: Receiver,
    send_headers: Headers,
    addresses: Vec<Option<SockaddrStorage>>,
}

struct Headers(MultiHeaders<SockaddrStorage>);

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Headers")
    }
}

impl SipSocket {
    /// Around a socket of [`bind`].
    pub(crate) fn new(socket: UdpSocket) -> Self {
        Self {
            socket,
            receiver: Receiver::new(BATCH, LONGEST),
            send_headers: Headers(MultiHeaders::preallocate(BATCH, None)),
            addresses: Vec::with_capacity(BATCH),
        }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(crate) fn receive(&mut self, clock: Clock) -> io::Result<usize> {
        self.receiver.receive(&self.socket, clock)
    }

    /// Sends everything in the outbox and empties it. How many datagrams the system refused.
    pub(crate) fn send(&mut self, outbox: &mut Outbox) -> u64 {
        let mut refused = 0;
        let messages: Vec<([IoSlice<'_>; 1], SocketAddr)> = outbox
            .iter()
            .map(|(bytes, destination)| ([IoSlice::new(bytes)], destination))
            .collect();
        let mut rest = messages.as_slice();
        while let Some(&(_, destination)) = rest.first() {
            let sent = if let [(slice, _)] = rest {
                // the usual case at moderate rates: one message a turn, the plain call is cheaper
                self.socket.send_to(&slice[0], destination).map(|_| 1)
            } else {
                self.addresses.clear();
                let batch = rest.get(..BATCH).unwrap_or(rest);
                self.addresses
                    .extend(batch.iter().map(|(_, to)| Some(SockaddrStorage::from(*to))));
                let none: [ControlMessage<'_>; 0] = [];
                sendmmsg(
                    self.socket.as_raw_fd(),
                    &mut self.send_headers.0,
                    batch.iter().map(|(slice, _)| slice),
                    &self.addresses,
                    none,
                    MsgFlags::empty(),
                )
                .map(Iterator::count)
                .map_err(io::Error::from)
            };
            let done = match sent {
                Ok(0) | Err(_) => {
                    refused += 1;
                    1
                }
                Ok(count) => count,
            };
            rest = rest.get(done..).unwrap_or_default();
        }
        outbox.clear();
        refused
    }
}

pub(crate) fn socket_address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddrV4::from(*v4).into());
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_arrives_in_order_with_source_and_time() {
        let clock = Clock::start();
        let open = || {
            let socket = bind(SocketAddr::from(([127, 0, 0, 1], 0)), SIP_BUFFER).expect("loopback");
            (socket.local_addr().expect("bound"), SipSocket::new(socket))
        };
        let ((a_local, mut a), (b_local, mut b)) = (open(), open());
        let mut outbox = Outbox::default();
        for number in 0..70 {
            outbox.push(format!("message {number}").as_bytes(), b_local);
        }
        let before = clock.now();
        assert_eq!(a.send(&mut outbox), 0);
        assert!(outbox.is_empty());
        let mut seen = Vec::new();
        while seen.len() < 70 {
            let count = b.receive(clock).expect("receive");
            assert!(
                count > 0,
                "loopback delivers before sendmmsg returns; {} came",
                seen.len()
            );
            for (reception, bytes) in b.receiver.datagrams() {
                assert_eq!(reception.source, a_local);
                assert!(reception.at + Duration::from_millis(5) >= before && reception.at <= clock.now());
                seen.push(String::from_utf8_lossy(bytes).into_owned());
            }
        }
        assert_eq!(seen.first().map(String::as_str), Some("message 0"));
        assert_eq!(seen.last().map(String::as_str), Some("message 69"));
        assert_eq!(b.receive(clock).expect("empty"), 0);
    }
}
