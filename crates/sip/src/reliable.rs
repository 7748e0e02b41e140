//! Reliable provisional responses (RFC 3262): the answering side repeats them until PRACK comes, the calling side keeps
//! their order.

use std::collections::VecDeque;
use std::time::Duration;

use crate::build::Builder;
use crate::headers::RAck;
use crate::message::Message;
use crate::transaction::Timers;

/// So many unacknowledged responses are kept at most.
const MOST_PENDING: usize = 32;

/// Why a response was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReliableError {
    /// The first reliable response waits for its PRACK; no other may go out before (RFC 3262 3).
    #[error("the first reliable provisional response is not acknowledged yet")]
    FirstPending,
    /// Too many responses wait for their PRACK.
    #[error("too many reliable provisional responses are not acknowledged")]
    TooMany,
    /// One of them was never acknowledged, or the call is over.
    #[error("no reliable provisional response can be sent any more")]
    Over,
}

/// What a PRACK is to this INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrackMatch {
    /// It acknowledges the response with this RSeq: answer 200.
    Acknowledged(u32),
    /// It names no response that waits: answer 481 (RFC 3262 3).
    Unmatched,
    /// RAck is missing or cannot be read: answer 400.
    Malformed,
}

#[derive(Debug, Clone)]
struct Pending {
    rseq: u32,
    bytes: Vec<u8>,
    started: Duration,
    at: Duration,
    interval: Duration,
}

/// The answering side of one INVITE in one dialog.
#[derive(Debug, Clone)]
pub struct ReliableProvisionals {
    timers: Timers,
    invite_cseq: u32,
    next_rseq: u32,
    acknowledged_first: bool,
    over: bool,
    pending: Vec<Pending>,
    transmits: VecDeque<Vec<u8>>,
    timed_out: Option<u32>,
}

impl ReliableProvisionals {
    /// For an INVITE with this CSeq number. The first RSeq should be a random number of 1 to 2^31-1 (RFC 3262 3); 0 is
    /// taken as 1.
    pub fn new(invite_cseq: u32, first_rseq: u32, timers: Timers) -> Self {
        Self {
            timers,
            invite_cseq,
            next_rseq: first_rseq.clamp(1, (1 << 31) - 1),
            acknowledged_first: false,
            over: false,
            pending: Vec::new(),
            transmits: VecDeque::new(),
            timed_out: None,
        }
    }

    /// Whether the caller wants (`Require`) or can do (`Supported`) reliable provisionals: `None` neither, `Some(true)`
    /// required.
    pub fn wanted(invite: &Message) -> Option<bool> {
        if invite.has_token("require", "100rel") {
            Some(true)
        } else {
            invite.has_token("supported", "100rel").then_some(false)
        }
    }

    /// Sends a 101 to 199: adds `Require: 100rel` and RSeq. Gives the RSeq; the bytes come from
    /// [`ReliableProvisionals::poll_transmit`].
    ///
    /// # Errors
    /// See [`ReliableError`].
    pub fn send(&mut self, now: Duration, response: Builder) -> Result<u32, ReliableError> {
        if self.over {
            return Err(ReliableError::Over);
        }
        if !self.acknowledged_first && !self.pending.is_empty() {
            return Err(ReliableError::FirstPending);
        }
        if self.pending.len() >= MOST_PENDING {
            return Err(ReliableError::TooMany);
        }
        let rseq = self.next_rseq;
        self.next_rseq = self.next_rseq.saturating_add(1);
        let bytes = response
            .header("Require", "100rel")
            .header("RSeq", rseq.to_string())
            .build();
        self.transmits.push_back(bytes.clone());
        self.pending.push(Pending {
            rseq,
            bytes,
            started: now,
            at: now + self.timers.t1,
            interval: self.timers.t1,
        });
        Ok(rseq)
    }

    /// Takes a PRACK of the dialog.
    pub fn prack(&mut self, prack: &Message) -> PrackMatch {
        let Some(rack) = prack.rack() else {
            return PrackMatch::Malformed;
        };
        let found = self
            .pending
            .iter()
            .position(|pending| pending.rseq == rack.rseq)
            .filter(|_| rack.cseq == self.invite_cseq && rack.method == "INVITE");
        match found {
            Some(index) => {
                let pending = self.pending.remove(index);
                self.acknowledged_first = true;
                PrackMatch::Acknowledged(pending.rseq)
            }
            None => PrackMatch::Unmatched,
        }
    }

