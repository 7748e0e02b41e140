//! When a transaction sends its message again: expected times, and what observed times deviate from them.

use std::fmt;
use std::time::Duration;

use crate::transaction::Timers;

/// What is sent again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retransmitted {
    /// An INVITE request (timers A and B, RFC 3261 17.1.1.2).
    Invite,
    /// Any other request (timers E and F, RFC 3261 17.1.2.2).
    Request,
    /// A non-2xx final response to an INVITE (timers G and H, RFC 3261 17.2.1).
    FinalResponse,
    /// A 2xx to an INVITE, repeated by the user agent until the ACK (RFC 3261 13.3.1.4).
    Success,
    /// A reliable provisional response (RFC 3262 3).
    ReliableProvisional,
}

impl Retransmitted {
    /// The timer that repeats it, for people.
    pub const fn timer(self) -> &'static str {
        match self {
            Self::Invite => "A",
            Self::Request => "E",
            Self::FinalResponse => "G",
            Self::Success => "2xx",
            Self::ReliableProvisional => "1xx",
        }
    }

    /// The clause that sets the times.
    pub const fn clause(self) -> &'static str {
        match self {
            Self::Invite => "RFC 3261 17.1.1.2",
            Self::Request => "RFC 3261 17.1.2.2",
            Self::FinalResponse => "RFC 3261 17.2.1",
            Self::Success => "RFC 3261 13.3.1.4",
            Self::ReliableProvisional => "RFC 3262 3",
        }
    }

    /// Time between transmission `ordinal` (0 is the first) and the next one, while nothing is received.
    pub fn interval(self, ordinal: u32, timers: &Timers) -> Duration {
        let doubled = timers
            .t1
            .saturating_mul(1_u32.checked_shl(ordinal).unwrap_or(u32::MAX));
        match self {
            Self::Invite | Self::ReliableProvisional => doubled,
            Self::Request | Self::FinalResponse | Self::Success => doubled.min(timers.t2),
        }
    }

    /// Time after the first transmission at which it is given up: 64*T1.
    pub const fn gives_up(self, timers: &Timers) -> Duration {
        timers.t1.saturating_mul(64)
    }

    /// Every transmission counted from the first, itself included, when nothing is ever received.
    pub fn schedule(self, timers: &Timers) -> Vec<Duration> {
        let end = self.gives_up(timers);
        let mut at = Duration::ZERO;
        let mut times = Vec::new();
        // T1 of zero would never get anywhere
        while at < end && times.len() < 256 {
            times.push(at);
            let ordinal = u32::try_from(times.len() - 1).unwrap_or(u32::MAX);
            at += self.interval(ordinal, timers);
        }
        times
    }
}

/// What was seen of one transaction. All times in one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed<'a> {
    /// When each copy was sent, the first one included, in order.
    pub sent: &'a [Duration],
    /// When the sender got a provisional response: an INVITE then stops, another request goes on every T2.
    pub provisional: Option<Duration>,
    /// When the sender got what ends it: a final response, ACK or PRACK.
    pub ended: Option<Duration>,
    /// Until when it was watched.
    pub watched: Duration,
}

/// How far a time may be off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// Of each interval, too short or too long, in thousandths of it.
    pub per_mille: u32,
    /// Added to that.
    pub fixed: Duration,
}

impl Default for Tolerance {
    /// 10 % and 50 ms.
    fn default() -> Self {
        Self {
            per_mille: 100,
            fixed: Duration::from_millis(50),
        }
    }
}

impl Tolerance {
    fn of(&self, interval: Duration) -> Duration {
        self.fixed + interval.saturating_mul(self.per_mille) / 1000
    }
}

