//! Session timers (RFC 4028): who refreshes a session, when a refresh is due and when the session is over.

use std::time::Duration;

use crate::headers::{Refresher, SessionExpires};
use crate::message::Message;

/// The smallest session interval there may be, in seconds (RFC 4028 4).
pub const SMALLEST_INTERVAL: u32 = 90;

/// What an answering side wants of session timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimerPolicy {
    /// Longest interval it agrees to, in seconds; it lowers a longer one (RFC 4028 9).
    pub longest: u32,
    /// Shortest interval it agrees to, in seconds; a shorter one is refused with 422.
    pub shortest: u32,
    /// Who is to refresh where the standard leaves the choice.
    pub preferred: Refresher,
    /// Whether it asks for a timer although the request has none.
    pub always: bool,
}

impl Default for SessionTimerPolicy {
    /// 1800 s, not below 90 s, the caller refreshes, no timer unless the caller has one.
    fn default() -> Self {
        Self {
            longest: 1800,
            shortest: SMALLEST_INTERVAL,
            preferred: Refresher::Uac,
            always: false,
        }
    }
}

/// What to put into the final response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionTimerAnswer {
    /// A 2xx without a session timer.
    None,
    /// 422 with this Min-SE (RFC 4028 9).
    TooSmall {
        /// Seconds.
        min_se: u32,
    },
    /// A 2xx with this Session-Expires.
    Accept {
        /// The field; it always names the refresher.
        session_expires: SessionExpires,
        /// `Require: timer` goes along: the caller knows timers and is to refresh (RFC 4028 9).
        require: bool,
    },
}

impl SessionTimerPolicy {
    /// How to answer an INVITE or UPDATE (RFC 4028 9, table 2).
    pub fn answer(&self, request: &Message) -> SessionTimerAnswer {
        let supported = request.has_token("supported", "timer") || request.has_token("require", "timer");
        let Some(asked) = request.session_expires() else {
            if !self.always {
                return SessionTimerAnswer::None;
            }
            let interval = self.longest.max(request.min_se().unwrap_or_default());
            return self.accept(interval, None, supported);
        };
        if asked.interval < self.shortest.max(SMALLEST_INTERVAL) && supported {
            return SessionTimerAnswer::TooSmall {
                min_se: self.shortest.max(SMALLEST_INTERVAL),
            };
        }
        // lowered to what we want, but not below what the path wants at least
        let floor = request
            .min_se()
            .unwrap_or(SMALLEST_INTERVAL)
            .max(SMALLEST_INTERVAL);
        let interval = asked.interval.min(self.longest.max(floor)).max(floor);
        self.accept(interval, asked.refresher, supported)
    }

    fn accept(&self, interval: u32, asked: Option<Refresher>, supported: bool) -> SessionTimerAnswer {
        // a caller without timers cannot refresh; otherwise its own choice stands
        let refresher = match (supported, asked) {
            (false, _) => Refresher::Uas,
            (true, Some(asked)) => asked,
            (true, None) => self.preferred,
        };
        SessionTimerAnswer::Accept {
            session_expires: SessionExpires::new(interval, Some(refresher)),
            require: supported && refresher == Refresher::Uac,
        }
    }
}

/// The values of the next request after a 422: Session-Expires and Min-SE in seconds, both the largest Min-SE seen
/// (RFC 4028 7.3). `None` when the response names no Min-SE above what was asked.
pub fn after_too_small(request: &Message, response: &Message) -> Option<u32> {
    let wanted = response.min_se()?.max(request.min_se().unwrap_or_default());
    let asked = request
        .session_expires()
        .map(|asked| asked.interval)
        .unwrap_or_default();
    (response.status() == Some(422) && wanted > asked).then_some(wanted)
}

/// What the timer of a session tells its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionTimerEvent {
    /// Half of the interval is over: send a re-INVITE or UPDATE (RFC 4028 10).
    RefreshDue,
    /// Nobody refreshed: send BYE (RFC 4028 10).
    Expired,
}

