//! The SIP of a run as pcapng, written while the run goes on.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_record::{CapturedPacket, Carrier, PacketDirection, write_capture};
use voxproof_sip::Message;

use crate::observer::Observer;

/// Messages that are written together: enough that the head of a section is small beside them, few enough that the loop
/// is not held up.
const SECTION: usize = 128;

/// Writes every SIP message of a run as pcapng, in sections of some messages each, so that memory does not grow with the
/// run. Written on the loop's thread: what `out` takes long for shows in the loop's lag.
#[derive(Debug)]
pub struct SipCapture<W> {
    out: W,
    local: SocketAddr,
    epoch: Duration,
    waiting: Vec<CapturedPacket>,
    written: u64,
    failure: Option<io::Error>,
}

impl<W: Write> SipCapture<W> {
    /// A capture with nothing in it; `local` is the run's SIP address, `epoch` the wall-clock time of the run's begin
    /// since 1970.
    pub fn new(out: W, local: SocketAddr, epoch: Duration) -> Self {
        Self {
            out,
            local,
            epoch,
            waiting: Vec::with_capacity(SECTION),
            written: 0,
            failure: None,
        }
    }

    /// Writes what is left: the target, and how many messages are in it.
    ///
    /// # Errors
    /// The first failure of the target; what came after it was not written.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.write();
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.out.flush()?;
        Ok((self.out, self.written))
    }

    fn write(&mut self) {
        if self.failure.is_none() && !self.waiting.is_empty() {
            let section = write_capture(&self.waiting, self.epoch).map_err(io::Error::other);
            match section.and_then(|section| self.out.write_all(&section)) {
                Ok(()) => self.written += self.waiting.len() as u64,
                Err(failure) => self.failure = Some(failure),
            }
        }
        self.waiting.clear();
    }

    fn take(&mut self, at: Duration, direction: PacketDirection, remote: SocketAddr, bytes: &[u8]) {
        let (source, destination) = match direction {
            PacketDirection::Inbound => (remote, self.local),
            PacketDirection::Outbound => (self.local, remote),
        };
        self.waiting.push(CapturedPacket {
            at,
            direction,
            carrier: Carrier::Udp,
            source,
            destination,
            dscp: None,
            payload: bytes.to_vec(),
        });
        if self.waiting.len() == SECTION {
            self.write();
        }
    }
}

impl<W: Write> Observer for SipCapture<W> {
    fn received(&mut self, at: Duration, source: SocketAddr, message: &Message) {
        self.take(at, PacketDirection::Inbound, source, message.bytes());
    }

    fn sent(&mut self, at: Duration, destination: SocketAddr, bytes: &[u8]) {
        self.take(at, PacketDirection::Outbound, destination, bytes);
    }
}

#[cfg(test)]
mod tests {
    use voxproof_record::read_capture;

    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn several_sections_read_as_one_capture() {
        let epoch = Duration::from_secs(1_790_000_000);
        let mut capture = SipCapture::new(Vec::new(), address(5060), epoch);
        let count = 2 * SECTION + 3;
        for number in 0..count {
            let at = Duration::from_millis(number as u64);
            if number % 2 == 0 {
                capture.sent(at, address(5061), format!("message {number}").as_bytes());
            } else {
                let message = Message::parse(format!("SIP/2.0 200 {number}\r\n\r\n").as_bytes());
                capture.received(at, address(5061), &message);
            }
        }
        let (bytes, written) = capture.finish().expect("memory");
        assert_eq!(written, count as u64);
        let packets = read_capture(&bytes, epoch).expect("own capture");
        assert_eq!(packets.len(), count);
        let last = packets.last().expect("some");
        assert_eq!(
            (last.at, last.direction, last.source, last.payload.as_slice()),
            (
                Duration::from_millis(count as u64 - 1),
                PacketDirection::Outbound,
                address(5060),
                format!("message {}", count - 1).as_bytes()
            )
        );
        assert!(packets[1].payload.starts_with(b"SIP/2.0 200 1"));
    }

    #[test]
    fn a_target_that_fails_is_told_at_the_end() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut capture = SipCapture::new(Full, address(5060), Duration::ZERO);
        for _ in 0..=SECTION {
            capture.sent(Duration::ZERO, address(5061), b"x");
        }
        let failure = capture.finish().map(|_| ()).expect_err("full");
        assert_eq!(failure.kind(), io::ErrorKind::StorageFull);
    }
}
