//! Header fields that stand for themselves: Allow, Supported, Require, Date, Warning, Expires and others.

use voxproof_sip::{HeaderView, OwnView};

use crate::catalogue::Id;
use crate::facts::Context;
use crate::text::{is_digits, is_token, lists, shown, tokens};

/// Option tags of the IANA registry.
const OPTION_TAGS: &[&str] = &[
    "100rel",
    "199",
    "answermode",
    "early-session",
    "eventlist",
    "explicitsub",
    "from-change",
    "geolocation-http",
    "geolocation-sip",
    "gin",
    "gruu",
    "histinfo",
    "ice",
    "join",
    "multiple-refer",
    "norefersub",
    "nosub",
    "outbound",
    "path",
    "policy",
    "precondition",
    "pref",
    "privacy",
    "recipient-list-invite",
    "recipient-list-message",
    "recipient-list-subscribe",
    "record-aware",
    "replaces",
    "resource-priority",
    "sdp-anat",
    "sec-agree",
    "siprec",
    "tdialog",
    "timer",
    "trickle-ice",
    "uui",
];

pub(crate) fn is_known_option(tag: &str) -> bool {
    OPTION_TAGS.iter().any(|known| known.eq_ignore_ascii_case(tag))
}

pub(crate) fn check(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    let message = facts.message;
    lists_of_tokens(cx);
    if facts.is_request {
        if facts.method == "INVITE" && facts.tag_of_to().is_none() {
            cx.check(Id::InviteAllow, facts.has("allow"), || {
                "INVITE without Allow".to_owned()
            });
            cx.check(Id::InviteSupported, facts.has("supported"), || {
                "INVITE without Supported".to_owned()
            });
        }
        if matches!(facts.method, "CANCEL") {
            let none = !facts.has("require") && !facts.has("proxy-require");
            cx.check(Id::CancelRequire, none, || {
                "CANCEL has Require or Proxy-Require".to_owned()
            });
        }
    } else {
        responses(cx);
    }
    if let Some(value) = message.header("date") {
        cx.check(Id::DateForm, is_date(value), || {
            format!("Date {} is not a date of RFC 1123 in GMT", shown(value))
        });
    }
    for value in message.headers("warning") {
        cx.check(Id::WarningForm, is_warning(value), || {
            format!(
                "Warning {} is not a code of three digits, an agent and a quoted text",
                shown(value)
            )
        });
    }
    if let Some(value) = message.header("expires") {
        let valid = is_digits(value) && value.parse::<u32>().is_ok();
        cx.check(Id::ExpiresForm, valid, || {
            format!("Expires {} is not a number below 2**32", shown(value))
        });
    }
    if let Some(value) = message.header("retry-after") {
        let digits = value.split([';', '(', ' ']).next().unwrap_or_default();
        cx.check(Id::RetryAfterForm, is_digits(digits), || {
            format!("Retry-After {} does not start with seconds", shown(value))
        });
    }
    if let Some(value) = message.header("replaces") {
        let parameters = voxproof_sip::Params::parse(value.split_once(';').map_or("", |(_, rest)| rest));
        let valid = value
            .split(';')
            .next()
            .is_some_and(|call_id| !call_id.trim().is_empty())
            && parameters.value("to-tag").is_some()
            && parameters.value("from-tag").is_some();
        cx.check(Id::ReplacesForm, valid, || {
            format!("Replaces {} lacks Call-ID, to-tag or from-tag", shown(value))
        });
    }
    if let Some(value) = message.header("referred-by") {
        cx.check(Id::ReferredByForm, OwnView.name_addr(value).is_ok(), || {
            format!("Referred-By {} is not an address", shown(value))
        });
    }
}

fn lists_of_tokens(cx: &mut Context<'_, '_>) {
    let message = cx.facts.message;
    for name in ["allow", "supported", "require", "proxy-require", "unsupported"] {
        let Some(_) = message.header(name) else { continue };
        let odd = tokens(message, name).find(|element| !is_token(element));
        cx.check(Id::TokenLists, odd.is_none(), || {
            format!("{name} has {}, which is no token", shown(odd.unwrap_or_default()))
        });
        if matches!(name, "supported" | "require" | "proxy-require") {
            let unknown = tokens(message, name).find(|tag| !is_known_option(tag));
            cx.check(Id::OptionTags, unknown.is_none(), || {
                format!(
                    "{name} has the option tag {}, which is not registered",
                    shown(unknown.unwrap_or_default())
                )
            });
        }
    }
    if lists(message, "allow", "INVITE") {
        let both = lists(message, "allow", "ACK") && lists(message, "allow", "CANCEL");
        cx.check(Id::AllowComplete, both, || {
            "Allow lists INVITE but not both ACK and CANCEL".to_owned()
        });
    }
}

fn responses(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    let needs = |name: &str| facts.has(name);
    match facts.status {
        401 => cx.check(Id::ChallengePresent, needs("www-authenticate"), || {
            "401 without WWW-Authenticate".to_owned()
        }),
        407 => cx.check(Id::ChallengePresent, needs("proxy-authenticate"), || {
            "407 without Proxy-Authenticate".to_owned()
        }),
        405 => cx.check(Id::AllowIn405, needs("allow"), || "405 without Allow".to_owned()),
        415 => {
            let any = ["accept", "accept-encoding", "accept-language"]
                .into_iter()
                .any(needs);
            cx.check(Id::AcceptIn415, any, || {
                "415 without Accept, Accept-Encoding or Accept-Language".to_owned()
            });
        }
        420 => cx.check(Id::UnsupportedIn420, needs("unsupported"), || {
            "420 without Unsupported".to_owned()
        }),
        422 => cx.check(Id::MinSeIn422, needs("min-se"), || {
            "422 without Min-SE".to_owned()
        }),
        200..300 if facts.method == "INVITE" => {
            cx.check(Id::SuccessAllow, needs("allow") && needs("supported"), || {
                format!("{} to INVITE without Allow or Supported", facts.status)
            });
        }
        200..300 if facts.method == "OPTIONS" => {
            cx.check(Id::OptionsAllow, needs("allow"), || {
                format!("{} to OPTIONS without Allow", facts.status)
            });
        }
        _ => {}
    }
}

/// `rfc1123-date` (RFC 3261 25.1): `Sat, 13 Nov 2010 23:29:00 GMT`.
fn is_date(value: &str) -> bool {
    let parts: Vec<&str> = value.split(' ').collect();
    let [day, date, month, year, time, zone] = parts.as_slice() else {
        return false;
    };
    let days = ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"];
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let two = |text: &str| text.len() == 2 && is_digits(text);
    days.iter().any(|known| known.eq_ignore_ascii_case(day))
        && two(date)
        && months.iter().any(|known| known.eq_ignore_ascii_case(month))
        && year.len() == 4
        && is_digits(year)
        && time.split(':').count() == 3
        && time.split(':').all(two)
        && *zone == "GMT"
}

/// One or more `warning-value` (RFC 3261 20.43).
fn is_warning(value: &str) -> bool {
    let (code, rest) = value.split_once(' ').unwrap_or((value, ""));
    let (agent, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let text = text.trim();
    code.len() == 3
        && is_digits(code)
        && !agent.is_empty()
        && !agent.starts_with('"')
        && text.len() >= 2
        && text.starts_with('"')
        && text.ends_with('"')
}
