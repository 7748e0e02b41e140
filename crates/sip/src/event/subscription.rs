//! Both ends of a subscription (RFC 6665), sans-IO: they say what to send and when; the dialog writes the requests.

use std::time::Duration;

use crate::headers::{Event, SubscriptionState, SubscriptionStatus};
use crate::message::Message;

/// Where the subscribing end is (RFC 6665 4.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriberState {
    /// SUBSCRIBE sent, no NOTIFY yet (timer N runs).
    NotifyWait,
    /// A NOTIFY said pending.
    Pending,
    /// A NOTIFY said active.
    Active,
    /// Over.
    Terminated,
}

/// What the subscribing end tells its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriberEvent {
    /// Send a SUBSCRIBE in the dialog to refresh (RFC 6665 4.1.2.2).
    RefreshDue,
    /// No NOTIFY came within 64*T1 of the SUBSCRIBE: timer N (RFC 6665 4.1.2.4).
    NoNotify,
    /// The time granted ran out.
    Expired,
    /// The notifier ended it, or the SUBSCRIBE was refused; a new one may be tried after that many seconds.
    Terminated {
        /// The reason of Subscription-State, or the status code.
        reason: Option<String>,
        /// Seconds to wait; `None`: at once or never, as the reason says (RFC 6665 4.1.3).
        retry_after: Option<u32>,
    },
}

/// The subscribing end of one subscription.
#[derive(Debug, Clone)]
pub struct Subscriber {
    event: Event,
    state: SubscriberState,
    timer_n: Option<Duration>,
    refresh_at: Option<Duration>,
    expires_at: Option<Duration>,
}

impl Subscriber {
    /// A SUBSCRIBE for this event goes out now. `t1`: the base interval of the transactions.
    pub fn new(now: Duration, event: Event, t1: Duration) -> Self {
        Self {
            event,
            state: SubscriberState::NotifyWait,
            timer_n: Some(now + t1.saturating_mul(64)),
            refresh_at: None,
            expires_at: None,
        }
    }

    /// The event subscribed to.
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// Where it is.
    pub const fn state(&self) -> SubscriberState {
        self.state
    }

    /// Takes the final response to a SUBSCRIBE, the first or a refresh.
    pub fn response(&mut self, now: Duration, response: &Message) -> Option<SubscriberEvent> {
        let status = response.status()?;
        match status {
            200..300 => {
                if let Some(expires) = response.expires() {
                    self.granted(now, expires);
                }
                None
            }
            // 423 and challenges are for a further attempt; a refused refresh ends only with these (RFC 6665 4.1.2.2)
            404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604 => {
                let retry_after = response.retry_after().map(|after| after.seconds);
                Some(self.end(Some(status.to_string()), retry_after))
            }
            300.. if self.state == SubscriberState::NotifyWait && !matches!(status, 401 | 407 | 423) => {
                let retry_after = response.retry_after().map(|after| after.seconds);
                Some(self.end(Some(status.to_string()), retry_after))
            }
            _ => None,
        }
    }

    /// Takes a NOTIFY of the dialog: the status to answer with and what has happened. A NOTIFY of another event or
    /// after the end is 481 (RFC 6665 4.1.3), one without Subscription-State 400.
    pub fn notify(&mut self, now: Duration, notify: &Message) -> (u16, Option<SubscriberEvent>) {
        let same = notify.event().is_some_and(|event| event.matches(&self.event));
        if !same || self.state == SubscriberState::Terminated {
            return (481, None);
        }
        let Some(state) = notify.subscription_state() else {
            return (400, None);
        };
        self.timer_n = None;
        match state.status {
            SubscriptionStatus::Terminated => (200, Some(self.end(state.reason, state.retry_after))),
            status => {
                self.state = if status == SubscriptionStatus::Pending {
                    SubscriberState::Pending
                } else {
                    SubscriberState::Active
                };
                if let Some(expires) = state.expires {
                    self.granted(now, expires);
                }
                (200, None)
            }
        }
    }

    /// When [`Subscriber::handle_timeout`] is to be called next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        [self.timer_n, self.refresh_at, self.expires_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// What is due now, one thing a call.
    pub fn handle_timeout(&mut self, now: Duration) -> Option<SubscriberEvent> {
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if due(self.expires_at) {
            self.stop();
            return Some(SubscriberEvent::Expired);
        }
        if due(self.timer_n) {
            self.stop();
            return Some(SubscriberEvent::NoNotify);
        }
        if due(self.refresh_at) {
            self.refresh_at = None;
            return Some(SubscriberEvent::RefreshDue);
        }
        None
    }

