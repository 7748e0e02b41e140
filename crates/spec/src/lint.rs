//! What a file may say beyond its syntax: names that exist, expressions that can be evaluated, units that fit.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::{
    Environment, case_environment, connection_environment, dtmf_environment, fuzz_environment,
    impairment_environment, inband_environment, message_environment, rtcp_environment, rtp_environment,
    service_environment,
};
use crate::expression::{Expression, near_miss};
use crate::load::LoadedSignal;
use crate::{
    Case, Check, CheckKind, DeviceFile, Driver, DriverChain, Limit, Located, Step, StreamRef, Suite,
};

mod claims;

pub(crate) use claims::proforma;

const ACTORS: [&str; 3] = ["peer_a", "peer_b", "peer_c"];

const COMMAND_ACTIONS: [&str; 15] = [
    "answer",
    "reject",
    "hangup",
    "dial",
    "hold",
    "resume",
    "dtmf",
    "transfer",
    "consult",
    "complete_transfer",
    "restart",
    "auto_answer_on",
    "auto_answer_off",
    "loopback_on",
    "loopback_off",
];

struct Linter<'a> {
    path: &'a Path,
    source: &'a Arc<str>,
    problems: Vec<Diagnostic>,
}

impl Linter<'_> {
    fn error(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.problems
            .push(Diagnostic::error(code, self.path, self.source, span, message));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    fn named(&mut self, code: &'static str, what: &str, name: &Located<String>, known: &[&str]) {
        if !known.contains(&name.as_str()) {
            let help = near_miss(name, known.iter().copied());
            self.error(code, name.span(), format!("unknown {what} `{}`", **name))
                .help = help;
        }
    }

    fn expression(&mut self, text: &Located<String>, environment: &Environment) {
        let mistakes = match Expression::compile(text) {
            Ok(expression) => expression.mistakes(environment),
            Err(mistake) => vec![mistake],
        };
        // the span of a TOML string includes its quotes
        let quotes = match self.source.get(text.span()) {
            Some(raw) if raw.starts_with("'''") || raw.starts_with("\"\"\"") => 3,
            Some(_) => 1,
            None => 0,
        };
        for mistake in mistakes {
            let start = text.span().start + quotes;
            let span = start + mistake.span.start..start + mistake.span.end;
            self.error(mistake.code, span, mistake.message).help = mistake.help;
        }
    }

    fn stream(&mut self, text: &Located<String>) {
        match text.parse::<StreamRef>() {
            Ok(stream) if ACTORS.contains(&stream.peer.as_str()) => {}
            Ok(stream) => {
                let help = near_miss(&stream.peer, ACTORS.into_iter());
                self.error("E0119", text.span(), format!("unknown actor `{}`", stream.peer))
                    .help = help;
            }
            Err(message) => {
                self.error("E0114", text.span(), message);
            }
        }
    }

    fn mark_known(&mut self, name: &Located<String>, known: &[String]) {
        if !known.contains(name) {
            let help = near_miss(name, known.iter().map(String::as_str));
            self.error(
                "E0108",
                name.span(),
                format!("no earlier step sets the mark `{}`", **name),
            )
            .help = help;
        }
    }

    fn status(&mut self, text: &Located<String>) {
        if !is_status_pattern(text) {
            self.error(
                "E0123",
                text.span(),
                format!("`{}` is not a status pattern", **text),
            )
            .help = Some("write \"486\", \"2xx\", \"final\" or \"any\"".to_owned());
        }
    }
}

fn is_status_pattern(text: &str) -> bool {
    text == "final"
        || text == "any"
        || (text.len() == 3
            && text.starts_with(|c: char| ('1'..='6').contains(&c))
            && (text.ends_with("xx") || text.chars().all(|c| c.is_ascii_digit())))
}

