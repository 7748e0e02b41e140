//! Checks: queries over the recorded events.

use std::time::Duration;

use serde_json::{Map, Value};
use voxproof_record::CheckResult;
use voxproof_spec::{
    Check, CheckKind, Expression, GapCheck, MessageCheck, MessagesCheck, RetransmissionCheck, Verdict,
};

use crate::facts;
use crate::messages::SipRecord;
use crate::pattern::fits_response;
use crate::view::View;
use crate::{connections, fuzz, impairment, media_checks, rtcp, services};

/// A message sent this shortly before something may arrive after it: one network's worth of time.
const NETWORK_GRACE: Duration = Duration::from_millis(50);

/// What a check came to.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) expected: String,
    pub(crate) actual: String,
    pub(crate) evidence: Vec<u32>,
}

impl Answer {
    pub(crate) fn new(
        verdict: Verdict,
        expected: impl Into<String>,
        actual: impl Into<String>,
        evidence: Vec<u32>,
    ) -> Self {
        Self {
            verdict,
            expected: expected.into(),
            actual: actual.into(),
            evidence,
        }
    }
}

pub(crate) fn check(view: &View<'_>, check: &Check) -> CheckResult {
    let mut answer = match check.kinds().first() {
        Some(CheckKind::Message(one)) => message(view, one),
        Some(CheckKind::Messages(all)) => messages(view, all),
        Some(CheckKind::Gap(gap)) => self::gap(view, gap),
        Some(CheckKind::Retransmissions(copies)) => retransmissions(view, copies),
        Some(CheckKind::Rtp(rtp)) => media_checks::rtp(view, rtp),
        Some(CheckKind::Dtmf(events)) => media_checks::dtmf(view, events),
        Some(CheckKind::Inband(digits)) => media_checks::inband(view, digits),
        Some(CheckKind::Rtcp(reports)) => rtcp::check(view, reports),
        Some(CheckKind::Connections(connections)) => connections::check(view, connections),
        Some(CheckKind::Services(services)) => services::check(view, services),
        Some(CheckKind::Impairment(impairment)) => impairment::check(view, impairment),
        Some(CheckKind::Fuzz(fuzz)) => fuzz::check(view, fuzz),
        None => Answer::new(Verdict::Error, "a question", "the check asks nothing", vec![]),
    };
    if answer.verdict == Verdict::Fail && view.set_up_failed() {
        // what the check asks about was never brought about
        answer.verdict = Verdict::Inconc;
        answer.actual = format!("the set-up did not succeed; {}", answer.actual);
    }
    CheckResult {
        id: check.id.to_string(),
        title: check.title.clone(),
        verdict: answer.verdict,
        expected: answer.expected,
        actual: answer.actual,
        clause: check.clause.clone(),
        evidence: answer.evidence,
    }
}

/// A mark that is not there: the message did not come, or the case did not get that far.
pub(crate) fn absent(view: &View<'_>, mark: &str, expected: impl Into<String>) -> Answer {
    if view.mark_was_due(mark) {
        Answer::new(
            Verdict::Fail,
            expected,
            format!("there is no such message (`{mark}`)"),
            vec![],
        )
    } else {
        Answer::new(
            Verdict::Inconc,
            expected,
            format!("the case did not get as far as `{mark}`"),
            vec![],
        )
    }
}

pub(crate) fn marks(view: &View<'_>) -> Value {
    let map: Map<String, Value> = view
        .marks
        .keys()
        .filter_map(|name| {
            view.marked(name)
                .map(|record| (name.clone(), facts::message(view, record)))
        })
        .collect();
    Value::Object(map)
}

pub(crate) fn evaluate(expect: &str, variables: &[(&str, &Value)]) -> (Verdict, Vec<String>, Option<String>) {
    match Expression::parse(expect) {
        Ok(expression) => match expression.evaluate(variables) {
            Ok(true) => (Verdict::Pass, expression.paths(), None),
            Ok(false) => (Verdict::Fail, expression.paths(), None),
            Err(error) => (Verdict::Error, expression.paths(), Some(error.to_string())),
        },
        Err(error) => (Verdict::Error, vec![], Some(error.to_string())),
    }
}

