//! REGISTER requests (RFC 3261 10).

use std::time::Duration;

use voxproof_sip::{NameAddr, Uri};

use crate::catalogue::Id;
use crate::facts::Context;
use crate::reading::Reading;
use crate::text;

/// What is remembered of an address-of-record at a registrar.
#[derive(Debug, Default)]
pub(crate) struct Registration {
    call_id: String,
    number: u32,
    /// The last REGISTER and whether it has a final response.
    pub(crate) pending: Option<(u64, Duration)>,
    /// Contact of the binding; another one is another start of the device.
    contact: Option<Uri>,
    min_expires: Option<u32>,
}

pub(crate) fn key(uri: &str, to: Option<&NameAddr>) -> u64 {
    text::hash(&(
        uri,
        to.map(|to| (to.uri.user.clone(), to.uri.host.to_ascii_lowercase())),
    ))
}

pub(crate) fn check(
    cx: &mut Context<'_, '_>,
    registration: &mut Registration,
    transaction: u64,
    pending: bool,
) {
    let facts = cx.facts;
    let message = facts.message;
    let user = Uri::parse(facts.uri).ok().and_then(|uri| uri.user);
    cx.check(Id::RegisterUri, user.is_none(), || {
        format!("Request-URI {} has a user part", text::shown(facts.uri))
    });
    if let (Some(from), Some(to)) = (&facts.from, &facts.to) {
        cx.check(Id::RegisterFrom, text::same_name(&from.uri, &to.uri), || {
            format!("From {} and To {} differ", from.uri, to.uri)
        });
    }
    star(cx);
    let contact = message
        .contacts()
        .iter()
        .flatten()
        .next()
        .map(|contact| contact.uri.clone());
    let restarted = contact.is_some() && registration.contact.is_some() && registration.contact != contact;
    if registration.call_id.is_empty() || restarted {
        registration.call_id = facts.call_id.to_owned();
    } else if registration.call_id == facts.call_id {
        let last = registration.number;
        cx.check(Id::RegisterCseq, facts.number() > last, || {
            format!(
                "CSeq number {}, the last REGISTER of this Call-ID had {last}",
                facts.number()
            )
        });
    }
    let same = registration.call_id == facts.call_id;
    cx.check(Id::RegisterCall, same, || {
        format!(
            "Call-ID {}, earlier REGISTERs had {}",
            text::shown(facts.call_id),
            text::shown(&registration.call_id)
        )
    });
    // without a binding nothing is left to refresh
    registration.call_id = if requested(message) == Some(0) {
        String::new()
    } else {
        facts.call_id.to_owned()
    };
    registration.contact = contact.or_else(|| registration.contact.take());
    registration.number = facts.number();
    if facts.has("contact") {
        cx.check(Id::RegisterOne, !pending, || {
            "REGISTER while the one before has no final response".to_owned()
        });
    }
    if let Some(least) = registration.min_expires.take() {
        let asked = requested(message);
        if let Some(asked) = asked.filter(|asked| *asked > 0) {
            cx.check(Id::MinExpires, asked >= least, || {
                format!("asks for {asked} s after 423 with Min-Expires {least}")
            });
        }
    }
    registration.pending = Some((transaction, facts.spot.at));
}

impl Registration {
    /// A 423 of the lab (RFC 3261 10.2.8).
    pub(crate) fn too_brief(&mut self, least: Option<u32>) {
        self.min_expires = least;
    }
}

fn requested(message: &Reading<'_>) -> Option<u32> {
    message
        .contacts()
        .iter()
        .flatten()
        .next()
        .and_then(|contact| contact.params.value("expires"))
        .map_or_else(|| message.expires(), |value| value.parse().ok())
}

fn star(cx: &mut Context<'_, '_>) {
    let message = cx.facts.message;
    if !message.has_star() {
        return;
    }
    let alone = message.header_values("contact").len() == 1;
    let zero = message.header("expires").map(str::trim) == Some("0");
    cx.check(Id::RegisterStar, alone && zero, || {
        "Contact * needs Expires: 0 and no other Contact".to_owned()
    });
}

trait Star {
    fn has_star(&self) -> bool;
}

impl Star for Reading<'_> {
    fn has_star(&self) -> bool {
        text::lists(self, "contact", "*")
    }
}
