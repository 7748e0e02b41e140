//! A clock that jumps from deadline to deadline, and messages to feed it with.

use std::time::Duration;

use voxproof_sip::{Builder, Hop, Message, Timers, TransactionEvent, Transactions, Transport};

/// One transaction layer with a simulated clock and a log of what left it.
pub(crate) struct Simulation {
    pub(crate) layer: Transactions,
    /// The other end.
    pub(crate) peer: Hop,
    pub(crate) now: Duration,
    /// Time in milliseconds and the summary of each message sent.
    pub(crate) sent: Vec<(u64, String)>,
    pub(crate) bytes: Vec<Vec<u8>>,
    pub(crate) events: Vec<(u64, TransactionEvent)>,
}

pub(crate) fn peer() -> Hop {
    Hop::new(Transport::Udp, "192.0.2.2:5060".parse().expect("an address"))
}

impl Simulation {
    pub(crate) fn new() -> Self {
        Self {
            layer: Transactions::new(Timers::default()),
            peer: peer(),
            now: Duration::from_secs(100),
            sent: Vec::new(),
            bytes: Vec::new(),
            events: Vec::new(),
        }
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from((self.now - Duration::from_secs(100)).as_millis()).expect("a short time")
    }

    pub(crate) fn drain(&mut self) {
        let at = self.milliseconds();
        while let Some(transmit) = self.layer.poll_transmit() {
            self.sent.push((at, Message::parse(&transmit.bytes).summary()));
            self.bytes.push(transmit.bytes);
        }
        while let Some(event) = self.layer.poll_event() {
            self.events.push((at, event));
        }
    }

    /// Advances to `milliseconds` after the start, stopping at each deadline.
    pub(crate) fn run_to(&mut self, milliseconds: u64) {
        let end = Duration::from_secs(100) + Duration::from_millis(milliseconds);
        self.drain();
        while let Some(at) = self.layer.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.layer.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.layer.receive(self.now, bytes, self.peer);
        self.drain();
    }

    /// Times of the messages whose summary starts so.
    pub(crate) fn times(&self, summary: &str) -> Vec<u64> {
        self.sent
            .iter()
            .filter(|(_, text)| text.starts_with(summary))
            .map(|(at, _)| *at)
            .collect()
    }

    /// Time and name of each event.
    pub(crate) fn names(&self) -> Vec<(u64, &'static str)> {
        let name = |event: &TransactionEvent| match event {
            TransactionEvent::Request { .. } => "request",
            TransactionEvent::Ack { id: Some(_), .. } => "ack-non-2xx",
            TransactionEvent::Ack { id: None, .. } => "ack",
            TransactionEvent::Response { .. } => "response",
            TransactionEvent::Timeout { .. } => "timeout",
            TransactionEvent::Terminated { .. } => "terminated",
            TransactionEvent::Stray { .. } => "stray",
        };
        self.events.iter().map(|(at, event)| (*at, name(event))).collect()
    }
}

/// A request with this branch, from the lab or from the peer.
pub(crate) fn request(method: &str, branch: &str) -> Builder {
    Builder::request(method, "sip:bob@192.0.2.2")
        .header("Via", format!("SIP/2.0/UDP 192.0.2.2:5060;branch={branch}"))
        .header("Max-Forwards", "70")
        .header("From", "<sip:alice@192.0.2.1>;tag=a")
        .header("To", "<sip:bob@192.0.2.2>")
        .header("Call-ID", "call-1")
        .header("CSeq", format!("1 {method}"))
        .header("Contact", "<sip:alice@192.0.2.1>")
}

/// A response to those bytes.
pub(crate) fn response(request: &[u8], status: u16) -> Vec<u8> {
    Builder::response_to(
        &Message::parse(request),
        status,
        voxproof_sip::default_reason(status),
    )
    .to_tag("b")
    .build()
}
