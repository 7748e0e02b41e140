//! Checks on streams: figures, telephone events, tones.

use std::time::Duration;

use voxproof_rtp::inband;
use voxproof_spec::{DtmfCheck, InbandCheck, Located, RtpCheck, Span, StreamRef, Verdict};

use crate::checks::{Answer, absent, evaluate, marks, missing_mark};
use crate::facts;
use crate::view::View;

/// The marked interval of a check, and its name in what is expected.
pub(crate) fn during(
    view: &View<'_>,
    mark: Option<&Located<String>>,
    expected: &mut String,
) -> Result<Option<(Duration, Duration)>, Answer> {
    let Some(mark) = mark else { return Ok(None) };
    *expected += &format!(" during `{}`", **mark);
    match view.marks.get(&**mark) {
        Some(moment) => Ok(Some((moment.start, moment.end))),
        None => Err(absent(view, mark, std::mem::take(expected))),
    }
}

pub(crate) fn stream_of(text: &Located<String>) -> Result<StreamRef, Answer> {
    text.parse()
        .map_err(|problem: String| Answer::new(Verdict::Error, "a stream", problem, vec![]))
}

pub(crate) fn rtp(view: &View<'_>, check: &RtpCheck) -> Answer {
    let mut expected = format!("{}: {}", *check.stream, *check.expect);
    let stream = match stream_of(&check.stream) {
        Ok(stream) => stream,
        Err(answer) => return answer,
    };
    let interval = match during(view, check.during.as_ref(), &mut expected) {
        Ok(interval) => interval.map(|(start, end)| {
            let settle = check.settle.map_or(Duration::ZERO, |span: Span| span.0);
            (start + settle, end)
        }),
        Err(answer) => return answer,
    };
    if let Some(mark) = missing_mark(view, &check.expect) {
        return absent(view, &mark, expected);
    }
    let packets = view.stream(&stream, interval);
    let fact = facts::stream(&packets.statistics(packets.clock_rate()), &packets.facts());
    let (verdict, paths, error) = evaluate(&check.expect, &[("rtp", &fact), ("marks", &marks(view))]);
    let actual = error.unwrap_or_else(|| facts::actual(&paths, "rtp", &fact));
    Answer::new(verdict, expected, actual, packets.evidence())
}

pub(crate) fn dtmf(view: &View<'_>, check: &DtmfCheck) -> Answer {
    let stream = match stream_of(&check.stream) {
        Ok(stream) => stream,
        Err(answer) => return answer,
    };
    let packets = view.stream(&stream, None);
    let events = packets.events();
    let digits: String = events.iter().map(|event| event.digit).collect();
    let mut expected = check
        .digits
        .as_ref()
        .map(|digits| format!("digits {digits}, once each"))
        .unwrap_or_default();
    if let Some(expect) = &check.expect {
        expected = format!(
            "{expected}{}each: {}",
            if expected.is_empty() { "" } else { "; " },
            **expect
        );
    }
    let seen = if digits.is_empty() {
        "no telephone-events".to_owned()
    } else {
        format!("digits {digits}")
    };
    if check.digits.as_ref().is_some_and(|wanted| *wanted != digits) {
        return Answer::new(Verdict::Fail, expected, seen, packets.evidence());
    }
    let Some(expect) = &check.expect else {
        return Answer::new(Verdict::Pass, expected, seen, packets.evidence());
    };
    if events.is_empty() {
        return Answer::new(Verdict::Fail, expected, seen, packets.evidence());
    }
    for event in &events {
        let fact = facts::event(event);
        let (verdict, paths, error) = evaluate(expect, &[("event", &fact)]);
        if verdict != Verdict::Pass {
            let actual = error.unwrap_or_else(|| {
                format!("digit {}: {}", event.digit, facts::actual(&paths, "event", &fact))
            });
            return Answer::new(verdict, expected, actual, packets.evidence());
        }
    }
    Answer::new(
        Verdict::Pass,
        expected,
        format!("{seen}, each as expected"),
        packets.evidence(),
    )
}

/// Digits as tones in what a stream says.
pub(crate) fn inband(view: &View<'_>, check: &InbandCheck) -> Answer {
    let stream = match stream_of(&check.stream) {
        Ok(stream) => stream,
        Err(answer) => return answer,
    };
    let mut expected = match (&check.digits, &check.expect) {
        (Some(digits), Some(expect)) => format!("tones of {digits:?}; each: {}", **expect),
        (Some(digits), None) => format!("tones of {digits:?}"),
        (None, expect) => format!(
            "each tone: {}",
            expect.as_ref().map_or("", |expect| expect.as_str())
        ),
    };
    let interval = match during(view, check.during.as_ref(), &mut expected) {
        Ok(interval) => interval,
        Err(answer) => return answer,
    };
    let packets = view.stream(&stream, interval);
    let decoded = packets.decode();
    let tones = inband::detect(&decoded.samples, decoded.sample_rate);
    let digits: String = tones.iter().map(|tone| tone.digit).collect();
    let seen = if digits.is_empty() {
        "no tones".to_owned()
    } else {
        format!("tones of {digits:?}")
    };
    if check.digits.as_ref().is_some_and(|wanted| *wanted != digits) {
        return Answer::new(Verdict::Fail, expected, seen, packets.evidence());
    }
    let Some(expect) = &check.expect else {
        return Answer::new(Verdict::Pass, expected, seen, packets.evidence());
    };
    if tones.is_empty() && check.digits.is_none() {
        return Answer::new(Verdict::Fail, expected, seen, packets.evidence());
    }
    let offset = decoded.first_arrival.saturating_sub(view.begin());
    for tone in &tones {
        let fact = facts::tone(tone, offset);
        let (verdict, paths, error) = evaluate(expect, &[("tone", &fact)]);
        if verdict != Verdict::Pass {
            let actual = error
                .unwrap_or_else(|| format!("digit {}: {}", tone.digit, facts::actual(&paths, "tone", &fact)));
            return Answer::new(verdict, expected, actual, packets.evidence());
        }
    }
    Answer::new(
        Verdict::Pass,
        expected,
        format!("{seen}, each as expected"),
        packets.evidence(),
    )
}
