//! Server transactions: INVITE (RFC 3261 17.2.1, RFC 6026 7.1) and others (RFC 3261 17.2.2).

use std::time::Duration;

use super::key::ServerKey;
use super::routing::ResponsePath;
use super::{Fired, Retransmission, Timers};
use crate::header::Via;
use crate::hop::Hop;
use crate::message::Message;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Trying and Proceeding: no final response yet.
    Proceeding,
    Completed,
    Confirmed,
    /// INVITE with a 2xx (RFC 6026 7.1).
    Accepted,
}

/// What an ACK meant.
pub(super) enum Acknowledged {
    /// It confirmed the non-2xx response.
    Confirmed,
    /// It belongs to a 2xx: the user's business.
    PassUp,
    /// A repetition.
    Absorb,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) key: ServerKey,
    pub(super) request: Message,
    via: Via,
    path: ResponsePath,
    invite: bool,
    reliable: bool,
    state: State,
    /// What a retransmitted request is answered with.
    last: Option<Vec<u8>>,
    /// Timer G.
    retransmission: Option<Retransmission>,
    /// Timer H, I, J or L.
    ends: Option<Duration>,
}

impl Server {
    pub(super) fn new(key: ServerKey, request: Message, via: Via, source: Hop) -> Self {
        let reliable = source.transport.is_reliable();
        Self {
            key,
            path: ResponsePath::new(&via, source),
            invite: request.method() == Some("INVITE"),
            request,
            via,
            reliable,
            state: State::Proceeding,
            last: None,
            retransmission: None,
            ends: None,
        }
    }

    pub(super) const fn destination(&self) -> Hop {
        self.path.destination
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.retransmission
            .map(|retransmission| retransmission.at)
            .into_iter()
            .chain(self.ends)
            .min()
    }

    /// Takes a response of the user; the bytes to send, or `None` when a final one went out before.
    pub(super) fn respond(&mut self, now: Duration, timers: &Timers, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let status = Message::parse(&bytes).status().unwrap_or_default();
        let success = (200..300).contains(&status);
        match self.state {
            State::Proceeding => {}
            // the user repeats its 2xx until the ACK comes (RFC 3261 13.3.1.4)
            State::Accepted if success => return Some(self.path.complete(&self.via, bytes)),
            _ => return None,
        }
        let bytes = self.path.complete(&self.via, bytes);
        if status >= 200 {
            self.finish(now, timers, success);
        }
        // a retransmitted INVITE after a 2xx is absorbed without an answer (RFC 6026 7.1)
        self.last = (self.state != State::Accepted).then(|| bytes.clone());
        Some(bytes)
    }

    fn finish(&mut self, now: Duration, timers: &Timers, success: bool) {
        self.ends = Some(now + timers.give_up());
        if self.invite && success {
            self.state = State::Accepted;
            return;
        }
        self.state = State::Completed;
        if self.invite {
            self.retransmission = (!self.reliable).then(|| Retransmission::start(now, timers.t1));
        } else if self.reliable {
            self.ends = Some(now);
        }
    }

    /// The answer to a retransmission of the request.
    pub(super) fn repeated(&self) -> Option<&[u8]> {
        if self.state == State::Confirmed {
            None
        } else {
            self.last.as_deref()
        }
    }

    pub(super) fn ack(&mut self, now: Duration, timers: &Timers) -> Acknowledged {
        match self.state {
            State::Completed => {
                self.state = State::Confirmed;
                self.retransmission = None;
                self.ends = Some(if self.reliable { now } else { now + timers.t4 });
                Acknowledged::Confirmed
            }
            State::Accepted | State::Proceeding => Acknowledged::PassUp,
            State::Confirmed => Acknowledged::Absorb,
        }
    }

    pub(super) fn fire(&mut self, now: Duration, timers: &Timers) -> Fired {
        if self.ends.is_some_and(|ends| ends <= now) {
            // timer H is the only one here that means something is missing
            return if self.invite && self.state == State::Completed {
                Fired::Timeout
            } else {
                Fired::Terminated
            };
        }
        match self
            .retransmission
            .filter(|retransmission| retransmission.at <= now)
        {
            Some(due) => {
                self.retransmission = Some(due.next(now, (due.interval * 2).min(timers.t2)));
                Fired::Retransmit
            }
            None => Fired::Nothing,
        }
    }
}