    /// RSeq numbers that wait for their PRACK. A 2xx is to wait when one of them carried a session description
    /// (RFC 3262 3).
    pub fn unacknowledged(&self) -> impl Iterator<Item = u32> {
        self.pending.iter().map(|pending| pending.rseq)
    }

    /// The final response goes out: nothing is repeated any more. A late PRACK still matches (RFC 3262 3).
    pub fn finish(&mut self) {
        self.over = true;
        self.transmits.clear();
    }

    /// The next response to send in the INVITE server transaction.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmits.pop_front()
    }

    /// When [`ReliableProvisionals::handle_timeout`] is to be called next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let limit = self.timers.t1.saturating_mul(64);
        self.pending
            .iter()
            .filter(|_| !self.over)
            .map(|pending| pending.at.min(pending.started + limit))
            .min()
    }

    /// Repeats what is due: T1 first, doubling without T2 as a limit (RFC 3262 3). Gives the RSeq of a response that
    /// was not acknowledged for 64*T1: the INVITE is then to be refused with a 5xx.
    pub fn handle_timeout(&mut self, now: Duration) -> Option<u32> {
        if self.over {
            return None;
        }
        let limit = self.timers.t1.saturating_mul(64);
        for pending in &mut self.pending {
            if pending.started + limit <= now {
                self.timed_out = Some(pending.rseq);
                break;
            }
            if pending.at <= now {
                pending.interval = pending.interval.saturating_mul(2);
                pending.at = now + pending.interval;
                self.transmits.push_back(pending.bytes.clone());
            }
        }
        let timed_out = self.timed_out.take()?;
        self.over = true;
        self.transmits.clear();
        Some(timed_out)
    }
}

/// What a response is to the calling side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReliableResponse {
    /// Not a reliable provisional response: no PRACK.
    Unreliable,
    /// In order: send a PRACK with this RAck.
    Acknowledge(RAck),
    /// A repetition of one that was acknowledged: the PRACK's own transaction takes care of it (RFC 3262 4).
    Duplicate,
    /// Out of order: no PRACK, it is to be ignored until the one before has come (RFC 3262 4).
    OutOfOrder {
        /// The RSeq that should have come.
        expected: u32,
        /// The RSeq that came.
        found: u32,
    },
    /// `Require: 100rel` without a usable RSeq or CSeq, or RSeq 0 (RFC 3262 7.1).
    Malformed,
}

/// The calling side of one early dialog: which responses are in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RackTracker {
    last: Option<u32>,
}

impl RackTracker {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// RSeq of the latest response that was in order.
    pub const fn last(&self) -> Option<u32> {
        self.last
    }