pub(crate) fn limit(limit: &Limit, path: &Path, source: &Arc<str>, duplicate: bool) -> Vec<Diagnostic> {
    let mut linter = Linter {
        path,
        source,
        problems: Vec::new(),
    };
    if duplicate {
        linter.error(
            "E0113",
            limit.id.span(),
            format!("limit `{}` exists already", *limit.id),
        );
    }
    if *limit.unit != limit.quantity.unit() {
        linter
            .error(
                "E0112",
                limit.unit.span(),
                format!(
                    "{} is measured in {}",
                    limit.quantity.name(),
                    limit.quantity.unit()
                ),
            )
            .help = Some(format!(
            "write unit = \"{}\" and convert the bounds",
            limit.quantity.unit()
        ));
    }
    for tier in &limit.tier {
        if tier.lower.is_none() && tier.upper.is_none() {
            linter.error("E0103", tier.span(), "a tier needs `lower`, `upper` or both");
        } else if let (Some(lower), Some(upper)) = (tier.lower, tier.upper)
            && lower > upper
        {
            linter.error(
                "E0112",
                tier.span(),
                format!("lower bound {lower} is above upper bound {upper}"),
            );
        }
    }
    linter.problems
}

pub(crate) fn case(
    case: &Case,
    path: &Path,
    source: &Arc<str>,
    suite: &Suite,
    limits: &BTreeMap<String, Limit>,
    signals: &BTreeMap<String, LoadedSignal>,
) -> Vec<Diagnostic> {
    let mut linter = Linter {
        path,
        source,
        problems: Vec::new(),
    };
    let ics: Vec<String> = suite.ics.keys().cloned().collect();
    linter.expression(&case.applies, &case_environment(&ics));
    if case.tiers.is_empty() {
        linter.error(
            "E0127",
            case.id.span(),
            "`tiers` is empty: a failure would block nothing",
        );
    }

    let mut marks: Vec<String> = Vec::new();
    for step in case.setup.iter().chain(&case.step).chain(&case.teardown) {
        lint_step(&mut linter, step, case, signals, &marks);
        for mark in step.marks() {
            if marks.contains(mark) {
                linter.error(
                    "E0109",
                    mark.span(),
                    format!("the mark `{}` is set by an earlier step", **mark),
                );
            } else {
                marks.push(mark.to_string());
            }
        }
    }

    let mut ids: Vec<&str> = Vec::new();
    for check in &case.check {
        if ids.contains(&check.id.as_str()) {
            linter.error(
                "E0113",
                check.id.span(),
                format!("check `{}` exists already in this case", *check.id),
            );
        }
        ids.push(&check.id);
        lint_check(&mut linter, check, &marks);
    }
    for measure in &case.measure {
        linter.stream(&measure.stream);
        if let Some(mark) = &measure.during {
            linter.mark_known(mark, &marks);
        }
        match limits.get(&**measure.limit) {
            None => {
                let help = near_miss(&measure.limit, limits.keys().map(String::as_str));
                linter
                    .error(
                        "E0111",
                        measure.limit.span(),
                        format!("unknown limit `{}`", *measure.limit),
                    )
                    .help = help;
            }
            Some(limit) if limit.quantity != measure.quantity => {
                linter.error(
                    "E0112",
                    measure.limit.span(),
                    format!(
                        "limit `{}` bounds {}, not {}",
                        *limit.id,
                        limit.quantity.name(),
                        measure.quantity.name()
                    ),
                );
            }
            Some(_) => {}
        }
    }
    linter.problems
}

