//! Client transactions: INVITE (RFC 3261 17.1.1, RFC 6026 7.2) and others (RFC 3261 17.1.2).

use std::time::Duration;

use super::key::ClientKey;
use super::{Fired, Retransmission, Timers, ack_for};
use crate::hop::Hop;
use crate::message::Message;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// INVITE: Calling; others: Trying.
    Started,
    Proceeding,
    Completed,
    /// INVITE with a 2xx (RFC 6026 7.2).
    Accepted,
}

/// What to do with a response.
pub(super) enum Received {
    /// Give it to the user.
    PassUp,
    /// Give it to the user and send this ACK.
    PassUpAndAck(Vec<u8>),
    /// A retransmission of the final response: send the ACK again.
    AckAgain(Vec<u8>),
    /// A retransmission that needs nothing.
    Absorb,
    /// It contradicts the final response that came before.
    Stray,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) key: ClientKey,
    pub(super) request: Message,
    pub(super) destination: Hop,
    pub(super) auto_ack: bool,
    invite: bool,
    reliable: bool,
    state: State,
    /// The ACK to the non-2xx response, to be sent again for each retransmission of it.
    ack: Option<Vec<u8>>,
    /// Timer A or E.
    retransmission: Option<Retransmission>,
    /// Timer B or F, later D, K or M.
    ends: Option<Duration>,
}

impl Client {
    pub(super) fn new(now: Duration, timers: &Timers, request: Message, destination: Hop) -> Self {
        let reliable = destination.transport.is_reliable();
        Self {
            key: ClientKey::of(&request),
            invite: request.method() == Some("INVITE"),
            request,
            destination,
            auto_ack: true,
            reliable,
            state: State::Started,
            ack: None,
            retransmission: (!reliable).then(|| Retransmission::start(now, timers.t1)),
            ends: Some(now + timers.give_up()),
        }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.retransmission
            .map(|retransmission| retransmission.at)
            .into_iter()
            .chain(self.ends)
            .min()
    }

    pub(super) fn response(&mut self, now: Duration, timers: &Timers, response: &Message) -> Received {
        let status = response.status().unwrap_or_default();
        match (self.state, status) {
            (State::Started | State::Proceeding, 100..200) => {
                self.state = State::Proceeding;
                if self.invite {
                    // timer B only counts in Calling: a phone may ring for minutes
                    self.retransmission = None;
                    self.ends = None;
                }
                Received::PassUp
            }
            (_, 0..100) => Received::Stray,
            (State::Started | State::Proceeding, _) => self.complete(now, timers, status, response),
            (State::Accepted, 200..300) => Received::PassUp,
            (State::Completed, 300..) if self.invite => match self.ack.clone().filter(|_| self.auto_ack) {
                Some(ack) => Received::AckAgain(ack),
                None => Received::Absorb,
            },
            // a late provisional or, without INVITE, any further response is to be dropped (17.1.2.2)
            (_, 100..200) => Received::Absorb,
            (State::Completed, _) if !self.invite => Received::Absorb,
            _ => Received::Stray,
        }
    }

    fn complete(&mut self, now: Duration, timers: &Timers, status: u16, response: &Message) -> Received {
        self.retransmission = None;
        if !self.invite {
            self.state = State::Completed;
            self.ends = Some(if self.reliable { now } else { now + timers.t4 });
            return Received::PassUp;
        }
        if status < 300 {
            self.state = State::Accepted;
            self.ends = Some(now + timers.give_up());
            return Received::PassUp;
        }
        self.state = State::Completed;
        self.ends = Some(if self.reliable {
            now
        } else {
            now + timers.timer_d()
        });
        let ack = ack_for(&self.request, response);
        self.ack = Some(ack.clone());
        if self.auto_ack {
            Received::PassUpAndAck(ack)
        } else {
            Received::PassUp
        }
    }

    pub(super) fn fire(&mut self, now: Duration, timers: &Timers) -> Fired {
        if self.ends.is_some_and(|ends| ends <= now) {
            return match self.state {
                State::Started | State::Proceeding => Fired::Timeout,
                State::Completed | State::Accepted => Fired::Terminated,
            };
        }
        match self
            .retransmission
            .filter(|retransmission| retransmission.at <= now)
        {
            Some(due) => {
                let interval = match self.state {
                    _ if self.invite => due.interval * 2,
                    State::Started => (due.interval * 2).min(timers.t2),
                    _ => timers.t2,
                };
                self.retransmission = Some(due.next(now, interval));
                Fired::Retransmit
            }
            None => Fired::Nothing,
        }
    }
}