    /// Takes a response of this early dialog (one tracker a To tag).
    pub fn response(&mut self, response: &Message) -> ReliableResponse {
        let provisional = response
            .status()
            .is_some_and(|status| (101..200).contains(&status));
        if !provisional || !response.has_token("require", "100rel") {
            return ReliableResponse::Unreliable;
        }
        let (Some(found), Some(cseq)) = (response.rseq().filter(|rseq| *rseq > 0), response.cseq()) else {
            return ReliableResponse::Malformed;
        };
        match self.last {
            Some(last) if found <= last => return ReliableResponse::Duplicate,
            Some(last) if found - last > 1 => {
                return ReliableResponse::OutOfOrder {
                    expected: last + 1,
                    found,
                };
            }
            _ => self.last = Some(found),
        }
        ReliableResponse::Acknowledge(RAck {
            rseq: found,
            cseq: cseq.number,
            method: cseq.method,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ringing() -> Builder {
        Builder::response(180, "Ringing").header("CSeq", "7 INVITE")
    }

    fn prack(rack: &str) -> Message {
        Message::parse(&Builder::request("PRACK", "sip:b@x").header("RAck", rack).build())
    }

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn repeats_double_without_a_limit_until_64_t1() {
        let mut side = ReliableProvisionals::new(7, 100, Timers::default());
        assert_eq!(side.send(at(0), ringing()), Ok(100));
        let sent = Message::parse(&side.poll_transmit().unwrap());
        assert_eq!((sent.rseq(), sent.header("require")), (Some(100), Some("100rel")));
        let mut times = Vec::new();
        let end = loop {
            let now = side.poll_timeout().unwrap();
            let ended = side.handle_timeout(now);
            if side.poll_transmit().is_some() {
                times.push(now.as_millis());
            }
            if let Some(rseq) = ended {
                break (now.as_millis(), rseq);
            }
        };
        assert_eq!(times, [500, 1500, 3500, 7500, 15500, 31500]);
        assert_eq!(end, (32000, 100));
        assert_eq!(side.send(end_time(), ringing()), Err(ReliableError::Over));
        assert_eq!(side.poll_timeout(), None);
    }

    const fn end_time() -> Duration {
        Duration::from_secs(32)
    }

    #[test]
    fn the_first_one_is_waited_for_and_prack_must_name_it() {
        let mut side = ReliableProvisionals::new(7, 100, Timers::default());
        side.send(at(0), ringing()).unwrap();
        assert_eq!(side.send(at(1), ringing()), Err(ReliableError::FirstPending));
        for wrong in ["101 7 INVITE", "100 8 INVITE", "100 7 UPDATE"] {
            assert_eq!(side.prack(&prack(wrong)), PrackMatch::Unmatched, "{wrong}");
        }
        assert_eq!(side.prack(&prack("100 INVITE")), PrackMatch::Malformed);
        assert_eq!(side.prack(&prack("100 7 INVITE")), PrackMatch::Acknowledged(100));
        assert_eq!(side.prack(&prack("100 7 INVITE")), PrackMatch::Unmatched);
        assert_eq!(side.poll_timeout(), None);
        assert_eq!(side.send(at(2), ringing()), Ok(101));
        assert_eq!(side.send(at(3), ringing()), Ok(102));
        assert_eq!(side.unacknowledged().collect::<Vec<_>>(), [101, 102]);
        assert_eq!(side.prack(&prack("102 7 INVITE")), PrackMatch::Acknowledged(102));
        side.finish();
        assert_eq!((side.poll_timeout(), side.poll_transmit()), (None, None));
        assert_eq!(side.prack(&prack("101 7 INVITE")), PrackMatch::Acknowledged(101));
    }

    #[test]
    fn the_caller_keeps_the_order() {
        let response = |rseq: &str| {
            let builder = ringing().header("Require", "100rel").header("RSeq", rseq);
            Message::parse(&builder.build())
        };
        let mut tracker = RackTracker::new();
        assert_eq!(
            tracker.response(&Message::parse(&ringing().build())),
            ReliableResponse::Unreliable
        );
        let ReliableResponse::Acknowledge(rack) = tracker.response(&response("776656")) else {
            panic!("not acknowledged");
        };
        assert_eq!(rack.to_string(), "776656 7 INVITE");
        assert_eq!(tracker.response(&response("776656")), ReliableResponse::Duplicate);
        assert_eq!(
            tracker.response(&response("776658")),
            ReliableResponse::OutOfOrder {
                expected: 776657,
                found: 776658
            }
        );
        assert!(matches!(
            tracker.response(&response("776657")),
            ReliableResponse::Acknowledge(_)
        ));
        assert_eq!(tracker.response(&response("0")), ReliableResponse::Malformed);
        assert_eq!(tracker.response(&response("x")), ReliableResponse::Malformed);
    }

    #[test]
    fn what_the_caller_wants() {
        let invite =
            |name, value| Message::parse(&Builder::request("INVITE", "sip:b@x").header(name, value).build());
        assert_eq!(
            ReliableProvisionals::wanted(&invite("Require", "x, 100rel")),
            Some(true)
        );
        assert_eq!(ReliableProvisionals::wanted(&invite("k", "100REL")), Some(false));
        assert_eq!(ReliableProvisionals::wanted(&invite("Supported", "timer")), None);
    }
}
