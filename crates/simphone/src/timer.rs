//! Session timers (RFC 4028): the interval is agreed on, kept fresh, and its end ends the call.

use std::time::Duration;

use voxproof_sip::headers::{Refresher, SessionExpires};
use voxproof_sip::{
    Builder, Message, SMALLEST_INTERVAL, SessionTimer, SessionTimerAnswer, SessionTimerEvent,
    SessionTimerPolicy, TransactionId, after_too_small,
};

use crate::Fault;
use crate::again::again;
use crate::call::{CallKey, Stage};
use crate::phone::{Phone, Purpose};

/// What a 2xx of ours says about the session's interval.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms(Option<(SessionExpires, bool)>);

impl Terms {
    pub(crate) fn write(&self, builder: Builder) -> Builder {
        match &self.0 {
            None => builder,
            Some((expires, require)) => {
                let builder = builder.header("Session-Expires", expires.to_string());
                if *require {
                    builder.header("Require", "timer")
                } else {
                    builder
                }
            }
        }
    }
}

impl Phone {
    /// How the interval an INVITE or UPDATE asks for is answered.
    ///
    /// # Errors
    /// The shortest interval we take, for a 422.
    pub(crate) fn session_terms(&self, request: &Message) -> Result<Terms, u32> {
        let own = self.config.session_timers;
        if !own.supported {
            return Ok(Terms::default());
        }
        let any = self.has(Fault::SessionTimerTooSmallAccepted);
        let policy = SessionTimerPolicy {
            shortest: own.minimum,
            ..SessionTimerPolicy::default()
        };
        match policy.answer(request) {
            SessionTimerAnswer::None => Ok(Terms::default()),
            SessionTimerAnswer::TooSmall { .. } if any => {
                let asked = request.session_expires().map(|asked| asked.interval);
                let expires = SessionExpires::new(asked.unwrap_or(SMALLEST_INTERVAL), Some(Refresher::Uac));
                Ok(Terms(Some((expires, true))))
            }
            SessionTimerAnswer::TooSmall { min_se } => Err(min_se),
            SessionTimerAnswer::Accept {
                session_expires,
                require,
            } => Ok(Terms(Some((session_expires, require)))),
        }
    }

    pub(crate) fn refuse_interval(
        &mut self,
        now: Duration,
        id: TransactionId,
        request: &Message,
        minimum: u32,
    ) {
        self.respond(now, id, request, 422, |builder| {
            builder.header("Min-SE", minimum.to_string())
        });
    }

    /// Our 2xx to an INVITE or UPDATE has agreed on these terms.
    pub(crate) fn start_timer_of_uas(&mut self, now: Duration, key: CallKey, terms: &Terms) {
        let deaf = self.has(Fault::SessionRefreshIgnored);
        if let Some(call) = self.call_mut(key) {
            if deaf && call.timer.is_some() {
                return;
            }
            call.timer = terms
                .0
                .as_ref()
                .map(|(expires, _)| SessionTimer::of_uas(now, expires));
        }
    }

    /// The peer's 2xx to our INVITE or UPDATE has agreed on its terms.
    pub(crate) fn start_timer_of_uac(&mut self, now: Duration, key: CallKey, response: &Message) {
        let supported = self.config.session_timers.supported;
        if let Some(call) = self.call_mut(key) {
            call.timer = SessionTimer::of_uac(now, response).filter(|_| supported);
            call.peer_updates = call.peer_updates || response.has_token("allow", "UPDATE");
        }
    }

    /// The fields of an initial INVITE that ask for a timer, when the user wants one.
    pub(crate) fn asked_interval(&self, builder: Builder) -> Builder {
        let own = self.config.session_timers;
        let Some(interval) = own.ask.filter(|_| own.supported) else {
            return builder;
        };
        let builder = builder.header("Session-Expires", interval.to_string());
        if own.minimum > SMALLEST_INTERVAL {
            builder.header("Min-SE", own.minimum.to_string())
        } else {
            builder
        }
    }

    /// Session-Expires of a request that refreshes the session: whoever refreshes goes on (RFC 4028 7.4).
    pub(crate) fn refreshing_interval(&self, key: CallKey) -> Option<String> {
        let timer = self.call(key).and_then(|call| call.timer.as_ref())?;
        let refresher = if timer.is_refreshing() {
            Refresher::Uac
        } else {
            Refresher::Uas
        };
        let seconds = u32::try_from(timer.interval().as_secs()).unwrap_or(u32::MAX);
        Some(SessionExpires::new(seconds, Some(refresher)).to_string())
    }

