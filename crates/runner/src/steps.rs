//! Steps of a case as orders to the station and to the device.

use std::collections::BTreeMap;
use std::time::Duration;

use voxproof_call::{
    CallError, ChallengeOptions, Ice, InviteOptions, MediaSecurity, NotifierOptions, OfferSpec,
    RegistrarBehaviour, ReinviteOptions, RequestOptions, RespondOptions, Script, ShownCertificate, Station,
    TlsManner, Trap, TrapAction,
};
use voxproof_rtp::impairment::{ImpairmentSpec, Jitter, Loss, Rate, Reorder};
use voxproof_sip::Transport;
use voxproof_sip::mutate as sip;
use voxproof_spec::{
    AnswerWith, BranchMutation, CallStep, Certificate, ChallengeStep, ConnectionStep, Direction, ImpairStep,
    InterceptStep, Interception, MediaProfile, Mutation, NotifierStep, Offer, RecordRoute, RegistrarStep,
    Reinvite, RequestStep, Respond, Step, Way, Withhold,
};

/// A peer waits this long for the response to a BYE, a CANCEL or another request.
pub(crate) const RESPONSE: Duration = Duration::from_secs(2);
/// A peer waits this long for the answer to a re-INVITE.
pub(crate) const REINVITE: Duration = Duration::from_secs(4);

/// What a case offers that does not care for codecs.
const ANY_CODECS: [&str; 2] = ["PCMU", "PCMA"];

/// What a peer offers: what the case says, and where that does not say anything, what the device is set to.
pub(crate) fn offer(offer: Option<&Offer>, device: &MediaProfile) -> OfferSpec {
    let protection = |security| match security {
        voxproof_spec::MediaSecurity::None => MediaSecurity::None,
        voxproof_spec::MediaSecurity::Sdes => MediaSecurity::Sdes,
        voxproof_spec::MediaSecurity::Dtls => MediaSecurity::Dtls,
    };
    let Some(offer) = offer else {
        return OfferSpec {
            codecs: device.codecs.clone(),
            security: protection(device.security),
            ..OfferSpec::default()
        };
    };
    let any = offer.codecs.iter().map(|name| name.as_str()).eq(ANY_CODECS);
    OfferSpec {
        codecs: if any {
            device.codecs.clone()
        } else {
            offer.codecs.iter().map(|name| name.to_string()).collect()
        },
        telephone_event: Some(offer.telephone_event).filter(|payload_type| *payload_type != 0),
        direction: match offer.direction {
            Direction::SendRecv => voxproof_sip::sdp::Direction::SendRecv,
            Direction::SendOnly => voxproof_sip::sdp::Direction::SendOnly,
            Direction::RecvOnly => voxproof_sip::sdp::Direction::RecvOnly,
            Direction::Inactive => voxproof_sip::sdp::Direction::Inactive,
        },
        connection: offer.connection.as_ref().and_then(|text| text.parse().ok()),
        payload_types: offer
            .payload_types
            .iter()
            .map(|(name, payload_type)| (name.to_ascii_lowercase(), *payload_type))
            .collect(),
        ptime: offer.ptime.map(u32::from),
        maxptime: offer.maxptime.map(u32::from),
        security: match offer.security {
            voxproof_spec::MediaSecurity::None => protection(device.security),
            security => protection(security),
        },
        suites: offer.suites.clone(),
        mki: offer.mki,
        setup: offer.setup.clone(),
        wrong_fingerprint: offer.wrong_fingerprint,
        protocol: offer.protocol.clone(),
        rtcp_mux: offer.rtcp_mux,
        rtcp_xr: offer.rtcp_xr,
        ice: offer.ice.map(|ice| match ice {
            voxproof_spec::Ice::Lite => Ice::Lite,
            voxproof_spec::Ice::Full => Ice::Full,
        }),
        attributes: offer.attributes.clone(),
        sections: offer.sections.clone(),
    }
}