fn lint_step(
    linter: &mut Linter<'_>,
    step: &Located<Step>,
    case: &Case,
    signals: &BTreeMap<String, LoadedSignal>,
    marks: &[String],
) {
    if let Some(actor) = step.actor() {
        // whoever has an address of its own may send requests and bytes, but has no calls
        let stranger = matches!(&**step, Step::Request(_) | Step::Send(_)).then_some("stranger");
        let known: Vec<&str> = ACTORS.into_iter().chain(stranger).collect();
        linter.named("E0119", "actor", actor, &known);
    }
    for mutation in step.mutations() {
        if let crate::Mutation::BodyHex(text) = mutation
            && (text.len() % 2 != 0 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            linter
                .error(
                    "E0128",
                    step.span(),
                    format!("`{text}` is no body in hexadecimal"),
                )
                .help =
                Some("write two digits for each octet, without spaces: body_hex = \"00ff\"".to_owned());
        }
    }
    match &**step {
        Step::Call(call) if call.answered_within.is_none() && call.final_within.is_none() => {
            if let Some(mark) = &call.answer_mark {
                linter
                    .error(
                        "E0128",
                        mark.span(),
                        "this step does not wait for the answer, so it cannot mark it",
                    )
                    .help =
                    Some("add answered_within or final_within, or use an await step later".to_owned());
            }
        }
        Step::ReceiveCall(call) => {
            if let (Some(after), Some(status)) = (call.answer_after, call.reject) {
                let message = format!("a call is answered (after {after}) or rejected ({status}), not both");
                linter.error("E0128", step.span(), message);
            }
            if let (None, None, Some(mark)) = (call.answer_after, call.reject, &call.ack_mark) {
                linter
                    .error(
                        "E0128",
                        mark.span(),
                        "this step sends no final response, so no ACK to it can come",
                    )
                    .help = Some("add answer_after or reject".to_owned());
            }
        }
        Step::Await(wait) => {
            match (&wait.request, &wait.response) {
                (Some(_), None) => {}
                (None, Some(status)) => linter.status(status),
                _ => {
                    linter.error(
                        "E0125",
                        step.span(),
                        "an await names either `request` or `response`",
                    );
                }
            }
            wait.to
                .iter()
                .chain(&wait.since)
                .for_each(|mark| linter.mark_known(mark, marks));
        }
        Step::Play(play) => {
            let known: Vec<&str> = signals.keys().map(String::as_str).collect();
            linter.named("E0110", "signal", &play.signal, &known);
        }
        Step::Http(http) if http.path.is_some() == http.settings.is_some() => {
            linter.error("E0125", step.span(), "an http names either `path` or `settings`");
        }
        Step::Resend(resend) => linter.mark_known(&resend.message, marks),
        Step::Respond(respond) => {
            if let (None, Some(mark)) = (respond.within, &respond.ack_mark) {
                linter
                    .error(
                        "E0128",
                        mark.span(),
                        "this step does not wait, so it cannot mark the PRACK or ACK",
                    )
                    .help = Some("add within".to_owned());
            }
            if respond.reliable && !(101..200).contains(&respond.status) {
                linter.error(
                    "E0128",
                    step.span(),
                    format!(
                        "{} is not a provisional response that can be reliable (RFC 3262 3)",
                        respond.status
                    ),
                );
            }
        }
        Step::Send(send) => {
            if send.text.is_some() == send.file.is_some() {
                linter.error("E0125", step.span(), "a send names either `text` or `file`");
            }
            if let (None, Some(mark)) = (send.within, &send.answer_mark) {
                linter
                    .error(
                        "E0128",
                        mark.span(),
                        "this step does not wait, so it cannot mark the answer",
                    )
                    .help = Some("add within".to_owned());
            }
        }
        Step::Intercept(intercept) => {
            match (&intercept.request, &intercept.response) {
                (Some(_), None) => {}
                (None, Some(status)) => linter.status(status),
                _ => {
                    linter.error(
                        "E0125",
                        step.span(),
                        "an intercept names either `request` or `response`",
                    );
                }
            }
            if (intercept.action == crate::Interception::Delay) != intercept.delay.is_some() {
                linter.error(
                    "E0128",
                    step.span(),
                    "`delay` goes with do = \"delay\", and with nothing else",
                );
            }
        }
        Step::Device(action) => {
            let capability = action.capability();
            if !case.needs.iter().any(|needed| **needed == capability) {
                linter
                    .error(
                        "E0116",
                        step.span(),
                        format!("`{}` wants the capability `{}`", action.name(), capability.name()),
                    )
                    .help = Some(format!("add \"{}\" to `needs`", capability.name()));
            }
            match action {
                crate::DeviceAction::Dial(dial) | crate::DeviceAction::Consult(dial) => {
                    linter.named("E0119", "actor", &dial.to, &ACTORS);
                }
                crate::DeviceAction::Transfer(transfer) => {
                    linter.named("E0119", "actor", &transfer.to, &ACTORS);
                }
                _ => {}
            }
        }
        _ => {}
    }
}

