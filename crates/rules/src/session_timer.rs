//! Session timers (RFC 4028).

use voxproof_sip::Params;

use crate::catalogue::Id;
use crate::facts::Context;
use crate::text::{is_digits, shown};
use crate::transaction::Transaction;

struct Timer<'a> {
    text: &'a str,
    seconds: Option<u32>,
    refresher: Option<String>,
}

fn timer<'a>(cx: &Context<'a, '_>, name: &str) -> Option<Timer<'a>> {
    let text = cx.facts.message.header(name)?;
    let (seconds, parameters) = text.split_once(';').unwrap_or((text, ""));
    let seconds = seconds.trim();
    Some(Timer {
        text,
        seconds: seconds.parse().ok().filter(|_| is_digits(seconds)),
        refresher: Params::parse(parameters)
            .value("refresher")
            .map(str::to_ascii_lowercase),
    })
}

fn check_values(cx: &mut Context<'_, '_>) {
    if let Some(interval) = timer(cx, "session-expires") {
        let refresher = interval
            .refresher
            .as_deref()
            .is_none_or(|refresher| matches!(refresher, "uac" | "uas"));
        cx.check(Id::TimerForm, interval.seconds.is_some() && refresher, || {
            format!(
                "Session-Expires {} is not seconds and a refresher of uac or uas",
                shown(interval.text)
            )
        });
        if let Some(seconds) = interval.seconds {
            cx.check(Id::TimerMinimum, seconds >= 90, || {
                format!("Session-Expires {seconds}, at least 90 s")
            });
        }
    }
    if let Some(least) = timer(cx, "min-se") {
        cx.check(
            Id::MinSe,
            least.seconds.is_some_and(|seconds| seconds >= 90),
            || format!("Min-SE {}, at least 90 s", shown(least.text)),
        );
    }
}

pub(crate) fn check_request(cx: &mut Context<'_, '_>, refused_least: Option<u32>) {
    check_values(cx);
    let facts = cx.facts;
    if facts.has("session-expires") {
        cx.check(
            Id::TimerSupported,
            facts.lists("supported", "timer") || facts.lists("require", "timer"),
            || "Session-Expires without Supported: timer".to_owned(),
        );
    }
    if let (Some(least), Some(asked)) = (
        refused_least,
        timer(cx, "session-expires").and_then(|t| t.seconds),
    ) {
        cx.check(Id::TimerAfter422, asked >= least, || {
            format!("Session-Expires {asked} after 422 with Min-SE {least}")
        });
    }
}

/// A 2xx of the device to INVITE or UPDATE (RFC 4028 9).
pub(crate) fn check_response(cx: &mut Context<'_, '_>, request: &Transaction) {
    check_values(cx);
    let facts = cx.facts;
    if !facts.is_success() || !matches!(facts.method, "INVITE" | "UPDATE") {
        return;
    }
    let Some(interval) = timer(cx, "session-expires") else {
        return;
    };
    let refresher = interval.refresher.as_deref();
    cx.check(Id::TimerRefresher, refresher.is_some(), || {
        format!(
            "Session-Expires {} of a {} has no refresher",
            shown(interval.text),
            facts.status
        )
    });
    let peer_knows = request
        .supported
        .iter()
        .chain(&request.required)
        .any(|tag| tag.eq_ignore_ascii_case("timer"));
    if refresher == Some("uac") {
        cx.check(Id::TimerRequire, facts.lists("require", "timer"), || {
            "refresher=uac without Require: timer".to_owned()
        });
        cx.check(Id::TimerPeer, peer_knows, || {
            "refresher=uac, but the request does not support timer".to_owned()
        });
    }
    if let (Some(asked), Some(given)) = (request.session_expires, interval.seconds) {
        let floor = request.min_se.unwrap_or(90);
        cx.check(
            Id::TimerRange,
            given <= asked && given >= floor.min(asked),
            || format!("Session-Expires {given}, the request asked for {asked} and at least {floor}"),
        );
    }
}
