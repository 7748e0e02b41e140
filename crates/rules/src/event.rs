//! Subscriptions, REFER and their notifications (RFC 6665, RFC 3515).

use std::time::Duration;

use voxproof_sip::{HeaderView, OwnView, Params};

use crate::catalogue::Id;
use crate::facts::Context;
use crate::ledger::{Ledger, Spot};
use crate::text::{is_token, shown};

/// A REFER that the device accepted and that asks for notifications.
#[derive(Debug)]
pub(crate) struct Referral {
    pub(crate) call: u64,
    accepted: Spot,
    notified: bool,
}

impl Referral {
    pub(crate) fn new(call: u64, accepted: Spot) -> Self {
        Self {
            call,
            accepted,
            notified: false,
        }
    }

    pub(crate) fn notify(&mut self) {
        self.notified = true;
    }

    pub(crate) fn close(&self, now: Duration, ledger: &mut Ledger) {
        if self.notified || now.saturating_sub(self.accepted.at) > Duration::from_secs(5) {
            ledger.check(Id::ReferNotified, self.accepted, self.notified, || {
                "no NOTIFY after the REFER was accepted".to_owned()
            });
        }
    }
}

pub(crate) fn check_request(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    let message = facts.message;
    match facts.method {
        "REFER" => {
            let count = message.headers("refer-to").count();
            let readable = message
                .header("refer-to")
                .is_some_and(|value| OwnView.name_addr(value).is_ok());
            cx.check(Id::ReferTo, count == 1 && readable, || {
                format!("REFER with {count} Refer-To headers, expected one address")
            });
        }
        "SUBSCRIBE" | "NOTIFY" | "PUBLISH" => {
            let package = message
                .header("event")
                .map(|value| value.split(';').next().unwrap_or_default().trim());
            cx.check(Id::EventPresent, package.is_some_and(is_token), || {
                format!(
                    "{} with Event {:?}, expected a package",
                    facts.method,
                    package.unwrap_or_default()
                )
            });
            if facts.method == "SUBSCRIBE" {
                cx.check(Id::SubscribeExpires, facts.has("expires"), || {
                    "SUBSCRIBE without Expires".to_owned()
                });
            }
            if facts.method == "NOTIFY" {
                notify(
                    cx,
                    package.is_some_and(|package| package.eq_ignore_ascii_case("refer")),
                );
            }
        }
        _ => {}
    }
}

fn notify(cx: &mut Context<'_, '_>, refer: bool) {
    let facts = cx.facts;
    let value = facts.message.header("subscription-state");
    cx.check(Id::SubscriptionState, value.is_some(), || {
        "NOTIFY without Subscription-State".to_owned()
    });
    let (state, parameters) = value
        .unwrap_or_default()
        .split_once(';')
        .unwrap_or_else(|| (value.unwrap_or_default(), ""));
    let state = state.trim().to_ascii_lowercase();
    if matches!(state.as_str(), "active" | "pending") {
        cx.check(
            Id::SubscriptionExpires,
            Params::parse(parameters).has("expires"),
            || {
                format!(
                    "Subscription-State {} without expires",
                    shown(value.unwrap_or_default())
                )
            },
        );
    }
    if !refer {
        return;
    }
    let fragment = facts.message.content_type().is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("message/sipfrag"))
    });
    cx.check(
        Id::NotifyFragment,
        fragment && !facts.message.body().is_empty(),
        || "NOTIFY about a REFER without a message/sipfrag body".to_owned(),
    );
    if !fragment {
        return;
    }
    let body = String::from_utf8_lossy(facts.message.body());
    let line = body.lines().next().unwrap_or_default();
    let status = line
        .strip_prefix("SIP/2.0 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|status| status.parse::<u16>().ok());
    cx.check(Id::FragmentStatus, status.is_some(), || {
        format!("the fragment starts with {}, expected a status line", shown(line))
    });
    if let Some(status) = status.filter(|status| *status >= 200) {
        cx.check(Id::FinalTerminates, state == "terminated", || {
            format!("fragment with {status}, but the subscription is {state:?}")
        });
    }
}

/// A 2xx of the device to SUBSCRIBE (RFC 6665 4.2.1.1).
pub(crate) fn check_response(cx: &mut Context<'_, '_>) {
    if cx.facts.method == "SUBSCRIBE" && cx.facts.is_success() {
        let present = cx.facts.has("expires");
        cx.check(Id::SubscribeAccepted, present, || {
            format!("{} to SUBSCRIBE without Expires", cx.facts.status)
        });
    }
}
