//! When which call wants attention.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Deadlines of calls, the earliest first. A call has at most a few entries; an entry that is no longer true is
/// recognised when it comes up, which is cheaper than removing it (nearly every retransmission timer never fires).
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<(Duration, u32)>>,
}

impl Agenda {
    pub(crate) fn push(&mut self, at: Duration, call: u32) {
        self.entries.push(Reverse((at, call)));
    }

    /// The earliest entry with its call.
    pub(crate) fn first(&self) -> Option<(Duration, u32)> {
        self.entries.peek().map(|Reverse(entry)| *entry)
    }

    pub(crate) fn drop_first(&mut self) {
        self.entries.pop();
    }

    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<(Duration, u32)> {
        let due = self.first().filter(|(at, _)| *at <= now)?;
        self.drop_first();
        Some(due)
    }
}

/// The timers of one call: a retransmission and an end of the current state.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct CallTimers {
    /// When the current message is sent again (A, E, G), and the interval that led there.
    pub(crate) again: Option<(Duration, Duration)>,
    /// When the current state ends (B, F, H, the time of ringing or holding, D, J, K, M).
    pub(crate) ends: Option<Duration>,
    /// The earliest entry in the agenda.
    queued: Option<Duration>,
}

impl CallTimers {
    pub(crate) fn set(&mut self, again: Option<(Duration, Duration)>, ends: Option<Duration>) {
        self.again = again;
        self.ends = ends;
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let again = self.again.map(|(at, _)| at);
        again.into_iter().chain(self.ends).min()
    }

    /// Enters the call's deadline unless an entry at least as early is there already.
    pub(crate) fn enter(&mut self, agenda: &mut Agenda, call: u32) {
        if let Some(at) = self.deadline()
            && self.queued.is_none_or(|queued| at < queued)
        {
            agenda.push(at, call);
            self.queued = Some(at);
        }
    }

    /// Whether the entry at `at` still stands for a deadline of the call. If not it is forgotten: the loop need not wake
    /// up for the retransmission timer of a message that was answered long ago.
    pub(crate) fn stands(&mut self, at: Duration) -> bool {
        let stands = self.deadline().is_some_and(|deadline| deadline <= at);
        if !stands && self.queued == Some(at) {
            self.queued = None;
        }
        stands
    }

    /// The entry at `at` came up. Whether a timer of the call is really due.
    pub(crate) fn came_up(&mut self, at: Duration, now: Duration) -> bool {
        if self.queued == Some(at) {
            self.queued = None;
        }
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Plans the next retransmission relative to the due time of this one, so that lateness does not add up; after a
    /// stall the missed ones are not sent in a burst.
    pub(crate) fn repeat(&mut self, now: Duration, interval: Duration) {
        let due = self.again.map_or(now, |(at, _)| at) + interval;
        let at = if due > now { due } else { now + interval };
        self.again = Some((at, interval));
    }
}

/// The end of a state in which nothing but repetitions is awaited. Rounded up to a quarter of a second, so that
/// thousands of them do not wake the loop thousands of times.
pub(crate) fn unhurried(at: Duration) -> Duration {
    let grid = Duration::from_millis(250).as_nanos();
    Duration::from_nanos((at.as_nanos().div_ceil(grid) * grid) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn an_outdated_entry_is_not_due_and_an_earlier_deadline_gets_an_entry_of_its_own() {
        let mut agenda = Agenda::default();
        let mut timers = CallTimers::default();
        timers.set(Some((ms(500), ms(500))), Some(ms(32_000)));
        timers.enter(&mut agenda, 7);
        timers.set(None, Some(ms(100)));
        timers.enter(&mut agenda, 7);
        assert_eq!(agenda.first(), Some((ms(100), 7)));
        let (at, call) = agenda.pop_due(ms(100)).expect("due");
        assert_eq!(call, 7);
        assert!(timers.came_up(at, ms(100)));
        timers.set(None, Some(ms(900)));
        timers.enter(&mut agenda, 7);
        let (at, _) = agenda.pop_due(ms(500)).expect("the old entry");
        assert!(!timers.came_up(at, ms(500)));
        timers.enter(&mut agenda, 7);
        assert_eq!(agenda.pop_due(ms(899)), None);
        assert!(agenda.pop_due(ms(900)).is_some());
    }

    #[test]
    fn an_entry_of_a_message_that_was_answered_does_not_stand() {
        let mut agenda = Agenda::default();
        let mut timers = CallTimers::default();
        timers.set(Some((ms(500), ms(500))), None);
        timers.enter(&mut agenda, 1);
        assert!(timers.stands(ms(500)));
        timers.set(None, Some(unhurried(ms(32_001))));
        assert!(!timers.stands(ms(500)));
        timers.enter(&mut agenda, 1);
        agenda.drop_first();
        assert_eq!(agenda.first(), Some((ms(32_250), 1)));
    }

    #[test]
    fn a_stall_does_not_lead_to_a_burst() {
        let mut timers = CallTimers::default();
        timers.set(Some((ms(500), ms(500))), None);
        timers.repeat(ms(501), ms(1000));
        assert_eq!(timers.again, Some((ms(1500), ms(1000))));
        timers.repeat(ms(9000), ms(2000));
        assert_eq!(timers.again, Some((ms(11_000), ms(2000))));
    }
}
