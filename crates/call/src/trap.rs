//! Single messages lost, held, doubled or delayed on their way.

use std::time::Duration;

use voxproof_sip::{Hop, Message};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the lab.
    ToDevice,
    /// From the device.
    FromDevice,
}

/// What is done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrapAction {
    /// It is lost.
    Drop,
    /// It waits for [`crate::Station::release`].
    Hold,
    /// It goes twice.
    Duplicate,
    /// It goes later.
    Delay(Duration),
}

/// Catches the next messages of a kind.
#[derive(Debug, Clone)]
pub struct Trap {
    /// Which way they go.
    pub way: Way,
    /// Requests with this method; absent: responses.
    pub method: Option<String>,
    /// Lowest and highest status of the responses.
    pub statuses: (u16, u16),
    /// What is done.
    pub action: TrapAction,
    /// How many are still to be caught.
    pub times: u32,
}

impl Trap {
    fn catches(&self, way: Way, message: &Message) -> bool {
        self.times > 0
            && self.way == way
            && match &self.method {
                Some(method) => message.method() == Some(method),
                None => message
                    .status()
                    .is_some_and(|status| (self.statuses.0..=self.statuses.1).contains(&status)),
            }
    }
}

/// A message on its way.
#[derive(Debug, Clone)]
pub(crate) struct InTransit {
    pub(crate) way: Way,
    pub(crate) hop: Hop,
    pub(crate) bytes: Vec<u8>,
    /// Of a message from the device: its number in the capture.
    pub(crate) packet: u32,
}

/// All traps of a case, and what they caught.
#[derive(Debug, Default)]
pub(crate) struct Traps {
    set: Vec<Trap>,
    held: Vec<InTransit>,
    delayed: Vec<(Duration, InTransit)>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It goes on.
    Free,
    /// It goes on, twice.
    Twice,
    /// It does not go on now.
    Caught,
}

impl Traps {
    pub(crate) fn set(&mut self, trap: Trap) {
        self.set.push(trap);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.set.is_empty()
    }

    /// Decides on a message; the action that was taken is returned for the record.
    pub(crate) fn pass(
        &mut self,
        now: Duration,
        transit: InTransit,
        message: &Message,
    ) -> (Passage, Option<TrapAction>) {
        let Some(position) = self
            .set
            .iter()
            .position(|trap| trap.catches(transit.way, message))
        else {
            return (Passage::Free, None);
        };
        let Some(trap) = self.set.get_mut(position) else {
            return (Passage::Free, None);
        };
        trap.times -= 1;
        let action = trap.action;
        if trap.times == 0 {
            self.set.remove(position);
        }
        let passage = match action {
            TrapAction::Drop => Passage::Caught,
            TrapAction::Duplicate => Passage::Twice,
            TrapAction::Hold => {
                self.held.push(transit);
                Passage::Caught
            }
            TrapAction::Delay(delay) => {
                self.delayed.push((now + delay, transit));
                Passage::Caught
            }
        };
        (passage, Some(action))
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.delayed.iter().map(|(due, _)| *due).min()
    }

    /// The delayed messages whose time has come.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<InTransit> {
        let (due, rest) = std::mem::take(&mut self.delayed)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.delayed = rest;
        let mut due: Vec<(Duration, InTransit)> = due;
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, transit)| transit).collect()
    }

    /// The held messages, in the order in which they were caught; nothing is held afterwards.
    pub(crate) fn release(&mut self) -> Vec<InTransit> {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transit(way: Way) -> InTransit {
        InTransit {
            way,
            hop: Hop::from(std::net::SocketAddr::from(([192, 0, 2, 1], 5060))),
            bytes: b"x".to_vec(),
            packet: 1,
        }
    }

    #[test]
    fn each_trap_catches_its_kind_so_many_times() {
        let mut traps = Traps::default();
        let invite = Message::parse(b"INVITE sip:a SIP/2.0\r\n\r\n");
        let ringing = Message::parse(b"SIP/2.0 180 Ringing\r\n\r\n");
        traps.set(Trap {
            way: Way::FromDevice,
            method: Some("INVITE".to_owned()),
            statuses: (0, 0),
            action: TrapAction::Drop,
            times: 1,
        });
        traps.set(Trap {
            way: Way::ToDevice,
            method: None,
            statuses: (100, 199),
            action: TrapAction::Delay(Duration::from_secs(1)),
            times: 2,
        });
        let now = Duration::from_secs(5);
        let mut pass = |way, message| traps.pass(now, transit(way), message).0;
        assert_eq!(pass(Way::ToDevice, &invite), Passage::Free);
        assert_eq!(pass(Way::FromDevice, &invite), Passage::Caught);
        assert_eq!(pass(Way::FromDevice, &invite), Passage::Free);
        assert_eq!(pass(Way::ToDevice, &ringing), Passage::Caught);
        assert_eq!(traps.deadline(), Some(Duration::from_secs(6)));
        assert!(traps.due(Duration::from_millis(5999)).is_empty());
        assert_eq!(traps.due(Duration::from_secs(6)).len(), 1);
        assert_eq!(traps.deadline(), None);
    }
}