    fn granted(&mut self, now: Duration, expires: u32) {
        let span = Duration::from_secs(u64::from(expires));
        self.expires_at = Some(now + span);
        // early enough for the refresh to be retransmitted until timer F: 32 s before the end, or at half
        let refresh = (span / 2).max(span.saturating_sub(Duration::from_secs(32)));
        self.refresh_at = (expires > 0).then(|| now + refresh);
    }

    fn end(&mut self, reason: Option<String>, retry_after: Option<u32>) -> SubscriberEvent {
        self.stop();
        SubscriberEvent::Terminated { reason, retry_after }
    }

    const fn stop(&mut self) {
        self.state = SubscriberState::Terminated;
        self.timer_n = None;
        self.refresh_at = None;
        self.expires_at = None;
    }
}

/// How to answer a SUBSCRIBE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscribeAnswer {
    /// 200 with this Expires; a NOTIFY has to follow at once (RFC 6665 4.2.1.2). With 0 it is over.
    Accept {
        /// Seconds granted.
        expires: u32,
    },
    /// 423 with this Min-Expires.
    TooBrief {
        /// Seconds.
        min_expires: u32,
    },
    /// 489: no such event here (RFC 6665 4.2.1.1).
    BadEvent,
}

/// The notifying end of one subscription.
#[derive(Debug, Clone)]
pub struct Notifier {
    event: Event,
    shortest: u32,
    longest: u32,
    expires_at: Option<Duration>,
    pending: bool,
    ended: Option<String>,
}

impl Notifier {
    /// A notifier of this event that grants `shortest` to `longest` seconds. Nothing is subscribed yet.
    pub fn new(event: Event, shortest: u32, longest: u32) -> Self {
        Self {
            event,
            shortest,
            longest: longest.max(shortest),
            expires_at: None,
            pending: false,
            ended: None,
        }
    }

    /// Says `pending` until [`Notifier::approve`].
    #[must_use]
    pub const fn with_approval(mut self) -> Self {
        self.pending = true;
        self
    }

    /// The subscription was approved of.
    pub const fn approve(&mut self) {
        self.pending = false;
    }

    /// Takes a SUBSCRIBE, the first or a refresh. Without Expires the longest time is granted.
    pub fn subscribe(&mut self, now: Duration, subscribe: &Message) -> SubscribeAnswer {
        if !subscribe.event().is_some_and(|event| event.matches(&self.event)) {
            return SubscribeAnswer::BadEvent;
        }
        let asked = subscribe.expires().unwrap_or(self.longest);
        if asked == 0 {
            // one state is told and the subscription ends (RFC 6665 4.4.3)
            self.expires_at = Some(now);
            self.ended = Some("timeout".to_owned());
            return SubscribeAnswer::Accept { expires: 0 };
        }
        // only a time below one hour may be too brief (RFC 6665 4.2.1.1)
        if asked < self.shortest && asked < 3600 {
            return SubscribeAnswer::TooBrief {
                min_expires: self.shortest,
            };
        }
        let expires = asked.min(self.longest);
        self.expires_at = Some(now + Duration::from_secs(u64::from(expires)));
        self.ended = None;
        SubscribeAnswer::Accept { expires }
    }

    /// Ends it for a reason of RFC 6665 4.1.3; one more NOTIFY is to be sent.
    pub fn end(&mut self, reason: &str) {
        self.ended = Some(reason.to_owned());
    }

    /// Subscription-State of the next NOTIFY.
    pub fn state(&self, now: Duration) -> SubscriptionState {
        let left = self
            .expires_at
            .map(|at| at.saturating_sub(now).as_secs())
            .map_or(0, |left| u32::try_from(left).unwrap_or(u32::MAX));
        match &self.ended {
            Some(reason) => SubscriptionState::terminated(reason),
            None if left == 0 => SubscriptionState::terminated("timeout"),
            None if self.pending => SubscriptionState::pending(left),
            None => SubscriptionState::active(left),
        }
    }

    /// Whether a subscription is there: accepted, not ended, not run out.
    pub fn is_subscribed(&self, now: Duration) -> bool {
        self.ended.is_none() && self.expires_at.is_some_and(|at| at > now)
    }

