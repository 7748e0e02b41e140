//! A UDP socket of the operating system that says when the kernel received each datagram.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{Clock, Dscp, NetError};

/// The longest UDP payload over IPv4 is 65,507 bytes, over IPv6 65,527.
pub(crate) const MAX_DATAGRAM: usize = 65_536;

/// Large enough that a stall of the receiving thread of one second loses nothing of a few streams.
const RECEIVE_BUFFER: usize = 1 << 20;

/// One received datagram: its length in the buffer and what the kernel said about it.
#[derive(Debug)]
pub(crate) struct Reception {
    pub(crate) length: usize,
    pub(crate) source: SocketAddr,
    /// Lab time of the kernel's reception.
    pub(crate) at: Duration,
    /// Drops of this socket since it was opened, when the kernel reported them.
    pub(crate) drops: Option<u32>,
    /// The differentiated services code point, when the kernel reported it.
    pub(crate) dscp: Option<u8>,
}

/// Whether a receive waits for a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// As the socket was set up.
    AsTheSocket,
    Never,
}

/// Binds a UDP socket with kernel receive times and the drop counter on.
pub(crate) fn bind(local: SocketAddr) -> Result<UdpSocket, NetError> {
    let setup = |what| move |source| NetError::Setup { what, source };
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))
        .map_err(setup("open a UDP socket"))?;
    if local.is_ipv6() {
        socket
            .set_only_v6(true)
            .map_err(setup("make a UDP socket IPv6 only"))?;
    }
    socket
        .bind(&local.into())
        .map_err(|source| NetError::binding(local, source))?;
    // the next four are improvements: without them reception is timed by ourselves, drops are not counted and the
    // DSCP is not known
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    let _ = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
    let _ = setsockopt(&socket, sockopt::RxqOvfl, &1);
    let _ = if local.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6RecvTClass, &true)
    } else {
        setsockopt(&socket, sockopt::IpRecvTos, &true)
    };
    Ok(socket.into())
}

/// Binds an even port, as RFC 3550 11 asks for RTP.
pub(crate) fn bind_even(local: IpAddr) -> Result<UdpSocket, NetError> {
    // odd sockets are kept until the end so that the kernel does not hand out the same port again
    let mut odd = Vec::new();
    for _ in 0..64 {
        let socket = bind(SocketAddr::new(local, 0))?;
        match socket.local_addr() {
            Ok(addr) if addr.port() % 2 == 0 => return Ok(socket),
            _ => odd.push(socket),
        }
    }
    Err(NetError::NoFreePort { ip: local })
}

/// Binds an even port and the odd one above it (RFC 3550 11).
pub(crate) fn bind_pair(local: IpAddr) -> Result<(UdpSocket, UdpSocket), NetError> {
    // even ports whose neighbour is taken are kept until the end, as above
    let mut lonely = Vec::new();
    for _ in 0..64 {
        let rtp = bind_even(local)?;
        let port = rtp.local_addr().map_err(|source| NetError::Setup {
            what: "read the address of an RTP socket",
            source,
        })?;
        match bind(SocketAddr::new(local, port.port() + 1)) {
            Ok(rtcp) => return Ok((rtp, rtcp)),
            Err(NetError::PortInUse { .. }) => lonely.push(rtp),
            Err(error) => return Err(error),
        }
    }
    Err(NetError::NoFreePort { ip: local })
}

/// Receives one datagram.
pub(crate) fn receive(
    socket: &impl AsRawFd,
    clock: Clock,
    buffer: &mut [u8],
    wait: Wait,
) -> io::Result<Reception> {
    let mut control = nix::cmsg_space!(TimeSpec, u32, i32);
    let flags = match wait {
        Wait::AsTheSocket => MsgFlags::empty(),
        Wait::Never => MsgFlags::MSG_DONTWAIT,
    };
    let mut slices = [IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
    let source = message
        .address
        .as_ref()
        .and_then(socket_address)
        .ok_or_else(|| io::Error::new(io::ErrorKind::ConnectionAborted, "the socket was shut down"))?;
    let mut kernel_time = None;
    let mut drops = None;
    let mut dscp = None;
    for item in message.cmsgs()? {
        match item {
            ControlMessageOwned::ScmTimestampns(time) => kernel_time = Some(time),
            ControlMessageOwned::RxqOvfl(count) => drops = Some(count),
            ControlMessageOwned::Ipv4Tos(tos) => dscp = Some(Dscp::of_traffic_class(tos)),
            ControlMessageOwned::Ipv6TClass(class) => {
                dscp = u8::try_from(class).ok().map(Dscp::of_traffic_class);
            }
            _ => {}
        }
    }
    let now = clock.now();
    let at = kernel_time
        .and_then(age)
        .map_or(now, |age| now.saturating_sub(age));
    Ok(Reception {
        length: message.bytes,
        source,
        at,
        drops,
        dscp,
    })
}

/// Reads what a TCP connection has, without waiting: the number of bytes and when the kernel received the last of them.
pub(crate) fn receive_stream(
    socket: &impl AsRawFd,
    clock: Clock,
    buffer: &mut [u8],
) -> io::Result<(usize, Duration)> {
    let mut control = nix::cmsg_space!(TimeSpec);
    let mut slices = [IoSliceMut::new(buffer)];
    let message = recvmsg::<()>(
        socket.as_raw_fd(),
        &mut slices,
        Some(&mut control),
        MsgFlags::MSG_DONTWAIT,
    )?;
    let kernel_time = message.cmsgs()?.find_map(|item| match item {
        ControlMessageOwned::ScmTimestampns(time) => Some(time),
        _ => None,
    });
    let now = clock.now();
    let at = kernel_time
        .and_then(age)
        .map_or(now, |age| now.saturating_sub(age));
    Ok((message.bytes, at))
}

/// How long ago a kernel time stamp was; `None` when wall time stepped in between and it cannot be told.
fn age(kernel_time: TimeSpec) -> Option<Duration> {
    // SO_TIMESTAMPNS is wall time: only its distance from the wall time of this moment carries over to the lab's clock
    let wall = Duration::from(clock_gettime(ClockId::CLOCK_REALTIME).ok()?);
    let age = wall.checked_sub(Duration::from(kernel_time))?;
    (age < Duration::from_secs(5)).then_some(age)
}

fn socket_address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddrV4::from(*v4).into());
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into())
}