/// One thing that is not as it should be. `ordinal` 1 is the first retransmission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimingDeviation {
    /// The interval before this transmission was too short.
    Early {
        /// Which transmission.
        ordinal: u32,
        /// Interval that was due.
        expected: Duration,
        /// Interval that was seen.
        observed: Duration,
    },
    /// The interval before this transmission was too long.
    Late {
        /// Which transmission.
        ordinal: u32,
        /// Interval that was due.
        expected: Duration,
        /// Interval that was seen.
        observed: Duration,
    },
    /// A transmission that was due while it was watched did not come.
    Missing {
        /// Which transmission.
        ordinal: u32,
        /// When it was due.
        due: Duration,
    },
    /// Sent although it was ended, or a provisional response had stopped it.
    AfterEnd {
        /// Which transmission.
        ordinal: u32,
        /// Time after the end.
        after: Duration,
    },
    /// Sent although it should have been given up (64*T1).
    AfterGivingUp {
        /// Which transmission.
        ordinal: u32,
        /// Time after the first transmission.
        after: Duration,
    },
}

impl fmt::Display for TimingDeviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |duration: &Duration| duration.as_secs_f64() * 1000.0;
        match self {
            Self::Early {
                ordinal,
                expected,
                observed,
            } => write!(
                f,
                "retransmission {ordinal} after {:.0} ms, {:.0} ms were due: too early",
                ms(observed),
                ms(expected)
            ),
            Self::Late {
                ordinal,
                expected,
                observed,
            } => write!(
                f,
                "retransmission {ordinal} after {:.0} ms, {:.0} ms were due: too late",
                ms(observed),
                ms(expected)
            ),
            Self::Missing { ordinal, .. } => write!(f, "retransmission {ordinal} did not come"),
            Self::AfterEnd { ordinal, after } => {
                write!(
                    f,
                    "retransmission {ordinal} came {:.0} ms after the end",
                    ms(after)
                )
            }
            Self::AfterGivingUp { ordinal, after } => write!(
                f,
                "retransmission {ordinal} came {:.0} ms after the first, past 64*T1",
                ms(after)
            ),
        }
    }
}

/// Compares what was seen with what was due. Intervals are compared, not absolute times, because a timer counts from
/// the transmission before.
pub fn classify(
    observed: &Observed<'_>,
    kind: Retransmitted,
    timers: &Timers,
    tolerance: &Tolerance,
) -> Vec<TimingDeviation> {
    let mut deviations = Vec::new();
    let Some(first) = observed.sent.first().copied() else {
        return deviations;
    };
    let gives_up = first + kind.gives_up(timers);
    let stopped = match kind {
        Retransmitted::Invite => [observed.provisional, observed.ended].into_iter().flatten().min(),
        _ => observed.ended,
    };
    let mut previous = first;
    let mut ordinal = 0;
    for at in observed.sent.iter().skip(1).copied() {
        let expected = due_after(kind, ordinal, previous, observed.provisional, timers);
        ordinal += 1;
        let interval = at.saturating_sub(previous);
        let slack = tolerance.of(expected);
        if let Some(stop) = stopped.filter(|stop| at > *stop + tolerance.fixed) {
            deviations.push(TimingDeviation::AfterEnd {
                ordinal,
                after: at - stop,
            });
        } else if at > gives_up + tolerance.of(kind.gives_up(timers)) {
            deviations.push(TimingDeviation::AfterGivingUp {
                ordinal,
                after: at - first,
            });
        } else if interval + slack < expected {
            deviations.push(TimingDeviation::Early {
                ordinal,
                expected,
                observed: interval,
            });
        } else if interval > expected + slack {
            deviations.push(TimingDeviation::Late {
                ordinal,
                expected,
                observed: interval,
            });
        }
        previous = at;
    }
    let expected = due_after(kind, ordinal, previous, observed.provisional, timers);
    let due = previous + expected;
    let latest = due + tolerance.of(expected);
    let quiet = stopped.is_none_or(|stop| stop > latest);
    if quiet && due < gives_up && latest < observed.watched {
        deviations.push(TimingDeviation::Missing {
            ordinal: ordinal + 1,
            due,
        });
    }
    deviations
}