fn lint_check(linter: &mut Linter<'_>, check: &Located<Check>, marks: &[String]) {
    let kinds = check.kinds();
    let [kind] = kinds.as_slice() else {
        linter
            .error(
                "E0115",
                check.id.span(),
                format!("check `{}` asks {} questions", *check.id, kinds.len()),
            )
            .help =
            Some(
                "give it exactly one of message, messages, gap, retransmissions, rtp, dtmf, inband, rtcp, connections, services, impairment, fuzz"
                    .to_owned(),
            );
        return;
    };
    match kind {
        CheckKind::Message(message) => {
            linter.mark_known(&message.at, marks);
            linter.expression(&message.expect, &message_environment(marks));
        }
        CheckKind::Messages(messages) => {
            [&messages.to, &messages.after, &messages.before, &messages.during]
                .into_iter()
                .flatten()
                .for_each(|mark| linter.mark_known(mark, marks));
            match (&messages.request, &messages.response) {
                (Some(_), None) => {}
                (None, Some(status)) => linter.status(status),
                _ => {
                    linter.error(
                        "E0125",
                        check.id.span(),
                        "`messages` names either `request` or `response`",
                    );
                }
            }
            if messages.within.is_some() && messages.after.is_none() {
                linter.error(
                    "E0125",
                    check.id.span(),
                    "`within` counts from the mark of `after`, and there is none",
                );
            }
            if let Some(expect) = &messages.expect {
                linter.expression(expect, &message_environment(marks));
            }
            if messages.expect.is_none() && messages.count.is_none() {
                linter.error(
                    "E0115",
                    check.id.span(),
                    "`messages` asks nothing: give it `count` or `expect`",
                );
            }
        }
        CheckKind::Gap(gap) => {
            linter.mark_known(&gap.from, marks);
            linter.mark_known(&gap.to, marks);
            if gap.min.is_none() && gap.max.is_none() {
                linter.error(
                    "E0115",
                    check.id.span(),
                    "`gap` asks nothing: give it `min` or `max`",
                );
            }
        }
        CheckKind::Retransmissions(copies) => {
            linter.mark_known(&copies.of, marks);
            copies
                .none_after
                .iter()
                .for_each(|mark| linter.mark_known(mark, marks));
        }
        CheckKind::Rtp(rtp) => {
            linter.stream(&rtp.stream);
            rtp.during.iter().for_each(|mark| linter.mark_known(mark, marks));
            linter.expression(&rtp.expect, &rtp_environment(marks));
        }
        CheckKind::Dtmf(dtmf) => {
            linter.stream(&dtmf.stream);
            if let Some(expect) = &dtmf.expect {
                linter.expression(expect, &dtmf_environment());
            }
            if dtmf.expect.is_none() && dtmf.digits.is_none() {
                linter.error(
                    "E0115",
                    check.id.span(),
                    "`dtmf` asks nothing: give it `digits` or `expect`",
                );
            }
        }
        CheckKind::Inband(inband) => {
            linter.stream(&inband.stream);
            inband
                .during
                .iter()
                .for_each(|mark| linter.mark_known(mark, marks));
            if let Some(expect) = &inband.expect {
                linter.expression(expect, &inband_environment());
            }
            if inband.expect.is_none() && inband.digits.is_none() {
                linter.error(
                    "E0115",
                    check.id.span(),
                    "`inband` asks nothing: give it `digits` or `expect`",
                );
            }
        }
        CheckKind::Rtcp(rtcp) => {
            linter.stream(&rtcp.stream);
            rtcp.during.iter().for_each(|mark| linter.mark_known(mark, marks));
            linter.expression(&rtcp.expect, &rtcp_environment(marks));
        }
        CheckKind::Connections(connections) => {
            if let Some(transport) = &connections.transport {
                linter.named("E0125", "transport", transport, &CONNECTION_TRANSPORTS);
            }
            connections
                .during
                .iter()
                .for_each(|mark| linter.mark_known(mark, marks));
            if let Some(expect) = &connections.expect {
                linter.expression(expect, &connection_environment());
            }
            if connections.expect.is_none() && connections.count.is_none() {
                linter.error(
                    "E0115",
                    check.id.span(),
                    "`connections` asks nothing: give it `count` or `expect`",
                );
            }
        }
        CheckKind::Services(services) => {
            services
                .during
                .iter()
                .for_each(|mark| linter.mark_known(mark, marks));
            if let Some(expect) = &services.expect {
                linter.expression(expect, &service_environment());
            }
            if services.expect.is_none() && services.count.is_none() {
                linter.error(
                    "E0115",
                    check.id.span(),
                    "`services` asks nothing: give it `count` or `expect`",
                );
            }
        }
        CheckKind::Impairment(impairment) => {
            linter.stream(&impairment.stream);
            linter.expression(&impairment.expect, &impairment_environment());
        }
        CheckKind::Fuzz(fuzz) => linter.expression(&fuzz.expect, &fuzz_environment()),
    }
}