/// The network that a step describes; nothing for none.
pub(crate) fn network(step: &ImpairStep) -> Result<Option<ImpairmentSpec>, String> {
    if step.profile.as_deref() == Some("none") {
        return Ok(None);
    }
    let mut spec = match &step.profile {
        None => ImpairmentSpec::default(),
        Some(name) => ImpairmentSpec::profile(name).ok_or_else(|| format!("there is no network `{name}`"))?,
    };
    let share = |percent: f64| percent / 100.0;
    let ms = |span: voxproof_spec::Span| span.0.as_secs_f64() * 1e3;
    if let Some(delay) = step.delay {
        spec.delay_ms = ms(delay);
    }
    if let Some(deviation) = step.jitter.map(ms) {
        // cut off at three standard deviations, around a mean that keeps it from being early
        spec.jitter = Jitter::Normal {
            mean_ms: 3.0 * deviation,
            deviation_ms: deviation,
            maximum_ms: 6.0 * deviation,
        };
    }
    spec.keep_order |= step.keep_order;
    if let Some(loss) = step.loss_percent.map(share) {
        spec.loss = match step.burst {
            Some(burst) => Loss::bursts(loss, burst).map_err(|error| error.to_string())?,
            None => Loss::Random { probability: loss },
        };
    }
    if let Some(duplicates) = step.duplicate_percent {
        spec.duplication = share(duplicates);
    }
    if let Some(reordered) = step.reorder_percent {
        spec.reorder = Some(Reorder {
            probability: share(reordered),
            distance: 1,
        });
    }
    if let Some(kbps) = step.rate_kbps {
        spec.rate = Some(Rate {
            bits_per_second: f64::from(kbps) * 1000.0,
            burst_octets: 1500,
            queue_octets: 15_000,
        });
    }
    spec.validate().map_err(|error| error.to_string())?;
    Ok(Some(spec))
}

pub(crate) fn registrar(step: &RegistrarStep, station: &Station) -> Result<RegistrarBehaviour, CallError> {
    Ok(RegistrarBehaviour {
        min_expires: step.min_expires,
        grant: step.grant,
        stale_once: step.stale_once,
        algorithms: step.algorithms.clone(),
        qop: step.qop.clone(),
        path: step.path.as_deref().map(|text| fill(text, station)).transpose()?,
        service_route: step
            .service_route
            .as_deref()
            .map(|text| fill(text, station))
            .transpose()?,
        other_contacts: step
            .other_contacts
            .iter()
            .map(|text| fill(text, station))
            .collect::<Result<_, _>>()?,
    })
}

/// Where the device reaches the lab; without the transport it would look for that over UDP (RFC 3263 4.1).
fn hop(station: &Station) -> String {
    let transport = station.transport();
    let address = station.address(transport);
    match transport {
        Transport::Udp => address.to_string(),
        other => format!("{address};transport={}", other.parameter()),
    }
}

/// So many letters at most stand for `{long:N}`: more than a message may be long.
const LONGEST: usize = 70_000;

/// Letters for each `{long:N}`.
fn lengthened(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{long:") {
        out += before;
        let (length, behind) = after.split_once('}').unwrap_or((after, ""));
        out += &"x".repeat(length.parse().unwrap_or(0).min(LONGEST));
        rest = behind;
    }
    out + rest
}

/// Fills in what a value names: `{server}`, `{transport}`, `{replaces:ACTOR}`, `{replaces_uri:ACTOR}`, `{long:N}`.
fn fill(text: &str, station: &Station) -> Result<String, CallError> {
    let transport = station.transport();
    let mut out = lengthened(text)
        .replace("{hop}", &hop(station))
        .replace("{server}", &station.server().to_string())
        .replace("{transport}", transport.parameter());
    for actor in ["peer_a", "peer_b", "peer_c"] {
        let (plain, escaped) = (
            format!("{{replaces:{actor}}}"),
            format!("{{replaces_uri:{actor}}}"),
        );
        if out.contains(&plain) || out.contains(&escaped) {
            let value = station.replaces(actor)?;
            // what a URI's header part may not hold as it is (RFC 3261 19.1.1)
            let in_uri = value.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
            out = out.replace(&plain, &value).replace(&escaped, &in_uri);
        }
    }
    Ok(out)
}

fn headers(
    written: &BTreeMap<String, String>,
    station: &Station,
) -> Result<BTreeMap<String, String>, CallError> {
    written
        .iter()
        .map(|(name, value)| Ok((name.clone(), fill(value, station)?)))
        .collect()
}