    /// When the subscription runs out: a NOTIFY `terminated;reason=timeout` is due then.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.expires_at.filter(|_| self.ended.is_none())
    }

    /// Whether it has just run out; true once.
    pub fn handle_timeout(&mut self, now: Duration) -> bool {
        let over = self.poll_timeout().is_some_and(|at| at <= now);
        if over {
            self.ended = Some("timeout".to_owned());
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Builder;

    const T1: Duration = Duration::from_millis(500);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn event() -> Event {
        Event::parse("message-summary").unwrap()
    }

    fn notify(state: &str) -> Message {
        Message::parse(
            &Builder::request("NOTIFY", "sip:a@x")
                .header("Event", "message-summary")
                .header("Subscription-State", state)
                .build(),
        )
    }

    fn ok(expires: &str) -> Message {
        Message::parse(&Builder::response(200, "OK").header("Expires", expires).build())
    }

    #[test]
    fn a_subscription_is_refreshed_and_ended() {
        let mut end = Subscriber::new(seconds(0), event(), T1);
        assert_eq!(end.response(seconds(0), &ok("3600")), None);
        assert_eq!(end.poll_timeout(), Some(seconds(32)));
        assert_eq!(
            end.notify(seconds(1), &notify("active;expires=3599")),
            (200, None)
        );
        assert_eq!(
            (end.state(), end.poll_timeout()),
            (SubscriberState::Active, Some(seconds(3568)))
        );
        assert_eq!(
            end.handle_timeout(seconds(3568)),
            Some(SubscriberEvent::RefreshDue)
        );
        assert_eq!(end.response(seconds(3569), &ok("20")), None);
        assert_eq!(end.poll_timeout(), Some(seconds(3579)));
        let (status, told) = end.notify(
            seconds(3570),
            &notify("terminated;reason=probation;retry-after=9"),
        );
        assert_eq!(status, 200);
        assert_eq!(
            told,
            Some(SubscriberEvent::Terminated {
                reason: Some("probation".into()),
                retry_after: Some(9)
            })
        );
        assert_eq!(end.notify(seconds(3571), &notify("active")).0, 481);
        assert_eq!(end.poll_timeout(), None);
    }

    #[test]
    fn what_goes_wrong_with_a_subscription() {
        let mut silent = Subscriber::new(seconds(0), event(), T1);
        assert_eq!(
            silent.handle_timeout(seconds(32)),
            Some(SubscriberEvent::NoNotify)
        );
        let mut refused = Subscriber::new(seconds(0), event(), T1);
        let challenge = Message::parse(&Builder::response(401, "Unauthorized").build());
        assert_eq!(refused.response(seconds(1), &challenge), None);
        let bad = Message::parse(
            &Builder::response(489, "Bad Event")
                .header("Retry-After", "5")
                .build(),
        );
        assert_eq!(
            refused.response(seconds(1), &bad),
            Some(SubscriberEvent::Terminated {
                reason: Some("489".into()),
                retry_after: Some(5)
            })
        );
        let mut other = Subscriber::new(seconds(0), Event::parse("dialog").unwrap(), T1);
        assert_eq!(other.notify(seconds(0), &notify("active")), (481, None));
        let mut stateless = Subscriber::new(seconds(0), event(), T1);
        let without = Builder::request("NOTIFY", "sip:a@x")
            .header("o", "message-summary")
            .build();
        assert_eq!(
            stateless.notify(seconds(0), &Message::parse(&without)),
            (400, None)
        );
        stateless.notify(seconds(0), &notify("pending;expires=5"));
        assert_eq!(stateless.state(), SubscriberState::Pending);
        assert_eq!(
            stateless.handle_timeout(seconds(5)),
            Some(SubscriberEvent::Expired)
        );
    }

    fn subscribe(expires: Option<&str>) -> Message {
        let builder = Builder::request("SUBSCRIBE", "sip:a@x").header("Event", "message-summary");
        Message::parse(
            &match expires {
                Some(expires) => builder.header("Expires", expires),
                None => builder,
            }
            .build(),
        )
    }

    #[test]
    fn the_notifier_grants_tells_and_ends() {
        let mut end = Notifier::new(event(), 60, 600).with_approval();
        assert_eq!(
            end.subscribe(seconds(0), &subscribe(Some("10"))),
            SubscribeAnswer::TooBrief { min_expires: 60 }
        );
        assert!(!end.is_subscribed(seconds(0)));
        assert_eq!(
            end.subscribe(seconds(0), &subscribe(None)),
            SubscribeAnswer::Accept { expires: 600 }
        );
        assert_eq!(end.state(seconds(100)).to_string(), "pending;expires=500");
        end.approve();
        assert_eq!(end.state(seconds(100)).to_string(), "active;expires=500");
        assert!(!end.handle_timeout(seconds(599)) && end.handle_timeout(seconds(600)));
        assert!(!end.handle_timeout(seconds(601)));
        assert_eq!(end.state(seconds(601)).to_string(), "terminated;reason=timeout");
        let mut fetch = Notifier::new(event(), 60, 600);
        assert_eq!(
            fetch.subscribe(seconds(0), &subscribe(Some("0"))),
            SubscribeAnswer::Accept { expires: 0 }
        );
        assert_eq!(fetch.state(seconds(0)).to_string(), "terminated;reason=timeout");
        let other = Builder::request("SUBSCRIBE", "sip:a@x")
            .header("Event", "presence")
            .build();
        assert_eq!(
            fetch.subscribe(seconds(0), &Message::parse(&other)),
            SubscribeAnswer::BadEvent
        );
    }
}