/// The timer of one session, from one side's view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTimer {
    interval: Duration,
    refreshing: bool,
    refresh_at: Option<Duration>,
    expires_at: Option<Duration>,
}

impl SessionTimer {
    /// A session that was agreed on now. `refreshing`: this side refreshes.
    pub fn start(now: Duration, interval: Duration, refreshing: bool) -> Self {
        let mut timer = Self {
            interval,
            refreshing,
            refresh_at: None,
            expires_at: None,
        };
        timer.arm(now);
        timer
    }

    /// The timer for the side that sent `request`; `None` when the 2xx has no Session-Expires: no timer runs then
    /// (RFC 4028 7.2). A missing refresher, which the standard does not allow, counts as us.
    pub fn of_uac(now: Duration, response: &Message) -> Option<Self> {
        let agreed = response.session_expires()?;
        let refreshing = agreed.refresher != Some(Refresher::Uas);
        Some(Self::start(now, seconds(agreed.interval), refreshing))
    }

    /// The timer for the side that answered with this Session-Expires.
    pub fn of_uas(now: Duration, agreed: &SessionExpires) -> Self {
        let refreshing = agreed.refresher == Some(Refresher::Uas);
        Self::start(now, seconds(agreed.interval), refreshing)
    }

    /// The session interval.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether this side refreshes.
    pub const fn is_refreshing(&self) -> bool {
        self.refreshing
    }

    /// When the refresh is due, if this side refreshes and has not been told yet.
    pub const fn refresh_at(&self) -> Option<Duration> {
        self.refresh_at
    }

    /// When the session is given up, if it was not yet.
    pub const fn expires_at(&self) -> Option<Duration> {
        self.expires_at
    }

    /// A refresh succeeded, ours or the peer's, and agreed on these values anew (they may change, RFC 4028 10).
    pub fn refreshed(&mut self, now: Duration, interval: Duration, refreshing: bool) {
        *self = Self::start(now, interval, refreshing);
    }

    /// The session is over; nothing fires any more.
    pub const fn stop(&mut self) {
        self.refresh_at = None;
        self.expires_at = None;
    }

    /// When [`SessionTimer::handle_timeout`] is to be called next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.refresh_at.into_iter().chain(self.expires_at).min()
    }

    /// What is due now, one thing a call.
    pub fn handle_timeout(&mut self, now: Duration) -> Option<SessionTimerEvent> {
        if self.expires_at.is_some_and(|at| at <= now) {
            self.stop();
            return Some(SessionTimerEvent::Expired);
        }
        if self.refresh_at.is_some_and(|at| at <= now) {
            self.refresh_at = None;
            return Some(SessionTimerEvent::RefreshDue);
        }
        None
    }

    fn arm(&mut self, now: Duration) {
        self.refresh_at = self.refreshing.then(|| now + self.interval / 2);
        // a little before the end: 32 s, or a third of the interval when that is less (RFC 4028 10)
        let margin = Duration::from_secs(32).min(self.interval / 3);
        self.expires_at = Some(now + self.interval.saturating_sub(margin));
    }
}