/// What proxies between lab and device would have recorded, topmost first.
fn record_route(route: Option<RecordRoute>, station: &Station) -> Vec<String> {
    let server = hop(station);
    match route {
        None => vec![],
        Some(RecordRoute::Loose) => vec![format!("<sip:proxy@{server};lr>")],
        Some(RecordRoute::Strict) => vec![format!("<sip:proxy@{server}>")],
        Some(RecordRoute::Two) => vec![
            format!("<sip:proxy-2@{server};lr>"),
            format!("<sip:proxy-1@{server};lr>"),
        ],
    }
}

fn mutations(written: &[Mutation]) -> Vec<sip::Mutation> {
    written.iter().map(mutation).collect()
}

fn mutation(written: &Mutation) -> sip::Mutation {
    use sip::Mutation as M;
    match written.clone() {
        Mutation::DropHeader(name) => M::DropHeader(name),
        Mutation::DuplicateHeader(name) => M::DuplicateHeader(name),
        Mutation::ReorderHeader { header, before } => M::ReorderHeader { name: header, before },
        Mutation::FoldHeader(name) => M::FoldHeader(name),
        Mutation::SetHeader { header, value } => M::SetHeader { name: header, value },
        Mutation::AddHeader { header, value, first } => M::AddHeader {
            name: header,
            value,
            first,
        },
        Mutation::RenameHeader { header, to } => M::RenameHeader { name: header, to },
        Mutation::Branch(branch) => M::WrongBranch(match branch {
            BranchMutation::NoCookie => sip::BranchMistake::NoCookie,
            BranchMutation::New => sip::BranchMistake::Other,
            BranchMutation::Empty => sip::BranchMistake::Empty,
        }),
        Mutation::ContentLength(text) => {
            M::ContentLength(match text.strip_prefix('+').unwrap_or(&text).parse::<i64>() {
                // a sign makes it a difference to the right number
                Ok(delta) if text.starts_with(['+', '-']) => sip::LengthMistake::Delta(delta),
                _ => sip::LengthMistake::Text(text),
            })
        }
        Mutation::Body(text) => M::Body(text.into_bytes()),
        Mutation::BodyHex(text) => M::Body(hexadecimal(&text)),
        Mutation::Append(text) => M::AppendBytes(text.into_bytes()),
        Mutation::StartLine(text) => M::StartLine(text),
        Mutation::Method(text) => M::Method(text),
        Mutation::Version(text) => M::Version(text),
        Mutation::BareLf(_) => M::LineEnding(sip::LineEnding::Lf),
        Mutation::SpaceBeforeColon(name) => M::SpaceBeforeColon(name),
        Mutation::Whitespace(name) => M::ExtraWhitespace(name),
        Mutation::NullIn(name) => M::NullByte(name),
        Mutation::InvalidUtf8In(name) => M::NonUtf8(name),
        Mutation::LongValue { header, length } => M::LongValue {
            name: header,
            length: length as usize,
        },
        Mutation::Truncate(length) => M::Truncate { at: length as usize },
        Mutation::Replace { find, with } => M::ReplaceBytes {
            find: find.into_bytes(),
            with: with.into_bytes(),
        },
    }
}

/// Octets from hexadecimal text; lint has seen that it is.
fn hexadecimal(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |value, digit| value << 4 | digit))
        .collect()
}

pub(crate) fn invite(
    step: &CallStep,
    station: &Station,
    device: &MediaProfile,
) -> Result<InviteOptions, CallError> {
    Ok(InviteOptions {
        offer: offer(step.offer.as_ref(), device),
        offerless: step.offerless,
        headers: headers(&step.headers, station)?,
        withhold_ack: step.withhold == Some(Withhold::Ack),
        withhold_failure_ack: step.withhold == Some(Withhold::FailureAck),
        withhold_prack: step.withhold == Some(Withhold::Prack),
        record_route: record_route(step.record_route, station),
        mutate: mutations(&step.mutate),
    })
}

pub(crate) fn reinvite(
    step: &Reinvite,
    station: &Station,
    device: &MediaProfile,
) -> Result<ReinviteOptions, CallError> {
    Ok(ReinviteOptions {
        offer: offer(step.offer.as_ref(), device),
        offerless: step.offerless,
        update: step.update,
        move_rtp: step.move_rtp,
        rekey: step.rekey,
        headers: headers(&step.headers, station)?,
        mutate: mutations(&step.mutate),
    })
}