    /// Sends a refused INVITE again with the interval its 422 asks for (RFC 4028 7.3). `false` when it makes no sense.
    pub(crate) fn retry_interval(&mut self, now: Duration, key: CallKey, response: &Message) -> bool {
        if self.has(Fault::SessionTimer422Ignored) {
            return false;
        }
        let branch = self.ids.branch();
        let Some(placed) = self.call(key).and_then(|call| call.placed.as_ref()) else {
            return false;
        };
        let (request, destination) = (&placed.request, placed.destination);
        let Some(interval) = after_too_small(request, response) else {
            return false;
        };
        let cseq = request.cseq().map(|cseq| cseq.number + 1).unwrap_or(1);
        let uri = request.request_uri().unwrap_or_default();
        let bytes = again(
            request,
            uri,
            cseq,
            &branch,
            |line| matches!(line.name.as_str(), "session-expires" | "min-se"),
            &[
                ("Session-Expires", interval.to_string()),
                ("Min-SE", interval.to_string()),
            ],
        );
        let request = Message::parse(&bytes);
        let transaction = self.request(now, bytes, destination, Purpose::Invite(key), Vec::new());
        if let Some(placed) = self.call_mut(key).and_then(|call| call.placed.as_mut()) {
            placed.transaction = transaction;
            placed.request = request;
            placed.provisional = false;
            placed.early.clear();
        }
        true
    }

    /// A refresh or the end of the session, when it is time.
    pub(crate) fn session_timer_due(&mut self, now: Duration, key: CallKey) {
        let (lazy, lasting) = (
            self.has(Fault::SessionTimerNoRefresh),
            self.has(Fault::SessionTimerNoBye),
        );
        let Some(call) = self.call_mut(key).filter(|call| call.stage == Stage::Established) else {
            return;
        };
        let retry = call.refresh_at.is_some_and(|at| at <= now);
        if retry {
            call.refresh_at = None;
        }
        match call.timer.as_mut().and_then(|timer| timer.handle_timeout(now)) {
            Some(SessionTimerEvent::Expired) if !lasting => self.send_bye(now, key),
            Some(SessionTimerEvent::RefreshDue) if !lazy => self.refresh_session(now, key),
            None if retry => self.refresh_session(now, key),
            _ => {}
        }
    }

    fn refresh_session(&mut self, now: Duration, key: CallKey) {
        let Some(call) = self.call(key) else { return };
        // a change under way refreshes, too
        if call.change.is_some() {
            return;
        }
        let by_update = call.peer_updates && self.config.update && self.config.session_timers.by_update;
        let held = call.held;
        if !by_update {
            return self.send_change(now, key, held);
        }
        let (interval, abilities) = (self.refreshing_interval(key), self.abilities());
        self.request_in_dialog(now, key, "UPDATE", Purpose::Refresh(key), |builder| {
            let builder = abilities.write(builder);
            match interval {
                Some(interval) => builder.header("Session-Expires", interval),
                None => builder,
            }
        });
    }

    pub(crate) fn on_refresh_response(&mut self, now: Duration, key: CallKey, response: &Message) {
        let wait = self.glare_wait(key);
        match response.status().unwrap_or_default() {
            0..200 => {}
            200..300 => {
                if let Some(dialog) = self.call_mut(key).and_then(|call| call.dialog.as_mut()) {
                    dialog.refresh_target(response);
                }
                self.start_timer_of_uac(now, key, response);
            }
            408 | 481 => self.send_bye(now, key),
            422 => {
                let minimum = response.min_se();
                let Some(call) = self.call_mut(key) else { return };
                let longer = minimum.map(|seconds| Duration::from_secs(u64::from(seconds)));
                if let (Some(longer), Some(timer)) = (longer, &mut call.timer)
                    && longer > timer.interval()
                {
                    timer.refreshed(now, longer, true);
                    self.refresh_session(now, key);
                }
            }
            491 | 500 | 503 => {
                if let Some(call) = self.call_mut(key) {
                    call.refresh_at = Some(now + wait);
                }
            }
            // the peer has no UPDATE after all
            405 | 501 => {
                if let Some(call) = self.call_mut(key) {
                    call.peer_updates = false;
                }
                self.refresh_session(now, key);
            }
            _ => {}
        }
    }
}