/// Marks that an expression reads but that no message carries.
pub(crate) fn missing_mark(view: &View<'_>, expect: &str) -> Option<String> {
    let paths = Expression::parse(expect)
        .map(|expression| expression.paths())
        .unwrap_or_default();
    paths
        .iter()
        .filter_map(|path| path.strip_prefix("marks.")?.split('.').next().map(str::to_owned))
        .find(|name| view.marked(name).is_none())
}

fn message(view: &View<'_>, check: &MessageCheck) -> Answer {
    let Some(record) = view.marked(&check.at) else {
        return absent(view, &check.at, &**check.expect);
    };
    if let Some(mark) = missing_mark(view, &check.expect) {
        return absent(view, &mark, &**check.expect);
    }
    let fact = facts::message(view, record);
    let (verdict, paths, error) = evaluate(&check.expect, &[("msg", &fact), ("marks", &marks(view))]);
    let actual = error.unwrap_or_else(|| facts::actual(&paths, "msg", &fact));
    Answer::new(verdict, &**check.expect, actual, vec![record.packet])
}

fn messages(view: &View<'_>, check: &MessagesCheck) -> Answer {
    let mut expected = match (&check.request, &check.response) {
        (Some(method), _) => format!("{} from the device", **method),
        (None, Some(status)) => format!("responses {} from the device", **status),
        (None, None) => String::new(),
    };
    // nothing is before the beginning: in virtual time the first message is at zero
    let (mut from, mut from_packet): (Option<Duration>, u32) = (None, 0);
    let (mut until, mut until_packet) = (Duration::MAX, None);
    for (mark, what) in [
        (&check.after, "after"),
        (&check.before, "before"),
        (&check.during, "during"),
    ] {
        let Some(mark) = mark else { continue };
        let Some(moment) = view.marks.get(&**mark) else {
            return absent(view, mark, expected);
        };
        expected += &format!(" {what} `{}`", **mark);
        match what {
            "after" => {
                (from, from_packet) = (Some(moment.end), moment.packet.unwrap_or(0));
                if let Some(within) = check.within {
                    until = moment.end.saturating_add(within.0);
                    expected += &format!(" within {within}");
                }
            }
            "before" => (until, until_packet) = (moment.start, moment.packet),
            _ => (from, until) = (Some(moment.start), moment.end),
        }
    }
    let to = match &check.to {
        Some(mark) => match view.marked(mark) {
            Some(record) => Some(&record.message),
            None => return absent(view, mark, expected),
        },
        None => None,
    };
    let found: Vec<&SipRecord> = view
        .messages
        .iter()
        // after a message: by its number; after an interval: later than its end, for its end is the moment it was set
        .filter(|record| {
            if from_packet > 0 {
                record.packet > from_packet
            } else {
                from.is_none_or(|from| record.at > from)
            }
        })
        // before a message likewise: what answers it may bear the same time
        .filter(|record| match until_packet {
            Some(packet) => record.packet < packet,
            None => record.at <= until,
        })
        .filter(|record| record.from_device)
        .filter(|record| match (&check.request, &check.response) {
            (Some(method), _) => record.message.method() == Some(method.as_str()),
            (None, Some(status)) => fits_response(status, &record.message, to),
            (None, None) => false,
        })
        .collect();
    let evidence: Vec<u32> = found.iter().map(|record| record.packet).collect();
    if let Some(count) = check.count {
        expected += &match (count.min, count.max) {
            (Some(min), Some(max)) if min == max => format!(": exactly {min}"),
            (Some(min), Some(max)) => format!(": {min} to {max}"),
            (Some(min), None) => format!(": at least {min}"),
            (None, Some(max)) => format!(": at most {max}"),
            (None, None) => String::new(),
        };
        let number = found.len() as u32;
        if count.min.is_some_and(|min| number < min) || count.max.is_some_and(|max| number > max) {
            return Answer::new(Verdict::Fail, expected, format!("{number} came"), evidence);
        }
    }
    let Some(expect) = &check.expect else {
        return Answer::new(Verdict::Pass, expected, format!("{} came", found.len()), evidence);
    };
    expected += &format!("; each: {}", **expect);
    if let Some(mark) = missing_mark(view, expect) {
        return absent(view, &mark, expected);
    }
    let marks = marks(view);
    for record in &found {
        let fact = facts::message(view, record);
        let (verdict, paths, error) = evaluate(expect, &[("msg", &fact), ("marks", &marks)]);
        if verdict != Verdict::Pass {
            let actual = error.unwrap_or_else(|| facts::actual(&paths, "msg", &fact));
            return Answer::new(verdict, expected, actual, vec![record.packet]);
        }
    }
    Answer::new(
        Verdict::Pass,
        expected,
        format!("{} came, all as expected", found.len()),
        evidence,
    )
}