/// The interval after transmission `ordinal`, sent at `at`.
fn due_after(
    kind: Retransmitted,
    ordinal: u32,
    at: Duration,
    provisional: Option<Duration>,
    timers: &Timers,
) -> Duration {
    // in Proceeding timer E is reset to T2 whenever it fires; the one that runs already is left alone
    if kind == Retransmitted::Request && provisional.is_some_and(|provisional| provisional < at) {
        return timers.t2;
    }
    kind.interval(ordinal, timers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(times: &[u64]) -> Vec<Duration> {
        times.iter().map(|time| Duration::from_millis(*time)).collect()
    }

    fn deviations(
        kind: Retransmitted,
        sent: &[u64],
        provisional: Option<u64>,
        ended: Option<u64>,
    ) -> Vec<TimingDeviation> {
        classify(
            &Observed {
                sent: &ms(sent),
                provisional: provisional.map(Duration::from_millis),
                ended: ended.map(Duration::from_millis),
                watched: Duration::from_secs(60),
            },
            kind,
            &Timers::default(),
            &Tolerance::default(),
        )
    }

    #[test]
    fn schedules_of_the_standard() {
        let timers = Timers::default();
        let invite = Retransmitted::Invite.schedule(&timers);
        assert_eq!(invite, ms(&[0, 500, 1500, 3500, 7500, 15500, 31500]));
        assert_eq!(Retransmitted::ReliableProvisional.schedule(&timers), invite);
        let request = ms(&[0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
        for kind in [
            Retransmitted::Request,
            Retransmitted::FinalResponse,
            Retransmitted::Success,
        ] {
            assert_eq!(kind.schedule(&timers), request);
        }
        let zero = Timers {
            t1: Duration::ZERO,
            ..timers
        };
        assert!(Retransmitted::Invite.schedule(&zero).is_empty());
    }

    #[test]
    fn what_is_on_time_has_no_deviation() {
        let invite = [0, 510, 1490, 3560, 7400, 15500, 31500];
        assert_eq!(deviations(Retransmitted::Invite, &invite, None, None), []);
        assert_eq!(
            deviations(Retransmitted::Invite, &[0, 500], Some(700), Some(9000)),
            []
        );
        // a provisional response at 600: timer E still runs its second, then every T2
        let request = [0, 500, 1500, 5500, 9500];
        assert_eq!(
            deviations(Retransmitted::Request, &request, Some(600), Some(10_000)),
            []
        );
    }

    #[test]
    fn each_deviation_is_named() {
        let early = deviations(Retransmitted::Invite, &[0, 100, 1100], None, Some(1200));
        assert!(
            matches!(early[..], [TimingDeviation::Early { ordinal: 1, .. }]),
            "{early:?}"
        );
        let late = deviations(Retransmitted::Invite, &[0, 900], None, Some(1000));
        assert!(
            matches!(late[..], [TimingDeviation::Late { ordinal: 1, .. }]),
            "{late:?}"
        );
        let missing = deviations(Retransmitted::Request, &[0, 500], None, Some(9000));
        assert!(
            matches!(missing[..], [TimingDeviation::Missing { ordinal: 2, .. }]),
            "{missing:?}"
        );
        let after = deviations(Retransmitted::Invite, &[0, 500, 1500], Some(600), None);
        assert!(
            matches!(after[..], [TimingDeviation::AfterEnd { ordinal: 2, .. }]),
            "{after:?}"
        );
        let mut endless: Vec<u64> = vec![0, 500, 1500, 3500];
        endless.extend((0..8).map(|n| 7500 + n * 4000));
        let endless = deviations(Retransmitted::Success, &endless, None, None);
        assert!(
            matches!(endless[..], [TimingDeviation::AfterGivingUp { ordinal: 11, .. }]),
            "{endless:?}"
        );
        assert_eq!(deviations(Retransmitted::Invite, &[], None, None), []);
    }
}