/// Transports that a `connections` check may name.
const CONNECTION_TRANSPORTS: [&str; 5] = ["TCP", "TLS", "WS", "WSS", "DTLS"];

pub(crate) fn device(
    device: &DeviceFile,
    path: &Path,
    source: &Arc<str>,
    suite: Option<&Suite>,
) -> Vec<Diagnostic> {
    let mut linter = Linter {
        path,
        source,
        problems: Vec::new(),
    };
    if let Some(suite) = suite {
        let known: Vec<&str> = suite.ics.keys().map(String::as_str).collect();
        for item in device.ics.keys() {
            linter.named("E0117", "ICS item", item, &known);
        }
        if linter.problems.is_empty() {
            claims::claims(&mut linter, device, suite);
        }
    }
    for address in std::iter::once(&device.ixit.server).chain(&device.ixit.address) {
        if address.parse::<std::net::SocketAddr>().is_err() {
            linter
                .error(
                    "E0120",
                    address.span(),
                    format!("`{}` is not an IP address with a port", **address),
                )
                .help = Some("write 192.0.2.7:5060 or [2001:db8::7]:5060".to_owned());
        }
    }
    for driver in device.driver.iter() {
        if let Driver::Command(command) = &**driver {
            for action in command.action.keys() {
                linter.named("E0126", "action", action, &COMMAND_ACTIONS);
            }
        }
    }
    drivers(&mut linter, &device.driver);
    linter.problems
}

/// Drivers that cannot stand beside each other, and one that can be told nothing.
fn drivers(linter: &mut Linter<'_>, chain: &DriverChain) {
    let is_device = |driver: &Driver| !matches!(driver, Driver::Web(_) | Driver::Sip(_) | Driver::Manual(_));
    let mut seen: Vec<&Driver> = Vec::new();
    for driver in chain.iter() {
        if seen.iter().any(|other| other.name() == driver.name()) {
            linter.error(
                "E0150",
                driver.span(),
                format!("the driver `{}` is named twice", driver.name()),
            );
        } else if let Some(other) = seen.iter().find(|other| is_device(other) && is_device(driver)) {
            let (one, two) = (other.name(), driver.name());
            linter
                .error(
                    "E0150",
                    driver.span(),
                    format!("`{one}` and `{two}` are two devices, and a file is about one"),
                )
                .help = Some("write a file for each".to_owned());
        }
        if let Driver::Sip(sip) = &**driver
            && sip.is_idle()
        {
            linter
                .error(
                    "E0151",
                    driver.span(),
                    "the driver `sip` can tell the device nothing",
                )
                .help = Some("set `answer`, `refer`, `csta` or `check_sync`".to_owned());
        }
        seen.push(driver);
    }
}

/// Checks suites, cases and device files; returns the mistakes of all of them and how many files were read. Device files are held
/// against the ICS proforma of the suite that is checked with them, where there is one.
pub fn lint_paths(paths: &[&Path]) -> (Diagnostics, usize) {
    let mut problems = Vec::new();
    let mut files = 0;
    let mut proforma: Option<Suite> = None;
    let (folders, others): (Vec<&Path>, Vec<&Path>) = paths.iter().partition(|path| path.is_dir());
    for path in folders.into_iter().chain(others) {
        let result = if path.is_dir() {
            crate::load_suite(path).map(|suite| {
                files += suite.cases.len() + suite.limit_sources.len() + 1;
                proforma.get_or_insert(suite.suite);
            })
        } else if let Some(root) = path
            .parent()
            .and_then(Path::parent)
            .filter(|root| root.join("suite.toml").exists())
        {
            files += 1;
            crate::load_suite(root).map(drop).map_err(|all| {
                Diagnostics(
                    all.0
                        .into_iter()
                        .filter(|one| one.path.file_name() == path.file_name())
                        .collect(),
                )
            })
        } else {
            files += 1;
            crate::load_device(path, proforma.as_ref()).map(drop)
        };
        if let Err(more) = result {
            problems.extend(more.0);
        }
    }
    (Diagnostics(problems), files)
}