fn gap(view: &View<'_>, check: &GapCheck) -> Answer {
    let expected = match (check.min, check.max) {
        (Some(min), Some(max)) => format!("{min} to {max} from `{}` to `{}`", *check.from, *check.to),
        (Some(min), None) => format!("at least {min} from `{}` to `{}`", *check.from, *check.to),
        (None, Some(max)) => format!("at most {max} from `{}` to `{}`", *check.from, *check.to),
        (None, None) => String::new(),
    };
    let Some(from) = view.marks.get(&**check.from) else {
        return absent(view, &check.from, expected);
    };
    let Some(to) = view.marks.get(&**check.to) else {
        return absent(view, &check.to, expected);
    };
    let gap = to.start.saturating_sub(from.end);
    let good = check.min.is_none_or(|min| gap >= min.0) && check.max.is_none_or(|max| gap <= max.0);
    let evidence = from.packet.iter().chain(&to.packet).copied().collect();
    let actual = format!("{:.1} ms", gap.as_secs_f64() * 1e3);
    Answer::new(
        if good { Verdict::Pass } else { Verdict::Fail },
        expected,
        actual,
        evidence,
    )
}

fn retransmissions(view: &View<'_>, check: &RetransmissionCheck) -> Answer {
    let list = |spans: &[Duration]| {
        spans
            .iter()
            .map(|one| format!("{:.2} s", one.as_secs_f64()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let wanted: Vec<Duration> = check.intervals.iter().map(|span| span.0).collect();
    let mut expected = format!("copies after {} (±{} %)", list(&wanted), check.tolerance_percent);
    let Some(first) = view.marked(&check.of) else {
        return absent(view, &check.of, expected);
    };
    let stop = match &check.none_after {
        Some(mark) => {
            expected += &format!(", none after `{}`", **mark);
            match view.marks.get(&**mark) {
                Some(moment) => Some(moment.end),
                None => return absent(view, mark, expected),
            }
        }
        None => None,
    };
    let copies: Vec<&SipRecord> = view
        .messages
        .iter()
        .filter(|record| {
            record.from_device && record.at >= first.at && record.message.bytes() == first.message.bytes()
        })
        .collect();
    let gaps: Vec<Duration> = copies
        .windows(2)
        .map(|pair| pair[1].at.saturating_sub(pair[0].at))
        .collect();
    let evidence: Vec<u32> = copies.iter().map(|record| record.packet).collect();
    let actual = if gaps.is_empty() {
        "no copy came".to_owned()
    } else {
        format!("copies after {}", list(&gaps))
    };
    for (index, want) in wanted.iter().enumerate() {
        let off = gaps
            .get(index)
            .map(|gap| (gap.as_secs_f64() - want.as_secs_f64()).abs() / want.as_secs_f64() * 100.0);
        if off.is_none_or(|off| off > check.tolerance_percent) {
            return Answer::new(Verdict::Fail, expected, actual, evidence);
        }
    }
    if let Some(stop) = stop
        && let Some(late) = copies.iter().find(|record| record.at > stop + NETWORK_GRACE)
    {
        let after = late.at.saturating_sub(stop);
        let actual = format!(
            "{actual}; one more {:.2} s after it should have ended",
            after.as_secs_f64()
        );
        return Answer::new(Verdict::Fail, expected, actual, vec![late.packet]);
    }
    Answer::new(Verdict::Pass, expected, actual, evidence)
}