pub(crate) fn request(step: &RequestStep, station: &Station) -> Result<RequestOptions, CallError> {
    let mut headers = headers(&step.headers, station)?;
    let to_tag = headers.remove("To-Tag");
    let cseq_offset = headers
        .remove("CSeq-Offset")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    Ok(RequestOptions {
        method: step.method.clone(),
        in_dialog: step.in_dialog,
        headers,
        body: step.body.clone(),
        to_tag,
        cseq_offset,
        mutate: mutations(&step.mutate),
    })
}

pub(crate) fn respond(
    step: &Respond,
    station: &Station,
    device: &MediaProfile,
) -> Result<RespondOptions, CallError> {
    let session = step.session || step.offer.is_some();
    Ok(RespondOptions {
        status: step.status,
        reason: step.reason.clone(),
        branch: step.branch.clone(),
        reliable: step.reliable,
        session: session.then(|| offer(step.offer.as_ref(), device)),
        headers: headers(&step.headers, station)?,
        record_route: record_route(step.record_route, station),
        mutate: mutations(&step.mutate),
    })
}

pub(crate) fn challenge(step: &ChallengeStep) -> ChallengeOptions {
    ChallengeOptions {
        realms: step.realms.clone(),
        algorithms: step.algorithms.clone(),
        qop: step.qop.clone(),
        callee: step.callee,
    }
}

pub(crate) fn script(step: &AnswerWith, station: &Station) -> Result<Script, CallError> {
    Ok(Script {
        method: step.request.to_string(),
        status: step.status,
        headers: headers(&step.headers, station)?,
        times: step.times,
        mutate: mutations(&step.mutate),
    })
}

pub(crate) fn certificate(written: Certificate) -> ShownCertificate {
    match written {
        Certificate::Right => ShownCertificate::Right,
        Certificate::Expired => ShownCertificate::Expired,
        Certificate::NotYetValid => ShownCertificate::NotYetValid,
        Certificate::WrongName => ShownCertificate::WrongName,
        Certificate::SelfSigned => ShownCertificate::SelfSigned,
        Certificate::UnknownAuthority => ShownCertificate::UnknownAuthority,
    }
}

pub(crate) fn tls(step: &ConnectionStep) -> TlsManner {
    use voxproof_spec::{ClientCertificate, TlsVersion};
    TlsManner {
        certificate: certificate(step.certificate.unwrap_or(Certificate::Right)),
        only: step.tls.map(|version| match version {
            TlsVersion::V12 => 12,
            TlsVersion::V13 => 13,
        }),
        ask: step.client_certificate == Some(ClientCertificate::Request),
        require: step.client_certificate == Some(ClientCertificate::Require),
    }
}

pub(crate) fn notifier(step: &NotifierStep) -> NotifierOptions {
    NotifierOptions {
        package: step.package.clone(),
        expires: step.expires,
        state: step.state.clone(),
    }
}

/// Lowest and highest status that a pattern names.
fn statuses(pattern: &str) -> (u16, u16) {
    match pattern {
        "any" => (100, 699),
        "final" => (200, 699),
        _ => match (
            pattern.parse(),
            pattern.chars().next().and_then(|c| c.to_digit(10)),
        ) {
            (Ok(status), _) => (status, status),
            (_, Some(class)) => (class as u16 * 100, class as u16 * 100 + 99),
            _ => (0, 0),
        },
    }
}

pub(crate) fn trap(step: &InterceptStep) -> Trap {
    Trap {
        way: match step.way {
            Way::ToDevice => voxproof_call::Way::ToDevice,
            Way::FromDevice => voxproof_call::Way::FromDevice,
        },
        method: step.request.as_ref().map(|name| name.to_string()),
        statuses: step.response.as_ref().map_or((0, 0), |pattern| statuses(pattern)),
        action: match step.action {
            Interception::Drop => TrapAction::Drop,
            Interception::Hold => TrapAction::Hold,
            Interception::Duplicate => TrapAction::Duplicate,
            Interception::Delay => TrapAction::Delay(step.delay.map_or(Duration::ZERO, |span| span.0)),
        },
        times: step.times,
    }
}

