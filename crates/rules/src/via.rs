//! Via of the device's own requests.

use voxproof_sip::Via;

use crate::catalogue::Id;
use crate::facts::Context;
use crate::observation::Transport;
use crate::text;

const COOKIE: &str = "z9hG4bK";

pub(crate) fn check_request(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    let value = facts.message.header("via").unwrap_or_default();
    cx.check(Id::ViaReadable, facts.via.is_some(), || {
        format!(
            "top Via {} has no protocol, transport and sent-by",
            text::shown(value)
        )
    });
    let Some(via) = &facts.via else { return };
    let branch = via.branch().unwrap_or_default();
    let cookie = branch.len() > COOKIE.len()
        && branch
            .get(..COOKIE.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(COOKIE));
    cx.check(Id::ViaCookie, cookie, || {
        format!("branch {branch:?} does not start with {COOKIE}")
    });
    let expected = facts.transport.as_str();
    cx.check(
        Id::ViaTransport,
        via.transport.eq_ignore_ascii_case(expected),
        || format!("Via says {}, the request came by {expected}", via.transport),
    );
    if facts.transport == Transport::Udp {
        cx.check(Id::ViaRport, via.rport().is_some(), || {
            "no rport parameter in the Via of a request by UDP".to_owned()
        });
    }
    if via.params.has("rport") {
        cx.check(Id::ViaRportEmpty, via.params.value("rport").is_none(), || {
            format!(
                "rport={} in a request; only the server fills it in",
                via.params.value("rport").unwrap_or_default()
            )
        });
    }
    let count = facts.message.vias().len();
    cx.check(Id::ViaSingle, count == 1, || {
        format!("{count} Via values in a request of a user agent")
    });
    if !matches!(facts.method, "ACK" | "CANCEL") && cookie {
        let known = branch.len() >= COOKIE.len() + 4;
        cx.check(Id::ViaBranchLength, known, || {
            format!("branch {branch:?} has fewer than 4 characters behind the cookie")
        });
    }
}

/// Whether two lists of Via are the same apart from what the server adds to the top one.
pub(crate) fn same(sent: &[Via], back: &[Via]) -> bool {
    sent.len() == back.len()
        && sent.iter().zip(back).all(|(one, other)| {
            one.transport.eq_ignore_ascii_case(&other.transport)
                && one.host.eq_ignore_ascii_case(&other.host)
                && one.port == other.port
                && parameters(one).eq(parameters(other))
        })
}

fn parameters(via: &Via) -> impl Iterator<Item = (String, Option<&str>)> {
    via.params
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| name != "received" && name != "rport")
}

/// What a server adds to the top Via of a request that came from `source` (RFC 3261 18.2.1, RFC 3581 4).
pub(crate) fn check_response(
    cx: &mut Context<'_, '_>,
    sent: &Via,
    source: std::net::SocketAddr,
    translated: bool,
) {
    let Some(back) = &cx.facts.via else { return };
    let literal = sent.host.parse::<std::net::IpAddr>().ok();
    let received = back
        .received()
        .map(|text| text.trim_matches(['[', ']']).to_owned());
    if !translated {
        if literal != Some(source.ip()) {
            cx.check(Id::ViaReceived, received.is_some(), || {
                format!(
                    "sent-by {} is not the source {}, but no received was added",
                    sent.host,
                    source.ip()
                )
            });
        }
        if let Some(received) = &received
            && sent.received().is_none()
        {
            let right = received.parse::<std::net::IpAddr>().ok() == Some(source.ip());
            cx.check(Id::ViaReceivedValue, right, || {
                format!("received={received}, the request came from {}", source.ip())
            });
        }
    }
    if sent.rport() == Some(None) {
        let filled = back.rport().flatten();
        cx.check(Id::ViaRportFilled, filled.is_some(), || {
            "the request asked for rport, the response has none".to_owned()
        });
        if let Some(port) = filled
            && !translated
        {
            cx.check(Id::ViaRportValue, port == source.port(), || {
                format!("rport={port}, the request came from port {}", source.port())
            });
        }
    }
}
