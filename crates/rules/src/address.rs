//! From, To, Call-ID and Contact.

use voxproof_sip::{NameAddr, Uri};

use crate::catalogue::Id;
use crate::facts::Context;
use crate::form::check_user;
use crate::text::{self, is_token, shown};

pub(crate) fn check(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    if facts.is_request {
        for (name, address) in [("from", &facts.from), ("to", &facts.to)] {
            if let Some(value) = facts.message.header(name) {
                check_value(cx, value, address.as_deref(), Id::FromToReadable);
            }
        }
        if let Some(from) = &facts.from {
            check_user(cx, from.uri.user.as_deref());
            cx.check(Id::FromTag, from.tag().is_some(), || "From has no tag".to_owned());
        }
        if let (Some(own), Some(peer)) = (facts.tag_of_from(), facts.tag_of_to()) {
            cx.check(Id::TagsDiffer, own != peer, || {
                format!("From and To have the same tag {own:?}")
            });
        }
        call_id(cx);
    }
    if let Some(tag) = facts.tags().0 {
        cx.check(Id::TagLength, tag.len() > 5, || {
            format!(
                "tag {tag:?} of {} characters cannot hold 32 random bits",
                tag.len()
            )
        });
    }
    contact(cx);
}

fn call_id(cx: &mut Context<'_, '_>) {
    let value = cx.facts.call_id;
    if value.is_empty() {
        return;
    }
    let word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| {
                is_token(char::from(byte).encode_utf8(&mut [0; 4])) || b"()<>:\\\"/[]?{}".contains(&byte)
            })
    };
    let (first, second) = match value.split_once('@') {
        Some((first, second)) => (first, Some(second)),
        None => (value, None),
    };
    cx.check(Id::CallIdForm, word(first) && second.is_none_or(word), || {
        format!("Call-ID {} is not a word or word@word", shown(value))
    });
}

/// One address by the grammar (RFC 3261 20.10, 25.1).
fn check_value(cx: &mut Context<'_, '_>, value: &str, address: Option<&NameAddr>, readable: Id) {
    cx.check(readable, address.is_some(), || {
        format!("{} is not an address", shown(value))
    });
    let Some(address) = address else { return };
    let open = outside_quotes(value, '<');
    cx.check(
        Id::AddressBrackets,
        open.is_some() || !address.uri.raw.contains([',', '?']),
        || {
            format!(
                "{} has a comma or question mark and no angle brackets",
                shown(value)
            )
        },
    );
    if let Some(open) = open {
        let (display, rest) = value.split_at(open);
        let display = display.trim();
        let plain = display.starts_with('"') || display.split_ascii_whitespace().all(is_token);
        cx.check(Id::DisplayName, plain, || {
            format!("display name {} needs quotes", shown(display))
        });
        let inside = rest
            .strip_prefix('<')
            .and_then(|rest| rest.split('>').next())
            .unwrap_or_default();
        cx.check(Id::AddressSpaces, inside.trim() == inside, || {
            format!("white space inside the angle brackets of {}", shown(value))
        });
    }
}

fn outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            found if found == wanted && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn contact(cx: &mut Context<'_, '_>) {
    let facts = cx.facts;
    let values = facts.message.header_values("contact");
    let addresses = facts.message.contacts();
    for (value, address) in values.iter().zip(addresses).filter(|(value, _)| *value != "*") {
        check_value(cx, value, address.as_ref(), Id::ContactReadable);
    }
    let addresses = || addresses.iter().flatten();
    for address in addresses() {
        check_user(cx, address.uri.user.as_deref());
        if let Some(quality) = address.params.value("q") {
            cx.check(Id::ContactQuality, is_quality(quality), || {
                format!("q={quality} is not 0 to 1 with at most three decimals")
            });
        }
        if let Some(expires) = address.params.value("expires") {
            let valid = text::is_digits(expires) && expires.parse::<u32>().is_ok();
            cx.check(Id::ContactExpires, valid, || {
                format!("expires={expires} is not a number below 2**32")
            });
        }
    }
    // a redirection may name any kind of place (RFC 3261 8.1.3.4)
    let peer = facts.is_request || facts.is_success() || (101..200).contains(&facts.status);
    let dialog = matches!(facts.method, "INVITE" | "SUBSCRIBE" | "REFER" | "UPDATE");
    if facts.is_request {
        match facts.method {
            "INVITE" | "SUBSCRIBE" | "REFER" | "UPDATE" => {
                cx.check(Id::ContactRequest, values.len() == 1, || {
                    format!(
                        "{} has {} Contact values, expected one",
                        facts.method,
                        values.len()
                    )
                });
            }
            "MESSAGE" => cx.check(Id::ContactMessage, values.is_empty(), || {
                "MESSAGE has a Contact".to_owned()
            }),
            _ => {}
        }
    } else if facts.is_success() && matches!(facts.method, "INVITE" | "SUBSCRIBE") {
        cx.check(Id::ContactSuccess, values.len() == 1, || {
            format!(
                "{} to {} has {} Contact values, expected one",
                facts.status,
                facts.method,
                values.len()
            )
        });
    } else if facts.is_success() && matches!(facts.method, "REFER" | "UPDATE") {
        cx.check(Id::ContactRefresh, values.len() == 1, || {
            format!(
                "{} to {} has {} Contact values, expected one",
                facts.status,
                facts.method,
                values.len()
            )
        });
    } else if facts.method == "INVITE" && (101..200).contains(&facts.status) && facts.tag_of_to().is_some() {
        cx.check(Id::ContactProvisional, !values.is_empty(), || {
            format!("{} makes an early dialog but has no Contact", facts.status)
        });
    }
    if dialog && peer && addresses().next().is_some() {
        let foreign = addresses().find(|address| !address.uri.is_sip());
        cx.check(Id::ContactScheme, foreign.is_none(), || {
            format!(
                "Contact {} is no SIP URI",
                foreign.map_or("", |address| &address.uri.raw)
            )
        });
        let secure = facts.is_request && Uri::parse(facts.uri).is_ok_and(|uri| uri.scheme == "sips");
        if secure {
            let all = addresses().all(|address| address.uri.scheme == "sips");
            cx.check(Id::ContactSecure, all, || {
                "the Request-URI is sips, Contact is not".to_owned()
            });
        }
    }
}

/// `qvalue` (RFC 3261 25.1).
fn is_quality(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" => digits,
        "1" => digits && decimals.bytes().all(|byte| byte == b'0'),
        _ => false,
    }
}