/// A step in words, for progress and journal.
pub(crate) fn describe(step: &Step) -> String {
    match step {
        Step::Registrar(_) => "registrar changes its behaviour".to_owned(),
        Step::Call(call) => format!("{} calls the device", *call.from),
        Step::ReceiveCall(call) => format!("{} waits for a call", *call.at),
        Step::Await(wait) => match (&wait.request, &wait.response) {
            (Some(method), _) => format!("wait for {} from the device", **method),
            (None, status) => {
                format!(
                    "wait for response {}",
                    status.as_ref().map_or("", |status| status.as_str())
                )
            }
        },
        Step::Respond(respond) => match &respond.branch {
            Some(branch) => format!("{} responds {} as branch {branch}", *respond.at, respond.status),
            None => format!("{} responds {}", *respond.at, respond.status),
        },
        Step::Challenge(challenge) => format!("{} asks for credentials", *challenge.at),
        Step::AnswerWith(answer) => match answer.status {
            Some(status) => format!("{} is to be answered {status}", *answer.request),
            None => format!("{} is not to be answered", *answer.request),
        },
        Step::Notifier(notifier) => format!("the lab serves {}", notifier.package),
        Step::Notify(notify) => format!("the lab notifies {}", notify.package),
        Step::Send(send) => match &send.file {
            Some(file) => format!("{} sends {}", *send.from, **file),
            None => format!("{} sends bytes", *send.from),
        },
        Step::Intercept(intercept) => format!(
            "{} {} {}",
            match intercept.action {
                Interception::Drop => "lose",
                Interception::Hold => "hold",
                Interception::Duplicate => "double",
                Interception::Delay => "delay",
            },
            intercept
                .request
                .as_ref()
                .or(intercept.response.as_ref())
                .map_or("", |name| name.as_str()),
            match intercept.way {
                Way::ToDevice => "to the device",
                Way::FromDevice => "from the device",
            }
        ),
        Step::Release(_) => "held messages go on".to_owned(),
        Step::Connection(connection) if connection.close => "the lab closes its connections".to_owned(),
        Step::Connection(connection) => match (connection.accept, connection.pong) {
            (Some(false), _) => "the lab takes no connections".to_owned(),
            (_, Some(false)) => "the lab gives no pong".to_owned(),
            _ => "the lab takes connections".to_owned(),
        },
        Step::Fuzz(fuzz) => format!("{} sends {} mutated messages", *fuzz.from, fuzz.count),
        Step::Dtmf(dtmf) => format!("{} sends digits {}", *dtmf.from, dtmf.digits),
        Step::Echo(echo) if echo.on => format!("{} sends back what it gets", *echo.at),
        Step::Echo(echo) => format!("{} sends nothing back", *echo.at),
        Step::Impair(impair) => format!("bad network at {}", *impair.at),
        Step::Ack(ack) => format!("{} acknowledges", *ack.from),
        Step::Bye(bye) => format!("{} ends the call", *bye.from),
        Step::Cancel(cancel) => format!("{} cancels the call", *cancel.from),
        Step::Reinvite(change) if change.update => format!("{} updates the session", *change.from),
        Step::Reinvite(change) => format!("{} changes the session", *change.from),
        Step::Request(request) => format!("{} sends {}", *request.from, request.method),
        Step::Resend(resend) => format!("`{}` is sent once more", *resend.message),
        Step::Play(play) => format!("{} plays {} for {}", *play.from, *play.signal, play.duration),
        Step::Dns(_) => "DNS changes what it answers".to_owned(),
        Step::Http(http) => match &http.path {
            Some(path) => format!("HTTP serves {}", **path),
            None => "HTTP serves the settings of the device".to_owned(),
        },
        Step::Https(_) => "HTTPS shows another certificate".to_owned(),
        Step::AwaitService(wait) => format!("wait for {:?} of the device", wait.service),
        Step::Wait(wait) => format!("wait {}", wait.duration),
        Step::Device(action) => format!("device: {}", action.name().replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_long() {
        assert_eq!(lengthened("a{long:3}b{long:1}"), "axxxbx");
        assert_eq!(lengthened("{server}"), "{server}");
        assert_eq!(lengthened("{long:x}{long:"), "");
        assert_eq!(lengthened("{long:999999999}").len(), LONGEST);
    }
}