fn seconds(interval: u32) -> Duration {
    Duration::from_secs(u64::from(interval))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Builder;

    fn invite(headers: &[(&str, &str)]) -> Message {
        let mut builder = Builder::request("INVITE", "sip:b@x");
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        Message::parse(&builder.build())
    }

    fn answer(policy: SessionTimerPolicy, headers: &[(&str, &str)]) -> String {
        match policy.answer(&invite(headers)) {
            SessionTimerAnswer::None => "none".to_owned(),
            SessionTimerAnswer::TooSmall { min_se } => format!("422 {min_se}"),
            SessionTimerAnswer::Accept {
                session_expires,
                require,
            } => format!("{session_expires}{}", if require { " required" } else { "" }),
        }
    }

    type Case = (Refresher, &'static [(&'static str, &'static str)], &'static str);

    #[test]
    fn table_2_of_rfc_4028() {
        let policy = |preferred| SessionTimerPolicy {
            preferred,
            ..SessionTimerPolicy::default()
        };
        let cases: [Case; 8] = [
            (Refresher::Uac, &[], "none"),
            (
                Refresher::Uac,
                &[("Session-Expires", "1800")],
                "1800;refresher=uas",
            ),
            (
                Refresher::Uac,
                &[("Supported", "timer"), ("x", "1800")],
                "1800;refresher=uac required",
            ),
            (
                Refresher::Uas,
                &[("Supported", "timer"), ("x", "1800")],
                "1800;refresher=uas",
            ),
            (
                Refresher::Uas,
                &[("Supported", "timer"), ("Session-Expires", "1800;refresher=uac")],
                "1800;refresher=uac required",
            ),
            (
                Refresher::Uac,
                &[("Supported", "timer"), ("Session-Expires", "1800;refresher=uas")],
                "1800;refresher=uas",
            ),
            (
                Refresher::Uac,
                &[("Supported", "timer"), ("Session-Expires", "3600")],
                "1800;refresher=uac required",
            ),
            (
                Refresher::Uac,
                &[
                    ("Supported", "timer"),
                    ("Session-Expires", "3600"),
                    ("Min-SE", "2000"),
                ],
                "2000;refresher=uac required",
            ),
        ];
        for (preferred, headers, expected) in cases {
            assert_eq!(answer(policy(preferred), headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn small_intervals() {
        let policy = SessionTimerPolicy {
            shortest: 300,
            always: true,
            ..SessionTimerPolicy::default()
        };
        let timer = ("Supported", "timer");
        assert_eq!(answer(policy, &[timer, ("Session-Expires", "200")]), "422 300");
        // a caller that does not know timers cannot understand 422
        assert_eq!(answer(policy, &[("Session-Expires", "200")]), "200;refresher=uas");
        assert_eq!(answer(policy, &[timer]), "1800;refresher=uac required");
        assert_eq!(answer(policy, &[]), "1800;refresher=uas");
        let refused = Message::parse(b"SIP/2.0 422 Session Interval Too Small\r\nMin-SE: 300\r\n\r\n");
        assert_eq!(
            after_too_small(&invite(&[("Session-Expires", "200")]), &refused),
            Some(300)
        );
        assert_eq!(
            after_too_small(&invite(&[("Session-Expires", "300")]), &refused),
            None
        );
    }

    #[test]
    fn refresh_at_half_and_the_end_a_little_early() {
        let start = Duration::from_secs(10);
        let ok = Message::parse(b"SIP/2.0 200 OK\r\nSession-Expires: 1800;refresher=uac\r\n\r\n");
        let mut ours = SessionTimer::of_uac(start, &ok).unwrap();
        assert!(ours.is_refreshing());
        assert_eq!(ours.poll_timeout(), Some(start + Duration::from_secs(900)));
        assert_eq!(ours.handle_timeout(start + Duration::from_secs(899)), None);
        let due = start + Duration::from_secs(900);
        assert_eq!(ours.handle_timeout(due), Some(SessionTimerEvent::RefreshDue));
        assert_eq!(ours.handle_timeout(due), None);
        assert_eq!(ours.poll_timeout(), Some(start + Duration::from_secs(1768)));
        ours.refreshed(due, Duration::from_secs(90), false);
        // a third of 90 s is less than 32 s
        assert_eq!(ours.poll_timeout(), Some(due + Duration::from_secs(60)));
        assert_eq!(
            ours.handle_timeout(due + Duration::from_secs(60)),
            Some(SessionTimerEvent::Expired)
        );
        assert_eq!(ours.poll_timeout(), None);

        let theirs = SessionTimer::of_uas(start, &SessionExpires::new(1800, Some(Refresher::Uac)));
        assert!(!theirs.is_refreshing() && theirs.refresh_at().is_none());
        assert!(SessionTimer::of_uac(start, &Message::parse(b"SIP/2.0 200 OK\r\n\r\n")).is_none());
    }
}
