//! Responses that are repeated until the device confirms them.

use std::time::Duration;

use voxproof_sip::{Message, TransactionId};

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// A response of ours that is repeated: a 2xx until its ACK (RFC 3261 13.3.1.4), a reliable provisional one until its
/// PRACK (RFC 3262 3).
#[derive(Debug)]
pub(crate) struct Repeated {
    pub(crate) transaction: TransactionId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) cseq: u32,
    /// RSeq of a provisional one.
    pub(crate) rseq: Option<u32>,
    next: Duration,
    interval: Duration,
    until: Duration,
}

impl Repeated {
    pub(crate) fn new(
        now: Duration,
        transaction: TransactionId,
        bytes: Vec<u8>,
        cseq: u32,
        rseq: Option<u32>,
    ) -> Self {
        Self {
            transaction,
            bytes,
            cseq,
            rseq,
            next: now + T1,
            interval: T1,
            until: now + T1 * 64,
        }
    }

    pub(crate) const fn deadline(&self) -> Duration {
        self.next
    }

    /// Whether 64*T1 have passed without a confirmation.
    pub(crate) fn is_over(&self, now: Duration) -> bool {
        now >= self.until
    }

    /// Whether it is due again; plans the next time.
    pub(crate) fn take_due(&mut self, now: Duration) -> bool {
        if now < self.next {
            return false;
        }
        self.interval *= 2;
        // a 2xx is repeated every T2 at most (RFC 3261 13.3.1.4), a provisional one has no such bound (RFC 3262 3)
        if self.rseq.is_none() {
            self.interval = self.interval.min(T2);
        }
        self.next = now + self.interval;
        true
    }

    /// Whether a PRACK confirms it: response number, CSeq number and method (RFC 3262 7.2).
    pub(crate) fn confirmed_by(&self, prack: &Message) -> bool {
        prack.rack().is_some_and(|rack| {
            Some(rack.rseq) == self.rseq && rack.cseq == self.cseq && rack.method == "INVITE"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voxproof_sip::{Hop, Timers, TransactionEvent, Transactions};

    fn transaction() -> TransactionId {
        let mut layer = Transactions::new(Timers::default());
        let invite = b"INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n";
        let peer = Hop::from(std::net::SocketAddr::from(([192, 0, 2, 1], 5060)));
        layer.receive(Duration::ZERO, invite, peer);
        match layer.poll_event() {
            Some(TransactionEvent::Request { id, .. }) => id,
            other => panic!("{other:?}"),
        }
    }

    fn times(mut repeated: Repeated) -> Vec<u128> {
        let mut times = vec![];
        while !repeated.is_over(repeated.deadline()) {
            let now = repeated.deadline();
            assert!(repeated.take_due(now));
            times.push(now.as_millis());
        }
        times
    }

    #[test]
    fn a_2xx_goes_every_t2_at_most_and_a_provisional_one_doubles_on() {
        let id = transaction();
        assert_eq!(
            times(Repeated::new(Duration::ZERO, id, vec![], 1, None)),
            [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]
        );
        assert_eq!(
            times(Repeated::new(Duration::ZERO, id, vec![], 1, Some(7))),
            [500, 1500, 3500, 7500, 15500, 31500]
        );
    }

    #[test]
    fn a_prack_has_to_name_the_response() {
        let repeated = Repeated::new(Duration::ZERO, transaction(), vec![], 3, Some(7));
        let prack =
            |rack: &str| Message::parse(format!("PRACK sip:a SIP/2.0\r\nRAck: {rack}\r\n\r\n").as_bytes());
        assert!(repeated.confirmed_by(&prack("7 3 INVITE")));
        for wrong in ["8 3 INVITE", "7 4 INVITE", "7 3 BYE", "7 INVITE", "x"] {
            assert!(!repeated.confirmed_by(&prack(wrong)), "{wrong}");
        }
    }
}
